"""Streets: pavements, markings, houses on both sides, traffic, people and what stands along the kerb."""

from __future__ import annotations

import math
import random

from street import buildings, furniture, people, vegetation, vehicles
from street.buildings import Style
from street.scene import Scene
from street.world import Plan, in_sight

ASPHALT = ((0.11, 0.11, 0.115), (0.15, 0.15, 0.15), (0.085, 0.085, 0.09), (0.18, 0.172, 0.16))
PAVING = ((0.33, 0.32, 0.3), (0.4, 0.38, 0.34), (0.28, 0.28, 0.29), (0.42, 0.33, 0.27))
KERB = 0.13  # metres
PAINT = (0.72, 0.72, 0.68)
END = 170.0  # metres of street


class Street:
    """A street under construction."""

    def __init__(self, scene: Scene, rng: random.Random, plan: Plan) -> None:
        self.scene, self.rng, self.plan, self.road = scene, rng, plan, plan.road
        self.weather = plan.weather
        self.half, self.edge = plan.half_road, plan.half_road + plan.walk
        self.asphalt = rng.choice(ASPHALT) if not plan.weather.snow else (0.3, 0.31, 0.33)
        self.paving = rng.choice(PAVING) if not plan.weather.snow else (0.6, 0.61, 0.63)
        self.crossing = rng.uniform(13, 26) if plan.family == "junction" else math.inf
        self.cross_half = rng.uniform(3.2, 4.6)
        self.parked: list[tuple[float, float]] = []  # (s, t) of what stands on the road

    @property
    def cross_edge(self) -> float:
        """From the middle of the side street to its houses."""
        return self.cross_half + 2.2

    def at(self, s: float, t: float, z: float = 0.0) -> tuple[tuple[float, float, float], float]:
        """A place and the road's heading there."""
        x, y, heading = self.road.place(s, t)
        return (x, y, z), heading

    def seen(self, s: float, t: float, margin: float) -> bool:
        """See `in_sight`."""
        x, y, _ = self.road.place(s, t)
        return in_sight(self.plan, x, y, margin)

    def is_free(self, s: float, t: float, room: float) -> bool:
        """Whether nothing stands within `room` metres along that lane, nor at the camera; if so, it is taken."""
        if abs(s) < room / 2 + 2.5 and abs(t - self.plan.view.aside) < 2.2 and self.plan.view.height < 4:
            return False
        if any(abs(t - t2) < 2.2 and abs(s - s2) < room for s2, t2 in self.parked):
            return False
        self.parked.append((s, t))
        return True

    def is_crossing(self, s: float, margin: float = 0.0) -> bool:
        """Whether s lies in the side street."""
        return abs(s - self.crossing) < self.cross_edge + margin


def fill(scene: Scene, rng: random.Random, plan: Plan) -> None:
    """Build the whole street."""
    street = Street(scene, rng, plan)
    _surfaces(street)
    _markings(street)
    if plan.family == "junction":
        _side_street(street)
    for side in (-1, 1):
        style = _side_style(street, side)
        if style == "park":
            _park(street, side)
        elif style == "gardens":
            _gardens(street, side)
        else:
            _terrace(street, side)
        _kerbside(street, side, leafy=style != "terrace")
    _traffic(street)
    _walkers(street)
    if plan.mountains < 60 or rng.random() < 0.5:
        _skyline(street)


def _side_style(street: Street, side: int) -> str:
    plan = street.plan
    if plan.family == "suburb":
        return "gardens"
    if plan.family == "park":
        return "park" if side * (plan.view.aside or 1) < 0 else "terrace"
    return "terrace" if street.rng.random() < 0.82 else "gardens"


def _surfaces(street: Street) -> None:
    scene, road = street.scene, street.road
    scene.add(
        road.strip(-30, END, -street.half, street.half, 0.03, across=2), "asphalt", street.asphalt, scene.stuff("road")
    )
    for side in (-1, 1):
        spans = [(-30.0, END)]
        if street.crossing < END:
            spans = [(-30.0, street.crossing - street.cross_half), (street.crossing + street.cross_half, END)]
        for s0, s1 in spans:
            low, high = sorted((side * street.half, side * street.edge))
            scene.add(road.strip(s0, s1, low, high, KERB + 0.02), "paving", street.paving, scene.stuff("sidewalk"))
            low, high = sorted((side * (street.half - 0.02), side * (street.half + 0.16)))
            kerb = road.bar(s0, s1, low, high, -0.1, KERB + 0.035)
            scene.add(kerb, "matte", tuple(0.9 * c for c in street.paving), scene.stuff("sidewalk"))


