"""A road's middle line, strips along it, and what is painted on it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from street.meshes import Shape, sheet

Doubles = npt.NDArray[np.float64]
BEFORE, BEYOND = -60.0, 520.0  # metres along a road that are known
SPACING = 2.0


class Road:
    """A line from the origin that heads along y and bends; places on it are (s along, t to the right), in metres."""

    def __init__(self, turn: float = 0.0, bend: float = 0.0, start: float = 12.0, length: float = 80.0) -> None:
        """`turn` is the heading at the origin, `bend` the change of heading between `start` and `start + length`."""
        self.s: Doubles = np.arange(BEFORE, BEYOND, SPACING)
        ramp = np.clip((self.s - start) / length, 0, 1)
        self.heading: Doubles = turn + bend * ramp * ramp * (3 - 2 * ramp)
        steps = SPACING * np.stack([-np.sin(self.heading), np.cos(self.heading)])
        line = np.cumsum(steps, 1)
        self.x, self.y = line - line[:, [int(np.searchsorted(self.s, 0.0))]]

    def lay(self, s: Doubles, t: Doubles) -> tuple[Doubles, Doubles, Doubles]:
        """x, y and heading of places along the road."""
        heading = np.interp(s, self.s, self.heading)
        x, y = np.interp(s, self.s, self.x), np.interp(s, self.s, self.y)
        return x + t * np.cos(heading), y + t * np.sin(heading), heading

    def place(self, s: float, t: float) -> tuple[float, float, float]:
        """x, y and heading of one place."""
        x, y, heading = self.lay(np.asarray([s]), np.asarray([t]))
        return float(x[0]), float(y[0]), float(heading[0])

    def aside(self, x: Doubles, y: Doubles) -> Doubles:
        """About how far places are to the right of the road (exact where it is straight)."""
        middle = np.interp(y, self.y, self.x)
        heading = np.interp(y, self.y, self.heading)
        return np.asarray((x - middle) * np.cos(heading))

    def strip(
        self, s0: float, s1: float, t0: float, t1: float, z: float, *, step: float = 4.0, across: int = 1
    ) -> Shape:
        """A flat ribbon."""
        s = np.linspace(s0, s1, max(2, math.ceil((s1 - s0) / step) + 1))
        t = np.linspace(t0, t1, across + 1)
        x, y, _ = self.lay(*(a.astype(np.float64) for a in np.meshgrid(s, t, indexing="ij")))
        return sheet(np.stack([x, y, np.full_like(x, z)], -1))

    def bar(self, s0: float, s1: float, t0: float, t1: float, z0: float, z1: float, *, step: float = 4.0) -> Shape:
        """A wall or kerb: two sides and a top."""
        s = np.linspace(s0, s1, max(2, math.ceil((s1 - s0) / step) + 1))
        rows = []
        for t, z in ((t0, z0), (t0, z1), (t1, z1), (t1, z0)):
            x, y, _ = self.lay(s, np.full_like(s, t))
            rows.append(np.stack([x, y, np.full_like(x, z)], -1))
        return sheet(np.stack(rows, 1))
