"""Two photos as one: inside a mask the new one, outside the old one to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from intarsia.data.label_files import Photo
from intarsia.errors import ConfigError

Mask = npt.NDArray[np.bool_]
FEATHER = 4
"""Pixels over which the new photo fades in, from the mask's border inwards."""


def composite(old: Photo, new: Photo, mask: Mask, feather: int = FEATHER) -> Photo:
    """`new` inside the mask, `old` outside it to the bit.

    Inside, `new` fades in over `feather` pixels from the border (by chessboard distance), so that the seam lies where
    things changed, never in what was to stay. At the borders of the picture nothing fades.

    Args:
        old: H W 3 uint8.
        new: H W 3 uint8.
        mask: H W bool.
        feather: 0 or more; 0 cuts hard.

    Raises:
        ConfigError: the sizes differ, or feather is negative.
    """
    if not old.shape == new.shape == (*mask.shape, 3):
        sizes = " and ".join(f"{shape[0]}x{shape[1]}" for shape in (old.shape, new.shape, mask.shape))
        raise ConfigError(f"the photos and the mask are {sizes} (height x width). Give all in one size.")
    if feather < 0:
        raise ConfigError(f"feather is {feather}. Give 0 or more.")
    share = _depth(mask, feather)[..., None] / (feather + 1)
    mixed = np.rint(old + share * (new.astype(np.float64) - old)).astype(np.uint8)
    return np.where(mask[..., None], mixed, old)


def _depth(mask: Mask, most: int) -> npt.NDArray[Any]:
    """How many pixels inside the mask each pixel lies, 0 (outside) to `most` + 1: H W."""
    depth, inside = mask.astype(np.int64), mask
    for _ in range(most):
        inside = shrunk(inside)
        depth += inside
    return depth


def shrunk(mask: Mask) -> Mask:
    """The mask without the pixels that touch its outside, by side or corner; the picture's border is no outside."""
    padded = np.pad(mask, 1, mode="edge")
    rows = padded[:-2] & padded[1:-1] & padded[2:]
    smaller: Mask = rows[:, :-2] & rows[:, 1:-1] & rows[:, 2:]
    return smaller