def _markings(street: Street) -> None:
    scene, rng, road = street.scene, street.rng, street.road
    paint = scene.stuff("marking")
    wide = rng.uniform(0.16, 0.22)

    def clear(s: float) -> bool:
        return not street.is_crossing(s, 3)

    if street.plan.weather.snow and rng.random() < 0.7:
        return
    middle = rng.random()
    if middle < 0.7:
        dash, gap = (rng.uniform(1.6, 3.2), rng.uniform(2, 4)) if middle < 0.55 else (6.0, 0.0)
        s = -8.0
        while s < 110:
            if clear(s) and clear(s + dash):
                scene.add(road.strip(s, s + dash, -wide / 2, wide / 2, 0.045), "marking", PAINT, paint)
            s += dash + gap
    if rng.random() < 0.35:
        for side in (-1, 1):
            low, high = sorted((side * (street.half - 0.35), side * (street.half - 0.5)))
            spans = (
                [(-10.0, 110.0)]
                if math.isinf(street.crossing)
                else [
                    (-10.0, street.crossing - street.cross_edge - 3),
                    (street.crossing + street.cross_edge + 3, 110.0),
                ]
            )
            for s0, s1 in spans:
                scene.add(road.strip(s0, s1, low, high, 0.044), "marking", PAINT, paint)
    if not math.isinf(street.crossing):
        places = [street.crossing - street.cross_edge - 0.5, street.crossing + street.cross_edge + 0.5]
    else:
        places = [rng.uniform(7, 24)] if rng.random() < 0.5 else []
    for s in places:
        _zebra(street, s)
    if places and math.isinf(street.crossing) and rng.random() < 0.5:
        for side, turn in ((1, 0.0), (-1, math.pi)):
            at, heading = street.at(places[0] - 1.9 if side > 0 else places[0] + 1.9, side * (street.half + 0.5), KERB)
            furniture.stand_traffic_light(scene, rng, at, heading + turn)


def _zebra(street: Street, s: float) -> None:
    count = int(street.half * 2 / 1.05)
    for i in range(count):
        t = (i + 0.5) / count * 2 * street.half - street.half
        street.scene.add(
            street.road.strip(s - 1.5, s + 1.5, t - 0.27, t + 0.27, 0.047),
            "marking",
            PAINT,
            street.scene.stuff("marking"),
        )
    stop = s - 2.6
    street.scene.add(
        street.road.strip(stop - 0.2, stop + 0.2, 0.2, street.half - 0.3, 0.046),
        "marking",
        PAINT,
        street.scene.stuff("marking"),
    )


def _side_street(street: Street) -> None:
    """The crossing street, square to the main one, with its own pavements and houses."""
    scene, rng, road = street.scene, street.rng, street.road
    c, h, e = street.crossing, street.cross_half, street.cross_edge
    reach = 90.0
    scene.add(road.strip(c - h, c + h, -reach, reach, 0.036, across=30), "asphalt", street.asphalt, scene.stuff("road"))
    for side in (-1, 1):
        for near, far in ((-e, -h), (h, e)):
            low, high = sorted((side * street.half, side * reach))
            scene.add(
                road.strip(c + near, c + far, low, high, KERB + 0.022, across=20),
                "paving",
                street.paving,
                scene.stuff("sidewalk"),
            )
            kerb = h if near > 0 else -h
            s0, s1 = sorted((c + kerb, c + kerb + math.copysign(0.16, kerb)))
            wall = road.strip(s0, s1, low, high, KERB + 0.037, across=20)
            scene.add(wall, "matte", tuple(0.9 * v for v in street.paving), scene.stuff("sidewalk"))
        # A house at each far corner follows from the terraces; along the side street stand some more.
        t = street.edge + 15.0
        while t < 80:
            width = rng.uniform(8, 14)
            for end in (-1, 1):
                s, turn = c + end * e, 0.0 if end > 0 else math.pi
                if street.seen(s, side * (t + width / 2), 12):
                    at, heading = street.at(s, side * (t + width / 2))
                    buildings.build(scene, rng, at[:2], heading + turn, _house_style(street, width - 0.1))
            t += width
    if rng.random() < 0.75:
        for side, s, turn in ((1, c - e - 0.3, 0.0), (-1, c + e + 0.3, math.pi), (-1, c - e - 0.3, 0.0)):
            if side < 0 and s < c and rng.random() < 0.5:
                continue
            at, heading = street.at(s, side * (street.half + 0.5), KERB)
            arm = street.half * 0.75 if side > 0 and rng.random() < 0.6 else 0.0
            furniture.stand_traffic_light(scene, rng, at, heading + turn, arm=arm)


