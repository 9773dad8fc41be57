"""Training: one generator and one discriminator step on coded maps, against the same on one-hot planes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from intarsia.bench.machine import interleaved, machine
from intarsia.bench.peak import peak_mb
from intarsia.bench.scenes import scene, seeds, system_for
from intarsia.systems.system import System
from intarsia.training.rounds import Share, discriminator_terms, generator_terms, step

Step = Callable[[], None]


def bench_train(preset: str, labels: Tensor, *, repeats: int = 3, seed: int = 0) -> dict[str, Any]:
    """Time one generator and discriminator step of `preset`, without the VGG term, on label maps (B H W int64).

    Returns:
        Medians in seconds of interleaved runs, their ratio, the largest difference of a gradient as a share of the
        largest gradient, peak memory in MB above weights, gradients and optimiser, and the machine.
    """
    system = system_for(preset, (labels.shape[1], labels.shape[2]), seed)
    dense, coded = Contestant.of(system, labels, dense=True), Contestant.of(system, labels, dense=False)
    seconds = interleaved({"dense": dense.step, "coded": coded.step}, repeats)
    return {
        "preset": preset,
        "size": list(labels.shape[1:]),
        "batch": len(labels),
        "dense_s": seconds["dense"],
        "coded_s": seconds["coded"],
        "ratio": seconds["dense"] / seconds["coded"],
        "ratio_labels_unchanged": None,
        "max_difference": gradient_difference(system, labels),
        "dense_peak_mb": peak_mb(prepare, preset, labels, seed, True),
        "coded_peak_mb": peak_mb(prepare, preset, labels, seed, False),
        "repeats": repeats,
        "seed": seed,
        "machine": machine(),
    }


@dataclass(frozen=True)
class Contestant:
    """A copy of a system with its own optimisers, and how it looks at its labels."""

    fabric: Fabric
    system: System
    optimisers: tuple[torch.optim.Optimizer, torch.optim.Optimizer]
    labels: Tensor
    dense: bool

    @classmethod
    def of(cls, system: System, labels: Tensor, *, dense: bool) -> Contestant:
        """Dense planes come with torch's default layout, as published; coded maps with channels last."""
        layout = torch.contiguous_format if dense else torch.channels_last
        assert system.discriminator is not None
        generator, discriminator = (
            copy.deepcopy(network).train().to(memory_format=layout)
            for network in (system.generator, system.discriminator)
        )
        recipe = system.recipe
        optimisers = (
            torch.optim.Adam(generator.parameters(), recipe.generator_rate, recipe.betas, fused=True),
            torch.optim.Adam(discriminator.parameters(), recipe.discriminator_rate, recipe.betas, fused=True),
        )
        fabric = Fabric(accelerator="cpu", devices=1)
        twin = replace(system, generator=generator, discriminator=discriminator)
        return cls(fabric, twin, optimisers, labels, dense)

    def share(self) -> Share:
        """One micro-batch, from its labels on."""
        batch = scene(self.labels, 0)
        condition = self.system.condition(batch, seeds(len(batch)))
        return Share(batch, condition.dense() if self.dense else condition)

    def step(self) -> None:
        """A generator and a discriminator round."""
        system, shares = self.system, [self.share()]
        rounds = (
            (system.generator, system.recipe.generator_weights, generator_terms),
            (system.discriminator, system.recipe.discriminator_weights, discriminator_terms),
        )
        for (network, weights, terms), optimiser in zip(rounds, self.optimisers, strict=True):
            assert network is not None
            step(self.fabric, network, optimiser, weights, partial(terms, system), shares)

    def gradients(self) -> dict[str, Tensor]:
        """Gradients of both networks in the state that they are in; no optimiser moves."""
        system, share = self.system, self.share()
        found: dict[str, Tensor] = {}
        rounds: tuple[tuple[nn.Module | None, Any, Any], ...] = (
            (system.generator, generator_terms, system.recipe.generator_weights),
            (system.discriminator, discriminator_terms, system.recipe.discriminator_weights),
        )
        for network, terms_of, weights in rounds:
            assert network is not None
            network.zero_grad()
            terms = terms_of(system, share)
            torch.stack([terms[name] * weight for name, weight in weights.items()]).sum().backward()
            found |= {f"{id(network)}.{n}": p.grad for n, p in network.named_parameters() if p.grad is not None}
        return found


def gradient_difference(system: System, labels: Tensor) -> float:
    """Largest difference of a gradient between the two roads, as a share of the largest gradient of its network."""
    dense, coded = (Contestant.of(system, labels, dense=dense).gradients() for dense in (True, False))
    pairs = list(zip(dense.values(), coded.values(), strict=True))
    largest = max(wanted.abs().max().item() for wanted, _ in pairs)
    return max((found - wanted).abs().max().item() for wanted, found in pairs) / largest


def prepare(preset: str, labels: Tensor, seed: int, dense: bool) -> Step:
    """One contestant's step, for a process of its own."""
    system = system_for(preset, (labels.shape[1], labels.shape[2]), seed)
    return Contestant.of(system, labels, dense=dense).step
