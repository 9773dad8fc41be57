"""The encoder of SESAME (Ntavelis et al. 2020, section 3.1): a photo with a hole, and what should fill it.

It shrinks like pix2pixHD's trunk; then residual blocks with dilated convolutions carry the surroundings into the hole.
Convolutions have no bias and no spectral normalisation; each image is normalised by itself.
"""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.coarse_to_fine import EntryConv2d
from intarsia.blocks.modulation import instance_normalised
from intarsia.coded import Semantics

DILATION = 2


class ContextEncoder(nn.Module):
    """Semantics and a photo -> features at 1 / 2 ** halvings of their resolution.

    Args:
        planes: channels of the semantics.
        width: channels at full resolution; doubles with each halving.
        halvings: how often the map shrinks.
        blocks: residual blocks at the bottom; all but the first are dilated.
        wide: whether the first of them doubles the channels once more.
    """

    def __init__(self, planes: int, *, width: int, halvings: int, blocks: int, wide: bool) -> None:
        super().__init__()
        widths = [width << level for level in range(halvings + 1)]
        core = 2 * widths[-1] if wide else widths[-1]
        self.first = EntryConv2d(planes, 3, width, spectral=False, bias=False)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False) for a, b in pairwise(widths))
        self.blocks = nn.ModuleList(
            MirroredBlock(core if place else widths[-1], core, DILATION if place else 1) for place in range(blocks)
        )

    def forward(self, semantics: Semantics, photo: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Encode.

        Args:
            semantics: B planes H W or their coded map.
            photo: B 3 H W, grey in the hole.

        Returns:
            Features B C h w; and those at each resolution on the way down, the full one first.
        """
        seen = [F.relu(instance_normalised(self.first(semantics, photo)))]
        for convolution in self.down:
            seen.append(F.relu(instance_normalised(convolution(seen[-1]))))
        x = seen[-1]
        for block in self.blocks:
            x = block(x)
        return x, seen


class MirroredBlock(nn.Module):
    """x + two normalised 3x3 convolutions, mirrored at the border; where it widens, x through a 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.conv_0 = nn.Conv2d(inputs, inputs, 3, dilation=dilation, bias=False)
        self.conv_1 = nn.Conv2d(inputs, outputs, 3, dilation=dilation, bias=False)
        self.conv_s = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        """B inputs h w -> B outputs h w, h and w above the dilation."""
        y = F.relu(instance_normalised(self.conv_0(self._mirrored(x))))
        y = instance_normalised(self.conv_1(self._mirrored(y)))
        return y + (x if self.conv_s is None else self.conv_s(x))

    def _mirrored(self, x: Tensor) -> Tensor:
        return F.pad(x, (self.dilation,) * 4, "reflect")
