"""One set of pictures, measured: features, distances to the real photos, and what a segmenter recognises."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from intarsia.data.transforms import Size, resized_photo
from intarsia.evaluation.confusion import Confusion
from intarsia.evaluation.kid import Kid, kid
from intarsia.evaluation.lite0 import Lite0
from intarsia.evaluation.pictures import Picture, Pictures
from intarsia.evaluation.recognition import by_class, figures
from intarsia.segmentation.segmenter import Segmenter

AT_ONCE = 4
Watch = Callable[[Iterable[Sequence[int]], str, int], Iterable[Sequence[int]]]
"""Shows progress: (batches of numbers, what is done, how many batches) -> the same batches."""


@dataclass(frozen=True)
class Instruments:
    """What pictures are measured with."""

    lite0: Lite0
    segmenter: Segmenter | None = None
    segmenter_sha256: str = ""  # of its weights, as they were when it was read


@dataclass(frozen=True)
class Measured:
    """What was seen in a set of pictures."""

    features: npt.NDArray[np.float32]  # N 1280
    distances: npt.NDArray[np.float64] | None  # N: perceptual-lite0 to the real photo of the same place
    confusion: Confusion | None  # None without a segmenter or without label maps
    sizes: tuple[Size, ...]  # of the label maps: the smallest and the largest; none without


def measure(
    pictures: Pictures, instruments: Instruments, what: str, watch: Watch, *, real: Pictures | None = None
) -> Measured:
    """Look at every picture once.

    Args:
        pictures: to look at.
        instruments: to look through.
        what: they are called in the progress.
        watch: shows it.
        real: the photos that the pictures should look like, each in the same place; None: no distances.

    Raises:
        DataError, LabelError: a file is missing or damaged.
    """
    features, distances, sizes = [], [], set[Size]()
    confusion = None
    batches = [range(start, min(start + AT_ONCE, len(pictures))) for start in range(0, len(pictures), AT_ONCE)]
    for numbers in watch(batches, what, len(batches)):
        found = pictures.pictures(numbers)
        features.append(instruments.lite0.features([picture.photo for picture in found]))
        if real is not None:
            pairs = zip(found, real.pictures(numbers), strict=True)
            distances += [instruments.lite0.distance(one.photo, other.photo) for one, other in pairs]
        sizes |= {(one.truth.shape[0], one.truth.shape[1]) for one in found if one.truth is not None}
        if instruments.segmenter is not None:
            confusion = _recognised(found, instruments.segmenter, confusion)
    ends = tuple(dict.fromkeys(end(sizes, key=math.prod) for end in (min, max))) if sizes else ()
    return Measured(np.concatenate(features), None if real is None else np.asarray(distances), confusion, ends)


def kid_between(first: Measured, second: Measured, seed: int) -> Kid:
    """KID-lite0 of two sets."""
    return kid(first.features, second.features, seed=seed)


def kid_of_halves(measured: Measured, seed: int) -> Kid:
    """KID-lite0 of every second picture against the others."""
    return kid(measured.features[::2], measured.features[1::2], seed=seed)


def distance_figures(measured: Measured) -> dict[str, float] | None:
    """perceptual-lite0: its mean over pictures, the standard error of that, and the standard deviation."""
    values = measured.distances
    if values is None:
        return None
    sd = float(values.std(ddof=1))
    return {"mean": float(values.mean()), "standard_error": sd / len(values) ** 0.5, "sd": sd, "n": len(values)}


def recognition_figures(measured: Measured) -> dict[str, Any] | None:
    """Figures of the confusion matrix, and each class."""
    if measured.confusion is None:
        return None
    return {**figures(measured.confusion), "by_class": by_class(measured.confusion)}


def _recognised(pictures: Sequence[Picture], segmenter: Segmenter, confusion: Confusion | None) -> Confusion | None:
    """Add pictures that have label maps to the matrix, made when first needed."""
    for picture in pictures:
        if picture.truth is not None:
            confusion = confusion or Confusion(segmenter.label_space)
            size = (picture.truth.shape[0], picture.truth.shape[1])
            confusion.add(picture.truth, segmenter(resized_photo(picture.photo, size)))
    return confusion
