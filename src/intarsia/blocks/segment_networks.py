"""The three networks of SIMS (Qi et al., CVPR 2018): one paints, one places segments, one orders them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.layer_normalised import (
    JointNormedConv2d,
    NormedConv2d,
    convolutions,
    resized_bilinear,
)
from intarsia.coded import CodedMap, Semantics, resized, semantics_size

BESIDE = 4  # maps beside the labels: the canvas, and whether there is something on it
ENCODER = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3), (8, 3))
"""Width as a multiple of the first, and how many convolutions: by stage. The trunks of the others have five of them."""
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def halved_mean(x: Tensor) -> Tensor:
    """3x3 means with stride 2 of a map of even size; the odd row and column come last, and outside does not count."""
    return F.avg_pool2d(x, 3, 2, ceil_mode=True)


def halved_max(x: Tensor) -> Tensor:
    """3x3 maxima with stride 2 of a map of even size; the odd row and column come last."""
    return F.max_pool2d(x, 3, 2, ceil_mode=True)


class PaintingNetwork(nn.Module):
    """Labels and canvas -> image, and what class each place means.

    An encoder of six halvings and a decoder that looks at labels and canvas anew on each level. With `doublings`, it
    works at a half (or a quarter) of the resolution, and one more level (a last layer) leads to the whole.

    Args:
        planes: of the labels.
        width: channels of the first stage.
        doublings: 0, 1 or 2.
    """

    def __init__(self, planes: int, width: int, doublings: int) -> None:
        super().__init__()
        self.planes, self.doublings = planes, doublings
        seen = planes + BESIDE
        self.entry = JointNormedConv2d(planes, BESIDE, width)
        self.encoder = nn.ModuleList([convolutions(width, width, 1), *stages(width, ENCODER[1:])])
        decoder: list[nn.Module] = []
        deeper = 0
        for level in range(len(ENCODER), 0, -1):
            outputs = 8 * width if level > 1 else 4 * width
            decoder.append(convolutions(seen + ENCODER[level - 1][0] * width + deeper, outputs, 2))
            deeper = outputs
        self.decoder = nn.ModuleList(decoder)
        self.final = nn.ModuleList([JointNormedConv2d(planes, BESIDE + deeper, deeper), NormedConv2d(deeper, deeper)])
        last = deeper
        if doublings:
            last = 2 * width
            self.fine = nn.ModuleList([JointNormedConv2d(planes, BESIDE + deeper, last), NormedConv2d(last, last)])
        self.to_image = nn.Conv2d(last, 3, 1)
        self.to_logits = nn.Conv2d(last, planes, 1)
        if doublings > 1:
            self.to_fine_image = nn.Conv2d(seen + 3, 3, 1)

    def forward(self, semantics: Semantics, canvas: Tensor) -> tuple[Tensor, Tensor]:
        """Labels and B 3 H W in [0, 1] -> image B 3 H W, about [-1, 1], and logits B planes h w (h is H or H / 2)."""
        height, width = semantics_size(semantics)
        beside = torch.cat([canvas, (canvas.sum(1, keepdim=True) > 0).to(canvas.dtype)], 1)
        labels = semantics.dense() if isinstance(semantics, CodedMap) else semantics
        whole = torch.cat([labels, beside], 1)
        size = (height >> self.doublings, width >> self.doublings)
        if not self.doublings:
            coarse, coarse_beside = semantics, beside
        else:
            coarse, coarse_beside = torch.split(resized_bilinear(whole, *size), [self.planes, BESIDE], 1)
        x = self._decoded(self.entry(coarse, coarse_beside), whole, size)
        x = self.final[1](self.final[0](coarse, torch.cat([coarse_beside, x], 1)))
        if self.doublings:
            x = self._finer(x, semantics, beside)
        image, logits = self.to_image(x), self.to_logits(x)
        if self.doublings > 1:
            image = self.to_fine_image(torch.cat([whole, resized_bilinear(image, height, width)], 1))
        return image, logits

    def _decoded(self, x: Tensor, whole: Tensor, size: tuple[int, int]) -> Tensor:
        """Down to a sixty-fourth of `size` and up again, from the first layer's result on."""
        pools = []
        for stage in self.encoder:
            x = halved_mean(stage(x))
            pools.append(x)
        below: list[Tensor] = []
        for stage, pool in zip(self.decoder, reversed(pools), strict=True):
            height, width = pool.shape[2:]
            x = stage(torch.cat([resized_bilinear(whole, height, width), pool, *below], 1))
            below = [resized_bilinear(x, 2 * height, 2 * width)]
        return below[0]

    def _finer(self, x: Tensor, semantics: Semantics, beside: Tensor) -> Tensor:
        """The level at twice the resolution; of labels and canvas every second pixel where it is not the last."""
        height, width = 2 * x.shape[2], 2 * x.shape[3]
        if self.doublings > 1:
            semantics, beside = resized(semantics, height, width), beside[:, :, ::2, ::2]
        around = torch.cat([beside, resized_bilinear(x, height, width)], 1)
        out: Tensor = self.fine[1](self.fine[0](semantics, around))
        return out


