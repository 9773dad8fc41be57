"""Photos as arrays, tensors and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from intarsia.data.label_files import Photo
from intarsia.errors import ConfigError
from intarsia.files import whole_file


def photo_tensor(photo: Photo) -> Tensor:
    """H W 3 uint8 -> 3 H W float32 in [-1, 1].

    Raises:
        ConfigError: it is no such array.
    """
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape:
        raise ConfigError(f"the style photo is {photo.dtype} of shape {photo.shape}; expected uint8 H W 3.")
    return torch.from_numpy(np.ascontiguousarray(photo.transpose(2, 0, 1))).float() / 127.5 - 1


def photo_array(images: Tensor) -> Photo:
    """B 3 H W float32 in [-1, 1] -> B H W 3 uint8, rounded to the nearest value, halves to even."""
    values = ((images.float() + 1) * 127.5).round().clamp(0, 255).byte()
    return np.ascontiguousarray(values.permute(0, 2, 3, 1).cpu().numpy())


def write_photo(path: Path, photo: Photo) -> None:
    """Write H W 3 uint8 as a PNG, whole or not at all.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    with whole_file(path) as temporary:
        Image.fromarray(photo).save(temporary, format="PNG")
