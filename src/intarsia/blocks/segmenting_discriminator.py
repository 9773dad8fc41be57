"""A discriminator that segments (OASIS, Schoenfeld et al. 2021, section 3.1): a U-Net with a class more, "fake".

It looks at the image alone and says for each pixel which class it shows, or that somebody made it up. Labels are its
target, not its input, so there is nothing to code.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.convolution import SpectralConv2d
from intarsia.errors import ConfigError
from intarsia.records import Condition, Verdict

SLOPE = 0.2
HALVINGS = 6
Kind = Literal["first", "down", "up"]


class SegmentingDiscriminator(nn.Module):
    """(Condition, image) -> Verdict: logits k*B 1+labels H W; channel 0 says fake, channel c + 1 says class c.

    Args:
        labels: classes, and don't-care where the label space has it.
        width: channels at half resolution; four times as many at the bottom. Published: 128.
        fake: whether there is the class more; without it, channel c says class c: a plain segmenter, as SAFM's.
    """

    def __init__(self, labels: int, *, width: int = 128, fake: bool = True) -> None:
        super().__init__()
        encoded = [width, width, 2 * width, 2 * width, 4 * width, 4 * width]
        decoded = [4 * width, 2 * width, 2 * width, width, width, width // 2]
        # Each step up, but for the lowest, also sees what the encoder had at its resolution.
        beside = [0, *reversed(encoded[:-1])]
        self.down = nn.ModuleList(
            SegmenterBlock(inputs, outputs, "down" if place else "first")
            for place, (inputs, outputs) in enumerate(zip([3, *encoded], encoded, strict=False))
        )
        self.up = nn.ModuleList(
            SegmenterBlock(inputs + more, outputs, "up")
            for inputs, more, outputs in zip([encoded[-1], *decoded], beside, decoded, strict=False)
        )
        self.last = nn.Conv2d(decoded[-1], fake + labels, 1)

    def forward(self, condition: Condition, image: Tensor) -> Verdict:
        """Judge images; the condition is not looked at.

        Args:
            condition: of the label maps that the images were made from.
            image: k*B 3 H W in [-1, 1], H and W multiples of 64.

        Raises:
            ConfigError: the size is no such multiple.
        """
        return Verdict(((self.segmented(image),),))

    def segmented(self, image: Tensor) -> Tensor:
        """The logits alone of images B 3 H W in [-1, 1]; errors are those of `forward`."""
        stride = 1 << HALVINGS
        if image.shape[2] % stride or image.shape[3] % stride:
            raise ConfigError(
                f"images of {image.shape[2]}x{image.shape[3]} cannot be judged: the segmenting discriminator halves "
                f"them {HALVINGS} times. Choose multiples of {stride}."
            )
        seen, x = [], image
        for block in self.down:
            x = block(x)
            seen.append(x)
        x = self.up[0](seen.pop())
        for block in self.up[1:]:
            x = block(torch.cat([seen.pop(), x], 1))
        logits: Tensor = self.last(x)
        return logits


class SegmenterBlock(nn.Module):
    """Residual block of the U-Net: two spectrally normalised 3x3 convolutions, halving (down) or doubling (up).

    The shortcut takes x without an activation; the first block, whose input is an image, has none before it at all.
    """

    def __init__(self, inputs: int, outputs: int, kind: Kind) -> None:
        super().__init__()
        self.kind = kind
        self.conv_0 = SpectralConv2d(inputs, outputs, 3, padding=1)
        self.conv_1 = SpectralConv2d(outputs, outputs, 3, padding=1)
        self.conv_s = SpectralConv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        """B inputs H W -> B outputs H/2 W/2, or 2H 2W going up."""
        y = x if self.kind == "first" else F.leaky_relu(x, SLOPE)
        if self.kind == "up":
            out: Tensor = self.conv_1(F.leaky_relu(doubled_and_convolved(y, self.conv_0), SLOPE))
            return F.interpolate(self._shortcut(x), scale_factor=2, mode="nearest") + out
        y = convolved_and_halved(F.leaky_relu(self.conv_0(y), SLOPE), self.conv_1)
        return self._shortcut(F.avg_pool2d(x, 2)) + y

    def _shortcut(self, x: Tensor) -> Tensor:
        # Where the pixels are few: a 1x1 convolution commutes with averaging and with nearest upsampling.
        if self.conv_s is None:
            return x
        out: Tensor = self.conv_s(x)
        return out


def convolved_and_halved(x: Tensor, layer: SpectralConv2d) -> Tensor:
    """avg_pool2d(layer(x), 2) for a 3x3 convolution with padding 1, as one 4x4 convolution of stride 2.

    16 products for each result instead of 36: its kernel is the mean of the 3x3 one at the four places averaged.
    """
    weight = layer.normalised_weight()
    spread = (F.pad(weight, (left, 1 - left, top, 1 - top)) for left in (0, 1) for top in (0, 1))
    return F.conv2d(x, torch.stack(list(spread)).mean(0), layer.bias, stride=2, padding=1)


def doubled_and_convolved(x: Tensor, layer: SpectralConv2d) -> Tensor:
    """layer(x upsampled by 2, nearest) for a 3x3 convolution with padding 1, as one transposed convolution.

    4 products for each result instead of 9: its 4x4 kernel adds up the taps that fall on one pixel of x.
    """
    weight = layer.normalised_weight().flip(2, 3).transpose(0, 1)
    spread = (F.pad(weight, (left, 1 - left, top, 1 - top)) for left in (0, 1) for top in (0, 1))
    return F.conv_transpose2d(x, torch.stack(list(spread)).sum(0), layer.bias, stride=2, padding=1)