class Trunk(nn.Module):
    """Five stages, each halved: the first by means, the others by maxima."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        first = convolutions(inputs, width, ENCODER[0][1])
        self.stages = nn.ModuleList([first, *stages(width, ENCODER[1:5])])

    def forward(self, x: Tensor) -> Tensor:
        """B inputs H W -> B 8*width H/32 W/32."""
        for place, stage in enumerate(self.stages):
            x = halved_max(stage(x)) if place else halved_mean(stage(x))
        return x


class PlacingNetwork(nn.Module):
    """A segment, where it belongs and the layout -> the affine map that brings it there (`transformed`).

    Args:
        planes: of the labels.
        width: channels of the first stage.
        shrink: by how much the maps are reduced before they are looked at.
    """

    def __init__(self, planes: int, width: int, shrink: int) -> None:
        super().__init__()
        self.shrink = shrink
        self.trunk = Trunk(3 + 1 + planes, width)
        self.to_theta = nn.Linear(8 * width, len(IDENTITY))

    def start_as_identity(self) -> None:
        """At first nothing moves."""
        nn.init.zeros_(self.to_theta.weight)
        with torch.no_grad():
            self.to_theta.bias.copy_(torch.tensor(IDENTITY))

    def forward(self, proposals: Tensor, queries: Tensor, layout: Tensor) -> Tensor:
        """B 3 H W in [0, 1], B H W (0 or 1) and B planes H W -> B 6."""
        theta: Tensor = self.to_theta(self.seen(proposals, queries, layout))
        return theta

    def seen(self, proposals: Tensor, queries: Tensor, layout: Tensor) -> Tensor:
        """What the trunk makes of them, B 8*width."""
        maps = torch.cat([proposals, queries[:, None], layout], 1)
        size = (maps.shape[2] // self.shrink, maps.shape[3] // self.shrink)
        found: Tensor = self.trunk(resized_bilinear(maps, *size)).mean((2, 3))
        return found


class OrderingNetwork(nn.Module):
    """Two segments and the layout in colours -> which class is in front.

    As published the last map is averaged over its left three quarters only.
    """

    def __init__(self, planes: int, width: int) -> None:
        super().__init__()
        self.trunk = Trunk(6, width)
        self.hidden = NormedConv2d(8 * width, 16 * width, 1)
        self.to_scores = nn.Conv2d(16 * width, planes, 1)

    def forward(self, pairs: Tensor, dropout: Tensor | None = None) -> Tensor:
        """B 6 H W in [0, 1], the pair's colours and then the layout's -> scores B planes, class c at c + 1.

        `dropout` (B 16*width) is what hidden values are multiplied by in training.
        """
        x = self.trunk(pairs)
        pooled = x[..., : max(1, 3 * x.shape[3] // 4)].mean((2, 3), keepdim=True)
        hidden = self.hidden(pooled)
        if dropout is not None:
            hidden = hidden * dropout[:, :, None, None]
        scores: Tensor = self.to_scores(hidden)
        return scores.flatten(1)


def stages(width: int, sizes: Sequence[tuple[int, int]]) -> list[nn.Module]:
    """The stages after the first."""
    made, inputs = [], width
    for multiple, count in sizes:
        made.append(convolutions(inputs, multiple * width, count))
        inputs = multiple * width
    return list(made)
