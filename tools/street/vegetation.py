"""Trees, bushes and hedges. A few prototypes are made once and placed many times."""

from __future__ import annotations

import functools
import math
import random
from itertools import pairwise

import numpy as np

from street.meshes import Floats, Ints, Shape, join, lump, moved, tube
from street.road import Doubles
from street.scene import Scene

LEAFY = ("broad0", "broad1", "broad2", "poplar", "birch")
BARE = ("bare0", "bare1")
CONIFERS = ("conifer0", "conifer1")
BARK = (0.09, 0.06, 0.04)
BIRCH_BARK = (0.6, 0.58, 0.54)
GREENS = ((0.06, 0.16, 0.02), (0.1, 0.21, 0.03), (0.14, 0.23, 0.04), (0.06, 0.14, 0.04), (0.17, 0.22, 0.03))
AUTUMN = ((0.45, 0.16, 0.02), (0.5, 0.3, 0.03), (0.35, 0.07, 0.02), (0.2, 0.16, 0.03), (0.3, 0.1, 0.02))
DARK_GREENS = ((0.03, 0.09, 0.035), (0.045, 0.11, 0.03), (0.035, 0.085, 0.055))

Prototype = tuple[Shape, Floats, Ints]
"""A plant one metre high on the origin, shades that its tint is multiplied by (M 3), and parts (M; 0 leaf, 1 trunk)."""


def choose_tree(rng: random.Random, season: str) -> tuple[str, tuple[float, float, float], tuple[float, float, float]]:
    """A kind, its tint and its size (width, width, height in metres)."""
    kind = rng.choice(BARE * 3 + CONIFERS * 2 if season == "winter" else LEAFY * 2 + CONIFERS)
    if kind in CONIFERS:
        height = rng.uniform(5, 13)
        width = height * rng.uniform(0.8, 1.15)
        tint = rng.choice(DARK_GREENS)
        if season == "winter":
            tint = tuple(0.5 * c + 0.24 for c in tint)  # type: ignore[assignment]
        return kind, tint, (width, width, height)
    height = rng.uniform(9, 15) if kind == "poplar" else rng.uniform(4.5, 10)
    width = height * rng.uniform(0.85, 1.2)
    tint = (
        (0.1, 0.075, 0.06)
        if season == "winter"
        else rng.choice(AUTUMN if season == "autumn" and rng.random() < 0.75 else GREENS)
    )
    return kind, tint, (width, width, height)


def plant_tree(
    scene: Scene, rng: random.Random, season: str, x: float, y: float, *, kind: str = "", scale: float = 1.0
) -> None:
    """A tree of a random or given kind."""
    chosen, tint, size = choose_tree(rng, season)
    while kind and not chosen.startswith(kind):
        chosen, tint, size = choose_tree(rng, season)
    w, d, h = (s * scale for s in size)
    scene.plant(chosen, x, y, rng.uniform(0, 6.28), (w, d, h), tint)


def plant_bush(scene: Scene, rng: random.Random, season: str, x: float, y: float) -> None:
    """A bush (class hedge)."""
    tint = (0.5, 0.52, 0.55) if season == "winter" else rng.choice(GREENS if season != "autumn" else GREENS + AUTUMN)
    width = rng.uniform(0.9, 2.2)
    scene.plant("bush", x, y, rng.uniform(0, 6.28), (width, width, rng.uniform(0.7, 1.5)), tint, "hedge")


@functools.cache
def prototype(kind: str) -> Prototype:
    """A prototype by name; the same on every call and in every process."""
    rng = np.random.default_rng(sum(map(ord, kind)))
    if kind.startswith("broad"):
        return _crowned(rng, clumps=9, spread=0.27, low=0.42, high=0.8, clump=0.2, leaves=2900, leaf=0.0165)
    if kind == "birch":
        return _crowned(
            rng, clumps=9, spread=0.15, low=0.38, high=0.88, clump=0.12, leaves=2200, leaf=0.013, bark=BIRCH_BARK
        )
    if kind == "poplar":
        return _crowned(rng, clumps=11, spread=0.045, low=0.2, high=0.9, clump=0.095, leaves=3000, leaf=0.0105)
    if kind == "bush":
        return _bush(rng)
    if kind.startswith("conifer"):
        return _conifer(rng, slender=kind.endswith("1"))
    return _bare(rng)


def _finish(parts: list[tuple[Shape, Floats, int]]) -> Prototype:
    whole = join([shape for shape, _, _ in parts])
    shades = np.concatenate(
        [np.broadcast_to(np.asarray(shade, np.float32), (len(s.faces), 3)) for s, shade, _ in parts]
    )
    kinds = np.concatenate([np.full(len(s.faces), part, np.int32) for s, _, part in parts])
    return whole, shades, kinds


