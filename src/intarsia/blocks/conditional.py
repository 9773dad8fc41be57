"""Conditional convolutions (CC-FPSE, Liu et al. 2019, section 3.1): the labels say what the kernels are.

Each pixel of each channel is convolved with a 3x3 kernel of its own, which a small net predicts from the label map and
from features of a pyramid over it; an ordinary 1x1 convolution then mixes the channels, and a predicted gate in (0, 1)
says how much of each passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia import kernels
from intarsia.blocks.convolution import JointConv2d, SpectralConv2d
from intarsia.blocks.lookup import SCALARS
from intarsia.blocks.modulation import Moments, normalised
from intarsia.blocks.normalisation import Norm
from intarsia.blocks.residual import SLOPE
from intarsia.coded import Semantics, semantics_size

TAPS = 9


@dataclass(frozen=True)
class Featured:
    """What a conditional block looks at: labels, and features of the same size beside them."""

    semantics: Semantics  # B planes H W
    features: Tensor | None = None  # B features H W


@dataclass(frozen=True)
class Predicted:
    """What the labels say a block should do, pixel by pixel."""

    kernels: tuple[Tensor, Tensor]  # of both conditional convolutions, B 9*C H W: all channels of a tap side by side
    gates: tuple[Tensor, Tensor]  # after the 1x1 convolutions, B C H W in (0, 1)
    gamma_beta: Tensor | None  # of the shortcut's modulation, B 2*C H W, where it has one

    @property
    def numbers(self) -> int:
        """How many there are."""
        parts = (*self.kernels, *self.gates, *([] if self.gamma_beta is None else [self.gamma_beta]))
        return sum(part.numel() for part in parts)


class Predictor(nn.Module):
    """Labels and features -> `Predicted`, each part by a net of two 3x3 convolutions with a ReLU between.

    The first convolutions of all nets look at the same maps, so they are one; the labels' part is a look-up.

    Args:
        inputs, outputs: channels of the block.
        planes, features: channels of what it looks at.
        hidden: channels between each net's two convolutions.
    """

    def __init__(self, inputs: int, outputs: int, planes: int, features: int, hidden: int) -> None:
        super().__init__()
        middle = min(inputs, outputs)
        widths = [TAPS * inputs, TAPS * middle, middle, outputs] + [2 * inputs] * (inputs != outputs)
        self.shared = JointConv2d(planes, features, len(widths) * hidden, 3, padding=1)
        self.nets = nn.ModuleList(nn.Conv2d(hidden, width, 3, padding=1) for width in widths)

    def forward(self, semantics: Semantics, features: Tensor | None) -> Predicted:
        """B planes H W (or their coded map) and B features H W -> what they say."""
        hidden = F.relu(self.shared(semantics, features)).chunk(len(self.nets), 1)
        first, second, gate, last_gate, *rest = (net(part) for net, part in zip(self.nets, hidden, strict=True))
        return Predicted((first, second), (gate.sigmoid(), last_gate.sigmoid()), rest[0] if rest else None)


class ConditionalBlock(nn.Module):
    """Residual block of two conditional convolutions, upsampling its input to the size of what it looks at.

    out = shortcut + part_2(part_1(x)), each part being: normalise over the batch, convolve each pixel with its own
    kernel, mix channels (1x1), gate, leaky. The shortcut is x, or where the number of channels changes a 1x1
    convolution of x under a SPADE layer that looks at the same maps.
    """

    def __init__(self, inputs: int, outputs: int, planes: int, features: int = 0, *, hidden: int = 128) -> None:
        super().__init__()
        middle = min(inputs, outputs)
        self.predictor = Predictor(inputs, outputs, planes, features, hidden)
        self.norm_1, self.norm_2 = Norm(inputs, "batch"), Norm(middle, "batch")
        self.mix_1, self.mix_2 = nn.Conv2d(inputs, middle, 1), nn.Conv2d(middle, outputs, 1)
        self.moments_s = Moments(inputs, "batch") if inputs != outputs else None
        self.conv_s = SpectralConv2d(inputs, outputs, 1, bias=False) if inputs != outputs else None

    def forward(self, x: Tensor, seen: Featured) -> Tensor:
        """B inputs h w -> B outputs H W, where H W is the size of what is seen."""
        size = semantics_size(seen.semantics)
        if x.shape[2:] != size:
            x = F.interpolate(x, size, mode="nearest")
        predicted: Predicted = self.predictor(seen.semantics, seen.features)
        y, layers = x, ((self.norm_1, self.mix_1), (self.norm_2, self.mix_2))
        for (norm, mix), kernel, gate in zip(layers, predicted.kernels, predicted.gates, strict=True):
            y = F.leaky_relu(mix(conditional_convolution(norm(y), kernel)) * gate, SLOPE)
        return self._shortcut(x, predicted.gamma_beta) + y

    def _shortcut(self, x: Tensor, gamma_beta: Tensor | None) -> Tensor:
        if self.moments_s is None or self.conv_s is None or gamma_beta is None:
            return x
        gamma, beta = gamma_beta.chunk(2, 1)
        moments = self.moments_s(x, x.shape[2] * x.shape[3])
        modulated = normalised(x, *moments) * (1 + gamma) + beta
        out: Tensor = self.conv_s(modulated.to(x.dtype))  # moments are float32 also where activations are not
        return out


def conditional_convolution(x: Tensor, kernel: Tensor) -> Tensor:
    """Convolve each pixel of each channel with a 3x3 kernel of its own, zeros beyond the border.

    y[b, c, p] = sum over taps t of kernel[b, t * C + c, p] * x[b, c, p + t], taps row by row.

    Args:
        x: B C H W float.
        kernel: B 9*C H W.

    Returns:
        B C H W; where both are float32 or float64 on the CPU, channels-last in memory.
    """
    if x.device.type == "cpu" and x.dtype == kernel.dtype and x.dtype in SCALARS:
        out: Tensor = _ConditionalConvolution.apply(x, kernel)  # type: ignore[no-untyped-call]
        return out
    return plain_conditional_convolution(x, kernel)


def plain_conditional_convolution(x: Tensor, kernel: Tensor) -> Tensor:
    """`conditional_convolution` in plain torch, tap by tap: other devices, and mixed precision."""
    height, width = x.shape[2:]
    padded = F.pad(x, (1, 1, 1, 1))
    taps = kernel.reshape(len(x), TAPS, -1, height, width)
    out = torch.zeros_like(x)
    for t in range(TAPS):
        out = torch.addcmul(out, taps[:, t], padded[:, :, t // 3 : t // 3 + height, t % 3 : t % 3 + width])
    return out


class _ConditionalConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor) -> Tensor:
        pixels = _rows(x)
        taps = _rows(kernel).view(*pixels.shape[:3], TAPS, -1)
        ctx.save_for_backward(pixels, taps)
        out = torch.empty_like(pixels)
        kernels.use_threads(torch.get_num_threads())
        kernels.depthwise(pixels.numpy(), taps.numpy(), out.numpy())
        return out.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        pixels, taps = ctx.saved_tensors
        of_pixels, of_taps = torch.empty_like(pixels), torch.empty_like(taps)
        kernels.use_threads(torch.get_num_threads())
        kernels.depthwise_gradients(
            _rows(gradient).numpy(), pixels.numpy(), taps.numpy(), of_pixels.numpy(), of_taps.numpy()
        )
        return of_pixels.permute(0, 3, 1, 2), of_taps.flatten(3).permute(0, 3, 1, 2)


def _rows(x: Tensor) -> Tensor:
    """B C H W -> B H W C, contiguous and without gradients."""
    return x.detach().permute(0, 2, 3, 1).contiguous()
