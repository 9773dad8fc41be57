"""Sums and affine maps read from small tables by index: the arithmetic of coded maps, differentiable.

On the CPU in float32 the Numba loops of `kernels.py` run; elsewhere the same formulas in plain torch.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from intarsia import kernels
from intarsia.coded import Neighbourhoods


def window_sums(table: Tensor, windows: Neighbourhoods, bias: Tensor) -> Tensor:
    """For each distinct window, bias + the sum of its taps' table rows.

    Args:
        table: T codes C float, the part that each code adds at each tap; a tap outside the image adds nothing.
        windows: U distinct windows of T taps.
        bias: C float.

    Returns:
        U C float.
    """
    flat = table.reshape(-1, table.shape[-1])
    if flat.device.type == "cpu" and flat.dtype == torch.float32:
        sums: Tensor = _WindowSums.apply(flat, windows)  # type: ignore[no-untyped-call]
        return sums + bias
    padded = F.pad(flat, (0, 0, 0, 1))
    bags = torch.where(windows.bags >= 0, windows.bags, len(flat))
    return F.embedding_bag(bags, padded, mode="sum", padding_idx=len(flat)) + bias


class _WindowSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, windows: Neighbourhoods) -> Tensor:
        ctx.windows, ctx.rows = windows, len(table)
        out = torch.zeros(len(windows.members), table.shape[1])
        kernels.use_threads(torch.get_num_threads())
        kernels.sum_bags(table.detach().contiguous().numpy(), windows.bags.numpy(), out.numpy())
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        start, window = ctx.windows.containing
        out = torch.empty(ctx.rows, gradient.shape[1])
        kernels.use_threads(torch.get_num_threads())
        kernels.sum_ranges(gradient.contiguous().numpy(), start.numpy(), window.numpy(), out.numpy())
        return out, None


def lookup_affine(x: Tensor, index: Tensor, scale: Tensor, shift: Tensor, slope: float) -> Tensor:
    """leaky_relu(x * scale[index] + shift[index]), with x upsampled (nearest) to the size of `index` on the way.

    Args:
        x: B C h w float.
        index: B H W int32, rows of the tables; H and W are multiples of h and w.
        scale: U C float.
        shift: U C float.
        slope: of the activation below zero; 1 for none.

    Returns:
        B C H W float, channels-last in memory.
    """
    if x.device.type == "cpu" and x.dtype == scale.dtype == torch.float32:
        out: Tensor = _LookupAffine.apply(x, index, scale, shift, slope)  # type: ignore[no-untyped-call]
        return out
    if x.shape[2:] != index.shape[1:]:
        x = F.interpolate(x, tuple(index.shape[1:]), mode="nearest")
    rows = index.long()
    out = x * scale[rows].permute(0, 3, 1, 2) + shift[rows].permute(0, 3, 1, 2)
    return out if slope == 1 else F.leaky_relu(out, slope)


class _LookupAffine(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor, scale: Tensor, shift: Tensor, slope: float) -> Tensor:
        pixels = x.detach().permute(0, 2, 3, 1).contiguous()
        scale, shift = scale.contiguous(), shift.contiguous()
        ctx.save_for_backward(pixels, index, scale, shift)
        ctx.slope = slope
        out = torch.empty(*index.shape, x.shape[1])
        kernels.use_threads(torch.get_num_threads())
        kernels.affine(
            pixels.numpy(), index.numpy(), scale.detach().numpy(), shift.detach().numpy(), slope, out.numpy()
        )
        return out.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, Tensor, Tensor, None]:  # type: ignore[override]
        pixels, index, scale, shift = ctx.saved_tensors
        channels = pixels.shape[3]
        x_gradient = torch.zeros_like(pixels)
        sums = torch.zeros(kernels.PARTS, len(scale), 2 * channels)
        kernels.use_threads(torch.get_num_threads())
        kernels.affine_gradients(
            gradient.permute(0, 2, 3, 1).contiguous().numpy(),
            pixels.numpy(),
            index.numpy(),
            scale.detach().numpy(),
            shift.detach().numpy(),
            ctx.slope,
            x_gradient.numpy(),
            sums.numpy(),
        )
        rows = sums.sum(0)
        return x_gradient.permute(0, 3, 1, 2), None, rows[:, :channels], rows[:, channels:], None