def _leaves(rng: np.random.Generator, middles: Doubles, out: Doubles, size: float) -> tuple[Shape, Floats]:
    """Small quads that face outward more or less, and their shades."""
    count = len(middles)
    normal = out + rng.normal(0, 0.55, (count, 3))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    first = np.cross(normal, rng.normal(0, 1, (count, 3)))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(normal, first)
    length = size * rng.uniform(0.7, 1.35, (count, 1))
    corners = [middles + length * (a * first + b * second) for a, b in ((-1, -0.6), (0.9, -0.7), (1, 0.6), (-0.8, 0.8))]
    vertices = np.stack(corners, 1).reshape(-1, 3).astype(np.float32)
    shade = rng.uniform(0.6, 1.5, (count, 1)) * (1 + rng.normal(0, 0.08, (count, 3)))
    return Shape(vertices, np.arange(4 * count, dtype=np.int32).reshape(-1, 4)), shade.astype(np.float32)


def _crowned(
    rng: np.random.Generator,
    clumps: int,
    spread: float,
    low: float,
    high: float,
    clump: float,
    leaves: int,
    leaf: float,
    bark: tuple[float, float, float] = BARK,
) -> Prototype:
    """A trunk, branches and clumps of leaves around dark cores."""
    parts: list[tuple[Shape, Floats, int]] = []
    ratio = np.asarray(bark, np.float32)
    trunk = tube(
        [(0, 0, -0.03), (0.008, 0, low * 0.5), (0, 0.012, low), (0, 0, (low + high) / 2)],
        [0.042, 0.03, 0.024, 0.012],
        8,
    )
    parts.append((trunk, ratio, 1))
    per_clump = leaves // clumps
    for i in range(clumps):
        z = low + (high - low) * (i + 0.5) / clumps
        angle = i * 2.4 + rng.uniform(-0.4, 0.4)
        wide = spread * math.sqrt(max(0.12, 1 - ((z - low) / (high - low) * 1.7 - 0.75) ** 2)) * rng.uniform(0.6, 1.0)
        centre = np.asarray([wide * math.cos(angle), wide * math.sin(angle), z], np.float32)
        size = clump * rng.uniform(0.8, 1.1)
        core = lump(rng, 1, 0.2)
        parts.append((moved(core, centre, 0, size * 0.8), np.full(3, 0.6, np.float32), 0))
        if i % 3 == 0:
            branch = tube([(0, 0, max(low * 0.75, z - 0.3)), centre], [0.014, 0.006], 5)
            parts.append((branch, ratio, 1))
        out = rng.normal(0, 1, (per_clump, 3))
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        middles = centre + out * size * rng.uniform(0.75, 1.12, (per_clump, 1)) * [1, 1, 0.9]
        blades, shade = _leaves(rng, middles, out, leaf)
        light = 0.75 + 0.5 * np.clip(out[:, 2:], -0.5, 1)  # lower sides are darker
        parts.append((blades, (shade * light).astype(np.float32), 0))
    return _finish(parts)


def _bush(rng: np.random.Generator) -> Prototype:
    parts: list[tuple[Shape, Floats, int]] = []
    for i in range(5):
        centre = np.asarray([0.22 * math.cos(i * 1.3), 0.22 * math.sin(i * 1.3), 0.35 + 0.12 * (i % 2)], np.float32)
        parts.append((moved(lump(rng, 1, 0.2), centre, 0, (0.28, 0.28, 0.42)), np.full(3, 0.5, np.float32), 0))
        out = rng.normal(0, 1, (150, 3))
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        leaf, shade = _leaves(rng, centre + out * [0.3, 0.3, 0.45], out, 0.042)
        parts.append((leaf, shade, 0))
    return _finish(parts)


