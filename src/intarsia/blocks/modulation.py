"""Spatially-adaptive normalisation (SPADE, Park et al. 2019, section 3).

An activation is normalised without parameters, then scaled and shifted by maps that are computed from the label map.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.distributed as dist
import torch.distributed.nn.functional as collective
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.convolution import CodedConv2d, by_tap
from intarsia.blocks.lookup import lookup_affine, window_products
from intarsia.coded import CodedMap, Neighbourhoods, Semantics, semantics_size

Normalisation = Literal["batch", "instance"]
EPS = 1e-5
MOMENTUM = 0.1

# What a distinct window costs in products, and a distinct double window in sums of look-ups, as shares of what a pixel
# costs in the dense convolution. Measured by benchmarks/busy_maps.py.
PRODUCT_COST, SUM_COST = 1.5, 0.25


class Moments(nn.Module):
    """Mean and 1 / standard deviation of an activation, over the batch (running ones in evaluation) or each image.

    In a process group the batch is that of all processes.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, kind: Normalisation) -> None:
        super().__init__()
        self.kind = kind
        self.momentum = MOMENTUM
        if kind == "batch":
            self.register_buffer("running_mean", torch.zeros(channels))
            self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor, pixels: int) -> tuple[Tensor, Tensor]:
        """(mean, 1/std) of x, B C h w: each 1 C, or B C for instances.

        `pixels` is how many pixels an image has once upsampled: it corrects the running variance.
        """
        if x.dtype != torch.float64:  # half precision is too coarse for sums over an image
            x = x.float()
        if self.kind == "instance":
            return instance_moments(x)
        if not self.training:
            return self.running_mean[None], (self.running_var[None] + EPS).rsqrt()
        mean, variance, count = _batch_moments(x, pixels)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / max(count - 1, 1)), self.momentum)
        return mean[None], (variance[None] + EPS).rsqrt()


def _batch_moments(x: Tensor, pixels: int) -> tuple[Tensor, Tensor, int]:
    """Mean and biased variance by channel, and the number of values, over all processes."""
    variance, mean = torch.var_mean(x, (0, 2, 3), correction=0)
    count = x.shape[0] * pixels
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return mean, variance, count
    # Every process has the same number of values, since the sampler gives each the same batch.
    world = dist.get_world_size()
    local_mean = mean
    mean = collective.all_reduce(local_mean) / world  # type: ignore[no-untyped-call]
    variance = collective.all_reduce(variance + (local_mean - mean) ** 2) / world  # type: ignore[no-untyped-call]
    return mean, variance, count * world


def pays(semantics: CodedMap, kernel: int) -> bool:
    """Whether two convolutions in a row over this map are cheaper by look-up than densely; a busy map is not."""
    windows = semantics.neighbourhoods(kernel)
    pixels = semantics.codes.numel()
    if len(windows.members) >= pixels:
        return False
    return PRODUCT_COST * len(windows.members) + SUM_COST * len(windows.again(kernel).members) < pixels


class Spade(nn.Module):
    """SPADE layer: normalise x, then x * (1 + gamma) + beta with gamma and beta from a two-layer net on the labels.

    The net is Conv(labels -> hidden), ReLU, Conv(hidden -> gamma and beta). On a coded map the first convolution is
    computed once per distinct window and the second as one small product per tap, summed by look-up.
    `gamma_beta` holds the published gamma and beta convolutions stacked along the output channels.
    """

    def __init__(
        self, channels: int, labels: int, *, hidden: int = 128, kernel: int = 3, kind: Normalisation = "batch"
    ) -> None:
        super().__init__()
        self.moments = Moments(channels, kind)
        self.shared = CodedConv2d(labels, hidden, kernel, padding=kernel // 2)
        self.gamma_beta = nn.Conv2d(hidden, 2 * channels, kernel, padding=kernel // 2)

    def forward(self, x: Tensor, semantics: Semantics, slope: float) -> Tensor:
        """leaky_relu(modulated x, slope); slope 1 leaves the activation out.

        Args:
            x: B C h w float; upsampled (nearest) to the semantics' size on the way.
            semantics: coded map or dense planes at the output's size H W, multiples of h and w.
            slope: of the activation below zero.

        Returns:
            B C H W float.
        """
        if isinstance(semantics, CodedMap) and (table := self.table(semantics)) is not None:
            return self._looked_up(x, *table, slope)
        if x.shape[2:] != semantics_size(semantics):
            x = F.interpolate(x, semantics_size(semantics), mode="nearest")
        mean, scale = self.moments(x, x.shape[2] * x.shape[3])
        hidden = F.relu(self.shared(semantics))
        # Two convolutions, as published: this is the reference that the other road is measured against.
        gamma, beta = (self.gamma_beta._conv_forward(hidden, *half) for half in self._halves())
        out = normalised(x, mean, scale) * (1 + gamma) + beta
        return out if slope == 1 else F.leaky_relu(out, slope)

    def table(self, semantics: CodedMap) -> tuple[Tensor, Neighbourhoods] | None:
        """(gamma, beta) for each distinct double window, U 2C, and where it stands; None if the map is too busy."""
        kernel = self.gamma_beta.kernel_size[0]
        if not pays(semantics, kernel):
            return None
        hidden, windows = self.shared.rows(semantics)
        double = windows.again(kernel)
        assert self.gamma_beta.bias is not None
        return window_products(F.relu(hidden), by_tap(self.gamma_beta.weight), double, self.gamma_beta.bias), double

    def _halves(self) -> tuple[tuple[Tensor, Tensor], ...]:
        """(weight, bias) of the gamma convolution, and of the beta convolution."""
        assert self.gamma_beta.bias is not None
        return tuple(zip(self.gamma_beta.weight.chunk(2), self.gamma_beta.bias.chunk(2), strict=True))

    def _looked_up(self, x: Tensor, rows: Tensor, windows: Neighbourhoods, slope: float) -> Tensor:
        mean, scale = self.moments(x, windows.index.shape[1] * windows.index.shape[2])
        gamma, beta = rows.chunk(2, 1)
        if self.moments.kind == "instance":  # each image has its own moments, while the batch shares its tables
            x, mean, scale = normalised(x, mean, scale), torch.zeros_like(mean[:1]), torch.ones_like(scale[:1])
        factor = (1 + gamma) * scale
        return lookup_affine(x, windows.index, torch.cat([factor, beta - mean * factor], 1), slope)


def instance_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """(mean, 1/std) of each channel of each image, B C both."""
    variance, mean = torch.var_mean(x, (2, 3), correction=0)
    return mean, (variance + EPS).rsqrt()


def instance_normalised(x: Tensor) -> Tensor:
    """`torch.nn.functional.instance_norm`, B C h w.

    Torch's own (2.13) has a wrong gradient for a batch of one where the gradient that comes is in channels-last order.
    """
    wide = x if x.dtype == torch.float64 else x.float()
    return normalised(wide, *instance_moments(wide)).to(x.dtype)


def normalised(x: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """(x - mean) * scale for moments by channel, 1 C or B C."""
    return (x - mean[..., None, None]) * scale[..., None, None]
