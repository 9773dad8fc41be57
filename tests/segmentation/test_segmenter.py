"""Photos in, label maps out."""

import numpy as np
import pytest
import torch

from intarsia.data.sources import open_source
from intarsia.data.transforms import image_tensor
from intarsia.errors import CheckpointError, ConfigError, DataError
from intarsia.segmentation.segmenter import Segmenter
from tests.segmentation.scene import by_colour


@pytest.fixture(scope="module")
def segmenter(run):
    return Segmenter.from_pretrained(run / "snapshot")


def photos(*size):
    return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)


def test_what_is_seen_is_where_it_is_in_the_photo(data):
    source = open_source(str(data), "val")
    segmenter = by_colour(source.label_space)
    for number in range(len(source)):
        pair = source.pair(number)
        assert np.array_equal(segmenter(pair.photo), pair.labels)


@pytest.mark.parametrize("size", [(32, 64), (40, 37), (5, 1)])
def test_photos_of_any_size_get_train_ids_of_their_size(segmenter, size):
    train = segmenter(photos(*size))
    assert train.shape == size
    assert train.dtype == np.int64
    assert 0 <= train.min() <= train.max() < 6


def test_a_batch_is_its_photos_one_by_one(segmenter):
    batch = photos(3, 40, 48)
    train = segmenter(batch)
    assert train.shape == (3, 40, 48)
    assert np.array_equal(train, np.stack([segmenter(photo) for photo in batch]))


def test_logits_of_an_image_decide_on_its_photo(segmenter):
    photo = photos(40, 48)
    logits = segmenter.logits(image_tensor(photo)[None])
    assert logits.shape == (1, 6, 40, 48)
    assert logits.dtype == torch.float32
    assert np.array_equal(logits[0].argmax(0).numpy(), segmenter(photo))


def test_what_is_no_photo_is_refused(segmenter):
    for array, what in (
        (photos(8, 8).astype(np.float32), r"float32 of shape \(8, 8, 3\)"),
        (photos(8, 8)[..., 0], r"uint8 of shape \(8, 8\)"),
        (photos(0, 8), r"uint8 of shape \(0, 8, 3\)"),
    ):
        with pytest.raises(ConfigError, match=f"^the photo is {what}; expected uint8 H W 3 or B H W 3.$"):
            segmenter(array)
    large = np.broadcast_to(np.uint8(0), (5000, 5000, 3))
    with pytest.raises(DataError) as caught:
        segmenter(large)
    assert str(caught.value) == (
        "the photo is 5000x5000 (height x width), more than 16777216 pixels. Cut it into tiles."
    )


def test_a_folder_without_a_segmenter_is_refused(tmp_path):
    with pytest.raises(CheckpointError) as caught:
        Segmenter.from_pretrained(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} has no card.json, so it is no snapshot. Give a folder that Intarsia wrote."
    )
