"""The blocks of a generator and the resolutions that they work at."""

from __future__ import annotations

from typing import Any

from torch import nn

from intarsia.systems.system import System

Size = tuple[int, int]


def levels(system: System, size: Size) -> list[tuple[Size, nn.Module]]:
    """(height, width) and block, from the start grid to the image."""
    decoder: Any = system.generator.decoder
    height, width = (side // system.config.stride for side in size)
    found = []
    for block, double in zip(decoder.blocks, decoder.doublings, strict=True):
        height, width = (2 * height, 2 * width) if double else (height, width)
        found.append(((height, width), block))
    return found
