"""EfficientNet-lite0 against the network written out plainly, with its batch normalisations and its padding."""

import pytest
import torch
import torch.nn.functional as F

from intarsia.pretrained import lite0
from tests import weight_files

STAGES = [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5)]
STAGES += [(6, 320, 1, 1, 3)]


def plainly(weights, image):
    """The features of every level, from the published keys."""

    def layer(x, convolution, norm, stride=1, groups=1):
        weight = weights[f"{convolution}.weight"]
        out = [-(-size // stride) for size in x.shape[2:]]
        missing = [(o - 1) * stride + weight.shape[2] - size for o, size in zip(out, x.shape[2:], strict=True)]
        # TensorFlow's "same": as much before as after, and where that cannot be, one more after.
        framed = x.new_zeros(*x.shape[:2], *(size + more for size, more in zip(x.shape[2:], missing, strict=True)))
        top, left = (more // 2 for more in missing)
        framed[:, :, top : top + x.shape[2], left : left + x.shape[3]] = x
        x = F.conv2d(framed, weight, stride=stride, groups=groups)
        parts = (weights[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *parts, training=False, eps=1e-3)

    x = F.relu6(layer((image * 127.5 + 127.5 - 127) / 128, "_conv_stem", "_bn0", 2))
    levels, number = [x], 0
    for expansion, _, count, stride, _ in STAGES:
        for place in range(count):
            block, step, wide = f"_blocks.{number}", stride if place == 0 else 1, x
            if expansion > 1:
                wide = F.relu6(layer(wide, f"{block}._expand_conv", f"{block}._bn0"))
            wide = F.relu6(layer(wide, f"{block}._depthwise_conv", f"{block}._bn1", step, wide.shape[1]))
            narrow = layer(wide, f"{block}._project_conv", f"{block}._bn2")
            x = narrow + x if place else narrow
            number += 1
        levels.append(x)
    return [*levels, F.relu6(layer(x, "_conv_head", "_bn1"))]


@pytest.mark.parametrize("size", [(64, 64), (49, 70)])
def test_features_are_those_of_the_network_written_out(size):
    weights = {key: value.double() for key, value in weight_files.lite0().items()}
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1)).double() * 2 - 1
    expected = plainly(weights, image)
    features = lite0(weights, "memory", range(9)).double()(image)
    assert len(features) == len(expected) == 9
    for level, (one, other) in enumerate(zip(features, expected, strict=True)):
        assert one.shape == other.shape, level
        # The network keeps its folded weights in single precision.
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_only_the_levels_asked_for_are_given():
    weights = weight_files.lite0()
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    every = lite0(weights, "memory", range(9))(image)
    some = lite0(weights, "memory", (0, 2, 5))(image)
    assert [f.shape[1] for f in every] == [32, 16, 24, 40, 80, 112, 192, 320, 1280]
    assert [f.shape[2] for f in every] == [32, 32, 16, 8, 4, 4, 2, 2, 2]
    assert all(torch.equal(one, every[level]) for one, level in zip(some, (0, 2, 5), strict=True))
