"""Training samples: labels stay with their pixels, whatever happens to the photo."""

import random

import numpy as np
import pytest
import torch

from intarsia.data.pairs import Pair
from intarsia.data.transforms import image_tensor
from intarsia.labels import numbered
from intarsia.segmentation.augmentation import Augmentation, augmented, disturb

SPACE = numbered("six", 6)
PLAIN = Augmentation(crop_size=(32, 32), scales=(1, 1), jitter=0, blurred=0, noisy=0)


def pair(height, width, block=8):
    """A photo in the colours of its labels, which are blocks."""
    draw = np.random.default_rng(0)
    small = draw.integers(0, 6, (-(-height // block), -(-width // block)))
    labels = np.kron(small, np.ones((block, block), int))[:height, :width]
    return Pair("blocks", SPACE.colourise(labels), labels.astype(np.uint8), labels)


def drawn(augmentation, seed, of=None):
    return augmented(augmentation, 1.0, of or pair(64, 80), random.Random(seed))


def colours(sample):
    """The image that the sample's labels stand for."""
    return image_tensor(SPACE.colourise(sample.labels.numpy()))


def test_without_changes_it_is_a_cut_of_the_photo():
    cuts = [drawn(PLAIN, seed) for seed in range(8)]
    for cut in cuts:
        torch.testing.assert_close(cut.image, colours(cut), rtol=0, atol=1e-6)
        assert cut.instances is None
    assert len({tuple(cut.labels.flatten().tolist()) for cut in cuts}) > 4


@pytest.mark.parametrize("scale", [0.7, 1.6])
def test_scaled_labels_stay_with_their_pixels(scale):
    cut = drawn(Augmentation(**(vars(PLAIN) | {"scales": (scale, scale)})), 1)
    near = (cut.image - colours(cut)).abs().amax(0) < 0.1
    assert near.float().mean() > 0.6  # all but what lies beside a border, which is blended
    runs = (cut.labels[:, 1:] != cut.labels[:, :-1]).float().mean()
    assert runs == pytest.approx((5 / 6) / (8 * scale), rel=0.35)  # a border each 8 * scale pixels, unless alike


def test_photos_smaller_than_the_crop_are_enlarged():
    cut = drawn(PLAIN, 0, pair(20, 40))
    assert cut.image.shape == (3, 32, 32)
    assert cut.labels.shape == (32, 32)


def test_a_sample_is_a_function_of_its_arguments():
    everything = Augmentation(crop_size=(32, 32), blurred=0.5, noisy=0.5)
    source = pair(64, 80)
    before = source.photo.copy()
    for seed in range(8):
        one, again, other = (drawn(everything, s, source) for s in (seed, seed, seed + 8))
        assert torch.equal(one.image, again.image)
        assert torch.equal(one.labels, again.labels)
        assert not torch.equal(one.image, other.image)
        assert one.image.dtype == torch.float32
        assert one.image.min() >= -1
        assert one.image.max() <= 1
    assert np.array_equal(source.photo, before)


def test_a_cut_of_one_class_is_drawn_again():
    labels = np.zeros((64, 64), np.uint8)
    labels[:, 40:] = 1
    halves = Pair("halves", SPACE.colourise(labels), labels)
    shares = [augmented(PLAIN, 0.9, halves, random.Random(seed)).labels.float().mean().item() for seed in range(20)]
    assert all(0.1 <= share <= 0.9 for share in shares)


def disturbed(image, **changes):
    image = image.copy()
    disturb(Augmentation(**(vars(PLAIN) | changes)), image, random.Random(3))
    return image


def test_light_changes_within_bounds():
    ramp = np.linspace(-0.6, 0.2, 3 * 8 * 8, dtype=np.float32).reshape(3, 8, 8)
    changed = disturbed(ramp, jitter=0.25)
    assert not np.allclose(changed, ramp, atol=0.02)
    factor = (changed + 1).mean() / (ramp + 1).mean()
    assert 0.75 <= factor <= 1.25
    assert 0.75**2 <= np.ptp(changed[1]) / np.ptp(ramp[1]) <= 1.25**3


def test_blur_smooths_and_keeps_the_mean_and_noise_is_as_strong_as_said():
    draw = np.random.default_rng(0)
    image = draw.uniform(-0.5, 0.5, (3, 64, 64)).astype(np.float32)
    blurred = disturbed(image, blurred=1)
    assert blurred.std() == pytest.approx(image.std() * 0.375, rel=0.1)  # (1 2 1)/4 twice: (6/16) of the deviation
    assert blurred.mean() == pytest.approx(image.mean(), abs=0.01)
    noisy = disturbed(image, noisy=1, noise=0.1) - image
    assert 0 < noisy.std() <= 0.101
