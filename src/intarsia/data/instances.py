"""Instance maps from what a data set has: COCO's panoptic PNG files or polygons, or the label map's own regions."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from intarsia.data.label_files import read_photo
from intarsia.data.pairs import Pair, PairFiles, read_pair
from intarsia.errors import DataError
from intarsia.labels import Ids, LabelSpace

Reader = Callable[[PairFiles, LabelSpace], Pair]


@dataclass(frozen=True)
class Panoptic:
    """Reads a pair whose instance map is a panoptic PNG: its colours are numbers, red + 256 green + 65536 blue."""

    base: Reader = read_pair  # reads the rest

    def __call__(self, files: PairFiles, space: LabelSpace) -> Pair:
        """A labelled photo.

        Raises:
            DataError: a file is missing or damaged, or sizes differ.
            LabelError: a label is not in the label space.
        """
        pair = self.base(replace(files, instances=None), space)
        if files.instances is None:
            return pair
        colours = read_photo(files.instances).astype(np.int32)
        check_shape(pair, colours.shape[:2], files.photo, files.instances)
        return replace(pair, instances=colours[..., 0] + (colours[..., 1] << 8) + (colours[..., 2] << 16))


@dataclass(frozen=True)
class CocoPolygons:
    """Reads a pair whose objects are polygons of a COCO file: filled in their order over the regions of the labels.

    Crowds stay part of their region, as in SPADE's script.
    """

    annotations: Path
    base: Reader = read_pair  # reads the rest

    def __call__(self, files: PairFiles, space: LabelSpace) -> Pair:
        """A labelled photo.

        Raises:
            DataError: a file is missing, damaged or malformed, or sizes differ.
            LabelError: a label is not in the label space.
        """
        pair = self.base(files, space)
        of_image = _polygons(*_dated(self.annotations)).get(files.name.lstrip("0") or "0", ())
        return replace(pair, instances=filled(pair.labels, of_image))


@dataclass(frozen=True)
class Regions:
    """Reads a pair without instance map: each connected region of a class is an object."""

    base: Reader = read_pair  # reads the rest

    def __call__(self, files: PairFiles, space: LabelSpace) -> Pair:
        """A labelled photo.

        Raises:
            DataError: a file is missing or damaged, or sizes differ.
            LabelError: a label is not in the label space.
        """
        pair = self.base(files, space)
        return replace(pair, instances=regions_of(pair.labels))


def regions_of(labels: Ids) -> npt.NDArray[np.int32]:
    """Numbers of the connected regions of a label map (H W), in the order of their first pixels."""
    from intarsia.kernels import connected_regions  # with numba, which takes seconds

    given = np.ascontiguousarray(labels, np.int64)
    found = np.empty_like(given)
    connected_regions(given, found, False)
    return found.astype(np.int32)


def filled(labels: Ids, objects: Sequence[Sequence[Sequence[float]]]) -> npt.NDArray[np.int32]:
    """An instance map (H W): train ids where no object is, and behind them a number for each object.

    Args:
        labels: H W train ids.
        objects: each a list of polygons x, y, x, y, ... in pixels.
    """
    image = Image.fromarray(labels.astype(np.int32))
    first, draw = int(labels.max()) + 1, ImageDraw.Draw(image)
    for number, polygons in enumerate(objects):
        for polygon in polygons:
            draw.polygon([float(value) for value in polygon], fill=first + number)
    return np.asarray(image, np.int32)


def check_shape(pair: Pair, shape: Sequence[int], photo: Path, instances: Path) -> None:
    """Refuse an instance map of another size than its photo.

    Raises:
        DataError: it is.
    """
    if tuple(shape) != pair.photo.shape[:2]:
        raise DataError(
            f"photo {photo} is {pair.photo.shape[0]}x{pair.photo.shape[1]} and its instance map {instances} "
            f"is {shape[0]}x{shape[1]} (height x width). Make both the same size."
        )


def _dated(path: Path) -> tuple[Path, int]:
    """A file and when it was written, so that it is read again when it changes."""
    if not path.is_file():
        raise DataError(f"{path} does not exist. Unpack it again.")
    return path.resolve(), path.stat().st_mtime_ns


@lru_cache(maxsize=2)
def _polygons(path: Path, _written: int) -> dict[str, list[list[list[float]]]]:
    """Polygons of each object that is no crowd, by image id."""
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_bytes())["annotations"]
        found: dict[str, list[list[list[float]]]] = {}
        for row in rows:
            if not row.get("iscrowd") and isinstance(row["segmentation"], list):
                polygons = [polygon for polygon in row["segmentation"] if len(polygon) >= 6]
                found.setdefault(str(row["image_id"]), []).append(polygons)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path.name} is no file of COCO's instances ({error!r}). Unpack it again.") from None
    return found
