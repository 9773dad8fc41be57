"""Coded maps: a label map is never a stack of one-hot planes.

A coded map holds B H W codes and a codebook of K rows; the dense map that it stands for is `codebook[codes]`, and
nobody builds it. Labels, don't-care, instance edges, holes, noise that is constant over a region: each is some columns
of the codebook. Layers that look at the map compute once per distinct neighbourhood of codes, not once per pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Protocol, TypeAlias, overload
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor

from intarsia import kernels


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """The distinct windows of a code map, and which of them each place has."""

    members: Tensor  # U T int32: the code at each of the T taps, row by row; -1 outside the image
    index: Tensor  # B h w int32: the window around each place
    codes: int  # how many codes there are
    _again: dict[int, Neighbourhoods] = field(default_factory=dict, repr=False)

    def again(self, kernel: int) -> Neighbourhoods:
        """Distinct windows of these windows (for a second convolution of odd size `kernel`), found once."""
        if kernel not in self._again:
            self._again[kernel] = neighbourhoods(self.index, len(self.members), kernel)
        return self._again[kernel]

    def only(self, which: Tensor) -> Neighbourhoods:
        """Some of the windows, in the order given, as members of no map."""
        return Neighbourhoods(self.members[which], self.index.new_empty(0), self.codes)

    @cached_property
    def bags(self) -> Tensor:
        """`members` as row numbers into a table of T * codes + 1 rows.

        Row tap * codes + code is what a code adds at that tap; the last row is for taps outside the image.
        """
        count = self.members.shape[1]
        taps = torch.arange(count, dtype=torch.int32, device=self.members.device)
        return torch.where(self.members >= 0, self.members + taps * self.codes, count * self.codes)

    @cached_property
    def containing(self) -> tuple[Tensor, Tensor]:
        """The transpose of `bags`: the windows that row r is part of are window[start[r] : start[r + 1]].

        (start, window), both int32; the last row, for taps outside the image, is left out.
        """
        taps = self.members.shape[1]
        rows, order = self.bags.flatten().sort(stable=True)
        bounds = torch.arange(taps * self.codes + 1, dtype=torch.int32, device=rows.device)
        start = torch.searchsorted(rows, bounds, out_int32=True)
        return start, (order[: int(start[-1])] // taps).int()


# Of the distinct windows, the largest share that may be new for taking over the others to pay.
NEW_SHARE = 0.5


@dataclass(frozen=True)
class Renewal:
    """How tables of one row for each double window of a map follow from those of an earlier map of the same size."""

    kept: Tensor  # int64, the windows that are as they were
    places: Tensor  # int64, for each of these a pixel of the batch that has it in both maps
    new: Tensor  # int64, the other windows
    hidden: Neighbourhoods  # the windows of codes that the new ones are made of
    double: Neighbourhoods  # the new windows, by numbers of `hidden`


@dataclass(frozen=True, eq=False)
class CodedMap:
    """B H W codes into a codebook of K rows and C columns; stands for the dense map B C H W."""

    codes: Tensor  # B H W int32, 0 <= code < K
    codebook: Tensor  # K C float32
    _windows: dict[tuple[int, int, int], Neighbourhoods] = field(default_factory=dict, repr=False)
    _half: list[CodedMap] = field(default_factory=list, repr=False)
    _averaged: dict[int, CodedMap] = field(default_factory=dict, repr=False)
    _renewals: WeakKeyDictionary[CodedMap, dict[int, Renewal | None]] = field(
        default_factory=WeakKeyDictionary, repr=False
    )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.codes.shape[1], self.codes.shape[2]

    def dense(self) -> Tensor:
        """The map written out, B C H W float32: the reference."""
        return self.codebook[self.codes.long()].permute(0, 3, 1, 2).contiguous()

    def compact(self) -> CodedMap:
        """The same map with only the rows that occur: a photo shows few of a data set's classes."""
        codes = self.codes.long()
        occurs = torch.bincount(codes.flatten(), minlength=len(self.codebook)) > 0
        return CodedMap((occurs.cumsum(0) - 1)[codes].int(), self.codebook[occurs])

    def recoded(self, codebook: Tensor) -> CodedMap:
        """The same codes with other rows (K C'): what was found out about the codes is shared."""
        return CodedMap(self.codes, codebook, self._windows)

    def neighbourhoods(self, kernel: int, *, stride: int = 1, padding: int | None = None) -> Neighbourhoods:
        """Distinct `kernel` x `kernel` windows at every place that a convolution would visit, found once.

        `padding` is kernel // 2 unless given.
        """
        key = (kernel, stride, kernel // 2 if padding is None else padding)
        if key not in self._windows:
            self._windows[key] = neighbourhoods(self.codes, len(self.codebook), *key)
        return self._windows[key]

    def renewal(self, before: CodedMap, kernel: int) -> Renewal | None:
        """What of tables of `before`, of the same size, two convolutions of `kernel` in a row find again; found once.

        None where too little is as it was.
        """
        found = self._renewals.setdefault(before, {})
        if kernel not in found:
            found[kernel] = renewal(before, self, kernel)
        return found[kernel]

    def halved(self) -> CodedMap:
        """The map after 3x3 average pooling with stride 2, padding 1 that does not count: exact, and again a coded map.

        A distinct window becomes one code; its row is the mean of the rows in it. Made once.
        """
        if not self._half:
            windows = self.neighbourhoods(3, stride=2)
            inside = windows.members >= 0
            rows = self.codebook[windows.members.clamp(min=0).long()] * inside.unsqueeze(-1)
            self._half.append(CodedMap(windows.index, rows.sum(1) / inside.sum(1, keepdim=True)))
        return self._half[0]

    def averaged(self, side: int) -> CodedMap:
        """Averages of cells of `side` x `side` pixels, as `avg_pool2d` makes them; a distinct cell is one code.

        Made once for each side.
        """
        if side not in self._averaged:
            cells = self.neighbourhoods(side, stride=side, padding=0)
            rows = F.embedding_bag(cells.members.long(), self.codebook, mode="mean")
            self._averaged[side] = CodedMap(cells.index, rows)
        return self._averaged[side]

    def mirrored(self, margin: int) -> CodedMap:
        """The map with `margin` more pixels on each side, mirrored at the border as `pad(mode="reflect")` does."""
        rows, columns = (mirrored_places(-margin, size + margin, size).to(self.codes.device) for size in self.size)
        return CodedMap(self.codes[:, rows][:, :, columns].contiguous(), self.codebook)


def renewal(before: CodedMap, after: CodedMap, kernel: int) -> Renewal | None:
    """Compare two maps of one size, for two convolutions of odd size `kernel` in a row."""
    windows = after.neighbourhoods(kernel)
    double = windows.again(kernel)
    # Both convolutions together look this far.
    changed = F.max_pool2d(differing(before, after).float(), 2 * kernel - 1, stride=1, padding=kernel - 1) > 0
    same = (~changed.flatten()).nonzero()[:, 0]
    place = torch.full((len(double.members),), -1, device=same.device)
    place[double.index.flatten()[same].long()] = same
    new = (place < 0).nonzero()[:, 0]
    if len(new) > NEW_SHARE * len(place):
        return None
    kept = (place >= 0).nonzero()[:, 0]
    members = double.members[new].long()
    needed, numbers = torch.unique(members.clamp(min=0), return_inverse=True)
    renumbered = torch.where(members < 0, -1, numbers).int()
    part = Neighbourhoods(renumbered, double.index.new_empty(0), len(needed))
    return Renewal(kept, place[kept], new, windows.only(needed), part)


def differing(before: CodedMap, after: CodedMap) -> Tensor:
    """Where two maps of one size differ, B H W bool: by the values of their rows, whatever their codes."""
    rows = torch.cat([before.codebook, after.codebook])
    _, numbers = torch.unique(rows, dim=0, return_inverse=True)
    first, second = numbers.split([len(before.codebook), len(after.codebook)])
    changed: Tensor = first[before.codes.long()] != second[after.codes.long()]
    return changed


Semantics: TypeAlias = CodedMap | Tensor
"""What a network is conditioned on: a coded map, or the dense planes B C H W float32 that it stands for."""


class Sized(Protocol):
    """What a network is conditioned on, such as a coded map, at one resolution."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        ...


def semantics_size(semantics: Tensor | Sized) -> tuple[int, int]:
    """Height and width."""
    return (semantics.shape[2], semantics.shape[3]) if isinstance(semantics, Tensor) else semantics.size


@overload
def halved(semantics: Tensor) -> Tensor: ...
@overload
def halved(semantics: Semantics) -> Semantics: ...
def halved(semantics: Semantics) -> Semantics:
    """The map (or an image) at half its resolution: 3x3 averages, stride 2, over what lies inside."""
    if isinstance(semantics, CodedMap):
        return semantics.halved()
    return F.avg_pool2d(semantics, 3, stride=2, padding=1, count_include_pad=False)


def averaged(semantics: Semantics, side: int) -> Semantics:
    """The map at 1 / `side` of its resolution: averages over cells of `side` x `side` pixels."""
    return semantics.averaged(side) if isinstance(semantics, CodedMap) else F.avg_pool2d(semantics, side)


@overload
def mirrored(semantics: Tensor, margin: int) -> Tensor: ...
@overload
def mirrored(semantics: Semantics, margin: int) -> Semantics: ...
def mirrored(semantics: Semantics, margin: int) -> Semantics:
    """The map with `margin` more pixels on each side, mirrored at the border."""
    return semantics.mirrored(margin) if isinstance(semantics, CodedMap) else F.pad(semantics, (margin,) * 4, "reflect")


def mirrored_places(first: int, end: int, size: int) -> Tensor:
    """The places first .. end - 1 of an axis of `size` places, those beyond its ends mirrored into it."""
    places = torch.arange(first, end).abs()
    return torch.minimum(places, 2 * (size - 1) - places)


def neighbourhoods(
    codes: Tensor, count: int, kernel: int, stride: int = 1, padding: int | None = None
) -> Neighbourhoods:
    """Find the distinct windows of `codes` (B H W int32, values below `count`)."""
    padding = kernel // 2 if padding is None else padding
    if codes.device.type != "cpu":
        return Neighbourhoods(*distinct_windows(codes, count, kernel, stride, padding), count)
    members, index = kernels.distinct_windows(codes.contiguous().numpy(), kernel, stride, padding)
    return Neighbourhoods(torch.from_numpy(members), torch.from_numpy(index), count)


def distinct_windows(codes: Tensor, count: int, kernel: int, stride: int, padding: int) -> tuple[Tensor, Tensor]:
    """`kernels.distinct_windows` in plain torch, for other devices; the numbering differs."""
    padded = F.pad(codes, (padding,) * 4, value=-1)
    windows = padded.unfold(1, kernel, stride).unfold(2, kernel, stride).flatten(3)
    # One sort of fingerprints instead of one for each tap; what fingerprints cannot tell apart is found below.
    members, index = _told_apart(windows, (windows.long() * _multipliers(kernel).to(codes.device)).sum(-1))
    if not torch.equal(members[index.long()], windows):
        members, index = _told_apart(windows, _numbers(windows, count))
    return members, index


def _told_apart(windows: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """One window (U T) for each value of the key (B h w), and each place's (B h w int32)."""
    values, index = torch.unique(key, return_inverse=True)
    first = torch.empty(len(values), dtype=torch.long, device=key.device)
    first[index.flatten()] = torch.arange(index.numel(), device=key.device)
    return windows.flatten(0, 2)[first], index.int()


@cache
def _multipliers(kernel: int) -> Tensor:
    """Odd random factors, one for each tap of a window: T int64."""
    draw = torch.Generator().manual_seed(kernel)
    return torch.randint(-(1 << 62), 1 << 62, (kernel * kernel,), generator=draw) | 1


def _numbers(windows: Tensor, count: int) -> Tensor:
    """A number for each distinct window of codes below `count`, B h w int64, whatever it holds."""
    key = torch.zeros_like(windows[..., 0], dtype=torch.long)
    for tap in range(windows.shape[-1]):
        # Renumbering after each tap keeps keys small: at most places * codes at any time.
        key = torch.unique(key * (count + 1) + windows[..., tap] + 1, return_inverse=True)[1]
    return key


def resized(semantics: Semantics, height: int, width: int) -> Semantics:
    """The map at another resolution: nearest, with the index floor(i * scale) that `interpolate` uses by default."""
    if isinstance(semantics, Tensor):
        return F.interpolate(semantics, (height, width), mode="nearest")
    if semantics.size == (height, width):
        return semantics
    rows, columns = (
        F.interpolate(torch.arange(old, dtype=torch.float32)[None, None], new, mode="nearest")[0, 0].long()
        for old, new in zip(semantics.size, (height, width), strict=True)
    )
    codes = semantics.codes[:, rows.to(semantics.codes.device)][:, :, columns.to(semantics.codes.device)]
    return CodedMap(codes.contiguous(), semantics.codebook)
