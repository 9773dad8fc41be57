"""Key maps of the official SPADE release (`<epoch>_net_G.pth`, `_net_E.pth`, `_net_D.pth`)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from intarsia.blocks.modulation import Normalisation
from intarsia.blocks.residual import SpadeBlock
from intarsia.checkpoints.convert.keymap import KeyMap, layer, spectral
from intarsia.checkpoints.convert.published import check_style_encoder, config_of, from_files
from intarsia.labels import LabelSpace, numbered
from intarsia.systems.spade import SpadeConfig, SpadeGenerator

BLOCKS = ("head_0", "G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3", "up_4")
LICENCE = "CC BY-NC-SA 4.0, as the released weights"
UNCOUNTED = "counts batches, which only a cumulative average needs; the released weights hold 0"


def label_space_of(preset: str) -> LabelSpace:
    """The values of the published data set's label maps, numbered for want of names, in the order of the channels.

    Raises:
        ConfigError: the preset is unknown or of another system.
    """
    config = config_of(preset, "spade", SpadeConfig)
    if preset.startswith("spade-coco"):
        return numbered(preset, config.labels - 1, dont_care_ids=(255,))
    # ADE20K too: its released networks take 0 (unlabelled) to 150 as they stand in the files.
    return numbered(preset, config.labels)


def generator_weights(preset: str, generator: Path, encoder: Path | None) -> tuple[SpadeConfig, dict[str, Tensor]]:
    """Official files as our generator's tensors, and the config that they fit.

    Args:
        preset: of our SPADE presets, the one that the weights were trained as.
        generator: `..._net_G.pth`, or the same as safetensors.
        encoder: `..._net_E.pth`; for presets with a style, and only for them.

    Raises:
        ConfigError: the preset is unknown or of another system, or the encoder is missing or not wanted.
        CheckpointError: a file cannot be read or does not fit the preset.
    """
    config = config_of(preset, "spade", SpadeConfig)
    check_style_encoder(preset, encoder, style=config.style, other=f"{preset}-style")
    with torch.device("meta"):
        own = SpadeGenerator(config).state_dict()
    parts = [(generator, generator_keys(config))]
    if encoder is not None:
        parts.append((encoder, encoder_keys().under("encoder.", "")))
    return config, from_files(parts, own, preset)


def generator_keys(config: SpadeConfig) -> KeyMap:
    """`SPADEGenerator`, without the encoder."""
    keys = layer("start.", "fc.") | layer("decoder.to_image.", "conv_img.")
    for place, (widens, name) in enumerate(zip(_changes_width(config), BLOCKS, strict=False)):
        keys |= block_keys(config.normalisation, shortcut=widens).under(f"decoder.blocks.{place}.", f"{name}.")
    return keys


def block_keys(kind: Normalisation, *, shortcut: bool, moments: str = "param_free_norm") -> KeyMap:
    """`SPADEResnetBlock`; with `shortcut` where the number of channels changes."""
    keys = spectral("conv_0.", "conv_0.") | spectral("conv_1.", "conv_1.")
    if shortcut:
        keys |= spectral("conv_s.", "conv_s.", bias=False)
    for norm in ("norm_0.", "norm_1.", "norm_s.") if shortcut else ("norm_0.", "norm_1."):
        keys |= norm_keys(kind, moments=moments).under(norm, norm)
    return keys


def norm_keys(kind: Normalisation, *, moments: str = "param_free_norm") -> KeyMap:
    """`SPADE`: its separate convolutions for gamma and beta are one with us. `moments` names its batch norm."""
    stacked = {f"gamma_beta.{part}": (f"mlp_gamma.{part}", f"mlp_beta.{part}") for part in ("weight", "bias")}
    keys = layer("shared.", "mlp_shared.0.") | KeyMap(stacked, {})
    if kind == "instance":
        return keys
    running = {f"moments.{name}": (f"{moments}.{name}",) for name in ("running_mean", "running_var")}
    return keys | KeyMap(running, {f"{moments}.num_batches_tracked": UNCOUNTED})


def discriminator_keys(scales: int, layers: int = 4) -> KeyMap:
    """`MultiscaleDiscriminator`."""
    keys = KeyMap({}, {})
    for scale in range(scales):
        one = layer("first.whole.", "model0.0.") | layer("last.", f"model{layers}.0.")
        for place in range(1, layers):
            one |= spectral(f"hidden.{place - 1}.", f"model{place}.0.0.", bias=False)
        keys |= one.under(f"scales.{scale}.", f"discriminator_{scale}.")
    return keys


def encoder_keys() -> KeyMap:
    """`ConvEncoder`."""
    keys = layer("mean.", "fc_mu.") | layer("log_variance.", "fc_var.")
    for place in range(6):
        keys |= spectral(f"layers.{place}.", f"layer{place + 1}.0.", bias=False)
    return keys


def global_generator_keys(halvings: int, blocks: int) -> KeyMap:
    """`Pix2PixHDGenerator` of the SPADE release, with spectral normalisation: one long sequence of modules."""
    keys = spectral("first.conv.joint.whole.", "model.1.0.", bias=False)
    place = 3
    for level in range(halvings):
        keys |= spectral(f"down.{level}.conv.", f"model.{place}.0.", bias=False)
        place += 2
    for block in range(blocks):
        keys |= spectral(f"blocks.{block}.conv_0.conv.", f"model.{place}.conv_block.1.0.", bias=False)
        keys |= spectral(f"blocks.{block}.conv_1.conv.", f"model.{place}.conv_block.4.0.", bias=False)
        place += 1
    for level in range(halvings):
        keys |= spectral(f"up.{level}.conv.", f"model.{place}.0.", bias=False)
        place += 2
    return keys.under("trunk.", "") | layer("last.", f"model.{place + 1}.")


def _changes_width(config: SpadeConfig) -> list[bool]:
    """For each block, whether it has a shortcut of its own."""
    with torch.device("meta"):
        blocks = SpadeGenerator(config).decoder.blocks
    return [isinstance(block, SpadeBlock) and block.conv_s is not None for block in blocks]
