"""KID, the kernel distance between two sets of features (Binkowski, Sutherland, Arbel, Gretton 2018).

The squared maximum mean discrepancy under the kernel k(x, y) = (x . y / d + 1)^3, estimated without bias: 0 on average
for two sets drawn alike, however small they are (it may then be negative), where FID grows as sets shrink.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from intarsia.errors import DataError

Features = npt.NDArray[np.floating]  # N d
Numbers = npt.NDArray[np.float64]
DEGREE, OFFSET = 3, 1.0
SUBSETS, LARGEST_SUBSET = 100, 1000
BLOCKS = 10
FEWEST = 4


@dataclass(frozen=True)
class Kid:
    """KID of two sets of images, with how sure it is."""

    value: float  # of all pairs of images
    standard_error: float  # of `value`: jackknife over `blocks`
    blocks: int
    first: int  # images in the first set
    second: int
    subset_mean: float  # of random subsets, as torch-fidelity draws them
    subset_sd: float  # of one subset's value, not of the mean
    subsets: int
    subset_size: int
    seed: int


def kid(first: Features, second: Features, *, seed: int = 0) -> Kid:
    """KID of two sets of features, each N d.

    Images that lie side by side in both sets (neighbouring cuts of one photo, a photo and what was made of its labels)
    should have neighbouring places, since the jackknife leaves out whole blocks of places.

    Args:
        first: of the one set.
        second: of the other.
        seed: of the subsets.

    Raises:
        DataError: a set has fewer than `FEWEST` images.
    """
    fewer = min(len(first), len(second))
    if fewer < FEWEST:
        raise DataError(f"KID was asked of a set of {fewer}. Give at least {FEWEST} images.")
    x, y = first.astype(np.float64), second.astype(np.float64)
    size = min(LARGEST_SUBSET, fewer // 2)
    values = subset_values(x, y, count=SUBSETS, size=size, seed=seed)
    blocks = min(BLOCKS, fewer // 2)
    value, error = jackknife(x, y, blocks)
    return Kid(
        value=value,
        standard_error=error,
        blocks=blocks,
        first=len(x),
        second=len(y),
        subset_mean=float(values.mean()),
        subset_sd=float(values.std()),
        subsets=SUBSETS,
        subset_size=size,
        seed=seed,
    )


def kernel(x: Numbers, y: Numbers) -> Numbers:
    """k(x, y) for each row of `x` (N d) with each of `y` (M d): N M."""
    products: Numbers = x @ y.T
    products /= x.shape[1]
    products += OFFSET
    return products**DEGREE


def subset_values(x: Numbers, y: Numbers, *, count: int, size: int, seed: int) -> Numbers:
    """The unbiased estimate of `count` pairs of subsets of `size`, drawn without repetition (`count` float64).

    With one seed the draws are those of torch-fidelity, and so are the mean and the standard deviation.
    """
    random = np.random.RandomState(seed)
    values = np.empty(count)
    for number in range(count):
        a = x[random.choice(len(x), size, replace=False)]
        b = y[random.choice(len(y), size, replace=False)]
        values[number] = _Sums.of(a, b, 1).estimate()
    return values


def jackknife(x: Numbers, y: Numbers, blocks: int) -> tuple[float, float]:
    """The unbiased estimate of all images, and its standard error.

    The error is that of the delete-a-group jackknife: a block of consecutive places is left out of both sets, in turn.
    """
    sums = _Sums.of(x, y, blocks)
    without = np.asarray([sums.without(block).estimate() for block in range(blocks)])
    error = np.sqrt((blocks - 1) * without.var())
    return sums.estimate(), float(error)


@dataclass(frozen=True)
class _Sums:
    """Sums of the kernel over pairs of different images, by block: all that an estimate needs."""

    within_x: Numbers  # blocks x blocks
    within_y: Numbers
    across: Numbers
    count_x: Numbers  # images by block
    count_y: Numbers

    @classmethod
    def of(cls, x: Numbers, y: Numbers, blocks: int) -> _Sums:
        xs, ys = np.array_split(x, blocks), np.array_split(y, blocks)
        return cls(
            within_x=_block_sums(xs, xs) - np.diag([_diagonal(block) for block in xs]),
            within_y=_block_sums(ys, ys) - np.diag([_diagonal(block) for block in ys]),
            across=_block_sums(xs, ys),
            count_x=np.asarray([len(block) for block in xs], np.float64),
            count_y=np.asarray([len(block) for block in ys], np.float64),
        )

    def without(self, block: int) -> _Sums:
        """The same, a block left out of both sets."""
        return _Sums(
            within_x=_without(self.within_x, block),
            within_y=_without(self.within_y, block),
            across=_without(self.across, block),
            count_x=np.delete(self.count_x, block),
            count_y=np.delete(self.count_y, block),
        )

    def estimate(self) -> float:
        """The unbiased estimate of the squared discrepancy."""
        m, n = self.count_x.sum(), self.count_y.sum()
        within = self.within_x.sum() / (m * (m - 1)) + self.within_y.sum() / (n * (n - 1))
        return float(within - 2 * self.across.sum() / (m * n))


def _without(sums: Numbers, block: int) -> Numbers:
    return np.delete(np.delete(sums, block, 0), block, 1)


def _block_sums(xs: list[Numbers], ys: list[Numbers]) -> Numbers:
    return np.asarray([[kernel(x, y).sum() for y in ys] for x in xs])


def _diagonal(x: Numbers) -> float:
    """The sum of k(x, x) over the rows."""
    return float((((x * x).sum(1) / x.shape[1] + OFFSET) ** DEGREE).sum())
