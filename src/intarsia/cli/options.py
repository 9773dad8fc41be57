"""Bounds of options that several commands have."""

from __future__ import annotations

from intarsia.errors import ConfigError


def at_least(least: int, **options: float | None) -> None:
    """Refuse an option that is smaller.

    Raises:
        ConfigError: one is.
    """
    for name, value in options.items():
        if value is not None and value < least:
            raise ConfigError(f"--{name.replace('_', '-')} is {value}. Give {least} or more.")


def check_seed(seed: int) -> None:
    """Refuse a seed that generators cannot take.

    Raises:
        ConfigError: it is negative or too large.
    """
    from intarsia.records import LAST_SEED

    at_least(0, seed=seed)
    if seed > LAST_SEED:
        raise ConfigError(f"--seed is {seed}. Give {LAST_SEED} or less.")


def size_of(size: str) -> tuple[int, int]:
    """HEIGHTxWIDTH as two numbers.

    Raises:
        ConfigError: it is something else.
    """
    height, _, width = size.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise ConfigError(f"size {size} is not HEIGHTxWIDTH. Write for example 256x256.")
    return int(height), int(width)
