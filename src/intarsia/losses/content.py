"""Content losses of CRN (Chen & Koltun, ICCV 2017, section 3.2): errors of an image and of features seen in it.

Levels are the image and the feature maps that a network sees in it, from fine to coarse; each has a weight.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def content(fake: Sequence[Tensor], real: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Weighted mean absolute differences, level by level (each B C h w).

    The real side is a target: no gradient flows through it.
    """
    terms = [
        weight * F.l1_loss(made.float(), photo.detach().float())
        for weight, made, photo in zip(weights, fake, real, strict=True)
    ]
    return torch.stack(terms).sum()


def errors_by_class(fake: Tensor, real: Tensor, planes: Tensor) -> Tensor:
    """Mean absolute difference over all pixels, that of each class apart.

    Errors count for a class by its share of the area that they stand for. They are divided by all pixels, not by those
    of the class: a small class weighs little.

    Args:
        fake: B K C h w, one level of K images of each map.
        real: B C h w, the same of the photo.
        planes: B N H W, one-hot labels at the image's resolution.

    Returns:
        B K N.
    """
    with torch.autocast(fake.device.type, enabled=False):  # sums over whole images want full precision
        error = (fake.float() - real.detach().float().unsqueeze(1)).abs().mean(2)
        shares = F.adaptive_avg_pool2d(planes, (fake.shape[-2], fake.shape[-1]))
        return torch.einsum("bkhw,bnhw->bkn", error, shares) / error[0, 0].numel()


def content_by_class(
    fake: Sequence[Tensor], real: Sequence[Tensor], planes: Tensor, weights: Sequence[float]
) -> Tensor:
    """Weighted `errors_by_class` summed over levels: B K N."""
    terms = [w * errors_by_class(made, photo, planes) for w, made, photo in zip(weights, fake, real, strict=True)]
    return torch.stack(terms).sum(0)


def nearest(content: Tensor) -> Tensor:
    """Of each class the image that comes nearest to the photo, summed over classes (B K N); others learn nothing."""
    return content.amin(1).sum(1).mean()


def average(content: Tensor) -> Tensor:
    """The mean over images, summed over classes (B K N): what keeps images alive that are never the nearest."""
    return content.mean(1).sum(1).mean()
