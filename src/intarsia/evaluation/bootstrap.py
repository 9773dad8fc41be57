"""How sure a figure is: it is computed again and again of pictures drawn from the same pictures (Efron 1979)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]
SHARE = 0.95


@dataclass(frozen=True)
class Interval:
    """A figure, and where it lies with a confidence of `share`: the basic bootstrap (Davison & Hinkley 1997, 5.2)."""

    value: float
    low: float
    high: float
    standard_error: float
    share: float
    rounds: int
    seed: int


def resampled(
    figure: Callable[..., float], sizes: Sequence[int], *, rounds: int, seed: int, share: float = SHARE
) -> Interval:
    """The figure of all pictures, and its interval.

    Args:
        figure: of places in each set (as many arrays as there are sizes), drawn with repetition.
        sizes: how many pictures each set has.
        rounds: how often they are drawn.
        seed: of the draws.
        share: of the confidence.
    """
    random = np.random.default_rng(seed)
    value = figure(*(np.arange(size) for size in sizes))
    values = np.asarray([figure(*(random.integers(0, size, size) for size in sizes)) for _ in range(rounds)])
    below, above = np.nanquantile(values, [(1 - share) / 2, (1 + share) / 2])
    return Interval(
        value=value,
        low=float(2 * value - above),
        high=float(2 * value - below),
        standard_error=float(np.nanstd(values, ddof=1)),
        share=share,
        rounds=rounds,
        seed=seed,
    )


def mean_interval(values: npt.NDArray[np.floating], *, rounds: int = 1000, seed: int = 0) -> Interval:
    """The mean of one value for each picture, and its interval."""
    return resampled(lambda places: float(values[places].mean()), (len(values),), rounds=rounds, seed=seed)
