"""The plan of a scene: family, light and weather, view and lie of the land, all drawn from one seed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from street.road import Road
from street.terrain import Relief

Tint = tuple[float, float, float]

FAMILIES = {
    "street": 0.27, "junction": 0.15, "suburb": 0.12, "park": 0.05,
    "country road": 0.17, "fields": 0.13, "lake": 0.11,
}  # fmt: skip
"""Share of each kind of place. The first four are settled, the others countryside."""
TOWN = ("street", "junction", "suburb", "park")
SHARP = math.radians(0.6)  # the sun behind no cloud
WEATHERS = {"clear": 0.55, "low sun": 0.15, "overcast": 0.15, "dusk": 0.05, "wet": 0.05, "snow": 0.05}


@dataclass(frozen=True)
class Weather:
    """Light, sky, season and what they do to the ground. Colours are linear; angles in radians."""

    kind: str
    season: str  # summer, autumn or winter
    sun_height: float
    sun_aside: float  # to the left of the view's direction
    sun_power: float  # W/m2
    sun_size: float
    sun_tint: Tint
    zenith: Tint
    horizon: Tint
    clouds: float  # share of the sky
    cloud_tint: Tint
    haze: Tint
    haze_reach: float  # metres over which 63 % of the light is replaced
    exposure: float  # stops

    @property
    def snow(self) -> bool:
        """Whether snow lies."""
        return self.kind == "snow"

    @property
    def wet(self) -> bool:
        """Whether the roads shine."""
        return self.kind == "wet"

    @property
    def lit(self) -> bool:
        """Whether lamps and windows are lit."""
        return self.kind == "dusk"


@dataclass(frozen=True)
class View:
    """The camera: places in metres, angles in radians."""

    along: float  # the road, from its origin
    aside: float  # to the right of the road's middle
    height: float  # above the ground
    yaw: float  # to the left of the road
    pitch: float  # upward
    lens: float  # millimetres, for a film 36 mm wide


@dataclass(frozen=True)
class Plan:
    """All that decides a scene, beside the order in which things are placed."""

    seed: int
    family: str
    weather: Weather
    view: View
    relief: Relief
    half_road: float  # metres from the middle to the kerb
    walk: float  # width of a pavement in metres
    turn: float  # heading of the road
    bend: float  # how much it turns in all
    bend_start: float
    mountains: float  # height in metres; 0 for none
    mountains_near: float  # distance in metres
    snowline: float  # share of that height

    @cached_property
    def road(self) -> Road:
        """The road's middle line."""
        return Road(self.turn, self.bend, self.bend_start, 90.0)


def draw_plan(seed: int) -> Plan:
    """The plan of a seed; the same on every machine."""
    rng = random.Random(seed)
    family = _pick(rng, FAMILIES)
    town = family in TOWN
    weather = _draw_weather(rng)
    half_road = (
        rng.uniform(3.0, 3.6) if not town else rng.uniform(4.2, 5.6) if family != "suburb" else rng.uniform(3.2, 4.2)
    )
    walk = rng.uniform(2.4, 3.6) if family != "suburb" else rng.uniform(1.8, 2.4)
    if rng.random() < (0.55 if family != "junction" else 0.0):
        bend, bend_start = rng.choice((-1, 1)) * rng.uniform(0.25, 0.9 if town else 0.7), rng.uniform(8, 30)
    else:
        bend, bend_start = 0.0, 20.0
    mountains = rng.uniform(90, 330) if rng.random() < (0.55 if not town else 0.3) else rng.uniform(15, 50)
    if weather.clouds >= 1:  # the haze under a closed sky would hide them
        mountains = min(mountains, 45.0)
    near = rng.uniform(420, 700)
    high = mountains > 60
    return Plan(
        seed,
        family,
        weather,
        view=_draw_view(rng, family, half_road, walk),
        relief=_draw_relief(rng, family),
        half_road=half_road,
        walk=walk,
        turn=rng.uniform(-0.08, 0.08),
        bend=bend,
        bend_start=bend_start,
        mountains=mountains,
        mountains_near=near,
        snowline=rng.uniform(0.42, 0.8) if high else 9.0,
    )


def _pick(rng: random.Random, shares: dict[str, float]) -> str:
    return rng.choices(list(shares), list(shares.values()))[0]


