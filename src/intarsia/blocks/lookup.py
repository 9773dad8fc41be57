"""Sums and affine maps read from small tables by index: the arithmetic of coded maps, differentiable.

On the CPU affine maps run in the Numba loops of `kernels.py`; elsewhere the same formula in plain torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from intarsia import kernels
from intarsia.coded import Neighbourhoods

SCALARS = {torch.float32: np.float32, torch.float64: np.float64}

# Output channels computed at a time: what each tap adds stays in the processor's cache, and out of peak memory.
CHUNK = 256


def window_products(values: Tensor, taps: Tensor, windows: Neighbourhoods, bias: Tensor) -> Tensor:
    """A convolution, once per distinct window: bias + sum over taps t of values[code at t] @ taps[t].

    Args:
        values: N K float, one row for each code of the map that the windows are of.
        taps: T K C float, the convolution's weight by tap.
        windows: U distinct windows of T codes; a tap outside the image adds nothing.
        bias: C float.

    Returns:
        U C, in the precision of `taps` also under autocast: tables are small, and many pixels hang on each row.
    """
    with torch.autocast("cuda" if values.is_cuda else "cpu", enabled=False):
        sums: Tensor = _WindowProducts.apply(values.to(taps.dtype), taps, bias, windows)  # type: ignore[no-untyped-call]
        return sums


class _WindowProducts(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, taps: Tensor, bias: Tensor, windows: Neighbourhoods) -> Tensor:
        ctx.save_for_backward(values, taps)
        ctx.windows = windows
        chunks = []
        for some in _chunks(taps.shape[2]):
            parts = _parts(values, taps[..., some])
            for tap, part in zip(taps, parts[:-1].view(len(taps), len(values), -1), strict=True):
                torch.mm(values, tap[:, some], out=part)
            chunks.append(F.embedding_bag(windows.bags, parts, mode="sum").add_(bias[some]))
        return torch.cat(chunks, 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        values, taps = ctx.saved_tensors
        start, window = ctx.windows.containing
        of_values = torch.zeros_like(values) if ctx.needs_input_grad[0] else None  # a codebook needs none
        # As channels-last weights lie in memory, so that the parameter's gradient needs no copy.
        of_taps = gradient.new_empty(taps.shape[2], *taps.shape[:2]).permute(1, 2, 0)
        for some in _chunks(taps.shape[2]):
            parts = F.embedding_bag(window, gradient[:, some].contiguous(), start, mode="sum", include_last_offset=True)
            for tap, of_tap, part in zip(taps, of_taps, parts.view(len(taps), len(values), -1), strict=True):
                torch.mm(part.T, values, out=of_tap[:, some].T)
                if of_values is not None:
                    of_values.addmm_(part, tap[:, some].T)
        return of_values, of_taps, gradient.sum(0), None


def _chunks(channels: int) -> list[slice]:
    return [slice(first, first + CHUNK) for first in range(0, channels, CHUNK)]


def _parts(values: Tensor, taps: Tensor) -> Tensor:
    """Room for what each code adds at each tap, T*N C, and a last row of zeros for taps outside the image."""
    parts = values.new_empty(len(taps) * len(values) + 1, taps.shape[2])
    parts[-1] = 0
    return parts


def lookup_affine(x: Tensor, index: Tensor, rows: Tensor, slope: float) -> Tensor:
    """leaky_relu(x * scale[index] + shift[index]), with x upsampled (nearest) to the size of `index` on the way.

    Args:
        x: B C h w float.
        index: B H W int32, rows of the table; H and W are multiples of h and w.
        rows: U 2C float, scale and then shift.
        slope: of the activation below zero; 1 for none.

    Returns:
        B C H W float, channels-last in memory.
    """
    if x.device.type == "cpu" and x.dtype == rows.dtype and x.dtype in SCALARS:
        out: Tensor = _LookupAffine.apply(x, index, rows, slope)  # type: ignore[no-untyped-call]
        return out
    return plain_lookup_affine(x, index, rows, slope)


def plain_lookup_affine(x: Tensor, index: Tensor, rows: Tensor, slope: float) -> Tensor:
    """`lookup_affine` in plain torch: other devices, and half precision."""
    if x.shape[2:] != index.shape[1:]:
        x = F.interpolate(x, tuple(index.shape[1:]), mode="nearest")
    scale, shift = F.embedding(index.long(), rows).permute(0, 3, 1, 2).chunk(2, 1)
    out = (x * scale + shift).to(x.dtype)  # tables are float32 also where activations are not
    return out if slope == 1 else F.leaky_relu(out, slope)


class _LookupAffine(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor, rows: Tensor, slope: float) -> Tensor:
        pixels, rows = x.detach().permute(0, 2, 3, 1).contiguous(), rows.contiguous()
        ctx.save_for_backward(pixels, index, rows)
        ctx.slope = SCALARS[x.dtype](slope)
        out = pixels.new_empty(*index.shape, x.shape[1])
        kernels.use_threads(torch.get_num_threads())
        kernels.affine(pixels.numpy(), index.numpy(), rows.detach().numpy(), ctx.slope, out.numpy())
        return out.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, Tensor, None]:
        pixels, index, rows = ctx.saved_tensors
        of_pixels = torch.zeros_like(pixels)
        sums = pixels.new_zeros(kernels.PARTS, *rows.shape)
        kernels.use_threads(torch.get_num_threads())
        kernels.affine_gradients(
            gradient.permute(0, 2, 3, 1).contiguous().numpy(),
            pixels.numpy(),
            index.numpy(),
            rows.detach().numpy(),
            ctx.slope,
            of_pixels.numpy(),
            sums.numpy(),
        )
        return of_pixels.permute(0, 3, 1, 2), None, sums.sum(0), None
