"""A small U-Net for semantic segmentation (Ronneberger, Fischer, Brox 2015) on features of a network that can see.

The way down is EfficientNet-lite0 as it was trained on ImageNet, and stays so: what objects look like need not be
learnt from a few thousand photos, only where they end and what they are called. Beside it the photo enters as its 2x2
blocks (pixel unshuffle), for edges. The way up is learnt, of residual blocks (He et al. 2016), and logits leave as the
photo came (pixel shuffle, Shi et al. 2016): the head decides on each full-resolution pixel by a few numbers, computed
at half the resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.efficientnet_lite import STAGES, EfficientNetLite0

UNSHUFFLED = 2
LEVELS = (1, 2, 3, 5, 7)  # of EfficientNet-lite0: its stages that end at strides 2, 4, 8, 16, 32
MULTIPLES = (1, 2, 3, 4, 4)  # of the width, at these strides
EMBEDDING = 12  # numbers that each full-resolution pixel is told apart by
STRIDE = UNSHUFFLED * 2 ** (len(MULTIPLES) - 1)


@dataclass(frozen=True)
class Seen:
    """An image, and what EfficientNet-lite0 sees in it."""

    image: Tensor  # B 3 H W float32 in [-1, 1], H and W multiples of `STRIDE`
    features: tuple[Tensor, ...]  # by level of `LEVELS`: B C H/2^n W/2^n


@torch.no_grad()
def see(features: EfficientNetLite0, image: Tensor) -> Seen:
    """Look at an image, B 3 H W float32 in [-1, 1], with the fixed network."""
    return Seen(image, features(image))


class Unet(nn.Module):
    """What was seen, to logits of the image's size.

    Args:
        classes: that a pixel can be of.
        width: channels at half the image's resolution; deeper levels have `MULTIPLES` of them.
    """

    def __init__(self, classes: int, *, width: int = 24) -> None:
        super().__init__()
        widths = [width * multiple for multiple in MULTIPLES]
        seen = [STAGES[level - 1][1] for level in LEVELS]
        self.stem = nn.Sequential(ConvNorm(3 * UNSHUFFLED**2, width), ConvNorm(width, width))
        self.across = nn.ModuleList(ConvNorm(there, here, kernel=1) for there, here in zip(seen, widths, strict=True))
        self.deepest = nn.Sequential(Residual(widths[-1]), Context(widths[-1]))
        self.lateral = nn.ModuleList(ConvNorm(below, above, kernel=1) for above, below in pairwise(widths))
        self.up = nn.ModuleList(Residual(channels) for channels in widths[:-1])
        self.pixels = ConvNorm(width, EMBEDDING * UNSHUFFLED**2)
        self.classes = nn.Conv2d(EMBEDDING, classes, 1)

    def forward(self, seen: Seen, choice: Tensor | None = None) -> Tensor:
        """Logits.

        Args:
            seen: the image and its features.
            choice: B H/2 W/2 int64, the one pixel of each 2x2 block to decide on, 0..3 in reading order: training
                looks at a quarter of the pixels, which are hardly less than all. None decides on all.

        Returns:
            B classes H W float32, or with a choice B classes H/2 W/2.
        """
        levels: list[Tensor] = [across(there) for across, there in zip(self.across, seen.features, strict=True)]
        levels[0] = levels[0] + self.stem(F.pixel_unshuffle(seen.image, UNSHUFFLED))
        x = self.deepest(levels.pop())
        for lateral, up in zip(reversed(self.lateral), reversed(self.up), strict=True):
            x = F.interpolate(lateral(x), scale_factor=2.0, mode="nearest")
            x = up(x + levels.pop())
        blocks: Tensor = self.pixels(x)
        pixels = F.pixel_shuffle(blocks, UNSHUFFLED) if choice is None else _picked(blocks, choice)
        logits: Tensor = self.classes(pixels)
        return logits


class Seeing(nn.Module):
    """A trained U-Net together with the fixed network: image to logits.

    Args:
        features: EfficientNet-lite0 for `LEVELS`.
        unet: what was trained.
    """

    def __init__(self, features: EfficientNetLite0, unet: Unet) -> None:
        super().__init__()
        self.features = features
        self.unet = unet

    def forward(self, image: Tensor) -> Tensor:
        """B 3 H W float32 in [-1, 1], H and W multiples of `STRIDE` -> B classes H W float32."""
        logits: Tensor = self.unet(see(self.features, image))
        return logits


def chosen(labels: Tensor, choice: Tensor) -> Tensor:
    """Labels (B H W int64) of the pixels that `choice` (B H/2 W/2) takes: B H/2 W/2."""
    return _picked(F.pixel_unshuffle(labels[:, None], UNSHUFFLED), choice)[:, 0]


def _picked(blocks: Tensor, choice: Tensor) -> Tensor:
    """B C*4 h w, as pixel unshuffle orders it -> B C h w: of each place's four the chosen one."""
    batch, channels, height, width = blocks.shape
    each = blocks.reshape(batch, channels // UNSHUFFLED**2, UNSHUFFLED**2, height, width)
    return each.gather(2, choice[:, None, None].expand(-1, each.shape[1], 1, -1, -1)).squeeze(2)


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
