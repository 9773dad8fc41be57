"""Holes for training: what a system that fills holes does not get to see of a photo (SESAME, Ntavelis et al. 2020).

Boxes are (left, top, right, bottom) in pixels, right and bottom outside. A box covers an object, or lies anywhere; with
a context the network sees a square view around it instead of the whole photo. Free forms are strokes of a brush with a
rectangle, or all pixels of a class.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw

from intarsia import kernels
from intarsia.data.pairs import Pair
from intarsia.data.transforms import Cut, Size, cut_out, resize, sample
from intarsia.labels import Ids
from intarsia.records import Sample

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom."""
Mask: TypeAlias = npt.NDArray[np.bool_]  # H W
JITTER = 2.0  # how far a view's centre may lie off, in sides of the box, from one end to the other
BRUSHED = 0.7  # share of free holes that are strokes and a rectangle; the others are a class
STROKES, SEGMENTS, LENGTHS, WIDTHS = (12, 16), (1, 5), (10, 49), (10, 19)  # of an image of `DRAWN_FOR` pixels
DRAWN_FOR = 256


@dataclass(frozen=True)
class Holes:
    """How holes are drawn: plain values.

    `context` is the side of the view in sides of the hole's box; 0 leaves the photo as the recipe cuts it.
    """

    context: float = 3.0
    free: float = 0.0  # share of holes of free form instead of boxes
    whole: float = 0.0  # share of holes that are the whole image: the labels alone make the photo
    classes: tuple[int, ...] = ()  # train ids of the objects that are cut out; none: of any
    first_instance: int = 1  # smaller instance numbers are no objects
    least: int = 1  # pixels, of the longer side of an object's box and of the sides of a box that lies anywhere
    most: int = 256  # pixels, of the sides of a box that lies anywhere
    background: float = 0.0  # share of boxes that lie anywhere


def holed_sample(
    holes: Holes,
    pair: Pair,
    *,
    load_size: Size | None,
    crop_size: Size,
    flip: bool,
    rng: random.Random,
    one_class_at_most: float = 1.0,
) -> Sample:
    """A random cut of a labelled photo with a hole. Arguments and errors beside `holes` are those of `sample`.

    With a context, the cut is a view around the hole, resized to `crop_size`; `load_size` and `one_class_at_most` are
    then not looked at.
    """
    if holes.context:
        return _viewed(holes, pair, crop_size, flip, rng)
    one = sample(
        pair,
        load_size=load_size,
        crop_size=crop_size,
        flip=flip,
        rng=rng,
        one_class_at_most=one_class_at_most,
    )
    labels = one.labels.numpy()
    instances = None if one.instances is None else one.instances.numpy()
    return _with(hole_in(holes, labels, drawn_box(holes, labels, instances, rng), rng), one)


def _viewed(holes: Holes, pair: Pair, size: Size, flip: bool, rng: random.Random) -> Sample:
    flipped = rng.random() < 0.5 and flip
    full = (pair.labels.shape[0], pair.labels.shape[1])
    box = drawn_box(holes, pair.labels, pair.instances, rng)
    view = view_around(box, full, holes.context, (rng.random(), rng.random()))
    seen = resize(cropped(pair, view), size)
    hole = hole_in(holes, seen.labels, in_view(box, view, size), rng)
    return _with(hole[:, ::-1] if flipped else hole, cut_out(seen, size, Cut(0, 0, flipped)))


def _with(hole: Mask, one: Sample) -> Sample:
    return replace(one, hole=torch.from_numpy(hole.copy()))


def hole_in(holes: Holes, labels: Ids, box: Box, rng: random.Random) -> Mask:
    """The hole in an image of these labels: the box, or by chance one of another form."""
    size, drawn = (labels.shape[0], labels.shape[1]), rng.random()
    if drawn < holes.whole:
        return np.ones(size, np.bool_)
    if drawn >= holes.whole + holes.free:
        return filled(pixels_of(box, size), size)
    if rng.random() < BRUSHED:
        return brushed(size, rng)
    return np.asarray(labels == rng.choice(np.unique(labels).tolist()))


def drawn_box(holes: Holes, labels: Ids, instances: Ids | None, rng: random.Random) -> Box:
    """The box of an object, or one that lies anywhere: by chance, or where there is no object to choose."""
    candidates = objects_of(holes, labels, instances)
    if not candidates or rng.random() < holes.background:
        return random_box(holes.least, holes.most, (labels.shape[0], labels.shape[1]), rng)
    return rng.choice(candidates)


def objects_of(holes: Holes, labels: Ids, instances: Ids | None) -> list[Box]:
    """The boxes of the objects that may be cut out; without an instance map, regions of a class are objects."""
    numbers = np.zeros(labels.shape, np.int64)
    if instances is None:
        kernels.connected_regions(np.ascontiguousarray(labels), numbers, False)
        numbers += holes.first_instance
    else:
        numbers[:] = instances
    found = []
    for number, box in boxes_of(numbers).items():
        left, top, right, bottom = box
        if number < holes.first_instance or max(right - left, bottom - top) < holes.least:
            continue
        inside = np.s_[top:bottom, left:right]
        if not holes.classes or int(np.median(labels[inside][numbers[inside] == number])) in holes.classes:
            found.append((float(left), float(top), float(right), float(bottom)))
    return found


