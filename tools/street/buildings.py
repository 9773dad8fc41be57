"""Houses, shops, blocks, barns and churches. A house's front faces -y of its own frame and stands on y = 0."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from street.meshes import Shape, box, boxes, join, loft, moved, shape, tube
from street.scene import Scene, Tint

PLASTER = (
    (0.75, 0.7, 0.6), (0.78, 0.62, 0.36), (0.66, 0.42, 0.28), (0.55, 0.6, 0.62), (0.8, 0.78, 0.74), (0.45, 0.53, 0.45),
    (0.72, 0.5, 0.45), (0.5, 0.52, 0.6), (0.82, 0.72, 0.5), (0.38, 0.44, 0.55), (0.7, 0.3, 0.2), (0.6, 0.62, 0.45),
)  # fmt: skip
BRICK = ((0.36, 0.13, 0.075), (0.3, 0.16, 0.1), (0.45, 0.24, 0.13), (0.24, 0.14, 0.11), (0.5, 0.38, 0.25))
WOOD = ((0.3, 0.06, 0.04), (0.16, 0.09, 0.05), (0.1, 0.13, 0.18), (0.55, 0.5, 0.42), (0.12, 0.2, 0.14))
TILES = (
    (0.34, 0.1, 0.05),
    (0.24, 0.08, 0.05),
    (0.07, 0.07, 0.08),
    (0.16, 0.1, 0.07),
    (0.3, 0.17, 0.1),
    (0.11, 0.12, 0.14),
)
DOORS = (
    (0.2, 0.03, 0.02),
    (0.03, 0.1, 0.05),
    (0.03, 0.06, 0.16),
    (0.12, 0.06, 0.03),
    (0.4, 0.3, 0.15),
    (0.5, 0.08, 0.04),
)
FRAMES = ((0.8, 0.8, 0.78), (0.8, 0.8, 0.78), (0.1, 0.09, 0.08), (0.25, 0.14, 0.07), (0.2, 0.28, 0.24))
SIGNS = (
    (0.5, 0.03, 0.03),
    (0.03, 0.16, 0.4),
    (0.03, 0.25, 0.1),
    (0.7, 0.5, 0.04),
    (0.7, 0.7, 0.68),
    (0.3, 0.05, 0.25),
    (0.8, 0.25, 0.03),
)
GLASS = (0.09, 0.12, 0.15)
SNOW = (0.82, 0.84, 0.87)


@dataclass(frozen=True)
class Style:
    """What a house looks like."""

    width: float
    depth: float
    floors: int
    storey: float = 2.9  # metres
    roof: str = "gable"  # gable, gable front, hip or flat
    walls: str = "plaster"  # plaster, brick or planks
    shop: bool = False
    balconies: bool = False
    chimney: bool = True
    panes: float = 1.0  # width of a window in metres
    snow: bool = False
    lit: bool = False


class House:
    """One building under construction: its frame, numbers and colours."""

    def __init__(self, scene: Scene, rng: random.Random, at: tuple[float, float], turn: float, style: Style) -> None:
        self.scene, self.rng, self.at, self.turn, self.style = scene, rng, at, turn, style
        self.number = scene.thing("building")
        self.numbers = {"building": self.number}
        self.wall: Tint = rng.choice({"plaster": PLASTER, "brick": BRICK, "planks": WOOD}[style.walls])
        self.trim: Tint = rng.choice(((0.75, 0.73, 0.68), tuple(0.6 * c for c in self.wall), (0.5, 0.48, 0.45)))
        self.frame: Tint = rng.choice(FRAMES)
        self.tiles: Tint = SNOW if style.snow else rng.choice(TILES)

    def put(self, what: Shape, material: str, tint: Tint, name: str = "building") -> None:
        """Add a part of class `name`, given in the house's frame."""
        if name not in self.numbers:
            self.numbers[name] = self.scene.thing(name)
        self.scene.add(moved(what, (*self.at, 0), self.turn), material, tint, self.numbers[name], foot=self.at)


