"""Segments: connected regions of one class, and how two of them lie to each other (Qi et al., CVPR 2018, section 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from intarsia.conditioning.objects import connected_regions

Mask = npt.NDArray[np.bool_]
"""H W."""
Labels = npt.NDArray[np.int64]
"""H W train ids."""
LEAST_SHARE = 1000 / (256 * 512)
"""Of the image: what is smaller is not looked up, placed or ordered."""


@dataclass(frozen=True, eq=False)
class Segment:
    """A connected region of one class."""

    label: int
    mask: Mask
    wide: Mask  # the same with the thin things before it

    @property
    def is_large(self) -> bool:
        """Whether it is worth a photo's segment."""
        return bool(self.mask.sum() > LEAST_SHARE * self.mask.size)

    @property
    def reach(self) -> int:
        """The last row that it reaches: on the ground, what reaches farther down is nearer."""
        return int(np.flatnonzero(self.mask.any(1))[-1])


def segments_of(labels: Labels, thin: Sequence[int], classes: int) -> list[Segment]:
    """All segments of a label map, class by class.

    Thin things (poles, signs) do not split what is behind them: they count as part of it when regions are looked for.
    A region that is mostly thin things is left out.

    Args:
        labels: train ids; those from `classes` on are don't-care.
        thin: classes of thin things.
        classes: how many classes there are.
    """
    before = np.isin(labels, list(thin))
    found = []
    for label in np.unique(labels[labels < classes]):
        own = labels == label
        if label in thin:
            found += [Segment(int(label), mask, mask) for mask in _regions(own)]
            continue
        for wide in _regions(own | before):
            mask = wide & own
            if 2 * mask.sum() > wide.sum():
                found.append(Segment(int(label), mask, wide))
    return found


def large_segments(labels: Labels, thin: Sequence[int], classes: int) -> list[Segment]:
    """Those that are worth a photo's segment."""
    return [segment for segment in segments_of(labels, thin, classes) if segment.is_large]


def overlap(a: Mask, b: Mask) -> float:
    """Intersection over union; 0 for two empty masks."""
    union = np.logical_or(a, b).sum()
    return float(np.logical_and(a, b).sum() / union) if union else 0.0


def dilated(mask: Mask, side: int) -> Mask:
    """The mask grown by a square of about `side` pixels (the next odd number)."""
    return _pooled(mask, side)


def outline(mask: Mask) -> Mask:
    """The pixels on both sides of a mask's border; the image's border is none."""
    grown: Mask = _pooled(mask, 3) & _pooled(~mask, 3)
    return grown


def touch(a: Mask, b: Mask) -> bool:
    """Whether two masks lie next to each other or overlap."""
    return bool((dilated(a, 3) & b).any())


def in_front(a: Segment, b: Segment, ground: Sequence[int]) -> Segment | None:
    """Which of two segments is in front, told from the labels alone; None if that cannot be told.

    What lies flat is behind what stands on it; otherwise what reaches farther down in the image is nearer. (The paper
    reads it from disparity, which few data sets have.)
    """
    flat = [segment.label in ground for segment in (a, b)]
    if flat[0] != flat[1]:
        return b if flat[0] else a
    if a.reach == b.reach:
        return None
    return a if a.reach > b.reach else b


def touching_pairs(segments: Sequence[Segment]) -> Iterator[tuple[Segment, Segment]]:
    """Pairs of segments of different classes that lie next to each other."""
    for place, first in enumerate(segments):
        grown = dilated(first.mask, 3)
        for second in segments[place + 1 :]:
            if second.label != first.label and (grown & second.mask).any():
                yield first, second


def _regions(mask: Mask) -> list[Mask]:
    """The parts of a mask that hang together, by corners too."""
    numbers = connected_regions(torch.from_numpy(mask.astype(np.int64))[None], corners=True)[0].numpy()
    return [numbers == number for number in np.unique(numbers[mask])]


def _pooled(mask: Mask, side: int) -> Mask:
    reach = max(side, 1) // 2
    grown = F.max_pool2d(torch.from_numpy(mask)[None, None].float(), 2 * reach + 1, stride=1, padding=reach)
    out: Mask = grown[0, 0].numpy() > 0
    return out
