"""EfficientNet-lite0's feature layers: EfficientNet (Tan & Le 2019) without squeeze-excitation, with ReLU6.

A small network trained to classify ImageNet, for the perceptual term of small presets and for KID-lite0. Its weights
are constants, so batch normalisation is folded into the convolutions when they are read.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Expansion, width, blocks, stride of the first block, kernel: by stage (Tan & Le 2019, Table 1).
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
STEM, HEAD = 32, 1280
EPSILON = 1e-3  # of the batch normalisations
HEAD_LEVEL = len(STAGES) + 1


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's "same": where the border is uneven, the odd row and column come last.

    With stride 2 that is one pixel off from `Conv2d`'s even padding; the weights were trained with it.
    """

    def forward(self, x: Tensor) -> Tensor:
        """B C H W -> B out ceil(H / stride) ceil(W / stride)."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride == 1:
            return F.conv2d(x, self.weight, self.bias, padding=kernel // 2, groups=self.groups)
        rows, columns = (max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in x.shape[2:])
        x = F.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
        return F.conv2d(x, self.weight, self.bias, self.stride, groups=self.groups)


class InvertedBottleneck(nn.Module):
    """Widen by a factor, convolve each channel by itself, narrow without activation; residual where shapes agree."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.expand = nn.Conv2d(inputs, width, 1) if expansion > 1 else None
        self.depthwise = SameConv2d(width, width, kernel, stride, groups=width)
        self.project = nn.Conv2d(width, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """B inputs H W -> B outputs h w."""
        wide = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        narrow: Tensor = self.project(F.relu6(self.depthwise(wide), inplace=True))
        return narrow + x if self.residual else narrow


class EfficientNetLite0(nn.Module):
    """An image -> features at the levels asked for: 0 the stem, 1 to 7 the stages, 8 the head (before pooling).

    Layers beyond the deepest level are not computed. Channels by level: 32, 16, 24, 40, 80, 112, 192, 320, 1280; the
    image is halved at levels 0, 2, 3, 4 and 6.
    """

    def __init__(self, levels: Sequence[int]) -> None:
        super().__init__()
        self.levels = tuple(levels)
        self.stem = SameConv2d(3, STEM, 3, 2)
        inputs, stages = STEM, []
        for expansion, width, count, stride, kernel in STAGES:
            blocks = []
            for place in range(count):
                step = stride if place == 0 else 1
                blocks.append(InvertedBottleneck(inputs, width, expansion=expansion, stride=step, kernel=kernel))
                inputs = width
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.head = nn.Conv2d(inputs, HEAD, 1)
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """B 3 H W in [-1, 1] -> B C h w for each level, in ascending order, channels-last."""
        # What the network was trained on: (value - 127) / 128 of values 0 to 255.
        x = ((image + 1) * 127.5 - 127) / 128
        x = F.relu6(self.stem(x.contiguous(memory_format=torch.channels_last)), inplace=True)
        features = [x] if 0 in self.levels else []
        for level, stage in enumerate(self.stages[: max(self.levels)], 1):
            x = stage(x)
            if level in self.levels:
                features.append(x)
        if HEAD_LEVEL in self.levels:
            features.append(F.relu6(self.head(x), inplace=True))
        return tuple(features)


def layer_keys() -> dict[str, tuple[str, str]]:
    """By our convolution: the names of the convolution and of its batch normalisation in the published file."""
    keys = {"stem": ("_conv_stem", "_bn0")}
    number = 0
    for stage, (expansion, _, count, _, _) in enumerate(STAGES):
        for place in range(count):
            ours, theirs = f"stages.{stage}.{place}", f"_blocks.{number}"
            if expansion > 1:
                keys[f"{ours}.expand"] = (f"{theirs}._expand_conv", f"{theirs}._bn0")
            keys[f"{ours}.depthwise"] = (f"{theirs}._depthwise_conv", f"{theirs}._bn1")
            keys[f"{ours}.project"] = (f"{theirs}._project_conv", f"{theirs}._bn2")
            number += 1
    return keys | {"head": ("_conv_head", "_bn1")}
