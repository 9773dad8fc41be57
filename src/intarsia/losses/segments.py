"""What the parts of SIMS that place and order segments learn from (Qi et al., CVPR 2018, sections 3.2 and 3.3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from intarsia.records import NO_PAIR


def placement(placed: Tensor, real: Tensor, queries: Tensor) -> Tensor:
    """How far segments in their places are from the photo there, in levels of 255; a mean over images.

    Args:
        placed: B 3 H W in [0, 1], the segments in their places, summed.
        real: B 3 H W in [0, 1], the photo.
        queries: B P H W, 0 or 1: where the segments belong.
    """
    where = queries.sum(1)
    error = 255 * (real - placed.float()).abs().mean(1)
    return ((where * error).sum((1, 2)) / (where.sum((1, 2)) + 1)).mean()


def order(scores: Tensor, fronts: Tensor) -> Tensor:
    """Cross entropy of the class in front, over the pairs that there are; 0 where there are none.

    Args:
        scores: B Q 1+labels; class c stands at c + 1, as published.
        fronts: B Q int64, the label in front; `NO_PAIR` for none.
    """
    there = (fronts != NO_PAIR).sum().clamp(min=1)
    targets = torch.where(fronts == NO_PAIR, NO_PAIR, fronts + 1).flatten()
    summed = F.cross_entropy(scores.float().flatten(0, 1), targets, reduction="sum", ignore_index=NO_PAIR)
    return summed / there


def meaning(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of a segmentation head with the labels, a mean over pixels.

    Args:
        logits: B N h w.
        labels: B H W int64; taken at the logits' resolution, nearest.
    """
    size = (logits.shape[-2], logits.shape[-1])
    targets = F.interpolate(labels[:, None].float(), size, mode="nearest")[:, 0].long()
    return F.cross_entropy(logits.float(), targets)
