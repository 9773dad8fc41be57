"""Where a decoder starts: a small grid made from the labels, or from a style vector."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.errors import ConfigError
from intarsia.records import Condition


@dataclass(frozen=True)
class Started:
    """The start grid, and where a photo was looked at the distribution of its style."""

    grid: Tensor  # B C h w
    mean: Tensor | None = None  # B latent
    log_variance: Tensor | None = None  # B latent


def started(
    condition: Condition,
    start: nn.Module,
    encoder: nn.Module | None,
    *,
    trained: tuple[int, int],
    grid: tuple[int, int],
) -> Started:
    """The grid that a decoder starts from.

    With an encoder it comes of a style vector: `condition.noise` (B latent) as it is, or, where `condition.photo` is
    given, drawn with that noise from the distribution that the encoder sees in the photo.

    Args:
        condition: what the generator looks at.
        start: semantics at the grid's size -> B C h w; with an encoder a linear layer of the style vector.
        encoder: photo -> mean and log-variance of its style; None for generators without a style.
        trained: height, width of the grid that a linear `start` makes.
        grid: height, width of the one that is wanted.

    Raises:
        ConfigError: a style vector is needed and the condition has no noise.
    """
    if encoder is None:
        return Started(start(condition.at(*grid)))
    if condition.noise is None:
        raise ConfigError("this generator starts from a style vector, and the condition has no noise. Give seeds.")
    if condition.photo is None:
        return Started(_stretched(start(condition.noise), trained, grid))
    mean, log_variance = encoder(condition.photo)
    style = mean + torch.exp(log_variance / 2) * condition.noise
    return Started(_stretched(start(style), trained, grid), mean, log_variance)


def _stretched(flat: Tensor, trained: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    start = flat.view(len(flat), -1, *trained)
    # Another image size than the trained one stretches the learnt grid.
    return start if grid == trained else F.interpolate(start, grid, mode="nearest")
