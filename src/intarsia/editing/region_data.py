"""Regions as JSON has them, in requests and in project files."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, model_validator

from intarsia.data.label_files import MOST_PIXELS, Sent, read_instance_map
from intarsia.editing.looks import Reroll
from intarsia.editing.pictures import png
from intarsia.editing.raster import rectangle
from intarsia.errors import ConfigError, DataError
from intarsia.labels import MAX_RAW_ID
from intarsia.records import LAST_SEED
from intarsia.synthesis.regions import Region

Seed = Annotated[int, Field(ge=0, le=LAST_SEED, strict=True)]
Side = Annotated[int, Field(ge=0, le=MAX_RAW_ID, strict=True)]


class RegionData(BaseModel):
    """One region of a label map: exactly one of the four."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    class_name: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, alias="class", description="All pixels of a class, by its name."
    )
    instance: Side | None = Field(default=None, description="All pixels of this number in the instance map.")
    box: tuple[Side, Side, Side, Side] | None = Field(default=None, description="Top, left, height, width in pixels.")
    mask: Annotated[str, Field(max_length=2**24)] | None = Field(
        default=None, description="A PNG as large as the label map, in base64; zero is outside."
    )

    @model_validator(mode="after")
    def _one(self) -> RegionData:
        given = [value for value in (self.class_name, self.instance, self.box, self.mask) if value is not None]
        if len(given) != 1:
            raise ValueError(f"a region needs one of class, instance, box and mask, and {len(given)} were given")
        return self

    def on(self, size: tuple[int, int], most_pixels: int = MOST_PIXELS) -> Region:
        """The region as scenes take it, on a label map of `size` (height, width).

        Raises:
            ConfigError: a box lies outside the label map, or a mask is of another size.
            DataError: a mask is no PNG, or has more than `most_pixels`.
        """
        if self.class_name is not None:
            return self.class_name
        if self.instance is not None:
            return self.instance
        return _box(self.box, size) if self.box is not None else _mask(self.mask or "", size, most_pixels)


class RerollData(RegionData):
    """A region that looks as under another seed."""

    seed: Seed

    def reroll(self, size: tuple[int, int], most_pixels: int = MOST_PIXELS) -> Reroll:
        """As looks take it; errors are those of `on`."""
        return Reroll(self.on(size, most_pixels), self.seed)

    @classmethod
    def of(cls, reroll: Reroll) -> RerollData:
        """What `reroll` gives back; masks become PNGs."""
        region, seed = reroll.region, reroll.seed
        if isinstance(region, str):
            return cls.model_validate({"class": region, "seed": seed})
        if isinstance(region, int):
            return cls(instance=region, seed=seed)
        mask = png(Image.fromarray(region.astype(np.uint8) * 255))
        return cls(mask=base64.b64encode(mask).decode(), seed=seed)


def _box(box: tuple[int, int, int, int], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    top, left, height, width = box
    if not height or not width or top + height > size[0] or left + width > size[1]:
        raise ConfigError(
            f"box {list(box)} is empty or lies outside the label map of {size[0]}x{size[1]} (height x width). "
            "Give top, left, height and width inside it."
        )
    return rectangle(size, box)


def _mask(text: str, size: tuple[int, int], most_pixels: int) -> npt.NDArray[np.bool_]:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise DataError("mask of a region is not base64. Send a PNG, encoded so.") from None
    mask = read_instance_map(Sent("mask of a region", content), most_pixels=most_pixels) > 0
    if mask.shape != size:
        raise ConfigError(
            f"mask of a region is {mask.shape[0]}x{mask.shape[1]} and the label map {size[0]}x{size[1]} "
            "(height x width). Send both in one size."
        )
    return mask
