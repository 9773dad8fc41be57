"""The multiscale discriminator with a stream of its own for the semantics (SESAME, Ntavelis et al. 2020, section 3.2).

Where others concatenate labels and image, here each passes through convolutions of its own, and what comes of the
semantics multiplies the last features of the image. SAFM judges with it too.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.convolution import JointConv2d, SpectralConv2d
from intarsia.blocks.modulation import instance_normalised
from intarsia.blocks.patch_discriminator import KERNEL, PADDING, SLOPE, by_scale, widths_and_strides
from intarsia.coded import Semantics
from intarsia.records import Condition, Verdict


class TwoStreamDiscriminator(nn.Module):
    """(Condition, image) -> Verdict: each scale judges every patch of an image beside its label map.

    Args:
        planes: channels of the condition.
        width: channels of the first layers.
        scales: how many resolutions, each half of the last.
        layers: of features in each stream, before the logits.
    """

    def __init__(self, planes: int, *, width: int = 64, scales: int = 2, layers: int = 4) -> None:
        super().__init__()
        self.scales = nn.ModuleList(TwoStreamScale(planes, width, layers) for _ in range(scales))

    def forward(self, condition: Condition, image: Tensor) -> Verdict:
        """Judge images under the condition that they were made from.

        Args:
            condition: of B label maps, at the images' size.
            image: k*B 3 H W in [-1, 1]: k sets of images of the same B label maps, one set after the other.

        Returns:
            The image stream's features, as they are before the streams meet, and logits of k*B images by scale.
        """
        return by_scale(self.scales, condition, image)


class TwoStreamScale(nn.Module):
    """One scale: two streams of convolutions alike, then one convolution to a map of logits."""

    def __init__(self, planes: int, width: int, layers: int) -> None:
        super().__init__()
        widths, strides = widths_and_strides(width, layers)
        self.image = Stream(nn.Conv2d(3, width, KERNEL, stride=2, padding=PADDING), widths, strides)
        self.semantics = Stream(JointConv2d(planes, 0, width, KERNEL, stride=2, padding=PADDING), widths, strides)
        self.last = nn.Conv2d(widths[-1], 1, KERNEL, padding=PADDING)

    def forward(self, semantics: Semantics, image: Tensor) -> tuple[Tensor, ...]:
        """Features after each activation, k*B C h w, and last the logits, k*B 1 h w.

        The semantics' last features, summed over their channels, say for each place how much the image's count.
        """
        features = self.image(image)
        gain = self.semantics(semantics)[-1].float().sum(1, keepdim=True)  # hundreds of channels: too many for halves
        gain = gain.repeat(len(image) // len(gain), 1, 1, 1)
        return (*features, self.last(features[-1] + features[-1] * gain))


class Stream(nn.Module):
    """Convolutions that widen: the first as given, the others spectrally and instance normalised."""

    def __init__(self, first: nn.Module, widths: list[int], strides: list[int]) -> None:
        super().__init__()
        self.first = first
        self.hidden = nn.ModuleList(
            SpectralConv2d(inputs, outputs, KERNEL, stride=stride, padding=PADDING, bias=False)
            for inputs, outputs, stride in zip(widths[:-1], widths[1:], strides, strict=True)
        )

    def forward(self, seen: Semantics) -> list[Tensor]:
        """What the first convolution takes -> features after each activation."""
        features = [F.leaky_relu(self.first(seen), SLOPE)]
        for convolution in self.hidden:
            features.append(F.leaky_relu(instance_normalised(convolution(features[-1])), SLOPE))
        return features
