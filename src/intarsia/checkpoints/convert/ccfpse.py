"""Key maps of the official CC-FPSE release (`<epoch>_net_G.pth`, `_net_E.pth`, `_net_D.pth`).

The release orders a predicted kernel's channels by channel and then tap; ours are by tap and then channel.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from intarsia.blocks.conditional import TAPS
from intarsia.checkpoints.convert.keymap import KeyMap, batch_norm, layer, running_moments, spectral
from intarsia.checkpoints.convert.published import check_style_encoder, config_of, from_files
from intarsia.checkpoints.convert.spade import BLOCKS, encoder_keys
from intarsia.labels import LabelSpace, numbered
from intarsia.systems.ccfpse import CcfpseConfig, CcfpseGenerator
from intarsia.systems.spade import widths_of

LICENCE = "none stated with the released weights; the code says that it builds on SPADE's (CC BY-NC-SA 4.0)"
UNCALLED = "belongs to a normalisation that the published network holds and never calls"
PARTS = ("weight", "bias")
BATCH_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def label_space_of(preset: str) -> LabelSpace:
    """The values of the published data set's label maps, numbered for want of names, in the order of the channels.

    Raises:
        ConfigError: the preset is unknown or of another system.
    """
    config = config_of(preset, "ccfpse", CcfpseConfig)
    if preset.startswith("ccfpse-coco"):
        return numbered(preset, config.labels - 1, dont_care_ids=(255,))
    # ADE20K too: its released network takes 0 (unlabelled) to 150 as they stand in the files.
    return numbered(preset, config.labels)


def generator_weights(preset: str, generator: Path, encoder: Path | None) -> tuple[CcfpseConfig, dict[str, Tensor]]:
    """Official files as our generator's tensors, and the config that they fit.

    Args:
        preset: of our CC-FPSE presets, the one that the weights were trained as.
        generator: `..._net_G.pth`, or the same as safetensors.
        encoder: `..._net_E.pth`; for presets with a style, and only for them.

    Raises:
        ConfigError: the preset is unknown or of another system, or the encoder is missing or not wanted.
        CheckpointError: a file cannot be read or does not fit the preset.
    """
    config = config_of(preset, "ccfpse", CcfpseConfig)
    check_style_encoder(preset, encoder, style=config.style, other=preset.removesuffix("-no-style"))
    with torch.device("meta"):
        own = CcfpseGenerator(config).state_dict()
    parts = [(generator, generator_keys(config))]
    if encoder is not None:
        parts.append((encoder, encoder_keys().under("encoder.", "")))
    return config, taps_first(from_files(parts, own, preset))


def generator_keys(config: CcfpseConfig) -> KeyMap:
    """`CondConvGenerator`, without the encoder."""
    keys = layer("start.", "fc.") | layer("decoder.to_image.", "conv_img.")
    keys |= _unit("pyramid.first.", "labelenc1.", ".whole")
    for place in range(config.halvings):
        keys |= _unit(f"pyramid.down.{place}.", f"labelenc{place + 2}.")
        keys |= _unit(f"pyramid.beside.{place}.", f"labellat{place + 1}.")
        keys |= _unit(f"pyramid.up.{place}.", f"labeldec{place + 1}.")
    widths = widths_of(config.width, config.depth)
    for place, (inputs, outputs, name) in enumerate(zip([widths[0], *widths], widths, BLOCKS, strict=False)):
        keys |= block_keys(shortcut=inputs != outputs).under(f"decoder.blocks.{place}.", f"{name}.")
    return keys


def block_keys(*, shortcut: bool) -> KeyMap:
    """`DepthsepCCBlock`; with `shortcut` where the number of channels changes."""
    nets = ["gen_weights1", "gen_weights2", "gen_se_weights1", "gen_se_weights2"]
    shared = [f"{net}.0" for net in nets] + ["norm_s.mlp_shared.0"] * shortcut
    keys = KeyMap({f"predictor.shared.whole.{part}": tuple(f"{net}.{part}" for net in shared) for part in PARTS}, {})
    for place, net in enumerate(nets):
        keys |= layer(f"predictor.nets.{place}.", f"{net}.2.")
    for place, conv in ((1, 1), (2, 3)):
        keys |= batch_norm(f"norm_{place}.", f"norm_{place}.") | layer(f"mix_{place}.", f"conv_{conv}.")
    uncalled = ("norm_0.", "conv_0.norm_layer.", "conv_2.norm_layer.")
    keys |= KeyMap({}, {norm + name: UNCALLED for norm in uncalled for name in BATCH_NORM})
    if not shortcut:
        return keys
    gamma_beta = {f"predictor.nets.4.{part}": (f"norm_s.mlp_gamma.{part}", f"norm_s.mlp_beta.{part}") for part in PARTS}
    keys |= KeyMap(gamma_beta, {}) | running_moments("moments_s.", "norm_s.param_free_norm.")
    return keys | spectral("conv_s.", "conv_s.", bias=False)


def discriminator_keys() -> KeyMap:
    """`FPSEDiscriminator`."""
    keys = layer("realness.", "tf.") | layer("semantics.", "seg.") | layer("embedding.", "embedding.")
    for own, official, first, count in (("down", "enc", 1, 5), ("beside", "lat", 2, 4), ("final", "final", 2, 3)):
        for place in range(count):
            keys |= spectral(f"{own}.{place}.conv.", f"{official}{place + first}.0.0.", bias=False)
    return keys


def taps_first(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of blocks with the outputs of the nets that predict kernels in our order."""
    predicting = tuple(f"predictor.nets.{place}.{part}" for place in (0, 1) for part in PARTS)
    return {
        key: value.reshape(-1, TAPS, *value.shape[1:]).transpose(0, 1).flatten(0, 1).contiguous()
        if key.endswith(predicting)
        else value
        for key, value in tensors.items()
    }


def _unit(own: str, official: str, conv: str = "") -> KeyMap:
    """A spectrally normalised convolution without bias, and its batch normalisation."""
    keys = spectral(f"{own}conv{conv}.", f"{official}0.0.", bias=False)
    return keys | batch_norm(f"{own}norm.", f"{official}0.1.")
