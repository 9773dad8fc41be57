"""Divergence of an encoded style from the standard normal distribution."""

from __future__ import annotations

from torch import Tensor


def kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence of N(mean, exp(log_variance)) from N(0, 1), both B Z: summed over the batch too, as published."""
    mean, log_variance = mean.float(), log_variance.float()  # half precision would lose a small divergence
    return -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
