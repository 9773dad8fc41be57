"""The global generator of pix2pixHD (Wang et al. 2018, section 3.1): shrink, residual blocks, grow.

The SPADE authors' release holds a variant of it as a baseline, with spectral normalisation and without the biases that
instance normalisation cancels.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.convolution import SpectralConv2d, coded_rows, spectrally_normalised
from intarsia.coded import CodedMap, Semantics
from intarsia.records import Condition, Synthesis

MARGIN = 3  # of the 7x7 convolutions at both ends


class GlobalGenerator(nn.Module):
    """Condition -> Synthesis. Image sizes are multiples of 2 ** halvings.

    Args:
        planes: channels of the condition.
        width: channels at full resolution; doubles with each halving.
        halvings: how often the map shrinks.
        blocks: residual blocks at the bottom.
        spectral: spectral normalisation of all convolutions but the last, which are then without bias.
    """

    def __init__(
        self, planes: int, *, width: int = 64, halvings: int = 4, blocks: int = 9, spectral: bool = False
    ) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(halvings + 1)]
        self.first = EntryConv2d(planes, width, spectral=spectral)
        self.down = nn.ModuleList(_convolution(a, b, spectral, stride=2, padding=1) for a, b in pairwise(widths))
        self.blocks = nn.ModuleList(ResidualBlock(widths[-1], spectral=spectral) for _ in range(blocks))
        self.up = nn.ModuleList(_growing(b, a, spectral) for a, b in reversed(list(pairwise(widths))))
        self.last = nn.Conv2d(width, 3, 2 * MARGIN + 1)

    def forward(self, condition: Condition) -> Synthesis:
        """Make an image of `condition.size`."""
        x = _activated(self.first(condition.at(*condition.size)))
        for layer in self.down:
            x = _activated(layer(x))
        for block in self.blocks:
            x = block(x)
        for layer in self.up:
            x = _activated(layer(x))
        return Synthesis(torch.tanh(self.last(F.pad(x, (MARGIN,) * 4, mode="reflect"))))


class EntryConv2d(nn.Module):
    """A 7x7 convolution over the label planes, mirrored at the border; on a coded map once per distinct window."""

    def __init__(self, planes: int, outputs: int, *, spectral: bool) -> None:
        super().__init__()
        kernel = 2 * MARGIN + 1
        self.layer = (
            SpectralConv2d(planes, outputs, kernel, bias=False) if spectral else nn.Conv2d(planes, outputs, kernel)
        )

    def forward(self, semantics: Semantics) -> Tensor:
        """B C H W (or its coded map) -> B outputs H W."""
        semantics = mirrored(semantics, MARGIN)
        if isinstance(semantics, Tensor):
            out: Tensor = self.layer(semantics)
            return out
        layer = self.layer
        weight = layer.normalised_weight() if isinstance(layer, SpectralConv2d) else layer.weight
        rows, windows = coded_rows(semantics, weight, layer.bias, stride=1, padding=0)
        return F.embedding(windows.index.long(), rows).permute(0, 3, 1, 2)


class ResidualBlock(nn.Module):
    """x + two 3x3 convolutions, mirrored at the border, with instance normalisation and an activation between them."""

    def __init__(self, channels: int, *, spectral: bool) -> None:
        super().__init__()
        self.conv_0 = _convolution(channels, channels, spectral)
        self.conv_1 = _convolution(channels, channels, spectral)

    def forward(self, x: Tensor) -> Tensor:
        """B C H W -> B C H W."""
        y = _activated(self.conv_0(F.pad(x, (1,) * 4, mode="reflect")))
        return x + F.instance_norm(self.conv_1(F.pad(y, (1,) * 4, mode="reflect")))


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


def mirrored(semantics: Semantics, margin: int) -> Semantics:
    """The map with `margin` more pixels on each side, mirrored at the border as `pad(mode="reflect")` does."""
    if isinstance(semantics, Tensor):
        return F.pad(semantics, (margin,) * 4, mode="reflect")
    rows, columns = (_mirrored_places(size, margin).to(semantics.codes.device) for size in semantics.size)
    return CodedMap(semantics.codes[:, rows][:, :, columns].contiguous(), semantics.codebook)


def _mirrored_places(size: int, margin: int) -> Tensor:
    places = torch.arange(-margin, size + margin).abs()
    return torch.minimum(places, 2 * (size - 1) - places)


def _activated(x: Tensor) -> Tensor:
    return F.relu(F.instance_norm(x))


def _convolution(inputs: int, outputs: int, spectral: bool, *, stride: int = 1, padding: int = 0) -> nn.Conv2d:
    if spectral:
        return SpectralConv2d(inputs, outputs, 3, stride=stride, padding=padding, bias=False)
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=padding)


def _growing(inputs: int, outputs: int, spectral: bool) -> nn.ConvTranspose2d:
    kind = SpectralConvTranspose2d if spectral else nn.ConvTranspose2d
    return kind(inputs, outputs, 3, stride=2, padding=1, output_padding=1, bias=not spectral)
