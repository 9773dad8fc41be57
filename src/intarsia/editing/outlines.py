"""Regions that grow, shrink and get smooth: masks H W, and the label maps that follow them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from intarsia.editing.composite import Mask


def grown(mask: Mask, steps: int) -> Mask:
    """The mask grown by so many pixels: by the four neighbours and by all eight in turn, which makes octagons."""
    for step in range(steps):
        mask = _dilated(mask, corners=step % 2 == 1)
    return mask


def shrunk(mask: Mask, steps: int) -> Mask:
    """The mask shrunk likewise; it stays where it meets the border of the map."""
    return ~grown(~mask, steps)


def smoothed(mask: Mask, reach: int) -> Mask:
    """The mask with a smooth outline: each pixel goes with the majority of the (2 reach + 1)^2 around it."""
    height, width = mask.shape
    sums = np.zeros((height + 1, width + 1), np.int64)
    sums[1:, 1:] = mask.cumsum(0).cumsum(1)
    top, bottom = _window(height, reach)
    left, right = _window(width, reach)
    inside = sums[bottom][:, right] - sums[bottom][:, left] - sums[top][:, right] + sums[top][:, left]
    outside = (bottom - top)[:, None] * (right - left)[None] - inside
    return np.where(inside == outside, mask, inside > outside)


def nearest_outside(mask: Mask) -> npt.NDArray[np.int64]:
    """For each pixel the place (in reading order) of the nearest one outside the mask: H W; -1 if there is none.

    By steps to the side, up and down; of equally near ones the first in reading order.
    """
    nowhere = mask.size
    source = np.where(mask, nowhere, np.arange(mask.size).reshape(mask.shape))
    while True:
        around = np.pad(source, 1, constant_values=nowhere)
        near = np.minimum.reduce([around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]])
        reached = (source == nowhere) & (near < nowhere)
        if not reached.any():
            return np.where(source == nowhere, -1, source)
        source = np.where(reached, near, source)


def _window(length: int, reach: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First place and place after the last of the window around each place."""
    places = np.arange(length)
    return (places - reach).clip(0), (places + reach + 1).clip(max=length)


def _dilated(mask: Mask, *, corners: bool) -> Mask:
    around = np.pad(mask, 1)
    rows = around[:-2] | around[1:-1] | around[2:]
    if corners:
        square: Mask = rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]
        return square
    cross: Mask = rows[:, 1:-1] | around[1:-1, :-2] | around[1:-1, 2:]
    return cross
