"""Coarse-to-fine generators for synthesis in bands of rows: a bounded part of the memory, and the same image.

Whoever reads an activation asks for rows of it. Small ones are held. A large one at the full resolution never is: its
rows are made from the layer before whenever they are asked for, with the rows around them that a convolution sees, so
that there are no seams. Instance normalisation forbids tiles that know nothing of each other: it needs the moments of
the whole activation before the first pixel of the next. So such an activation is made twice, once for its moments and
once to be read. Residual blocks, which cost most, compute in place. At any time two of the widest activations behind
the first convolution are held, and a few bands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.coarse_to_fine import MARGIN, CoarseToFine, Enhancer, EntryConv2d, Normed, ResidualBlock, pyramid
from intarsia.blocks.convolution import JointConv2d
from intarsia.blocks.detached import detached, detached_tree
from intarsia.blocks.modulation import EPS
from intarsia.blocks.normalisation import Norm
from intarsia.coded import CodedMap, Semantics, mirrored

BAND = 1 << 22  # numbers in a band: 16 MiB
Kind = TypeVar("Kind", bound=nn.Module)
Shape = tuple[int, int, int, int]
LayOut = Callable[[nn.Conv2d], nn.Module]
"""A convolution in the form that is quickest for synthesis."""


@dataclass(frozen=True)
class Rows:
    """An activation B C H W that is read by rows: read(top, bottom) is B C bottom-top W, not to be written to."""

    shape: Shape
    read: Callable[[int, int], Tensor]


class Banded(nn.Module):
    """`CoarseToFine` for evaluation. `lay_out` prepares its convolutions, whose padding is done here."""

    def __init__(self, network: CoarseToFine, lay_out: LayOut) -> None:
        super().__init__()
        trunk = network.trunk
        self.entry = detached_tree(trunk.first)
        self.down = nn.ModuleList(_bare(layer, lay_out) for layer in children(trunk.down, Normed))
        self.blocks = nn.ModuleList(_bare_block(block, lay_out) for block in children(trunk.blocks, ResidualBlock))
        self.up = nn.ModuleList(detached_tree(layer) for layer in trunk.up)
        self.enhancers = nn.ModuleList(
            BandedEnhancer(enhancer, lay_out) for enhancer in children(network.enhancers, Enhancer)
        )
        self.last = lay_out(_unpadded(network.last))
        self.outputs = network.last.out_channels

    def forward(self, semantics: Semantics, features: Tensor | None = None) -> Tensor:
        """As `CoarseToFine.forward`."""
        levels = pyramid(semantics, features, len(self.enhancers))
        rows = self._trunk(*next(levels))
        for enhancer, level in zip(self.enhancers, levels, strict=True):
            rows = enhancer(*level, rows)
        return convolved(rows, self.last, self.outputs, margin=MARGIN, mode="reflect").tanh_()

    def _trunk(self, semantics: Semantics, features: Tensor | None) -> Rows:
        rows = entered(self.entry, semantics, features)
        for layer in children(self.down, Normed):
            rows = held(shrunk(rows, layer))
        x = rows.read(0, rows.shape[2])
        for block in children(self.blocks, ResidualBlock):
            residual_(x, block)
        rows = held(x)
        for layer in children(self.up, Normed):
            rows = grown(rows, layer)
        return rows


class BandedEnhancer(nn.Module):
    """`Enhancer` for evaluation."""

    def __init__(self, enhancer: Enhancer, lay_out: LayOut) -> None:
        super().__init__()
        self.entry = detached_tree(enhancer.first)
        self.down = _bare(enhancer.down, lay_out)
        self.blocks = nn.ModuleList(_bare_block(block, lay_out) for block in children(enhancer.blocks, ResidualBlock))
        self.up = detached_tree(enhancer.up)

    def forward(self, semantics: Semantics, features: Tensor | None, coarse: Rows) -> Rows:
        """As `Enhancer.forward`, by rows."""
        x = shrunk(entered(self.entry, semantics, features), self.down)
        for top, bottom in bands(coarse.shape):
            x[:, :, top:bottom] += coarse.read(top, bottom)
        for block in children(self.blocks, ResidualBlock):
            residual_(x, block)
        return grown(held(x), self.up)


def children(modules: nn.ModuleList, kind: type[Kind]) -> Iterator[Kind]:
    """The modules of a list, all of one kind."""
    for module in modules:
        assert isinstance(module, kind)
        yield module


def bands(shape: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(top, bottom) of bands of rows from the top on, each of an even number of rows but perhaps the last."""
    batch, channels, height, width = shape
    step = max(2, BAND // (batch * channels * width) // 2 * 2)
    for top in range(0, height, step):
        yield top, min(top + step, height)


def held(x: Tensor) -> Rows:
    """An activation that is there, B C H W."""
    batch, channels, height, width = x.shape
    return Rows((batch, channels, height, width), lambda top, bottom: x[:, :, top:bottom])


def entered(layer: Normed, semantics: Semantics, features: Tensor | None) -> Rows:
    """The first layer: 7x7 over labels and features, normalised and activated."""
    entry = layer.conv
    assert isinstance(entry, EntryConv2d)
    joint: JointConv2d = entry.joint
    labels = mirrored(semantics, MARGIN)
    beside = None if features is None else mirrored(features, MARGIN)
    batch, height, width = labels.codes.shape if isinstance(labels, CodedMap) else labels[:, 0].shape

    def read(top: int, bottom: int) -> Tensor:
        rows = slice(top, bottom + 2 * MARGIN)
        some: Semantics
        if isinstance(labels, CodedMap):
            some = CodedMap(labels.codes[:, rows].contiguous(), labels.codebook).compact()
        else:
            some = labels[:, :, rows]
        out: Tensor = joint(some, None if beside is None else beside[:, :, rows])
        return out

    shape = (batch, joint.whole.out_channels, height - 2 * MARGIN, width - 2 * MARGIN)
    return activated(Rows(shape, read), layer.norm)


def shrunk(rows: Rows, layer: Normed) -> Tensor:
    """3x3 with stride 2, normalised and activated: B C' H/2 W/2."""
    x = convolved(rows, layer.conv, layer.norm.channels, margin=1, mode="constant", stride=2)
    return settled_(x, layer.norm).relu_()


def grown(rows: Rows, layer: Normed) -> Rows:
    """Transposed 3x3 that doubles the size, normalised and activated."""
    batch, _, height, width = rows.shape

    def read(top: int, bottom: int) -> Tensor:
        # Row 2i comes of row i, row 2i + 1 of rows i and i + 1.
        first = top // 2
        out: Tensor = layer.conv(rows.read(first, min((bottom + 1) // 2 + 1, height)))
        return out[:, :, top - 2 * first : bottom - 2 * first]

    return activated(Rows((batch, layer.norm.channels, 2 * height, 2 * width), read), layer.norm)


def residual_(x: Tensor, block: ResidualBlock) -> None:
    """x += two normalised 3x3 convolutions of it, mirrored at the border."""
    y = convolved(held(x), block.conv_0.conv, x.shape[1], margin=1, mode="reflect")
    settled_(y, block.conv_0.norm).relu_()
    height = y.shape[2]
    above = y[:, :, :0]  # the row before a band, as it was before the band above was written
    for top, bottom in bands(y.shape):
        rows = torch.cat([above, y[:, :, top : bottom + 1]], 2)
        above = y[:, :, bottom - 1 : bottom].clone()
        y[:, :, top:bottom] = block.conv_1.conv(F.pad(rows, (1, 1, int(top == 0), int(bottom == height)), "reflect"))
    x += settled_(y, block.conv_1.norm)


def convolved(rows: Rows, conv: nn.Module, channels: int, *, margin: int, mode: str, stride: int = 1) -> Tensor:
    """A convolution that does no padding itself, of rows padded by `margin`: B channels H/stride W/stride."""
    batch, _, height, width = rows.shape
    shape = (batch, channels, height // stride, width // stride)
    out: Tensor | None = None
    for top, bottom in bands(shape):
        band = conv(_around(rows, stride * top, stride * (bottom - 1) + 1, margin, mode))
        if out is None:
            out = torch.empty(shape, dtype=band.dtype, device=band.device, memory_format=torch.channels_last)
        out[:, :, top:bottom] = band
    assert out is not None
    return out


def activated(rows: Rows, norm: Norm) -> Rows:
    """Normalised and activated. What fits into a band is made once and held."""
    if len(list(bands(rows.shape))) == 1:
        return held(settled_(rows.read(0, rows.shape[2]), norm).relu_())
    scale, shift = _scale_and_shift(norm, rows)
    return Rows(rows.shape, lambda top, bottom: _affine_(rows.read(top, bottom), scale, shift).relu_())


def settled_(x: Tensor, norm: Norm) -> Tensor:
    """Normalised in place."""
    return _affine_(x, *_scale_and_shift(norm, held(x)))


def _affine_(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    return x.mul_(scale[..., None, None]).add_(shift[..., None, None])


def _scale_and_shift(norm: Norm, rows: Rows) -> tuple[Tensor, Tensor]:
    """y = x * scale + shift, each B C or 1 C, from running moments or those of the whole activation."""
    if norm.moments.kind == "batch":
        return norm.scale_and_shift(*norm.moments(rows.read(0, 1), 1))
    mean = square = torch.zeros(())
    for top, bottom in bands(rows.shape):
        # Merged in float64 (Chan et al. 1979): no digits are lost, however many bands there are.
        variance, middle = (part.double() for part in torch.var_mean(rows.read(top, bottom), (2, 3), correction=0))
        share, gap = (bottom - top) / bottom, middle - mean.to(middle)
        square = square.to(middle) * (1 - share) + variance * share + gap**2 * share * (1 - share)
        mean = mean.to(middle) + gap * share
    return norm.scale_and_shift(mean.float(), (square.float() + EPS).rsqrt())


def _around(rows: Rows, top: int, bottom: int, margin: int, mode: str) -> Tensor:
    """Rows top - margin .. bottom + margin - 1 with `margin` more columns on each side; padded at the borders."""
    first, end = max(top - margin, 0), min(bottom + margin, rows.shape[2])
    return F.pad(rows.read(first, end), (margin, margin, first - top + margin, bottom + margin - end), mode)


def _bare(layer: Normed, lay_out: LayOut) -> Normed:
    """The layer with its convolution laid out, and without padding."""
    assert isinstance(layer.conv, nn.Conv2d)
    bare = detached_tree(layer)
    bare.conv = lay_out(_unpadded(layer.conv))
    return bare


def _unpadded(conv: nn.Conv2d) -> nn.Conv2d:
    bare = detached(conv)
    bare.padding, bare.padding_mode = (0, 0), "zeros"
    return bare


def _bare_block(block: ResidualBlock, lay_out: LayOut) -> ResidualBlock:
    bare = detached_tree(block)
    bare.conv_0, bare.conv_1 = _bare(block.conv_0, lay_out), _bare(block.conv_1, lay_out)
    return bare