def _conifer(rng: np.random.Generator, *, slender: bool) -> Prototype:
    """Tiers of drooping twigs around a trunk."""
    parts: list[tuple[Shape, Floats, int]] = [
        (tube([(0, 0, -0.03), (0, 0, 0.9)], [0.028, 0.006], 6), np.asarray(BARK, np.float32), 1)
    ]
    base = 0.17 if slender else 0.25
    for tier in range(13):
        share = tier / 12
        z, radius = 0.14 + 0.8 * share, base * (1 - share) ** 0.85 + 0.012
        count = 16 - tier // 2
        angle = np.arange(count) * 2 * math.pi / count + rng.uniform(0, 6.3)
        reach = radius * rng.uniform(0.75, 1.15, count)
        half = 2.6 / count
        rows = []
        for r, da, dz in ((0.0, 0.0, 0.09), (0.75, -half, -0.02), (1.0, 0.0, -0.045), (0.75, half, -0.02)):
            a = angle + da
            rows.append(
                np.stack([r * reach * np.cos(a), r * reach * np.sin(a), np.full(count, z + dz * (1.2 - share))], -1)
            )
        vertices = np.stack(rows, 1).reshape(-1, 3).astype(np.float32)
        twigs = Shape(vertices, np.arange(4 * count, dtype=np.int32).reshape(-1, 4))
        shade = rng.uniform(0.65, 1.4, (count, 1)).astype(np.float32) * np.ones((1, 3), np.float32)
        parts.append((twigs, shade, 0))
        core = tube([(0, 0, z - 0.03), (0, 0, z + 0.09)], [radius * 0.72, 0.004], 8)
        parts.append((core, np.full(3, 0.5, np.float32), 0))
    return _finish(parts)


def _bare(rng: np.random.Generator) -> Prototype:
    """A tree without leaves: its twigs count as leaves."""
    parts: list[tuple[Shape, Floats, int]] = [
        (tube([(0, 0, -0.03), (0.01, 0, 0.2), (0, 0.01, 0.4)], [0.04, 0.03, 0.022], 7), np.asarray(BARK, np.float32), 1)
    ]

    def grow(start: Floats, ahead: Floats, length: float, thick: float, depth: int) -> None:
        end = start + ahead * length
        middle = (start + end) / 2 + rng.normal(0, 0.04 * length, 3)
        parts.append(
            (
                tube([start, middle, end], [thick, thick * 0.8, thick * 0.6], 4 if depth else 5),
                np.ones(3, np.float32),
                0,
            )
        )
        if depth == 4:
            return
        for _ in range(3 if depth < 3 else 2):
            turn = ahead + rng.normal(0, 0.45, 3) + [0, 0, 0.12]
            grow(end, turn / np.linalg.norm(turn), length * rng.uniform(0.6, 0.82), max(thick * 0.6, 0.0042), depth + 1)

    for i in range(4):
        angle = i * 1.6 + rng.uniform(-0.3, 0.3)
        ahead = np.asarray([0.55 * math.cos(angle), 0.55 * math.sin(angle), 0.85])
        grow(np.asarray([0, 0, 0.26 + 0.045 * i]), ahead / np.linalg.norm(ahead), 0.19, 0.018, 1)
    return _finish(parts)


def grow_hedge(
    scene: Scene, rng: random.Random, points: list[tuple[float, float]], height: float, season: str, z: float = 0.0
) -> None:
    """A clipped hedge along a line."""
    numbers = np.random.default_rng(rng.getrandbits(32))
    tint = np.asarray((0.3, 0.32, 0.33) if season == "winter" else rng.choice(GREENS))
    number = scene.thing("hedge")
    for (x0, y0), (x1, y1) in pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0)
        turn = math.atan2(y1 - y0, x1 - x0)
        middle = ((x0 + x1) / 2, (y0 + y1) / 2, z)
        along = max(2, int(length / 0.3))
        s = np.linspace(-length / 2 - 0.05, length / 2 + 0.05, along)
        outline = [
            (-0.4, 0),
            (-0.44, height * 0.5),
            (-0.36, height),
            (0, height + 0.06),
            (0.36, height),
            (0.44, height * 0.5),
            (0.4, 0),
        ]
        rows = np.asarray([[(a, b, c) for b, c in outline] for a in s], np.float32)
        rows[:, 1:-1] += numbers.normal(0, 0.045, rows[:, 1:-1].shape)
        count, corners = rows.shape[:2]
        grid = np.arange(count * corners, dtype=np.int32).reshape(count, corners)
        quads = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], -1).reshape(-1, 4)
        ends = [
            Shape(rows[0], np.asarray([(0, 1, 2, 3), (0, 3, 4, 6), (4, 5, 6, -1)], np.int32)),
            Shape(rows[-1], np.asarray([(3, 2, 1, 0), (6, 4, 3, 0), (6, 5, 4, -1)], np.int32)),
        ]
        skin = join([Shape(rows.reshape(-1, 3), quads), *ends])
        shade = numbers.uniform(0.7, 1.35, (len(skin.faces), 1))
        scene.add(moved(skin, middle, turn), "leaf", (tint * shade).astype(np.float32), number)
