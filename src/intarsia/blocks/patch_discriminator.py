"""The multiscale patch discriminator of pix2pixHD (Wang et al. 2018) with spectral normalisation, as SPADE uses it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.convolution import SpectralConv2d, coded_rows
from intarsia.coded import CodedMap, Semantics
from intarsia.records import Condition, Verdict

SLOPE = 0.2
KERNEL, PADDING = 4, 2
WIDEST = 512


class PatchDiscriminator(nn.Module):
    """(Condition, image) -> Verdict: each scale judges every patch of an image under its label map.

    The first scale sees the full resolution, each next one half of it: labels and image are averaged alike, so that
    labels become fractions there.
    """

    def __init__(self, planes: int, *, width: int = 64, scales: int = 2, layers: int = 4) -> None:
        super().__init__()
        self.scales = nn.ModuleList(PatchScale(planes, width, layers) for _ in range(scales))

    def forward(self, condition: Condition, image: Tensor) -> Verdict:
        """Judge images under the condition that they were made from.

        Args:
            condition: of B label maps, at the images' size.
            image: k*B 3 H W in [-1, 1]: k sets of images of the same B label maps, one set after the other.

        Returns:
            Features and logits of k*B images by scale; `Verdict.split(k)` takes the sets apart.
        """
        semantics = condition.at(image.shape[2], image.shape[3])
        verdicts = []
        for level, scale in enumerate(self.scales):
            if level:
                semantics, image = halved(semantics), _pooled(image)
            verdicts.append(scale(semantics, image))
        return Verdict(tuple(verdicts))


class PatchScale(nn.Module):
    """One scale: `layers` convolutions that widen (all but the last of stride 2), then one to a map of logits."""

    def __init__(self, planes: int, width: int, layers: int) -> None:
        super().__init__()
        self.first = JointConv2d(planes, 3, width)
        widths = [min(width * 2**layer, WIDEST) for layer in range(layers)]
        strides = [2] * (layers - 2) + [1]
        self.hidden = nn.ModuleList(
            SpectralConv2d(inputs, outputs, KERNEL, stride=stride, padding=PADDING, bias=False)
            for inputs, outputs, stride in zip(widths[:-1], widths[1:], strides, strict=True)
        )
        self.last = nn.Conv2d(widths[-1], 1, KERNEL, padding=PADDING)

    def forward(self, semantics: Semantics, image: Tensor) -> tuple[Tensor, ...]:
        """Features after each activation, k*B C h w, and last the logits, k*B 1 h w."""
        features = [F.leaky_relu(self.first(semantics, image), SLOPE)]
        for convolution in self.hidden:
            features.append(F.leaky_relu(F.instance_norm(convolution(features[-1])), SLOPE))
        return (*features, self.last(features[-1]))


class JointConv2d(nn.Module):
    """A strided convolution over label planes and an image side by side; the labels' part is computed once.

    The weight is that of the published convolution over the concatenation, labels first. On a coded map the labels'
    part takes one look-up per distinct window, and k images of one map share it.
    """

    def __init__(self, planes: int, colours: int, outputs: int) -> None:
        super().__init__()
        self.whole = nn.Conv2d(planes + colours, outputs, KERNEL, stride=2, padding=PADDING)
        self.planes = planes

    def forward(self, semantics: Semantics, image: Tensor) -> Tensor:
        """Labels of B maps and k*B colours H W -> k*B outputs h w."""
        sets = len(image) // len(semantics.codes if isinstance(semantics, CodedMap) else semantics)
        if isinstance(semantics, CodedMap) and self._pays(semantics):
            weight, bias = self.whole.weight, self.whole.bias
            rows, windows = coded_rows(semantics, weight[:, : self.planes], bias, stride=2, padding=PADDING)
            labels = F.embedding(windows.index.long(), rows).permute(0, 3, 1, 2)
            colours = F.conv2d(image, weight[:, self.planes :], stride=2, padding=PADDING)
            return (colours.view(sets, *labels.shape) + labels).flatten(0, 1)
        planes = semantics.dense() if isinstance(semantics, CodedMap) else semantics
        out: Tensor = self.whole(torch.cat([planes.repeat(sets, 1, 1, 1), image], 1))
        return out

    def _pays(self, semantics: CodedMap) -> bool:
        """Whether the look-ups need fewer multiply-adds than the dense planes: false for maps busy as noise."""
        windows = semantics.neighbourhoods(KERNEL, stride=2, padding=PADDING)
        return len(semantics.codebook) + len(windows.members) / self.planes < windows.index.numel()


def halved(semantics: Semantics) -> Semantics:
    """The map at half its resolution, averaged."""
    return semantics.halved() if isinstance(semantics, CodedMap) else _pooled(semantics)


def _pooled(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
