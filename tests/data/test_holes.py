"""Holes for training: where boxes lie, what the view around them shows, and what chance decides."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from intarsia.data import holes
from intarsia.data.holes import Holes, holed_sample
from intarsia.data.pairs import Pair

SIZE = (60, 90)


@pytest.fixture
def pair():
    """Grass (0) with a car (1) as object 7, a house (2) as object 8, and a small sign (3) as object 9."""
    labels, instances = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.int32)
    for label, number, window in ((1, 7, np.s_[10:22, 40:60]), (2, 8, np.s_[5:55, 2:30]), (3, 9, np.s_[50:53, 80:82])):
        labels[window], instances[window] = label, number
    photo = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    return Pair("street", photo, labels, instances)


def drawn(pair, given, seed=0, flip=False, load_size=None, crop_size=(32, 32)):
    return holed_sample(given, pair, load_size=load_size, crop_size=crop_size, flip=flip, rng=random.Random(seed))


def box_of(hole):
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def test_boxes_are_tight_around_each_number():
    numbers = np.array([[0, 5, 5], [0, 0, 5], [3, 0, 0]])
    assert holes.boxes_of(numbers) == {0: (0, 0, 3, 3), 3: (0, 2, 1, 3), 5: (1, 0, 3, 2)}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (Holes(), [(40, 10, 60, 22), (2, 5, 30, 55), (80, 50, 82, 53)]),
        (Holes(least=10), [(40, 10, 60, 22), (2, 5, 30, 55)]),
        (Holes(classes=(1, 3)), [(40, 10, 60, 22), (80, 50, 82, 53)]),
        (Holes(first_instance=8), [(2, 5, 30, 55), (80, 50, 82, 53)]),
        (Holes(first_instance=10), []),
    ],
)
def test_objects_are_chosen_by_number_class_and_size(pair, given, found):
    assert holes.objects_of(given, pair.labels, pair.instances) == found


def test_without_an_instance_map_regions_of_a_class_are_objects(pair):
    found = holes.objects_of(Holes(classes=(1, 2, 3)), pair.labels, None)
    assert sorted(found) == sorted(holes.objects_of(Holes(), pair.labels, pair.instances))


def test_the_hole_covers_the_object_in_the_view_and_the_labels_in_it_are_true(pair):
    one = drawn(pair, Holes(classes=(1,)))
    car = one.labels == 1
    assert one.hole.shape == (32, 32)
    # Nearest resizing may leave a row of the object at the box's border.
    assert (car & one.hole).sum() >= 0.8 * car.sum()
    left, top, right, bottom = box_of(one.hole.numpy())
    assert 32 / 3 - 2 <= max(right - left, bottom - top) <= 32 / 3 + 1


def test_a_flipped_view_is_the_mirrored_one(pair):
    seeds = range(40)
    flipped = [drawn(pair, Holes(classes=(1,)), seed, flip=True) for seed in seeds]
    plain = [drawn(pair, Holes(classes=(1,)), seed) for seed in seeds]
    mirrored = [
        torch.equal(a.image, b.image.flip(-1))
        and torch.equal(a.hole, b.hole.flip(-1))
        and torch.equal(a.labels, b.labels.flip(-1))
        for a, b in zip(flipped, plain, strict=True)
    ]
    same = [torch.equal(a.image, b.image) and torch.equal(a.hole, b.hole) for a, b in zip(flipped, plain, strict=True)]
    assert all(a or b for a, b in zip(mirrored, same, strict=True))
    assert 10 < sum(mirrored) < 30


def test_without_a_context_the_cut_is_the_recipes_and_the_box_lies_in_it(pair):
    one = drawn(pair, Holes(context=0.0, classes=(1,)), load_size=SIZE, crop_size=SIZE)
    assert torch.equal(one.hole, torch.from_numpy(pair.labels == 1))


def test_some_boxes_lie_anywhere(pair):
    given = Holes(context=0.0, background=1.0, least=8, most=20)
    for seed in range(30):
        left, top, right, bottom = box_of(drawn(pair, given, seed, crop_size=SIZE).hole.numpy())
        assert 8 <= right - left <= 20
        assert 8 <= bottom - top <= 20
    empty = replace(pair, labels=np.zeros_like(pair.labels), instances=np.zeros_like(pair.instances))
    assert drawn(empty, Holes(context=0.0, least=8)).hole.any()


def test_an_object_in_the_last_row_leaves_a_hole_too(pair):
    pair.labels[-1], pair.instances[-1] = 4, 11
    for seed in range(5):
        assert drawn(pair, Holes(classes=(4,)), seed).hole.any()


def test_a_random_box_fits_into_a_small_image():
    for seed in range(50):
        left, top, right, bottom = holes.random_box(128, 256, (20, 12), random.Random(seed))
        assert 0 <= left < right <= 12
        assert 0 <= top < bottom <= 20


def test_free_forms_are_strokes_or_a_class(pair):
    found = [drawn(pair, Holes(context=0.0, free=1.0), seed, crop_size=SIZE) for seed in range(60)]
    assert all(one.hole.any() for one in found)
    classes = [one for one in found if any(torch.equal(one.hole, one.labels == label) for label in range(4))]
    assert 8 <= len(classes) <= 30


def test_a_hole_may_be_the_whole_image(pair):
    assert drawn(pair, Holes(whole=1.0)).hole.all()
    assert drawn(pair, Holes(context=0.0, whole=1.0)).hole.all()


def test_the_same_chance_draws_the_same_hole(pair):
    given = Holes(free=0.5, background=0.5, least=8, most=30)
    for seed in range(5):
        first, second = (drawn(pair, given, seed, flip=True) for _ in range(2))
        assert torch.equal(first.image, second.image)
        assert torch.equal(first.hole, second.hole)
    assert len({drawn(pair, given, seed).hole.numpy().tobytes() for seed in range(10)}) > 5
