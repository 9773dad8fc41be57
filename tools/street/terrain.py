"""The height of the land, the ground's surface, hills and mountains far off, lakes and rivers."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np

from street.meshes import Shape, sheet
from street.road import Doubles, Road
from street.scene import Scene

FINE, COARSE = 1.25, 15.0  # degrees between the rays of the ground's mesh, in view and elsewhere
REACH = 1100.0  # metres to the ground's end


@dataclass(frozen=True)
class Relief:
    """How the land lies."""

    swell: float = 0.0  # metres, half the height of its waves
    wave: float = 200.0  # metres between crests
    grade: float = 0.0  # metres that a street climbs over 120 m
    water: str = ""  # "", "lake" or "river"
    lake: tuple[float, float, float] = (0.0, 0.0, 0.0)  # x, y and radius
    river: tuple[float, float, float] = (0.0, 0.0, 0.0)  # metres right of the road, half width, how much it winds
    level: float = -0.9  # of the water
    causeway: bool = True  # whether a lake leaves the road dry
    phase: float = 0.0


def smooth(value: Doubles, low: float, high: float) -> Doubles:
    """0 below `low`, 1 above `high`, a soft step between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


class Land:
    """The height of the ground everywhere; 0 at the origin."""

    def __init__(self, relief: Relief, road: Road, corridor: float) -> None:
        """Within `corridor` metres of the road the ground does not slope sideways."""
        self.relief, self.road, self.corridor = relief, road, corridor
        self.offset = float(self._waves(np.zeros(1), np.zeros(1))[0])

    def _waves(self, x: Doubles, y: Doubles) -> Doubles:
        r = self.relief
        total = np.zeros_like(x)
        for i, (share, length) in enumerate(((0.55, 1.0), (0.3, 0.57), (0.15, 0.31))):
            angle = r.phase + 2.1 * i
            k = 2 * math.pi / (r.wave * length)
            total += share * np.sin(k * (x * math.cos(angle) + y * math.sin(angle)) + 1.7 * r.phase + 1.3 * i)
            total += 0.6 * share * np.sin(k * (y * math.cos(angle) - x * math.sin(angle)) + 2.9 * r.phase)
        return r.swell * total

    def height(self, x: Doubles, y: Doubles) -> Doubles:
        """Metres above the origin."""
        r = self.relief
        if r.swell == 0:
            return r.grade * smooth(y, 6, 130)
        free = self._waves(x, y)
        middle = self._waves(np.interp(y, self.road.y, self.road.x), y)
        aside = np.abs(self.road.aside(x, y))
        beside = smooth(aside, self.corridor, self.corridor + 25)
        high = (free * beside + middle * (1 - beside) - self.offset) * (0.25 + 0.75 * smooth(np.hypot(x, y), 5, 90))
        if r.water == "lake":
            cx, cy, radius = r.lake
            ripple = (
                1
                + 0.18 * np.sin(3 * np.arctan2(y - cy, x - cx) + r.phase)
                + 0.1 * np.sin(7 * np.arctan2(y - cy, x - cx))
            )
            near = np.hypot(x - cx, y - cy) / (radius * ripple)
            basin = (1 - smooth(near, 0.75, 1.25)) * smooth(np.hypot(x, y), 9, 20)
            if r.causeway:
                basin = basin * smooth(aside, self.corridor + 2, self.corridor + 14)
            high = high * (1 - basin) + (r.level - 2.0) * basin
        if r.water == "river":
            t0, half, winding = r.river
            off = np.abs(self.road.aside(x, y) - t0 - winding * np.sin(y / 23 + r.phase))
            basin = (1 - smooth(off, half, half + 9)) * smooth(np.hypot(x, y), 9, 20)
            high = high * (1 - basin) + (r.level - 1.2) * basin
        return np.asarray(high)

    def is_dry(self, x: Doubles, y: Doubles, margin: float = 0.25) -> bool:
        """Whether all the places are above the water."""
        return not self.relief.water or bool((self.height(x, y) > self.relief.level + margin).all())


