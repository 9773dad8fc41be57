"""What tools should paint, computed another way: slowly, pixel by pixel, in exact numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np


def line(start, end):
    """Pixels of the straight line: in each column (row, if it is steep) the nearest pixel, both ends among them.

    Where the true line passes just between two pixels either is right; `ties` says so.
    """
    (x0, y0), (x1, y1) = start, end
    steps = max(abs(x1 - x0), abs(y1 - y0))
    found, ties = set(), set()
    for step in range(steps + 1):
        share = Fraction(step, steps) if steps else Fraction(0)
        x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
        if (x % 1 == Fraction(1, 2)) or (y % 1 == Fraction(1, 2)):
            ties.add(step)
        found.add((round(x), round(y)))
    assert not ties, "choose points without ties"
    return found


def brushed(size, points, brush, shape):
    """The mask (H W) of dabs of `brush` pixels in all `points`; `size` is (width, height)."""
    mask = np.zeros(size[::-1], bool)
    rows, columns = np.mgrid[:brush, :brush]
    inside = (2 * columns + 1 - brush) ** 2 + (2 * rows + 1 - brush) ** 2 <= brush**2
    dab = inside if shape == "round" else np.ones_like(inside)
    for x, y in points:
        for row, column in np.argwhere(dab):
            at = y - brush // 2 + row, x - brush // 2 + column
            if 0 <= at[0] < size[1] and 0 <= at[1] < size[0]:
                mask[at] = True
    return mask


def ellipse(size, start, end):
    """The mask of the ellipse between two corners."""
    (left, right), (top, bottom) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    width, height = right - left + 1, bottom - top + 1
    rows, columns = np.mgrid[: size[1], : size[0]]
    across, down = 2 * (columns - left) + 1 - width, 2 * (rows - top) + 1 - height
    return across**2 * height**2 + down**2 * width**2 <= width**2 * height**2


def polygon(size, corners):
    """The mask of a polygon by the even-odd rule, with its outline."""
    mask = np.zeros(size[::-1], bool)
    edges = list(zip(corners, corners[1:] + corners[:1], strict=True))
    for y, x in np.ndindex(mask.shape):
        crossings = 0
        for (ax, ay), (bx, by) in edges:
            if (ay <= y) != (by <= y):
                crossings += ax + Fraction((y - ay) * (bx - ax), by - ay) > x
        mask[y, x] = crossings % 2
    for start, end in edges:
        for x, y in line(start, end):
            mask[y, x] = True
    return mask


def region(labels, x, y):
    """The connected region around a pixel, H W bool."""
    same, found = labels == labels[y, x], np.zeros(labels.shape, bool)
    found[y, x] = True
    while True:
        wider = found.copy()
        wider[1:] |= found[:-1]
        wider[:-1] |= found[1:]
        wider[:, 1:] |= found[:, :-1]
        wider[:, :-1] |= found[:, 1:]
        wider &= same
        if (wider == found).all():
            return found
        found = wider
