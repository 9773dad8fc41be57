"""Weight files as others publish them: found by name and SHA-256, read without running code that they might hold."""

from __future__ import annotations

import pickle
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from intarsia.errors import CheckpointError
from intarsia.files import sha256


@dataclass(frozen=True)
class WeightFile:
    """A file of weights that others publish and that is not part of Intarsia.

    `sha256` is the checksum in hexadecimal, or as much of its beginning as its publishers made known: torch's hub puts
    eight digits into the file's name. Empty: none was published, and the file is taken for what its name says.
    """

    what: str  # the network, as errors call it
    name: str  # of the file
    sha256: str
    source: str  # who publishes it, for people


@dataclass(frozen=True)
class FoundWeights:
    """A weight file on this machine, its checksum computed."""

    path: Path
    sha256: str


def find_weights(wanted: WeightFile, folder: Path | None = None) -> FoundWeights:
    """The file in `folder`, or, without one, in torch's hub cache. Nothing is downloaded, nothing else is taken.

    Raises:
        CheckpointError: it is not there, or it is another file of that name.
    """
    home = Path(torch.hub.get_dir(), "checkpoints") if folder is None else folder
    path = home / wanted.name
    known = f", SHA-256 {wanted.sha256}{'...' if len(wanted.sha256) < 64 else ''}" if wanted.sha256 else ""
    if not path.is_file():
        raise CheckpointError(
            f"{wanted.what} needs the weight file {wanted.name} ({wanted.source}{known}), which is not in {home}. "
            "Put it there, or give the folder that holds it with --weights."
        )
    found = sha256(path)
    if not found.startswith(wanted.sha256):
        raise CheckpointError(
            f"weight file {path} is not that of {wanted.what}: its SHA-256 begins with {found[:8]}, "
            f"not {wanted.sha256[:8]}. Get it again: {wanted.source}."
        )
    return FoundWeights(path, found)


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
