"""Feature matching: made images should look alike to a network that looks at them, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from intarsia.records import Verdict

# Of relu1_1 .. relu5_1: deeper layers count more (pix2pixHD, Wang et al. 2018).
PERCEPTUAL_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)


def feature_matching(fake: Verdict, real: Verdict) -> Tensor:
    """Mean absolute difference of the discriminator's features: summed over layers, averaged over scales.

    The real side is a target: no gradient flows through it.
    """
    scales = [
        torch.stack([F.l1_loss(made, photo.detach()) for made, photo in zip(*layers, strict=True)]).sum()
        for layers in zip(fake.features, real.features, strict=True)
    ]
    return torch.stack(scales).mean()


def perceptual(fake: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
    """Weighted mean absolute difference of VGG19 features, relu1_1 .. relu5_1 (each B C h w).

    The real side is a target: no gradient flows through it.
    """
    layers = [
        weight * F.l1_loss(made, photo.detach())
        for weight, made, photo in zip(PERCEPTUAL_WEIGHTS, fake, real, strict=True)
    ]
    return torch.stack(layers).sum()