def _house_style(street: Street, width: float) -> Style:
    rng, weather = street.rng, street.weather
    floors = rng.choices((2, 3, 4, 5, 6), (2, 4, 4, 3, 1))[0]
    flat = floors > 4 or rng.random() < 0.3
    return Style(
        width,
        depth=rng.uniform(9, 13),
        floors=floors,
        storey=rng.uniform(2.8, 3.3),
        roof="flat" if flat else rng.choice(("gable", "gable", "hip", "gable front")),
        walls=rng.choices(("plaster", "brick"), (0.65, 0.35))[0],
        shop=rng.random() < 0.4,
        balconies=floors > 2 and rng.random() < 0.35,
        chimney=rng.random() < 0.7,
        panes=rng.uniform(0.85, 1.35),
        snow=weather.snow,
        lit=weather.lit,
    )


def _terrace(street: Street, side: int) -> None:
    scene, rng = street.scene, street.rng
    s = -24.0
    while s < 125:
        width = rng.uniform(7.5, 14.5)
        if not math.isinf(street.crossing):
            start, stop = street.crossing - street.cross_edge, street.crossing + street.cross_edge
            if s < start < s + width + 4:
                width = start - s
            elif start <= s < stop:
                s = stop
        if width < 4.5:
            s += max(width, 0.5)
            continue
        gap = rng.random()
        middle = s + width / 2
        if gap < 0.08 and not street.is_crossing(middle, 6):  # a yard with trees between two houses
            if street.seen(middle, side * (street.edge + 6), 10):
                for _ in range(rng.randint(1, 3)):
                    at, _h = street.at(middle + rng.uniform(-2, 2), side * (street.edge + rng.uniform(2.5, 9)))
                    vegetation.plant_tree(scene, rng, street.weather.season, at[0], at[1])
                _front_line(street, side, s, s + width, street.edge + 0.3)
        elif street.seen(middle, side * (street.edge + 5), 12):
            # On a bend the front is a chord: it stands a little back so that it does not cut the pavement.
            back = 0.05 + abs(street.plan.bend) / 90 * width * width / 4
            at, heading = street.at(middle, side * (street.edge + back))
            buildings.build(scene, rng, at[:2], heading - side * math.pi / 2, _house_style(street, width - 0.06))
        s += width


def _front_line(street: Street, side: int, s0: float, s1: float, t: float, gap: float = 0.0) -> None:
    """A fence, wall or hedge along the pavement, with a gate of `gap` metres in its middle."""
    rng = street.rng
    kind = rng.choice(("pickets", "boards", "wall", "hedge", "hedge", "rails"))
    middle = (s0 + s1) / 2
    spans = [(s0, s1)] if not gap else [(s0, middle - gap / 2), (middle + gap / 2, s1)]
    tall = rng.uniform(0.9, 1.7)
    for a, b in spans:
        count = max(2, math.ceil((b - a) / 5) + 1)
        points = [street.road.place(a + (b - a) * i / (count - 1), side * t)[:2] for i in range(count)]
        if kind == "hedge":
            vegetation.grow_hedge(street.scene, rng, points, tall, street.weather.season)
        else:
            furniture.put_fence(street.scene, rng, points, kind)


