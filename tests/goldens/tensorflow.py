"""What goldens of TensorFlow releases (CRN, SIMS) share: channels-last arrays, and VGG19 by the names of its layers."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from intarsia.blocks import vgg
from intarsia.blocks.vgg import Vgg19
from intarsia.pretrained import MATCONVNET_TAP, matconvnet_vgg19
from tests.goldens.parity import Golden


def planes_first(values: Tensor) -> Tensor:
    """B H W C -> B C H W float32."""
    return values.permute(0, 3, 1, 2).float().contiguous()


def planes_last(values: Tensor) -> Tensor:
    """B C H W -> B H W C."""
    return values.permute(0, 2, 3, 1)


def as_stored(golden: Golden, computed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Channels-last outputs under the golden's names: `_s4` stands for every fourth row and column."""
    stored = dict(computed)
    for name in golden.outputs:
        strides = re.fullmatch(r"(.+)_s(\d+)", name)
        if name not in stored and strides:
            step = int(strides[2])
            stored[name] = computed[strides[1]][:, ::step, ::step]
    return stored


def in_range(values: Tensor) -> Tensor:
    """0..255 -> [-1, 1]."""
    return values / 127.5 - 1


def in_levels(image: Tensor) -> Tensor:
    """[-1, 1] -> 0..255, not rounded."""
    return (image + 1) / 2 * 255


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """B H W -> B classes H W float32."""
    return F.one_hot(labels.long(), classes).permute(0, 3, 1, 2).float()


def vgg_of(golden: Golden) -> Vgg19:
    """VGG19 with the golden's weights, `vgg/convX_Y/...`."""
    stages = [
        (level, place) for level, stage in enumerate(vgg.stages_to(MATCONVNET_TAP)) for place in range(len(stage))
    ]
    layers = {}
    for number, (level, place) in zip(vgg.layer_keys(MATCONVNET_TAP), stages, strict=True):
        name = f"vgg/conv{level + 1}_{place + 1}"
        layers[number] = (golden.weights[f"{name}/weights"], golden.weights[f"{name}/biases"])
    return matconvnet_vgg19(layers)


def gradient(loss: Tensor, of: Tensor) -> Tensor:
    """d loss / d of."""
    return torch.autograd.grad(loss, of)[0]
