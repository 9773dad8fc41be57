"""Precision and recall of generated photos (Kynkaanniemi et al. 2019).

Each set of features is taken for the balls around its points that reach to the k-th nearest neighbour. Precision is the
share of made photos inside the balls of real ones: how many look real. Recall is the share of real photos inside the
balls of made ones: how much of what is real is ever made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from intarsia.errors import DataError

Features = npt.NDArray[np.floating]  # N d
NEIGHBOURS = 3
AT_ONCE = 1000  # rows of distances held at a time


@dataclass(frozen=True)
class PrecisionRecall:
    """Shares of 0..1."""

    precision: float
    recall: float
    neighbours: int
    made: int  # pictures
    real: int


def precision_recall(made: Features, real: Features, neighbours: int = NEIGHBOURS) -> PrecisionRecall:
    """Precision and recall of two sets of features, each N d.

    Raises:
        DataError: a set has no more pictures than `neighbours`.
    """
    fewer = min(len(made), len(real))
    if fewer <= neighbours:
        raise DataError(f"precision and recall were asked of a set of {fewer}. Give at least {neighbours + 1} images.")
    of_made, of_real = (torch.from_numpy(np.ascontiguousarray(features)) for features in (made, real))
    return PrecisionRecall(
        precision=_inside(of_made, of_real, neighbours),
        recall=_inside(of_real, of_made, neighbours),
        neighbours=neighbours,
        made=len(made),
        real=len(real),
    )


def _inside(points: Tensor, centres: Tensor, neighbours: int) -> float:
    """The share of points in a ball around any of the centres."""
    # A point is its own nearest neighbour.
    radii = torch.cat(
        [torch.cdist(rows, centres).kthvalue(neighbours + 1).values for rows in torch.split(centres, AT_ONCE)]
    )
    inside = [(torch.cdist(rows, centres) <= radii).any(1) for rows in torch.split(points, AT_ONCE)]
    return float(torch.cat(inside).double().mean())
