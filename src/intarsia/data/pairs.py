"""A labelled photo: where it lies, and how it is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from intarsia.data.label_files import Photo, read_instance_map, read_label_map, read_photo
from intarsia.errors import DataError
from intarsia.labels import Ids, LabelSpace


@dataclass(frozen=True)
class Pair:
    """One labelled photo, whole, as it lies on disk."""

    name: str
    photo: Photo  # H W 3 uint8
    labels: Ids  # H W train ids; uint8 where the label space has at most 256 channels, else int64
    instances: Ids | None = None  # H W, any numbering; equal numbers are one object


@dataclass(frozen=True)
class PairFiles:
    """Where one labelled photo lies: files, or members of an archive."""

    name: str
    photo: Path
    labels: Path
    instances: Path | None = None
    parts: tuple[Path, ...] = ()  # further files of the label map, where it comes in several
    archive: Path | None = None  # the other paths then say where in it

    @property
    def stored_photo(self) -> Path:
        """The file on disk that holds the photo."""
        return self.archive or self.photo

    @property
    def stored_maps(self) -> tuple[Path, ...]:
        """The files on disk that hold label and instance maps."""
        if self.archive is not None:
            return (self.archive,)
        return (self.labels, *self.parts, *(() if self.instances is None else (self.instances,)))


def read_pair(files: PairFiles, space: LabelSpace, labels: Ids | None = None) -> Pair:
    """Read one labelled photo. `labels` are its train ids, where its label map was read in some other way.

    Raises:
        DataError: a file is missing or damaged, or sizes differ.
        LabelError: a label is not in the label space.
    """
    photo = read_photo(files.photo)
    labels = read_label_map(files.labels, space).labels if labels is None else labels
    instances = None if files.instances is None else read_instance_map(files.instances)
    return sized_alike(files, space, photo, labels, instances)


def sized_alike(files: PairFiles, space: LabelSpace, photo: Photo, labels: Ids, instances: Ids | None) -> Pair:
    """A photo and its maps as a pair; `files` names them in errors.

    Raises:
        DataError: sizes differ.
    """
    for what, path, array in (("label map", files.labels, labels), ("instance map", files.instances, instances)):
        if array is not None and array.shape != photo.shape[:2]:
            raise DataError(
                f"photo {files.photo} is {photo.shape[0]}x{photo.shape[1]} and its {what} {path} "
                f"is {array.shape[0]}x{array.shape[1]} (height x width). Make both the same size."
            )
    # Narrow types, since sources keep pairs in memory; no PNG has wider values than 32 bit.
    narrow: Ids = labels.astype(np.uint8) if space.channels <= 256 else labels
    return Pair(files.name, photo, narrow, None if instances is None else instances.astype(np.int32))


@dataclass(frozen=True)
class Listing:
    """What a layout found in a folder: the label space, the files of one split, and all that is wrong with them.

    `visits` is how often an epoch comes by each photo: more than once where crops are much smaller than photos.
    `one_class_at_most` is the share of a crop that one class should fill; a duller one is drawn again.
    `read` reads one pair of files, and `reading` says, for people and for results that are kept, what it does beyond
    reading files as they are. It travels to other processes, so it is a function of a module or a frozen dataclass.
    """

    label_space: LabelSpace
    files: tuple[PairFiles, ...]
    wrong: tuple[str, ...] = ()
    visits: int = 1
    one_class_at_most: float = 1.0
    read: Callable[[PairFiles, LabelSpace], Pair] = read_pair
    reading: str = ""


def matched(
    photos: dict[str, Path], labels: dict[str, Path], instances: dict[str, Path], expected: Callable[[str, str], Path]
) -> tuple[tuple[PairFiles, ...], tuple[str, ...]]:
    """Photos and maps of the same name as pairs, in natural order, and a sentence for each that lacks its partner.

    `expected(kind, name)` is the path where the missing "photo", "label map" or "instance map" should have been.
    Instance maps may be absent altogether.
    """
    wrong = [
        f"photo {photos[name]} has no label map. Add {expected('label map', name)} or remove the photo."
        for name in in_order(photos.keys() - labels.keys())
    ]
    for what, maps in (("label map", labels), ("instance map", instances)):
        wrong += [
            f"{what} {maps[name]} has no photo. Add {expected('photo', name)} or remove the {what}."
            for name in in_order(maps.keys() - photos.keys())
        ]
    if instances:
        wrong += [
            f"photo {photos[name]} has no instance map. Add {expected('instance map', name)} or remove all of them."
            for name in in_order(photos.keys() - instances.keys())
        ]
    names = in_order(photos.keys() & labels.keys())
    return tuple(PairFiles(name, photos[name], labels[name], instances.get(name)) for name in names), tuple(wrong)


def in_order(names: set[str]) -> list[str]:
    """Names in natural order: 9 comes before 10."""

    def parts(name: str) -> list[tuple[bool, str]]:
        return [(part.isdigit(), part.zfill(20) if part.isdigit() else part) for part in re.split(r"(\d+)", name)]

    return sorted(names, key=parts)
