"""Weight files as others publish them, read without running any code that they might hold."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from intarsia.errors import CheckpointError


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a state dict by key: a `.safetensors` file, or a `.pth` file of tensors only.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else than named tensors.
    """
    if not path.is_file():
        raise CheckpointError(f"weight file {path} does not exist. Give a .pth or .safetensors file.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong is said below, once
            values = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError):
        raise CheckpointError(
            f"weight file {path} cannot be read: it is damaged, or holds more than tensors. "
            "Give a state dict saved as .pth or .safetensors."
        ) from None
    if not isinstance(values, dict) or not all(isinstance(value, Tensor) for value in values.values()):
        raise CheckpointError(
            f"weight file {path} holds no state dict. Give one: tensors by name, nothing around them."
        )
    return dict(values)
