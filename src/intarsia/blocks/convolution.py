"""Convolutions: over coded maps, and with spectral normalisation."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.lookup import window_products
from intarsia.coded import CodedMap, Neighbourhoods, Semantics


def by_tap(weight: Tensor) -> Tensor:
    """A convolution's weight (out in k k) as one matrix for each tap: T in out."""
    return weight.permute(2, 3, 1, 0).flatten(0, 1)


def coded_rows(
    semantics: CodedMap, weight: Tensor, bias: Tensor | None, *, stride: int, padding: int
) -> tuple[Tensor, Neighbourhoods]:
    """The convolution of a coded map for each of its distinct windows (U out), and where which window stands.

    `weight` (out in k k) and `bias` (out) are those of the dense convolution.
    """
    windows = semantics.neighbourhoods(weight.shape[2], stride=stride, padding=padding)
    taps = by_tap(weight)
    if bias is None:
        bias = taps.new_zeros(taps.shape[2])
    return window_products(semantics.codebook.to(taps.dtype), taps, windows, bias), windows


class CodedConv2d(nn.Conv2d):
    """`Conv2d` (zero padding) that also takes a coded map and then computes once per distinct window of codes.

    Same weights, same numbers: out[p] = bias + sum over taps t of (codebook @ W_t)[code[p + t]].
    """

    def rows(self, semantics: CodedMap) -> tuple[Tensor, Neighbourhoods]:
        """The result for each distinct window (U out_channels), and where which window stands."""
        return coded_rows(semantics, self.weight, self.bias, stride=self.stride[0], padding=int(self.padding[0]))

    def forward(self, semantics: Semantics) -> Tensor:
        """B C H W (or its coded map) -> B out_channels h w."""
        if isinstance(semantics, Tensor):
            return super().forward(semantics)
        rows, windows = self.rows(semantics)
        return F.embedding(windows.index.long(), rows).permute(0, 3, 1, 2)


