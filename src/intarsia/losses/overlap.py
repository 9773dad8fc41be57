"""How well predicted and true regions overlap (Milletari, Navab, Ahmadi 2016, section 3).

Small regions count as much as large ones, as they do in mean IoU.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

SMOOTHING = 1.0  # pixels: keeps classes of hardly any from jumping between 0 and 1


def overlap_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """1 - Dice coefficient, a mean over the classes that are there: a scalar in [0, 1].

    Regions are taken over the whole batch.

    Args:
        logits: B C H W float32.
        labels: B H W int64; C is don't-care, which is left out.
    """
    classes = logits.shape[1]
    there = F.one_hot(labels, classes + 1).movedim(-1, 1)[:, :classes].to(logits.dtype)
    said = logits.softmax(1) * (labels < classes)[:, None]
    both, there_sum, said_sum = ((x).sum((0, 2, 3)) for x in (there * said, there, said))
    dice = (2 * both + SMOOTHING) / (there_sum + said_sum + SMOOTHING)
    present = there_sum > 0
    return 1 - (dice * present).sum() / present.sum().clamp(min=1)
