"""Goldens: build each part from its config, convert the rule's official weights strictly, run, compare.

A golden is `<system>/<part>-<config>.json` with its arrays beside it (`.npz`: `in_*` and `out_*`). A part runs on every
road that the project has to its numbers (coded maps, dense planes, frozen networks); the worst difference counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tests.goldens import rule

TOLERANCE = 1e-4
LEVELS = ("crn", "sims")  # systems whose images are in 0..255
BY_SIZE = ("losses", "order")  # their parts that return losses, features seen on the way, or small scores
LARGE = {("safm", "discriminator")}  # whose goldens have logits of up to 430
Array = npt.NDArray[Any]
Part = Callable[["Golden", str], dict[str, Tensor]]
"""(golden, road) -> the outputs by name, without strides; the empty road for parts that have only one."""


@dataclass(frozen=True)
class Golden:
    """One module, loss, data step or training step of a published implementation."""

    name: str
    system: str
    part: str
    config: dict[str, Any]
    training: bool
    parameters: int
    entries: dict[
        str, tuple[tuple[str, tuple[int, ...]], ...]
    ]  # official keys and shapes by network; "" for the only one
    scale: dict[str, float]
    described: dict[str, Any]  # how each input was made, in words
    inputs: dict[str, Array]
    outputs: dict[str, Array]

    @cached_property
    def weights_of(self) -> dict[str, dict[str, Tensor]]:
        """The official state dict of each network, made by the rule."""
        return {network: official(entries, self.scale) for network, entries in self.entries.items()}

    @property
    def weights(self) -> dict[str, Tensor]:
        """The official state dict of the only network, or of the generator where there are more."""
        return self.weights_of["" if "" in self.entries else "G"]

    def tensor(self, name: str) -> Tensor:
        """An input as it is stored."""
        return torch.from_numpy(np.ascontiguousarray(self.inputs[name]))


@dataclass(frozen=True)
class Result:
    """How far a golden was missed: the worst of all outputs and roads, or why there is none."""

    name: str
    difference: float
    failure: str = ""

    @property
    def passed(self) -> bool:
        return not self.failure and self.difference <= TOLERANCE  # NaN fails too

    def __str__(self) -> str:
        if self.failure:
            return f"{self.name}  FAILED  {self.failure}"
        return f"{self.name}  max {self.difference:.1e}  {'ok' if self.passed else 'FAILED'}"


def official(entries: Any, scale: Mapping[str, float]) -> dict[str, Tensor]:
    """The rule's values of a state dict as tensors."""
    values = rule.weights_for(list(entries))
    return {
        key: torch.from_numpy(np.asarray(value * scale.get(key, 1.0), value.dtype)) for key, value in values.items()
    }


def find(folder: Path) -> Iterator[Path]:
    """All goldens in a folder and the folders in it."""
    yield from sorted(folder.rglob("*.json"))


def read(path: Path) -> Golden:
    """A golden and its arrays."""
    values = json.loads(path.read_text())
    networks, scale = values["state_dict"], values.get("scale", {})
    if not isinstance(networks, dict):
        others = {key: entries for key, entries in values.items() if key.startswith("state_dict_")}
        # Beside the first network, some goldens list more of them under keys of their own.
        networks = {("G" if others else ""): networks} | {k.removeprefix("state_dict_"): v for k, v in others.items()}
    scale = scale | {name: value for network in networks for name, value in values.get(f"scale_{network}", {}).items()}
    with np.load(path.with_suffix(".npz")) as arrays:
        stored = dict(arrays)
    return Golden(
        name=f"{values['system']}/{path.stem}",
        system=values["system"],
        part=values["part"],
        config=values["config"],
        training=values["mode"] == "train",
        parameters=values["params"],
        entries={name: tuple((key, tuple(shape)) for key, shape in entries) for name, entries in networks.items()},
        scale=scale,
        described=values["inputs"],
        inputs={key.removeprefix("in_"): value for key, value in stored.items() if key.startswith("in_")},
        outputs={key.removeprefix("out_"): value for key, value in stored.items() if key.startswith("out_")},
    )


