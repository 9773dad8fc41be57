"""One set of pictures, measured: features, distances to the real photos, and what segmenters recognise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from intarsia.data.label_files import Photo
from intarsia.data.transforms import Size
from intarsia.evaluation.confusion import Confusion
from intarsia.evaluation.inception import InceptionFeatures
from intarsia.evaluation.kid import Kid, kid
from intarsia.evaluation.lite0 import Lite0
from intarsia.evaluation.pictures import Picture, Pictures
from intarsia.evaluation.recogniser import Recogniser, translation
from intarsia.evaluation.recognition import LEAST_SHARE, by_class, figures
from intarsia.evaluation.recognition_counts import Counts, sparse
from intarsia.evaluation.store import Rows, Store, Watch
from intarsia.labels import Ids, LabelSpace

FORMAT = 1
AT_ONCE = 4


@dataclass(frozen=True)
class Instruments:
    """What pictures are measured with, and all that moves what it shows, by name."""

    about: dict[str, Any]
    features: Callable[[Sequence[Picture]], npt.NDArray[np.float32]] | None = None
    distance: Callable[[Photo, Photo], float] | None = None
    recogniser: Recogniser | None = None

    @classmethod
    def of_lite0(cls, lite0: Lite0, recogniser: Recogniser | None = None) -> Instruments:
        """EfficientNet-lite0, and a segmenter that knows the classes of the data."""
        about = {"network": "lite0", "weights_sha256": lite0.weights_sha256}
        return cls(about, lambda found: lite0.features([one.photo for one in found]), lite0.distance, recogniser)

    @classmethod
    def of_inception(cls, inception: InceptionFeatures | None, recogniser: Recogniser | None = None) -> Instruments:
        """FID's Inception-v3, and a segmenter of any label space; either may be absent."""
        if inception is None:
            return cls({"network": "none"}, None, None, recogniser)
        about = {
            "network": "inception",
            "weights_sha256": inception.weights_sha256,
            "preparation": inception.preparation,
        }
        return cls(about, lambda found: _of_images(inception, found), None, recogniser)


@dataclass(frozen=True)
class Measured:
    """What was seen in a set of pictures."""

    count: int
    features: npt.NDArray[np.float32] | None  # N d
    distances: npt.NDArray[np.float64] | None  # N: to the real photo of the same place
    recognised: Counts | None  # None without a segmenter or without label maps
    sizes: tuple[Size, ...]  # of the label maps: the smallest and the largest; none without


def measure(
    pictures: Pictures,
    instruments: Instruments,
    what: str,
    watch: Watch,
    *,
    real: Pictures | None = None,
    space: LabelSpace | None = None,
    store: Store | None = None,
) -> Measured:
    """Look at every picture once.

    Args:
        pictures: to look at.
        instruments: to look through.
        what: they are called in the progress.
        watch: shows it.
        real: the photos that the pictures should look like, each in the same place; None: no distances.
        space: of the pictures' label maps, if that is not the segmenter's own.
        store: what was measured before; by default nothing is kept.

    Raises:
        DataError, LabelError: a file is missing or damaged, or the segmenter knows other classes.
    """
    recogniser = instruments.recogniser
    table = None
    if recogniser is not None and space is not None:
        table = translation(space, recogniser.label_space, recogniser.name)

    def look(numbers: Sequence[int]) -> Rows:
        parts = [numbers[first : first + AT_ONCE] for first in range(0, len(numbers), AT_ONCE)]
        found = [_look(part, pictures, real, instruments, table) for part in parts]
        return {name: np.concatenate([rows[name] for rows in found]) for name in found[0]}

    rows = (store or Store()).rows(_about(pictures, real, instruments, table), len(pictures), look, what, watch)
    sizes = {(int(height), int(width)) for height, width in rows["sizes"] if height}
    ends = tuple(dict.fromkeys(end(sizes, key=math.prod) for end in (min, max))) if sizes else ()
    counts = None
    if recogniser is not None and sizes:
        counts = Counts(recogniser.label_space, rows["cells"], rows["counts"], rows["lengths"])
    features = rows["features"] if instruments.features is not None else None
    return Measured(len(pictures), features, None if real is None else rows["distances"], counts, ends)


