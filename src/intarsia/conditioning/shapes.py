"""Shape-aware position descriptors: where a pixel lies in its object (SAFM, Lv et al. 2022, section 3.1).

Each pixel of an object counts the pixels of the object's outer contour by distance and direction, in rings whose radii
grow like powers and sectors of equal angle: a shape context (Belongie, Malik, Puzicha 2002). Distances are relative to
the object's width, and counts to their sum, so that a descriptor says the same of a small and a large object.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from intarsia import kernels
from intarsia.data.holes import boxes_of
from intarsia.files import whole_file

Array = npt.NDArray[Any]
VERSION = 1  # of the files that are kept; they are made anew where it differs


@dataclass(frozen=True)
class Bins:
    """Rings and sectors, as published."""

    rings: int = 6
    sectors: int = 12
    inner: float = 0.125  # radius of the innermost ring; an object's width is 2
    outer: float = 2.0

    @property
    def count(self) -> int:
        """Numbers in a descriptor."""
        return self.rings * self.sectors


PUBLISHED = Bins()
CHANNELS = PUBLISHED.count


@dataclass(frozen=True)
class Counts:
    """Descriptors before they are divided by their sums, of the pixels that lie in objects."""

    inside: npt.NDArray[np.bool_]  # H W
    counts: Array  # P rings*sectors unsigned, the pixels row by row


def descriptors(instances: Tensor, first: int = 1, bins: Bins = PUBLISHED) -> Tensor:
    """The descriptors of instance maps, B rings*sectors H W float32 in 0..1, on the maps' device.

    Channel ring * sectors + sector; ring 0 is the outermost. Pixels of no object, and objects of one pixel, have zeros.

    Args:
        instances: B H W int64; equal numbers are one object, in one piece or several.
        first: smaller numbers are no objects.
        bins: rings and sectors.
    """
    maps = [dense(counted(one, first, bins)) for one in instances.cpu().numpy()]
    return torch.stack(maps).to(instances.device)


def kept_descriptors(instances: Tensor, folder: Path | None, first: int = 1) -> Tensor:
    """The descriptors of one instance map (H W int64), 72 H W float32: read from `folder`, or computed and kept there.

    Files are named after what the map holds, so maps of all data sets may share a folder; a damaged one is made anew.

    Raises:
        StorageError: the folder cannot be written.
    """
    given = np.ascontiguousarray(instances.numpy())
    if folder is None:
        return dense(counted(given, first))
    facts = f"{VERSION} {given.shape} {first}".encode()
    path = folder / f"{hashlib.blake2b(facts + given.tobytes(), digest_size=16).hexdigest()}.npz"
    found = _read(path)
    if found is None:
        found = counted(given, first)
        _write(path, found)
    return dense(found)


def counted(instances: Array, first: int = 1, bins: Bins = PUBLISHED) -> Counts:
    """The contours' pixels around each pixel of a map (H W integers)."""
    height, width = instances.shape
    inside = instances >= first
    rows = np.full(instances.shape, -1, np.int32)
    rows[inside] = np.arange(np.count_nonzero(inside))
    counts = np.zeros((np.count_nonzero(inside), bins.count), np.uint16 if height * width < 1 << 16 else np.uint32)
    angles = _angles(1 << (max(height, width) - 1).bit_length(), bins.sectors)
    for number, (left, top, right, bottom) in boxes_of(instances).items():
        if number < first:
            continue
        window = np.s_[top:bottom, left:right]
        mask = instances[window] == number
        places = np.where(mask, rows[window], -1)
        upright = mask.shape[0] > mask.shape[1]
        if upright:
            mask, places = mask.T, places.T
        contour = kernels.outer_contour(np.pad(mask, 1))
        widest = kernels.widest(contour, *mask.shape)
        if widest:  # else a single pixel: no distance to compare with
            places = np.ascontiguousarray(places)
            kernels.shape_context(places, contour, _limits(widest, bins), angles, bins.sectors, upright, counts)
    return Counts(inside, counts)


def dense(counts: Counts) -> Tensor:
    """Descriptors of all pixels, rings*sectors H W float32, channels-last in memory."""
    height, width = counts.inside.shape
    out = np.empty((height * width, counts.counts.shape[1]), np.float32)
    kernels.shares(counts.counts, counts.inside.ravel(), out)
    return torch.from_numpy(out).view(height, width, -1).permute(2, 0, 1)


def _limits(widest: int, bins: Bins) -> npt.NDArray[np.int64]:
    """The largest squared distance that falls into each ring but the outermost, falling: all of them whole numbers.

    Radii are compared as published, in float32 relative to half of the largest.
    """
    edges = _edges(bins)
    half = np.sqrt(np.float32(widest)) / np.float32(2)
    # Near the exact place rounding decides, so look there.
    near = ((edges * half) ** 2).astype(np.int64)
    tried = near[:, None] + np.arange(-2, 3)
    fits = (tried >= 0) & (np.sqrt(np.maximum(tried, 0).astype(np.float32)) / half <= edges[:, None])
    limits: npt.NDArray[np.int64] = np.where(fits, tried, -1).max(1)
    return limits


@lru_cache(maxsize=4)
def _edges(bins: Bins) -> npt.NDArray[np.float64]:
    """The radius of each ring but the outermost, falling."""
    return np.logspace(np.log10(bins.inner), np.log10(bins.outer), bins.rings)[-2::-1].copy()


@lru_cache(maxsize=4)
def _angles(size: int, sectors: int) -> npt.NDArray[np.uint8]:
    """The sector of each difference of places, 2*size-1 squared: as published, in float32.

    On the horizontal it matters which zero is meant: a column difference of 0 is negated, so that a contour pixel sees
    itself half a turn away.
    """
    steps = np.arange(1 - size, size).astype(np.float32)
    angle = np.arctan2(steps[:, None], -steps[None])
    angle[angle < 0] += np.float32(2 * np.pi)
    return np.floor(angle / np.float32(2 * np.pi / sectors)).astype(np.uint8)


def _read(path: Path) -> Counts | None:
    try:
        with path.open("rb") as file, np.load(file) as stored:
            shape = tuple(stored["shape"])
            inside = np.unpackbits(stored["inside"], count=shape[0] * shape[1]).astype(np.bool_).reshape(shape)
            raw = zlib.decompress(stored["counts"].tobytes())
            counts = np.frombuffer(raw, stored["kind"].dtype).reshape(-1, CHANNELS)
            return Counts(inside, counts) if len(counts) == np.count_nonzero(inside) else None
    except (OSError, ValueError, KeyError, zlib.error, zipfile.BadZipFile, EOFError):
        return None


def _write(path: Path, found: Counts) -> None:
    packed = np.frombuffer(zlib.compress(found.counts.tobytes(), 1), np.uint8)
    kind = np.zeros(0, found.counts.dtype)
    with whole_file(path) as temporary:
        np.savez(temporary, shape=found.inside.shape, inside=np.packbits(found.inside), counts=packed, kind=kind)