def _gardens(street: Street, side: int) -> None:
    """Detached houses behind front gardens."""
    scene, rng, season = street.scene, street.rng, street.weather.season
    s = -22.0 + rng.uniform(0, 6)
    while s < 120:
        plot = rng.uniform(13, 20)
        middle = s + plot / 2
        if street.is_crossing(middle, plot / 2):
            s = street.crossing + street.cross_edge + 1 if s > street.crossing - street.cross_edge - plot else s + 2
            continue
        back = rng.uniform(3.5, 8)
        if street.seen(middle, side * (street.edge + back + 4), 14):
            width = rng.uniform(8, min(12, plot - 2))
            style = Style(
                width,
                depth=rng.uniform(7.5, 10),
                floors=rng.choice((1, 1, 2, 2)),
                storey=rng.uniform(2.6, 2.9),
                roof=rng.choice(("gable", "hip", "gable front", "gable")),
                walls=rng.choice(("plaster", "plaster", "brick", "planks")),
                chimney=rng.random() < 0.8,
                panes=rng.uniform(0.9, 1.5),
                snow=street.weather.snow,
                lit=street.weather.lit,
            )
            at, heading = street.at(middle, side * (street.edge + back))
            buildings.build(scene, rng, at[:2], heading - side * math.pi / 2 + rng.uniform(-0.06, 0.06), style)
            low, high = sorted((side * street.edge, side * (street.edge + back)))
            scene.add(
                street.road.strip(middle - 0.1, middle + 1.5, low, high, 0.04, step=1.0),
                "paving",
                street.paving,
                scene.stuff("path"),
            )
            for _ in range(rng.randint(1, 3)):
                x, y, _h = street.road.place(
                    s + rng.choice((rng.uniform(0.5, 2.5), plot - rng.uniform(0.5, 2.5))),
                    side * (street.edge + rng.uniform(1.5, back + 12)),
                )
                if rng.random() < 0.65:
                    vegetation.plant_tree(scene, rng, season, x, y, scale=rng.uniform(0.6, 0.95))
                else:
                    vegetation.plant_bush(scene, rng, season, x, y)
            for _ in range(rng.randint(0, 3)):
                x, y, _h = street.road.place(
                    middle + rng.choice((-1, 1)) * rng.uniform(2, width / 2),
                    side * (street.edge + back - rng.uniform(0.6, 1.0)),
                )
                vegetation.plant_bush(scene, rng, season, x, y)
            if rng.random() < 0.35 and back > 5.5:
                at, heading = street.at(middle - width / 2 + 1.2, side * (street.edge + back - 2.6), 0.02)
                vehicles.park_car(scene, rng, at, heading + side * math.pi / 2)
        if rng.random() < 0.75 and street.seen(middle, side * street.edge, plot / 2):
            _front_line(street, side, s + 0.3, s + plot - 0.3, street.edge + 0.5, gap=3.2)
        s += plot


def _park(street: Street, side: int) -> None:
    """Lawn with trees, paths, benches, bushes and a pond's worth of rocks."""
    scene, rng, season = street.scene, street.rng, street.weather.season
    path = street.edge + rng.uniform(5, 9)
    low, high = sorted((side * path, side * (path + 2.2)))
    scene.add(street.road.strip(-20, 110, low, high, 0.035, across=1), "gravel", (0.36, 0.29, 0.2), scene.stuff("path"))
    for _ in range(34):
        s, t = rng.uniform(-8, 90), street.edge + rng.uniform(1.5, 45)
        if path - 1.2 < t < path + 3.4 or not street.seen(s, side * t, 5):
            continue
        x, y, _h = street.road.place(s, side * t)
        if rng.random() < 0.72:
            vegetation.plant_tree(scene, rng, season, x, y)
        else:
            vegetation.plant_bush(scene, rng, season, x, y)
    for _ in range(4):
        s = rng.uniform(3, 28)
        at, heading = street.at(s, side * (path - 0.7), 0.02)
        furniture.stand_bench(scene, rng, at, heading - side * math.pi / 2 + math.pi)
        if rng.random() < 0.5:
            spot, heading = street.at(s + 0.4, side * (path - 0.75), 0.02)
            people.stand_person(scene, rng, spot, heading - side * math.pi / 2, pose="sit", cold=season == "winter")
    for _ in range(4):
        at, heading = street.at(rng.uniform(4, 32), side * (path + rng.uniform(0.4, 1.8)), 0.04)
        people.stand_person(
            scene, rng, at, heading + rng.choice((0, math.pi)) + rng.uniform(-0.3, 0.3), cold=season == "winter"
        )
    if rng.random() < 0.5:
        _front_line(street, side, -10, 60, street.edge + 0.6)


