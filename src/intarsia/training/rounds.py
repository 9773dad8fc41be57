"""The two rounds of an iteration: what a network is told, and one step of its optimiser."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from intarsia.errors import TrainingError
from intarsia.records import Batch, Condition, Round, Seeds, Synthesis, Verdict, derived_seed
from intarsia.systems.system import System, Terms

SATURATED = 0.999
AGAIN = 1  # the place of the discriminator round's noise under a sample's seed


@dataclass(frozen=True)
class Made:
    """Images for the discriminator to judge, and the condition that they were made from."""

    condition: Condition
    image: Tensor  # B 3 H W float32 in [-1, 1], without gradients


@dataclass(frozen=True)
class Share:
    """This process's part of an iteration: one micro-batch and the conditions made from it.

    `made` is what the discriminator is shown; without it, the generator makes an image for its round.
    """

    batch: Batch
    condition: Condition  # of the generator's round
    again: Condition  # of the discriminator's round: the same maps, noise drawn anew
    coins: Tensor  # bool, a fair one for each label: what terms leave to chance
    made: Made | None = None


@dataclass(frozen=True)
class Outcome:
    """What a round came to."""

    terms: Terms
    images: tuple[Tensor, ...] = ()  # of a generator's round, by share: what it made, B 3 H W float32 in [-1, 1]


def share_of(system: System, batch: Batch, seeds: Seeds) -> Share:
    """What `system` looks at in an iteration over `batch`, with noise from the seeds."""
    condition = system.condition(batch, seeds)
    coins = seeds.coins(system.config.labels).to(batch.image.device)
    if condition.noise is None:
        return Share(batch, condition, condition, coins)
    noise = seeds.derived(AGAIN).normal(*condition.noise.shape[1:]).to(condition.noise.device)
    return Share(batch, condition, condition.restyled(noise=noise, photo=condition.photo), coins)


def seeds_at(seed: int, position: int, count: int) -> Seeds:
    """Seeds of the samples at `position`, `position` + 1, ... of a run: a function of the two numbers alone."""
    return Seeds(tuple(derived_seed(seed, place) for place in range(position, position + count)))


def generator_round(system: System, share: Share) -> Outcome:
    """The generator's terms for one share, beside them the share of saturated values, and the made image."""
    fake = system.generator(share.condition)
    with _without_gradients(system.discriminator):
        made = _judged(system, share, share.condition, fake, with_real=system.generator_sees_real)
        terms = system.generator_terms(made)
    terms = terms | {"saturated": saturation(fake.image, share.batch.image)}
    return Outcome(terms, (fake.image.detach().float(),))


def discriminator_round(system: System, share: Share) -> Outcome:
    """The discriminator's terms for one share: on its made images, or on some that the generator now makes."""
    return Outcome(system.discriminator_terms(_to_judge(system, share)))


def _to_judge(system: System, share: Share) -> Round:
    if share.made is None:
        with torch.no_grad():
            fake = system.generator(share.again)
        return _judged(system, share, share.again, fake, with_real=True)
    fake = Synthesis(share.made.image)
    if share.made.condition is share.condition:
        return _judged(system, share, share.condition, fake, with_real=True)
    assert system.discriminator is not None
    of_fake = system.discriminator(share.made.condition, fake.image)
    of_real = system.discriminator(share.condition, share.batch.image)
    verdicts = (_full_precision(of_fake), _full_precision(of_real))
    return Round(share.batch, share.condition, fake, *verdicts)


def saturation(fake: Tensor, real: Tensor) -> Tensor:
    """Share of the fake's values at -1 or 1 (where tanh passes no gradient) beyond that of the real image: a scalar."""
    at_end = [(image.detach().abs() > SATURATED).float().mean() for image in (fake, real)]
    return (at_end[0] - at_end[1]).clamp(min=0)


Differentiate = Callable[[Fabric, nn.Module, Mapping[str, float], Callable[[Share], Outcome], Sequence[Share]], Outcome]
"""Fabric, network, weights of terms, a share's outcome, shares -> sums of terms over shares, and images by share."""


