"""ResNets of bottlenecks (He et al. 2016) as the segmenters of the field have them, and these segmenters' heads.

DRN-D-105 (Yu, Koltun, Funkhouser 2017), UPerNet on ResNet-101 (Xiao et al. 2018), DeepLabV2 on ResNet-101 (Chen et al.
2017). Layers carry the names of the published files where these allow it; `segmentation.published` has the others.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BLOCKS = (3, 4, 23, 3)  # of a ResNet-101, by stage


class Normalised(nn.Module):
    """A convolution without bias, batch normalisation by its running statistics, ReLU unless told otherwise."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, *, stride: int = 1, dilation: int = 1, relu: bool = True
    ) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """B inputs H W -> B outputs h w."""
        y: Tensor = self.bn(self.conv(x))
        return F.relu(y) if self.relu else y


class Bottleneck(nn.Module):
    """Narrow, look around, widen by four, and add the input; `early` halves the size in the first convolution."""

    def __init__(self, inputs: int, width: int, *, stride: int = 1, dilation: int = 1, early: bool = False) -> None:
        super().__init__()
        first, second = (stride, 1) if early else (1, stride)
        self.reduce = Normalised(inputs, width, stride=first)
        self.look = Normalised(width, width, 3, stride=second, dilation=dilation)
        self.widen = Normalised(width, 4 * width, relu=False)
        same = stride == 1 and inputs == 4 * width
        self.project = None if same else Normalised(inputs, 4 * width, stride=stride, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """B inputs H W -> B 4*width h w."""
        shortcut = x if self.project is None else self.project(x)
        return F.relu(shortcut + self.widen(self.look(self.reduce(x))))


def stage(inputs: int, width: int, count: int, *, stride: int, dilation: int = 1, early: bool = False) -> nn.Sequential:
    """`count` bottlenecks, the first of which may halve the size."""
    blocks = [Bottleneck(inputs, width, stride=stride, dilation=dilation, early=early)]
    blocks += [Bottleneck(4 * width, width, dilation=dilation) for _ in range(count - 1)]
    return nn.Sequential(*blocks)


class DrnD105(nn.Module):
    """Dilated residual network D-105: logits at an eighth of the size, enlarged bilinearly."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Normalised(3, 16, 7),
            Normalised(16, 16, 3),
            Normalised(16, 32, 3, stride=2),
            stage(32, 64, BLOCKS[0], stride=2),
            stage(256, 128, BLOCKS[1], stride=2),
            stage(512, 256, BLOCKS[2], stride=1, dilation=2),
            stage(1024, 512, BLOCKS[3], stride=1, dilation=4),
            Normalised(2048, 512, 3, dilation=2),
            Normalised(512, 512, 3),
        )
        self.seg = nn.Conv2d(512, classes, 1)
        # A fixed bilinear enlargement; its weights are in the published file.
        self.up = nn.ConvTranspose2d(classes, classes, 16, stride=8, padding=4, groups=classes, bias=False)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """B 3 H W, H and W multiples of 8 -> logits B classes H W."""
        logits: Tensor = self.up(self.seg(self.layers(x)))
        return logits


class UperNet101(nn.Module):
    """UPerNet: pyramid pooling on a ResNet-101, and a feature pyramid down to a quarter of the size."""

    POOLS, POOLED, WIDTH = (1, 2, 3, 6), 512, 512

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(Normalised(3, 64, 3, stride=2), Normalised(64, 64, 3), Normalised(64, 128, 3))
        widths = (64, 128, 256, 512)
        inputs = (128, *(4 * width for width in widths))
        self.stages = nn.ModuleList(
            stage(before, width, count, stride=1 if number == 0 else 2)
            for number, (before, width, count) in enumerate(zip(inputs, widths, BLOCKS, strict=False))
        )
        self.pooled = nn.ModuleList(Normalised(inputs[-1], self.POOLED) for _ in self.POOLS)
        self.top = Normalised(inputs[-1] + len(self.POOLS) * self.POOLED, self.WIDTH, 3)
        self.lateral = nn.ModuleList(Normalised(width, self.WIDTH) for width in inputs[1:-1])
        self.smooth = nn.ModuleList(Normalised(self.WIDTH, self.WIDTH, 3) for _ in inputs[1:-1])
        self.fuse = Normalised(len(widths) * self.WIDTH, self.WIDTH, 3)
        self.classify = nn.Conv2d(self.WIDTH, classes, 1)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """B 3 H W, H and W multiples of 32 -> logits B classes H/4 W/4."""
        x = F.max_pool2d(self.stem(x), 3, 2, 1)
        levels = []
        for part in self.stages:
            x = part(x)
            levels.append(x)
        pools = [
            convolution(_enlarged(F.adaptive_avg_pool2d(x, size), x))
            for size, convolution in zip(self.POOLS, self.pooled, strict=True)
        ]
        above = self.top(torch.cat([x, *pools], 1))
        pyramid = [above]
        for level, lateral, smooth in reversed(list(zip(levels[:-1], self.lateral, self.smooth, strict=True))):
            side = lateral(level)
            above = side + _enlarged(above, side)
            pyramid.insert(0, smooth(above))
        fused = self.fuse(torch.cat([_enlarged(each, pyramid[0]) for each in pyramid], 1))
        logits: Tensor = self.classify(fused)
        return logits


class DeepLabV2(nn.Module):
    """DeepLabV2 at three scales of the input: the largest logit of each class at each place."""

    DILATIONS, SCALES = (6, 12, 18, 24), (0.5, 0.75)

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = Normalised(3, 64, 7, stride=2)
        inputs = (64, 256, 512, 1024)
        settings = ((64, 1, 1), (128, 2, 1), (256, 1, 2), (512, 1, 4))  # width, stride, dilation
        self.stages = nn.Sequential(
            *(
                stage(before, width, count, stride=stride, dilation=dilation, early=True)
                for before, (width, stride, dilation), count in zip(inputs, settings, BLOCKS, strict=True)
            )
        )
        self.aspp = nn.ModuleList(nn.Conv2d(2048, classes, 3, padding=d, dilation=d) for d in self.DILATIONS)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """B 3 H W -> logits B classes, about H/8 W/8."""
        logits = self.at_one_scale(x)
        for scale in self.SCALES:
            size = [int(side * scale) for side in x.shape[2:]]
            smaller = self.at_one_scale(F.interpolate(x, size, mode="bilinear", align_corners=False))
            logits = torch.maximum(logits, _enlarged(smaller, logits))
        return logits

    def at_one_scale(self, x: Tensor) -> Tensor:
        """Logits of the image as it is."""
        x = self.stages(F.max_pool2d(self.stem(x), 3, 2, 1, ceil_mode=True))
        return torch.stack([branch(x) for branch in self.aspp]).sum(0)


def _enlarged(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[2:], mode="bilinear", align_corners=False)
