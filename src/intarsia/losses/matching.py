"""Feature matching: made images should look alike to a network that looks at them, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from intarsia.records import Verdict

# Of relu1_1 .. relu5_1: deeper layers count more (pix2pixHD, Wang et al. 2018).
VGG19_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
# Of EfficientNet-lite0's stem and stages 2, 3 and 5. Between unrelated photos of 128 pixels these features differ by
# 1.0, 8.5, 8.0 and 7.0 on average: so weighed the levels count alike, and unrelated photos are 1 apart.
LITE0_WEIGHTS = (1 / 4, 1 / 34, 1 / 32, 1 / 28)


def feature_matching(fake: Verdict, real: Verdict) -> Tensor:
    """Mean absolute difference of the discriminator's features: summed over layers, averaged over scales.

    The real side is a target: no gradient flows through it.
    """
    scales = [
        torch.stack([F.l1_loss(made, photo.detach()) for made, photo in zip(*layers, strict=True)]).sum()
        for layers in zip(fake.features, real.features, strict=True)
    ]
    return torch.stack(scales).mean()


def style(fake: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of the Gram matrices of a network's features, summed over layers (each B C h w).

    A Gram matrix, F F' / (C h w), says which features occur together, wherever (Gatys, Ecker, Bethge 2016). The real
    side is a target: no gradient flows through it.
    """
    layers = [F.l1_loss(gram(made), gram(photo.detach())) for made, photo in zip(fake, real, strict=True)]
    return torch.stack(layers).sum()


def gram(features: Tensor) -> Tensor:
    """B C h w -> B C C."""
    rows = features.float().flatten(2)
    return rows @ rows.transpose(1, 2) / features[0].numel()


def perceptual(fake: Sequence[Tensor], real: Sequence[Tensor], weights: Sequence[float] = VGG19_WEIGHTS) -> Tensor:
    """Weighted mean absolute difference of a network's features, layer by layer (each B C h w).

    The real side is a target: no gradient flows through it.
    """
    layers = [weight * F.l1_loss(made, photo.detach()) for weight, made, photo in zip(weights, fake, real, strict=True)]
    return torch.stack(layers).sum()
