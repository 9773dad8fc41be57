"""Label maps that coded maps must get right, made by rule."""

import torch
from torch import Tensor


def regions(seed: int, classes: int, height: int, width: int, count: int = 12, batch: int = 1) -> Tensor:
    """Voronoi regions of random classes: B H W int64."""
    draw = torch.Generator().manual_seed(seed)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    maps = []
    for _ in range(batch):
        y, x = torch.rand(2, count, 1, 1, generator=draw) * torch.tensor([height, width]).view(2, 1, 1, 1)
        nearest = ((rows - y) ** 2 + (columns - x) ** 2).argmin(0)
        maps.append(torch.randint(classes, (count,), generator=draw)[nearest])
    return torch.stack(maps)


def noise(seed: int, classes: int, height: int, width: int) -> Tensor:
    """Every pixel its own class: 1 H W int64."""
    return torch.randint(classes, (1, height, width), generator=torch.Generator().manual_seed(seed))


def uniform(label: int, height: int, width: int) -> Tensor:
    """One class everywhere: 1 H W int64."""
    return torch.full((1, height, width), label)


def dotted(classes: int, height: int, width: int) -> Tensor:
    """One class with regions of a single pixel, at the corners and in the middle: 1 H W int64."""
    labels = uniform(0, height, width)
    for number, (row, column) in enumerate(
        [(0, 0), (height - 1, width - 1), (height // 2, width // 3), (0, width - 1)]
    ):
        labels[0, row, column] = 1 + number % (classes - 1)
    return labels
