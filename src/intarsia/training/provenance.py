"""What weights were computed with and on, as cards tell it."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import torch


def versions() -> dict[str, str]:
    """Of Intarsia and what it computes with."""
    try:
        own = version("intarsia")
    except PackageNotFoundError:
        own = "source checkout"
    return {"intarsia": own, "torch": torch.__version__, "numpy": np.__version__}


def hardware(device: torch.device, processes: int) -> str:
    """What each of the processes computed on."""
    if device.type == "cuda":
        return f"{processes} x {torch.cuda.get_device_name(device)}"
    return f"{processes} x CPU {platform.machine()}, {torch.get_num_threads()} threads"
