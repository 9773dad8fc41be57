"""Files of named tensors (safetensors), and putting them into networks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from intarsia.errors import CheckpointError
from intarsia.files import umask

Tensors = dict[str, Tensor]


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, str] | None = None) -> None:
    """Write named tensors, and `about` them in the file's header; call it on a temporary name (`files.whole_folder`).

    Raises:
        OSError: as the operating system refused, for instance a full disk.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        safetensors.torch.save_file(plain, path, None if about is None else dict(about))
        path.chmod(0o666 & ~umask())  # it makes private files
    except SafetensorError as error:
        # Its own exception hides the operating system's number; `files` knows what to say about that.
        refused = re.search(r"os error (\d+)", str(error))
        if refused is None:
            raise
        raise OSError(int(refused[1]), str(error), str(path)) from None


def read_tensors(path: Path) -> Tensors:
    """Read named tensors, on the CPU.

    Raises:
        CheckpointError: the file is missing, cut short or no safetensors file.
    """
    with _told(path):
        return safetensors.torch.load_file(path)


def read_about(path: Path) -> dict[str, str]:
    """What the header of a file of tensors says about them; empty where it says nothing.

    Raises:
        CheckpointError: the file is missing, cut short or no safetensors file.
    """
    with _told(path), safetensors.safe_open(path, "pt") as file:
        return dict(file.metadata() or {})


@torch.no_grad()
def fill(network: nn.Module, tensors: Mapping[str, Tensor], source: Path | str) -> None:
    """Copy named tensors into a network's parameters and buffers, which keep their kind, place and memory layout.

    Raises:
        CheckpointError: a name is missing or unknown, or a shape differs; nothing is copied then.
    """
    entries = network.state_dict()
    for name, entry in entries.items():
        if name not in tensors:
            raise CheckpointError(
                f"{source} lacks {name}, which its configuration asks for. It belongs to another one."
            )
        if tensors[name].shape != entry.shape:
            raise CheckpointError(
                f"{source} has {name} as {_shape(tensors[name])} where its configuration makes {_shape(entry)}. "
                "It belongs to another one."
            )
    unknown = sorted(set(tensors) - set(entries))
    if unknown:
        raise CheckpointError(
            f"{source} has {unknown[0]}, which its configuration does not know. It belongs to another one."
        )
    for name, entry in entries.items():
        entry.copy_(tensors[name])


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn a refusal to read into one line."""
    try:
        yield
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist. Give a folder that Intarsia wrote.") from None
    except (SafetensorError, OSError, ValueError) as error:
        reason = str(error).removeprefix("Error while deserializing header: ").replace("header", "safetensors header")
        raise CheckpointError(f"{path} cannot be read ({reason}). Copy it again, it is damaged or cut short.") from None


def _shape(tensor: Tensor) -> str:
    return "x".join(str(size) for size in tensor.shape) or "a scalar"
