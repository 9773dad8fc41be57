"""Key map of the official CRN release (TensorFlow checkpoints `result_256p`, `_512p`, `_1024p`, `_GTA`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from intarsia.checkpoints.convert.bundle import read_bundle
from intarsia.checkpoints.convert.keymap import KeyMap, converted
from intarsia.checkpoints.convert.published import config_of
from intarsia.labels import LabelSpace, numbered
from intarsia.systems.crn import CrnConfig, CrnGenerator

LICENCE = "MIT, as the released code"
OPTIMISER = ("/Adam", "/Adam_1", "beta1_power", "beta2_power")
"""Ends of the names of what only training goes on with."""


def label_space_of(preset: str) -> LabelSpace:
    """The 19 classes of Cityscapes by their train ids, numbered for want of names, and don't-care.

    Raises:
        ConfigError: the preset is unknown or of another system.
    """
    return numbered(preset, config_of(preset, "crn", CrnConfig).labels - 1, dont_care_ids=(255,))


def generator_weights(preset: str, file: Path) -> tuple[CrnConfig, dict[str, Tensor]]:
    """An official checkpoint as our generator's tensors, and the config that they fit.

    Args:
        preset: of our CRN presets, the one that the weights were trained as.
        file: `model.ckpt`, beside which `model.ckpt.index` and `model.ckpt.data-00000-of-00001` lie, or the index.

    Raises:
        ConfigError: the preset is unknown or of another system.
        CheckpointError: a file cannot be read or does not fit the preset.
    """
    config = config_of(preset, "crn", CrnConfig)
    with torch.device("meta"):
        own = CrnGenerator(config).state_dict()
    official = read_bundle(file, lambda name: not name.endswith(OPTIMISER))
    return config, labels_first(converted(as_torch(official), generator_keys(config), own, str(file), preset), config)


def generator_keys(config: CrnConfig) -> KeyMap:
    """`recursive_generator`: modules go by the height that they work at."""
    heights = [config.size[0] >> place for place in reversed(range(len(config.widths)))]
    last = f"g_{heights[-1]}_conv100/"
    keys = KeyMap({"to_image.weight": (last + "weights",), "to_image.bias": (last + "biases",)}, {})
    for place, height in enumerate(heights):
        keys |= normed(f"stages.{place}.conv_0.", f"g_{height}_conv1/", joint=True)
        keys |= normed(f"stages.{place}.conv_1.", f"g_{height}_conv2/")
    return keys


def normed(own: str, official: str, *, joint: bool = False) -> KeyMap:
    """A convolution and its layer norm; `joint` for that over labels and other maps."""
    convolution = f"{own}conv.whole.weight" if joint else f"{own}conv.weight"
    sources = {
        convolution: (f"{official}weights",),
        f"{own}norm.weight": (f"{official}LayerNorm/gamma",),
        f"{own}norm.bias": (f"{official}LayerNorm/beta",),
    }
    return KeyMap(sources, {})


def as_torch(official: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convolutions' weights (k k in out) in the order that they have here (out in k k)."""
    return {key: value.permute(3, 2, 0, 1) if value.ndim == 4 else value for key, value in official.items()}


def labels_first(tensors: Mapping[str, Tensor], config: CrnConfig) -> dict[str, Tensor]:
    """The tensors with the labels' columns first where labels and features meet; the release has them last."""
    return {
        key: value.roll(config.labels, 1).contiguous() if key.endswith(".whole.weight") else value.contiguous()
        for key, value in tensors.items()
    }
