"""The Frechet distance between two sets of features: FID, where these are Inception's (Heusel et al. 2017, eq. 6).

    d^2 = |m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2))

The trace of the square root is the sum of the square roots of the eigenvalues of C1 C2, as torch-fidelity computes it:
no matrix square root is needed, which newer releases of SciPy no longer offer in the form that older tools call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from intarsia.errors import DataError
from intarsia.evaluation.bootstrap import Interval, resampled

Features = npt.NDArray[np.floating]  # N d
Numbers = npt.NDArray[np.float64]
Precision = Literal["float64", "float32"]
ROUNDS = 50


@dataclass(frozen=True)
class Moments:
    """Mean and covariance of a set of features, all that the distance looks at."""

    mean: Numbers  # d
    covariance: Numbers  # d d, of the sample: divided by N - 1
    count: int


def moments(features: Features, precision: Precision = "float64") -> Moments:
    """Mean and covariance of features (N d); `precision` is that of the sums, which OASIS's training has in float32.

    Raises:
        DataError: there are fewer than two.
    """
    if len(features) < 2:
        raise DataError(f"the Frechet distance was asked of a set of {len(features)}. Give at least 2 images.")
    values = features.astype(precision)
    mean = values.mean(0)
    centred = values - mean
    covariance = (centred.T @ centred) / values.dtype.type(len(values) - 1)
    return Moments(mean.astype(np.float64), covariance.astype(np.float64), len(features))


def frechet(first: Moments, second: Moments) -> float:
    """The squared Frechet distance of two normal distributions; what papers print as FID."""
    roots = np.sqrt(np.linalg.eigvals(first.covariance @ second.covariance).astype(np.complex128)).real.sum()
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    return float(np.square(first.mean - second.mean).sum() + traces - 2 * roots)


def frechet_of(first: Features, second: Features) -> float:
    """The same from features: much quicker for sets of fewer images than features.

    With C = X'X / (N - 1) of centred features X, the eigenvalues of C1 C2 are the squared singular values of
    X1 X2' / sqrt((N1 - 1) (N2 - 1)).
    """
    if min(len(first), len(second)) >= first.shape[1]:
        return frechet(moments(first), moments(second))
    centred, means, spread = [], [], 0.0
    for features in (first, second):
        values = features.astype(np.float64)
        means.append(values.mean(0))
        values = (values - means[-1]) / np.sqrt(len(values) - 1)
        spread += float(np.square(values).sum())
        centred.append(values)
    roots = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum()
    return float(np.square(means[0] - means[1]).sum() + spread - 2 * roots)


def frechet_interval(first: Features, second: Features, *, rounds: int = ROUNDS, seed: int = 0) -> Interval:
    """How sure the distance is: both sets are drawn anew from themselves, `rounds` times.

    A set drawn with repetition is poorer than the set that it is drawn from, so these distances lie above the true
    one; the basic bootstrap interval takes that bias away again.
    """
    sizes = (len(first), len(second))
    return resampled(lambda a, b: frechet_of(first[a], second[b]), sizes, rounds=rounds, seed=seed)
