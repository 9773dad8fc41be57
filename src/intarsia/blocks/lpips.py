"""LPIPS, a learned perceptual distance of two images (Zhang et al. 2018), in its versions of 0.1 on VGG16 and AlexNet.

    d = sum over levels of mean over places of w . (f(x) / |f(x)| - f(y) / |f(y)|)^2

The features f are those of a network that was trained on ImageNet; the weights w were fitted to what people see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Net = Literal["vgg", "alex"]
MEAN, SPREAD = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of images in [-1, 1]
TINY = 1e-10

Convolution = tuple[int, int, int, int, int]
"""Its number in torchvision's `features`, outputs, kernel, stride, padding."""
TRUNKS: dict[Net, tuple[tuple[Convolution, ...], ...]] = {
    "vgg": (
        ((0, 64, 3, 1, 1), (2, 64, 3, 1, 1)),
        ((5, 128, 3, 1, 1), (7, 128, 3, 1, 1)),
        ((10, 256, 3, 1, 1), (12, 256, 3, 1, 1), (14, 256, 3, 1, 1)),
        ((17, 512, 3, 1, 1), (19, 512, 3, 1, 1), (21, 512, 3, 1, 1)),
        ((24, 512, 3, 1, 1), (26, 512, 3, 1, 1), (28, 512, 3, 1, 1)),
    ),
    "alex": (
        ((0, 64, 11, 4, 2),),
        ((3, 192, 5, 1, 2),),
        ((6, 384, 3, 1, 1),),
        ((8, 256, 3, 1, 1),),
        ((10, 256, 3, 1, 1),),
    ),
}
"""Convolutions by level; each is followed by ReLU, and the last one of a level is looked at."""
POOLING: dict[Net, tuple[int, tuple[int, ...]]] = {"vgg": (2, (1, 2, 3, 4)), "alex": (3, (1, 2))}
"""The size of the maximum pooling (of stride 2), and the levels before which it stands."""


class Lpips(nn.Module):
    """Two images -> their distance. Its weights are constants; layers have torchvision's numbers."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net
        self.features = nn.ModuleDict()
        inputs = 3
        for level in TRUNKS[net]:
            for number, outputs, kernel, stride, padding in level:
                self.features[str(number)] = nn.Conv2d(inputs, outputs, kernel, stride, padding)
                inputs = outputs
        self.levels = nn.ParameterList(torch.zeros(level[-1][1]) for level in TRUNKS[net])
        self.requires_grad_(False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """B 3 H W in [-1, 1], twice -> B distances; 0 for equal images."""
        distance = first.new_zeros(len(first))
        pairs = zip(self._seen(first), self._seen(second), self.levels, strict=True)
        for of_first, of_second, weight in pairs:
            squares = (of_first - of_second) ** 2
            distance = distance + (squares * weight.view(-1, 1, 1)).sum(1).mean((1, 2))
        return distance

    def _seen(self, image: Tensor) -> Sequence[Tensor]:
        """Features of each level, of unit length at each place."""
        size, before = POOLING[self.net]
        x = (image - image.new_tensor(MEAN).view(3, 1, 1)) / image.new_tensor(SPREAD).view(3, 1, 1)
        found = []
        for number, level in enumerate(TRUNKS[self.net]):
            if number in before:
                x = F.max_pool2d(x, size, 2)
            for layer in level:
                x = F.relu(self.features[str(layer[0])](x))
            found.append(x / (x.square().sum(1, keepdim=True).sqrt() + TINY))
        return found