def check(path: Path, parts: Mapping[tuple[str, str], tuple[Part, tuple[str, ...]]]) -> Result:
    """Run one golden. `parts` holds each (system, part) with the roads that it can take."""
    name = f"{path.parent.name}/{path.stem}"
    try:
        golden = read(path)
        name = golden.name
        if (golden.system, golden.part) not in parts:
            return Result(name, float("nan"), f"no part {golden.part} of system {golden.system} is known")
        part, roads = parts[golden.system, golden.part]
        # Frozen networks are for evaluation.
        roads = tuple(road for road in roads if not (golden.training and road == "frozen"))
        worst = max((_worst(golden, part(golden, road)) for road in roads), key=_badness)
    except Exception as error:  # whatever goes wrong is this golden's failure, not the end of the others
        return Result(name, float("nan"), f"{type(error).__name__}: {error}".splitlines()[0])
    return Result(name, worst)


def _worst(golden: Golden, computed: Mapping[str, Tensor]) -> float:
    if not golden.outputs:
        raise ValueError("the golden holds no outputs")
    gaps = (difference(name, wanted, computed, golden) for name, wanted in golden.outputs.items())
    return max(gaps, key=_badness)


def _badness(value: float) -> float:
    return float("inf") if np.isnan(value) else value


def difference(name: str, wanted: Array, computed: Mapping[str, Tensor], golden: Golden) -> float:
    """The largest absolute difference; relative to their size for losses (single numbers) and gradients.

    Systems whose images are in 0..255 have them compared in units of 255, and all that their loss functions return by
    its size. So are verdicts in the hundreds (`LARGE`): float32 itself rounds them by more than the tolerance.
    Computed in float64 they differ from the goldens as much as in float32.
    """
    found = strided(name, wanted.shape, computed)
    gap = np.abs(found.astype(np.float64) - wanted.astype(np.float64)).max()
    size = np.abs(wanted.astype(np.float64)).max()
    in_levels = golden.system in LEVELS
    if size and (wanted.size == 1 or "grad" in name or (in_levels and golden.part in BY_SIZE)):
        gap /= size
    elif in_levels and name.startswith("image"):
        gap /= 255
    elif (golden.system, golden.part) in LARGE:
        gap /= max(size, 1.0)
    return float(gap)


def strided(name: str, shape: tuple[int, ...], computed: Mapping[str, Tensor]) -> Array:
    """The computed output as `name` stores it: `_s4` every fourth row and column, `_c8s4` every eighth channel too.

    Some goldens stride the channels without saying so in the name, or keep the first image of the batch only; their
    notes say so, and here the shape does.
    """
    stem, channels, pixels = name, 1, 1
    suffix = re.fullmatch(r"(.+?)_(?:c(\d+))?s(\d+)", name)
    if name not in computed and suffix:
        stem, channels, pixels = suffix[1], int(suffix[2] or 1), int(suffix[3])
    found = computed[stem].detach().numpy()
    if pixels > 1:
        found = found[..., ::pixels, ::pixels]
        if found.shape[1] != shape[1] and channels == 1:
            channels = 8
        found = found[: shape[0], ::channels]
    if found.shape != shape and found.size == 1:
        found = found.reshape(shape)
    if found.shape != shape:
        raise ValueError(f"output {name} has shape {found.shape}, not {shape}")
    return found


def run(folders: list[Path], parts: Mapping[tuple[str, str], tuple[Part, tuple[str, ...]]]) -> bool:
    """Check every golden of the folders, print a line for each and the count; whether none failed."""
    results = []
    for folder in folders:
        for path in find(folder):
            results.append(check(path, parts))
            print(results[-1], flush=True)
    failed = sum(not result.passed for result in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return bool(results) and not failed
