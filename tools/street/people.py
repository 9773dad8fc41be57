"""People: walking, standing, sitting, cycling; with coats, skirts, hats, bags and umbrellas."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np

from street.meshes import Shape, ball, box, fan, join, moved, tube
from street.scene import Scene, Tint
from street.vehicles import stand_bicycle

SKIN = ((0.6, 0.38, 0.28), (0.5, 0.29, 0.19), (0.3, 0.16, 0.1), (0.68, 0.46, 0.36), (0.12, 0.065, 0.04))
HAIR = ((0.03, 0.02, 0.015), (0.1, 0.05, 0.02), (0.3, 0.2, 0.08), (0.35, 0.33, 0.32), (0.15, 0.04, 0.02))
TOPS = (
    (0.5, 0.03, 0.03), (0.03, 0.12, 0.4), (0.7, 0.55, 0.05), (0.75, 0.75, 0.72), (0.04, 0.04, 0.05), (0.05, 0.25, 0.12),
    (0.6, 0.2, 0.03), (0.35, 0.08, 0.3), (0.3, 0.4, 0.5), (0.4, 0.3, 0.2), (0.6, 0.3, 0.35), (0.1, 0.3, 0.32),
)  # fmt: skip
LEGS = (
    (0.03, 0.045, 0.1),
    (0.02, 0.02, 0.022),
    (0.12, 0.12, 0.12),
    (0.25, 0.2, 0.13),
    (0.07, 0.1, 0.18),
    (0.06, 0.07, 0.04),
)
Point = tuple[float, float, float]
Put = Callable[[Shape, Tint], None]


def stand_person(
    scene: Scene, rng: random.Random, at: Point, turn: float, *, pose: str = "", cold: bool = False, rain: bool = False
) -> None:
    """A person who faces +y before being turned; `pose` is walk, stand, sit or cycle."""
    pose = pose or rng.choice(("walk", "walk", "walk", "stand"))
    number = scene.thing("person")
    size = rng.uniform(0.93, 1.1) * (0.68 if rng.random() < 0.1 and pose != "cycle" else 1.0)
    build = rng.uniform(0.9, 1.2)
    skin, hair, top, legs = rng.choice(SKIN), rng.choice(HAIR), rng.choice(TOPS), rng.choice(LEGS)

    def put(what: Shape, tint: Tint) -> None:
        scene.add(moved(what, at, turn, size), "matte", tint, number)

    hip = 0.9 if pose in ("walk", "stand") else (0.52 if pose == "sit" else 0.98)
    lean = 0.28 if pose == "cycle" else 0.02
    chest = (0.0, 0.55 * lean, hip + 0.48)
    swing = rng.uniform(0.18, 0.34) * rng.choice((-1, 1)) if pose == "walk" else 0.03
    for sign in (-1, 1):
        ankle, knee = _leg(pose, sign, hip, swing)
        put(tube([(sign * 0.09, 0, hip + 0.04), knee, ankle], np.asarray([0.105, 0.08, 0.06]) * build, 7), legs)
        put(moved(box((0, 0.05, -0.02), (0.1, 0.27, 0.1)), ankle), (0.03, 0.025, 0.02))
        shoulder = (sign * 0.21 * build, chest[1], chest[2] + 0.04)
        elbow, hand = _arm(pose, sign, shoulder, -swing)
        put(tube([shoulder, elbow, hand], [0.075, 0.062, 0.05], 6), top)
        put(moved(ball(1), hand, 0, 0.058), skin)
    long = cold or rng.random() < 0.25
    bottom = hip - (0.42 if long and pose in ("walk", "stand") else 0.06)
    line = [(0, 0, bottom), (0, 0, hip + 0.02), (0, 0.4 * lean, hip + 0.25), chest, (0, chest[1], hip + 0.6)]
    put(tube(line, np.asarray([0.2 if long else 0.17, 0.175, 0.165, 0.2, 0.09]) * build, 9, flat=0.68), top)
    if not long and pose in ("walk", "stand") and rng.random() < 0.22:
        put(tube([(0, 0, hip + 0.1), (0, 0, hip - 0.35)], [0.16 * build, 0.27], 9, flat=0.8), rng.choice(TOPS))
    head = (0.0, chest[1] + 0.02, hip + 0.8)
    put(tube([(0, chest[1], hip + 0.56), head], 0.055, 6), skin)
    put(moved(ball(1), head, 0, (0.1, 0.115, 0.135)), skin)
    _hair(put, rng, head, hair, cold=cold)
    if pose in ("walk", "stand"):
        _carried(put, rng, hip, rain=rain)


def _leg(pose: str, sign: int, hip: float, swing: float) -> tuple[Point, Point]:
    if pose == "sit":
        return (sign * 0.1, 0.45, 0.08), (sign * 0.1, 0.42, hip)
    if pose == "cycle":
        return (sign * 0.1, 0.02, 0.22 if sign > 0 else 0.45), (sign * 0.11, 0.28, 0.68 if sign > 0 else 0.85)
    forward = sign * swing
    return (sign * 0.1, forward * 1.15, 0.07), (sign * 0.1, forward * 0.5 + 0.05, 0.47)


def _arm(pose: str, sign: int, shoulder: Point, swing: float) -> tuple[Point, Point]:
    x, y, z = shoulder
    if pose == "cycle":
        return (x + sign * 0.04, y + 0.2, z - 0.16), (sign * 0.25, 0.5, 1.12)
    if pose == "sit":
        return (x + sign * 0.04, y + 0.08, z - 0.27), (x - sign * 0.05, y + 0.3, z - 0.36)
    forward = sign * swing
    return (x + sign * 0.05, y + forward * 0.5, z - 0.28), (x + sign * 0.05, y + forward * 1.0 + 0.06, z - 0.52)


def _hair(put: Put, rng: random.Random, head: Point, hair: Tint, *, cold: bool) -> None:
    x, y, z = head
    if cold or rng.random() < 0.18:
        put(moved(ball(1), (x, y, z + 0.05), 0, (0.115, 0.13, 0.11)), rng.choice(TOPS))
        return
    put(moved(ball(1), (x, y - 0.022, z + 0.028), 0, (0.113, 0.12, 0.128)), hair)
    if rng.random() < 0.4:
        put(tube([(x, y - 0.07, z + 0.03), (x, y - 0.1, z - 0.22)], [0.1, 0.075], 7), hair)


def _carried(put: Put, rng: random.Random, hip: float, *, rain: bool) -> None:
    if rain and rng.random() < 0.6:
        handle = tube([(0.22, 0.2, hip + 0.2), (0.14, 0.1, hip + 1.15)], 0.02, 5)
        put(handle, (0.05, 0.05, 0.05))
        rim = [
            (0.14 + 0.62 * math.cos(a), 0.1 + 0.62 * math.sin(a), hip + 0.92) for a in np.arange(10) * 2 * math.pi / 10
        ]
        dome = [
            (0.14 + 0.36 * math.cos(a), 0.1 + 0.36 * math.sin(a), hip + 1.1) for a in np.arange(10) * 2 * math.pi / 10
        ]
        skin = tube([(0.14, 0.1, hip + 0.92), (0.14, 0.1, hip + 1.1), (0.14, 0.1, hip + 1.2)], [0.62, 0.38, 0.02], 10)
        put(join([skin, fan(rim), fan(dome)]), rng.choice(TOPS))
    elif rng.random() < 0.3:
        put(box((0.3, 0, hip - 0.25), (0.1, 0.3, 0.34)), rng.choice(TOPS))
    elif rng.random() < 0.25:
        put(box((0, -0.22, hip + 0.38), (0.3, 0.18, 0.42)), rng.choice(TOPS))


def ride_bicycle(scene: Scene, rng: random.Random, at: Point, turn: float, *, cold: bool = False) -> None:
    """A bicycle with its rider."""
    stand_bicycle(scene, rng, at, turn)
    back = (at[0] + 0.2 * math.sin(turn), at[1] - 0.2 * math.cos(turn), at[2])
    stand_person(scene, rng, back, turn, pose="cycle", cold=cold)
