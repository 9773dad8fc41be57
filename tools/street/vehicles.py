"""Cars, vans, trucks, buses and bicycles. A vehicle's front faces +y of its own frame."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from street.meshes import Shape, bevelled, box, boxes, disc, hoop, join, loft, moved, panel, tube
from street.scene import Scene, Tint

PAINTS = (
    (0.6, 0.62, 0.64), (0.75, 0.76, 0.77), (0.02, 0.02, 0.025), (0.12, 0.13, 0.14), (0.4, 0.02, 0.02),
    (0.02, 0.06, 0.25), (0.55, 0.03, 0.015), (0.02, 0.15, 0.4), (0.03, 0.16, 0.07), (0.7, 0.45, 0.03),
    (0.25, 0.2, 0.15), (0.3, 0.42, 0.5), (0.7, 0.2, 0.02), (0.1, 0.22, 0.24),
)  # fmt: skip
GLASS = (0.05, 0.06, 0.075)
TYRE = (0.015, 0.015, 0.016)
RIM = (0.45, 0.46, 0.48)


@dataclass(frozen=True)
class Body:
    """The shape of a car, in metres; marks are shares of its length from the rear (0) to the front (1)."""

    length: float
    width: float
    height: float
    nose: float  # height of the bonnet's front edge
    bonnet: float  # and of its rear edge
    belt: float  # height of the windows' lower edge
    rear_belt: float  # mark of the cabin's rear end at the belt
    rear_roof: float  # and at the roof
    front_roof: float  # mark of the cabin's front end at the roof
    front_belt: float  # and at the belt, the foot of the windscreen

    def at(self, mark: float) -> float:
        """Metres ahead of the middle."""
        return (mark - 0.5) * self.length


BODIES = {
    "hatchback": Body(4.0, 1.76, 1.48, 0.72, 0.92, 0.95, 0.03, 0.12, 0.6, 0.77),
    "sedan": Body(4.6, 1.82, 1.45, 0.7, 0.9, 0.93, 0.13, 0.3, 0.6, 0.74),
    "estate": Body(4.65, 1.82, 1.5, 0.7, 0.9, 0.94, 0.02, 0.07, 0.61, 0.75),
    "suv": Body(4.6, 1.9, 1.74, 0.88, 1.08, 1.12, 0.02, 0.08, 0.62, 0.76),
    "small": Body(3.5, 1.66, 1.5, 0.75, 0.95, 0.95, 0.03, 0.1, 0.66, 0.83),
    "van": Body(5.2, 1.95, 2.1, 0.95, 1.2, 1.2, 0.0, 0.01, 0.78, 0.9),
}


class Vehicle:
    """One vehicle under construction: where it stands, how it is turned, its number."""

    def __init__(self, scene: Scene, name: str, at: tuple[float, float, float], turn: float) -> None:
        self.scene, self.at, self.turn = scene, at, turn
        self.number = scene.thing(name)

    def put(self, what: Shape, material: str, tint: Tint, number: int | None = None) -> None:
        """Add a part given in the vehicle's frame."""
        self.scene.add(moved(what, self.at, self.turn), material, tint, self.number if number is None else number)

    def wheels(self, axles: list[float], half: float, radius: float, wide: float = 0.24) -> None:
        """A pair of wheels at each axle."""
        places = [(sign * (half - wide / 2 + 0.02), y, radius) for y in axles for sign in (-1, 1)]
        self.put(join([disc(p, radius, wide, 14) for p in places]), "matte", TYRE)
        self.put(join([disc(p, radius * 0.62, wide + 0.04, 10) for p in places]), "metal", RIM)
        self.put(join([disc(p, radius * 0.2, wide + 0.07, 8) for p in places]), "matte", (0.1, 0.1, 0.1))
        arches = [
            disc((sign * (half - 0.12), y, radius + 0.02), radius * 1.16, 0.27, 14) for y in axles for sign in (-1, 1)
        ]
        self.put(join(arches), "matte", (0.012, 0.012, 0.013))

    def lamps(
        self, front: float, rear: float, half: float, z: float, *, lit: bool, size: tuple[float, float] = (0.34, 0.15)
    ) -> None:
        """Head lamps, tail lamps and number plates."""
        w, h = size
        heads = [(sign * (half - w * 0.62), front, z) for sign in (-1, 1)]
        tails = [(sign * (half - w * 0.55), rear, z + 0.1) for sign in (-1, 1)]
        self.put(boxes(heads, (w, 0.08, h)), "glow" if lit else "paint", (1.0, 0.9, 0.7) if lit else (0.7, 0.72, 0.74))
        self.put(
            boxes(tails, (w * 0.85, 0.08, h * 1.2)),
            "glow" if lit else "paint",
            (0.8, 0.03, 0.02) if lit else (0.35, 0.01, 0.01),
        )
        plates = [(0, front + 0.01, z - 0.26), (0, rear - 0.01, z - 0.18)]
        self.put(boxes(plates, (0.52, 0.05, 0.13)), "matte", (0.75, 0.75, 0.7))