def _draw_weather(rng: random.Random) -> Weather:
    kind = _pick(rng, WEATHERS)
    season = "winter" if kind == "snow" else "autumn" if rng.random() < 0.22 else "summer"
    side = rng.choice((-1, 1)) * rng.uniform(0.7, 2.7)
    return SKIES[kind](rng, kind, season, side)


def _clear(rng: random.Random, kind: str, season: str, side: float) -> Weather:
    zenith = rng.choice(((0.07, 0.2, 0.6), (0.1, 0.26, 0.62), (0.05, 0.15, 0.48)))
    return Weather(
        kind,
        season,
        sun_height=math.radians(rng.uniform(24, 58)),
        sun_aside=side,
        sun_power=rng.uniform(4.6, 6.0),
        sun_size=SHARP,
        sun_tint=(1.0, 0.92, 0.8),
        zenith=zenith,
        horizon=(0.46, 0.62, 0.82),
        clouds=rng.uniform(0.15, 0.65),
        cloud_tint=(0.95, 0.95, 0.96),
        haze=(0.5, 0.62, 0.78),
        haze_reach=rng.uniform(1500, 4000),
        exposure=0.6,
    )


def _low_sun(rng: random.Random, kind: str, season: str, side: float) -> Weather:
    side = rng.choice((-1, 1)) * rng.uniform(0.35, 2.6)
    warm = rng.choice(((0.95, 0.6, 0.34), (0.85, 0.62, 0.46), (0.95, 0.5, 0.3)))
    return Weather(
        kind,
        season,
        sun_height=math.radians(rng.uniform(7, 15)),
        sun_aside=side,
        sun_power=rng.uniform(4.5, 6.0),
        sun_size=math.radians(1),
        sun_tint=(1.0, 0.64, 0.34),
        zenith=(0.14, 0.25, 0.5),
        horizon=warm,
        clouds=rng.uniform(0.15, 0.6),
        cloud_tint=(0.95, 0.7, 0.52),
        haze=(0.75, 0.58, 0.45),
        haze_reach=rng.uniform(900, 2200),
        exposure=0.85,
    )


def _grey(rng: random.Random, kind: str, season: str, side: float) -> Weather:
    grey = rng.uniform(0.52, 0.7) if kind == "overcast" else rng.uniform(0.4, 0.52)
    return Weather(
        kind,
        season,
        sun_height=math.radians(rng.uniform(40, 65)),
        sun_aside=side,
        sun_power=rng.uniform(0.5, 1.1),
        sun_size=math.radians(25),
        sun_tint=(1, 0.97, 0.93),
        zenith=(0.8 * grey, 0.85 * grey, 0.93 * grey),
        horizon=(grey, 1.03 * grey, 1.08 * grey),
        clouds=1.0,
        cloud_tint=(grey, grey, 1.03 * grey),
        haze=(grey, grey * 1.02, grey * 1.05),
        haze_reach=rng.uniform(800, 2000),
        exposure=1.0,
    )


def _snowy(rng: random.Random, kind: str, season: str, side: float) -> Weather:
    sunny = rng.random() < 0.5
    grey = rng.uniform(0.55, 0.7)
    return Weather(
        kind,
        season,
        sun_height=math.radians(rng.uniform(15, 30)),
        sun_aside=side,
        sun_power=2.6 if sunny else 0.3,
        sun_size=SHARP if sunny else 0.4,
        sun_tint=(1, 0.88, 0.74),
        zenith=(0.12, 0.26, 0.55) if sunny else (grey * 0.9, grey * 0.9, grey * 0.9),
        horizon=(0.55, 0.66, 0.8) if sunny else (grey, grey, grey * 1.05),
        clouds=0.4 if sunny else 1.0,
        cloud_tint=(0.85, 0.86, 0.9),
        haze=(0.62, 0.68, 0.76),
        haze_reach=rng.uniform(1000, 2500),
        exposure=0.5,
    )


