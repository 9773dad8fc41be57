"""Regions of a scene as masks: a class, an instance, or a mask that somebody drew."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from intarsia.errors import ConfigError, LabelError
from intarsia.labels import LabelSpace

Region: TypeAlias = str | int | npt.NDArray[np.bool_]
"""The name of a class, a number of the instance map, or a mask H W (or B H W)."""
NAMED = 10  # of what occurs, as many are named in errors


def region_mask(region: Region, labels: Tensor, instances: Tensor | None, space: LabelSpace) -> Tensor:
    """Where a region is, B H W bool; at least one pixel is set.

    Args:
        region: the region.
        labels: B H W int64 train ids.
        instances: B H W int64, any numbering.
        space: of the labels.

    Raises:
        LabelError: no class has that name, the scene has no such instance, or none of its pixels is of the region.
        ConfigError: a mask is no boolean array of the scene's size, or empty.
    """
    if isinstance(region, str):
        label = space.index(region)
        names = [label_class.name for label_class in space.classes]
        present = [names[number] for number in torch.unique(labels).tolist() if number < len(names)]
        return _where(labels, label, f"pixel of the label map is {region}", present)
    if isinstance(region, int):
        if instances is None:
            raise LabelError(f"the scene has no instance map to find instance {region} in. Give one.")
        present = [str(number) for number in torch.unique(instances).tolist()]
        return _where(instances, region, f"pixel of the instance map is {region}", present)
    return _drawn(np.asarray(region), tuple(labels.shape))


def _where(maps: Tensor, number: int, what: str, present: list[str]) -> Tensor:
    mask = maps == number
    if not mask.any():
        known = ", ".join(present[:NAMED]) + (", ..." if len(present) > NAMED else ".")
        raise LabelError(f"no {what}. Choose one that occurs: {known}")
    return mask


def _drawn(mask: npt.NDArray[Any], shape: tuple[int, ...]) -> Tensor:
    if mask.dtype != np.bool_ or mask.shape not in (shape, shape[1:]):
        raise ConfigError(
            f"the region is {mask.dtype} of shape {mask.shape}; the label map is {shape[1]}x{shape[2]} "
            "(height x width). Give booleans of that shape."
        )
    if not mask.any():
        raise ConfigError("the region has no pixel inside the image. Give at least one.")
    return torch.from_numpy(mask).expand(shape)
