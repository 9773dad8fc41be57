"""The image encoder of SPADE's variational variant: a photo -> the distribution of its style."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.convolution import SpectralConv2d
from intarsia.blocks.modulation import instance_normalised

SLOPE = 0.2
SIDE = 256  # photos are resized to this; six halvings leave a 4x4 grid
GRID = 4


class StyleEncoder(nn.Module):
    """A photo -> mean and log-variance of its style vector (Park et al. 2019, appendix A)."""

    def __init__(self, width: int, latent: int) -> None:
        super().__init__()
        widths = [3, *(width * factor for factor in (1, 2, 4, 8, 8, 8))]
        self.layers = nn.ModuleList(
            SpectralConv2d(inputs, outputs, 3, stride=2, padding=1, bias=False) for inputs, outputs in pairwise(widths)
        )
        self.mean = nn.Linear(widths[-1] * GRID * GRID, latent)
        self.log_variance = nn.Linear(widths[-1] * GRID * GRID, latent)

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        """B 3 H W in [-1, 1], any size -> mean and log-variance, each B latent."""
        x = photo
        if photo.shape[2:] != (SIDE, SIDE):
            x = F.interpolate(photo, (SIDE, SIDE), mode="bilinear", align_corners=False)
        for layer in self.layers:
            x = F.leaky_relu(instance_normalised(layer(x)), SLOPE)
        flat = x.flatten(1)
        return self.mean(flat), self.log_variance(flat)
