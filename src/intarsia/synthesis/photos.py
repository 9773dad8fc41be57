"""Photos as a person gives and takes them: checked arrays, and files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from intarsia.data.label_files import Photo
from intarsia.data.transforms import image_tensor
from intarsia.errors import ConfigError
from intarsia.files import whole_file


def photo_tensor(photo: Photo) -> Tensor:
    """H W 3 uint8 -> 3 H W float32 in [-1, 1].

    Raises:
        ConfigError: it is no such array.
    """
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape:
        raise ConfigError(f"the style photo is {photo.dtype} of shape {photo.shape}; expected uint8 H W 3.")
    return image_tensor(photo)


def diversity(photos: Sequence[Photo]) -> float:
    """How far photos of one size are apart: the mean absolute difference of two of them, in levels of 0..255.

    Zero for a single one.
    """
    pairs = list(combinations([photo.astype(np.int16) for photo in photos], 2))
    return sum(float(np.abs(one - other).mean()) for one, other in pairs) / max(len(pairs), 1)


def write_photo(path: Path, photo: Photo) -> None:
    """Write H W 3 uint8 as a PNG, whole or not at all.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    with whole_file(path) as temporary:
        Image.fromarray(photo).save(temporary, format="PNG")
