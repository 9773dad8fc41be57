"""3D noise as columns of a coded map: a vector that is constant over a region is a few more rows of the codebook."""

from __future__ import annotations

import torch
from torch import Tensor

from intarsia.coded import CodedMap, Semantics

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


def by_image(labels: CodedMap) -> Tensor:
    """Regions of one vector for each image: B H W int64."""
    batch = torch.arange(len(labels.codes), device=labels.codes.device)
    return batch[:, None, None].expand(labels.codes.shape)


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
