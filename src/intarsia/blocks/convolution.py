"""Convolutions: over coded maps, and with spectral normalisation."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.lookup import window_sums
from intarsia.coded import CodedMap, Neighbourhoods, Semantics


def coded_rows(
    semantics: CodedMap, weight: Tensor, bias: Tensor | None, *, stride: int, padding: int
) -> tuple[Tensor, Neighbourhoods]:
    """The convolution of a coded map for each of its distinct windows (U out), and where which window stands.

    `weight` (out in k k) and `bias` (out) are those of the dense convolution.
    """
    windows = semantics.neighbourhoods(weight.shape[2], stride=stride, padding=padding)
    taps = weight.permute(2, 3, 1, 0).flatten(0, 1)  # T in out
    if bias is None:
        bias = taps.new_zeros(taps.shape[2])
    return window_sums(semantics.codebook.to(taps.dtype) @ taps, windows, bias), windows


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

    def forward(self, x: Tensor) -> Tensor:
        """B C H W -> B out_channels h w."""
        out: Tensor = self._conv_forward(x, self.normalised_weight(), self.bias)
        return out


def spectrally_normalised(weight: Tensor, u: Tensor, v: Tensor, *, iterate: bool) -> Tensor:
    """weight / (u' W v), with W the weight as rows of its first dimension; `iterate` improves u, v first, in place."""
    if iterate:
        with torch.no_grad():
            rows = weight.flatten(1)
            v.copy_(F.normalize(rows.T @ u, dim=0, eps=1e-12))
            u.copy_(F.normalize(rows @ v, dim=0, eps=1e-12))
    # Copies: a second forward before the backward must not change what the first one saved.
    normalised: Tensor = _SpectralNormalise.apply(weight, u.clone(), v.clone())  # type: ignore[no-untyped-call]
    return normalised


class _SpectralNormalise(torch.autograd.Function):
    """weight / (u' W v) with u and v held constant: two passes over the weight instead of autograd's five."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, u: Tensor, v: Tensor) -> Tensor:
        sigma = torch.dot(u, weight.flatten(1) @ v)
        ctx.save_for_backward(weight, u, v, sigma)
        return weight / sigma

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        weight, u, v, sigma = ctx.saved_tensors
        along = (gradient * weight).sum() / sigma**2
        outer = torch.outer(u * along, v).view(weight.shape)
        return torch.div(gradient, sigma).sub_(outer), None, None
