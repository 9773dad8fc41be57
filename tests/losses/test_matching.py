import torch

from intarsia.losses import matching
from intarsia.records import Verdict


def verdict(value):
    """Two scales of two features and logits each, all of one value."""
    shapes = (((1, 4, 8, 8), (1, 8, 4, 4), (1, 1, 4, 4)), ((1, 4, 4, 4), (1, 8, 2, 2), (1, 1, 2, 2)))
    return Verdict(tuple(tuple(torch.full(shape, float(value)) for shape in scale) for scale in shapes))


def test_feature_matching_sums_layers_averages_scales_and_leaves_the_logits_out():
    fake, real = verdict(1), verdict(4)
    assert matching.feature_matching(fake, real) == 2 * 3.0
    louder = Verdict(tuple((*scale[:-1], scale[-1] + 100) for scale in fake.scales))
    assert matching.feature_matching(louder, real) == 2 * 3.0


def test_the_photos_features_are_a_target():
    made, photo = (torch.rand(1, 2, 3, 3, requires_grad=True) for _ in range(2))
    sides = [Verdict(((side, torch.zeros(1)),)) for side in (made, photo)]
    matching.feature_matching(*sides).backward()
    assert made.grad is not None
    assert photo.grad is None
    made.grad = None
    matching.perceptual([made] * 5, [photo] * 5).backward()
    assert made.grad is not None
    assert photo.grad is None


def test_perceptual_weighs_deeper_layers_more():
    zeros = [torch.zeros(1, 1, 2, 2)] * 5
    for layer, weight in enumerate((1 / 32, 1 / 16, 1 / 8, 1 / 4, 1)):
        moved = [features + (3.0 if place == layer else 0.0) for place, features in enumerate(zeros)]
        assert matching.perceptual(moved, zeros) == 3 * weight
