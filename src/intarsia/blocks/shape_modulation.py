"""Semantic-shape adaptive modulation (SAFM, Lv et al. 2022, section 3.2): SPADE that also sees shape descriptors.

The labels predict, for each pixel, a 3x3 kernel for each channel of the embedded descriptors (conditional convolution,
twice); the result stands beside labels and descriptors where SPADE has the labels alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.convolution import CodedConv2d, JointConv2d
from intarsia.blocks.modulation import Moments, Normalisation, normalised
from intarsia.coded import Semantics, semantics_size
from intarsia.records import Condition

KERNEL = 3  # of all convolutions, and of the kernels that the labels predict
CONVOLUTIONS = 2  # conditional ones, in a row


@dataclass(frozen=True)
class Shaped:
    """Labels, and other maps beside them, at one resolution."""

    semantics: Semantics  # labels (and edges), B L H W or their coded map
    beside: Tensor  # B S H W float32

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return semantics_size(self.semantics)


@dataclass(frozen=True)
class ShapedLevels:
    """The labels of a condition and other maps beside them, at any resolution."""

    condition: Condition
    beside: Tensor  # B S H W float32, of any size

    def at(self, height: int, width: int) -> Shaped:
        """Nearest, as `Condition.at`."""
        beside = self.beside
        if beside.shape[2:] != (height, width):
            beside = F.interpolate(beside, (height, width), mode="nearest")
        return Shaped(self.condition.at(height, width), beside)


class ShapeBranch(nn.Module):
    """Labels and descriptors -> descriptors as the labels have adapted them.

    Args:
        labels: planes of the semantics.
        shapes: channels of the descriptors.
        channels: of the result; published: 36.
    """

    def __init__(self, labels: int, shapes: int, channels: int) -> None:
        super().__init__()
        self.labels = CodedConv2d(labels, channels, KERNEL, padding=1)
        self.shapes = nn.Conv2d(shapes, channels, KERNEL, padding=1)
        self.kernels = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, channels, KERNEL, padding=1),
                nn.ReLU(),
                nn.Conv2d(channels, channels * KERNEL**2, KERNEL, padding=1),
            )
            for _ in range(CONVOLUTIONS)
        )

    def forward(self, semantics: Semantics, shapes: Tensor) -> Tensor:
        """Labels and B shapes H W -> B channels H W."""
        labels = F.relu(self.labels(semantics))
        x = F.relu(self.shapes(shapes))
        for predict in self.kernels:
            x = convolved_by_pixel(x, predict(labels))
        return x


def convolved_by_pixel(x: Tensor, kernels: Tensor) -> Tensor:
    """A depthwise 3x3 convolution, zeros at the border, whose kernel each pixel has of its own.

    Args:
        x: B C H W.
        kernels: B C*9 H W; of each channel the nine taps in reading order.

    Returns:
        B C H W.
    """
    batch, channels, height, width = x.shape
    taps = kernels.view(batch, channels, KERNEL**2, height, width)
    padded = F.pad(x, (1, 1, 1, 1))
    out = torch.zeros_like(x)
    for tap in range(KERNEL**2):
        top, left = divmod(tap, KERNEL)
        out = out + taps[:, :, tap] * padded[:, :, top : top + height, left : left + width]
    return out


class ShapedSpade(nn.Module):
    """`Spade` with maps beside the labels, and with a branch of its own for the descriptors where they are such.

    Args:
        channels: to normalise.
        labels: planes of the semantics.
        beside: channels of the maps beside them.
        hidden: channels of the hidden layer.
        kind: of normalisation.
        branch: channels of the branch's result; 0 for none.
    """

    def __init__(
        self, channels: int, labels: int, beside: int, *, hidden: int, kind: Normalisation, branch: int
    ) -> None:
        super().__init__()
        self.moments = Moments(channels, kind)
        self.branch = ShapeBranch(labels, beside, branch) if branch else None
        self.shared = JointConv2d(labels, beside + branch, hidden, KERNEL, padding=1)
        self.gamma_beta = nn.Conv2d(hidden, 2 * channels, KERNEL, padding=1)

    def forward(self, x: Tensor, seen: Shaped, slope: float) -> Tensor:
        """leaky_relu(modulated x, slope), as `Spade.forward`."""
        if x.shape[2:] != seen.size:
            x = F.interpolate(x, seen.size, mode="nearest")
        beside = seen.beside
        if self.branch is not None:
            beside = torch.cat([beside, self.branch(seen.semantics, beside)], 1)
        gamma, beta = self.gamma_beta(F.relu(self.shared(seen.semantics, beside))).chunk(2, 1)
        mean, scale = self.moments(x, x.shape[2] * x.shape[3])
        out = (normalised(x, mean, scale) * (1 + gamma) + beta).to(x.dtype)
        return out if slope == 1 else F.leaky_relu(out, slope)
