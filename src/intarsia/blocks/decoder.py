"""The skeleton that SPADE and its successors share: a start grid, then blocks and doublings, then an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.residual import SLOPE


class Levels(Protocol):
    """What blocks look at, by resolution: a `Condition`, or what was made of one."""

    def at(self, height: int, width: int) -> Any:
        """What a block of that resolution looks at."""


class Decoder(nn.Module):
    """Blocks over a growing grid; each block looks at the condition at its own resolution.

    Args:
        blocks: each called as block(x, seen) with what it looks at; it upsamples x to the size of that itself.
        doublings: for each block, whether the grid doubles before it.
        channels: of the last block's output.
        colours: channels of the image.
    """

    def __init__(self, blocks: Sequence[nn.Module], doublings: Sequence[bool], channels: int, colours: int = 3) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.doublings = tuple(doublings)
        self.to_image = nn.Conv2d(channels, colours, 3, padding=1)

    def forward(self, x: Tensor, condition: Levels) -> Tensor:
        """The start grid B C h w -> an image B colours H W in [-1, 1], H = h * 2 ** number of doublings."""
        height, width = x.shape[2:]
        for block, double in zip(self.blocks, self.doublings, strict=True):
            if double:
                height, width = 2 * height, 2 * width
            x = block(x, condition.at(height, width))
        return torch.tanh(self.to_image(F.leaky_relu(x, SLOPE)))
