"""Pictures as bytes."""

from __future__ import annotations

import io
from typing import Literal

from PIL import Image

from intarsia.data.label_files import Photo

Format = Literal["png", "webp"]
QUALITY = 92  # of WebP


def png(image: Image.Image) -> bytes:
    """An image as a PNG, written at the quickest level: somebody waits for it."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def encoded(photo: Photo, form: Format) -> bytes:
    """H W 3 uint8 as a file. PNG keeps every value; WebP is smaller and does not."""
    image = Image.fromarray(photo)
    if form == "png":
        return png(image)
    file = io.BytesIO()
    image.save(file, "WEBP", quality=QUALITY, method=0)
    return file.getvalue()