def boxes_of(numbers: Ids) -> dict[int, tuple[int, int, int, int]]:
    """The tight box around each number of a map (H W)."""
    known, inverse = np.unique(numbers, return_inverse=True)
    rows, columns = np.indices(numbers.shape).reshape(2, -1)
    ends = []
    for places in (columns, rows):
        first, last = np.full(len(known), np.iinfo(np.int64).max), np.zeros(len(known), np.int64)
        np.minimum.at(first, inverse.ravel(), places)
        np.maximum.at(last, inverse.ravel(), places + 1)
        ends.append((first, last))
    (left, right), (top, bottom) = ends
    corners = np.stack([left, top, right, bottom], 1).tolist()
    return {int(number): (box[0], box[1], box[2], box[3]) for number, box in zip(known, corners, strict=True)}


def random_box(least: int, most: int, size: Size, rng: random.Random) -> Box:
    """A box with sides of `least` to `most` pixels, as far as the image (height, width) has them."""
    spans = []
    for side in (size[1], size[0]):
        shortest = min(least, side - 1)
        first = rng.randrange(max(side - shortest - 1, 1))
        end = rng.randint(first + shortest, max(min(first + most, side - 1), first + shortest))
        spans.append((float(first), float(end)))
    (left, right), (top, bottom) = spans
    return left, top, right, bottom


def view_around(box: Box, size: Size, context: float, jitter: tuple[float, float] = (0.5, 0.5)) -> Box:
    """The square that is seen around a box: as published, it leaves out the image's last row and column.

    Args:
        box: in an image of `size`.
        size: height, width.
        context: side of the square in sides of the box, as far as the image goes.
        jitter: x, y in 0..1: where the view lies to both sides of the box's centre, 0.5 around it.
    """
    longer, shortest = max(box[2] - box[0], box[3] - box[1]), min(size)
    side = min(context * longer, shortest)
    ends = []
    for first, last, whole, drawn in ((box[0], box[2], size[1], jitter[0]), (box[1], box[3], size[0], jitter[1])):
        shift = (drawn - 0.5) * min(JITTER * longer, shortest) / 2
        start = max(min((first + last) / 2 - side / 2 + shift, whole - side - 1), 0.0)
        ends.append((start, min(start + side, whole - 1)))
    (left, right), (top, bottom) = ends
    return left, top, right, bottom


def in_view(box: Box, view: Box, size: Size) -> Box:
    """A box where it lies once the view is resized to `size`; not rounded."""
    left, top, right, bottom = view
    across, down = size[1] / (right - left), size[0] / (bottom - top)
    first = ((box[0] - left) * across, (box[1] - top) * down)
    return *first, first[0] + (box[2] - box[0]) * across, first[1] + (box[3] - box[1]) * down


def pixels_of(box: Box, size: Size) -> tuple[int, int, int, int]:
    """The whole pixels of an image that a box begins and ends in; at least one, also where it lies beyond the end."""
    left, top = (min(max(int(first), 0), side - 1) for first, side in ((box[0], size[1]), (box[1], size[0])))
    return left, top, max(min(int(box[2]), size[1]), left + 1), max(min(int(box[3]), size[0]), top + 1)


def filled(box: tuple[int, int, int, int], size: Size) -> Mask:
    """A box as a mask of `size`."""
    left, top, right, bottom = box
    hole = np.zeros(size, np.bool_)
    hole[top:bottom, left:right] = True
    return hole


def cropped(pair: Pair, view: Box) -> Pair:
    """The part of a labelled photo in a view, whose ends are rounded."""
    left, top, right, bottom = (round(end) for end in view)
    window = np.s_[top:bottom, left:right]
    instances = None if pair.instances is None else pair.instances[window]
    return Pair(pair.name, pair.photo[window], pair.labels[window], instances)


def brushed(size: Size, rng: random.Random) -> Mask:
    """Strokes of a brush and a rectangle, H W bool."""
    height, width = size
    scale = min(size) / DRAWN_FOR
    canvas = Image.new("1", (width, height))
    draw = ImageDraw.Draw(canvas)
    for stroke in range(rng.randint(*STROKES)):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        thick = max(round(rng.randint(*WIDTHS) * scale), 1)
        for _ in range(rng.randint(*SEGMENTS)):
            angle = 0.01 + rng.randrange(4)
            angle = 2 * np.pi - angle if stroke % 2 == 0 else angle
            length = rng.randint(*LENGTHS) * scale
            end = (x + length * np.sin(angle), y + length * np.cos(angle))
            draw.line((x, y, *end), fill=1, width=thick)
            x, y = end
    (left, right), (top, bottom) = (sorted(rng.sample(range(side + 1), 2)) for side in (width, height))
    draw.rectangle((left, top, right - 1, bottom - 1), fill=1)
    return np.asarray(canvas)