def build(scene: Scene, rng: random.Random, at: tuple[float, float], turn: float, style: Style) -> None:
    """Build a house with the middle of its front at `at`."""
    house = House(scene, rng, at, turn, style)
    height = style.storey * style.floors + (0.7 if style.shop else 0.3)
    w, d = style.width, style.depth
    house.put(box((0, d / 2, height / 2 - 1), (w, d, height + 2)), style.walls, house.wall)
    if style.floors > 1 or style.shop:
        house.put(box((0, d / 2, -0.2), (w + 0.05, d + 0.05, 1.3)), "plaster", house.trim)
    _windows(house, height)
    _entrance(house)
    _roof(house, height)
    if style.floors > 2:
        house.put(box((0, d / 2, height - 0.15), (w + 0.3, d + 0.3, 0.3)), "plaster", house.trim)


def _windows(house: House, height: float) -> None:
    style, rng = house.style, house.rng
    w, d = style.width, style.depth
    count = max(2, int((w - 0.6) / (style.panes * 1.25 + 0.75)))
    columns = (np.arange(count) + 0.5) / count * (w - 0.5) - (w - 0.5) / 2
    base = height - style.storey * style.floors
    tall = min(1.5, style.storey - 1.3)
    front: list[tuple[float, float, float]] = []
    side: list[tuple[float, float, float]] = []
    for floor in range(style.floors):
        z = base + style.storey * floor + 0.95 + tall / 2
        if not (floor == 0 and style.shop):
            skip = count // 2 if floor == 0 else -1
            front += [(float(x), 0.0, z) for i, x in enumerate(columns) if i != skip]
        deep = max(1, int(d / 4))
        ys = (np.arange(deep) + 0.5) / deep * d
        side += [(x, float(y), z) for x in (-w / 2, w / 2) for y in ys]
    for places, along in ((front, 0), (side, 1)):
        if not places:
            continue
        centres = np.asarray(places, np.float32)

        def sized(wide: float, high: float, thick: float, along: int = along) -> tuple[float, float, float]:
            return (thick, wide, high) if along else (wide, thick, high)

        house.put(boxes(centres, sized(style.panes + 0.2, tall + 0.2, 0.1)), "matte", house.frame, "window")
        bright = np.asarray([style.lit and rng.random() < 0.45 for _ in places])
        if bright.any():
            house.put(boxes(centres[bright], sized(style.panes, tall, 0.14)), "glow", (1.0, 0.6, 0.25), "window")
        if not bright.all():
            house.put(boxes(centres[~bright], sized(style.panes, tall, 0.14)), "glass", GLASS, "window")
        bars = [
            boxes(centres, sized(0.07, tall, 0.18)),
            boxes(centres + np.asarray((0, 0, tall * 0.2)), sized(style.panes, 0.07, 0.18)),
        ]
        house.put(join(bars), "matte", house.frame, "window")
        house.put(
            boxes(centres - np.asarray((0, 0, tall / 2 + 0.14)), sized(style.panes + 0.35, 0.1, 0.36)),
            "plaster",
            house.trim,
        )
    if style.balconies:
        upper = [p for p in front if p[2] > base + style.storey]
        chosen = [p for i, p in enumerate(upper) if (i % count) in (1, count - 2)]
        if chosen:
            centres = np.asarray(chosen, np.float32) - np.asarray((0, 0.55, tall / 2 + 0.25))
            house.put(boxes(centres, (style.panes + 1.0, 1.1, 0.16)), "plaster", house.trim)
            rails = [
                boxes(centres + np.asarray((0, -0.53, 0.5)), (style.panes + 1.0, 0.06, 0.85)),
                boxes(centres + np.asarray((-(style.panes + 1.0) / 2, 0, 0.5)), (0.06, 1.1, 0.85)),
                boxes(centres + np.asarray(((style.panes + 1.0) / 2, 0, 0.5)), (0.06, 1.1, 0.85)),
            ]
            house.put(join(rails), "matte", rng.choice(((0.1, 0.1, 0.11), house.wall, (0.5, 0.55, 0.55))))


