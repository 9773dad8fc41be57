"""Label and instance maps from the pass of numbers that is rendered beside the photo."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]


def read_classes(path: Path) -> tuple[list[str], list[list[int]]]:
    """Names and colours of a label space's classes, whose ids must be 0, 1, ... in order."""
    classes: list[dict[str, Any]] = json.loads(path.read_text())["classes"]
    if [c["id"] for c in classes] != list(range(len(classes))):
        raise ValueError(f"{path} has ids that are not 0, 1, 2, ... in order")
    return [c["name"] for c in classes], [c["colour"] for c in classes]


def read_channel(path: Path, name: str) -> npt.NDArray[np.float32]:
    """One 32-bit channel (H W) of an uncompressed OpenEXR file of scan lines; `name` is how the channel's name ends."""
    data = path.read_bytes()
    place = 8
    header: dict[str, bytes] = {}
    while data[place] != 0:
        end = data.index(b"\0", place)
        key, place = data[place:end].decode(), data.index(b"\0", end + 1) + 1
        (size,) = struct.unpack_from("<i", data, place)
        header[key] = data[place + 4 : place + 4 + size]
        place += 4 + size
    left, top, right, bottom = struct.unpack("<4i", header["dataWindow"])
    width, height = right - left + 1, bottom - top + 1
    channels = _channel_names(header["channels"])
    (number,) = [i for i, channel in enumerate(channels) if channel.endswith(name)]
    starts = np.frombuffer(data, "<u8", height, place + 1)
    rows = [np.frombuffer(data, "<f4", width, int(start) + 8 + 4 * width * number) for start in starts]
    return np.stack(rows)


def _channel_names(table: bytes) -> list[str]:
    """Channels of an OpenEXR header in their order; all must be 32-bit."""
    names, place = [], 0
    while table[place] != 0:
        end = table.index(b"\0", place)
        names.append(table[place:end].decode())
        (kind,) = struct.unpack_from("<i", table, end + 1)
        if kind not in (0, 2):
            raise ValueError(f"channel {names[-1]} is not 32-bit")
        place = end + 17
    return names


def label_map(numbers: Numbers, number_classes: Sequence[int]) -> npt.NDArray[np.uint8]:
    """Class ids (H W)."""
    return np.asarray(number_classes, np.uint8)[numbers]


def instance_map(numbers: Numbers) -> npt.NDArray[np.uint16]:
    """The numbers (H W) counted anew from 0, in order, without gaps."""
    found, compact = np.unique(numbers, return_inverse=True)
    assert len(found) <= 1 << 16
    return compact.reshape(numbers.shape).astype(np.uint16)
