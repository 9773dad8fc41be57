"""A label map that a person works on: strokes, objects, undo and redo.

    document = Document.blank(space, (256, 256), "sky")
    document.rectangle((160, 0), (255, 255), "road")
    document.stroke([(200, 30), (210, 90)], "car", width=12, instance=document.free_instance())
    document.undo()

Points are (row, column). What is painted goes only where it may: inside the selection, if there is one, and never over
protected classes.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from intarsia.conditioning.objects import connected_regions
from intarsia.data.label_files import (
    File,
    Photo,
    read_instance_map,
    read_label_map,
    write_instance_map,
    write_label_map,
)
from intarsia.editing import outlines, raster
from intarsia.editing.composite import Mask
from intarsia.editing.palette import translated
from intarsia.editing.raster import Point, Tip
from intarsia.errors import ConfigError, LabelError
from intarsia.labels import MAX_RAW_ID, Ids, LabelSpace

Maps: TypeAlias = npt.NDArray[np.uint16]
"""Label map and instance map, 2 H W."""


@dataclass(frozen=True)
class Change:
    """What one operation changed: a box of the maps before and after, compressed."""

    rows: slice
    columns: slice
    before: bytes
    after: bytes


@dataclass(eq=False)
class Document:
    """Label map and instance map, the photo under edit if there is one, and what was done so far."""

    space: LabelSpace
    maps: Maps = field(repr=False)  # raw ids, as in files; object numbers, 0 where a pixel belongs to none
    source: Photo | None = field(default=None, repr=False)  # H W 3 uint8: a real photo under edit
    source_labels: Maps | None = field(default=None, repr=False)  # 2 H W: its maps before the first change
    selection: Mask | None = field(default=None, repr=False)  # H W bool: where may be painted; None: everywhere
    protected: frozenset[str] = frozenset()  # classes that are not painted over
    _done: list[Change] = field(default_factory=list, repr=False)
    _undone: list[Change] = field(default_factory=list, repr=False)

    @classmethod
    def blank(cls, space: LabelSpace, size: tuple[int, int], fill: str) -> Document:
        """A map of one class; `size` is height, width.

        Raises:
            LabelError: no class has that name.
            ConfigError: the size has no pixels.
        """
        if min(size) < 1:
            raise ConfigError(f"a map of {size[0]}x{size[1]} has no pixels. Give height and width.")
        maps = np.zeros((2, *size), np.uint16)
        maps[0] = space.classes[space.index(fill)].id
        return cls(space, maps)

    @classmethod
    def of(cls, space: LabelSpace, label_map: Ids, instances: Ids | None = None) -> Document:
        """A document of arrays: H W raw ids, and object numbers 0..65535 of the same shape.

        Raises:
            LabelError: an id is no class, a number is out of range, or the shapes differ.
        """
        space.encode(label_map, "given")
        numbers = np.zeros_like(label_map) if instances is None else np.asarray(instances)
        if numbers.shape != label_map.shape:
            raise LabelError(
                f"the instance map has shape {numbers.shape} and the label map {label_map.shape}. Give both in one."
            )
        if numbers.min() < 0 or numbers.max() > MAX_RAW_ID:
            raise LabelError(f"the instance map has numbers outside 0..{MAX_RAW_ID}. Number its objects anew.")
        return cls(space, np.stack([label_map, numbers]).astype(np.uint16))

    @classmethod
    def open(cls, label_map: str | File, space: LabelSpace, instances: str | File | None = None) -> Document:
        """A document of files: an index, palette or colour PNG of the space, and an instance map.

        Raises:
            IntarsiaError: as `read_label_map` and `read_instance_map`; or sizes differ.
        """
        train = read_label_map(_file(label_map), space).labels
        objects = None if instances is None else read_instance_map(_file(instances))
        return cls.of(space, space.decode(train), objects)

    @classmethod
    def of_photo(cls, photo: Photo, space: LabelSpace, label_map: Ids, instances: Ids | None = None) -> Document:
        """A document of a real photo (H W 3 uint8) and its label map: what changes from now on is made anew.

        Raises:
            LabelError: as `of`, or the photo has another size.
        """
        document = cls.of(space, label_map, instances)
        if photo.shape[:2] != document.size:
            raise LabelError(
                f"the photo has shape {photo.shape[:2]} and its label map {document.size}. Give both in one size."
            )
        document.source, document.source_labels = photo, document.maps.copy()
        return document

    @property
    def size(self) -> tuple[int, int]:
        """Height, width."""
        return self.maps.shape[1], self.maps.shape[2]

    @property
    def labels(self) -> npt.NDArray[np.uint16]:
        """H W raw ids."""
        labels: npt.NDArray[np.uint16] = self.maps[0]
        return labels

    @property
    def instances(self) -> npt.NDArray[np.uint16]:
        """H W object numbers, 0 where a pixel belongs to none."""
        instances: npt.NDArray[np.uint16] = self.maps[1]
        return instances

    @property
    def train(self) -> npt.NDArray[np.int64]:
        """H W train ids."""
        return self.space.encode(self.labels, "of the document")

    def complete_instances(self) -> npt.NDArray[np.int64] | None:
        """Object numbers as models want them, H W; None if there are no objects.

        Pixels without an object get a number for their class, so that classes stay apart where no object is.
        """
        if not self.instances.any():
            return None
        return np.where(self.instances > 0, self.instances, MAX_RAW_ID + 1 + self.labels.astype(np.int64))

    def changed(self) -> Mask:
        """Where a document of a photo differs from what it was at first, H W bool.

        Raises:
            ConfigError: it is of no photo.
        """
        if self.source_labels is None:
            raise ConfigError("the document is of no photo. Make one with Document.of_photo.")
        mask: Mask = (self.maps != self.source_labels).any(0)
        return mask

    # -- painting

    def paint(self, mask: Mask, class_name: str, instance: int = 0) -> None:
        """Give the pixels of a mask (H W bool) a class and an object number.

        Raises:
            LabelError: no class has that name, or the number is out of range.
        """
        if not 0 <= instance <= MAX_RAW_ID:
            raise LabelError(f"instance {instance} is outside 0..{MAX_RAW_ID}. Choose a number inside.")
        pixel = np.asarray([self._id(class_name), instance], np.uint16)
        self._commit(mask, np.broadcast_to(pixel[:, None, None], self.maps.shape))

    def stroke(
        self, points: Sequence[Point], class_name: str, *, width: int = 1, tip: Tip = "round", instance: int = 0
    ) -> None:
        """Draw a brush of `width` pixels through points; two points make a line.

        Raises:
            LabelError: as `paint`.
            ConfigError: there is no point, or the width is below 1.
        """
        if not points or width < 1:
            raise ConfigError(f"a stroke has {len(points)} points and width {width}. Give at least one, and 1 or more.")
        self.paint(raster.stroke(self.size, points, width, tip), class_name, instance)

    def rectangle(self, corner: Point, opposite: Point, class_name: str, *, instance: int = 0) -> None:
        """Fill a rectangle; both corners are inside."""
        self.paint(raster.rectangle(self.size, raster.between(corner, opposite)), class_name, instance)

    def ellipse(self, corner: Point, opposite: Point, class_name: str, *, instance: int = 0) -> None:
        """Fill the ellipse inscribed in a rectangle."""
        self.paint(raster.ellipse(self.size, raster.between(corner, opposite)), class_name, instance)

    def polygon(self, corners: Sequence[Point], class_name: str, *, instance: int = 0) -> None:
        """Fill a polygon or lasso, outline included.

        Raises:
            ConfigError: it has no corner.
        """
        if not corners:
            raise ConfigError("a polygon has no corner. Give at least one.")
        self.paint(raster.polygon(self.size, corners), class_name, instance)

    def fill(self, at: Point, class_name: str, *, contiguous: bool = True, instance: int = 0) -> None:
        """Fill the region of equal class and object around a pixel; or all pixels of that class and object.

        Raises:
            ConfigError: the pixel is outside the map.
        """
        self.paint(self.region(at, contiguous=contiguous), class_name, instance)

    def replace(self, class_name: str, by: str) -> None:
        """Turn a class into another; objects keep their numbers.

        Raises:
            LabelError: no class has that name.
        """
        maps = self.maps.copy()
        maps[0] = self._id(by)
        self._commit(self.of_class(class_name), maps)

    def relabel(self, instance: int, class_name: str) -> None:
        """Give an object another class.

        Raises:
            LabelError: there is no such object or class.
        """
        self.paint(self.of_instance(instance), class_name, instance)

    def delete(self, instance: int) -> None:
        """Remove an object: its pixels become what is nearest to each.

        Raises:
            LabelError: there is no such object.
        """
        mask = self.of_instance(instance)
        self._commit(mask, self._taken(outlines.nearest_outside(mask)))

    def grow(self, mask: Mask, pixels: int) -> None:
        """Grow a region: what comes in takes the class and object that most of its pixels have."""
        self._reshape(mask, outlines.grown(mask, pixels))

    def shrink(self, mask: Mask, pixels: int) -> None:
        """Shrink a region: what goes out takes what is nearest outside."""
        self._reshape(mask, outlines.shrunk(mask, pixels))

    def smooth(self, mask: Mask, reach: int) -> None:
        """Smooth the outline of a region."""
        self._reshape(mask, outlines.smoothed(mask, reach))

    # -- regions

    def at(self, point: Point) -> tuple[str, int]:
        """The name of the class and the object number of a pixel ("don't-care" where nobody labelled).

        Raises:
            ConfigError: the pixel is outside the map.
        """
        row, column = self._inside(point)
        names = [each.name for each in self.space.classes] + ["don't-care"]
        train = int(self.space.encode(self.labels[row : row + 1, column : column + 1], "of the document")[0, 0])
        return names[train], int(self.instances[row, column])

    def region(self, at: Point, *, contiguous: bool = True) -> Mask:
        """The region of equal class and object around a pixel, H W bool: connected by sides, or all of it.

        Raises:
            ConfigError: the pixel is outside the map.
        """
        row, column = self._inside(at)
        pixels = self.labels.astype(np.int64) << 16 | self.instances
        if contiguous:
            pixels = connected_regions(torch.from_numpy(pixels)[None])[0].numpy()
        mask: Mask = pixels == pixels[row, column]
        return mask

    def of_class(self, class_name: str) -> Mask:
        """All pixels of a class, H W bool.

        Raises:
            LabelError: no class has that name.
        """
        mask: Mask = self.labels == self._id(class_name)
        return mask

    def of_instance(self, instance: int) -> Mask:
        """All pixels of an object, H W bool.

        Raises:
            LabelError: there is no such object.
        """
        mask: Mask = self.instances == instance
        if not instance or not mask.any():
            raise LabelError(f"there is no object {instance}. There are {_listed(np.unique(self.instances))}.")
        return mask

    def free_instance(self) -> int:
        """The smallest object number that no pixel has.

        Raises:
            LabelError: all are in use.
        """
        free = np.setdiff1d(np.arange(1, MAX_RAW_ID + 1), self.instances)
        if not len(free):
            raise LabelError(f"all {MAX_RAW_ID} object numbers are in use. Delete an object first.")
        return int(free[0])

    # -- history

    @property
    def steps(self) -> int:
        """How many operations can be undone."""
        return len(self._done)

    def undo(self) -> bool:
        """Take the last operation back; whether there was one."""
        return self._travel(self._done, self._undone, "before")

    def redo(self) -> bool:
        """Do again what was taken back; whether there was something."""
        return self._travel(self._undone, self._done, "after")

    # -- files

    def translated(self, space: LabelSpace) -> Document:
        """The map in another label space (`palette.mapped` says how classes become others); its history starts anew."""
        labels = space.decode(translated(self.train, self.space, space))
        if self.source is None or self.source_labels is None:
            return Document.of(space, labels, self.instances)
        before = space.decode(translated(self.space.encode(self.source_labels[0], "before"), self.space, space))
        document = Document.of_photo(self.source, space, before, self.source_labels[1])
        document.maps = np.stack([labels, self.instances]).astype(np.uint16)
        return document

    def write_labels(self, path: Path) -> None:
        """Write the label map as an index PNG with the space's palette.

        Raises:
            StorageError: the file cannot be written.
        """
        write_label_map(path, self.train, self.space)

    def write_instances(self, path: Path) -> None:
        """Write the instance map as a 16-bit PNG.

        Raises:
            StorageError: the file cannot be written.
        """
        write_instance_map(path, self.instances)

    # -- inside

    def _id(self, class_name: str) -> int:
        return self.space.classes[self.space.index(class_name)].id

    def _inside(self, point: Point) -> Point:
        if not (0 <= point[0] < self.size[0] and 0 <= point[1] < self.size[1]):
            raise ConfigError(f"pixel {point} is outside the map of {self.size[0]}x{self.size[1]} (height x width).")
        return point

    def _reshape(self, before: Mask, after: Mask) -> None:
        """Give what came into a region its commonest class and object, and what went out the nearest outside."""
        if not before.any():
            raise ConfigError("the region has no pixel. Give at least one.")
        maps = self._taken(outlines.nearest_outside(before))
        pixels, counts = np.unique(self.maps[:, before], axis=1, return_counts=True)
        maps[:, after] = pixels[:, counts.argmax(), None]
        self._commit(before != after, maps)

    def _taken(self, places: npt.NDArray[np.int64]) -> Maps:
        """The maps as they would be if each pixel were the one at `places` (-1 stays)."""
        taken: Maps = self.maps.reshape(2, -1)[:, places.clip(0)]
        return np.where(places < 0, self.maps, taken)

    def _commit(self, mask: Mask, maps: Maps) -> None:
        """Take over other maps inside a mask, where may be painted, as one step of the history."""
        if self.selection is not None:
            mask = mask & self.selection
        for name in self.protected:
            mask = mask & ~self.of_class(name)
        mask = mask & (maps != self.maps).any(0)
        if not mask.any():
            return
        places = mask.nonzero()
        rows, columns = (slice(int(place.min()), int(place.max()) + 1) for place in places)
        before = self.maps[:, rows, columns]
        after = np.where(mask[rows, columns], maps[:, rows, columns], before)
        self._done.append(Change(rows, columns, _packed(before), _packed(after)))
        self._undone.clear()
        self.maps[:, rows, columns] = after

    def _travel(self, come: list[Change], go: list[Change], which: str) -> bool:
        if not come:
            return False
        change = come.pop()
        go.append(change)
        box = self.maps[:, change.rows, change.columns]
        box[...] = np.frombuffer(zlib.decompress(getattr(change, which)), np.uint16).reshape(box.shape)
        return True


def _file(given: str | File) -> File:
    return Path(given) if isinstance(given, str) else given


def _packed(maps: Maps) -> bytes:
    return zlib.compress(np.ascontiguousarray(maps).tobytes(), 1)


def _listed(numbers: npt.NDArray[np.uint16]) -> str:
    return ", ".join(str(number) for number in numbers[numbers > 0][:10]) or "none"
