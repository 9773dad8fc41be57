"""Reading the published files of VGG19 and EfficientNet-lite0."""

import pytest
import torch

from intarsia.errors import CheckpointError
from intarsia.pretrained import lite0, lite0_file, read_lite0, read_vgg19
from intarsia.weights import read_weights
from tests import weight_files


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda weights: weights.pop("features.28.weight"), "features.28.weight is missing"),
        (
            lambda weights: weights.update({"features.0.bias": torch.zeros(32)}),
            "features.0.bias has shape (32,), not (64,)",
        ),
    ],
)
def test_a_file_that_is_not_vgg19_is_refused(tmp_path, spoil, found):
    weights = weight_files.vgg19()
    spoil(weights)
    path = tmp_path / "other.pth"
    torch.save(weights, path)
    with pytest.raises(CheckpointError) as caught:
        read_vgg19(path)
    assert str(caught.value) == f"weight file {path} is not VGG19: {found}. Give torchvision's vgg19-dcbb9e9d.pth."


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda weights: weights.pop("_blocks.3._bn1.running_var"), "_blocks.3._bn1.running_var is missing"),
        (
            lambda weights: weights.update({"_conv_head.weight": torch.zeros(1280, 192, 1, 1)}),
            "_conv_head.weight has shape (1280, 192, 1, 1), not (1280, 320, 1, 1)",
        ),
        (lambda weights: weights.update({"_blocks.3._se.weight": torch.zeros(1)}), "_blocks.3._se.weight is unknown"),
    ],
)
def test_a_file_that_is_not_lite0_is_refused(tmp_path, spoil, found):
    weights = weight_files.lite0()
    spoil(weights)
    path = tmp_path / "other.pth"
    torch.save(weights, path)
    with pytest.raises(CheckpointError) as caught:
        read_lite0(path, [0])
    assert str(caught.value) == (
        f"weight file {path} is not EfficientNet-lite0: {found}. Give efficientnet-lite0-57934424.pth."
    )


def test_reading_leaves_the_weights_as_they_were():
    weights = weight_files.lite0()
    before = {key: value.clone() for key, value in weights.items()}
    lite0(weights, "memory", [0])
    assert weights.keys() == before.keys()
    assert all(torch.equal(weights[key], before[key]) for key in before)


def test_the_package_holds_the_published_file():
    path = lite0_file()
    assert path is not None
    assert path.name == "efficientnet-lite0-57934424.pth"
    learnt = [value for key, value in read_weights(path).items() if key.endswith((".weight", ".bias"))]
    assert sum(value.numel() for value in learnt) == 4_652_008  # published as 4.652 M, the classifier included
    folded = read_lite0(path, [8]).state_dict().values()
    assert sum(value.numel() for value in folded) == 4_652_008 - 1_281_000 - 21_008  # no classifier, one number a norm