def _dusk(rng: random.Random, kind: str, season: str, side: float) -> Weather:
    blue = rng.random() < 0.5  # or an afterglow
    return Weather(
        kind,
        season,
        sun_height=math.radians(4),
        sun_aside=rng.choice((-1, 1)) * rng.uniform(0, 1.2),
        sun_power=0.5,
        sun_size=math.radians(4),
        sun_tint=(1.0, 0.5, 0.3),
        zenith=(0.05, 0.09, 0.24) if blue else (0.1, 0.11, 0.24),
        horizon=(0.34, 0.34, 0.48) if blue else (0.8, 0.4, 0.22),
        clouds=rng.uniform(0.2, 0.6),
        cloud_tint=(0.22, 0.2, 0.3) if blue else (0.6, 0.3, 0.25),
        haze=(0.26, 0.28, 0.4) if blue else (0.4, 0.27, 0.25),
        haze_reach=rng.uniform(1000, 2000),
        exposure=1.5,
    )


SKIES: dict[str, Callable[[random.Random, str, str, float], Weather]] = {
    "clear": _clear,
    "low sun": _low_sun,
    "overcast": _grey,
    "wet": _grey,
    "dusk": _dusk,
    "snow": _snowy,
}


def _draw_view(rng: random.Random, family: str, half_road: float, walk: float) -> View:
    side = rng.choice((-1, 1))
    lens = rng.uniform(24, 36)
    high = rng.random()
    height = rng.uniform(1.5, 2.1) if high < 0.55 else rng.uniform(2.2, 4.0) if high < 0.82 else rng.uniform(5, 11)
    if family in TOWN:
        aside = (
            side * (half_road + walk * rng.uniform(0.25, 0.6))
            if rng.random() < 0.5
            else side * rng.uniform(0.3, half_road * 0.7)
        )
        # From one side one looks across to the other.
        yaw = math.copysign(1, aside) * rng.uniform(0.02, 0.35)
        if rng.random() < 0.15:
            yaw = math.copysign(1, aside) * rng.uniform(0.5, 0.95)
        elif rng.random() < 0.2:
            yaw = -yaw * 0.5
    else:
        on_road = family == "country road"
        aside = side * rng.uniform(0.5, 3.5) if on_road else rng.uniform(-8, 8)
        yaw = math.copysign(1, aside) * rng.uniform(-0.1, 0.4) if on_road else rng.uniform(-0.5, 0.5)
    pitch = -math.atan2(height - 1.2, 26) + rng.uniform(-0.05, 0.06)
    if height > 5:
        pitch -= rng.uniform(0.02, 0.16)
    return View(0.0, aside, height, yaw, pitch, lens)


def _draw_relief(rng: random.Random, family: str) -> Relief:
    phase = rng.uniform(0, 6.28)
    if family in TOWN:
        return Relief(grade=rng.choice((0, 0, 0, rng.uniform(-3, 6))), phase=phase)
    swell = rng.uniform(1.5, 6) if family == "lake" else rng.uniform(3, 14)
    water, lake, river = "", (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    side = rng.choice((-1, 1))
    if family == "lake" or rng.random() < 0.25:
        far = family != "lake"
        if rng.random() < 0.6:
            radius = rng.uniform(40, 110)
            distance = radius * 1.25 + (rng.uniform(8, 22) if not far else rng.uniform(40, 80))
            angle = side * rng.uniform(0.05, 0.5) if not far else side * rng.uniform(0.6, 0.9)
            water, lake = "lake", (distance * math.sin(angle), distance * math.cos(angle), radius)
        else:
            water, river = "river", (side * rng.uniform(16, 26), rng.uniform(3.5, 8), rng.uniform(2, 7))
    return Relief(
        swell, rng.uniform(140, 320), 0.0, water, lake, river, rng.uniform(-1.3, -0.8), family != "lake", phase
    )


def in_sight(plan: Plan, x: float, y: float, margin: float) -> bool:
    """Whether something within `margin` metres of (x, y) may be seen or may throw a shadow into the picture."""
    ex, ey, heading = plan.road.place(plan.view.along, plan.view.aside)
    distance = math.hypot(x - ex, y - ey)
    if distance < margin + 10:
        return True
    angle = math.atan2(-(x - ex), y - ey) - heading - plan.view.yaw
    angle = abs((angle + math.pi) % (2 * math.pi) - math.pi)
    return angle < math.atan(18 / plan.view.lens) + 0.15 + math.asin(min(1.0, margin / distance))
