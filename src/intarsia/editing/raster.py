"""Shapes as masks, without anti-aliasing: a pixel belongs to a shape or it does not.

Points are (row, column) of pixels and may lie outside the map; shapes are clipped. The studio's page follows the same
rules, so that a stroke is the same pixels in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from intarsia.editing.composite import Mask

Point: TypeAlias = tuple[int, int]
"""Row, column."""
Box: TypeAlias = tuple[int, int, int, int]
"""Top, left, height, width."""
Tip: TypeAlias = Literal["round", "square"]
Spans: TypeAlias = npt.NDArray[np.int64]
"""Rows of pixels, N 3: row, first column, column after the last."""


def between(one: Point, other: Point) -> Box:
    """The box with these two corners, both of them inside."""
    top, left = min(one[0], other[0]), min(one[1], other[1])
    return top, left, abs(one[0] - other[0]) + 1, abs(one[1] - other[1]) + 1


def rectangle(size: tuple[int, int], box: Box) -> Mask:
    """Every pixel of a box, on a map of `size` (height, width)."""
    return _filled(size, _moved(_square(box[2], box[3]), box[:2]))


def ellipse(size: tuple[int, int], box: Box) -> Mask:
    """The ellipse inscribed in a box: pixels whose centre lies in it."""
    return _filled(size, _moved(_round(box[2], box[3]), box[:2]))


def line(one: Point, other: Point) -> npt.NDArray[np.int64]:
    """The pixels of Bresenham's line from the first point to the last: N 2, row and column."""
    (y, x), (y1, x1) = one, other
    right, down = abs(x1 - x), -abs(y1 - y)
    step_x, step_y = (1 if x < x1 else -1), (1 if y < y1 else -1)
    error, pixels = right + down, [(y, x)]
    while (y, x) != other:
        twice = 2 * error
        if twice >= down:
            error, x = error + down, x + step_x
        if twice <= right:
            error, y = error + right, y + step_y
        pixels.append((y, x))
    return np.asarray(pixels, np.int64)


def stroke(size: tuple[int, int], points: Sequence[Point], width: int = 1, tip: Tip = "round") -> Mask:
    """A brush of `width` pixels drawn through points: a dab in each pixel of the lines between them.

    Even widths lie towards the top left of the line.
    """
    dab = (_round if tip == "round" else _square)(width, width)
    lines = [line(one, other) for one, other in pairwise([*points[:1], *points])]
    pixels = np.unique(np.concatenate(lines), axis=0) - width // 2
    moved = pixels[:, None, [0, 1, 1]] + dab[None]
    return _filled(size, moved.reshape(-1, 3))


def polygon(size: tuple[int, int], corners: Sequence[Point]) -> Mask:
    """A closed polygon, its outline included, so that slivers stay whole.

    Inside are pixels whose centre is inside by the even-odd rule.
    """
    edges = [(*one, *other) for one, other in pairwise([*corners, corners[0]])]
    a_row, a_column, b_row, b_column = np.asarray(edges, np.float64).T
    spans = []
    for row in range(max(0, min(y for y, _ in corners)), min(size[0] - 1, max(y for y, _ in corners)) + 1):
        crossed = (a_row <= row) != (b_row <= row)
        along = (row - a_row[crossed]) / (b_row[crossed] - a_row[crossed])
        places = np.sort(a_column[crossed] + along * (b_column[crossed] - a_column[crossed]))
        spans += [(row, int(np.ceil(x0)), int(np.floor(x1)) + 1) for x0, x1 in places.reshape(-1, 2)]
    inside = _filled(size, np.asarray(spans, np.int64).reshape(-1, 3))
    outline: Mask = inside | stroke(size, [*corners, corners[0]])
    return outline


def _square(height: int, width: int) -> Spans:
    return np.asarray([(row, 0, width) for row in range(height)], np.int64).reshape(-1, 3)


def _round(height: int, width: int) -> Spans:
    """In whole numbers: (2i+1-w)^2 h^2 + (2j+1-h)^2 w^2 <= w^2 h^2 for column i and row j of the box."""
    rows, columns = np.arange(height), np.arange(width)
    across = (2 * columns + 1 - width) ** 2 * height**2
    inside = across[None] + ((2 * rows + 1 - height) ** 2 * width**2)[:, None] <= (width * height) ** 2
    counts = inside.sum(1)
    left = (width - counts) // 2
    return np.stack([rows, left, left + counts], 1).astype(np.int64)


def _moved(spans: Spans, to: Sequence[int]) -> Spans:
    moved: Spans = spans + np.asarray([to[0], to[1], to[1]])
    return moved


def _filled(size: tuple[int, int], spans: Spans) -> Mask:
    height, width = size
    spans = spans[(spans[:, 0] >= 0) & (spans[:, 0] < height)]
    rows, starts, ends = spans[:, 0], spans[:, 1].clip(0, width), spans[:, 2].clip(0, width)
    changes = np.zeros((height, width + 1), np.int64)
    np.add.at(changes, (rows, starts), 1)
    np.add.at(changes, (rows, ends), -1)
    mask: Mask = changes.cumsum(1)[:, :width] > 0
    return mask
