"""A scene as it is collected: coloured and numbered faces, and plants that are placed many times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from street.meshes import Floats, Ints, Shape

Tint = Sequence[float]  # red, green, blue, linear, in 0..1
Height = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Placed:
    """One plant; its leaves carry `number`, its trunk the next."""

    kind: str
    at: tuple[float, float, float]
    turn: float
    size: tuple[float, float, float]
    tint: tuple[float, float, float]
    number: int


class Scene:
    """Faces and plants. What stands on the ground is built around z = 0 and lifted to the ground here."""

    def __init__(self, classes: Sequence[str], height: Height) -> None:
        self.classes = tuple(classes)
        self.height = height
        self.number_classes = list(range(len(classes)))  # a class's stuff has the class's id as its number
        self._plants: list[Placed] = []
        self._vertices: list[Floats] = []
        self._faces: list[Ints] = []
        self._tints: list[Floats] = []
        self._materials: list[tuple[str, int]] = []
        self._numbers: list[tuple[int, int]] = []
        self._count = 0

    def stuff(self, name: str) -> int:
        """The number that all of a class's stuff shares."""
        return self.classes.index(name)

    def thing(self, name: str) -> int:
        """A number of its own for a new object of class `name`."""
        self.number_classes.append(self.classes.index(name))
        return len(self.number_classes) - 1

    def ground(self, x: float, y: float) -> float:
        """Height of the ground."""
        return float(self.height(np.asarray([x], np.float64), np.asarray([y], np.float64))[0])

    def add(
        self,
        what: Shape,
        material: str,
        tint: Tint | npt.NDArray[np.floating[Any]],
        number: int,
        *,
        foot: tuple[float, float] | None = None,
        floats: bool = False,
    ) -> None:
        """Add a shape: bent along the ground, or lifted stiffly to the ground at `foot`, or (`floats`) left as it is.

        Args:
            what: the shape.
            material: a name of `materials.py`.
            tint: one colour, or one for each face (M 3).
            number: from `stuff` or `thing`.
            foot: x, y of what must not be bent.
            floats: whether heights are absolute.
        """
        vertices = what.vertices.copy()
        if foot is not None:
            vertices[:, 2] += self.ground(*foot)
        elif not floats:
            vertices[:, 2] += self.height(vertices[:, 0].astype(np.float64), vertices[:, 1].astype(np.float64))
        self._vertices.append(vertices)
        self._faces.append(np.where(what.faces < 0, what.faces, what.faces + self._count).astype(np.int32))
        self._tints.append(np.broadcast_to(np.asarray(tint, np.float32), (len(what.faces), 3)))
        self._materials.append((material, len(what.faces)))
        self._numbers.append((number, len(what.faces)))
        self._count += len(vertices)

    def plant(
        self,
        kind: str,
        x: float,
        y: float,
        turn: float,
        size: tuple[float, float, float],
        tint: Tint,
        leaf_class: str = "tree",
    ) -> None:
        """Plant a prototype of `vegetation.py` at (x, y)."""
        number = self.thing(leaf_class)
        self.thing("trunk")
        red, green, blue = tint
        self._plants.append(Placed(kind, (x, y, 0.0), turn, size, (float(red), float(green), float(blue)), number))

    def planted(self) -> list[Placed]:
        """All plants, on the ground."""
        places = np.asarray([plant.at[:2] for plant in self._plants], np.float64).reshape(-1, 2)
        heights = self.height(places[:, 0], places[:, 1])
        return [replace(plant, at=(*plant.at[:2], float(z))) for plant, z in zip(self._plants, heights, strict=True)]

    def merged(self, materials: Sequence[str]) -> tuple[Shape, Floats, Ints, Floats]:
        """All faces as one shape, with tints (M 3), indices into `materials` (M) and numbers (M)."""
        whole = Shape(np.concatenate(self._vertices), np.concatenate(self._faces))
        slots = np.repeat([materials.index(name) for name, _ in self._materials], [n for _, n in self._materials])
        numbers = np.repeat([number for number, _ in self._numbers], [n for _, n in self._numbers])
        return whole, np.concatenate(self._tints), slots.astype(np.int32), numbers.astype(np.float32)
