"""What label maps are read from photos with: our segmenters, and those of others, behind one door."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from intarsia.checkpoints.models import find_model
from intarsia.data.label_files import Photo
from intarsia.data.transforms import Size, resized_photo
from intarsia.errors import LabelError
from intarsia.files import sha256
from intarsia.labels import Ids, LabelSpace
from intarsia.segmentation.card import SEGMENTERS
from intarsia.segmentation.published import PUBLISHED, open_published
from intarsia.segmentation.segmenter import Segmenter


class Recogniser(Protocol):
    """A trained network that says which class each pixel shows."""

    @property
    def name(self) -> str:
        """What it is called in results."""
        ...

    @property
    def label_space(self) -> LabelSpace:
        """The classes that it tells apart."""
        ...

    @property
    def about(self) -> dict[str, Any]:
        """All that its results depend on, plain values: weights, input, scales."""
        ...

    def __call__(self, photo: Photo, size: Size) -> Ids:
        """Train ids of its label space, of the size given, of a photo H W 3 uint8 of any size. Never don't-care."""
        ...


@dataclass(frozen=True)
class OwnSegmenter:
    """A segmenter of Intarsia: it looks at the photo at the size of the label map, for it learned at that scale."""

    segmenter: Segmenter
    weights_sha256: str

    @classmethod
    def find(cls, name: str, device: str) -> OwnSegmenter:
        """A bundled one by name, a folder, or a hub id.

        Raises:
            CheckpointError: it cannot be read.
        """
        folder = find_model(name, SEGMENTERS)
        return cls(Segmenter.from_pretrained(folder, device), sha256(folder / SEGMENTERS.weights))

    @property
    def name(self) -> str:
        """See `Recogniser`."""
        return self.segmenter.card.segmenter

    @property
    def label_space(self) -> LabelSpace:
        """See `Recogniser`."""
        return self.segmenter.label_space

    @property
    def about(self) -> dict[str, Any]:
        """See `Recogniser`."""
        return {
            "segmenter": self.name,
            "weights_sha256": self.weights_sha256,
            "input": "photos resized to the size of the label map (or its tile): Pillow bicubic, antialiased",
        }

    def __call__(self, photo: Photo, size: Size) -> Ids:
        """See `Recogniser`."""
        return self.segmenter(resized_photo(photo, size))


def find_recogniser(name: str, device: str, weights: Path | None = None) -> Recogniser:
    """One of `segmentation.published`, a bundled segmenter, a folder, or a hub id.

    Raises:
        CheckpointError: it is none of them, or a file is missing, or is another one.
    """
    if name in PUBLISHED:
        return open_published(name, device, weights)
    return OwnSegmenter.find(name, device)


def translation(data: LabelSpace, recogniser: LabelSpace, name: str) -> npt.NDArray[np.int64]:
    """The recogniser's train id by that of the data: classes of equal names; all others are don't-care.

    Raises:
        LabelError: the recogniser knows a class that the data do not have; `name` is what it is called.
    """
    ours = {c.name: number for number, c in enumerate(data.classes)}
    absent = [c.name for c in recogniser.classes if c.name not in ours]
    if absent:
        raise LabelError(
            f"segmenter {name} tells {absent[0]} apart, which is no class of {data.name}. "
            "Choose a segmenter of the data's classes."
        )
    table = np.full(data.channels, len(recogniser.classes), np.int64)
    for number, c in enumerate(recogniser.classes):
        table[ours[c.name]] = number
    return table
