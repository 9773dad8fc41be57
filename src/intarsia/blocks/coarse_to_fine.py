"""The coarse-to-fine generator of pix2pixHD (Wang et al. 2018, section 3.1), and what is built of the same parts.

A trunk (the published global generator without its last convolution) shrinks the label map, computes in residual
blocks and grows. Each enhancer around it takes the label map at twice the resolution, adds what the trunk made, and
grows once more. Without enhancers it is the global generator. The SPADE authors' release holds a variant of that as a
baseline, with spectral normalisation and without the biases that instance normalisation cancels; pix2pixHD's own image
encoder is one without residual blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.convolution import JointConv2d, SpectralConv2d, spectrally_normalised
from intarsia.blocks.modulation import Normalisation
from intarsia.blocks.normalisation import Norm
from intarsia.coded import Semantics, halved, mirrored

MARGIN = 3  # of the 7x7 convolutions at both ends


class CoarseToFine(nn.Module):
    """Label planes, and maps of features beside them -> an image. Sizes are multiples of 2 ** (halvings + enhancers).

    Args:
        planes: channels of the labels.
        features: channels of the maps beside the labels; there may be none.
        outputs: channels of the image.
        width: channels at full resolution; doubles with each halving.
        halvings: how often the trunk shrinks the map.
        blocks: residual blocks at the bottom.
        enhancers: how many times the resolution doubles beyond the trunk's.
        enhancer_blocks: residual blocks in each of them.
        kind: of normalisation, after every convolution but the last.
        spectral: spectral normalisation of all convolutions but the last, which are then without bias.
    """

    def __init__(
        self,
        planes: int,
        features: int = 0,
        outputs: int = 3,
        *,
        width: int = 64,
        halvings: int = 4,
        blocks: int = 9,
        enhancers: int = 0,
        enhancer_blocks: int = 3,
        kind: Normalisation = "instance",
        spectral: bool = False,
    ) -> None:
        super().__init__()
        self.trunk = Trunk(planes, features, width << enhancers, halvings, blocks, kind, spectral)
        self.enhancers = nn.ModuleList(
            Enhancer(planes, features, width << level, enhancer_blocks, kind, spectral)
            for level in reversed(range(enhancers))
        )
        self.last = nn.Conv2d(width, outputs, 2 * MARGIN + 1, padding=MARGIN, padding_mode="reflect")

    def forward(self, semantics: Semantics, features: Tensor | None = None) -> Tensor:
        """Make an image.

        Args:
            semantics: labels, B planes H W or their coded map.
            features: B features H W, where there are any.

        Returns:
            B outputs H W in [-1, 1].
        """
        levels = pyramid(semantics, features, len(self.enhancers))
        x: Tensor = self.trunk(*next(levels))
        for enhancer, level in zip(self.enhancers, levels, strict=True):
            x = enhancer(*level, x)
        return torch.tanh(self.last(x))


class Trunk(nn.Module):
    """Shrink, residual blocks, grow: B planes H W -> B width H W."""

    def __init__(
        self, planes: int, features: int, width: int, halvings: int, blocks: int, kind: Normalisation, spectral: bool
    ) -> None:
        super().__init__()
        widths = [width << level for level in range(halvings + 1)]
        self.first = Normed(EntryConv2d(planes, features, width, spectral=spectral), width, kind)
        self.down = nn.ModuleList(shrinking(a, b, kind, spectral) for a, b in pairwise(widths))
        self.blocks = nn.ModuleList(ResidualBlock(widths[-1], kind, spectral) for _ in range(blocks))
        self.up = nn.ModuleList(growing(b, a, kind, spectral) for a, b in reversed(list(pairwise(widths))))

    def forward(self, semantics: Semantics, features: Tensor | None) -> Tensor:
        """Labels, and features where there are any -> B width H W."""
        x = F.relu(self.first(semantics, features))
        for layer in self.down:
            x = F.relu(layer(x))
        for block in self.blocks:
            x = block(x)
        for layer in self.up:
            x = F.relu(layer(x))
        return x


class Enhancer(nn.Module):
    """Doubles the resolution: labels B planes H W, and what the coarser part made -> B width H W."""

    def __init__(
        self, planes: int, features: int, width: int, blocks: int, kind: Normalisation, spectral: bool
    ) -> None:
        super().__init__()
        self.first = Normed(EntryConv2d(planes, features, width, spectral=spectral), width, kind)
        self.down = shrinking(width, 2 * width, kind, spectral)
        self.blocks = nn.ModuleList(ResidualBlock(2 * width, kind, spectral) for _ in range(blocks))
        self.up = growing(2 * width, width, kind, spectral)

    def forward(self, semantics: Semantics, features: Tensor | None, coarse: Tensor) -> Tensor:
        """Labels, features where there are any, and the coarser part's B 2*width H/2 W/2 -> B width H W."""
        x = F.relu(self.down(F.relu(self.first(semantics, features)))) + coarse
        for block in self.blocks:
            x = block(x)
        return F.relu(self.up(x))


