"""Segment banks: the photos of a data set, cut up, to look up segments in (SIMS, Qi et al., CVPR 2018, section 3.1).

FOLDER/card.json             label space, size, which classes are thin or flat, the order of classes, where it is from
FOLDER/segments.safetensors  photos, label maps, the segments' numbers in them, and a description of each segment
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from intarsia.checkpoints import snapshot
from intarsia.checkpoints.snapshot import CARD
from intarsia.checkpoints.tensors import read_tensors, write_tensors
from intarsia.conditioning.canvas import Picture
from intarsia.conditioning.segments import Labels, Mask, Segment, in_front, large_segments, overlap, touching_pairs
from intarsia.data.sources import Source
from intarsia.data.transforms import resize
from intarsia.errors import CheckpointError, ConfigError, LabelError
from intarsia.files import whole_folder
from intarsia.labels import LabelSpace
from intarsia.synthesis.segment_index import ClassIndex, check_installed, described, indexed, surroundings

FORMAT, KIND = 1, "intarsia segment bank"
TENSORS = "segments.safetensors"
SHORTLIST = 50  # segments that are compared pixel by pixel
KEPT = 10  # of these, as published

Watch = Callable[[Iterable[int], str, int], Iterable[int]]


@dataclass(frozen=True, eq=False)
class Found:
    """A segment of the bank that is like one asked for."""

    number: int
    score: float  # overlap of the masks plus overlap of what is around them: 0 to 2
    mask: Mask
    photo: npt.NDArray[np.uint8]  # H W 3, that it is from

    @property
    def picture(self) -> Picture:
        """The photo in [0, 1]."""
        picture: Picture = np.divide(self.photo, 255, dtype=np.float32)
        return picture


@dataclass(frozen=True, eq=False)
class SegmentBank:
    """Photos of one size, and the large segments in them."""

    label_space: LabelSpace
    data: str  # the data set
    thin: tuple[int, ...]  # classes, see `conditioning.canvas.Roles`
    ground: tuple[int, ...]
    order: tuple[int, ...]  # classes from back to front: how often they are behind
    photos: npt.NDArray[np.uint8]  # N H W 3
    labels: npt.NDArray[np.int32]  # N H W train ids
    regions: npt.NDArray[np.int32]  # N H W: the segment that a pixel belongs to; -1 for none
    photo_of: npt.NDArray[np.int32]  # S
    label_of: npt.NDArray[np.int32]  # S
    descriptions: npt.NDArray[np.float32]  # S LENGTH
    source: str = "given"  # what errors call the bank
    _indices: dict[int, ClassIndex | None] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """How many segments there are."""
        return len(self.label_of)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of photos and masks."""
        return self.photos.shape[1], self.photos.shape[2]

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many segments each class has, by its name."""
        return {one.name: int((self.label_of == label).sum()) for label, one in enumerate(self.label_space.classes)}

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What an evaluation says of it; the digest tells whether two banks hold the same."""
        found = hashlib.sha256()
        for name in ARRAYS:
            found.update(np.ascontiguousarray(getattr(self, name)).tobytes())
        return {"data": self.data, "photos": len(self.photos), "segments": len(self), "sha256": found.hexdigest()}

    def retrieve(self, segment: Segment, labels: Labels, count: int = KEPT) -> list[Found]:
        """The segments of the bank that are most like one of a label map, best first; none if its class has none.

        Descriptions find `SHORTLIST` of its class; their masks and what is around them are compared with it.

        Args:
            segment: H W as the bank's.
            labels: the label map that it is part of, H W train ids.
            count: how many, at most.

        Raises:
            ConfigError: the size is another than the bank's.
        """
        if segment.mask.shape != self.size:
            raise ConfigError(
                f"the segment is {segment.mask.shape[0]}x{segment.mask.shape[1]} and those of bank {self.source} are "
                f"{self.size[0]}x{self.size[1]} (height x width). Resize its label map."
            )
        index = self._index(segment.label)
        if index is None:
            return []
        description = described(segment.mask, labels, self.label_space.channels)
        numbers = index.nearest(description, SHORTLIST)
        found = [self._compared(int(number), segment, labels) for number in numbers]
        return sorted(found, key=lambda one: -one.score)[:count]

    def lacking(self, labels: Iterable[int]) -> list[str]:
        """The names of those of some classes that the bank has no segment of."""
        names = [one.name for one in self.label_space.classes]
        return [names[label] for label in sorted(set(labels)) if label < len(names) and not self.counts[names[label]]]

    def save(self, folder: Path) -> None:
        """Write the bank; an older one is replaced.

        Raises:
            ConfigError: the folder holds something else.
            StorageError: the disk is full or the folder cannot be written.
        """
        check_replaceable(folder)
        card = {
            "format": FORMAT,
            "kind": KIND,
            "data": self.data,
            "label_space": self.label_space.to_dict(),
            "thin": self.thin,
            "ground": self.ground,
            "order": self.order,
            "segments": self.counts,
        }
        arrays = {name: torch.from_numpy(getattr(self, name)) for name in ARRAYS}
        with whole_folder(folder) as temporary:
            (temporary / CARD).write_text(json.dumps(card, indent=1) + "\n")
            write_tensors(temporary / TENSORS, arrays)

    @classmethod
    def load(cls, folder: Path) -> SegmentBank:
        """Read a bank.

        Raises:
            CheckpointError: a file is missing or damaged, or it is no bank.
            ConfigError: scikit-learn is not installed.
        """
        check_installed()
        card = _card(folder)
        tensors = read_tensors(folder / TENSORS)
        try:
            return cls(
                label_space=LabelSpace.from_dict(card["label_space"], f"in {folder / CARD}"),
                data=card["data"],
                thin=tuple(card["thin"]),
                ground=tuple(card["ground"]),
                order=tuple(card["order"]),
                photos=tensors["photos"].numpy(),
                labels=tensors["labels"].numpy(),
                regions=tensors["regions"].numpy(),
                photo_of=tensors["photo_of"].numpy(),
                label_of=tensors["label_of"].numpy(),
                descriptions=tensors["descriptions"].numpy(),
                source=str(folder),
            )
        except (KeyError, TypeError, LabelError) as error:
            raise CheckpointError(f"segment bank {folder} is malformed ({error}). Build it again.") from None

    def _compared(self, number: int, segment: Segment, labels: Labels) -> Found:
        photo = int(self.photo_of[number])
        mask: Mask = self.regions[photo] == number
        top, bottom, left, right = surroundings(segment.mask)
        either = (segment.mask | mask)[top:bottom, left:right]
        ours, theirs = (maps[top:bottom, left:right][~either] for maps in (labels, self.labels[photo]))
        same = int((ours == theirs).sum())
        around = same / max(2 * ours.size - same, 1)  # classes together: what agrees is in both, the rest in one
        return Found(number, overlap(segment.mask, mask) + around, mask, self.photos[photo])

    def _index(self, label: int) -> ClassIndex | None:
        if label not in self._indices:
            rows = (self.label_of == label).nonzero()[0]
            self._indices[label] = indexed(rows, self.descriptions[rows]) if len(rows) else None
        return self._indices[label]


