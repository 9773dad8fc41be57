"""3D noise as columns of a coded map: a vector that is constant over a region is a few more rows of the codebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from intarsia.coded import CodedMap, Semantics
from intarsia.records import Seeds, derived_seed

# Of a noise map's pixels, the largest share that may have vectors of their own for codes to pay.
DISTINCT_SHARE = 1 / 8


def with_noise(labels: CodedMap, regions: Tensor, noise: Tensor) -> tuple[CodedMap, Tensor]:
    """The map with a noise vector before each pixel's label columns, as OASIS's networks have them.

    Args:
        labels: K C.
        regions: B H W int64, the vector that each pixel has, 0 <= region < V.
        noise: V Z float32.

    Returns:
        The map, of Z + C columns and as many rows as there are pairs of vector and label; and the vector of each row.
    """
    count = len(labels.codebook)
    pairs = regions * count + labels.codes
    occurs = torch.bincount(pairs.flatten(), minlength=len(noise) * count) > 0
    found = occurs.nonzero()[:, 0]
    vectors, rows = found // count, found % count
    codes = (occurs.cumsum(0) - 1)[pairs].int()
    return CodedMap(codes, torch.cat([noise[vectors], labels.codebook[rows]], 1)), vectors


def by_image(maps: Tensor) -> Tensor:
    """The image of the batch that each pixel lies in, for maps B H W: B H W int64."""
    return torch.arange(len(maps), device=maps.device)[:, None, None].expand(maps.shape)


def distinct_vectors(noise: Tensor) -> tuple[Tensor, Tensor] | None:
    """A noise map (B Z H W) as regions (B H W int64) and vectors (V Z); None if nearly each pixel has its own."""
    pixels = noise.permute(0, 2, 3, 1).flatten(0, 2)
    # A random projection tells vectors apart without sorting them; what it cannot tell apart is found below.
    direction = torch.randn(noise.shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    _, regions = torch.unique(pixels.double() @ direction.to(noise.device), return_inverse=True)
    count = int(regions.max()) + 1
    if count > DISTINCT_SHARE * len(pixels):
        return None
    vectors = pixels.new_empty(count, noise.shape[1])
    vectors[regions] = pixels
    if not torch.equal(vectors[regions], pixels):
        return None
    return regions.view(noise.shape[0], *noise.shape[2:]), vectors


def noise_planes(labels: CodedMap, noise: Tensor) -> Semantics:
    """The map under a noise map (B Z H W): coded where pixels share vectors, else dense planes B Z+C H W."""
    found = distinct_vectors(noise)
    if found is None:
        return torch.cat([noise, labels.dense()], 1)
    return with_noise(labels, *found)[0]


Layout = Literal["global", "per-class", "per-instance"]
"""Which pixels share a noise vector: those of an image, of a class in it, or of an object in it."""
LAYOUTS: tuple[Layout, ...] = get_args(Layout)


@dataclass(frozen=True)
class Places:
    """Regions of pixels that share a noise vector, and what the seed of each region's vector depends on."""

    regions: Tensor  # B H W int64, 0 <= region < number of keys
    images: tuple[int, ...]  # by region: the image of the batch that it lies in
    keys: tuple[
        tuple[int, ...], ...
    ]  # by region: numbers that tell it from the others of its image; () takes all of it

    def vectors(self, seeds: Sequence[int], length: int) -> Tensor:
        """V Z float32: the noise vector of each region.

        A region's vector depends on its image's seed and its key alone, so it stays when others come and go.

        Args:
            seeds: one for each image of the batch.
            length: Z.
        """
        values = [
            derived_seed(seeds[image], *key) if key else seeds[image]
            for image, key in zip(self.images, self.keys, strict=True)
        ]
        return Seeds(tuple(values)).normal(length)


def laid_out(layout: Layout, labels: Tensor, objects: Tensor) -> Places:
    """The regions of a layout.

    Args:
        layout: which pixels share a vector.
        labels: B H W int64 train ids; for other regions, their numbers.
        objects: B H W int64, any numbering; pixels of one class and number are an object. For `per-instance`.
    """
    if layout == "global":
        return Places(by_image(labels), tuple(range(len(labels))), ((),) * len(labels))
    columns = [by_image(labels), labels, *([objects] if layout == "per-instance" else [])]
    regions, kinds = _numbered(columns)
    rows = torch.stack(kinds, 1).tolist()
    # Numbers below zero would be no seeds.
    keys = tuple(tuple(number % (1 << 64) for number in row[1:]) for row in rows)
    return Places(regions, tuple(row[0] for row in rows), keys)


def _numbered(columns: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Number the combinations of values that maps have at a pixel; and each map's value in each combination."""
    numbers, kinds = torch.zeros_like(columns[0]), list[Tensor]()
    for column in columns:
        values, ranks = torch.unique(column, return_inverse=True)
        pairs, numbers = torch.unique(numbers * len(values) + ranks, return_inverse=True)
        kinds = [kind[pairs // len(values)] for kind in kinds] + [values[pairs % len(values)]]
    return numbers, kinds
