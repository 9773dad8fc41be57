"""The feature pyramid over a label map (CC-FPSE, Liu et al. 2019, section 3.2): what is near each pixel, and far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.conditional import Featured
from intarsia.blocks.convolution import JointConv2d, SpectralConv2d
from intarsia.blocks.normalisation import Norm
from intarsia.blocks.residual import SLOPE
from intarsia.coded import Semantics
from intarsia.records import Condition


class LabelPyramid(nn.Module):
    """Labels -> features at every resolution, from `halvings` halvings up to the map's own.

    Going down, each level looks farther; coming up, what was seen there is added to what each resolution keeps.

    Args:
        planes: channels of the labels.
        width: channels of all features.
        halvings: of the map's size, a multiple of 2 ** halvings.
    """

    def __init__(self, planes: int, width: int, halvings: int) -> None:
        super().__init__()
        self.first = Unit(JointConv2d(planes, 0, width, 3, padding=1, spectral=True), width)
        self.down = nn.ModuleList(_unit(width, 3, stride=2) for _ in range(halvings))
        self.beside = nn.ModuleList(_unit(width, 1) for _ in range(halvings))
        self.up = nn.ModuleList(_unit(width, 3) for _ in range(halvings))

    def forward(self, semantics: Semantics) -> tuple[Tensor, ...]:
        """B planes H W or their coded map -> features B width h w, the smallest first and H W last."""
        return tuple(self._rising([self.first(semantics)]))

    def _rising(self, seen: list[Tensor]) -> Iterator[Tensor]:
        for unit in self.down:
            seen.append(unit(seen[-1]))
        x = seen.pop()
        yield x
        for beside, up in zip(self.beside, self.up, strict=True):
            x = up(F.interpolate(x, scale_factor=2, mode="nearest") + beside(seen.pop()))
            yield x


class Unit(nn.Module):
    """A convolution without bias, normalised over the batch and activated."""

    def __init__(self, conv: nn.Module, channels: int) -> None:
        super().__init__()
        self.conv, self.norm = conv, Norm(channels, "batch")

    def forward(self, x: Semantics) -> Tensor:
        """What the convolution takes -> B channels h w."""
        return F.leaky_relu(self.norm(self.conv(x)), SLOPE)


def _unit(width: int, kernel: int, stride: int = 1) -> Unit:
    layer = SpectralConv2d(width, width, kernel, stride=stride, padding=kernel // 2, bias=False)
    return Unit(layer, width)


@dataclass(frozen=True)
class PyramidLevels:
    """Labels and pyramid by resolution: what a decoder of conditional blocks looks at."""

    condition: Condition
    features: tuple[Tensor, ...]  # B width h w each, of different sizes

    def at(self, height: int, width: int) -> Featured:
        """Labels and features at one of the pyramid's resolutions."""
        features = next(level for level in self.features if level.shape[2:] == (height, width))
        return Featured(self.condition.at(height, width), features)
