"""Collages: for each segment of a label map one out of a bank, in its place, on a canvas (SIMS, Qi et al., CVPR 2018).

Looked up by class, shape and surroundings; brought to its place by the placing network, if that makes it fit better;
pasted from back to front, where the ordering network has the last word on which of two that overlap is seen. Around
borders half of the pixels are left out, and around objects the ground, so that the painting network draws the seams and
the shadows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from intarsia.blocks.spatial_transformer import transformed
from intarsia.conditioning.canvas import WHITE, Picture, Roles, band, halved_at_random
from intarsia.conditioning.segments import Labels, Mask, Segment, segments_of
from intarsia.synthesis.segment_bank import Found, SegmentBank
from intarsia.systems.sims import SimsGenerator

INNER_BAND, OUTER_BAND = 0.035, 0.08  # of the height: left out inside of borders, and around objects
EXTENDED = 0.125  # of an object's box: how far to its sides and below the ground is left out
Item = TypeVar("Item")
AT_ONCE = 10  # segments to place, or pairs to order, in one batch


@dataclass(frozen=True, eq=False)
class Piece:
    """A segment of a label map, and what is pasted for it."""

    segment: Segment
    mask: Mask
    picture: Picture


@dataclass(frozen=True, eq=False)
class Collage:
    """A canvas, and the label map that belongs to it: unlabelled where an object's segment does not reach."""

    canvas: Picture  # H W 3
    labels: Labels
    lacking: tuple[str, ...]  # classes that the bank has no segment of


@torch.inference_mode()
def collage(generator: SimsGenerator, bank: SegmentBank, labels: Labels, roles: Roles, seed: int) -> Collage:
    """A canvas for a label map.

    Args:
        generator: whose networks place and order segments.
        bank: of the size of the label map.
        labels: H W train ids.
        roles: of the classes.
        seed: 0 takes the segments that are most alike, others draw among the best; the pixels left out hang on it too.
    """
    draw = np.random.default_rng(seed)
    segments = segments_of(labels, roles.thin, roles.classes)
    large = [segment for segment in segments if segment.is_large]
    pieces = []
    for segment in large:
        found = bank.retrieve(segment, labels)
        if found:
            pieces.append((segment, found[int(draw.integers(len(found))) if seed else 0]))
    placed = [piece for some in _groups(pieces) for piece in _placed(generator, some, labels)]
    placed.sort(key=lambda piece: (bank.order.index(piece.segment.label), piece.segment.reach))
    fronts = _fronts(generator, placed, labels)
    canvas, noisy = _pasted(placed, fronts, labels, roles, draw)
    for segment in segments:
        if segment.label not in roles.stuff and segment.label not in roles.ground:
            canvas[_ground_around(segment, noisy, roles)] = 0
    return Collage(canvas, noisy, tuple(bank.lacking(segment.label for segment in large)))


def _placed(generator: SimsGenerator, pieces: Sequence[tuple[Segment, Found]], labels: Labels) -> list[Piece]:
    """The pieces in their places; as they are where that fits no better."""
    proposals = torch.from_numpy(np.stack([found.picture * found.mask[..., None] for _, found in pieces]))
    proposals = proposals.permute(0, 3, 1, 2).contiguous()
    queries = torch.from_numpy(np.stack([segment.mask for segment, _ in pieces])).float()
    device = generator.colours.device
    layout = torch.from_numpy(labels)[None].to(device)
    theta = generator.places(proposals[None].to(device), queries[None].to(device), layout).cpu()
    theta = theta.round()  # whole pixels, as published: nothing is blurred
    masks = torch.from_numpy(np.stack([found.mask for _, found in pieces])).float()
    warped = transformed(torch.cat([proposals, masks[:, None]], 1), theta)
    placed = []
    for (segment, found), moved in zip(pieces, warped, strict=True):
        mask = moved[3].numpy() > 0.5
        better = (mask & segment.mask).sum() > (found.mask & segment.mask).sum()
        picture = moved[:3].permute(1, 2, 0).numpy() if better else found.picture
        placed.append(Piece(segment, mask if better else found.mask, picture))
    return placed


