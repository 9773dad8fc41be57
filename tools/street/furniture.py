"""What stands along roads: lamps, signs, traffic lights, benches, fences, poles, rocks."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import numpy as np

from street.meshes import Shape, box, boxes, join, lump, moved, shape, tube
from street.scene import Scene, Tint

STEEL = (0.28, 0.29, 0.3)
Point = tuple[float, float, float]


def stand_lamp(scene: Scene, rng: random.Random, at: Point, turn: float, *, lit: bool, old: bool) -> None:
    """A street lamp whose arm reaches along +y."""
    number = scene.thing("pole")
    tint = (0.04, 0.05, 0.05) if old else STEEL

    def put(what: Shape, material: str, colour: Tint) -> None:
        scene.add(moved(what, at, turn), material, colour, number)

    if old:
        put(tube([(0, 0, 0), (0, 0, 0.5), (0, 0, 0.55), (0, 0, 3.6)], [0.14, 0.12, 0.075, 0.06], 8), "matte", tint)
        put(
            tube([(0, 0, 3.6), (0, 0, 4.1)], [0.13, 0.22], 6),
            "glow" if lit else "matte",
            (1, 0.75, 0.4) if lit else (0.75, 0.75, 0.7),
        )
        put(tube([(0, 0, 4.1), (0, 0, 4.4)], [0.26, 0.04], 6), "matte", tint)
        return
    tall = rng.uniform(6, 8)
    put(
        tube([(0, 0, 0), (0, 0, tall - 0.8), (0, 0.25, tall - 0.2), (0, 1.7, tall)], [0.12, 0.085, 0.075, 0.06], 7),
        "metal",
        tint,
    )
    put(box((0, 1.9, tall - 0.02), (0.3, 0.8, 0.14)), "matte", tint)
    put(
        box((0, 1.9, tall - 0.1), (0.24, 0.7, 0.05)),
        "glow" if lit else "matte",
        (1, 0.75, 0.4) if lit else (0.75, 0.75, 0.7),
    )


def stand_sign(scene: Scene, rng: random.Random, at: Point, turn: float, *, kind: str = "") -> None:
    """A traffic sign that faces -y before being turned."""
    pole, number = scene.thing("pole"), scene.thing("sign")
    kind = kind or rng.choice(("round", "round", "triangle", "square", "diamond", "board", "stop"))
    tall = rng.uniform(2.0, 2.5)

    def put(what: Shape, tint: Tint, to: int = number) -> None:
        scene.add(moved(what, at, turn), "matte", tint, to)

    put(tube([(0, 0, 0), (0, 0, tall + 0.3)], 0.055, 6), STEEL, pole)
    z, size = tall, rng.uniform(0.38, 0.5)
    sides, start = {
        "round": (16, 0.0),
        "stop": (8, math.pi / 8),
        "triangle": (3, math.pi / 2),
        "diamond": (4, 0.0),
    }.get(kind, (4, math.pi / 4))
    rim, face = rng.choice(
        (
            ((0.55, 0.02, 0.02), (0.8, 0.8, 0.78)),
            ((0.8, 0.8, 0.78), (0.02, 0.1, 0.45)),
            ((0.8, 0.8, 0.78), (0.55, 0.02, 0.02)),
        )
    )
    if kind == "stop":
        rim, face = (0.8, 0.8, 0.78), (0.55, 0.02, 0.02)
    if kind == "triangle":
        rim, face, size = (0.55, 0.02, 0.02), (0.8, 0.8, 0.78), size * 1.15
    if kind == "diamond":
        rim, face = (0.8, 0.8, 0.78), (0.8, 0.55, 0.02)
    angle = np.arange(sides) * 2 * math.pi / sides + start
    if kind == "board":
        face = rng.choice(((0.02, 0.12, 0.45), (0.02, 0.22, 0.1), (0.75, 0.6, 0.05)))
        wide, high = rng.uniform(1.3, 2.2), rng.uniform(0.7, 1.0)
        put(box((0, -0.09, z), (wide, 0.06, high)), (0.8, 0.8, 0.78))
        put(box((0, -0.11, z), (wide - 0.1, 0.06, high - 0.1)), face)
        lines = [(-wide * 0.1, -0.13, z + high * 0.18), (wide * 0.05, -0.13, z - high * 0.18)]
        put(boxes(lines, (wide * 0.55, 0.06, high * 0.13)), (0.8, 0.8, 0.78))
        return
    for scale, depth, tint in ((1.0, 0.08, rim), (0.8, 0.1, face)):
        outline = np.stack([size * scale * np.cos(angle), size * scale * np.sin(angle)], 1)
        put(_plate(outline, z, depth), tint)
    glyph = (0.03, 0.03, 0.03) if sum(face) > 1.5 else (0.8, 0.8, 0.78)
    put(
        box(
            (0, -0.12, z - (0.06 if kind == "triangle" else 0)),
            (size * rng.choice((0.2, 0.8)), 0.03, size * rng.choice((0.25, 0.6))),
        ),
        glyph,
    )


def _plate(outline: object, z: float, depth: float) -> Shape:
    """An upright plate with its face at y = -depth."""
    flat = np.asarray(outline, np.float32)
    rows = [np.stack([flat[:, 0], np.full(len(flat), y), flat[:, 1] + z], 1) for y in (-depth + 0.05, -depth)]
    count = len(flat)
    sides = [(i, (i + 1) % count, count + (i + 1) % count, count + i) for i in range(count)]
    faces = [(count, count + i, count + i + 1) for i in range(1, count - 1)] + [
        (0, i + 1, i) for i in range(1, count - 1)
    ]
    return shape(np.concatenate(rows), sides + faces)


def stand_traffic_light(scene: Scene, rng: random.Random, at: Point, turn: float, *, arm: float = 0.0) -> None:
    """A traffic light that faces -y; with an `arm` of some metres to the left there is a second head above the road."""
    pole, number = scene.thing("pole"), scene.thing("traffic light")
    tall = 5.2 if arm else 2.6

    def put(what: Shape, tint: Tint, to: int = number, material: str = "matte") -> None:
        scene.add(moved(what, at, turn), material, tint, to)

    line: list[Point] = [(0, 0, 0), (0, 0, tall)]
    put(tube(line, 0.085, 7), (0.1, 0.11, 0.11), pole)
    if arm:
        put(tube([(0, 0, tall - 0.05), (-arm, 0, tall + 0.1)], [0.08, 0.06], 6), (0.1, 0.11, 0.11), pole)
    state = rng.choice((0, 2, 2, 1))
    for x, z in [(0.0, 2.75)] + ([(-arm, tall - 0.1)] if arm else []):
        put(box((x, -0.2, z), (0.5, 0.32, 1.24)), (0.025, 0.03, 0.03))
        put(box((x, -0.06, z), (0.78, 0.05, 1.56)), (0.02, 0.02, 0.02))
        for i, tint in enumerate(((0.9, 0.04, 0.02), (0.9, 0.45, 0.02), (0.05, 0.8, 0.25))):
            lamp = tube([(x, -0.35, z + 0.37 - 0.37 * i), (x, -0.39, z + 0.37 - 0.37 * i)], 0.145, 10)
            put(lamp, tint if i == state else [0.12 * c for c in tint], material="glow" if i == state else "matte")
            put(box((x, -0.44, z + 0.53 - 0.37 * i), (0.32, 0.2, 0.03)), (0.02, 0.02, 0.02))


def stand_bench(scene: Scene, rng: random.Random, at: Point, turn: float) -> int:
    """A bench whose front faces -y."""
    number = scene.thing("bench")
    tint = rng.choice(((0.3, 0.16, 0.07), (0.2, 0.1, 0.05), (0.08, 0.2, 0.1), (0.4, 0.35, 0.28)))
    planks = [(0, -0.2 + 0.16 * i, 0.46) for i in range(3)]
    back = [(0, 0.27, 0.66), (0, 0.31, 0.86)]
    scene.add(
        moved(join([boxes(planks, (1.8, 0.13, 0.06)), boxes(back, (1.8, 0.05, 0.15))]), at, turn), "matte", tint, number
    )
    legs = [(x, -0.02, 0.22) for x in (-0.75, 0.75)]
    posts = [(x, 0.29, 0.5) for x in (-0.75, 0.75)]
    iron = join([boxes(legs, (0.1, 0.5, 0.44)), boxes(posts, (0.08, 0.07, 0.95))])
    scene.add(moved(iron, at, turn), "matte", (0.04, 0.04, 0.045), number)
    return number


def put_fence(scene: Scene, rng: random.Random, points: list[tuple[float, float]], kind: str, z: float = 0.0) -> None:
    """A fence along a line: pickets, boards, rails or a low wall."""
    number = scene.thing("fence")
    tint = rng.choice(((0.75, 0.74, 0.7), (0.3, 0.18, 0.09), (0.2, 0.13, 0.08), (0.12, 0.2, 0.14), (0.4, 0.37, 0.32)))
    if kind == "wall":
        tint = rng.choice(((0.5, 0.47, 0.42), (0.36, 0.33, 0.3), (0.6, 0.55, 0.45)))
    for (x0, y0), (x1, y1) in pairwise(points):
        length, turn = math.hypot(x1 - x0, y1 - y0), math.atan2(y1 - y0, x1 - x0)
        middle = ((x0 + x1) / 2, (y0 + y1) / 2, z)
        if kind == "wall":
            parts = box((0, 0, 0.4), (length + 0.05, 0.32, 0.95)), box((0, 0, 0.92), (length + 0.05, 0.42, 0.1))
            scene.add(moved(join(parts), middle, turn), "rock", tint, number)
            continue
        if kind == "rails":
            posts = np.arange(0, length, 2.4) - length / 2
            parts = (
                boxes([(p, 0, 0.6) for p in posts], (0.14, 0.14, 1.3)),
                boxes([(0, 0, 0.45), (0, 0, 0.95)], (length, 0.08, 0.14)),
            )
        else:
            step, wide, high = (0.22, 0.13, 1.05) if kind == "pickets" else (0.2, 0.185, 1.5)
            places = np.arange(0, length, step) - length / 2 + step / 2
            parts = (
                boxes([(p, 0, high / 2 + 0.06) for p in places], (wide, 0.04, high)),
                boxes([(0, 0.05, 0.3), (0, 0.05, high - 0.2)], (length, 0.05, 0.11)),
            )
        scene.add(moved(join(parts), middle, turn), "matte", tint, number)


def drop_rock(scene: Scene, rng: random.Random, x: float, y: float, size: float) -> None:
    """A boulder that sits in the ground."""
    numbers = np.random.default_rng(rng.getrandbits(32))
    what = lump(numbers, 2, 0.35)
    flat = (size * rng.uniform(0.8, 1.3), size * rng.uniform(0.8, 1.3), size * rng.uniform(0.6, 0.95))
    tint = np.asarray(rng.choice(((0.3, 0.29, 0.27), (0.23, 0.22, 0.22), (0.38, 0.34, 0.28)))) * numbers.uniform(
        0.8, 1.2, (len(what.faces), 1)
    )
    scene.add(
        moved(what, (x, y, size * 0.2), rng.uniform(0, 6.28), flat),
        "rock",
        tint.astype(np.float32),
        scene.thing("rock"),
    )


def stand_utility_pole(scene: Scene, rng: random.Random, at: Point, turn: float) -> None:
    """A wooden pole with a cross-arm."""
    number = scene.thing("pole")
    what = join(
        [
            tube([(0, 0, -0.2), (0, 0, 7.5)], [0.16, 0.11], 7),
            box((0, 0, 6.9), (1.9, 0.14, 0.16)),
            box((0, 0, 6.2), (1.3, 0.14, 0.14)),
        ]
    )
    scene.add(moved(what, at, turn), "matte", (0.16, 0.11, 0.07), number)
