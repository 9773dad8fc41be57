"""Our metrics against what torch-fidelity, torchmetrics, lpips and pytorch-msssim compute of the same inputs."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from intarsia.errors import CheckpointError, DataError
from intarsia.evaluation.bootstrap import mean_interval, resampled
from intarsia.evaluation.confusion import Confusion
from intarsia.evaluation.frechet import frechet, frechet_interval, frechet_of, moments
from intarsia.evaluation.inception import prepared_for_inception
from intarsia.evaluation.kid import subset_values
from intarsia.evaluation.ms_ssim import ms_ssim
from intarsia.evaluation.precision_recall import precision_recall
from intarsia.labels import numbered
from intarsia.pretrained import inception, lpips
from tests.goldens import metrics, rule

GOLDEN = np.load(metrics.FILE)
FEATURES = metrics.features()


@pytest.mark.parametrize("name", list(FEATURES))
def test_frechet_kid_precision_and_recall_are_torch_fidelitys(name):
    first, second = FEATURES[name]
    fid, kid_mean, kid_sd, precision, recall = GOLDEN[f"features_{name}"]
    assert frechet(moments(first), moments(second)) == pytest.approx(fid, abs=1e-6)
    values = subset_values(first, second, count=metrics.SUBSETS, size=len(second) // 2, seed=metrics.SEED)
    assert (values.mean(), values.std()) == pytest.approx((kid_mean, kid_sd), abs=1e-6)
    shares = precision_recall(first, second)
    assert (shares.precision, shares.recall) == pytest.approx((precision, recall), abs=1e-6)
    assert (shares.made, shares.real, shares.neighbours) == (len(first), len(second), 3)


@pytest.mark.parametrize("name", list(FEATURES))
def test_the_quick_road_to_the_frechet_distance_arrives_at_the_same(name):
    first, second = FEATURES[name]
    # Of fewer images than features most eigenvalues are zero but for rounding, whose roots the slow road adds up.
    assert frechet_of(first, second) == pytest.approx(frechet(moments(first), moments(second)), rel=1e-7)


def test_the_distance_of_shifted_sets_is_the_square_of_the_shift():
    first = FEATURES["many"][0]
    assert frechet_of(first, first + 0.5) == pytest.approx(24 * 0.25, abs=1e-6)


def test_single_precision_covariance_moves_the_distance():
    first, second = (FEATURES["few"][place].astype(np.float32) for place in range(2))
    rough = frechet(moments(first, "float32"), moments(second, "float32"))
    assert rough == pytest.approx(frechet(moments(first), moments(second)), rel=1e-3)
    assert rough != frechet(moments(first), moments(second))


def test_an_interval_of_the_frechet_distance_holds_that_of_many_more_images():
    random = np.random.default_rng(0)
    first, second = random.standard_normal((200, 6)), random.standard_normal((200, 6)) + 0.4
    found = frechet_interval(first, second, rounds=60, seed=1)
    assert found.low < 6 * 0.16 < found.high
    assert found.value == pytest.approx(frechet_of(first, second), abs=1e-12)
    assert (found.rounds, found.share, found.seed) == (60, 0.95, 1)
    assert frechet_interval(first, second, rounds=60, seed=1) == found


def test_the_interval_of_a_mean_is_as_wide_as_theory_says():
    values = np.random.default_rng(3).standard_normal(400) + 2
    found = mean_interval(values)
    assert found.standard_error == pytest.approx(values.std() / 20, rel=0.1)
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)
    assert found.value == pytest.approx(values.mean())


def test_sets_are_drawn_apart_from_each_other():
    seen = []
    resampled(lambda a, b: seen.append((a, b)) or 0.0, (5, 3), rounds=2, seed=0)
    assert [len(a) for a, _ in seen] == [5, 5, 5]
    assert np.array_equal(seen[0][0], np.arange(5))
    assert all(max(b) < 3 for _, b in seen)


def test_sets_too_small_are_refused():
    with pytest.raises(DataError, match=r"^the Frechet distance was asked of a set of 1\. Give at least 2 images\.$"):
        moments(np.ones((1, 4)))
    with pytest.raises(DataError) as caught:
        precision_recall(np.ones((3, 4)), np.ones((9, 4)))
    assert str(caught.value) == "precision and recall were asked of a set of 3. Give at least 4 images."


def test_iou_is_torchmetrics():
    truth, predicted = metrics.label_maps()
    confusion = Confusion(numbered("golden", metrics.CLASSES, dont_care_ids=(255,)))
    confusion.add(truth, predicted)
    assert np.array_equal(confusion.counts[:-1], GOLDEN["confusion"])
    there = ~np.isnan(confusion.iou())
    assert np.allclose(confusion.iou()[there], GOLDEN["iou"][there], atol=1e-6)
    assert confusion.miou() == pytest.approx(float(GOLDEN["miou"]), abs=1e-6)


@pytest.mark.parametrize("name", ["even", "odd"])
def test_ms_ssim_is_that_of_pytorch_msssim(name):
    first, second = (torch.from_numpy(each) for each in metrics.images()[name])
    found = ms_ssim(first, second).numpy()
    assert np.allclose(found, GOLDEN[f"ms_ssim_{name}"], atol=1e-6)
    assert ms_ssim(first, first).numpy() == pytest.approx(1, abs=1e-6)


def test_ms_ssim_of_small_images_is_refused():
    with pytest.raises(DataError) as caught:
        ms_ssim(torch.zeros(1, 3, 160, 200), torch.zeros(1, 3, 160, 200))
    assert str(caught.value) == (
        "MS-SSIM needs images of at least 161x161; these are 160x200 (height x width). "
        "Measure larger images, or leave MS-SSIM out."
    )


@pytest.mark.parametrize("net", ["vgg", "alex"])
def test_lpips_is_that_of_its_package(net):
    first, second = (torch.from_numpy(2 * each - 1) for each in metrics.images()["odd"])
    from intarsia.blocks.lpips import Lpips

    shapes = {key: tuple(value.shape) for key, value in Lpips(net).state_dict().items() if "features" in key}
    trunk = metrics.tensors({key: rule.tensor(key, shape) for key, shape in shapes.items()})
    levels = {f"lin{n}.model.1.weight": torch.from_numpy(GOLDEN[f"lpips_levels_{net}_{n}"]) for n in range(5)}
    network = lpips(net, trunk, levels, "golden")
    assert np.allclose(network(first, second).numpy(), GOLDEN[f"lpips_{net}"], rtol=1e-4)
    assert network(first, first).tolist() == [0, 0]


def test_the_inception_network_is_torch_fidelitys():
    network = inception(metrics.tensors(metrics.inception_weights()), "golden")
    # As torch-fidelity shifts values; its resizing leaves images of 299 x 299 alone.
    images = (torch.from_numpy(metrics.inception_input()).float() - 128) / 128
    found = network(images).numpy()
    assert found.shape == (2, 2048)
    assert np.abs(found - GOLDEN["inception"]).max() < 1e-4 * np.abs(GOLDEN["inception"]).max()


def test_another_file_than_inceptions_is_refused():
    weights = metrics.tensors(metrics.inception_weights())
    del weights["Mixed_6b.branch7x7_2.conv.weight"]
    with pytest.raises(CheckpointError) as caught:
        inception(weights, "other.pth")
    assert str(caught.value) == (
        "weight file other.pth is not that of FID's Inception-v3: Mixed_6b.branch7x7_2.conv.weight is missing. "
        "Give pt_inception-2015-12-05-6726825d.pth."
    )


def bilinear(image, side):
    """The reference: pixel centres at halves, the border continued, no antialiasing; image C H W float64."""
    for axis in (1, 2):
        size = image.shape[axis]
        places = np.maximum((np.arange(side) + 0.5) * (size / side) - 0.5, 0)
        low = np.minimum(places.astype(int), size - 1)
        high = np.minimum(low + 1, size - 1)
        share = (places - low).reshape((-1, 1) if axis == 1 else (1, -1))
        image = (1 - share) * image.take(low, axis) + share * image.take(high, axis)
    return image


@pytest.mark.parametrize("size", [(256, 256), (256, 512), (64, 48), (299, 299)])
def test_the_preparation_of_pytorch_fid_is_a_plain_bilinear_resize(size):
    image = np.random.default_rng(size[1]).integers(0, 256, (3, *size)) / 255
    found = prepared_for_inception(torch.from_numpy(image)[None], "pytorch-fid")[0].numpy()
    assert np.abs(found - (2 * bilinear(image, 299) - 1)).max() < 1e-12
    single = prepared_for_inception(torch.from_numpy(image).float()[None], "pytorch-fid")
    resized = F.interpolate(torch.from_numpy(image).float()[None], size=(299, 299), mode="bilinear")
    assert torch.equal(single, resized * 2 - 1)


def test_where_every_weight_is_a_power_of_two_the_resize_is_exact():
    values = np.random.default_rng(0).integers(0, 256, (3, 598, 598)).astype(np.float32) / 256
    found = prepared_for_inception(torch.from_numpy(values)[None], "pytorch-fid")[0].numpy()
    means = values.reshape(3, 299, 2, 299, 2).mean((2, 4))
    assert np.array_equal(found, 2 * means - 1)


def test_clean_fids_preparation_is_pillows_antialiased_bicubic_in_float():
    from PIL import Image

    image = np.random.default_rng(0).random((1, 3, 512, 400)).astype(np.float32)
    found = prepared_for_inception(torch.from_numpy(image), "clean-fid")
    plane = Image.fromarray(image[0, 1] * 255).resize((299, 299), Image.Resampling.BICUBIC)
    expected = (np.clip(np.asarray(plane), 0, 255) - 128) / 128
    assert np.abs(found[0, 1].numpy() - expected).max() < 1e-6
