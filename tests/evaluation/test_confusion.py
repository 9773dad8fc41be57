"""Counting what was recognised, against a straightforward reference."""

import numpy as np
import pytest

from intarsia.errors import LabelError
from intarsia.evaluation.confusion import Confusion
from intarsia.labels import numbered

SPACE = numbered("four", 4, dont_care_ids=(255,))
DONT_CARE = 4


def added(truth, predicted, space=SPACE):
    confusion = Confusion(space)
    confusion.add(np.asarray(truth), np.asarray(predicted))
    return confusion


def reference_iou(truth, predicted, classes):
    """Each class by counting sets of pixels."""
    ious = []
    cared = truth < classes
    for number in range(classes):
        there, said = (truth == number) & cared, (predicted == number) & cared
        union = (there | said).sum()
        ious.append((there & said).sum() / union if union else np.nan)
    return np.array(ious)


@pytest.fixture
def maps():
    """Label maps with don't-care pixels and predictions, of which class 3 is in neither."""
    draw = np.random.default_rng(0)
    truth = draw.choice([0, 1, 2, DONT_CARE], (3, 20, 30), p=[0.6, 0.3, 0.05, 0.05])
    wrong = draw.random(truth.shape) < 0.3
    return truth, np.where(wrong | (truth == DONT_CARE), draw.integers(0, 3, truth.shape), truth)


def test_iou_and_its_means_are_the_references(maps):
    truth, predicted = maps
    expected = reference_iou(truth, predicted, 4)
    confusion = added(truth, predicted)
    np.testing.assert_allclose(confusion.iou(), expected)
    assert np.isnan(expected[3])
    assert confusion.miou() == pytest.approx(expected[:3].mean())
    shares = np.array([(truth == number).sum() for number in range(4)]) / (truth < 4).sum()
    np.testing.assert_allclose(confusion.shares(), shares)
    assert shares[2] < 0.1
    assert confusion.miou(at_least=0.1) == pytest.approx(expected[:2].mean())
    assert confusion.counted(at_least=0.1).tolist() == [True, True, False, False]
    assert confusion.frequency_weighted_iou() == pytest.approx((expected[:3] * shares[:3]).sum())


def test_accuracy_is_counted_both_ways(maps):
    truth, predicted = maps
    right = (truth == predicted).sum()
    confusion = added(truth, predicted)
    assert confusion.accuracy() == pytest.approx(right / (truth < 4).sum())
    assert confusion.accuracy("wrong") == pytest.approx(right / truth.size)


def test_photos_add_up(maps):
    truth, predicted = maps
    one_by_one = Confusion(SPACE)
    for pair in zip(truth, predicted, strict=True):
        one_by_one.add(*pair)
    assert np.array_equal(one_by_one.counts, added(truth, predicted).counts)
    assert one_by_one.counts.sum() == truth.size


def test_narrow_integers_do_not_overflow():
    space = numbered("many", 250)
    ids = np.full((2, 2), 249, np.uint8)
    assert added(ids, ids, space).counts[249, 249] == 4


def test_a_class_that_is_predicted_but_never_there_counts_as_nothing_recognised():
    confusion = added([0, 0, 1, 1], [0, 0, 1, 2])
    assert confusion.iou()[:3].tolist() == [1, 0.5, 0]
    assert confusion.miou() == pytest.approx(0.5)
    assert confusion.miou(at_least=0.001) == pytest.approx(0.75)


def test_what_was_predicted_under_dont_care_is_no_false_alarm():
    confusion = added([0, 0, DONT_CARE, DONT_CARE], [0, 0, 2, 0])
    assert confusion.iou()[0] == 1
    assert np.isnan(confusion.iou()[2])


@pytest.mark.parametrize("truth", [[], [DONT_CARE]])
def test_nothing_labelled_is_not_a_number(truth):
    confusion = added(np.array(truth, int), np.zeros(len(truth), int))
    measures = [confusion.miou(), confusion.accuracy(), confusion.frequency_weighted_iou(), *confusion.shares()]
    assert np.isnan(measures).all()
    assert confusion.accuracy("wrong") == pytest.approx(0.0 if truth else np.nan, nan_ok=True)


def test_maps_that_do_not_fit_are_refused_and_nothing_is_counted():
    confusion = Confusion(SPACE)
    with pytest.raises(LabelError) as refused:
        confusion.add(np.zeros((2, 2), int), np.zeros((2, 3), int))
    assert str(refused.value) == "the truth is of shape (2, 2) and the prediction of (2, 3). Give both in one size."
    with pytest.raises(LabelError) as refused:
        confusion.add(np.zeros(2, int), np.array([0, DONT_CARE]))
    assert str(refused.value) == (
        "the prediction has train ids 0..4; four has 0..3 there. Encode raw ids with LabelSpace.encode."
    )
    with pytest.raises(LabelError) as refused:
        confusion.add(np.array([0, 255]), np.zeros(2, int))
    assert str(refused.value) == (
        "the truth has train ids 0..255; four has 0..4 there. Encode raw ids with LabelSpace.encode."
    )
    assert not confusion.counts.any()
