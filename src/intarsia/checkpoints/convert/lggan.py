"""Key maps of the official LGGAN release (`<epoch>_net_G.pth`, `_net_D.pth`)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from intarsia.checkpoints.convert.keymap import KeyMap, layer
from intarsia.checkpoints.convert.published import config_of, from_files
from intarsia.checkpoints.convert.spade import BLOCKS, block_keys
from intarsia.labels import LabelSpace, numbered
from intarsia.systems.lggan import LgganConfig, LgganGenerator
from intarsia.systems.spade import widths_of

LICENCE = "CC BY-NC-SA 4.0, as the released code"
UNCALLED = "belongs to SPADE's first layer, which the published network holds and never calls"


def label_space_of(preset: str) -> LabelSpace:
    """The values of the published data set's label maps, numbered for want of names, in the order of the channels.

    Raises:
        ConfigError: the preset is unknown or of another system.
    """
    config = config_of(preset, "lggan", LgganConfig)
    if preset.startswith("lggan-ade20k"):
        # In the files 0 means unlabelled; the release takes it as its last channel.
        return numbered(preset, config.labels - 1, first=1, dont_care_ids=(0,))
    return numbered(preset, config.labels)


def generator_weights(preset: str, file: Path) -> tuple[LgganConfig, dict[str, Tensor]]:
    """An official file as our generator's tensors, and the config that they fit.

    Args:
        preset: of our LGGAN presets, the one that the weights were trained as.
        file: `..._net_G.pth`, or the same as safetensors.

    Raises:
        ConfigError: the preset is unknown or of another system.
        CheckpointError: the file cannot be read or does not fit the preset.
    """
    config = config_of(preset, "lggan", LgganConfig)
    with torch.device("meta"):
        own = LgganGenerator(config).state_dict()
    return config, from_files([(file, generator_keys(config))], own, preset)


def generator_keys(config: LgganConfig) -> KeyMap:
    """`LGGANGenerator`: SPADE's generator, and the encoder and the two other branches beside it."""
    keys = KeyMap({}, {f"fc.{part}": UNCALLED for part in ("weight", "bias")}) | layer("decoder.to_image.", "conv_img.")
    widths = widths_of(config.width, config.depth)
    for place, (inputs, outputs, name) in enumerate(zip([widths[0], *widths], widths, BLOCKS, strict=False)):
        block = block_keys(config.normalisation, shortcut=inputs != outputs)
        keys |= block.under(f"decoder.blocks.{place}.", f"{name}.")
    keys |= layer("entry.conv.joint.whole.", "conv1.")
    for place in range(4):
        keys |= layer(f"down.{place}.conv.", f"conv{place + 2}.")
    for place in range(config.blocks):
        for own, official in (("conv_0", "conv1"), ("conv_1", "conv2")):
            keys |= layer(f"residual.{place}.{own}.conv.", f"resnet_blocks{place + 1}.{official}.")
    for own, official in (("local", "local"), ("weights", "attention")):
        for place in range(2):
            keys |= layer(f"grow_{own}.{place}.conv.", f"deconv{place + 3}_{official}.")
    heads = {
        f"heads.{part}": tuple(f"deconv5_{head}.{part}" for head in range(config.heads)) for part in ("weight", "bias")
    }
    keys |= KeyMap(heads, {}) | layer("merge.", "deconv9.") | layer("classify.", "fc2.")
    return keys | layer("weigh.", "deconv5_attention.")
