"""Pair -> Sample: photo, labels and instances are resized, cut and flipped together.

Resizing is Pillow's bicubic for photos and nearest for maps, as the published data loaders have it. Their modes, by the
names of pix2pixHD's and SPADE's options:

    resize_and_crop    load_size = (L, L), crop_size = (C, C)    ADE20K, COCO-Stuff: L 286, C 256; in tests L = C = 256
    fixed              load_size = crop_size = (C / aspect, C)   Cityscapes: (256, 512)
    crop               load_size = None
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from intarsia.data.label_files import Photo
from intarsia.data.pairs import Pair
from intarsia.errors import DataError
from intarsia.labels import Ids
from intarsia.records import Sample

Size = tuple[int, int]
"""Height, width."""
TRIES = 8


@dataclass(frozen=True)
class Cut:
    """Where a sample lies in its (resized) photo."""

    left: int
    top: int
    flip: bool


def draw_cut(size: Size, crop_size: Size, *, flip: bool, rng: random.Random) -> Cut:
    """Draw left, top and flip, in the published order: the same `rng` gives what SPADE's loader drew for `size`.

    `size` is that of the resized photo. (Under the mode `fixed` the published loader draws from the size before
    resizing and then uses the flip only.) With `flip` false the third draw is made and dropped.
    """
    left = rng.randint(0, max(0, size[1] - crop_size[1]))
    top = rng.randint(0, max(0, size[0] - crop_size[0]))
    return Cut(left, top, rng.random() > 0.5 and flip)


def sample(
    pair: Pair,
    *,
    load_size: Size | None,
    crop_size: Size,
    flip: bool,
    rng: random.Random,
    one_class_at_most: float = 1.0,
) -> Sample:
    """A random cut of a labelled photo, as networks take it.

    Args:
        pair: the photo and its maps.
        load_size: resized to this first, whatever its shape; None leaves it as it is.
        crop_size: of the cut.
        flip: mirror every second one.
        rng: drawn from in the published order (`draw_cut`).
        one_class_at_most: a cut of which one class fills more is drawn again, `TRIES` times at most; the last stays.

    Raises:
        DataError: the photo is smaller than the cut.
    """
    resized = pair if load_size is None else resize(pair, load_size)
    size = (resized.labels.shape[0], resized.labels.shape[1])
    if size[0] < crop_size[0] or size[1] < crop_size[1]:
        raise DataError(
            f"photo {pair.name} is {size[0]}x{size[1]}, smaller than the crop {crop_size[0]}x{crop_size[1]} "
            "(height x width). Give larger photos, or a recipe with a load_size or a smaller crop_size."
        )
    for _ in range(TRIES):
        cut = draw_cut(size, crop_size, flip=flip, rng=rng)
        if one_class_at_most >= 1 or _largest_share(_window(resized.labels, crop_size, cut)) <= one_class_at_most:
            break
    return cut_out(resized, crop_size, cut)


def resize(pair: Pair, size: Size) -> Pair:
    """The pair at another size, aspect ignored: the photo bicubic (Pillow, with its antialiasing), maps nearest."""
    if pair.labels.shape == size:
        return pair
    instances = None if pair.instances is None else resized_map(pair.instances, size)
    return Pair(pair.name, resized_photo(pair.photo, size), resized_map(pair.labels, size), instances)


def resized_map(ids: Ids, size: Size) -> Ids:
    """A label or instance map (H W) at another size: nearest, as Pillow rounds."""
    if ids.shape == size:
        return ids
    rows, columns = (_nearest(old, new) for old, new in zip(ids.shape, size, strict=True))
    return ids[rows[:, None], columns]


def resized_photo(photo: Photo, size: Size) -> Photo:
    """A photo (H W 3) at another size: bicubic, with Pillow's antialiasing, rounded to uint8."""
    if photo.shape[:2] == size:
        return photo
    return np.asarray(Image.fromarray(photo).resize((size[1], size[0]), Image.Resampling.BICUBIC))


def cut_out(pair: Pair, crop_size: Size, cut: Cut) -> Sample:
    """The window at `cut` as tensors: image float32 in [-1, 1], maps int64."""
    return Sample(
        name=pair.name,
        image=image_tensor(_window(pair.photo, crop_size, cut)),
        labels=_long(_window(pair.labels, crop_size, cut)),
        instances=None if pair.instances is None else _long(_window(pair.instances, crop_size, cut)),
    )


def image_tensor(photo: Photo) -> Tensor:
    """A photo (H W 3 uint8) as 3 H W float32 in [-1, 1]: (value / 255 - 0.5) / 0.5."""
    planes = torch.from_numpy(np.array(photo.transpose(2, 0, 1), order="C"))
    return planes.float().div_(255).sub_(0.5).div_(0.5)


def photo_array(images: Tensor) -> Photo:
    """B 3 H W float32 in [-1, 1] -> B H W 3 uint8, rounded to the nearest value, halves to even."""
    values = ((images.float() + 1) * 127.5).round().clamp(0, 255).byte()
    return np.ascontiguousarray(values.permute(0, 2, 3, 1).cpu().numpy())


def _window(array: npt.NDArray[Any], crop_size: Size, cut: Cut) -> npt.NDArray[Any]:
    window = array[cut.top : cut.top + crop_size[0], cut.left : cut.left + crop_size[1]]
    return window[:, ::-1] if cut.flip else window


def _long(ids: Ids) -> Tensor:
    return torch.from_numpy(ids.astype(np.int64))


def _nearest(old: int, new: int) -> npt.NDArray[np.int64]:
    """The source index of each place, as Pillow rounds it: the pixel under the place's centre."""
    line = Image.fromarray(np.arange(old, dtype=np.int32)[None])
    return np.asarray(line.resize((new, 1), Image.Resampling.NEAREST)).ravel().astype(np.int64)


def _largest_share(labels: Ids) -> float:
    return float(np.bincount(labels.ravel()).max() / labels.size)
