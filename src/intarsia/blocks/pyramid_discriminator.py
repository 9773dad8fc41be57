"""The feature pyramid discriminator (CC-FPSE, Liu et al. 2019, section 3.3) with its semantics-embedding scores."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.convolution import CodedConv2d, SpectralConv2d
from intarsia.blocks.modulation import instance_normalised
from intarsia.blocks.residual import SLOPE
from intarsia.coded import averaged
from intarsia.errors import ConfigError
from intarsia.records import Condition, Verdict

HALVINGS = 5


class PyramidDiscriminator(nn.Module):
    """(Condition, image) -> Verdict: scores of patches at a quarter, an eighth and a sixteenth of the image's size.

    It looks at the image alone. A patch's score has two parts: how real it looks, and how well its features fit an
    embedding of the labels there, as their inner product.

    Args:
        planes: channels of the labels.
        width: channels of the first layer; published as ndf.
    """

    def __init__(self, planes: int, *, width: int = 64) -> None:
        super().__init__()
        widths = [width << level for level in (0, 1, 2, 3, 3)]
        self.down = nn.ModuleList(Unit(a, b, 3, stride=2) for a, b in pairwise([3, *widths]))
        self.beside = nn.ModuleList(Unit(channels, 4 * width, 1) for channels in widths[1:])  # the finest first
        self.final = nn.ModuleList(Unit(4 * width, 2 * width, 3) for _ in range(3))  # likewise
        self.realness = nn.Conv2d(2 * width, 1, 1)
        self.semantics = nn.Conv2d(2 * width, 2 * width, 1)
        self.embedding = CodedConv2d(planes, 2 * width, 1)

    def forward(self, condition: Condition, image: Tensor) -> Verdict:
        """Judge images under the condition that they were made from.

        Args:
            condition: of B label maps.
            image: k*B 3 H W in [-1, 1], H and W multiples of 32: k sets of images of the same B label maps.

        Returns:
            Three scales, the finest first; it alone holds features, those of the encoder's last four layers.

        Raises:
            ConfigError: the size is no such multiple.
        """
        stride = 1 << HALVINGS
        height, width = image.shape[2:]
        if height % stride or width % stride:
            raise ConfigError(
                f"images of {height}x{width} cannot be judged: the pyramid discriminator halves them {HALVINGS} times. "
                f"Choose multiples of {stride}."
            )
        x, features = image, []
        for unit in self.down:
            x = unit(x)
            features.append(x)
        # A 1x1 convolution commutes with averaging: labels are averaged first, where they are few codes.
        embedded = self.embedding(averaged(condition.at(height, width), 4))
        scores = []
        for level, final in zip(self._merged(features[1:]), self.final, strict=True):
            scores.append(self._score(final(level), embedded))
            embedded = F.avg_pool2d(embedded, 2)
        first, *others = scores
        return Verdict(((*features[1:], first), *((score,) for score in others)))

    def _merged(self, features: list[Tensor]) -> tuple[Tensor, ...]:
        """Each level's features with what the coarser ones saw, the finest first; the coarsest is not scored."""
        return tuple(self._sinking(features))[:0:-1]

    def _sinking(self, features: list[Tensor]) -> Iterator[Tensor]:
        *finer, x = (beside(level) for beside, level in zip(self.beside, features, strict=True))
        yield x
        for level in reversed(finer):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False) + level
            yield x

    def _score(self, x: Tensor, embedded: Tensor) -> Tensor:
        """k*B 1 h w from features k*B C h w and the embedding B C h w."""
        fit = (self.semantics(x).unflatten(0, (-1, len(embedded))) * embedded).sum(2, keepdim=True)
        out: Tensor = self.realness(x) + fit.flatten(0, 1)
        return out


class Unit(nn.Module):
    """A spectrally normalised convolution without bias, normalised over each image and activated."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = SpectralConv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """B inputs H W -> B outputs H/stride W/stride."""
        return F.leaky_relu(instance_normalised(self.conv(x)), SLOPE)