def _entrance(house: House) -> None:
    style, rng = house.style, house.rng
    count = max(2, int((style.width - 0.6) / (style.panes * 1.25 + 0.75)))
    tint = rng.choice(DOORS)
    if style.shop:
        w = style.width
        glass = w - 2.4
        house.put(box((0.8, 0, 1.55), (glass + 0.2, 0.12, 2.5)), "matte", rng.choice(FRAMES), "window")
        panes = max(2, int(glass / 1.8))
        centres = [(0.8 + (i + 0.5) / panes * glass - glass / 2, 0, 1.55) for i in range(panes)]
        material, pane = ("glow", (1.0, 0.75, 0.45)) if style.lit else ("glass", (0.16, 0.17, 0.17))
        house.put(boxes(centres, (glass / panes - 0.12, 0.18, 2.3)), material, pane, "window")
        x = -w / 2 + 0.95
        board = rng.choice(SIGNS)
        house.put(box((0.2, -0.1, 3.22), (w - 1.0, 0.22, 0.66)), "matte", board, "sign")
        letters = [(i * 0.42 - 1.2 + rng.uniform(-0.05, 0.05), -0.22, 3.22) for i in range(rng.randint(4, 7))]
        pale = sum(board) < 1.2
        house.put(
            boxes(letters, (0.26, 0.04, 0.34)), "matte", (0.85, 0.83, 0.75) if pale else (0.08, 0.07, 0.1), "sign"
        )
        if rng.random() < 0.45:
            awning = shape(
                [
                    (-w / 2 + 1.6, -0.1, 2.85),
                    (w / 2 - 0.3, -0.1, 2.85),
                    (w / 2 - 0.3, -1.3, 2.4),
                    (-w / 2 + 1.6, -1.3, 2.4),
                    (w / 2 - 0.3, -1.3, 2.18),
                    (-w / 2 + 1.6, -1.3, 2.18),
                ],
                [(0, 1, 2, 3), (3, 2, 4, 5)],
            )
            house.put(awning, "matte", rng.choice(SIGNS))
    else:
        columns = (np.arange(count) + 0.5) / count * (style.width - 0.5) - (style.width - 0.5) / 2
        x = float(columns[count // 2])
        house.put(box((x, -0.35, 0.08), (1.7, 0.9, 0.3)), "plaster", house.trim)
        if rng.random() < 0.5:
            house.put(box((x, -0.5, 2.62), (1.9, 1.0, 0.12)), "matte", house.trim)
    house.put(box((x, 0, 1.25), (1.4, 0.12, 2.3)), "matte", house.frame, "door")
    house.put(box((x, 0, 1.22), (1.14, 0.18, 2.16)), "matte", tint, "door")
    house.put(box((x, 0, 1.85), (0.6, 0.22, 0.55)), "glass", GLASS, "door")
    house.put(box((x + 0.4, -0.1, 1.15), (0.07, 0.08, 0.2)), "metal", (0.6, 0.5, 0.25), "door")


def _slab(low: tuple[float, float], high: tuple[float, float], x0: float, x1: float, y_along: bool = False) -> Shape:
    """A thick slope between two points (across, up), drawn from x0 to x1 (or along y)."""
    (a, za), (b, zb) = low, high
    outline = [(a, za), (b, zb), (b, zb - 0.22), (a, za - 0.22)]
    ends = [[(s, a, z) for a, z in outline] for s in (x0, x1)]
    what = loft(ends)
    return Shape(what.vertices[:, [1, 0, 2]], what.faces) if y_along else what


def _roof(house: House, height: float) -> None:
    style, rng = house.style, house.rng
    w, d, over = style.width, style.depth, 0.45
    if style.roof == "flat":
        house.put(
            box((0, d / 2, height + 0.03), (w - 0.3, d - 0.3, 0.1)),
            "matte",
            house.tiles if style.snow else (0.2, 0.2, 0.2),
            "roof",
        )
        rim = [
            ((0, 0.1, height + 0.25), (w, 0.24, 0.55)),
            ((0, d - 0.1, height + 0.25), (w, 0.24, 0.55)),
            ((-w / 2 + 0.1, d / 2, height + 0.25), (0.24, d, 0.55)),
            ((w / 2 - 0.1, d / 2, height + 0.25), (0.24, d, 0.55)),
        ]
        house.put(boxes([c for c, _ in rim], [s for _, s in rim]), "plaster", house.trim)
        return
    steep = rng.uniform(0.55, 0.95)
    if style.roof == "hip":
        rise = steep * 0.8 * d / 2
        inset = min(w, d) / 2 * 0.95
        eaves = [(-w / 2 - over, -over), (w / 2 + over, -over), (w / 2 + over, d + over), (-w / 2 - over, d + over)]
        z = height - 0.05
        points = [(x, y, z) for x, y in eaves] + [
            (-w / 2 + inset, d / 2, height + rise),
            (w / 2 - inset, d / 2, height + rise),
        ]
        house.put(
            shape(points, [(0, 1, 5, 4), (1, 2, 5), (2, 3, 4, 5), (3, 0, 4), (0, 3, 2, 1)]),
            "tiles",
            house.tiles,
            "roof",
        )
    elif style.roof == "gable front":
        rise = steep * w / 2
        gables = [shape([(-w / 2, y, height), (w / 2, y, height), (0, y, height + rise)], [(0, 1, 2)]) for y in (0, d)]
        house.put(join(gables), style.walls, house.wall)
        drop = height - over * steep
        for sign in (-1, 1):
            house.put(
                _slab((sign * (w / 2 + over), drop + 0.2), (0, height + rise + 0.2), -over, d + over, True),
                "tiles",
                house.tiles,
                "roof",
            )
        if rise > 2.2:
            house.put(box((0, 0, height + rise * 0.35), (1.1, 0.1, 1.2)), "matte", house.frame, "window")
            house.put(box((0, 0, height + rise * 0.35), (0.9, 0.16, 1.0)), "glass", GLASS, "window")
    else:
        rise = steep * d / 2
        gables = [
            shape([(x, 0, height), (x, d, height), (x, d / 2, height + rise)], [(0, 1, 2)]) for x in (-w / 2, w / 2)
        ]
        house.put(join(gables), style.walls, house.wall)
        drop = height - over * steep
        for low in (-over, d + over):
            house.put(
                _slab((low, drop + 0.2), (d / 2, height + rise + 0.2), -w / 2 - 0.25, w / 2 + 0.25),
                "tiles",
                house.tiles,
                "roof",
            )
        if rng.random() < 0.4 and rise > 2:
            for x in (-w / 4, w / 4):
                _dormer(house, x, 1.1, height + 1.1 * steep + 0.1)
    if style.chimney:
        x, y = rng.uniform(-w / 3, w / 3), d / 2 + rng.uniform(-0.8, 0.8)
        house.put(box((x, y, height + rise * 0.8 + 0.5), (0.75, 0.65, rise * 0.6 + 1.6)), "brick", BRICK[0])
        house.put(
            box((x, y, height + rise * 1.1 + 1.35), (0.9, 0.8, 0.14)), "matte", SNOW if style.snow else (0.3, 0.3, 0.3)
        )


def _dormer(house: House, x: float, y: float, z: float) -> None:
    house.put(box((x, y + 1.0, z + 0.5), (1.5, 2.0, 1.3)), house.style.walls, house.wall)
    house.put(box((x, y, z + 0.5), (1.1, 0.1, 1.0)), "matte", house.frame, "window")
    house.put(box((x, y, z + 0.5), (0.9, 0.16, 0.8)), "glass", GLASS, "window")
    for sign in (-1, 1):
        house.put(
            _slab((x + sign * 0.95, z + 1.05), (x, z + 1.75), y - 0.25, y + 2.2, True), "tiles", house.tiles, "roof"
        )


def build_barn(scene: Scene, rng: random.Random, at: tuple[float, float], turn: float, *, snow: bool) -> None:
    """A barn with a large door."""
    style = Style(
        rng.uniform(9, 14), rng.uniform(12, 20), 1, roof="gable front", walls="planks", chimney=False, snow=snow
    )
    house = House(scene, rng, at, turn, style)
    height = rng.uniform(3.6, 5)
    w, d = style.width, style.depth
    house.put(box((0, d / 2, height / 2 - 1), (w, d, height + 2)), "planks", house.wall)
    house.put(box((0, 0, 1.7), (3.8, 0.14, 3.5)), "matte", (0.6, 0.58, 0.52), "door")
    house.put(boxes([(-0.9, 0, 1.7), (0.9, 0, 1.7)], (1.7, 0.2, 3.3)), "planks", [0.7 * c for c in house.wall], "door")
    sides = [(sign * w / 2, d * (i + 0.5) / 4, height * 0.6) for sign in (-1, 1) for i in range(4)]
    house.put(boxes(sides, (0.1, 1.3, 1.0)), "matte", (0.75, 0.73, 0.7), "window")
    house.put(boxes(sides, (0.16, 1.1, 0.8)), "glass", GLASS, "window")
    _roof(house, height)


def build_church(scene: Scene, rng: random.Random, at: tuple[float, float], turn: float, *, snow: bool) -> None:
    """A nave with a tower at its front."""
    style = Style(8.5, 20, 1, roof="gable front", chimney=False, snow=snow)
    house = House(scene, rng, at, turn, style)
    house.wall = rng.choice(((0.78, 0.74, 0.66), (0.5, 0.45, 0.38), (0.72, 0.62, 0.45)))
    house.put(box((0, 10, 3), (8.5, 20, 8)), "plaster", house.wall)
    windows = [(sign * 4.25, 4 + 4 * i, 4) for sign in (-1, 1) for i in range(4)]
    house.put(boxes(windows, (0.12, 1.2, 3.2)), "matte", house.trim, "window")
    house.put(boxes(windows, (0.2, 0.9, 2.9)), "glass", GLASS, "window")
    _roof(house, 7)
    tall = rng.uniform(15, 21)
    house.put(box((0, -2, tall / 2 - 1), (5, 5, tall + 2)), "plaster", house.wall)
    house.put(box((0, -2, tall), (5.5, 5.5, 0.4)), "plaster", house.trim)
    openings = [(0, -4.5, tall - 2), (-2.5, -2, tall - 2), (2.5, -2, tall - 2), (0, -4.5, tall - 7)]
    house.put(
        boxes(openings, [(1.3, 0.2, 2.4), (0.2, 1.3, 2.4), (0.2, 1.3, 2.4), (0.9, 0.2, 2.0)]), "glass", GLASS, "window"
    )
    spire = [
        [(s * x * 2.75, -2 + s * y * 2.75, z) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        for s, z in ((1, tall), (0.02, tall + rng.uniform(5, 10)))
    ]
    house.put(loft(spire), "tiles", house.tiles, "roof")
    house.put(box((0, -4.5, 1.5), (2.0, 0.14, 3.2)), "matte", house.trim, "door")
    house.put(box((0, -4.5, 1.45), (1.6, 0.22, 2.9)), "planks", DOORS[3], "door")


def build_shed(scene: Scene, rng: random.Random, at: tuple[float, float], turn: float, *, snow: bool) -> None:
    """A silo beside a farm."""
    number, roof = scene.thing("building"), scene.thing("roof")
    tall, radius = rng.uniform(6, 10), rng.uniform(1.6, 2.4)
    tint = rng.choice(((0.5, 0.52, 0.54), (0.6, 0.58, 0.5), (0.3, 0.36, 0.42)))
    scene.add(moved(tube([(0, 0, -1), (0, 0, tall)], radius, 16), (*at, 0), turn), "metal", tint, number, foot=at)
    cap = tube([(0, 0, tall), (0, 0, tall + radius * 0.6)], [radius * 1.08, 0.05], 16)
    scene.add(moved(cap, (*at, 0), turn), "matte", SNOW if snow else (0.35, 0.37, 0.4), roof, foot=at)
