"""Looking up segments that are like one: nearest neighbours of short descriptions, class by class.

A description tells where a segment's pixels are and which classes lie around it, coarsely. What it finds is a short
list; `segment_bank.py` then compares pixel by pixel. Descriptions are so short that comparing all of a class is quick,
and exact (`benchmarks/segment_bank.py`); there is nothing to build first, and nothing to keep beside the bank.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from intarsia.conditioning.segments import Labels, Mask
from intarsia.errors import ConfigError

Rows = npt.NDArray[np.float32]
"""n LENGTH; descriptions of segments."""
CELLS, CONTEXT = 8, 32
LENGTH = CELLS * CELLS + CONTEXT
CONTEXT_CELLS = 4
CONTEXT_WEIGHT = 0.5  # of the surroundings beside the shape: they only break ties among shapes
AROUND = 0.25  # the surroundings reach so much of a segment's height and width beyond it
SEED = 0


@dataclass(frozen=True, eq=False)
class ClassIndex:
    """The descriptions of one class's segments."""

    rows: npt.NDArray[np.int64]  # the segments' numbers in the bank
    neighbours: Any  # scikit-learn's index of their descriptions, by place in `rows`

    def nearest(self, description: Rows, count: int) -> npt.NDArray[np.int64]:
        """The numbers of up to `count` segments whose descriptions are nearest, nearest first."""
        places = self.neighbours.kneighbors(description[None], min(count, len(self.rows)), return_distance=False)
        found: npt.NDArray[np.int64] = self.rows[places[0]]
        return found


def check_installed() -> None:
    """Refuse to begin without scikit-learn.

    Raises:
        ConfigError: it is not installed.
    """
    if importlib.util.find_spec("sklearn") is None:
        raise ConfigError("looking up segments needs scikit-learn. Install it with: pip install 'intarsia[bank]'")


def indexed(rows: npt.NDArray[np.int64], descriptions: Rows) -> ClassIndex:
    """An index of the segments `rows` with their descriptions."""
    from sklearn.neighbors import NearestNeighbors

    return ClassIndex(rows, NearestNeighbors(algorithm="brute", metric="euclidean").fit(descriptions))


def described(mask: Mask, labels: Labels, classes: int) -> Rows:
    """The description of a segment, LENGTH numbers.

    Args:
        mask: where it is.
        labels: the label map that it is part of.
        classes: how many labels there are.
    """
    shape = _cells(torch.from_numpy(mask)[None].float(), CELLS).flatten()
    top, bottom, left, right = surroundings(mask)
    around = torch.from_numpy(np.where(mask, -1, labels)[top:bottom, left:right])
    shares = _cells(F.one_hot(around + 1, classes + 1)[..., 1:].permute(2, 0, 1).float(), CONTEXT_CELLS).flatten()
    context = torch.from_numpy(_directions(len(shares))) @ shares
    parts = [F.normalize(shape, dim=0), CONTEXT_WEIGHT * F.normalize(context, dim=0)]
    return torch.cat(parts).numpy().astype(np.float32)


def surroundings(mask: Mask) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of a segment's box with what is around it; bottom and right are beyond it."""
    found = []
    for axis, side in ((1, mask.shape[0]), (0, mask.shape[1])):
        places = np.flatnonzero(mask.any(axis))
        first, end = int(places[0]), int(places[-1]) + 1
        more = int(np.ceil(AROUND * (end - first)))
        found += [max(first - more, 0), min(end + more, side)]
    return found[0], found[1], found[2], found[3]


def _cells(maps: torch.Tensor, cells: int) -> torch.Tensor:
    return F.adaptive_avg_pool2d(maps[None], (cells, cells))[0]


@lru_cache(maxsize=8)
def _directions(length: int) -> Rows:
    """Random directions, the same every time: projected onto them, long vectors keep their distances roughly."""
    draw = np.random.default_rng(SEED)
    directions: Rows = (draw.standard_normal((CONTEXT, length)) / np.sqrt(CONTEXT)).astype(np.float32)
    return directions