def _kerbside(street: Street, side: int, *, leafy: bool) -> None:
    """Lamps, trees, signs, benches and parked bicycles along one pavement."""
    scene, rng, weather = street.scene, street.rng, street.weather
    old = rng.random() < 0.4
    t = side * (street.half + 0.45)
    s, pace = rng.uniform(3, 14), rng.uniform(16, 24)
    while s < 110:
        if not street.is_crossing(s, 1) and not _at_camera(street, s, t):
            at, heading = street.at(s, t, KERB)
            furniture.stand_lamp(scene, rng, at, heading + side * math.pi / 2, lit=weather.lit, old=old)
        s += pace
    if rng.random() < (0.55 if leafy else 0.4):
        kind = rng.choice(("broad", "broad", "birch", "poplar")) if weather.season != "winter" else "bare"
        s, pace, scale = rng.uniform(5, 12), rng.uniform(8, 13), rng.uniform(0.65, 0.95)
        while s < 110:
            if not street.is_crossing(s, 2) and not _at_camera(street, s, t, 3):
                x, y, _h = street.road.place(s, side * (street.half + 0.7))
                vegetation.plant_tree(scene, rng, weather.season, x, y, kind=kind, scale=scale)
            s += pace
    for _ in range(rng.randint(1, 3)):
        s = rng.uniform(4.5, 30)
        if not street.is_crossing(s, 0.5) and not _at_camera(street, s, t):
            at, heading = street.at(s, t, KERB)
            furniture.stand_sign(
                scene, rng, at, heading + (rng.uniform(-0.2, 0.2) if side > 0 or rng.random() < 0.6 else math.pi)
            )
    if rng.random() < 0.65:
        s = rng.uniform(4.5, 14)
        if not street.is_crossing(s, 2) and not _at_camera(street, s, side * (street.edge - 0.5)):
            at, heading = street.at(s, side * (street.edge - 0.55), KERB + 0.02)
            furniture.stand_bench(scene, rng, at, heading - side * math.pi / 2)
            if rng.random() < 0.6:
                at, heading = street.at(s + 0.35, side * (street.edge - 0.6), KERB + 0.02)
                people.stand_person(scene, rng, at, heading + side * math.pi / 2, pose="sit", cold=weather.snow)
    if rng.random() < 0.6:
        s = rng.uniform(4.5, 14)
        for i in range(rng.randint(1, 4)):
            spot = s + i * 0.75
            if not street.is_crossing(spot, 0.5) and not _at_camera(street, spot, side * (street.edge - 1)):
                at, heading = street.at(spot, side * (street.edge - 1.0), KERB + 0.02)
                vehicles.stand_bicycle(scene, rng, at, heading + math.pi / 2 + rng.uniform(-0.15, 0.15))


def _at_camera(street: Street, s: float, t: float, room: float = 1.6) -> bool:
    view = street.plan.view
    return abs(s - view.along) < room + 2.5 and abs(t - view.aside) < room


