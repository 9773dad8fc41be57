"""KID against its formula written out, and its standard error against what it should be."""

import numpy as np
import pytest

from intarsia.errors import DataError
from intarsia.evaluation.kid import jackknife, kid, subset_values


def features(seed, count, shift=0.0, width=8):
    return np.random.default_rng(seed).gamma(2.0, 0.2, (count, width)) + shift


def written_out(x, y):
    """The unbiased estimate, pair by pair."""

    def k(a, b):
        return (sum(u * v for u, v in zip(a, b, strict=True)) / len(a) + 1) ** 3

    m, n = len(x), len(y)
    within_x = sum(k(x[i], x[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    within_y = sum(k(y[i], y[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    return within_x + within_y - 2 * sum(k(a, b) for a in x for b in y) / (m * n)


def as_torch_fidelity(x, y, subsets, size, seed):
    """Mean and standard deviation over random subsets: degree 3, gamma 1 / d, coefficient 1, unbiased."""
    random, values = np.random.RandomState(seed), []
    for _ in range(subsets):
        a = x[random.choice(len(x), size, replace=False)]
        b = y[random.choice(len(y), size, replace=False)]
        k_aa, k_bb, k_ab = ((p @ q.T / x.shape[1] + 1) ** 3 for p, q in ((a, a), (b, b), (a, b)))
        off = [(k.sum() - np.trace(k)) / (size * (size - 1)) for k in (k_aa, k_bb)]
        values.append(sum(off) - 2 * k_ab.sum() / size**2)
    return np.mean(values), np.std(values)


def test_the_value_is_the_formula():
    x, y = features(0, 23), features(1, 31, 0.1)
    assert kid(x, y).value == pytest.approx(written_out(x, y), abs=1e-12)


def test_the_value_does_not_depend_on_the_blocks():
    x, y = features(0, 23), features(1, 31, 0.1)
    assert jackknife(x, y, 7)[0] == pytest.approx(jackknife(x, y, 2)[0], abs=1e-12)


@pytest.mark.parametrize("size", [5, 23])
def test_subsets_are_those_of_torch_fidelity(size):
    x, y = features(0, 23), features(1, 31, 0.1)
    values = subset_values(x, y, count=9, size=size, seed=2020)
    assert (values.mean(), values.std()) == pytest.approx(as_torch_fidelity(x, y, 9, size, 2020), abs=1e-12)


def test_single_precision_features_lose_nothing_on_the_way():
    x, y = features(0, 40).astype(np.float32), features(1, 40, 0.1).astype(np.float32)
    found = kid(x, y, seed=3)
    assert found.value == pytest.approx(written_out(x.astype(float), y.astype(float)), abs=1e-12)
    expected = as_torch_fidelity(x.astype(float), y.astype(float), 100, 20, 3)
    assert (found.subset_mean, found.subset_sd) == pytest.approx(expected, abs=1e-12)
    assert (found.first, found.second, found.subsets, found.subset_size, found.seed) == (40, 40, 100, 20, 3)


def test_the_jackknife_leaves_blocks_out_of_both_sets():
    x, y = features(0, 11), features(1, 8, 0.1)
    without = []
    for gone_x, gone_y in zip(np.array_split(range(11), 4), np.array_split(range(8), 4), strict=True):
        without.append(written_out(np.delete(x, gone_x, 0), np.delete(y, gone_y, 0)))
    expected = (3 / 4 * np.square(without - np.mean(without)).sum()) ** 0.5
    assert jackknife(x, y, 4)[1] == pytest.approx(expected, rel=1e-9)


def test_it_is_zero_on_average_for_sets_drawn_alike_and_its_error_is_as_large_as_it_says():
    def repeated(shift):
        found = [jackknife(features(2 * i, 60), features(2 * i + 1, 60, shift), 10) for i in range(60)]
        return np.asarray(found).T

    values, errors = repeated(0.0)
    assert abs(values.mean()) < 3 * values.std() / 60**0.5
    assert (values < 0).any()
    far, sure = repeated(0.2)
    assert far.min() > values.max()
    assert np.median(sure) == pytest.approx(far.std(), rel=0.35)
    assert np.median(errors) < np.median(sure)


def test_too_few_images_are_refused():
    with pytest.raises(DataError) as caught:
        kid(features(0, 3), features(1, 9))
    assert str(caught.value) == "KID was asked of a set of 3. Give at least 4 images."
