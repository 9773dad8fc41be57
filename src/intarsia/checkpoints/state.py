"""States: everything that training needs to go on as if it had never stopped.

    OUT/states/000012800/state.json           images seen, seconds, what run it is, the loss scaler
    OUT/states/000012800/tensors.safetensors  networks/NAME/ENTRY, optimisers/NAME/SLOT/PARAMETER, pool/SLOT/MAP

A folder appears whole. The last `KEPT` stay, so that a damaged one has a predecessor. No random state is kept: order,
cuts and noise are functions of (seed, position), and torch's generators are seeded from them (`training/loop.py`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor, nn
from torch.optim import Optimizer

from intarsia.checkpoints.snapshot import FORMAT, check_format
from intarsia.checkpoints.tensors import Tensors, fill, read_tensors, write_tensors
from intarsia.errors import CheckpointError, TrainingError
from intarsia.files import whole_folder
from intarsia.labels import LabelSpace

KEPT = 2
FACTS, TENSORS = "state.json", "tensors.safetensors"


@dataclass(frozen=True)
class Parts:
    """What training changes: networks by name, and the optimiser of each network that is trained."""

    networks: Mapping[str, nn.Module]
    optimisers: Mapping[str, Optimizer]  # by the name of its network; holds the parameters of all its `learners`
    pool: dict[str, Tensor] = field(default_factory=dict)  # of made images, where the recipe keeps one

    def tensors(self) -> Tensors:
        """Everything by name, not copied."""
        entries = {
            f"networks/{name}/{entry}": tensor
            for name, network in self.networks.items()
            for entry, tensor in network.state_dict().items()
        }
        entries |= {f"pool/{name}": tensor for name, tensor in self.pool.items()}
        for name, optimiser in self.optimisers.items():
            for entry, parameter in _parameters(self.networks, name).items():
                for slot, tensor in optimiser.state.get(parameter, {}).items():
                    entries[f"optimisers/{name}/{slot}/{entry}"] = tensor
        return entries

    def fill_networks(self, tensors: Mapping[str, Tensor], source: Path) -> None:
        """Take over the networks alone; optimisers stay as they are.

        Raises:
            CheckpointError: names or shapes do not fit.
        """
        for name, network in self.networks.items():
            fill(network, _below(f"networks/{name}/", tensors), source)

    def fill(self, tensors: Mapping[str, Tensor], source: Path) -> None:
        """Take over what `tensors` gave.

        Raises:
            CheckpointError: names or shapes do not fit.
        """
        self.fill_networks(tensors, source)
        self.pool.clear()
        self.pool.update(_below("pool/", tensors))
        for name, optimiser in self.optimisers.items():
            parameters = _parameters(self.networks, name)
            for place, tensor in _below(f"optimisers/{name}/", tensors).items():
                slot, entry = place.split("/", 1)
                if entry not in parameters:
                    raise CheckpointError(f"{source} has {place}, which is no parameter of the {name}.")
                optimiser.state[parameters[entry]][slot] = _like(parameters[entry], tensor)


COMPANION = "companion"


def learners(networks: Mapping[str, nn.Module], name: str) -> nn.Module:
    """What the optimiser of a network moves: the network itself, and with the generator its companion if it has one."""
    if name == "generator" and COMPANION in networks:
        return nn.ModuleList([networks[name], networks[COMPANION]])
    return networks[name]


def _parameters(networks: Mapping[str, nn.Module], name: str) -> dict[str, nn.Parameter]:
    """The parameters that an optimiser moves, by the names that states give them."""
    own = dict(networks[name].named_parameters())
    if name != "generator" or COMPANION not in networks:
        return own
    return own | {f"{COMPANION}/{entry}": value for entry, value in networks[COMPANION].named_parameters()}


class Facts(BaseModel):
    """The part of a state that is no tensor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    images: int  # seen, with repetition
    seconds: float  # spent so far
    run: dict[str, Any]  # what must not change on the way: system, config, recipe, data, seed
    scaler: dict[str, Any]  # of fp16 losses; empty otherwise


