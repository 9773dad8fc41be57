"""Key maps of the official SAFM release (`<epoch>_net_G.pth`, `_net_D.pth`, `_net_Seg.pth`).

Its label channels of ADE20K start with the unknown class; ours end with don't-care, which is the same thing. So the
columns of each layer that looks at the labels are turned round.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from intarsia.blocks.residual import SpadeBlock
from intarsia.checkpoints.convert import oasis, sesame
from intarsia.checkpoints.convert.keymap import KeyMap, converted, layer, spectral
from intarsia.checkpoints.convert.published import config_of
from intarsia.checkpoints.convert.spade import BLOCKS, UNCOUNTED
from intarsia.labels import LabelSpace, numbered
from intarsia.systems.safm import SafmConfig, SafmGenerator
from intarsia.weights import read_weights

LICENCE = "CC BY-NC-SA 4.0, as the released code"
UNCALLED = "a normalisation that the release builds and never calls"
LOOKING = ("start.whole.weight", "shared.whole.weight", "branch.labels.weight")  # layers that see the labels

discriminator_keys = sesame.discriminator_keys
segmenter_keys = oasis.discriminator_keys


def label_space_of(preset: str) -> LabelSpace:
    """The values of the published data set's label maps, numbered for want of names, in the order of our channels.

    Raises:
        ConfigError: the preset is unknown or of another system.
    """
    config = config_of(preset, "safm", SafmConfig)
    if unknown_first(preset):
        return numbered(preset, config.labels - 1, first=1, dont_care_ids=(0,))
    if config.dont_care:
        return numbered(preset, config.labels - 1, dont_care_ids=(255,))
    return numbered(preset, config.labels)


def unknown_first(preset: str) -> bool:
    """Whether the release trained this preset with the unknown class as its first channel."""
    return preset.startswith("safm-ade20k")


def generator_weights(preset: str, file: Path) -> tuple[SafmConfig, dict[str, Tensor]]:
    """An official file as our generator's tensors, and the config that they fit.

    Args:
        preset: of our SAFM presets, the one that the weights were trained as.
        file: `..._net_G.pth`, or the same as safetensors.

    Raises:
        ConfigError: the preset is unknown or of another system.
        CheckpointError: the file cannot be read or does not fit the preset.
    """
    config = config_of(preset, "safm", SafmConfig)
    with torch.device("meta"):
        own = SafmGenerator(config).state_dict()
    tensors = converted(read_weights(file), generator_keys(config), own, str(file), preset)
    return config, unknown_last(tensors, config) if unknown_first(preset) else tensors


def unknown_last(tensors: dict[str, Tensor], config: SafmConfig) -> dict[str, Tensor]:
    """The tensors of generator or discriminator with the unknown class, their first label column, as the last."""
    order = torch.tensor([*range(1, config.labels), 0])
    looking = (*LOOKING, "semantics.first.whole.weight")
    return {
        key: torch.cat([value[:, order], value[:, config.labels :]], 1) if key.endswith(looking) else value
        for key, value in tensors.items()
    }


def generator_keys(config: SafmConfig) -> KeyMap:
    """`SAFMGenerator`."""
    keys = layer("start.whole.", "fc.") | layer("decoder.to_image.", "conv_img.")
    once = config.adapted == "once"
    if once:
        keys |= branch_keys().under("branch.", "")
    with torch.device("meta"):
        blocks = SafmGenerator(config).decoder.blocks
    for place, (block, name) in enumerate(zip(blocks, BLOCKS, strict=False)):
        assert isinstance(block, SpadeBlock)
        one = spectral("conv_0.", "conv_0.") | spectral("conv_1.", "conv_1.")
        norms = ["norm_0.", "norm_1."]
        if block.conv_s is not None:
            one |= spectral("conv_s.", "conv_s.", bias=False)
            norms.append("norm_s.")
        for norm in norms:
            one |= norm_keys(config, branch=not once).under(norm, norm)
        keys |= one.under(f"decoder.blocks.{place}.", f"{name}.")
    return keys


def norm_keys(config: SafmConfig, *, branch: bool) -> KeyMap:
    """`SAFM`'s normalisation, or without a branch `SPADE`."""
    stacked = {f"gamma_beta.{part}": (f"mlp_gamma.{part}", f"mlp_beta.{part}") for part in ("weight", "bias")}
    keys = layer("shared.whole.", "mlp_shared.0.") | KeyMap(stacked, {})
    if branch:
        keys |= branch_keys().under("branch.", "")
    if config.normalisation == "instance":
        return keys
    running = {f"moments.{name}": (f"param_free_norm.{name}",) for name in ("running_mean", "running_var")}
    return keys | KeyMap(running, {"param_free_norm.num_batches_tracked": UNCOUNTED})


def branch_keys() -> KeyMap:
    """The conditional convolutions of the descriptors."""
    keys = layer("labels.", "pre_seg.0.") | layer("shapes.", "pre_dis.0.")
    left_out = {}
    for place in (0, 1):
        for part in (0, 2):
            keys |= layer(f"kernels.{place}.{part}.", f"gen_weights{place + 1}.{part}.")
        for entry in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            left_out[f"depconv{place + 1}.norm_layer.{entry}"] = UNCALLED
    return keys | KeyMap({}, left_out)
