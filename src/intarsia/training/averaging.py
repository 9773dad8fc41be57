"""The exponential moving average of a generator, whose images are steadier than those of the generator itself."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import nn

from intarsia.blocks.modulation import MOMENTUM


def decay_at(decay: float, iteration: int) -> float:
    """The decay after `iteration` steps: ramped up, so that the average follows quickly while weights are still random.

    With the full decay from the start, the first random weights would linger for some 1 / (1 - decay) iterations.
    """
    return min(decay, (1 + iteration) / (10 + iteration))


@torch.no_grad()
def average(target: nn.Module, source: nn.Module, decay: float) -> None:
    """target = decay * target + (1 - decay) * source, for every entry of the state dict.

    Running statistics and the vectors of spectral normalisation are averaged like weights, as OASIS's training does;
    counters are copied.
    """
    entries = source.state_dict()
    for name, mean in target.state_dict().items():
        if mean.is_floating_point():
            mean.lerp_(entries[name], 1 - decay)
        else:
            mean.copy_(entries[name])


def settled(network: nn.Module, inputs: Sequence[object]) -> nn.Module:
    """A copy whose running statistics are the mean of those of training inputs, in evaluation mode.

    The statistics that were averaged on the way belong to other weights than the averaged ones: with them, images were
    two to three times as far from the photo in the first thousand iterations of spade-earth-128. So do the vectors of
    spectral normalisation, iterated in passing (OASIS's training does likewise before it delivers).
    """
    copy = deepcopy(network).train()
    running = [buffer for name, buffer in copy.named_buffers() if name.endswith(("running_mean", "running_var"))]
    sums = [torch.zeros_like(buffer) for buffer in running]
    with torch.no_grad():
        for one in inputs:
            for buffer in running:
                buffer.zero_()
            copy(one)
            for total, buffer in zip(sums, running, strict=True):
                total.add_(buffer, alpha=1 / MOMENTUM / len(inputs))
        for total, buffer in zip(sums, running, strict=True):
            buffer.copy_(total)
    return copy.eval()
