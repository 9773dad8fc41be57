"""Label maps, systems and conditions to measure with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from intarsia import systems
from intarsia.blocks.modulation import Moments
from intarsia.records import Batch, Condition, Seeds
from intarsia.systems import content, perceptual
from intarsia.systems.system import System

UNMEASURED = {*perceptual.VIEWERS, *(form + ending for form in content.FORMS for ending in content.VIEWERS)}
"""Terms that look through a network of others."""


def region_map(seed: int, classes: int, height: int, width: int, regions: int) -> Tensor:
    """`regions` Voronoi cells of random classes: H W int64 train ids."""
    draw = np.random.default_rng(seed)
    centres = draw.random((regions, 2)) * (height, width)
    rows, columns = np.mgrid[:height, :width]
    distance = (rows[..., None] - centres[:, 0]) ** 2 + (columns[..., None] - centres[:, 1]) ** 2
    return torch.from_numpy(draw.integers(0, classes, regions)[distance.argmin(-1)])


def scene(labels: Tensor, seed: int) -> Batch:
    """Label maps (B H W int64) with smooth random photos, a hole in their middle; every class is one instance."""
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.randn(len(labels), 3, 8, 8, generator=draw)
    image = nn.functional.interpolate(coarse, tuple(labels.shape[1:]), mode="bilinear", align_corners=False).tanh()
    holes = torch.zeros_like(labels, dtype=torch.bool)
    height, width = labels.shape[1:]
    holes[:, height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = True
    return Batch(tuple(f"scene {i}" for i in range(len(labels))), image, labels, labels, holes)


def system_for(preset: str, size: tuple[int, int], seed: int) -> System:
    """A preset at a size, with seeded weights: what a checkpoint would be, as far as speed goes."""
    recorded = systems.preset(preset)
    recipe = replace(
        recorded.recipe,
        generator_weights={k: v for k, v in recorded.recipe.generator_weights.items() if k not in UNMEASURED},
    )
    torch.manual_seed(seed)
    return systems.build(recorded.system, replace(recorded.config, size=size), recipe, preset=preset)


def settle(network: nn.Module, condition: Condition) -> None:
    """Give batch normalisation the statistics of this condition, and spectral normalisation a power iteration."""
    for module in network.modules():
        if isinstance(module, Moments):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(condition)
    network.eval()


def seeds(count: int) -> Seeds:
    """The same for every contestant."""
    return Seeds(tuple(range(count)))