def kid_between(first: Measured, second: Measured, seed: int) -> Kid:
    """KID of two sets' features."""
    assert first.features is not None
    assert second.features is not None
    return kid(first.features, second.features, seed=seed)


def kid_of_halves(measured: Measured, seed: int) -> Kid:
    """KID of every second picture against the others."""
    assert measured.features is not None
    return kid(measured.features[::2], measured.features[1::2], seed=seed)


def distance_figures(measured: Measured) -> dict[str, float] | None:
    """perceptual-lite0: its mean over pictures, the standard error of that, and the standard deviation."""
    values = measured.distances
    if values is None:
        return None
    sd = float(values.std(ddof=1))
    return {"mean": float(values.mean()), "standard_error": sd / len(values) ** 0.5, "sd": sd, "n": len(values)}


def recognition_figures(measured: Measured, at_least: float = LEAST_SHARE) -> dict[str, Any] | None:
    """Figures of the confusion matrix with their intervals, and each class."""
    if measured.recognised is None:
        return None
    confusion = measured.recognised.confusion()
    return {
        **figures(confusion, at_least),
        "n": measured.count,
        "miou_interval": asdict(measured.recognised.miou_interval(at_least)),
        "accuracy_interval": asdict(measured.recognised.accuracy_interval()),
        "by_class": by_class(confusion, at_least),
    }


def _about(
    pictures: Pictures, real: Pictures | None, instruments: Instruments, table: npt.NDArray[np.int64] | None
) -> dict[str, Any] | None:
    """All that a measurement depends on; None where that is not known."""
    of_real = None if real is None else real.identity
    if pictures.identity is None or (real is not None and of_real is None):
        return None
    recogniser = instruments.recogniser
    return {
        "format": FORMAT,
        "pictures": pictures.identity,
        "compared_with": of_real,
        "instruments": instruments.about,
        "recogniser": None if recogniser is None else recogniser.about,
        "classes": None if table is None else table.tolist(),
    }


def _look(
    numbers: Sequence[int],
    pictures: Pictures,
    real: Pictures | None,
    instruments: Instruments,
    table: npt.NDArray[np.int64] | None,
) -> Rows:
    """What is seen in a few pictures."""
    found = pictures.pictures(numbers)
    rows: Rows = {"sizes": np.asarray([one.truth.shape if one.truth is not None else (0, 0) for one in found])}
    if instruments.features is not None:
        rows["features"] = instruments.features(found)
    if real is not None and instruments.distance is not None:
        pairs = zip(found, real.pictures(numbers), strict=True)
        rows["distances"] = np.asarray([instruments.distance(one.photo, other.photo) for one, other in pairs])
    if instruments.recogniser is not None:
        seen = [sparse(_recognised(one, instruments.recogniser, table)) for one in found]
        rows["cells"], rows["counts"] = (np.concatenate(each) for each in zip(*seen, strict=True))
        rows["lengths"] = np.asarray([len(cells) for cells, _ in seen], np.int64)
    return rows


def _recognised(picture: Picture, recogniser: Recogniser, table: npt.NDArray[np.int64] | None) -> Confusion | None:
    if picture.truth is None:
        return None
    truth: Ids = picture.truth if table is None else table[picture.truth]
    confusion = Confusion(recogniser.label_space)
    confusion.add(truth, recogniser(picture.photo, (truth.shape[0], truth.shape[1])))
    return confusion


def _of_images(inception: InceptionFeatures, found: Sequence[Picture]) -> npt.NDArray[np.float32]:
    """Inception's features of pictures, in one batch where they are of one size."""
    images = [_in_unit_range(picture) for picture in found]
    if len({image.shape for image in images}) == 1:
        return inception.features(torch.stack(images))
    return np.concatenate([inception.features(image[None]) for image in images])


def _in_unit_range(picture: Picture) -> Tensor:
    """3 H W float32 in [0, 1]: the exact image where it was never rounded, else the photo."""
    if picture.exact is not None:
        return torch.from_numpy(picture.exact)
    planes = torch.from_numpy(np.array(picture.photo.transpose(2, 0, 1), order="C"))
    return planes.float() / 255
