"""Plain normalisation: over each image without parameters, or over the batch with a learnt scale and shift."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from intarsia.blocks.modulation import Moments, Normalisation, instance_normalised, normalised


class Norm(nn.Module):
    """`InstanceNorm2d(affine=False)` or `BatchNorm2d`, the latter over all processes."""

    def __init__(self, channels: int, kind: Normalisation) -> None:
        super().__init__()
        self.channels = channels
        self.moments = Moments(channels, kind)
        if kind == "batch":
            self.weight = nn.Parameter(torch.ones(channels))
            self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, sets: int = 1) -> Tensor:
        """B C H W -> B C H W. Each of `sets` sets of images, one after the other, is a batch of its own."""
        if self.moments.kind == "instance":
            return instance_normalised(x)
        return torch.cat([self._over_batch(one) for one in x.chunk(sets)])

    def scale_and_shift(self, mean: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """What the whole amounts to, y = x * scale + shift, given the moments (B C or 1 C: mean and 1/std)."""
        if self.moments.kind == "batch":
            return self.weight * scale, self.bias - self.weight * scale * mean
        return scale, -mean * scale

    def _over_batch(self, x: Tensor) -> Tensor:
        moments = self.moments(x, x.shape[2] * x.shape[3])
        out = normalised(x, *moments) * self.weight[:, None, None] + self.bias[:, None, None]
        return out.to(x.dtype)  # moments are float32 also where activations are not
