"""One labelled photo, looked at closely: what other processes do of a check. It imports nothing that starts slowly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from intarsia.data.pairs import Listing, Pair, PairFiles
from intarsia.errors import IntarsiaError
from intarsia.labels import LabelSpace

LEAST_SIDE = 16
BLANK = 2  # levels that a photo of one colour may vary by
COLOURED = 8  # a photo with fewer colours may be a label map
WHOLE = 0.999  # of a label map that don't-care may fill


@dataclass(frozen=True)
class Seen:
    """What was found in one pair."""

    files: PairFiles
    wrong: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    pixels: npt.NDArray[np.int64] | None = None  # by train id
    objects: npt.NDArray[np.int64] | None = None
    size: tuple[int, int] = (0, 0)
    photo_digest: str = ""


_OF_PROCESS: list[Listing] = []


def begin(listing: Listing) -> None:
    """Hand a process what is the same for all its pairs."""
    _OF_PROCESS[:] = [listing]


def look_at(part: Sequence[PairFiles]) -> list[Seen]:
    """Look at a few pairs of the listing that this process was handed."""
    return [look(files, _OF_PROCESS[0]) for files in part]


def look(files: PairFiles, listing: Listing) -> Seen:
    """Read one pair and look at what it holds."""
    try:
        pair = listing.read(files, listing.label_space)
    except IntarsiaError as error:
        return Seen(files, (str(error),))
    space, varies = listing.label_space, int(np.ptp(pair.photo)) > BLANK
    pixels = np.bincount(pair.labels.ravel(), minlength=space.channels)
    cells = _cells(pair, space.channels)
    return Seen(
        files,
        tuple(_faults(files, pair, pixels, space, varies)),
        tuple(_remarks(files, pair, pixels, cells, space, varies)),
        pixels,
        np.bincount(cells[:, 1], minlength=space.channels),
        (pair.photo.shape[0], pair.photo.shape[1]),
        hashlib.sha256(pair.photo.tobytes()).hexdigest(),
    )


def _cells(pair: Pair, channels: int) -> npt.NDArray[np.int64]:
    """What occurs together, in rows: an instance number, a train id, how many pixels. None without instance map."""
    if pair.instances is None:
        return np.zeros((0, 3), np.int64)
    keys = pair.instances.astype(np.int64).ravel() * channels + pair.labels.ravel()
    narrow = keys.astype(np.int32) if int(keys.max()) < 2**31 else keys  # sorted in half the time
    found, counts = np.unique(narrow, return_counts=True)
    return np.stack([found // channels, found % channels, counts], 1).astype(np.int64)


def _faults(
    files: PairFiles, pair: Pair, pixels: npt.NDArray[np.int64], space: LabelSpace, varies: bool
) -> Iterable[str]:
    height, width = pair.photo.shape[:2]
    if min(height, width) < LEAST_SIDE:
        yield (
            f"photo {files.photo} is {height}x{width} (height x width): no side should be below {LEAST_SIDE}. "
            "Give larger photos."
        )
    if not varies:
        colour = tuple(int(value) for value in pair.photo[0, 0])
        yield f"photo {files.photo} is of one colour, {colour}. Export it again or remove it with its label map."
    if space.has_dont_care and pixels[-1] > WHOLE * pair.labels.size:
        yield f"label map {files.labels} is don't-care everywhere. Label it or remove it with its photo."


def _remarks(
    files: PairFiles,
    pair: Pair,
    pixels: npt.NDArray[np.int64],
    cells: npt.NDArray[np.int64],
    space: LabelSpace,
    varies: bool,
) -> Iterable[str]:
    names = [c.name for c in space.classes] + ["don't-care"]
    some = pair.photo[::4, ::4].astype(np.int32)
    colours = len(np.unique(some[..., 0] << 16 | some[..., 1] << 8 | some[..., 2]))
    if colours < COLOURED and varies:
        yield f"photo {files.photo} has {colours} colours only: it may be a label map. Look at it."
    if (pixels > 0).sum() == 1 and space.channels > 1 and varies:
        yield f"label map {files.labels} is {names[int(pixels.argmax())]} everywhere. Look at it."
    if files.instances is None:  # objects made of the label map or of polygons say nothing of files
        return
    if clash := _two_classes(cells):
        number, one, other = clash
        yield (
            f"instance map {files.instances} has object {number} in {names[one]} and "
            f"{names[other]}. Look whether it is one."
        )
    if len(cells) and (cells[:, 0] == cells[0, 0]).all() and (pixels > 0).sum() > 1:
        yield f"instance map {files.instances} has one number everywhere. Export it again."


def _two_classes(cells: npt.NDArray[np.int64]) -> tuple[int, int, int] | None:
    """The first object whose pixels are of two classes, each with a tenth of them at least."""
    sizes: dict[int, int] = {}
    for number, _, count in cells.tolist():
        sizes[number] = sizes.get(number, 0) + count
    # 0 is "no object" in many data sets.
    large = [(number, label) for number, label, count in cells.tolist() if number and count >= 0.1 * sizes[number]]
    for (number, one), (other_number, other) in pairwise(large):
        if number == other_number:
            return number, one, other
    return None
