"""3x3 convolutions by minimal filtering (Winograd; Lavin and Gray 2016, section 4).

A tile of m x m output pixels takes (m + 2)^2 products for each pair of channels instead of 9 m^2: matrix products
between two cheap transforms. m = 2 saves 2.25-fold and m = 4 fourfold; what the transforms and the larger weight cost
decides which pays. Sums are shorter than in the direct form, so rounding is of the same size.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from intarsia import kernels

# By m: the transforms of the input (B'), of the weight (G) and of the products (A').
TRANSFORMS: dict[int, tuple[list[list[float]], list[list[float]], list[list[float]]]] = {
    2: (
        [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
        [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]],
        [[1, 1, 1, 0], [0, 1, -1, -1]],
    ),
    4: (
        [
            [4, 0, -5, 0, 1, 0],
            [0, -4, -4, 1, 1, 0],
            [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0],
            [0, 2, -1, -2, 1, 0],
            [0, 4, 0, -5, 0, 1],
        ],
        [
            [1 / 4, 0, 0],
            [-1 / 6, -1 / 6, -1 / 6],
            [-1 / 6, 1 / 6, -1 / 6],
            [1 / 24, 1 / 12, 1 / 6],
            [1 / 24, -1 / 12, 1 / 6],
            [0, 0, 1],
        ],
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    ),
}


# Numbers that the transformed tiles may fill at a time: rows of tiles are taken in bands that stay in the cache.
BAND = 2_500_000


def best_tile(x: Tensor, weight: Tensor) -> int:
    """m for a convolution of x (B in H W) by weight (out in 3 3), or 0 where the direct form is quicker.

    Measured on two AVX-512 cores: with few pixels the larger weight costs too much, with few channels the transforms,
    and beyond some size memory is slower than the products that it saves.
    """
    pixels, pairs = x.shape[0] * x.shape[2] * x.shape[3], weight.shape[0] * weight.shape[1]
    if pixels >= 1024 and pairs >= 128 * 128 and pixels * x.shape[1] <= 5_000_000:
        return 4
    if pixels >= 1024:
        return 0
    return 2 if pixels >= 128 and pairs >= 512 * 512 else 0


def transformed_weight(weight: Tensor, tile: int) -> Tensor:
    """G g G' for each pair of channels: out in 3 3 -> (tile + 2)^2 in out."""
    g = torch.tensor(TRANSFORMS[tile][1], dtype=torch.float64)
    return torch.einsum("ia,jb,ocab->ijco", g, g, weight.double()).flatten(0, 1).to(weight.dtype).contiguous()


def winograd_convolution(weight: Tensor, bias: Tensor, tile: int, x: Tensor, *, margin: int = 1) -> Tensor:
    """Stride 1; on the CPU.

    Args:
        weight: (tile + 2)^2 in out, from `transformed_weight`.
        bias: out.
        tile: m, a key of `TRANSFORMS`.
        x: B in H W float32.
        margin: zeros at each side of x; 1, or 0 for an x that has its border.

    Returns:
        B out H W, channels-last in memory; for margin 0 without the border.
    """
    batch, inputs = x.shape[:2]
    height, width = (side + 2 * margin - 2 for side in x.shape[2:])
    # Zeros beyond the border complete the last tiles; what they yield is cut off.
    down, across = -(-height // tile), -(-width // tile)
    right, bottom = across * tile - width, down * tile - height
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, margin, margin + right, margin, margin + bottom)).contiguous()
    before, _, after = (torch.tensor(matrix, dtype=x.dtype).numpy() for matrix in TRANSFORMS[tile])
    out = x.new_empty(batch, down * tile, across * tile, weight.shape[2])
    kernels.use_threads(torch.get_num_threads())
    band = max(1, BAND // (len(weight) * across * inputs))
    for start in range(0, batch * down, band):
        count = min(band, batch * down - start)
        tiles = x.new_empty(len(weight), count * across, inputs)
        kernels.tiles_in(padded.numpy(), before, tile, start, tiles.numpy())
        kernels.tiles_out(torch.bmm(tiles, weight).numpy(), after, bias.numpy(), start, out.numpy())
    return out[:, :height, :width].permute(0, 3, 1, 2)