def _fronts(generator: SimsGenerator, pieces: Sequence[Piece], labels: Labels) -> dict[tuple[int, int], int]:
    """By the numbers of two pieces of different classes that overlap: the class in front, as the network says."""
    pairs = [
        (a, b)
        for a, b in combinations(range(len(pieces)), 2)
        if pieces[a].segment.label != pieces[b].segment.label and (pieces[a].mask & pieces[b].mask).any()
    ]
    device = generator.colours.device
    layout = torch.from_numpy(labels)[None].to(device)
    fronts: dict[tuple[int, int], int] = {}
    for some in _groups(pairs):
        shown = [np.where(pieces[a].segment.mask | pieces[b].segment.mask, labels, -1) for a, b in some]
        scores = generator.orders(torch.from_numpy(np.stack(shown))[None].to(device), layout)[0]
        fronts |= dict(zip(some, (scores.argmax(1) - 1).tolist(), strict=True))
    return fronts


def _pasted(
    pieces: Sequence[Piece],
    fronts: dict[tuple[int, int], int],
    labels: Labels,
    roles: Roles,
    draw: np.random.Generator,
) -> tuple[Picture, Labels]:
    """Canvas and label map after all pieces, from back to front."""
    canvas = np.zeros((*labels.shape, 3), np.float32)
    noisy, owner = labels.copy(), np.full(labels.shape, -1)
    for number, piece in enumerate(pieces):
        mask = piece.mask.copy()
        for earlier in range(number):
            if fronts.get((earlier, number)) == pieces[earlier].segment.label:
                mask &= owner != earlier
        noisy[piece.segment.mask | (piece.segment.wide & (owner < 0))] = roles.unlabelled
        noisy[mask] = piece.segment.label
        canvas[mask] = piece.picture[mask]
        canvas[halved_at_random(band(mask, INNER_BAND) & mask, draw)] = WHITE
        owner[mask] = number
    # Of thin things, small ones and those not found the label alone stays, and stuff that nothing was pasted on.
    pasted = np.zeros(labels.shape, bool)
    for piece in pieces:
        pasted |= piece.segment.mask
    back = (noisy == roles.unlabelled) & (np.isin(labels, roles.stuff) | ~pasted)
    noisy[back] = labels[back]
    return canvas, noisy


def _ground_around(segment: Segment, labels: Labels, roles: Roles) -> Mask:
    """The ground next to an object, to its sides and below it, where its shadow may fall."""
    rows, columns = (np.flatnonzero(segment.mask.any(axis)) for axis in (1, 0))
    box = np.zeros(segment.mask.shape, bool)
    down = int(EXTENDED * (rows[-1] - rows[0] + 1))
    across = int(EXTENDED * (columns[-1] - columns[0] + 1))
    box[rows[0] : rows[-1] + 1 + down, max(columns[0] - across, 0) : columns[-1] + 1 + across] = True
    ground = np.isin(labels, [*roles.ground, roles.unlabelled])
    around: Mask = box & ground & band(segment.mask, OUTER_BAND) & ~segment.mask
    return around


def _groups(items: Sequence[Item]) -> list[Sequence[Item]]:
    """The items, so many at once as are looked at in one batch."""
    return [items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE)]


def spread_out(made: Collage, labels: Tensor) -> tuple[Tensor, Tensor]:
    """A collage at another size: canvas 3 H W and labels H W.

    Args:
        made: at the size that its networks were trained at.
        labels: H W int64 train ids, the label map in full; changed where the collage changed it.
    """
    size = (labels.shape[0], labels.shape[1])
    canvas = torch.from_numpy(made.canvas).permute(2, 0, 1)[None]
    if made.labels.shape == size:
        return canvas[0], torch.from_numpy(made.labels)
    canvas = F.interpolate(canvas, size, mode="bilinear", align_corners=False)[0]
    small = shrunk(labels, made.labels.shape)
    grown = F.interpolate(torch.from_numpy(made.labels)[None, None].float(), size, mode="nearest")[0, 0].long()
    before = F.interpolate(torch.from_numpy(small)[None, None].float(), size, mode="nearest")[0, 0].long()
    return canvas, torch.where(grown == before, labels, grown)


def shrunk(labels: Tensor, size: Sequence[int]) -> Labels:
    """A label map H W at another size, nearest."""
    found: Labels = F.interpolate(labels[None, None].float(), tuple(size), mode="nearest")[0, 0].long().numpy()
    return found