ARRAYS = ("photos", "labels", "regions", "photo_of", "label_of", "descriptions")


def build_segment_bank(
    source: Source,
    *,
    size: tuple[int, int],
    thin: Sequence[int],
    ground: Sequence[int],
    photos: int | None = None,
    watch: Watch = lambda numbers, _what, _total: numbers,
) -> SegmentBank:
    """The bank of a data set's photos.

    Args:
        source: labelled photos.
        size: that they are resized to.
        thin: classes of things that do not split what is behind them.
        ground: classes that lie flat.
        photos: how many, evenly spread; all by default.
        watch: may show progress.

    Raises:
        ConfigError: scikit-learn is not installed.
        DataError: a photo cannot be read.
    """
    check_installed()
    space = source.label_space
    count = len(source) if photos is None else min(photos, len(source))
    pictures, maps, regions = [], [], []
    owners: list[int] = []
    classes: list[int] = []
    descriptions = []
    front, met = np.zeros(len(space.classes)), np.zeros(len(space.classes))
    for place in watch(range(count), "cutting photos up", count):
        pair = resize(source.pair(place * len(source) // count), size)
        labels = pair.labels.astype(np.int64)
        segments = large_segments(labels, thin, len(space.classes))
        numbers = np.full(size, -1, np.int32)
        for segment in segments:
            numbers[segment.mask] = len(owners)
            owners.append(place)
            classes.append(segment.label)
            descriptions.append(described(segment.mask, labels, space.channels))
        for first, second in touching_pairs(segments):
            nearer = in_front(first, second, ground)
            if nearer is not None:
                met[[first.label, second.label]] += 1
                front[nearer.label] += 1
        pictures.append(pair.photo)
        maps.append(labels.astype(np.int32))
        regions.append(numbers)
    often = front / np.maximum(met, 1)
    return SegmentBank(
        label_space=space,
        data=source.name,
        thin=tuple(thin),
        ground=tuple(ground),
        order=tuple(int(label) for label in np.argsort(often, kind="stable")),
        photos=np.stack(pictures),
        labels=np.stack(maps),
        regions=np.stack(regions),
        photo_of=np.array(owners, np.int32),
        label_of=np.array(classes, np.int32),
        descriptions=np.array(descriptions, np.float32).reshape(len(owners), -1),
    )


def check_replaceable(folder: Path) -> None:
    """Refuse to write a bank in the place of something else.

    Raises:
        ConfigError: `folder` is there, and is neither a segment bank nor empty.
    """
    snapshot.check_replaceable(folder, TENSORS, "segment bank")


def _card(folder: Path) -> Mapping[str, Any]:
    values = snapshot.card_values(folder, "no segment bank. Build one: intarsia bank build.")
    if values.get("kind") != KIND:
        raise CheckpointError(f"{folder} is no segment bank. Build one: intarsia bank build.")
    return values
