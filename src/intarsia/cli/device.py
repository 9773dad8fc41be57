"""Which device a command computes on."""

from __future__ import annotations

from intarsia.errors import ConfigError


def pick_device(name: str) -> str:
    """`name`, or for "auto" a GPU if there is one.

    Raises:
        ConfigError: torch knows no such device, or this machine has none.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError):
        raise ConfigError(
            f"device {name} is not usable here. Choose auto, cpu, or cuda where torch finds a GPU."
        ) from None
    return name