@dataclass(frozen=True)
class Saved:
    """A state read from disk."""

    path: Path
    facts: Facts
    tensors: Tensors = field(repr=False)


def save_state(folder: Path, facts: Facts, parts: Parts) -> Path:
    """Write a state into `folder` and remove those older than the last `KEPT`.

    Raises:
        StorageError: the disk is full or the folder cannot be written; the older states are as they were.
    """
    target = folder / f"{facts.images:09d}"
    with whole_folder(target) as temporary:
        write_tensors(temporary / TENSORS, parts.tensors())
        (temporary / FACTS).write_text(facts.model_dump_json(indent=1) + "\n")
    for old in state_folders(folder)[:-KEPT]:
        shutil.rmtree(old)
    return target


def state_folders(folder: Path) -> list[Path]:
    """The states in `folder`, the newest last."""
    return sorted(path for path in folder.glob("[0-9]*") if path.is_dir())


def newest_state(folder: Path, say: Callable[[str], None]) -> Saved | None:
    """Read the newest state that is whole; None where there is none at all. `say` hears of damaged ones.

    Raises:
        CheckpointError: there are states, and all are damaged; or one has an unknown format.
    """
    found = state_folders(folder)
    problem = ""
    for path in reversed(found):
        try:
            return Saved(path, _read_facts(path / FACTS), read_tensors(path / TENSORS))
        except CheckpointError as error:
            problem = str(error)
            if path != found[0]:
                say(f"{problem} Going back to the state before it.")
    if found:
        raise CheckpointError(f"no state in {folder} can be read: {problem} Or remove the folder to start anew.")
    return None


def stopped(folder: Path, images: int, reason: str) -> TrainingError:
    """The error that ends training, naming the state in `folder` to go on from."""
    states = state_folders(folder)
    good = f"The last good state is {states[-1]}." if states else "No state was saved before."
    return TrainingError(
        f"training stopped after {images} images: {reason}. {good} Lower the rates or change the seed."
    )


def label_space_of(saved: Saved) -> LabelSpace:
    """The label space that a state was trained on."""
    return LabelSpace.from_dict(saved.facts.run["label_space"], str(saved.path / FACTS))


def check_same_run(saved: Saved, run: Mapping[str, Any], defaults: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse to go on with another recipe than the one that `saved` was trained with.

    `defaults` holds, by section of `run`, what settings are taken to have been that the saved run did not know yet.

    Raises:
        CheckpointError: names all that differs.
    """
    known = {**saved.facts.run, **{section: {**ours, **saved.facts.run[section]} for section, ours in defaults.items()}}
    then, now = _flat(json.loads(json.dumps(known))), _flat(json.loads(json.dumps(run)))
    differing = [
        f"{key} was {then.get(key, 'absent')} and is {now.get(key, 'absent')}"
        for key in sorted(then | now)
        if then.get(key) != now.get(key)
    ]
    if differing:
        raise CheckpointError(
            f"{saved.path} was trained otherwise: {'; '.join(differing)}. Use the same options, or another --out."
        )


def _read_facts(path: Path) -> Facts:
    try:
        values = json.loads(path.read_text())
        check_format(values, path)
        return Facts.model_validate(values)
    except (OSError, ValueError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path} cannot be read ({reason}). It is damaged or cut short.") from None


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _like(parameter: Tensor, tensor: Tensor) -> Tensor:
    """On the parameter's device; in its memory layout too where it has its shape (fused optimisers count on it)."""
    if tensor.shape == parameter.shape:
        return torch.empty_like(parameter, dtype=tensor.dtype, requires_grad=False).copy_(tensor)
    return tensor.to(parameter.device)


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted key."""
    items = values.items() if isinstance(values, dict) else enumerate(values)
    flat: dict[str, Any] = {}
    for key, value in items:
        place = f"{prefix}{key}"
        flat |= _flat(value, f"{place}.") if isinstance(value, dict | list) and value else {place: value}
    return flat