class Normed(nn.Module):
    """A convolution, normalised; the activation is the caller's."""

    def __init__(self, conv: nn.Module, channels: int, kind: Normalisation) -> None:
        super().__init__()
        self.conv = conv
        self.norm = Norm(channels, kind)

    def forward(self, *inputs: Any) -> Tensor:
        """What the convolution takes -> B channels h w."""
        out: Tensor = self.norm(self.conv(*inputs))
        return out


class EntryConv2d(nn.Module):
    """A 7x7 convolution over labels and features, mirrored at the border; the labels' part once per distinct window."""

    def __init__(self, planes: int, features: int, outputs: int, *, spectral: bool, bias: bool = True) -> None:
        super().__init__()
        self.joint = JointConv2d(planes, features, outputs, 2 * MARGIN + 1, spectral=spectral, bias=bias)

    def forward(self, semantics: Semantics, features: Tensor | None) -> Tensor:
        """B planes H W (or its coded map), and B features H W where there are any -> B outputs H W."""
        beside = None if features is None else mirrored(features, MARGIN)
        out: Tensor = self.joint(mirrored(semantics, MARGIN), beside)
        return out


class ResidualBlock(nn.Module):
    """x + two normalised 3x3 convolutions, mirrored at the border, with an activation between them."""

    def __init__(self, channels: int, kind: Normalisation, spectral: bool) -> None:
        super().__init__()
        self.conv_0, self.conv_1 = (
            Normed(_convolution(channels, channels, spectral, padding_mode="reflect"), channels, kind) for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """B C H W -> B C H W."""
        out: Tensor = x + self.conv_1(F.relu(self.conv_0(x)))
        return out


class SpectralConvTranspose2d(nn.ConvTranspose2d):
    """`ConvTranspose2d` whose weight is divided by its largest singular value, with output channels as rows."""

    u: Tensor
    v: Tensor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert not isinstance(self.padding, str)
        self._padding = self.padding
        rows = self.weight.detach().transpose(0, 1).flatten(1)
        self.register_buffer("u", F.normalize(torch.randn(rows.shape[0]), dim=0, eps=1e-12))
        self.register_buffer("v", F.normalize(torch.randn(rows.shape[1]), dim=0, eps=1e-12))

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """B C h w -> B out_channels H W."""
        weight = spectrally_normalised(self.weight.transpose(0, 1), self.u, self.v, iterate=self.training)
        transposed = weight.transpose(0, 1)
        return F.conv_transpose2d(x, transposed, self.bias, self.stride, self._padding, self.output_padding)


def pyramid(semantics: Semantics, features: Tensor | None, halvings: int) -> Iterator[tuple[Semantics, Tensor | None]]:
    """Labels and features at each resolution, the coarsest first; averages, so that labels become fractions."""
    levels = [(semantics, features)]
    for _ in range(halvings):
        semantics, features = halved(semantics), None if features is None else halved(features)
        levels.append((semantics, features))
    return reversed(levels)


def shrinking(inputs: int, outputs: int, kind: Normalisation, spectral: bool) -> Normed:
    """3x3 with stride 2 and zeros at the border."""
    return Normed(_convolution(inputs, outputs, spectral, stride=2), outputs, kind)


def growing(inputs: int, outputs: int, kind: Normalisation, spectral: bool) -> Normed:
    """Transposed 3x3 that doubles the size."""
    conv: Any = SpectralConvTranspose2d if spectral else nn.ConvTranspose2d
    layer = conv(inputs, outputs, 3, stride=2, padding=1, output_padding=1, bias=not spectral)
    return Normed(layer, outputs, kind)


def _convolution(
    inputs: int, outputs: int, spectral: bool, *, stride: int = 1, padding_mode: str = "zeros"
) -> nn.Conv2d:
    conv: Any = SpectralConv2d if spectral else nn.Conv2d
    layer: nn.Conv2d = conv(inputs, outputs, 3, stride=stride, padding=1, padding_mode=padding_mode, bias=not spectral)
    return layer
