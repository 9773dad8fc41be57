"""Objects: regions of pixels that share what they look like."""

from __future__ import annotations

import torch
from torch import Tensor

from intarsia import kernels


def mean_by_object(x: Tensor, objects: Tensor) -> Tensor:
    """Each pixel gets the mean over its object: instance-wise average pooling (pix2pixHD, section 3.4), differentiable.

    Args:
        x: B C H W float.
        objects: B H W int64, any numbering; equal numbers in one image are one object.

    Returns:
        B C H W in at least float32.
    """
    numbers, inverse = torch.unique(objects, return_inverse=True)
    count = len(objects) * len(numbers)
    owner = (inverse + len(numbers) * torch.arange(len(objects), device=objects.device)[:, None, None]).flatten()
    pixels = x.double().transpose(0, 1).flatten(1)  # C B*H*W; half a million float32 would lose digits in their sum
    owners = owner.expand(len(pixels), -1)
    sums = pixels.new_zeros(len(pixels), count).scatter_add(1, owners, pixels)
    means = sums / torch.bincount(owner, minlength=count).clamp(min=1)
    maps = means.gather(1, owners).view(x.shape[1], x.shape[0], *x.shape[2:]).transpose(0, 1)
    return maps.to(torch.promote_types(x.dtype, torch.float32)).contiguous()


def connected_regions(labels: Tensor, *, corners: bool = False) -> Tensor:
    """Number the connected regions of each label map, B H W int64: objects where nobody drew any.

    Regions hang together by the sides of pixels, with `corners` by corners too, and are counted from 0 in each map, in
    order of their first pixel.
    """
    maps = labels.cpu().contiguous()
    regions = torch.empty_like(maps)
    for given, found in zip(maps, regions, strict=True):
        kernels.connected_regions(given.numpy(), found.numpy(), corners)
    return regions.to(labels.device)
