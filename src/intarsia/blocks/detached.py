"""Copies of networks that share their weights and need no gradients."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import nn

Layer = TypeVar("Layer", bound=nn.Module)


def detached(layer: Layer) -> Layer:
    """A copy that shares the layer's weights and children, and whose own weights need no gradients."""
    twin = copy.copy(layer)
    twin._parameters = {
        name: None if value is None else nn.Parameter(value.detach(), False)
        for name, value in layer._parameters.items()
    }
    return twin


def detached_tree(network: Layer) -> Layer:
    """`detached` all the way down: what is then done to the copy's modules does not touch the network's."""
    twin = detached(network)
    twin._modules = {name: None if c is None else detached_tree(c) for name, c in network._modules.items()}
    return twin
