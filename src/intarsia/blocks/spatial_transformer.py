"""The sampler of SIMS (Qi et al., CVPR 2018): a picture moved, turned and scaled by six numbers in pixels."""

from __future__ import annotations

import torch
from torch import Tensor


def transformed(x: Tensor, theta: Tensor) -> Tensor:
    """Each place of the result looks into `x` where its affine map says, bilinear; differentiable in both.

    Coordinates are pixels from the centre, floor(size / 2). As published, corners beyond the border are drawn to it
    before the weights are computed, so that these cancel there: outside is 0, and so, for even sizes, are the last row
    and column even where nothing moves.

    Args:
        x: B C H W.
        theta: B 6: (a, b, right) and (c, d, down); the place (u, v) looks at (a u + b v + right, c u + d v + down).

    Returns:
        B C H W.
    """
    with torch.autocast(x.device.type, enabled=False):  # places want all their digits
        return _sampled(x.float(), theta.float())


def _sampled(x: Tensor, theta: Tensor) -> Tensor:
    _, channels, height, width = x.shape
    # As published, also where a size is odd and the places are then less than a pixel apart.
    rows, columns = (torch.linspace(-(size // 2), size // 2 - 1, size, device=x.device) for size in (height, width))
    v, u = torch.meshgrid(rows, columns, indexing="ij")
    grid = torch.stack([u, v, torch.ones_like(u)]).flatten(1)
    right, down = (theta.view(-1, 2, 3) @ grid).unbind(1)  # B H*W each
    right, down = right + width // 2, down + height // 2
    left, top = right.detach().floor(), down.detach().floor()
    sides = [(left + step).clamp(0, width - 1) for step in (0, 1)]
    levels = [(top + step).clamp(0, height - 1) for step in (0, 1)]
    pixels = x.flatten(2)

    def corner(level: Tensor, side: Tensor, weight: Tensor) -> Tensor:
        place = (level * width + side).long()[:, None].expand(-1, channels, -1)
        return pixels.gather(2, place) * weight[:, None]

    out = (
        corner(levels[0], sides[0], (sides[1] - right) * (levels[1] - down))
        + corner(levels[1], sides[0], (sides[1] - right) * (down - levels[0]))
        + corner(levels[0], sides[1], (right - sides[0]) * (levels[1] - down))
        + corner(levels[1], sides[1], (right - sides[0]) * (down - levels[0]))
    )
    return out.view_as(x)
