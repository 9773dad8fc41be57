"""Training: one generator and one discriminator step on coded maps, against the same on one-hot planes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from intarsia.bench.machine import about, interleaved
from intarsia.bench.peak import peak_mb
from intarsia.bench.scenes import scene, seeds, system_for
from intarsia.coded import CodedMap
from intarsia.errors import ConfigError
from intarsia.records import Condition
from intarsia.systems.system import System
from intarsia.training.graphs import RoundGraph
from intarsia.training.rounds import (
    Differentiate,
    Made,
    Outcome,
    Share,
    differentiate,
    discriminator_round,
    generator_round,
    share_of,
    step,
)

Step = Callable[[], None]


def bench_train(preset: str, labels: Tensor, *, repeats: int = 5, seed: int = 0) -> dict[str, Any]:
    """Time one generator and discriminator step of `preset`, without the VGG term, on label maps (B H W int64).

    Returns:
        Medians in seconds of interleaved runs, their ratio, how far gradients of the first label map are apart
        (`gradient_differences`), peak memory in MB above weights, gradients and optimiser, and the machine.

    Raises:
        ConfigError: the system has no discriminator.
    """
    system = system_for(preset, (labels.shape[1], labels.shape[2]), seed)
    if system.discriminator is None:
        raise ConfigError(
            f"preset {preset} has no discriminator, so that there is no round of it to measure. Choose another."
        )
    contestants = {"dense": Contestant.of(system, labels, True), "coded": Contestant.of(system, labels, False)}
    seconds = interleaved({name: contestant.stepper() for name, contestant in contestants.items()}, repeats)
    return {
        **about(preset, labels, repeats, seed),
        "dense_s": seconds["dense"],
        "coded_s": seconds["coded"],
        "ratio": seconds["dense"] / seconds["coded"],
        "ratio_labels_unchanged": None,
        **gradient_differences(system, labels[:1]),
        "dense_peak_mb": peak_mb(prepare, preset, labels, seed, True),
        "coded_peak_mb": peak_mb(prepare, preset, labels, seed, False),
    }


@dataclass(frozen=True)
class Contestant:
    """A copy of a system with its own optimisers, and how it looks at its labels."""

    system: System
    labels: Tensor
    dense: bool
    precision: torch.dtype
    fabric: Fabric

    @classmethod
    def of(
        cls,
        system: System,
        labels: Tensor,
        dense: bool,
        precision: torch.dtype = torch.float32,
        *,
        accelerator: str = "cpu",
        mixed: Literal["32-true", "bf16-mixed"] = "32-true",
    ) -> Contestant:
        """Dense planes come with torch's default layout, as published; coded maps with channels last.

        Weights are kept in `precision`, and `mixed` is what an iteration computes in.
        """
        layout = torch.contiguous_format if dense else torch.channels_last
        fabric = Fabric(accelerator=accelerator, devices=1, precision=mixed)
        assert system.discriminator is not None
        generator, discriminator = (
            copy.deepcopy(network).train().to(fabric.device, dtype=precision, memory_format=layout)  # type: ignore[call-overload]
            for network in (system.generator, system.discriminator)
        )
        return cls(replace(system, generator=generator, discriminator=discriminator), labels, dense, precision, fabric)

    def rounds(self) -> list[tuple[nn.Module, dict[str, float], Callable[[Share], Outcome]]]:
        """The generator's round, then the discriminator's: network, weights of its terms, and its outcome."""
        system, recipe = self.system, self.system.recipe
        assert system.discriminator is not None
        return [
            (system.generator, recipe.generator_weights, partial(generator_round, system)),
            (system.discriminator, recipe.discriminator_weights, partial(discriminator_round, system)),
        ]

    def share(self) -> Share:
        """One micro-batch, from its labels on."""
        batch = scene(self.labels, 0).to(self.fabric.device)
        batch = replace(batch, image=batch.image.to(self.precision))
        share = share_of(self.system, batch, seeds(len(batch)))
        return replace(share, condition=self._looked_at(share.condition), again=self._looked_at(share.again))

    def _looked_at(self, condition: Condition) -> Condition:
        """The condition as this contestant has it."""
        assert isinstance(condition.semantics, CodedMap)
        codebook = condition.semantics.codebook.to(self.precision)
        shapes = None if condition.shapes is None else condition.shapes.to(self.precision)
        condition = replace(condition, semantics=condition.semantics.recoded(codebook), shapes=shapes)
        return condition.dense() if self.dense else condition

    def stepper(self, *, graphs: bool = False) -> Step:
        """A generator and a discriminator round, each with its optimiser's step; `graphs` needs a GPU."""
        rates = (self.system.recipe.generator_rate, self.system.recipe.discriminator_rate)
        optimisers = [
            torch.optim.Adam(network.parameters(), rate, self.system.recipe.betas, fused=True)
            for (network, _, _), rate in zip(self.rounds(), rates, strict=True)
        ]

        hows: list[Differentiate] = [RoundGraph(print) if graphs else differentiate for _ in optimisers]

        def both() -> None:
            shares, fakes = [self.share()], tuple[Tensor, ...]()
            for (network, weights, outcome_of), optimiser, how in zip(self.rounds(), optimisers, hows, strict=True):
                _, made = step(self.fabric, network, optimiser, weights, outcome_of, shares, how)
                fakes = fakes or made
                if not self.system.recipe.fresh_fakes:
                    shares = [replace(share, made=Made(share.condition, fakes[0])) for share in shares]

        return both

    def gradients(self) -> list[Tensor]:
        """Gradients of both networks in the state that they are in, as float64."""
        share = self.share()
        found = []
        for network, weights, outcome_of in self.rounds():
            network.zero_grad()
            terms = outcome_of(share).terms
            torch.autograd.backward(torch.stack([terms[name] * weight for name, weight in weights.items()]).sum())
            found += [p.grad.double() for p in network.parameters() if p.grad is not None]
        return found


def gradient_differences(system: System, labels: Tensor) -> dict[str, float]:
    """How far gradients are apart, largest difference as a share of the largest gradient.

    `max_difference` compares the two roads in float64, where rounding hides nothing. In float32 a deep chain of
    normalisations blows rounding up on either road alike: `rounding_dense` and `rounding_coded` say how far each road's
    float32 gradients are from the float64 ones.
    """
    roads = [(dense, precision) for dense in (True, False) for precision in (torch.float32, torch.float64)]
    found = {road: Contestant.of(system, labels, *road).gradients() for road in roads}
    exact = found[True, torch.float64]
    largest = max(gradient.abs().max().item() for gradient in exact)

    def apart(road: tuple[bool, torch.dtype]) -> float:
        return max((a - b).abs().max().item() for a, b in zip(found[road], exact, strict=True)) / largest

    return {
        "max_difference": apart((False, torch.float64)),
        "rounding_dense": apart((True, torch.float32)),
        "rounding_coded": apart((False, torch.float32)),
    }


def prepare(preset: str, labels: Tensor, seed: int, dense: bool) -> Step:
    """One contestant's step, for a process of its own."""
    system = system_for(preset, (labels.shape[1], labels.shape[2]), seed)
    return Contestant.of(system, labels, dense).stepper()
