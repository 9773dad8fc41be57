"""The multiscale patch discriminator of pix2pixHD (Wang et al. 2018); SPADE has it with spectral normalisation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.convolution import JointConv2d, SpectralConv2d
from intarsia.blocks.modulation import Normalisation
from intarsia.blocks.normalisation import Norm
from intarsia.coded import CodedMap, Semantics, halved
from intarsia.records import Condition, Verdict

SLOPE = 0.2
KERNEL, PADDING = 4, 2
WIDEST = 512


class PatchDiscriminator(nn.Module):
    """(Condition, image) -> Verdict: each scale judges every patch of an image under its label map.

    The first scale sees the full resolution, each next one half of it: labels and image are averaged alike, so that
    labels become fractions there.

    Args:
        planes: channels of the condition.
        width: channels of the first layer.
        scales: how many resolutions.
        layers: of features, before the logits.
        spectral: spectral normalisation of the hidden convolutions, which are then without bias.
        kind: of the hidden layers' normalisation.
    """

    def __init__(
        self,
        planes: int,
        *,
        width: int = 64,
        scales: int = 2,
        layers: int = 4,
        spectral: bool = True,
        kind: Normalisation = "instance",
    ) -> None:
        super().__init__()
        self.scales = nn.ModuleList(PatchScale(planes, width, layers, spectral, kind) for _ in range(scales))

    def forward(self, condition: Condition, image: Tensor) -> Verdict:
        """Judge images under the condition that they were made from.

        Args:
            condition: of B label maps, at the images' size.
            image: k*B 3 H W in [-1, 1]: k sets of images of the same B label maps, one set after the other.

        Returns:
            Features and logits of k*B images by scale; `Verdict.split(k)` takes the sets apart.
        """
        return by_scale(self.scales, condition, image)


def by_scale(scales: Iterable[nn.Module], condition: Condition, image: Tensor) -> Verdict:
    """What each of `scales` says, called as scale(semantics, image), of images at half the resolution of the last."""
    semantics = condition.at(image.shape[2], image.shape[3])
    verdicts = []
    for level, scale in enumerate(scales):
        if level:
            semantics, image = halved(semantics), halved(image)
        verdicts.append(scale(semantics, image))
    return Verdict(tuple(verdicts))


def widths_and_strides(width: int, layers: int) -> tuple[list[int], list[int]]:
    """Of the layers of features: their channels, and the strides of those after the first; all but the last halve."""
    return [min(width * 2**layer, WIDEST) for layer in range(layers)], [2] * (layers - 2) + [1]


class PatchScale(nn.Module):
    """One scale: `layers` convolutions that widen (all but the last of stride 2), then one to a map of logits."""

    def __init__(self, planes: int, width: int, layers: int, spectral: bool, kind: Normalisation) -> None:
        super().__init__()
        self.first = JointConv2d(planes, 3, width, KERNEL, stride=2, padding=PADDING)
        widths, strides = widths_and_strides(width, layers)
        conv: Any = SpectralConv2d if spectral else nn.Conv2d
        self.hidden = nn.ModuleList(
            conv(inputs, outputs, KERNEL, stride=stride, padding=PADDING, bias=not spectral)
            for inputs, outputs, stride in zip(widths[:-1], widths[1:], strides, strict=True)
        )
        self.norms = nn.ModuleList(Norm(outputs, kind) for outputs in widths[1:])
        self.last = nn.Conv2d(widths[-1], 1, KERNEL, padding=PADDING)

    def forward(self, semantics: Semantics, image: Tensor) -> tuple[Tensor, ...]:
        """Features after each activation, k*B C h w, and last the logits, k*B 1 h w."""
        sets = len(image) // len(semantics.codes if isinstance(semantics, CodedMap) else semantics)
        features = [F.leaky_relu(self.first(semantics, image), SLOPE)]
        for convolution, norm in zip(self.hidden, self.norms, strict=True):
            features.append(F.leaky_relu(norm(convolution(features[-1]), sets), SLOPE))
        return (*features, self.last(features[-1]))
