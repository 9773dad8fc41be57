"""Key maps of the official pix2pixHD release (`<epoch>_net_G.pth`, `_net_E.pth`, `_net_D.pth`)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from intarsia.blocks.modulation import Normalisation
from intarsia.checkpoints.convert.keymap import KeyMap, batch_norm, layer
from intarsia.checkpoints.convert.published import config_of, from_files
from intarsia.errors import ConfigError
from intarsia.labels import LabelSpace, numbered
from intarsia.systems.pix2pixhd import Pix2pixHDConfig, Pix2pixHDGenerator

LICENCE = "BSD-style, as the release of pix2pixHD (NVIDIA)"
UNREAD = "instance normalisation takes the moments of each image; files from before PyTorch 0.4 hold running ones too"


def label_space_of(preset: str) -> LabelSpace:
    """The values of Cityscapes' label maps (ids, not train ids), numbered for want of names.

    Raises:
        ConfigError: the preset is unknown or of another system.
    """
    return numbered(preset, config_of(preset, "pix2pixhd", Pix2pixHDConfig).labels)


def generator_weights(preset: str, generator: Path, encoder: Path | None) -> tuple[Pix2pixHDConfig, dict[str, Tensor]]:
    """Official files as our generator's tensors, and the config that they fit.

    Args:
        preset: of our pix2pixHD presets, the one that the weights were trained as.
        generator: `..._net_G.pth`, or the same as safetensors.
        encoder: `..._net_E.pth`; for presets with features, and only for them.

    Raises:
        ConfigError: the preset is unknown or of another system, or the encoder is missing or not wanted.
        CheckpointError: a file cannot be read or does not fit the preset.
    """
    config = config_of(preset, "pix2pixhd", Pix2pixHDConfig)
    if config.features and encoder is None:
        raise ConfigError(f"preset {preset} has an image encoder. Give its weights as --encoder FILE (..._net_E.pth).")
    if encoder is not None and not config.features:
        raise ConfigError(f"preset {preset} has no image encoder. Leave --encoder out, or choose {preset}-feat.")
    with torch.device("meta"):
        own = Pix2pixHDGenerator(config).state_dict()
    parts = [(generator, generator_keys(config).under("body.", ""))]
    if encoder is not None:
        parts.append((encoder, encoder_keys(config).under("encoder.", "")))
    return config, from_files(parts, own, preset)


def generator_keys(config: Pix2pixHDConfig) -> KeyMap:
    """`GlobalGenerator`, or with enhancers `LocalEnhancer`: the first with its last layers cut off, and more around."""
    kind = config.normalisation
    if not config.enhancers:
        return _sequence(config.halvings, config.blocks, kind)
    keys = _trunk(config.halvings, config.blocks, kind)
    for enhancer in range(config.enhancers):
        own, down, up = f"enhancers.{enhancer}.", f"model{enhancer + 1}_1.", f"model{enhancer + 1}_2."
        keys |= _normed(f"{own}first.", f"{down}1.", f"{down}2.", kind, entry=True)
        keys |= _normed(f"{own}down.", f"{down}4.", f"{down}5.", kind)
        for block in range(config.enhancer_blocks):
            keys |= _block(f"{own}blocks.{block}.", f"{up}{block}.", kind)
        place = config.enhancer_blocks
        keys |= _normed(f"{own}up.", f"{up}{place}.", f"{up}{place + 1}.", kind)
    return keys | layer("last.", f"model{config.enhancers}_2.{config.enhancer_blocks + 4}.")


def encoder_keys(config: Pix2pixHDConfig) -> KeyMap:
    """`Encoder`."""
    return _sequence(config.encoder_halvings, 0, config.normalisation)


def discriminator_keys(scales: int, layers: int, kind: Normalisation, *, features: bool = True) -> KeyMap:
    """`MultiscaleDiscriminator`; without `features` it was built as one sequence of modules for each scale.

    The release counts scales from the coarsest, we from the finest.
    """
    keys = KeyMap({}, {})
    for scale in range(scales):
        official = scales - 1 - scale

        def part(place: int, norm: bool, official: int = official) -> str:
            if features:
                return f"scale{official}_layer{place}.{int(norm)}."
            first = 3 * place - 1 if place else 0  # of the modules: convolution, normalisation but for the first, leak
            return f"layer{official}.{first + norm}."

        one = layer("first.whole.", part(0, False)) | layer("last.", part(layers, False))
        for hidden in range(layers - 1):
            one |= layer(f"hidden.{hidden}.", part(hidden + 1, False))
            one |= _norm(f"norms.{hidden}.", part(hidden + 1, True), kind)
        keys |= one.under(f"scales.{scale}.", "")
    return keys


def _sequence(halvings: int, blocks: int, kind: Normalisation) -> KeyMap:
    """A whole `GlobalGenerator`: one long sequence of modules."""
    return _trunk(halvings, blocks, kind) | layer("last.", f"model.{6 * halvings + blocks + 5}.")


def _trunk(halvings: int, blocks: int, kind: Normalisation) -> KeyMap:
    """Padding, then three modules for each convolution (itself, normalisation, activation) and one for each block."""
    keys = _normed("first.", "model.1.", "model.2.", kind, entry=True)
    for place in range(halvings):
        official = 4 + 3 * place
        keys |= _normed(f"down.{place}.", f"model.{official}.", f"model.{official + 1}.", kind)
    for place in range(blocks):
        keys |= _block(f"blocks.{place}.", f"model.{4 + 3 * halvings + place}.", kind)
    for place in range(halvings):
        official = 4 + 3 * halvings + blocks + 3 * place
        keys |= _normed(f"up.{place}.", f"model.{official}.", f"model.{official + 1}.", kind)
    return keys.under("trunk.", "")


def _block(own: str, official: str, kind: Normalisation) -> KeyMap:
    """`ResnetBlock`."""
    keys = KeyMap({}, {})
    for conv, place in (("conv_0.", 1), ("conv_1.", 5)):
        keys |= _normed(own + conv, f"{official}conv_block.{place}.", f"{official}conv_block.{place + 1}.", kind)
    return keys


def _normed(own: str, conv: str, norm: str, kind: Normalisation, *, entry: bool = False) -> KeyMap:
    """A convolution and its normalisation; `entry` for that over the label map."""
    return layer(f"{own}conv.joint.whole." if entry else f"{own}conv.", conv) | _norm(f"{own}norm.", norm, kind)


def _norm(own: str, official: str, kind: Normalisation) -> KeyMap:
    if kind == "instance":
        return KeyMap({}, {official + name: UNREAD for name in ("running_mean", "running_var")})
    return batch_norm(own, official)