def lay_ground(
    scene: Scene,
    plan_yaw: float,
    eye: tuple[float, float],
    ground: str,
    tint: tuple[float, float, float],
    rng: random.Random,
) -> None:
    """The ground itself, finer in the view's direction (`plan_yaw`, radians to the left of y) around `eye`."""
    material = {"grass": "grass", "snow": "snow"}[ground]
    angles = []
    angle = -180.0
    while angle < 180:
        angles.append(angle)
        angle += FINE if -60 <= angle < 60 else COARSE
    around = np.radians([*angles, 180.0]) + plan_yaw
    radii = np.concatenate([[0.0], np.geomspace(1.2, REACH, 64)])
    r, a = np.meshgrid(radii, around, indexing="ij")
    points = np.stack([eye[0] - r * np.sin(a), eye[1] + r * np.cos(a), np.full_like(r, 0.0)], -1)
    what = sheet(points)
    shade = np.random.default_rng(rng.getrandbits(32)).uniform(0.9, 1.1, (len(what.faces), 1))
    scene.add(what, material, np.asarray(tint) * shade, scene.stuff(ground))


def pour_water(scene: Scene, land: Land, tint: tuple[float, float, float]) -> None:
    """A plane at the water's level; the ground rises out of it."""
    if not land.relief.water:
        return
    edge = 480.0
    x, y = np.meshgrid(np.linspace(-edge, edge, 3), np.linspace(-60, 2 * edge, 3), indexing="ij")
    scene.add(
        sheet(np.stack([x, y, np.full_like(x, land.relief.level)], -1)),
        "water",
        tint,
        scene.stuff("water"),
        floats=True,
    )


def raise_mountains(
    scene: Scene,
    yaw: float,
    height: float,
    near: float,
    snowline: float,
    tint: tuple[float, float, float],
    rng: random.Random,
) -> None:
    """A range around the view's direction, `height` metres high; above `snowline` (a share of it) lies snow."""
    numbers = np.random.default_rng(rng.getrandbits(32))
    around = np.radians(np.arange(-64, 64.1, 0.8)) + yaw
    depth = np.linspace(0, 1, 30)
    d, a = np.meshgrid(depth, around, indexing="ij")
    r = near * (1 + 1.2 * d)
    x, y = -r * np.sin(a), r * np.cos(a)
    rough = np.zeros_like(x)
    for octave in range(4):
        k = 2 * math.pi / (near * 1.15) * 2.03**octave
        turn = numbers.uniform(0, 2 * math.pi, 2)
        shift = numbers.uniform(0, 2 * math.pi, 2)
        wave = np.sin(k * (x * math.cos(turn[0]) + y * math.sin(turn[0])) + shift[0])
        wave = wave * 0.6 + 0.6 * np.sin(k * (x * math.cos(turn[1]) + y * math.sin(turn[1])) + shift[1])
        rough += (1 - np.abs(wave)) * 0.36**octave if snowline < 2 else wave * 0.4**octave * 0.5 + 0.2
    share = np.clip(rough / 1.5, 0.05, 1.2)
    z = height * smooth(d, 0, 0.55) * share - 12 * (1 - smooth(d, 0, 0.2))
    what = sheet(np.stack([x, y, z], -1))
    middle = what.vertices[what.faces].mean(1)
    drift = np.sin(middle[:, 0] * 0.031) + np.sin(middle[:, 1] * 0.027 + middle[:, 0] * 0.012)
    high = middle[:, 2] / height + 0.03 * drift + numbers.normal(0, 0.01, len(middle))
    snowy = high > snowline
    shade = numbers.uniform(0.85, 1.15, (len(middle), 1))
    green = np.asarray(tint) * shade
    bare = np.asarray((0.17, 0.15, 0.13)) * shade
    mix = np.clip(high[:, None] * 1.6 - 0.2, 0, 1) if snowline < 2 else 0.0
    for chosen, material, tints, name in (
        (~snowy, "rock", green * (1 - mix) + bare * mix, "mountain"),
        (snowy, "snow", np.full((len(middle), 3), 0.8), "snow"),
    ):
        if chosen.any():
            scene.add(
                Shape(what.vertices, what.faces[chosen]),
                material,
                tints[chosen].astype(np.float32),
                scene.stuff(name),
                floats=True,
            )