def _traffic(street: Street) -> None:
    scene, rng, plan = street.scene, street.rng, street.plan
    lit = street.weather.lit or street.weather.wet
    parking = [side for side in (-1, 1) if (rng.random() < 0.62 and street.half > 4.1) or rng.random() < 0.25]
    for side in parking:
        t = side * (street.half - 1.05)
        s = rng.uniform(-4, 5)
        while s < 95:
            length = 5.4
            if (
                rng.random() < 0.72
                and not street.is_crossing(s, 7)
                and street.seen(s, t, 4)
                and street.is_free(s, t, length)
            ):
                at, heading = street.at(s, t, 0.03)
                turn = heading if side > 0 else heading + math.pi
                if rng.random() < 0.05:
                    street.parked.append((s + 3, t))
                    at, heading = street.at(s + 2, t, 0.03)
                    vehicles.park_truck(scene, rng, at, turn)
                    s += 4
                else:
                    vehicles.park_car(scene, rng, at, turn + rng.uniform(-0.03, 0.03))
            s += length + (rng.uniform(0, 1.5) if rng.random() < 0.8 else 6)
    for side in (-1, 1):
        lane = side * (1.65 if side in parking or street.half < 4.2 else street.half / 2)
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            s = 6 + 60 * rng.random() ** 1.5
            kind = rng.choices(("car", "truck", "bus", "bicycle"), (0.56, 0.14, 0.14, 0.16))[0]
            room = {"car": 7.5, "truck": 11, "bus": 14, "bicycle": 4}[kind]
            s += room / 2 - 2
            if not street.is_free(s, lane, room) or not street.seen(s, lane, 3):
                continue
            at, heading = street.at(s, lane, 0.03)
            turn = heading if side > 0 else heading + math.pi
            if kind == "car":
                vehicles.park_car(scene, rng, at, turn, lit=lit)
            elif kind == "truck":
                vehicles.park_truck(scene, rng, at, turn, lit=lit)
            elif kind == "bus":
                vehicles.park_bus(scene, rng, at, turn, lit=lit)
            else:
                at, _ = street.at(s, side * (street.half - 0.9 if side not in parking else street.half - 2.6), 0.03)
                people.ride_bicycle(scene, rng, at, turn, cold=plan.weather.snow)
    if not math.isinf(street.crossing) and rng.random() < 0.6:
        side = rng.choice((-1, 1))
        t = side * rng.uniform(1, 9)
        s = street.crossing - side * street.cross_half * 0.45
        if street.is_free(s, t, 7):
            at, heading = street.at(s, t, 0.04)
            (vehicles.park_bus if rng.random() < 0.25 else vehicles.park_car)(
                scene, rng, at, heading + side * math.pi / 2, lit=lit
            )


def _walkers(street: Street) -> None:
    scene, rng, plan = street.scene, street.rng, street.plan
    wet, cold = plan.weather.wet, plan.weather.snow
    for side in (-1, 1):
        for _ in range(rng.choice((0, 1, 2, 2, 3, 4))):
            s = 4.0 + 34 * rng.random() ** 1.4
            t = side * rng.uniform(street.half + 0.9, street.edge - 0.45)
            if street.is_crossing(s, -2) or _at_camera(street, s, t, 0.8) or not street.seen(s, t, 1):
                continue
            at, heading = street.at(s, t, KERB + 0.02)
            turn = heading + rng.choice((0, math.pi)) + rng.uniform(-0.35, 0.35)
            people.stand_person(scene, rng, at, turn, cold=cold, rain=wet)
            if rng.random() < 0.35:
                at, _h = street.at(s + rng.uniform(-0.3, 0.3), t - side * 0.65, KERB + 0.02)
                people.stand_person(scene, rng, at, turn + rng.uniform(-0.1, 0.1), cold=cold, rain=wet)
    if rng.random() < 0.3:
        s = rng.uniform(6, 16) if math.isinf(street.crossing) else street.crossing - street.cross_edge - 0.5
        t = rng.uniform(-street.half + 1, street.half - 1)
        if street.is_free(s, t, 3):
            at, heading = street.at(s, t, 0.04)
            people.stand_person(
                scene, rng, at, heading + rng.choice((-1, 1)) * math.pi / 2, pose="walk", cold=cold, rain=wet
            )


def _skyline(street: Street) -> None:
    """Trees, and now and then a church or blocks, where the street ends."""
    scene, rng = street.scene, street.rng
    if rng.random() < 0.3:
        x, y, heading = street.road.place(rng.uniform(100, 140), rng.choice((-1, 1)) * rng.uniform(18, 30))
        buildings.build_church(scene, rng, (x, y), heading, snow=street.weather.snow)
    for _ in range(26):
        s, t = rng.uniform(110, 165), rng.uniform(-45, 45)
        if abs(t) > street.edge + 1:
            x, y, _h = street.road.place(s, t)
            vegetation.plant_tree(scene, rng, street.weather.season, x, y, scale=1.2)
