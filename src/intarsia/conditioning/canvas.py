"""Canvases: what is pasted of photos, with boundaries left out for a network to fill in (Qi et al., CVPR 2018).

A pixel of a canvas is a photo's colour, 0 where nothing is, or white where a boundary was left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from intarsia.conditioning.segments import Labels, Mask, Segment, dilated, large_segments, outline, overlap
from intarsia.records import Batch, Seeds

Picture = npt.NDArray[np.float32]
"""H W 3 in [0, 1]."""
WHITE = 1.0
LEARNT_BAND = 0.05  # of the height: the band around a border of which half is left out in training
RECOLOURED = 0.2  # of the segments in training
CANVAS = 2  # the place of a canvas's draws under a sample's seed


@dataclass(frozen=True)
class Roles:
    """Classes that are treated apart."""

    classes: int  # how many there are
    unlabelled: int  # the label of pixels of none
    thin: tuple[int, ...]  # things that do not split what is behind them
    ground: tuple[int, ...]  # what lies flat
    stuff: tuple[int, ...]  # what needs no photo's segment to be known: misses keep their label


def halved_at_random(mask: Mask, draw: np.random.Generator) -> Mask:
    """A random half of a mask's pixels."""
    half: Mask = mask & (draw.random(mask.shape) < 0.5)
    return half


def band(mask: Mask, share: float) -> Mask:
    """A band around a mask's border, `share` of the height wide."""
    return dilated(outline(mask), int(share * mask.shape[0]))


def training_canvases(batch: Batch, roles: Roles, seeds: Seeds) -> tuple[Tensor, Tensor]:
    """Canvases to learn from: each photo with holes, as if its segments had come from other photos.

    For each large segment the one of its class in the batch's other photos (or its own, mirrored) that overlaps it most
    lends its shape: pixels of both shapes are pasted. Some segments take over the other's colours. Objects become
    unlabelled where only one of the shapes is.

    Returns:
        Canvas B 3 H W float32 in [0, 1], and labels B H W int64, on the batch's device.
    """
    maps = batch.labels.cpu().numpy()
    photos = ((batch.image.cpu() + 1) / 2).permute(0, 2, 3, 1).numpy()
    found = [large_segments(labels, roles.thin, roles.classes) for labels in maps]
    made = []
    for place, seed in enumerate(seeds.values):
        lent = [(number, other) for number, others in enumerate(found) if number != place for other in others]
        draw = np.random.default_rng((seed, CANVAS))
        made.append(_training_canvas(photos, place, maps[place], found[place], lent, roles, draw))
    device = batch.image.device
    canvas = torch.from_numpy(np.stack([picture for picture, _ in made])).permute(0, 3, 1, 2).contiguous()
    return canvas.to(device), torch.from_numpy(np.stack([labels for _, labels in made])).to(device)


def _training_canvas(
    photos: Picture,
    place: int,
    labels: Labels,
    segments: Sequence[Segment],
    lent: Sequence[tuple[int, Segment]],
    roles: Roles,
    draw: np.random.Generator,
) -> tuple[Picture, Labels]:
    """One of them: photo number `place` with its labels and segments; `lent` are the others, with their photos."""
    canvas = np.zeros_like(photos[place])
    noisy = labels.copy()
    for segment in back_to_front(segments, roles.ground):
        others = [(number, other.mask) for number, other in lent if other.label == segment.label]
        others.append((place, segment.mask[:, ::-1]))
        number, shape = max(others, key=lambda one: overlap(one[1], segment.mask))
        pasted = segment.mask & shape
        if draw.random() < RECOLOURED and pasted.any():
            lender = photos[number][:, ::-1] if number == place else photos[number]
            canvas[pasted] = recoloured(photos[place][pasted], lender[shape])
        else:
            canvas[pasted] = photos[place][pasted]
        canvas[halved_at_random(band(pasted, LEARNT_BAND), draw)] = WHITE
        if segment.label not in roles.stuff:
            noisy[segment.mask ^ shape] = roles.unlabelled
    return canvas, noisy


def back_to_front(segments: Sequence[Segment], ground: Sequence[int]) -> list[Segment]:
    """Segments in the order that they are pasted in: what lies flat first, then the farther before the nearer."""
    return sorted(segments, key=lambda segment: (segment.label not in ground, segment.reach))


def recoloured(pixels: Picture, model: Picture) -> Picture:
    """Pixels (n 3 in [0, 1]) with mean and covariance of others, by the linear Monge-Kantorovich map (Pitie 2007)."""
    means = [values.mean(0) for values in (pixels, model)]
    covariances = [
        np.cov(values.T, bias=True) + 1e-4 * np.eye(3) if len(values) > 1 else np.eye(3) for values in (pixels, model)
    ]
    root, inverse = _roots(covariances[0])
    middle, _ = _roots(root @ covariances[1] @ root)
    mapped = (pixels - means[0]) @ (inverse @ middle @ inverse) + means[1]
    out: Picture = mapped.clip(0, 1).astype(np.float32)
    return out


def _roots(matrix: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The square root of a symmetric positive matrix, and that root's inverse."""
    values, vectors = np.linalg.eigh(matrix)
    roots = np.sqrt(values.clip(1e-12))
    return (vectors * roots) @ vectors.T, (vectors / roots) @ vectors.T
