"""Official weights -> ours by a key map.

Strict: every official key is used, or left out for a stated reason, and every own key is filled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from intarsia.errors import CheckpointError

UNCOUNTED = "counts batches, which only a cumulative average needs"
MEND = "Choose the preset and network that it was trained as."


@dataclass(frozen=True)
class KeyMap:
    """Where each own tensor comes from, and what is left out.

    `sources` holds the official keys of each own key; several are stacked along the first dimension, in order.
    `left_out` holds the reason for each official key that is not used.
    """

    sources: Mapping[str, tuple[str, ...]]
    left_out: Mapping[str, str]

    def __or__(self, other: KeyMap) -> KeyMap:
        return KeyMap({**self.sources, **other.sources}, {**self.left_out, **other.left_out})

    def under(self, own: str, official: str) -> KeyMap:
        """The same map for a part whose keys start with `own` with us and with `official` in the release."""
        sources = {own + key: tuple(official + k for k in keys) for key, keys in self.sources.items()}
        return KeyMap(sources, {official + key: reason for key, reason in self.left_out.items()})


def layer(own: str, official: str) -> KeyMap:
    """Weight and bias of a layer whose keys start so with us and in the release."""
    return KeyMap({own + part: (official + part,) for part in ("weight", "bias")}, {})


def batch_norm(own: str, official: str) -> KeyMap:
    """`BatchNorm2d` with its scale and shift; with us a `Norm`."""
    return layer(own, official) | running_moments(f"{own}moments.", official)


def running_moments(own: str, official: str) -> KeyMap:
    """The running statistics of a `BatchNorm2d`; with us `Moments`."""
    sources = {own + name: (official + name,) for name in ("running_mean", "running_var")}
    return KeyMap(sources, {f"{official}num_batches_tracked": UNCOUNTED})


def spectral(own: str, official: str, *, bias: bool = True) -> KeyMap:
    """A convolution under `torch.nn.utils.spectral_norm`."""
    names = {"weight": "weight_orig", "u": "weight_u", "v": "weight_v"} | ({"bias": "bias"} if bias else {})
    return KeyMap({own + mine: (official + theirs,) for mine, theirs in names.items()}, {})


def converted(
    official: Mapping[str, Tensor], keys: KeyMap, own: Mapping[str, Tensor], source: str, target: str
) -> dict[str, Tensor]:
    """The tensors of `own` with the official values.

    Args:
        official: the release's state dict.
        keys: how it maps to ours.
        own: our state dict, for its keys and shapes; its values are not looked at.
        source: names the file in errors.
        target: names the preset or network in errors.

    Raises:
        CheckpointError: an official key is missing or unexplained, or a shape is not what `target` needs.
    """
    assert keys.sources.keys() == own.keys(), "the key map must fill exactly the network's own keys"
    used = {key for group in keys.sources.values() for key in group}
    for key in official:
        if key not in used and key not in keys.left_out:
            raise CheckpointError(f"weight file {source} has {key}, which {target} does not know. {MEND}")
    return {key: _stacked(official, group, own[key], source, target) for key, group in keys.sources.items()}


def _stacked(official: Mapping[str, Tensor], group: tuple[str, ...], own: Tensor, source: str, target: str) -> Tensor:
    shape = (own.shape[0] // len(group), *own.shape[1:])
    for key in group:
        if key not in official:
            raise CheckpointError(f"weight file {source} lacks {key}, which {target} needs. {MEND}")
        if official[key].shape != shape:
            found = tuple(official[key].shape)
            raise CheckpointError(f"weight file {source} has {key} of shape {found}; {target} needs {shape}. {MEND}")
    # A copy of its own: safetensors refuses tensors that share memory.
    return torch.cat([official[key] for key in group]).to(own.dtype)
