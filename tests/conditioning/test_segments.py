"""Segments: connected regions of a class, and how two of them lie to each other."""

import numpy as np
import pytest

from intarsia.conditioning.segments import (
    Segment,
    dilated,
    in_front,
    large_segments,
    outline,
    overlap,
    segments_of,
    touching_pairs,
)

ROAD, BUILDING, POLE, CAR = 0, 1, 2, 3


def of(*rows):
    return np.array([[int(letter) for letter in row] for row in rows], np.int64)


def test_segments_are_regions_of_one_class_that_hang_together_by_corners_too():
    labels = of("1100", "0011", "1000")
    found = segments_of(labels, (), 4)
    # Both zeros' regions meet at a corner, as do both halves of the first ones; the last one stands alone.
    assert [(segment.label, int(segment.mask.sum())) for segment in found] == [(0, 7), (1, 4), (1, 1)]
    assert (sum(segment.mask.astype(int) for segment in found) == 1).all()


def test_thin_things_do_not_split_what_is_behind_them():
    labels = of("11211", "11211", "00200")
    buildings = [segment for segment in segments_of(labels, (POLE,), 4) if segment.label == BUILDING]
    assert len(buildings) == 1
    assert buildings[0].mask.sum() == 8
    assert buildings[0].wide.sum() == 11
    assert len([s for s in segments_of(labels, (), 4) if s.label == BUILDING]) == 2


def test_what_is_mostly_thin_things_is_left_out():
    labels = of("2221", "2220")
    assert [segment.label for segment in segments_of(labels, (POLE,), 4)] == [POLE]


def test_dont_care_is_no_class():
    assert [segment.label for segment in segments_of(of("44", "00"), (), 4)] == [0]


def test_small_segments_are_not_large():
    labels = np.zeros((128, 128), np.int64)
    labels[:11, :11] = 1  # 121 pixels; 1000 of 256 x 512 are 125 here
    labels[50:62, 50:62] = 2
    assert [segment.label for segment in large_segments(labels, (), 4)] == [0, 2]


def test_overlap_is_intersection_over_union():
    a, b = of("1100").astype(bool), of("0110").astype(bool)
    assert overlap(a, b) == pytest.approx(1 / 3)
    assert overlap(a, a) == 1
    assert overlap(a & False, b & False) == 0


def test_outline_lies_on_both_sides_and_not_at_the_images_border():
    mask = of("00000", "01110", "01110", "01110", "00000").astype(bool)
    assert not outline(mask)[2, 2]
    assert outline(mask).sum() == 24
    assert not outline(np.ones((4, 4), bool)).any()
    assert dilated(mask, 3).all()


def segment(label, top, bottom):
    mask = np.zeros((20, 20), bool)
    mask[top:bottom] = True
    return Segment(label, mask, mask)


def test_what_stands_is_before_the_ground_and_what_reaches_farther_down_is_nearer():
    road, car, building = segment(ROAD, 5, 20), segment(CAR, 8, 12), segment(BUILDING, 0, 10)
    assert in_front(road, car, (ROAD,)) is car
    assert in_front(car, road, (ROAD,)) is car
    assert in_front(building, car, (ROAD,)) is car
    assert in_front(segment(BUILDING, 0, 12), car, (ROAD,)) is None


def test_pairs_touch_and_are_of_different_classes():
    segments = [segment(ROAD, 0, 5), segment(CAR, 5, 9), segment(CAR, 9, 12), segment(BUILDING, 15, 20)]
    pairs = [(a.label, b.label, b.reach) for a, b in touching_pairs(segments)]
    assert pairs == [(ROAD, CAR, 8)]
