"""Lessons for placing and ordering segments, made from labelled photos alone (Qi et al., CVPR 2018, section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from intarsia.conditioning.canvas import Roles
from intarsia.conditioning.segments import Mask, Segment, in_front, large_segments, touching_pairs
from intarsia.records import NO_PAIR, Batch, Lessons, Seeds

Item = TypeVar("Item")
SCALED = 0.1  # proposals are larger or smaller by up to so much
MOVED = 0.125 / 2  # and moved by up to so much of their size
LESSONS = 3  # the place of these draws under a sample's seed


def lessons_of(batch: Batch, roles: Roles, seeds: Seeds, *, proposals: int, pairs: int, hidden: int) -> Lessons:
    """Segments moved and scaled at random, to be put back; pairs of segments that touch, to be ordered.

    Args:
        batch: labelled photos.
        roles: of the classes.
        seeds: of the photos.
        proposals: segments of each photo, at most.
        pairs: pairs of each photo, at most.
        hidden: numbers of each pair to drop a half of.
    """
    maps = batch.labels.cpu().numpy()
    photos = (batch.image.cpu() + 1) / 2
    moved, queries, in_pairs, fronts, dropout = [], [], [], [], []
    for photo, labels, seed in zip(photos, maps, seeds.values, strict=True):
        draw = np.random.default_rng((seed, LESSONS))
        segments = large_segments(labels, roles.thin, roles.classes)
        chosen = _chosen(segments, proposals, draw)
        masks = torch.zeros(proposals, *labels.shape)
        for place, segment in enumerate(chosen):
            masks[place] = torch.from_numpy(segment.mask)
        queries.append(masks)
        moved.append(_moved(photo * masks[:, None], chosen, draw))
        told = [(a, b, front) for a, b in touching_pairs(segments) if (front := in_front(a, b, roles.ground))]
        told = _chosen(told, pairs, draw)
        shown = torch.full((pairs, *labels.shape), -1, dtype=torch.int64)
        for place, (a, b, _) in enumerate(told):
            either = torch.from_numpy(a.mask | b.mask)
            shown[place][either] = torch.from_numpy(labels)[either]
        in_pairs.append(shown)
        fronts.append(torch.tensor([front.label for _, _, front in told] + [NO_PAIR] * (pairs - len(told))))
        dropout.append(torch.from_numpy(2 * draw.integers(0, 2, (pairs, hidden)).astype(np.float32)))
    made = [torch.stack(parts).to(batch.image.device) for parts in (moved, queries, in_pairs, fronts, dropout)]
    return Lessons(batch.labels, *made)


def _moved(segments: Tensor, which: Sequence[Segment], draw: np.random.Generator) -> Tensor:
    """P 3 H W: each of the first segments scaled and moved, if it stays inside; the others as they are."""
    height, width = segments.shape[-2:]
    thetas = torch.eye(2, 3).repeat(len(segments), 1, 1)
    for place, segment in enumerate(which):
        scale = 1 + SCALED * (2 * draw.random() - 1)
        top, bottom, left, right = _box(segment.mask)
        down, across = (MOVED * (2 * draw.random() - 1) * size for size in (bottom - top, right - left))
        centre = ((top + bottom) / 2, (left + right) / 2)
        reach = ((bottom - top) / 2 * scale, (right - left) / 2 * scale)
        inside = all(
            middle + step - half >= 0 and middle + step + half <= side
            for middle, step, half, side in zip(centre, (down, across), reach, (height, width), strict=True)
        )
        if inside:
            # A place looks at (place - centre - step) / scale + centre, in units of half the image from its middle.
            offsets = [
                (2 * middle / side - 1) - (2 * (middle + step) / side - 1) / scale
                for middle, step, side in zip(centre[::-1], (across, down), (width, height), strict=True)
            ]
            thetas[place] = torch.tensor([[1 / scale, 0, offsets[0]], [0, 1 / scale, offsets[1]]])
    grid = F.affine_grid(thetas, list(segments.shape), align_corners=False)
    return F.grid_sample(segments, grid, align_corners=False)


def _box(mask: Mask) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of a mask; bottom and right are beyond it."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _chosen(items: Sequence[Item], most: int, draw: np.random.Generator) -> list[Item]:
    """At most so many of the items, at random, in their order."""
    if len(items) <= most:
        return list(items)
    return [items[place] for place in sorted(draw.choice(len(items), most, replace=False))]