def _section(y: float, half: float, bottom: float, top: float, edge: float) -> list[tuple[float, float, float]]:
    """A body's cross-section: an octagon, widest a little below its middle."""
    side = bottom + (top - bottom) * 0.45
    right = [
        (half * 0.9, bottom),
        (half * 0.985, bottom + 0.1),
        (half, side),
        (half * 0.96, top - edge),
        (half * 0.86, top),
    ]
    return [(x, y, z) for x, z in right] + [(-x, y, z) for x, z in reversed(right)]


def park_car(
    scene: Scene, rng: random.Random, at: tuple[float, float, float], turn: float, *, lit: bool = False
) -> None:
    """A car of some body."""
    kind = rng.choice(("hatchback", "hatchback", "sedan", "sedan", "estate", "suv", "suv", "small", "van"))
    body = BODIES[kind]
    car = Vehicle(scene, "car", at, turn)
    paint = rng.choice(PAINTS)
    half, floor = body.width / 2, 0.24 if kind != "suv" else 0.32
    tail = body.belt + 0.02 if kind != "sedan" else body.belt - 0.02
    stations = [  # mark, share of the width, lower and upper edge
        (0.0, 0.84, floor + 0.14, tail - 0.16),
        (0.018, 0.95, floor + 0.04, tail - 0.03),
        (0.12, 1.0, floor, tail),
        (0.5, 1.0, floor, body.belt),
        (body.front_belt, 1.0, floor, body.belt - 0.01),
        (body.front_belt + 0.04, 0.99, floor, body.bonnet),
        (0.93, 0.97, floor, body.nose + 0.06),
        (0.985, 0.9, floor + 0.03, body.nose - 0.05),
        (1.0, 0.8, floor + 0.1, body.nose - 0.16),
    ]
    stations.sort()
    car.put(loft([_section(body.at(s), half * w, z0, z1, 0.1) for s, w, z0, z1 in stations]), "paint", paint)
    _cabin(car, paint, body)
    rear_axle = body.at(0.17 if kind != "van" else 0.2)
    car.wheels([rear_axle, body.at(0.82)], half, 0.31 if kind != "suv" else 0.36)
    car.lamps(body.at(0.982), body.at(0.012), half * 0.92, (body.nose + floor) / 2 + 0.12, lit=lit)
    car.put(box((0, body.at(0.99), floor + 0.16), (body.width * 0.62, 0.1, 0.14)), "matte", (0.02, 0.02, 0.02))
    skirts = [(sign * half * 0.965, body.at(0.5), floor + 0.05) for sign in (-1, 1)]
    car.put(boxes(skirts, (0.06, body.length * 0.5, 0.1)), "matte", (0.02, 0.02, 0.02))
    mirrors = [(sign * (half + 0.07), body.at(body.front_belt - 0.05), body.belt + 0.06) for sign in (-1, 1)]
    car.put(boxes(mirrors, (0.17, 0.1, 0.13)), "paint", paint)


def _outline(half: float, rear: float, front: float, z: float) -> list[tuple[float, float, float]]:
    return [(-half, rear, z), (half, rear, z), (half, front, z), (-half, front, z)]


def _cabin(car: Vehicle, paint: Tint, body: Body) -> None:
    """The part above the belt line, with windows set into it."""
    wide, narrow = body.width / 2 * 0.93, body.width / 2 * 0.77
    rings = [
        _outline(wide, body.at(body.rear_belt), body.at(body.front_belt), body.belt - 0.03),
        _outline(narrow, body.at(body.rear_roof), body.at(body.front_roof), body.height - 0.07),
        _outline(narrow * 0.86, body.at(body.rear_roof + 0.03), body.at(body.front_roof - 0.04), body.height),
    ]
    car.put(loft(rings), "paint", paint)
    (a, b, c, d), (e, f, g, h) = (np.asarray(r, np.float32) for r in rings[:2])
    glass = [
        panel([c, d, h, g], (0.05, 0.95), (0.08, 0.97), 0.015),
        panel([a, b, f, e], (0.08, 0.92), (0.22, 0.93), 0.015),
    ]
    long = (body.front_belt - body.rear_belt) > 0.55
    spans = ((0.06, 0.3), (0.34, 0.6), (0.64, 0.93)) if long else ((0.07, 0.46), (0.51, 0.93))
    for span in spans:
        glass.append(panel([b, c, g, f], span, (0.2, 0.95), 0.015))
        glass.append(panel([d, a, e, h], (1 - span[1], 1 - span[0]), (0.2, 0.95), 0.015))
    car.put(join(glass), "glass", GLASS)


