"""Key maps of the official SESAME release (`<epoch>_net_G.pth`, `_net_D.pth`), of its editors.

The released weights for making photos from labels alone are those of SPADE's generator: `convert/spade.py`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from intarsia.checkpoints.convert.keymap import KeyMap, converted, layer, spectral
from intarsia.checkpoints.convert.published import config_of
from intarsia.checkpoints.convert.spade import block_keys
from intarsia.labels import LabelSpace, numbered
from intarsia.systems.sesame import SesameConfig, SesameGenerator
from intarsia.weights import read_weights

LICENCE = "CC BY-NC-SA 4.0, as the released code"
COLOURS = 3
ENTRY = "encoder.first.joint.whole.weight"  # the layer that sees the photo beside the labels


def label_space_of(preset: str) -> LabelSpace:
    """The values of the published data set's label maps, numbered for want of names, in the order of the channels.

    Raises:
        ConfigError: the preset is unknown or of another system.
    """
    config = config_of(preset, "sesame", SesameConfig)
    if preset == "sesame-landscapes":
        return numbered(preset, config.labels - 1, dont_care_ids=(255,))
    return numbered(preset, config.labels)


def generator_weights(preset: str, file: Path) -> tuple[SesameConfig, dict[str, Tensor]]:
    """An official file as our generator's tensors, and the config that they fit.

    Args:
        preset: of our SESAME presets, the one that the weights were trained as.
        file: `..._net_G.pth`, or the same as safetensors.

    Raises:
        ConfigError: the preset is unknown or of another system.
        CheckpointError: the file cannot be read or does not fit the preset.
    """
    config = config_of(preset, "sesame", SesameConfig)
    with torch.device("meta"):
        own = SesameGenerator(config).state_dict()
    tensors = converted(read_weights(file), generator_keys(config), own, str(file), preset)
    return config, photo_last(tensors)


def photo_last(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The generator's tensors with the columns of the first layer in our order: labels, hole, photo."""
    entry = tensors[ENTRY]
    return tensors | {ENTRY: torch.cat([entry[:, COLOURS:], entry[:, :COLOURS]], 1)}


def generator_keys(config: SesameConfig) -> KeyMap:
    """`SesameGenerator`."""
    plain = {ENTRY: ("init_block.1.0.weight",)}
    for level in range(config.halvings):
        plain[f"encoder.down.{level}.weight"] = (f"downlayers.{level}.0.0.weight",)
    for place in range(config.blocks):
        own, theirs = f"encoder.blocks.{place}.", f"resnet_core.{place}."
        plain |= {f"{own}conv_0.weight": (f"{theirs}conv_block.1.0.weight",)}
        plain |= {f"{own}conv_1.weight": (f"{theirs}conv_block.4.0.weight",)}
    if config.wide:
        plain["encoder.blocks.0.conv_s.weight"] = ("resnet_core.0.shortcut.weight",)
    keys = KeyMap(plain, {}) | layer("decoder.to_image.", "conv_img.")
    names = [f"spade_core.{place}." for place in range(config.spade_blocks)]
    names += [f"uplayers.{level}." for level in range(config.halvings)]
    for place, name in enumerate(names):
        # At the bottom only the last block may change the number of channels.
        widens = place >= config.spade_blocks or (place == config.spade_blocks - 1 and (config.skips or config.wide))
        keys |= block_keys(config.normalisation, shortcut=widens).under(f"decoder.blocks.{place}.", name)
    return keys


def discriminator_keys(scales: int, layers: int = 4) -> KeyMap:
    """`SesameMultiscaleDiscriminator`; SAFM's `MultiscaleDiscriminator` has the same keys."""
    keys = KeyMap({}, {})
    for scale in range(scales):
        one = layer("last.", f"img_sequence.{layers}.0.")
        for own, theirs, whole in (("image.", "img_sequence.", ""), ("semantics.", "sem_sequence.", "whole.")):
            one |= layer(f"{own}first.{whole}", f"{theirs}0.0.")
            for place in range(1, layers):
                one |= spectral(f"{own}hidden.{place - 1}.", f"{theirs}{place}.0.0.", bias=False)
        keys |= one.under(f"scales.{scale}.", f"discriminator_{scale}.")
    return keys
