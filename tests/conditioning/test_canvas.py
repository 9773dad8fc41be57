"""Canvases to learn from: the photo's own pixels with holes, whites where boundaries are left out."""

import numpy as np
import pytest
import torch

from intarsia.conditioning.canvas import WHITE, Roles, band, halved_at_random, recoloured, training_canvases
from intarsia.conditioning.lessons import lessons_of
from intarsia.conditioning.segments import segments_of
from intarsia.records import NO_PAIR, Batch, Seeds
from tests import maps

ROLES = Roles(classes=6, unlabelled=6, thin=(5,), ground=(0,), stuff=(0, 1))


@pytest.fixture
def batch():
    image = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 1.8 - 0.9
    return Batch(("a", "b"), image, maps.regions(3, 6, 64, 64, batch=2))


def test_a_canvas_is_a_function_of_the_seeds(batch):
    first, again, other = (training_canvases(batch, ROLES, Seeds(seeds)) for seeds in ((1, 2), (1, 2), (3, 4)))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_pixels_are_the_photos_own_or_white_or_missing(batch):
    canvas, _ = training_canvases(batch, ROLES, Seeds((1, 2)))
    photo = (batch.image + 1) / 2
    own = (canvas - photo).abs().amax(1) < 1e-6
    white, empty = (canvas == WHITE).all(1), (canvas == 0).all(1)
    recoloured_share = 1 - (own | white | empty).float().mean()
    assert own.float().mean() > 0.1
    assert white.any()
    assert empty.any()
    assert recoloured_share < 0.6


def test_objects_are_unlabelled_where_only_one_of_the_shapes_is_and_stuff_keeps_its_label(batch):
    _, noisy = training_canvases(batch, ROLES, Seeds((1, 2)))
    changed = noisy != batch.labels
    assert changed.any()
    assert (noisy[changed] == ROLES.unlabelled).all()
    only_stuff = Batch(batch.names, batch.image, batch.labels % 2)
    assert torch.equal(training_canvases(only_stuff, ROLES, Seeds((1, 2)))[1], only_stuff.labels)


def test_a_random_half_of_a_band_is_left_out():
    mask = np.zeros((100, 100), bool)
    mask[30:70, 30:70] = True
    around = band(mask, 0.05)
    assert around[[30, 28], [30, 50]].all()
    assert not around[[50, 20], [50, 20]].any()
    half = halved_at_random(around, np.random.default_rng(0))
    assert 0.4 < half.sum() / around.sum() < 0.6
    assert not (half & ~around).any()


def test_recoloured_pixels_have_the_models_mean_and_covariance():
    draw = np.random.default_rng(0)
    pixels = (0.5 + 0.05 * draw.standard_normal((4000, 3))).astype(np.float32)
    model = (0.4 + 0.08 * draw.standard_normal((4000, 3)) @ np.array([[1, 0.5, 0], [0, 0.5, 0.2], [0, 0, 1]])).astype(
        np.float32
    )
    made = recoloured(pixels, model)
    np.testing.assert_allclose(made.mean(0), model.mean(0), atol=2e-3)
    np.testing.assert_allclose(np.cov(made.T), np.cov(model.T), atol=4e-4)
    assert recoloured(pixels[:1], model).shape == (1, 3)


def test_lessons_put_segments_back_and_tell_which_is_in_front(batch):
    lessons = lessons_of(batch, ROLES, Seeds((1, 2)), proposals=3, pairs=4, hidden=8)
    assert lessons.proposals.shape == (2, 3, 3, 64, 64)
    photo = ((batch.image + 1) / 2)[:, None] * lessons.queries[:, :, None]
    assert (lessons.proposals - photo).abs().amax() > 0.1  # moved
    assert (lessons.proposals.sum((2, 3, 4)) - photo.sum((2, 3, 4))).abs().max() / photo.sum((2, 3, 4)).max() < 0.4
    for place in range(2):
        there = {segment.label for segment in segments_of(batch.labels[place].numpy(), ROLES.thin, 6)}
        for front, pair in zip(lessons.fronts[place].tolist(), lessons.pairs[place], strict=True):
            shown = set(pair.unique().tolist()) - {-1}
            assert front == NO_PAIR or (front in shown and shown <= there and len(shown) == 2)
            assert front != 0  # the ground is never in front
    assert set(lessons.dropout.unique().tolist()) == {0.0, 2.0}


def test_a_map_of_one_class_has_no_pairs():
    flat = Batch(("a",), torch.zeros(1, 3, 64, 64), maps.uniform(2, 64, 64))
    lessons = lessons_of(flat, ROLES, Seeds((0,)), proposals=2, pairs=2, hidden=4)
    assert (lessons.fronts == NO_PAIR).all()
    assert (lessons.pairs == -1).all()
    assert lessons.queries.sum((2, 3)).tolist() == [[64 * 64, 0]]