def differentiate(
    fabric: Fabric,
    network: nn.Module,
    weights: Mapping[str, float],
    outcome_of: Callable[[Share], Outcome],
    shares: Sequence[Share],
) -> Outcome:
    """Leave the gradient of the weighted sum of terms, averaged over shares, in the network's parameters."""
    network.zero_grad()
    sums, images = dict[str, Tensor](), list[Tensor]()
    for share in shares:
        with fabric.autocast():
            outcome = outcome_of(share)
        loss = torch.stack([outcome.terms[name].float() * weight for name, weight in weights.items()]).sum()
        fabric.backward(loss / len(shares))
        for name, term in outcome.terms.items():
            sums[name] = sums.get(name, 0) + term.detach().float()
        images += outcome.images
    return Outcome(sums, tuple(images))


def step(
    fabric: Fabric,
    network: nn.Module,
    optimiser: Any,
    weights: Mapping[str, float],
    outcome_of: Callable[[Share], Outcome],
    shares: Sequence[Share],
    how: Differentiate = differentiate,
) -> tuple[dict[str, float], tuple[Tensor, ...]]:
    """One step of `optimiser` on the weighted sum of terms, averaged over the shares of all processes.

    Gradients are shared by one reduction after the last share instead of by hooks during the backward pass: the two
    networks take turns, and what is not used in a round then needs no special care.

    Args:
        fabric: launched.
        network: whose parameters the optimiser moves.
        optimiser: set up by `fabric`.
        weights: of the terms; a term without one is watched only.
        outcome_of: share -> named scalars, and the made image.
        shares: the micro-batches of this process.
        how: gradients are computed.

    Returns:
        Mean of each term, equal on all processes; and the images that were made, by share.

    Raises:
        TrainingError: a term is not finite; the network is as it was.
    """
    outcome = how(fabric, network, weights, outcome_of, shares)
    means = _means(fabric, outcome.terms, len(shares))
    for name, value in means.items():
        if not math.isfinite(value):
            raise TrainingError(f"the term {name} became {value}")
    _share_gradients(fabric, network)
    optimiser.step()
    return means, outcome.images


def _judged(system: System, share: Share, condition: Condition, fake: Synthesis, *, with_real: bool) -> Round:
    fake = replace(fake, image=fake.image.float())
    made = Round(share.batch, condition, fake, coins=share.coins)
    discriminator = system.discriminator
    if discriminator is None:
        return made

    def judge(images: Tensor) -> Verdict:
        return _full_precision(discriminator(condition, images))

    # All in one call: one power iteration, and the labels' part of the first layer is computed once.
    shown = [*fake.judged, share.batch.image] if with_real else fake.judged
    of_fake, *others = judge(torch.cat(shown)).split(len(shown))
    of_real = others.pop() if with_real else None
    return replace(made, judge=judge, fake_verdict=of_fake, real_verdict=of_real, branch_verdicts=tuple(others))


def _full_precision(verdict: Verdict) -> Verdict:
    """Logits in float32 also where the networks ran in half precision: losses are computed from them."""
    return Verdict(tuple((*scale[:-1], scale[-1].float()) for scale in verdict.scales))


@contextmanager
def _without_gradients(network: nn.Module | None) -> Iterator[None]:
    """Gradients pass through the network, and none are computed for its own parameters."""
    if network is None:
        yield
        return
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def _means(fabric: Fabric, sums: Mapping[str, Tensor], count: int) -> dict[str, float]:
    stacked = torch.stack(list(sums.values())) / count
    reduced = fabric.all_reduce(stacked, reduce_op="mean")
    assert isinstance(reduced, Tensor)
    return dict(zip(sums, reduced.tolist(), strict=True))


def _share_gradients(fabric: Fabric, network: nn.Module) -> None:
    """Average the gradients over all processes."""
    if fabric.world_size == 1:
        return
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    reduced = fabric.all_reduce(torch.cat([g.flatten() for g in gradients]), reduce_op="mean")
    assert isinstance(reduced, Tensor)
    for gradient, mean in zip(gradients, torch.split(reduced, [g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view(gradient.shape))
