"""Holes in photos, and the labels that should fill them, as coded maps."""

from __future__ import annotations

import torch
from torch import Tensor

from intarsia.coded import CodedMap


def holed_labels(labels: Tensor, hole: Tensor, channels: int, *, everywhere: bool) -> CodedMap:
    """One-hot labels and, as the last column, whether a pixel lies in the hole.

    Args:
        labels: B H W int64, 0 <= id < channels.
        hole: B H W bool.
        channels: one-hot planes.
        everywhere: whether labels are told outside the hole too; else all planes are zero there.
    """
    if everywhere:
        return CodedMap((labels + channels * hole).int(), _rows(channels, labels.device)).compact()
    # Row 2 * channels: no label, and no hole.
    rows = torch.cat([_rows(channels, labels.device), torch.zeros(1, channels + 1, device=labels.device)])
    return CodedMap(torch.where(hole, labels + channels, 2 * channels).int(), rows).compact()


def _rows(channels: int, device: torch.device) -> Tensor:
    """Each label outside the hole, then each inside."""
    hole = torch.arange(2, device=device).repeat_interleave(channels)
    return torch.cat([torch.eye(channels, device=device).repeat(2, 1), hole[:, None].float()], 1)
