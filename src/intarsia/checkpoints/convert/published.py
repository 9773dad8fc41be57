"""The config of a preset that official weights were trained as."""

from __future__ import annotations

from typing import TypeVar

from intarsia import systems
from intarsia.errors import ConfigError

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
