"""A small U-Net for semantic segmentation (Ronneberger, Fischer, Brox 2015), made for processors.

The photo enters as its 2x2 blocks (pixel unshuffle), so that the widest maps have half its resolution, and logits leave
the same way (pixel shuffle, Shi et al. 2016): the head decides on each full-resolution pixel without a full-resolution
feature map. Residual blocks (He et al. 2016) lie between; the deepest level sees the whole picture.
"""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

UNSHUFFLED = 2
MULTIPLES = (1, 2, 4, 6, 8)  # of the width: at strides 2, 4, 8, 16, 32
STRIDE = UNSHUFFLED * 2 ** (len(MULTIPLES) - 1)


class Unet(nn.Module):
    """Image to logits of the same size.

    Args:
        classes: that a pixel can be of.
        width: channels at half the image's resolution; deeper levels have `MULTIPLES` of them.
    """

    def __init__(self, classes: int, *, width: int = 24) -> None:
        super().__init__()
        widths = [width * multiple for multiple in MULTIPLES]
        self.stem = ConvNorm(3 * UNSHUFFLED**2, width)
        self.down = nn.ModuleList(
            nn.Sequential(ConvNorm(above, below, stride=2), Residual(below)) for above, below in pairwise(widths)
        )
        self.context = Context(widths[-1])
        self.lateral = nn.ModuleList(ConvNorm(below, above, kernel=1) for above, below in pairwise(widths))
        self.up = nn.ModuleList(Residual(channels) for channels in widths[:-1])
        self.head = nn.Conv2d(width, classes * UNSHUFFLED**2, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """B 3 H W float32 in [-1, 1], H and W multiples of `STRIDE` -> logits B classes H W."""
        levels = [self.stem(F.pixel_unshuffle(image, UNSHUFFLED))]
        for down in self.down:
            levels.append(down(levels[-1]))
        x = self.context(levels.pop())
        for lateral, up in zip(reversed(self.lateral), reversed(self.up), strict=True):
            x = F.interpolate(lateral(x), scale_factor=2.0, mode="nearest")
            x = up(x + levels.pop())
        return F.pixel_shuffle(self.head(x), UNSHUFFLED)


class ConvNorm(nn.Sequential):
    """Convolution, batch norm, and ReLU unless it is left out."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, relu: bool = True) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            *([nn.ReLU(inplace=True)] if relu else []),
        )


class Residual(nn.Module):
    """x + two 3x3 convolutions (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvNorm(channels, channels), ConvNorm(channels, channels, relu=False))

    def forward(self, x: Tensor) -> Tensor:
        """B channels h w -> the same."""
        return F.relu(x + self.body(x), inplace=True)


class Context(nn.Module):
    """Adds what the whole picture is like (its mean) to each place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.whole = nn.Sequential(nn.Linear(channels, channels), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """B channels h w -> the same."""
        added: Tensor = self.whole(x.mean((2, 3)))
        return x + added[..., None, None]
