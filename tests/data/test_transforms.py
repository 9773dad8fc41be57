"""Transforms: the published loaders' numbers, photo and maps moving together, and cuts that are worth training on."""

import random
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from intarsia.conditioning.semantics import instance_edges
from intarsia.data.pairs import Pair
from intarsia.data.transforms import Cut, cut_out, draw_cut, image_tensor, resize, sample
from intarsia.errors import DataError
from intarsia.labels import LabelSpace, numbered

GOLDEN = np.load(Path(__file__).parents[1] / "goldens/spade/data.npz")
ADE = numbered("ade20k", 151)
COCO = numbered("coco", 182, dont_care_ids=(255,))
CITYSCAPES = numbered("cityscapes", 35)


def published(name: str, space: LabelSpace, photo: str) -> Pair:
    """A decoded pair of the golden `spade/data`."""
    instances = f"in_{name}_instance"
    return Pair(
        name,
        GOLDEN[photo],
        space.encode(GOLDEN[f"in_{name}_label"], name),
        GOLDEN[instances].astype(np.int64) if instances in GOLDEN else None,
    )


def numbers(height: int, width: int, classes: int = 5) -> Pair:
    """A pair whose photo says where each pixel came from."""
    rows, columns = np.mgrid[:height, :width]
    photo = np.stack([rows, columns, (rows + columns) % 256], -1).astype(np.uint8)
    return Pair("numbers", photo, ((rows // 8 + columns // 8) % classes).astype(np.uint8), rows * 1000 + columns)


@pytest.mark.parametrize(
    ("space", "name", "expected", "photo", "load", "crop", "seed"),
    [
        (ADE, "ade", "ade_test", "in_ade_image_decoded", (32, 32), (32, 32), None),
        (ADE, "ade", "ade_train", "in_ade_image_decoded", (36, 36), (32, 32), 5),
        (COCO, "coco", "coco", "in_coco_image", (32, 32), (32, 32), None),
        (CITYSCAPES, "city", "city", "in_city_image", (16, 32), (16, 32), None),
    ],
)
def test_the_published_loaders_numbers(space, name, expected, photo, load, crop, seed):
    pair = published(name, space, photo)
    made = sample(pair, load_size=load, crop_size=crop, flip=seed is not None, rng=random.Random(seed))
    assert np.array_equal(made.image.numpy(), GOLDEN[f"out_{expected}_image"])
    assert np.array_equal(made.labels.numpy(), GOLDEN[f"out_{expected}_label"][0])
    if pair.instances is not None:
        assert np.array_equal(made.instances.numpy(), GOLDEN[f"out_{expected}_instance"][0])


def test_the_published_instance_edges():
    instances = torch.from_numpy(GOLDEN["out_coco_instance"])
    assert np.array_equal(instance_edges(instances).numpy(), GOLDEN["out_coco_edges"][0].astype(bool))


def test_the_published_draws():
    left, top, flip = GOLDEN["in_ade_train_crop_x_y_flip"].tolist()
    assert draw_cut((36, 36), (32, 32), flip=True, rng=random.Random(5)) == Cut(left, top, bool(flip))


def test_a_flip_that_is_off_consumes_its_draw():
    on, off = random.Random(3), random.Random(3)
    draw_cut((40, 40), (32, 32), flip=True, rng=on)
    assert draw_cut((40, 40), (32, 32), flip=False, rng=off).flip is False
    assert on.random() == off.random()


@pytest.mark.parametrize("flip", [False, True])
def test_photo_labels_and_instances_move_together(flip: bool):
    pair = numbers(40, 60)
    made = cut_out(pair, (16, 24), Cut(left=7, top=11, flip=flip))
    rows, columns = made.instances // 1000, made.instances % 1000
    photo = ((made.image + 1) * 127.5).round().long()
    assert torch.equal(photo[0], rows)
    assert torch.equal(photo[1], columns)
    assert torch.equal(made.labels, (rows // 8 + columns // 8) % 5)
    assert rows[0, 0] == 11
    assert columns[0, 0] == (7 + 23 if flip else 7)


def test_a_sample_has_the_records_layout_and_ranges():
    made = sample(numbers(40, 60), load_size=None, crop_size=(16, 24), flip=True, rng=random.Random(0))
    assert (made.image.shape, made.image.dtype) == ((3, 16, 24), torch.float32)
    assert (made.labels.shape, made.labels.dtype) == ((16, 24), torch.int64)
    assert made.instances.dtype == torch.int64
    assert made.image.is_contiguous()


def test_images_span_minus_one_to_one():
    ends = image_tensor(np.array([[[0, 255, 128]]], np.uint8)).flatten()
    assert ends.tolist() == [-1.0, 1.0, pytest.approx(128 / 127.5 - 1, abs=1e-7)]


@pytest.mark.parametrize("size", [(33, 21), (80, 90), (1, 1), (40, 61)])
def test_resizing_ignores_the_aspect_and_rounds_as_pillow_does(size: tuple[int, int]):
    pair = numbers(40, 60, classes=3)
    made = resize(pair, size)
    expected = Image.fromarray(pair.instances.astype(np.int32)).resize(size[::-1], Image.Resampling.NEAREST)
    assert made.photo.shape == (*size, 3)
    assert np.array_equal(made.instances, expected)
    assert np.array_equal(made.labels, (made.instances // 1000 // 8 + made.instances % 1000 // 8) % 3)


def test_a_photo_smaller_than_the_cut():
    with pytest.raises(DataError) as caught:
        sample(numbers(40, 60), load_size=None, crop_size=(32, 64), flip=False, rng=random.Random(0))
    assert str(caught.value) == (
        "photo numbers is 40x60, smaller than the crop 32x64 (height x width). "
        "Give larger photos, or a recipe with a load_size or a smaller crop_size."
    )


def test_dull_cuts_are_drawn_again():
    labels = np.zeros((300, 300), np.uint8)
    labels[120:180, 120:180] = 1
    pair = Pair("island", np.zeros((300, 300, 3), np.uint8), labels)

    def dull(limit: float) -> int:
        cuts = [
            sample(
                pair, load_size=None, crop_size=(64, 64), flip=False, rng=random.Random(seed), one_class_at_most=limit
            )
            for seed in range(200)
        ]
        return sum(max(cut.labels.unique(return_counts=True)[1]).item() > 0.95 * 64 * 64 for cut in cuts)

    assert dull(1.0) > 140
    assert 0 < dull(0.95) < 30  # rare, not gone


def test_a_dull_photo_still_gives_a_sample():
    pair = Pair("sea", np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8))
    rng = random.Random(0)
    assert sample(pair, load_size=None, crop_size=(32, 32), flip=True, rng=rng, one_class_at_most=0.5).labels.sum() == 0


def test_a_cut_takes_well_under_a_millisecond():
    pair = numbers(390, 450)

    def seconds(seed: int) -> float:
        start = time.perf_counter()
        sample(pair, load_size=None, crop_size=(128, 128), flip=True, rng=random.Random(seed), one_class_at_most=0.95)
        return time.perf_counter() - start

    assert min(seconds(seed) for seed in range(50)) < 1e-3