def park_truck(
    scene: Scene, rng: random.Random, at: tuple[float, float, float], turn: float, *, lit: bool = False
) -> None:
    """A truck with a box, a tarpaulin, a tank or an open bed."""
    truck = Vehicle(scene, "truck", at, turn)
    paint = rng.choice(PAINTS)
    length, half = rng.uniform(6.5, 9.0), 1.2
    nose = length / 2
    truck.put(bevelled((0, nose - 1.0, 1.6), (2.3, 2.0, 2.3), 0.22), "paint", paint)
    truck.put(box((0, nose - 0.97, 0.62), (2.34, 2.05, 0.45)), "matte", (0.05, 0.05, 0.05))
    front = nose + 0.0
    face = [(1.0, front, 1.65), (-1.0, front, 1.65), (-1.0, front, 2.5), (1.0, front, 2.5)]
    sides = [[(1.15, nose - 1.5, 1.65), (1.15, nose - 0.3, 1.65), (1.15, nose - 0.3, 2.45), (1.15, nose - 1.5, 2.45)]]
    sides.append([(-x, y, z) for x, y, z in (sides[0][1], sides[0][0], sides[0][3], sides[0][2])])
    truck.put(join([panel(face, lift=0.02), *(panel(s, lift=0.02) for s in sides)]), "glass", GLASS)
    truck.put(box((0, nose + 0.02, 1.15), (1.5, 0.06, 0.45)), "matte", (0.03, 0.03, 0.03))
    truck.put(box((0, -0.6, 0.85), (1.0, length - 1.6, 0.3)), "matte", (0.05, 0.05, 0.05))
    bed = length - 2.35
    middle = -nose + bed / 2
    load = rng.choice(("box", "box", "tarpaulin", "tank", "open"))
    tint = rng.choice(
        ((0.75, 0.75, 0.74), (0.1, 0.25, 0.5), (0.6, 0.1, 0.05), (0.75, 0.6, 0.1), (0.1, 0.35, 0.2), (0.55, 0.56, 0.58))
    )
    if load in ("box", "tarpaulin"):
        high = rng.uniform(2.3, 2.8)
        truck.put(
            bevelled((0, middle, 1.0 + high / 2), (2.44, bed, high), 0.05 if load == "box" else 0.25),
            "paint" if load == "box" else "matte",
            tint,
        )
        stripe = rng.choice(PAINTS)
        truck.put(
            boxes([(sign * 1.23, middle, 1.0 + high * 0.55) for sign in (-1, 1)], (0.03, bed * 0.7, high * 0.24)),
            "matte",
            stripe,
        )
        truck.put(box((0, -nose, 1.0 + high / 2), (0.06, 0.05, high * 0.92)), "matte", (0.1, 0.1, 0.1))
    elif load == "tank":
        truck.put(
            tube(
                [(0, -nose, 2.0), (0, -nose + 0.25, 2.0), (0, -nose + bed - 0.25, 2.0), (0, -nose + bed, 2.0)],
                [0.7, 1.1, 1.1, 0.7],
                14,
            ),
            "metal",
            (0.65, 0.66, 0.68),
        )
    else:
        truck.put(box((0, middle, 1.1), (2.4, bed, 0.25)), "matte", (0.2, 0.13, 0.08))
        walls = [((sign * 1.17, middle, 1.45), (0.08, bed, 0.6)) for sign in (-1, 1)] + [
            ((0, -nose + 0.04, 1.45), (2.4, 0.08, 0.6))
        ]
        truck.put(boxes([c for c, _ in walls], [s for _, s in walls]), "paint", paint)
        cargo = [(rng.uniform(-0.5, 0.5), middle + (i - 1) * bed / 3.4, 1.65) for i in range(3)]
        truck.put(boxes(cargo, (1.1, 1.2, 0.95)), "matte", (0.4, 0.27, 0.14))
    truck.wheels(
        [nose - 1.1, -nose + 1.3, -nose + 2.5] if length > 7.6 else [nose - 1.1, -nose + 1.5], half, 0.48, 0.34
    )
    truck.lamps(nose + 0.02, -nose, 1.1, 0.8, lit=lit, size=(0.36, 0.2))


