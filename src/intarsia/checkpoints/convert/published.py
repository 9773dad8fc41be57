"""What is asked of all official weights: the preset that they were trained as, and which files it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from intarsia import systems
from intarsia.checkpoints.convert.keymap import KeyMap, converted
from intarsia.errors import ConfigError
from intarsia.weights import read_weights

Config = TypeVar("Config")


def config_of(preset: str, system: str, kind: type[Config]) -> Config:
    """The config of a preset of `system`, whose configs are of `kind`.

    Raises:
        ConfigError: the preset is unknown or of another system.
    """
    chosen = systems.preset(preset)
    if not isinstance(chosen.config, kind):
        raise ConfigError(
            f"preset {preset} is of system {chosen.system}, not {system}. Choose one that starts with {system}-."
        )
    return chosen.config


def check_style_encoder(preset: str, encoder: Path | None, *, style: bool, other: str) -> None:
    """Refuse a preset with a style without its encoder's file, and one without a style with such a file.

    Args:
        preset: as the user gave it.
        encoder: likewise.
        style: whether the preset has one.
        other: the preset that has, to be proposed where this one has not.

    Raises:
        ConfigError: the encoder is missing or not wanted.
    """
    if style and encoder is None:
        raise ConfigError(f"preset {preset} has a style encoder. Give its weights as --encoder FILE (..._net_E.pth).")
    if encoder is not None and not style:
        raise ConfigError(f"preset {preset} has no style encoder. Leave --encoder out, or choose {other}.")


def from_files(parts: Sequence[tuple[Path, KeyMap]], own: Mapping[str, Tensor], preset: str) -> dict[str, Tensor]:
    """A network's tensors from official files, each of which holds one part of it.

    Args:
        parts: each file, and the keys that it holds.
        own: our state dict, for its keys and shapes.
        preset: names the target in errors.

    Raises:
        CheckpointError: a file cannot be read or does not fit the preset.
    """
    tensors: dict[str, Tensor] = {}
    for file, keys in parts:
        part = {key: own[key] for key in keys.sources}
        tensors |= converted(read_weights(file), keys, part, str(file), preset)
    return tensors
