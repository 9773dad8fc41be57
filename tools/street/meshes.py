"""Shapes made of vertices and faces, with numpy alone: x to the right, y ahead, z up, in metres."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Vector = Sequence[float] | npt.NDArray[np.floating[Any]]
NONE = -1  # the fourth corner of a triangle


class Shape(NamedTuple):
    """Faces with three or four corners."""

    vertices: Floats  # N 3
    faces: Ints  # M 4, indices of vertices; a triangle's last is `NONE`


def shape(vertices: Any, faces: Any) -> Shape:
    """A shape from nested sequences; faces may mix three and four corners."""
    rows = [list(face) + [NONE] * (4 - len(face)) for face in faces]
    return Shape(np.asarray(vertices, np.float32).reshape(-1, 3), np.asarray(rows, np.int32).reshape(-1, 4))


def join(shapes: Sequence[Shape]) -> Shape:
    """Several shapes as one."""
    starts = np.cumsum([0] + [len(s.vertices) for s in shapes[:-1]])
    faces = [np.where(s.faces == NONE, NONE, s.faces + start) for s, start in zip(shapes, starts, strict=True)]
    return Shape(np.concatenate([s.vertices for s in shapes]), np.concatenate(faces).astype(np.int32))


def moved(what: Shape, at: Vector = (0, 0, 0), turn: float = 0.0, size: float | Vector = 1.0) -> Shape:
    """The shape scaled, then turned about z by `turn` radians, then shifted by `at`."""
    scaled = what.vertices * np.asarray(size, np.float32)
    return Shape((scaled @ turned(turn).T + np.asarray(at, np.float32)).astype(np.float32), what.faces)


def turned(angle: float) -> Floats:
    """The matrix (3 3) of a turn about z."""
    c, s = math.cos(angle), math.sin(angle)
    return np.asarray([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)


CORNERS = np.asarray([(x, y, z) for z in (-0.5, 0.5) for y in (-0.5, 0.5) for x in (-0.5, 0.5)], np.float32)
SIDES = np.asarray(
    [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)], np.int32
)  # below, above, front (-y), back, left, right


def boxes(centres: Any, sizes: Any) -> Shape:
    """Many boxes: `centres` (N 3) and full `sizes` (N 3 or 3)."""
    centres = np.asarray(centres, np.float32).reshape(-1, 3)
    sizes = np.broadcast_to(np.asarray(sizes, np.float32), centres.shape)
    vertices = centres[:, None] + CORNERS * sizes[:, None]
    faces = SIDES + 8 * np.arange(len(centres), dtype=np.int32)[:, None, None]
    return Shape(vertices.reshape(-1, 3), faces.reshape(-1, 4).astype(np.int32))


def box(centre: Vector, size: Vector) -> Shape:
    """One box."""
    return boxes([centre], size)


def bevelled(centre: Vector, size: Vector, edge: float) -> Shape:
    """A box whose upper and upright edges are cut by `edge`."""
    half = np.asarray(size, np.float32) / 2
    outline = [(1, 1 - 2), (1, 1), (-1, 1), (-1, -1)]
    rings = []
    for height, inset in ((-half[2], 0.0), (half[2] - edge, 0.0), (half[2], edge)):
        points = []
        for i, (x, y) in enumerate(outline):
            hx, hy = half[0] - inset, half[1] - inset
            first, second = ((x * hx, y * (hy - edge)), (x * (hx - edge), y * hy))
            points += [first, second] if i % 2 else [second, first]
        rings.append([(x, y, height) for x, y in points])
    return moved(loft(rings), centre)


def sheet(points: Any) -> Shape:
    """A grid of points (R C 3) as quads."""
    points = np.asarray(points, np.float32)
    rows, columns = points.shape[:2]
    number = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    quads = np.stack([number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]], -1)
    return Shape(points.reshape(-1, 3), quads.reshape(-1, 4))


def loft(sections: Any, *, caps: bool = True) -> Shape:
    """A skin over closed outlines (K N 3) with flat ends."""
    points = np.asarray(sections, np.float32)
    count, corners = points.shape[:2]
    number = np.arange(count * corners, dtype=np.int32).reshape(count, corners)
    after = np.roll(number, -1, 1)
    quads = np.stack([number[:-1], after[:-1], after[1:], number[1:]], -1).reshape(-1, 4)
    skin = Shape(points.reshape(-1, 3), quads)
    return join([skin, fan(points[0][::-1]), fan(points[-1])]) if caps else skin


def fan(outline: Any) -> Shape:
    """A flat polygon (N 3) around its centre."""
    points = np.asarray(outline, np.float32)
    number = np.arange(len(points), dtype=np.int32)
    faces = np.stack([number, np.roll(number, -1), np.full_like(number, len(points)), np.full_like(number, NONE)], 1)
    return Shape(np.concatenate([points, points.mean(0, keepdims=True)]), faces)


def tube(points: Any, radii: Any, sides: int = 6, *, flat: float = 1.0) -> Shape:
    """A round skin along a line of points (K 3) with a radius at each; `flat` scales it along y."""
    line = np.asarray(points, np.float32)
    radii = np.broadcast_to(np.asarray(radii, np.float32), len(line))
    ahead = np.gradient(line, axis=0)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-6)
    aside = np.where(np.abs(ahead[:, 2:]) > 0.9, [[1.0, 0, 0]], [[0, 0, 1.0]])
    across = np.cross(aside, ahead)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    up = np.cross(ahead, across)
    angle = np.arange(sides) * 2 * math.pi / sides
    circle = across[:, None] * np.cos(angle)[:, None] + up[:, None] * np.sin(angle)[:, None]
    offset = circle * radii[:, None, None]
    offset[..., 1] *= flat
    return loft(line[:, None] + offset)


def disc(centre: Vector, radius: float, thickness: float, sides: int = 12) -> Shape:
    """A wheel whose axle is x."""
    return moved(_unit_disc(sides), centre, 0.0, (thickness, radius, radius))


@functools.cache
def _unit_disc(sides: int) -> Shape:
    return tube([(-0.5, 0, 0), (0.5, 0, 0)], 1.0, sides)


def hoop(centre: Vector, radius: float, thickness: float, sides: int = 16) -> Shape:
    """A ring whose axle is x, square in section."""
    angle = np.arange(sides + 1) * 2 * math.pi / sides
    half = thickness / 2
    rows = []
    for r, x in ((radius - half, -half), (radius - half, half), (radius + half, half), (radius + half, -half)):
        rows.append(np.stack([np.full_like(angle, x), r * np.cos(angle), r * np.sin(angle)], -1))
    return moved(sheet([*rows, rows[0]]), centre)


def panel(corners: Any, across: Vector = (0, 1), along: Vector = (0, 1), lift: float = 0.01) -> Shape:
    """A part of a four-cornered face (4 3), in fractions of its sides, `lift` metres before it.

    The corners run counter-clockwise as seen from outside: across from the first to the second, along to the fourth.
    """
    a, b, c, d = np.asarray(corners, np.float32)
    normal = np.cross(b - a, d - a)
    normal /= max(float(np.linalg.norm(normal)), 1e-6)
    points = []
    for u, v in ((across[0], along[0]), (across[1], along[0]), (across[1], along[1]), (across[0], along[1])):
        points.append((a * (1 - u) + b * u) * (1 - v) + (d * (1 - u) + c * u) * v + normal * lift)
    return shape(points, [(0, 1, 2, 3)])


@functools.cache
def ball(detail: int = 1) -> Shape:
    """A sphere of radius 1 from an icosahedron, split `detail` times."""
    g = (1 + 5**0.5) / 2
    base = [(-1, g, 0), (1, g, 0), (-1, -g, 0), (1, -g, 0), (0, -1, g), (0, 1, g), (0, -1, -g), (0, 1, -g)]
    vertices = [np.asarray(p) / math.hypot(1, g) for p in [*base, (g, 0, -1), (g, 0, 1), (-g, 0, -1), (-g, 0, 1)]]
    # fmt: off
    faces = [
        (0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6),
        (7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10), (8, 6, 7),
        (9, 8, 1),
    ]
    # fmt: on
    for _ in range(detail):
        middle: dict[tuple[int, int], int] = {}
        split = []
        for a, b, c in faces:
            between = []
            for pair in ((a, b), (b, c), (c, a)):
                key = (min(pair), max(pair))
                if key not in middle:
                    point = vertices[key[0]] + vertices[key[1]]
                    middle[key] = len(vertices)
                    vertices.append(point / np.linalg.norm(point))
                between.append(middle[key])
            ab, bc, ca = between
            split += [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
        faces = split
    return shape(vertices, faces)


def lump(rng: np.random.Generator, detail: int = 2, rough: float = 0.25) -> Shape:
    """A ball with bumps."""
    sphere = ball(detail)
    waves = rng.normal(0, 2.2, (6, 3))
    bumps = np.sin(sphere.vertices @ waves.T + rng.uniform(0, 6.3, 6)).sum(1, keepdims=True)
    return Shape((sphere.vertices * (1 + rough * bumps / 3)).astype(np.float32), sphere.faces)
