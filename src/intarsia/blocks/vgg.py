"""VGG19's feature layers (Simonyan & Zisserman 2015), for losses on features. Weights are the user's file."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

# Widths between poolings.
STAGES = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512, 512, 512, 512))


def stages_to(tap: int) -> tuple[tuple[int, ...], ...]:
    """The stages, the last as far as its convolution number `tap` (from 0)."""
    return (*STAGES[:-1], STAGES[-1][: tap + 1])


class Vgg19(nn.Module):
    """An image -> one feature map of each stage, after ReLU. Its weights are constants.

    Args:
        tap: which convolution of each stage is looked at: 0 for relu1_1 .. relu5_1, 1 for relu1_2 .. relu5_2.
        average: average pooling between the stages, instead of the largest value.
    """

    def __init__(self, tap: int = 0, *, average: bool = False) -> None:
        super().__init__()
        self.tap, self.average = tap, average
        inputs, stages = 3, []
        for stage in stages_to(tap):
            widths = (inputs, *stage)
            stages.append(nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths)))
            inputs = stage[-1]
        self.stages = nn.ModuleList(stages)
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """B 3 H W in the unit that the weights want, as it is -> B C h w each."""
        pool = F.avg_pool2d if self.average else F.max_pool2d
        features, x = [], image
        for level, stage in enumerate(self.stages):
            assert isinstance(stage, nn.ModuleList)
            if level:
                x = pool(x, 2)
            for place, convolution in enumerate(stage):
                x = F.relu(convolution(x))
                if place == self.tap:
                    features.append(x)
        return tuple(features)


# Of the style loss (SESAME's code): relu2_2, relu3_4, relu4_4, relu5_2, as stage and convolution.
STYLE_TAPS = ((1, 1), (2, 3), (3, 3), (4, 1))


class StyleFeatures(nn.Module):
    """An image -> the features whose Gram matrices say what its style is.

    Args:
        network: reaching as far as relu5_2 (tap 1).
    """

    def __init__(self, network: Vgg19) -> None:
        super().__init__()
        self.stages = network.stages

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """B 3 H W in [-1, 1], as it is -> B C h w each."""
        features, x = [], image
        for level, stage in enumerate(self.stages):
            assert isinstance(stage, nn.ModuleList)
            if level:
                x = F.max_pool2d(x, 2)
            for place, convolution in enumerate(stage):
                x = F.relu(convolution(x))
                if (level, place) in STYLE_TAPS:
                    features.append(x)
        return tuple(features)


def layer_keys(tap: int = 0) -> dict[int, str]:
    """Our layer by its number in torchvision's `vgg19().features`, in order (counting ReLU and pooling layers)."""
    keys, number = {}, 0
    for level, stage in enumerate(stages_to(tap)):
        for place in range(len(stage)):
            keys[number] = f"stages.{level}.{place}"
            number += 2
        number += 1
    return keys
