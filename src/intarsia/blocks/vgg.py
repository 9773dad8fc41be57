"""VGG19's feature layers (Simonyan & Zisserman 2015), for the perceptual loss. The weights are the user's own file."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

# Widths between poolings, as far as relu5_1; the first convolution after each pooling is also a tap.
STAGES = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512,))


class Vgg19(nn.Module):
    """An image -> features relu1_1, relu2_1, relu3_1, relu4_1, relu5_1. Its weights are constants."""

    def __init__(self) -> None:
        super().__init__()
        inputs, stages = 3, []
        for stage in STAGES:
            widths = (inputs, *stage)
            stages.append(nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths)))
            inputs = stage[-1]
        self.stages = nn.ModuleList(stages)
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """B 3 H W in [-1, 1], as it is: the published losses do not shift it to ImageNet's mean -> B C h w each."""
        features, x = [], image
        for level, stage in enumerate(self.stages):
            assert isinstance(stage, nn.ModuleList)
            if level:
                x = F.max_pool2d(x, 2)
            for place, convolution in enumerate(stage):
                x = F.relu(convolution(x))
                if place == 0:
                    features.append(x)
        return tuple(features)


def layer_keys() -> dict[int, str]:
    """Our layer by its number in torchvision's `vgg19().features`, in order (counting ReLU and pooling layers)."""
    keys, number = {}, 0
    for level, stage in enumerate(STAGES):
        for place in range(len(stage)):
            keys[number] = f"stages.{level}.{place}"
            number += 2
        number += 1
    return keys
