"""Convolutions whose result is normalised over the whole image and its channels, as CRN and SIMS have them."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.convolution import JointConv2d
from intarsia.coded import Semantics

EPSILON = 1e-12
SLOPE = 0.2


def layer_norm(channels: int) -> nn.GroupNorm:
    """Mean and variance of each image over height, width and channels together; scale and shift by channel."""
    return nn.GroupNorm(1, channels, eps=EPSILON)


class NormedConv2d(nn.Module):
    """A convolution that keeps the size, without a bias; layer norm; leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.norm = layer_norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """B inputs H W -> B outputs H W."""
        return F.leaky_relu(self.norm(self.conv(x)), SLOPE)


class JointNormedConv2d(nn.Module):
    """The same over label planes and other maps side by side (labels first; there may be no others)."""

    def __init__(self, planes: int, others: int, outputs: int) -> None:
        super().__init__()
        self.conv = JointConv2d(planes, others, outputs, 3, padding=1, bias=False)
        self.norm = layer_norm(outputs)

    def forward(self, semantics: Semantics, others: Tensor | None = None) -> Tensor:
        """Labels of B maps H W (coded or dense) and B others H W -> B outputs H W."""
        return F.leaky_relu(self.norm(self.conv(semantics, others)), SLOPE)


def convolutions(inputs: int, outputs: int, count: int) -> nn.Sequential:
    """`count` normalised convolutions, one after the other."""
    return nn.Sequential(*(NormedConv2d(inputs if place == 0 else outputs, outputs) for place in range(count)))


def resized_bilinear(x: Tensor, height: int, width: int) -> Tensor:
    """B C H W at another size: bilinear, corners on corners, and without antialiasing where it shrinks."""
    return F.interpolate(x, (height, width), mode="bilinear", align_corners=True)


def initialise(network: nn.Module) -> None:
    """Weights as published: Xavier uniform; biases zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