class JointConv2d(nn.Module):
    """A convolution over label planes and other maps side by side; the labels' part is computed once.

    The weight is that of the published convolution over the concatenation, labels first. On a coded map the labels'
    part takes one look-up per distinct window, and k sets of other maps of the same labels share it.

    Args:
        planes: channels of the labels.
        others: channels of the other maps, such as an image; there may be none.
        outputs, kernel, stride, padding: of the convolution; zeros are padded.
        spectral: spectral normalisation; then without a bias.
        bias: whether there is one.
    """

    def __init__(
        self,
        planes: int,
        others: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        spectral: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        kind = SpectralConv2d if spectral else nn.Conv2d
        bias = bias and not spectral
        self.whole = kind(planes + others, outputs, kernel, stride=stride, padding=padding, bias=bias)
        self.planes, self.kernel, self.stride, self.padding = planes, kernel, stride, padding

    def forward(self, semantics: Semantics, others: Tensor | None = None) -> Tensor:
        """Labels of B maps and k*B others H W -> k*B outputs h w (B where there are no others)."""
        shape = (self.kernel, self.stride, self.padding)
        if isinstance(semantics, Tensor) or not look_ups_pay(semantics, self.planes, *shape):
            out: Tensor = self.whole(side_by_side(semantics, others))
            return out
        layer = self.whole
        weight = layer.normalised_weight() if isinstance(layer, SpectralConv2d) else layer.weight
        rows, windows = coded_rows(
            semantics, weight[:, : self.planes], layer.bias, stride=self.stride, padding=self.padding
        )
        labels = F.embedding(windows.index.long(), rows).permute(0, 3, 1, 2)
        if others is None:
            return labels
        beside = F.conv2d(others, weight[:, self.planes :], stride=self.stride, padding=self.padding)
        return (beside.view(-1, *labels.shape) + labels).flatten(0, 1)


def look_ups_pay(semantics: CodedMap, planes: int, kernel: int, stride: int, padding: int) -> bool:
    """Whether look-ups need fewer multiply-adds than a convolution of dense planes: false for maps busy as noise."""
    windows = semantics.neighbourhoods(kernel, stride=stride, padding=padding)
    return len(semantics.codebook) + len(windows.members) / planes < windows.index.numel()


def side_by_side(semantics: Semantics, others: Tensor | None) -> Tensor:
    """Dense planes of B label maps and k*B other maps, concatenated: k*B planes+others H W."""
    planes = semantics.dense() if isinstance(semantics, CodedMap) else semantics
    return planes if others is None else torch.cat([planes.repeat(len(others) // len(planes), 1, 1, 1), others], 1)


class SpectralConv2d(nn.Conv2d):
    """`Conv2d` whose weight is divided by its largest singular value (Miyato et al. 2018).

    One power iteration in each training forward, none in evaluation; `u` and `v` travel with the weights.
    """

    u: Tensor
    v: Tensor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = self.weight.detach().flatten(1)
        self.register_buffer("u", F.normalize(torch.randn(rows.shape[0]), dim=0, eps=1e-12))
        self.register_buffer("v", F.normalize(torch.randn(rows.shape[1]), dim=0, eps=1e-12))

    def normalised_weight(self) -> Tensor:
        """weight / sigma; in training after one power iteration."""
        return spectrally_normalised(self.weight, self.u, self.v, iterate=self.training)

    @torch.no_grad()
    def settle(self, rounds: int = 15) -> None:
        """Let u and v find the weight as it now is: a fresh layer's are random, and sigma then much too small."""
        if self.weight.is_meta:  # a layer of sizes only
            return
        for _ in range(rounds):
            spectrally_normalised(self.weight, self.u, self.v, iterate=True)

    def forward(self, x: Tensor) -> Tensor:
        """B C H W -> B out_channels h w."""
        out: Tensor = self._conv_forward(x, self.normalised_weight(), self.bias)
        return out


def spectrally_normalised(weight: Tensor, u: Tensor, v: Tensor, *, iterate: bool) -> Tensor:
    """weight / (u' W v), with W the weight as rows of its first dimension; `iterate` improves u, v first, in place."""
    # In full precision, mixed or not: it costs little, and u and v are kept.
    with torch.autocast(weight.device.type, enabled=False):
        if iterate:
            with torch.no_grad():
                rows = _rows(weight)
                column = F.normalize(rows.T @ u, dim=0, eps=1e-12)
                u.copy_(F.normalize(rows @ column, dim=0, eps=1e-12))
                entries = _entries(v, weight)
                entries.copy_(column.view(entries.shape))
        # Copies: a second forward before the backward must not change what the first one saved.
        normalised: Tensor = _SpectralNormalise.apply(weight, u.clone(), v.clone())  # type: ignore[no-untyped-call]
        return normalised


class _SpectralNormalise(torch.autograd.Function):
    """weight / (u' W v) with u and v held constant: few passes over the weight, each in the order that it lies in."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, u: Tensor, v: Tensor) -> Tensor:
        column = _entries(v, weight).flatten()
        sigma = torch.dot(u, _rows(weight) @ column)
        ctx.save_for_backward(weight, u, column, sigma)
        return weight / sigma

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        weight, u, column, sigma = ctx.saved_tensors
        scaled = torch.empty_like(weight)
        torch.div(gradient, sigma, out=scaled)
        along = torch.dot(_rows(scaled).flatten(), _rows(weight).flatten()) / sigma
        _rows(scaled).addr_(u * -along, column)
        return scaled, None, None


def _channels_last(weight: Tensor) -> bool:
    return weight.dim() == 4 and not weight.is_contiguous() and weight.is_contiguous(memory_format=torch.channels_last)


def _rows(weight: Tensor) -> Tensor:
    """The weight as a matrix with a row for each output; a view, whose columns stand as they lie in memory."""
    return weight.permute(0, 2, 3, 1).flatten(1) if _channels_last(weight) else weight.flatten(1)


def _entries(v: Tensor, weight: Tensor) -> Tensor:
    """`v`, which is in the order of `weight.flatten(1)`, as a view in the order of `_rows(weight)`."""
    return v.view(weight.shape[1:]).permute(1, 2, 0) if _channels_last(weight) else v.view(weight.shape[1:])
