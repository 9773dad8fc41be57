"""Residual blocks around a modulated normalisation."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.convolution import SpectralConv2d
from intarsia.blocks.modulation import Normalisation, Spade
from intarsia.coded import Sized, semantics_size

SLOPE = 0.2


class SpadeBlock(nn.Module):
    """SPADE residual block (Park et al. 2019, figure 4), upsampling its input to the semantics' size.

    out = shortcut + conv_1(leaky(norm_1(conv_0(leaky(norm_0(x)))))); the shortcut is x, or conv_s(norm_s(x)) without an
    activation where the number of channels changes.

    Args:
        inputs, outputs: channels.
        labels: planes of the semantics.
        hidden, kernel, kind: of `Spade`.
        dilation: of the two 3x3 convolutions.
        norm: makes the normalisation of so many channels, in place of `Spade`; it then looks at what it knows of.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        labels: int,
        *,
        hidden: int = 128,
        kernel: int = 3,
        kind: Normalisation = "batch",
        dilation: int = 1,
        norm: Callable[[int], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        middle = min(inputs, outputs)

        def spade(channels: int) -> nn.Module:
            return Spade(channels, labels, hidden=hidden, kernel=kernel, kind=kind)

        norm = norm or spade
        self.norm_0 = norm(inputs)
        self.conv_0 = SpectralConv2d(inputs, middle, 3, padding=dilation, dilation=dilation)
        self.norm_1 = norm(middle)
        self.conv_1 = SpectralConv2d(middle, outputs, 3, padding=dilation, dilation=dilation)
        self.norm_s = norm(inputs) if inputs != outputs else None
        self.conv_s = SpectralConv2d(inputs, outputs, 1, bias=False) if inputs != outputs else None

    def forward(self, x: Tensor, semantics: Tensor | Sized) -> Tensor:
        """B inputs h w -> B outputs H W, where H W is the semantics' size."""
        if self.norm_s is not None and self.conv_s is not None:
            shortcut = self.conv_s(self.norm_s(x, semantics, slope=1))
        else:
            shortcut = F.interpolate(x, semantics_size(semantics), mode="nearest")
        y = self.conv_0(self.norm_0(x, semantics, slope=SLOPE))
        y = self.conv_1(self.norm_1(y, semantics, slope=SLOPE))
        out: Tensor = shortcut + y
        return out
