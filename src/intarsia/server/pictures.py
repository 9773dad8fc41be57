"""Pictures over the border: what was sent as arrays, and arrays as files."""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
from collections.abc import Iterable
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from intarsia.data.label_files import Photo, Sent, label_image, read_instance_map
from intarsia.errors import ConfigError, DataError
from intarsia.labels import Ids, LabelSpace
from intarsia.server.schemas import Region
from intarsia.synthesis import regions

Format = Literal["png", "webp"]
MEDIA_TYPES: dict[Format, str] = {"png": "image/png", "webp": "image/webp"}
QUALITY = 92  # of WebP


def encoded(photo: Photo, form: Format) -> bytes:
    """H W 3 uint8 as a file. PNG keeps every value; WebP is smaller and does not."""
    file, image = io.BytesIO(), Image.fromarray(photo)
    if form == "png":
        image.save(file, "PNG", compress_level=1)  # the quickest: the answer is waited for
    else:
        image.save(file, "WEBP", quality=QUALITY, method=0)
    return file.getvalue()


def index_png(train: Ids, space: LabelSpace) -> bytes:
    """Train ids (H W) as a PNG of raw ids."""
    file = io.BytesIO()
    label_image(train, space).save(file, "PNG")
    return file.getvalue()


def zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Named files as a ZIP, as they are: pictures do not get smaller."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def region_of(given: Region, size: tuple[int, int], most_pixels: int) -> regions.Region:
    """A region as scenes take it.

    Args:
        given: as it was sent.
        size: height and width of the label map.
        most_pixels: of a mask.

    Raises:
        ConfigError: a box lies outside the label map, or a mask is of another size.
        DataError: a mask is no PNG.
    """
    if given.class_name is not None:
        return given.class_name
    if given.instance is not None:
        return given.instance
    return _box(given.box, size) if given.box is not None else _mask(given.mask or "", size, most_pixels)


def check_sizes(size: tuple[int, int], **others: npt.NDArray[np.generic] | None) -> None:
    """Refuse maps and photos of another height and width than the label map's.

    Raises:
        ConfigError: one is.
    """
    for name, other in others.items():
        if other is not None and other.shape[:2] != size:
            raise ConfigError(
                f"{name} is {other.shape[0]}x{other.shape[1]} and labels {size[0]}x{size[1]} (height x width). "
                "Send both in one size."
            )


def _box(box: tuple[int, int, int, int], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    top, left, height, width = box
    if not height or not width or top + height > size[0] or left + width > size[1]:
        raise ConfigError(
            f"box {list(box)} is empty or lies outside the label map of {size[0]}x{size[1]} (height x width). "
            "Give top, left, height and width inside it."
        )
    mask = np.zeros(size, np.bool_)
    mask[top : top + height, left : left + width] = True
    return mask


def _mask(text: str, size: tuple[int, int], most_pixels: int) -> npt.NDArray[np.bool_]:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise DataError("mask of a region is not base64. Send a PNG, encoded so.") from None
    mask = read_instance_map(Sent("mask of a region", content), most_pixels=most_pixels) > 0
    check_sizes(size, mask=mask)
    return mask
