"""Key maps of the official OASIS release (`<epoch>_EMA.pth`, `<epoch>_G.pth`, `<epoch>_D.pth`).

Its label channels start with the unknown class; ours end with don't-care, which is the same thing. So what hangs on the
labels' order is turned round: the columns of each layer that looks at the map, and the discriminator's rows.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from intarsia.blocks.modulation import Normalisation
from intarsia.checkpoints.convert.keymap import KeyMap, converted, layer, spectral
from intarsia.checkpoints.convert.published import config_of
from intarsia.checkpoints.convert.spade import block_keys
from intarsia.labels import LabelSpace, numbered
from intarsia.systems.oasis import OasisConfig, OasisGenerator
from intarsia.weights import read_weights

LICENCE = "AGPL-3.0, as the released code"
WIDENED = (False, False, True, True, True, True)  # blocks with a shortcut of their own


def label_space_of(preset: str) -> LabelSpace:
    """The values of the published data set's label maps, numbered for want of names, in the order of our channels.

    Raises:
        ConfigError: the preset is unknown or of another system.
    """
    classes = config_of(preset, "oasis", OasisConfig).labels - 1
    if preset.startswith("oasis-coco"):
        return numbered(preset, classes, dont_care_ids=(255,))
    # In the files of ADE20K and Cityscapes 0 means unlabelled.
    return numbered(preset, classes, first=1, dont_care_ids=(0,))


def generator_weights(preset: str, file: Path) -> tuple[OasisConfig, dict[str, Tensor]]:
    """An official file as our generator's tensors, and the config that they fit.

    Args:
        preset: of our OASIS presets, the one that the weights were trained as.
        file: `..._EMA.pth` or `..._G.pth`, or the same as safetensors.

    Raises:
        ConfigError: the preset is unknown or of another system.
        CheckpointError: the file cannot be read or does not fit the preset.
    """
    config = config_of(preset, "oasis", OasisConfig)
    with torch.device("meta"):
        own = OasisGenerator(config).state_dict()
    tensors = converted(read_weights(file), generator_keys(config.normalisation), own, str(file), preset)
    return config, unknown_last(tensors, config)


def generator_keys(kind: Normalisation) -> KeyMap:
    """`OASIS_Generator`."""
    keys = layer("start.", "fc.") | layer("decoder.to_image.", "conv_img.")
    for place, shortcut in enumerate(WIDENED):
        block = block_keys(kind, shortcut=shortcut, moments="first_norm")
        keys |= block.under(f"decoder.blocks.{place}.", f"body.{place}.")
    return keys


def discriminator_keys() -> KeyMap:
    """`OASIS_Discriminator`: the place of a convolution in its sequence depends on what stands before it."""
    keys = layer("last.", "layer_up_last.")
    for side, official, before in (("down", "body_down", 1), ("up", "body_up", 2)):
        for place in range(6):
            first = 0 if (side, place) == ("down", 0) else before
            own, theirs = f"{side}.{place}.", f"{official}.{place}."
            keys |= spectral(f"{own}conv_0.", f"{theirs}conv1.{first}.")
            keys |= spectral(f"{own}conv_1.", f"{theirs}conv2.1.")
            if (side == "down" and place % 2 == 0) or (side == "up" and place > 0):
                keys |= spectral(f"{own}conv_s.", f"{theirs}conv_s.")
    return keys


def unknown_last(tensors: dict[str, Tensor], config: OasisConfig) -> dict[str, Tensor]:
    """The generator's tensors with the unknown class as the last label column; as they are without don't-care."""
    if not config.dont_care:
        return tensors
    looking = ("start.weight", ".shared.weight")
    return {key: _moved(value, 1, config.noise) if key.endswith(looking) else value for key, value in tensors.items()}


def unknown_last_judged(tensors: dict[str, Tensor], config: OasisConfig) -> dict[str, Tensor]:
    """The discriminator's tensors with the unknown class as its last row; the row of "fake" stays the first."""
    if not config.dont_care:
        return tensors
    return {key: _moved(value, 0, 1) if key.startswith("last.") else value for key, value in tensors.items()}


def _moved(tensor: Tensor, dimension: int, place: int) -> Tensor:
    """The slice at `place` moved to the end."""
    order = [*range(place), *range(place + 1, tensor.shape[dimension]), place]
    return tensor.index_select(dimension, torch.tensor(order))
