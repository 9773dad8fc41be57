"""Countryside: fields along a road or none, forests, farms, lakes and rivers, rocks and fences."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import numpy as np

from street import buildings, furniture, people, vegetation, vehicles
from street.buildings import Style
from street.meshes import sheet
from street.scene import Scene
from street.terrain import Land
from street.town import ASPHALT, PAINT
from street.world import Plan, in_sight

CROPS = (
    (0.5, 0.36, 0.1), (0.6, 0.5, 0.05), (0.2, 0.12, 0.07), (0.16, 0.26, 0.04), (0.42, 0.34, 0.14), (0.11, 0.2, 0.05),
    (0.55, 0.45, 0.22), (0.28, 0.18, 0.36), (0.3, 0.32, 0.08),
)  # fmt: skip
REACH = 330.0  # metres to the last field


class Country:
    """The countryside under construction."""

    def __init__(self, scene: Scene, rng: random.Random, plan: Plan, land: Land) -> None:
        self.scene, self.rng, self.plan, self.land, self.road = scene, rng, plan, land, plan.road
        self.weather, self.season = plan.weather, plan.weather.season
        kinds = {"country road": ("road", "road", "path"), "fields": ("path", ""), "lake": ("path", "", "")}
        self.way = rng.choice(kinds[plan.family])  # what lies along the middle line
        self.half = {"road": plan.half_road, "path": rng.uniform(1.1, 1.6), "": 0.0}[self.way]

    def spot(self, s: float, t: float) -> tuple[float, float, float]:
        """x, y and heading of a place along the road."""
        return self.road.place(s, t)

    def is_dry(self, x: float, y: float, margin: float = 0.3) -> bool:
        """Whether a place is above the water."""
        return self.land.is_dry(np.asarray([x]), np.asarray([y]), margin)

    def seen(self, x: float, y: float, margin: float) -> bool:
        """See `in_sight`."""
        return in_sight(self.plan, x, y, margin)

    def lift(self, s: float) -> float:
        """How far what lies on the ground must be above it, so that it stays visible at a distance."""
        return 0.03 + 0.0012 * abs(s)


def fill(scene: Scene, rng: random.Random, plan: Plan, land: Land) -> None:
    """Build the whole countryside."""
    country = Country(scene, rng, plan, land)
    if country.way:
        _way(country)
    _patchwork(country)
    _beside_way(country)
    _near(country)
    if rng.random() < 0.8:
        _farm(country)
    _far_trees(country)


def _way(country: Country) -> None:
    """The road with its markings, or a path of gravel."""
    scene, rng, road, half = country.scene, country.rng, country.road, country.half
    snow = country.weather.snow
    asphalt = rng.choice(ASPHALT) if not snow else (0.34, 0.35, 0.37)
    gravel = rng.choice(((0.36, 0.28, 0.18), (0.42, 0.36, 0.27), (0.3, 0.22, 0.14))) if not snow else (0.55, 0.54, 0.53)
    stops = [-20, 20, 60, 130, 220, 380]
    dashes = rng.random() < 0.75 and country.way == "road" and not snow
    for s0, s1 in pairwise(stops):
        # The lift grows with distance; spans meet at one height, so it is a property of vertices.
        strip = road.strip(s0, s1, -half, half, 0.0, across=3, step=2.5 if s0 < 100 else 6)
        far = np.hypot(strip.vertices[:, 0], strip.vertices[:, 1])
        strip.vertices[:, 2] = 0.03 + 0.0012 * far
        if country.way == "road":
            scene.add(strip, "asphalt", asphalt, scene.stuff("road"))
            for side in (-1, 1):
                low, high = sorted((side * half, side * (half + 0.7)))
                verge = road.strip(s0, s1, low, high, 0.0, step=2.5 if s0 < 100 else 6)
                verge.vertices[:, 2] = 0.015 + 0.0011 * np.hypot(verge.vertices[:, 0], verge.vertices[:, 1])
                scene.add(verge, "gravel", gravel, scene.stuff("path"))
        else:
            scene.add(strip, "gravel", gravel, scene.stuff("path"))
    if country.way == "road" and not snow:
        lines = [(-half + 0.2, -half + 0.36), (half - 0.36, half - 0.2)] if rng.random() < 0.7 else []
        for low, high in lines:
            _stripe(country, -15, 130, low, high)
        s = -10.0
        while dashes and s < 130:
            _stripe(country, s, s + 3, -0.09, 0.09)
            s += 7.5


def _stripe(country: Country, s0: float, s1: float, t0: float, t1: float) -> None:
    strip = country.road.strip(s0, s1, t0, t1, 0.0, step=1.25)
    strip.vertices[:, 2] = 0.045 + 0.0014 * np.hypot(strip.vertices[:, 0], strip.vertices[:, 1])
    country.scene.add(strip, "marking", PAINT, country.scene.stuff("marking"))


def _cuts(rng: random.Random, start: float, stop: float, low: float, high: float) -> list[float]:
    """Numbers from start to about stop, low to high apart."""
    found = [start]
    while found[-1] < stop:
        found.append(found[-1] + rng.uniform(low, high))
    return found


def _patchwork(country: Country) -> None:
    """Fields, meadows and woods, side by side along the road."""
    rng = country.rng
    margin = max(country.half + rng.uniform(1.5, 4), 2.5)
    sides = [_cuts(rng, margin, REACH * 0.8, 28, 75) for _ in range(2)]
    rows = _cuts(rng, -18 + rng.uniform(0, 14), REACH, 35, 95)
    woods = rng.uniform(0.1, 0.4)
    fields = {"fields": 0.72, "country road": 0.5, "lake": 0.3}[country.plan.family]
    for side, columns in zip((-1, 1), sides, strict=True):
        for t0, t1 in pairwise(columns):
            shift = rng.uniform(-12, 12)
            for s0, s1 in pairwise(rows):
                draw = rng.random()
                _patch(
                    country,
                    side,
                    (s0 + shift, s1 + shift),
                    (t0, t1),
                    "field" if draw < fields else "wood" if draw < fields + woods and s1 > 70 else "meadow",
                )


def _patch(country: Country, side: int, along: tuple[float, float], across: tuple[float, float], kind: str) -> None:
    scene, rng, road, land = country.scene, country.rng, country.road, country.land
    (s0, s1), (t0, t1) = along, across
    gap = rng.uniform(0.4, 1.6)
    s, t = np.meshgrid(np.linspace(s0 + gap, s1 - gap, 15), side * np.linspace(t0 + 0.2, t1 - gap, 11), indexing="ij")
    x, y, _ = road.lay(s, t)
    if not country.seen(float(x.mean()), float(y.mean()), max(s1 - s0, t1 - t0) * 0.8):
        return
    dry = land.is_dry(x, y, 0.4)
    if kind == "field" and dry and not country.weather.snow:
        tint = np.asarray(rng.choice(CROPS)) * rng.uniform(0.85, 1.15)
        what = sheet(np.stack([x, y, 0.04 + 0.0018 * np.hypot(x, y)], -1))
        scene.add(what, rng.choice(("rows", "field")), tint, scene.stuff("field"))
        if rng.random() < 0.25 and s1 < 140:
            edge = [road.place(v, side * (t0 + 0.1))[:2] for v in np.linspace(max(s0, -8) + 1, s1 - 1, 8)]
            furniture.put_fence(scene, rng, edge, rng.choice(("rails", "rails", "wall")))
    elif kind == "wood":
        _wood(country, side, along, across)
    elif rng.random() < 0.5:
        for _ in range(rng.randint(1, 4)):
            px, py, _h = road.place(rng.uniform(s0, s1), side * rng.uniform(max(t0, country.half + 4), t1))
            if country.is_dry(px, py) and math.hypot(px, py) > 14 and country.seen(px, py, 5):
                vegetation.plant_tree(scene, rng, country.season, px, py)
    if rng.random() < 0.3 and s1 > 25:
        for v in np.arange(max(s0, 15), s1, rng.uniform(6, 11)):
            px, py, _h = road.place(float(v), side * t1)
            if country.is_dry(px, py) and country.seen(px, py, 5):
                vegetation.plant_tree(scene, rng, country.season, px, py)


def _wood(country: Country, side: int, along: tuple[float, float], across: tuple[float, float]) -> None:
    rng, road = country.rng, country.road
    (s0, s1), (t0, t1) = along, across
    kind = rng.choice(("", "conifer", "broad"))
    if country.season == "winter" and kind == "broad":
        kind = "bare"
    spacing = 5.5 if s0 < 120 else 7.5
    # Only the edge of a wood is seen: trees stand densely along its near sides and not at all deep inside.
    for s in np.arange(s0 + 2, s1 - 2, spacing):
        for t in np.arange(t0 + 3, t1 - 1, spacing):
            if s - s0 > 24 and t - t0 > 18:
                continue
            x, y, _h = road.place(float(s) + rng.uniform(-2, 2), side * (float(t) + rng.uniform(-2, 2)))
            if country.is_dry(x, y) and math.hypot(x, y) > 18 and country.seen(x, y, 5):
                vegetation.plant_tree(country.scene, rng, country.season, x, y, kind=kind, scale=rng.uniform(0.9, 1.4))


def _beside_way(country: Country) -> None:
    """Avenues, poles, fences, signs, traffic and walkers."""
    scene, rng, half = country.scene, country.rng, country.half
    cold, rain = country.weather.snow, country.weather.wet
    side = rng.choice((-1, 1))
    if country.way and rng.random() < 0.35:
        kind = rng.choice(("poplar", "broad", "birch")) if country.season != "winter" else "bare"
        for s in np.arange(rng.uniform(8, 14), 150, rng.uniform(9, 14)):
            for flank in (-1, 1) if rng.random() < 0.8 else (1,):
                x, y, _h = country.spot(float(s), flank * (half + 2.2))
                if country.is_dry(x, y):
                    vegetation.plant_tree(scene, rng, country.season, x, y, kind=kind)
    elif country.way and rng.random() < 0.4:
        for s in np.arange(rng.uniform(8, 20), 200, 32):
            x, y, heading = country.spot(float(s), side * (half + 2.5))
            if country.is_dry(x, y):
                furniture.stand_utility_pole(scene, rng, (x, y, 0), heading)
    if rng.random() < 0.55:
        kind = rng.choice(("rails", "rails", "wall", "pickets"))
        flank = rng.choice((-1, 1))
        start = rng.uniform(-6, 10)
        points = [country.spot(start + 4.0 * i, flank * (half + 2.4))[:2] for i in range(rng.randint(4, 14))]
        if all(country.is_dry(*p) for p in points):
            furniture.put_fence(scene, rng, points, kind)
    if country.way == "road":
        _traffic(country)
        for _ in range(rng.randint(0, 2)):
            flank = rng.choice((1, 1, -1))
            x, y, heading = country.spot(rng.uniform(5, 22), flank * (half + 1.2))
            furniture.stand_sign(scene, rng, (x, y, 0), heading + rng.uniform(-0.2, 0.2))
    if country.way:
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            edge = half + 0.6 if country.way == "road" else half * 0.6
            s = rng.uniform(4.5, 26)
            x, y, heading = country.spot(s, rng.choice((-1, 1)) * edge)
            at = (x, y, country.lift(s))
            turn = heading + rng.choice((0, math.pi))
            if rng.random() < 0.4:
                people.ride_bicycle(scene, rng, at, turn, cold=cold)
            else:
                people.stand_person(scene, rng, at, turn + rng.uniform(-0.2, 0.2), cold=cold, rain=rain)


def _traffic(country: Country) -> None:
    scene, rng, half = country.scene, country.rng, country.half
    lit = country.weather.lit or country.weather.wet
    taken: list[tuple[int, float]] = []
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        side = rng.choice((-1, 1))
        s = 7 + 60 * rng.random() ** 1.6
        if any(side == other and abs(s - place) < 16 for other, place in taken):
            continue
        taken.append((side, s))
        kind = rng.choices(("car", "truck", "bus"), (0.6, 0.27, 0.13))[0]
        s += {"car": 0, "truck": 4, "bus": 6}[kind]
        if abs(side * half / 2 - country.plan.view.aside) < 2 and s < 9:
            s += 5
        x, y, heading = country.spot(s, side * half / 2)
        drive = {"car": vehicles.park_car, "truck": vehicles.park_truck, "bus": vehicles.park_bus}[kind]
        drive(scene, rng, (x, y, country.lift(s)), heading if side > 0 else heading + math.pi, lit=lit)


def _near(country: Country) -> None:
    """Rocks, bushes, single trees and a bench within some metres of the camera."""
    scene, rng, view, half = country.scene, country.rng, country.plan.view, country.half
    ex, ey, heading = country.spot(view.along, view.aside)
    yaw = heading + view.yaw

    def ahead(low: float, high: float) -> tuple[float, float] | None:
        distance, angle = rng.uniform(low, high), yaw + rng.uniform(-0.6, 0.6)
        x, y = ex - distance * math.sin(angle), ey + distance * math.cos(angle)
        on_way = country.way and abs(float(country.road.aside(np.asarray([x]), np.asarray([y]))[0])) < half + 1.6
        return None if on_way else (x, y)

    if rng.random() < 0.6:
        middle = ahead(6, 22)
        for _ in range(rng.randint(2, 7) if middle else 0):
            assert middle is not None
            x, y = middle[0] + rng.gauss(0, 2.2), middle[1] + rng.gauss(0, 2.2)
            if (
                math.hypot(x - ex, y - ey) > 4
                and abs(float(country.road.aside(np.asarray([x]), np.asarray([y]))[0])) > half + 1
            ):
                furniture.drop_rock(scene, rng, x, y, rng.uniform(0.25, 1.3))
    for _ in range(rng.randint(0, 6)):
        place = ahead(7, 40)
        if place and country.is_dry(*place):
            vegetation.plant_bush(scene, rng, country.season, *place)
    for _ in range(rng.choice((0, 1, 1, 2))):
        place = ahead(9, 30)
        if place and country.is_dry(*place):
            vegetation.plant_tree(scene, rng, country.season, *place)
    if rng.random() < 0.6:
        place = ahead(4.5, 11)
        if place and country.is_dry(*place):
            turn = yaw + rng.choice((0.0, math.pi)) + rng.uniform(-0.6, 0.6)
            furniture.stand_bench(scene, rng, (*place, 0.0), turn)
    if not country.way and rng.random() < 0.6:
        for _ in range(rng.randint(1, 3)):
            place = ahead(5, 20)
            if place and country.is_dry(*place):
                people.stand_person(
                    scene, rng, (*place, 0.0), rng.uniform(0, 6.28), cold=country.weather.snow, rain=country.weather.wet
                )


def _farm(country: Country) -> None:
    """A few houses, a barn, perhaps a silo or a church, beside the road."""
    scene, rng, snow = country.scene, country.rng, country.weather.snow
    side = rng.choice((-1, 1))
    s, t = rng.uniform(22, 95), country.half + rng.uniform(9, 30)
    for i in range(rng.randint(1, 4)):
        x, y, heading = country.spot(s, side * t)
        if country.is_dry(x, y, 0.8) and country.seen(x, y, 14):
            turn = heading - side * math.pi / 2 + rng.uniform(-0.4, 0.4)
            kind = rng.random()
            if i and kind < 0.3:
                buildings.build_barn(scene, rng, (x, y), turn, snow=snow)
                if rng.random() < 0.4:
                    sx, sy, _h = country.spot(s + 10, side * (t + 4))
                    buildings.build_shed(scene, rng, (sx, sy), 0.0, snow=snow)
            elif i and kind < 0.42:
                buildings.build_church(scene, rng, (x, y), turn, snow=snow)
            else:
                style = Style(
                    width=rng.uniform(9, 14),
                    depth=rng.uniform(7.5, 10),
                    floors=rng.choice((1, 2, 2)),
                    storey=2.8,
                    roof=rng.choice(("gable", "gable", "hip")),
                    walls=rng.choice(("plaster", "brick", "planks")),
                    panes=rng.uniform(0.9, 1.3),
                    snow=snow,
                    lit=country.weather.lit,
                )
                buildings.build(scene, rng, (x, y), turn, style)
                for _ in range(2):
                    px, py, _h = country.spot(
                        s + rng.choice((-1, 1)) * rng.uniform(8, 11), side * (t + rng.uniform(-3, 8))
                    )
                    if country.is_dry(px, py):
                        vegetation.plant_tree(scene, rng, country.season, px, py)
        s += rng.uniform(18, 30)
        t = max(country.half + 9, t + rng.uniform(-5, 12))


def _far_trees(country: Country) -> None:
    """Single trees and groups between here and the hills."""
    rng = country.rng
    for _ in range(rng.randint(6, 14)):
        s, t = rng.uniform(90, 380), rng.uniform(-220, 220)
        for _ in range(rng.randint(3, 12)):
            x, y, _h = country.spot(s + rng.gauss(0, 9), t + rng.gauss(0, 9))
            if abs(t) > 24 and country.is_dry(x, y) and country.seen(x, y, 5):
                vegetation.plant_tree(country.scene, rng, country.season, x, y, scale=1.15)
