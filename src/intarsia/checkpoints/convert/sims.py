"""Key maps of the official SIMS release (TensorFlow checkpoints of three networks).

Its painting network reads and writes blue first; ours red first. So columns of the canvas and rows of the image are
turned round. The other two see red first.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from intarsia.blocks.segment_networks import ENCODER
from intarsia.checkpoints.convert.bundle import read_bundle
from intarsia.checkpoints.convert.crn import OPTIMISER, normed
from intarsia.checkpoints.convert.keymap import KeyMap, converted
from intarsia.checkpoints.convert.published import config_of
from intarsia.labels import LabelSpace, numbered
from intarsia.systems.sims import SimsConfig, SimsGenerator

LICENCE = "MIT, as the released code"
LEVELS = len(ENCODER)


def label_space_of(preset: str) -> LabelSpace:
    """The 19 classes of Cityscapes by their train ids, numbered for want of names, and don't-care.

    Raises:
        ConfigError: the preset is unknown or of another system.
    """
    return numbered(preset, config_of(preset, "sims", SimsConfig).labels - 1, dont_care_ids=(255,))


def generator_weights(
    preset: str, painting: Path, placing: Path, ordering: Path
) -> tuple[SimsConfig, dict[str, Tensor]]:
    """Official checkpoints as our generator's tensors, and the config that they fit.

    Args:
        preset: of our SIMS presets, the one that the weights were trained as.
        painting: `model.ckpt` of the synthesis network, or its index.
        placing: that of the transformation network.
        ordering: that of the ordering network.

    Raises:
        ConfigError: the preset is unknown or of another system.
        CheckpointError: a file cannot be read or does not fit the preset.
    """
    config = config_of(preset, "sims", SimsConfig)
    with torch.device("meta"):
        own = SimsGenerator(config).state_dict()
    tensors: dict[str, Tensor] = {}
    for part, file, keys in (
        ("painting.", painting, painting_keys(config)),
        ("placing.", placing, placing_keys()),
        ("ordering.", ordering, ordering_keys()),
    ):
        wanted = {key.removeprefix(part): value for key, value in own.items() if key.startswith(part)}
        official = read_bundle(file, lambda name: not name.endswith(OPTIMISER))
        found = converted(as_torch(official), keys, wanted, str(file), preset)
        if part == "painting.":
            found = red_first(found, config)
        tensors |= {part + key: value.contiguous() for key, value in found.items()}
    return config, tensors


def painting_keys(config: SimsConfig) -> KeyMap:
    """`recursive_generator`: its last layers go by the height that they work at."""
    keys = normed("entry.", "g_encoder_conv1/g_encoder_conv1_1/", joint=True)
    keys |= normed("encoder.0.0.", "g_encoder_conv1/g_encoder_conv1_2/")
    for stage, (_, count) in enumerate(ENCODER[1:], 1):
        keys |= _repeated(f"encoder.{stage}.", f"g_encoder_conv{stage + 1}", count)
    for level in range(LEVELS, 0, -1):
        keys |= _repeated(f"decoder.{LEVELS - level}.", f"g_decoder_conv{level}", 2)
    keys |= _level("final.", "g_decoder_final")
    image, logits = f"g_{config.size[0]}_conv100", f"g_semantic_{config.size[0]}_conv100"
    if config.doublings:
        keys |= _level("fine.", "g_decoder_512")
        image, logits = "g_512_conv100", "g_semantic_512"
    keys |= _last("to_image.", image) | _last("to_logits.", logits)
    return keys | _last("to_fine_image.", "g_1024_conv100") if config.doublings > 1 else keys


def placing_keys() -> KeyMap:
    """`proposal_transform`; the name of its second stage is misspelt."""
    keys = KeyMap({"to_theta.weight": ("g_transform_param",), "to_theta.bias": ("g_b_fc1",)}, {})
    for stage, (_, count) in enumerate(ENCODER[:-1]):
        name = "g_transfrom_conv2" if stage == 1 else f"g_transform_conv{stage + 1}"
        keys |= _repeated(f"trunk.stages.{stage}.", name, count)
    return keys


def ordering_keys() -> KeyMap:
    """`proposal_classifier`."""
    keys = normed("hidden.", "g_selection_conv6/") | _last("to_scores.", "g_selection_classify")
    for stage, (_, count) in enumerate(ENCODER[:-1]):
        keys |= _repeated(f"trunk.stages.{stage}.", f"g_selection_conv{stage + 1}", count)
    return keys


def as_torch(official: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights (k k in out, or in out) in the order that they have here: out before in."""
    orders = {4: (3, 2, 0, 1), 2: (1, 0)}
    return {
        key: value.permute(orders[value.ndim]) if value.ndim in orders else value for key, value in official.items()
    }


def red_first(painting: Mapping[str, Tensor], config: SimsConfig) -> dict[str, Tensor]:
    """The painting network's tensors with red where the release has blue."""
    looking = ("entry.", "final.0.", "fine.0.", "to_fine_image.", *(f"decoder.{place}.0." for place in range(LEVELS)))
    last = "to_fine_image." if config.doublings > 1 else "to_image."
    turned = {}
    for key, value in painting.items():
        turned[key] = value
        if key.startswith(looking) and value.ndim == 4:
            before, canvas, after = value.tensor_split([config.planes, config.planes + 3], 1)
            turned[key] = torch.cat([before, canvas.flip(1), after], 1)
        if key.startswith(last):
            turned[key] = turned[key].flip(0)
    return turned


def _level(own: str, official: str) -> KeyMap:
    """Two convolutions, the first over labels and other maps."""
    return normed(f"{own}0.", f"{official}/{official}_1/", joint=True) | normed(f"{own}1.", f"{official}/{official}_2/")


def _repeated(own: str, official: str, count: int) -> KeyMap:
    """Convolutions that follow each other under one name."""
    keys = KeyMap({}, {})
    for place in range(count):
        keys |= normed(f"{own}{place}.", f"{official}/{official}_{place + 1}/")
    return keys


def _last(own: str, official: str) -> KeyMap:
    """A convolution without normalisation."""
    return KeyMap({f"{own}weight": (f"{official}/weights",), f"{own}bias": (f"{official}/biases",)}, {})