def park_bus(
    scene: Scene, rng: random.Random, at: tuple[float, float, float], turn: float, *, lit: bool = False
) -> None:
    """A town bus or a coach."""
    bus = Vehicle(scene, "bus", at, turn)
    paint = rng.choice(
        (
            (0.6, 0.03, 0.02),
            (0.7, 0.5, 0.03),
            (0.03, 0.15, 0.45),
            (0.05, 0.3, 0.14),
            (0.75, 0.75, 0.74),
            (0.7, 0.25, 0.03),
        )
    )
    band = rng.choice(((0.75, 0.75, 0.74), (0.04, 0.05, 0.1), paint))
    length, half, height = rng.uniform(9.5, 12), 1.26, 3.05
    nose = length / 2
    bus.put(bevelled((0, 0, 1.66), (2 * half, length, 2.7), 0.18), "paint", paint)
    bus.put(box((0, 0, 0.6), (2 * half + 0.02, length - 0.15, 0.35)), "paint", band)
    bus.put(box((0, -0.3, height + 0.02), (1.5, length * 0.4, 0.2)), "matte", (0.5, 0.5, 0.5))
    count = int(length / 1.5)
    pane = (length - 0.8) / count
    centres = [(sign * half, -nose + 0.4 + (i + 0.5) * pane, 2.05) for sign in (-1, 1) for i in range(count)]
    bus.put(boxes(centres, (0.05, pane - 0.14, 1.0)), "glow" if lit else "glass", (0.9, 0.75, 0.5) if lit else GLASS)
    ends = [((0, nose, 1.95), (2.1, 0.05, 1.4)), ((0, -nose, 2.1), (1.9, 0.05, 0.8))]
    bus.put(boxes([c for c, _ in ends], [s for _, s in ends]), "glass", GLASS)
    bus.put(box((0, nose + 0.01, 2.82), (1.5, 0.06, 0.26)), "glow", (0.9, 0.5, 0.08))
    doors = [(half + 0.01, nose - 1.1, 1.5), (half + 0.01, -0.4, 1.5)]
    bus.put(boxes(doors, (0.06, 1.15, 2.1)), "glass", (0.07, 0.08, 0.09))
    bus.put(boxes([(x, y, z) for x, y, z in doors], (0.09, 0.06, 2.1)), "matte", (0.1, 0.1, 0.1))
    bus.wheels([nose - 2.4, -nose + 2.6], half, 0.48, 0.32)
    bus.lamps(nose + 0.01, -nose, 1.15, 0.85, lit=lit, size=(0.36, 0.2))


def stand_bicycle(scene: Scene, rng: random.Random, at: tuple[float, float, float], turn: float) -> None:
    """A bicycle; thick enough in its tubes to be seen."""
    cycle = Vehicle(scene, "bicycle", at, turn)
    tint = rng.choice(PAINTS)
    rear, front, r = (0.0, -0.52, 0.34), (0.0, 0.55, 0.34), 0.33
    cycle.put(join([hoop(rear, r, 0.065), hoop(front, r, 0.065)]), "matte", TYRE)
    spokes = [box(c, s) for c in (rear, front) for s in ((0.012, 0.6, 0.014), (0.012, 0.014, 0.6))]
    cycle.put(join(spokes), "metal", RIM)
    seat, crank, head, bars = (0, -0.22, 0.9), (0, -0.05, 0.3), (0, 0.38, 0.82), (0, 0.33, 1.05)
    lines = [
        (seat, crank),
        (crank, head),
        (head, (0, -0.18, 0.76)),
        (rear, crank),
        (rear, (0, -0.18, 0.76)),
        (bars, front),
    ]
    cycle.put(join([tube([np.asarray(a, float), np.asarray(b, float)], 0.034, 5) for a, b in lines]), "paint", tint)
    cycle.put(
        join([tube([(-0.28, 0.26, 1.08), (0.28, 0.26, 1.08)], 0.028, 5), box((0, -0.24, 0.94), (0.15, 0.28, 0.08))]),
        "matte",
        (0.03, 0.025, 0.02),
    )
    if rng.random() < 0.4:
        cycle.put(box((0, 0.55, 0.92), (0.32, 0.26, 0.22)), "matte", (0.3, 0.18, 0.08))
