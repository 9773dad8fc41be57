"""Training, from top to bottom; start at `train`.

An iteration sees `recipe.batch` samples, over all processes and their shares. Everything random in it is a function of
(seed, samples seen before): order, cuts and noise by sample, and torch's own generators are seeded by iteration. So
there is no random state to save, and a run that was killed goes on bit for bit on the same kind of machine.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import MISSING, asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from intarsia.checkpoints.snapshot import Card, Training, check_label_space, check_replaceable, load_card, save_snapshot
from intarsia.checkpoints.state import (
    COMPANION,
    Facts,
    Parts,
    Saved,
    check_same_run,
    label_space_of,
    learners,
    newest_state,
    save_state,
    stopped,
)
from intarsia.data.batches import Batches
from intarsia.data.pairs import Pair
from intarsia.data.sources import Source
from intarsia.errors import CheckpointError, ConfigError, TrainingError
from intarsia.files import sweep
from intarsia.records import Batch, Sample, Seeds, stack
from intarsia.repeatable import settle_vector_functions
from intarsia.systems.system import System, cut
from intarsia.training.averaging import average, decay_at, settled
from intarsia.training.clock import Clock, asked_to_stop
from intarsia.training.graphs import RoundGraph
from intarsia.training.journal import GRIDS, Journal, sample_grid
from intarsia.training.pool import ImagePool
from intarsia.training.provenance import hardware, versions
from intarsia.training.rounds import (
    Differentiate,
    Made,
    Share,
    differentiate,
    discriminator_round,
    generator_round,
    seeds_at,
    share_of,
    step,
)
from intarsia.training.schedule import held_parts, rates, weights_in

SNAPSHOT, BEST, STATES = "snapshot", "best", "states"
GRID_MINUTES, GRID_ROWS = (1.0, 5.0), 6  # the first sample grid, then one every so often
SATURATED_SHARE, HOPELESS = 0.9, 100  # an image's share of saturated values, for so many iterations in a row
SETTLING = 8  # batches on which the averaged generator's statistics are estimated anew

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is asked of a run, beside its system and data."""

    out: Path  # folder of the run
    images: int  # to see in all, with repetition; rounded up to whole batches
    seed: int = 0
    accumulate: int = 1  # shares, one after another, that each process cuts its part of a batch into
    precision: str = "32-true"
    workers: int = 2  # threads that read ahead
    graphs: bool = True  # on one GPU, and one share an iteration: record each round as a CUDA graph
    minutes: float = float("inf")  # that this call may take; then it saves and stops
    state_minutes: float = 10.0  # between states
    start: Path | None = None  # another run's folder, whose networks a new run starts with
    scratch: Path | None = None  # folder for what is computed from the data and may be used again by other runs


@dataclass(frozen=True)
class Score:
    """What good snapshots are told from worse ones by."""

    name: str
    of: Callable[[nn.Module], float]  # of a generator that could be delivered; the lower, the better


@dataclass(frozen=True)
class Ending:
    """How a call ended: the goal is reached, the time is over, or a signal asked for it."""

    images: int
    reason: Literal["goal", "minutes", "asked"]


@dataclass(frozen=True)
class Run:
    """What stays while a run goes on."""

    fabric: Fabric
    system: System
    source: Source
    plan: Plan
    say: Say
    batches: Batches
    parts: Parts
    steps: dict[str, Any]  # the optimisers as Fabric wraps them, by network
    gradients: dict[str, Differentiate]  # how they are computed, by network
    view: Batch  # what sample grids show
    score: Score | None  # None: the best snapshot is not kept apart


def train(
    fabric: Fabric,
    system: System,
    source: Source,
    watched: Source,
    plan: Plan,
    say: Say,
    score: Score | None = None,
) -> Ending:
    """Train a system, or go on where the run in `plan.out` stopped.

    Args:
        fabric: launched; gives device, processes and precision.
        system: freshly built, with the same weights on all processes.
        source: photos to train on.
        watched: photos that sample grids show.
        plan: the rest.
        say: takes lines for the person who waits.
        score: whenever the snapshot is written it is scored, and the best so far is kept in `plan.out`/best.

    Raises:
        CheckpointError: the states in `plan.out` are damaged, or of another run.
        ConfigError: the batch cannot be cut into equal shares, the data is too small for it, or something else stands
            where the snapshot will.
        StorageError: the disk is full; earlier states are as they were.
        TrainingError: a term is not finite, or images are saturated; names the last good state.
    """
    settle_vector_functions()
    run = prepare(fabric, system, source, watched, plan, say, score)
    images, seconds = resume(run)
    clock = Clock(seconds, plan.minutes, plan.state_minutes, GRID_MINUTES, saving_laps=SETTLING / 5)
    reading = run.batches.starting(images // system.recipe.batch * plan.accumulate)
    hopeless = 0

    with asked_to_stop() as asked, open_journal(run, images) as journal:
        while (reason := why_stop(run, images, clock, asked)) is None:
            rate = set_learning(run, images)
            terms = iterate(run, reading, images)
            images += system.recipe.batch
            hopeless = hopeless + 1 if terms["saturated"] > SATURATED_SHARE else 0
            if hopeless == HOPELESS:
                problem = f"images have been saturated at -1 and 1 for {HOPELESS} iterations"
                raise stopped(plan.out / STATES, images, problem)
            if journal:
                journal.note(images, clock.seconds(), terms, rate)
            if agreed(fabric, clock.grid_is_due()):
                show(run, journal, images)
            if agreed(fabric, clock.state.is_due()):
                with clock.saving():
                    save(run, images, clock.seconds())
                    deliver(run, journal, images, clock.seconds())
        save(run, images, clock.seconds())
        if reason != "asked":
            deliver(run, journal, images, clock.seconds())
            show(run, journal, images)
    return Ending(images, reason)


def iterate(run: Run, reading: Iterator[Batch], images: int) -> dict[str, float]:
    """The generator's round, the discriminator's round, the average. Returns the mean of each term.

    Raises:
        TrainingError: a term is not finite; names the last good state.
    """
    system, recipe, steps = run.system, run.system.recipe, run.steps
    shares = [next_share(run, reading, images, number) for number in range(run.plan.accumulate)]
    torch.manual_seed(seeds_at(run.plan.seed, images + run.fabric.global_rank, 1).values[0])
    try:
        terms, fakes = step(
            run.fabric,
            learners(run.parts.networks, "generator"),
            steps["generator"],
            weights_in(recipe, epoch_at(run, images)),
            partial(generator_round, system),
            shares,
            run.gradients["generator"],
        )
        if system.discriminator is not None:
            if not recipe.fresh_fakes:
                shares = shown(run, shares, fakes, images)
            judging, _ = step(
                run.fabric,
                system.discriminator,
                steps["discriminator"],
                recipe.discriminator_weights,
                partial(discriminator_round, system),
                shares,
                run.gradients["discriminator"],
            )
            terms |= judging
    except TrainingError as error:
        raise stopped(run.plan.out / STATES, images, str(error)) from None
    if recipe.average is not None:
        average(run.parts.networks["average"], system.generator, decay_at(recipe.average, images // recipe.batch))
    return terms


def next_share(run: Run, reading: Iterator[Batch], images: int, number: int) -> Share:
    """This process's share `number` of the iteration that begins after `images`."""
    batch = next(reading).to(run.fabric.device)
    first = images + (number * run.fabric.world_size + run.fabric.global_rank) * len(batch)
    return share_of(run.system, batch, seeds_at(run.plan.seed, first, len(batch)))


def shown(run: Run, shares: list[Share], fakes: Sequence[Tensor], images: int) -> list[Share]:
    """The shares with the images for the discriminator: those just made, or out of the pool some made earlier."""
    if not run.system.recipe.pool:
        return [replace(s, made=Made(s.condition, fake)) for s, fake in zip(shares, fakes, strict=True)]
    pool, rng = ImagePool(run.system.recipe.pool, run.parts.pool), random.Random(f"{run.plan.seed}/pool/{images}")
    with_made = []
    for share, fake in zip(shares, fakes, strict=True):
        batch = pool.exchange(replace(share.batch, image=fake), rng)
        condition = run.system.condition(batch, Seeds((0,) * len(batch)))  # no discriminator looks at the noise
        with_made.append(replace(share, made=Made(condition, batch.image)))
    return with_made


def why_stop(run: Run, images: int, clock: Clock, asked: Event) -> Literal["goal", "minutes", "asked"] | None:
    """The reason to stop before another iteration, the same on all processes; None to go on."""
    if images >= run.plan.images:
        return "goal"
    if agreed(run.fabric, asked.is_set()):
        return "asked"
    return "minutes" if agreed(run.fabric, clock.is_late()) else None


def agreed(fabric: Fabric, flag: bool) -> bool:
    """Whether any process says so."""
    if fabric.world_size == 1:
        return flag
    votes = fabric.all_reduce(torch.tensor(float(flag), device=fabric.device), reduce_op="max")
    return bool(votes)


def epoch_at(run: Run, images: int) -> int:
    """The epoch, from 1, that the iteration after so many images belongs to."""
    return 1 + images // run.system.recipe.batch * run.plan.accumulate // run.batches.batches_per_epoch


def set_learning(run: Run, images: int) -> dict[str, float]:
    """Give the optimisers the rates of the coming iteration's epoch, and hold what the recipe holds in it."""
    recipe, epoch = run.system.recipe, epoch_at(run, images)
    by_network = dict(zip(("generator", "discriminator"), rates(recipe, epoch), strict=True))
    for name, optimiser in run.parts.optimisers.items():
        for group in optimiser.param_groups:
            group["lr"] = by_network[name]
    if recipe.held:
        held = held_parts(recipe, epoch)
        for name, parameter in run.system.generator.named_parameters():
            parameter.requires_grad_(not name.startswith(held))
        if images and held != held_parts(recipe, epoch_at(run, images - recipe.batch)):
            run.parts.optimisers["generator"].state.clear()  # as published: a fresh optimiser for what is released
    return {f"{name}_rate": by_network[name] for name in run.parts.optimisers}


def prepare(
    fabric: Fabric, system: System, source: Source, watched: Source, plan: Plan, say: Say, score: Score | None = None
) -> Run:
    """Networks on their device, channels-last as the kernels want them; optimisers; batches."""
    recipe = system.recipe
    shares = fabric.world_size * plan.accumulate
    if recipe.batch % shares:
        raise ConfigError(
            f"a batch of {recipe.batch} cannot be cut into {shares} equal shares "
            f"({fabric.world_size} devices, accumulate {plan.accumulate}). Choose a multiple of {shares}."
        )
    check_recipe(system, fabric.world_size)
    batches = Batches(
        source,
        draw=drawing(system, source, plan.scratch, flip=recipe.flip),
        batch=recipe.batch // shares,
        seed=plan.seed,
        rank=fabric.global_rank,
        world=fabric.world_size,
        workers=plan.workers,
    )
    networks = {"generator": system.generator}
    if system.discriminator is not None:
        networks["discriminator"] = system.discriminator
    if system.companion is not None:
        networks[COMPANION] = system.companion
    for network in networks.values():
        network.train().to(fabric.device)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    first_rates = {"generator": recipe.generator_rate, "discriminator": recipe.discriminator_rate}
    optimisers = {
        name: torch.optim.Adam(learners(networks, name).parameters(), first_rates[name], recipe.betas, fused=True)
        for name in networks
        if name in first_rates
    }
    if recipe.average is not None:
        networks["average"] = deepcopy(system.generator).eval().requires_grad_(False)
    recorded = plan.graphs and fabric.device.type == "cuda" and shares == 1
    return Run(
        fabric,
        system,
        source,
        plan,
        say,
        batches,
        Parts(networks, optimisers),
        {name: fabric.setup_optimizers(optimiser) for name, optimiser in optimisers.items()},
        {name: RoundGraph(say) if recorded else differentiate for name in optimisers},
        stack(views(system, watched, GRID_ROWS, plan.scratch)).to(fabric.device),
        score,
    )


def check_recipe(system: System, processes: int) -> None:
    """Refuse a recipe that contradicts itself, its generator or the number of processes."""
    recipe = system.recipe
    if recipe.pool and recipe.fresh_fakes:
        raise ConfigError(
            f"the recipe keeps a pool of {recipe.pool} made images, and has the discriminator see fresh ones. "
            "Set fresh_fakes=False, or pool=0."
        )
    if recipe.pool and processes > 1:
        raise ConfigError(f"a pool of made images works in one process, and there are {processes}. Set pool=0.")
    parts = [name for name, _ in system.generator.named_parameters()]
    for name in recipe.first_epochs:
        if name not in recipe.generator_weights:
            raise ConfigError(f"the recipe says when the term {name} begins, and does not weigh it. Leave it out.")
    for held in recipe.held:
        if not any(name.startswith(held) for name in parts):
            raise ConfigError(f"the recipe holds {held}, and no part of the generator is called so. Leave it out.")


def resume(run: Run) -> tuple[int, float]:
    """Take over the newest state that is whole; (images, seconds) so far. Where there is none, (0, 0): a new run."""
    folder = run.plan.out / STATES
    check_replaceable(run.plan.out / SNAPSHOT)
    if run.fabric.is_global_zero:
        for place in (run.plan.out, folder, run.plan.out / GRIDS):
            sweep(place)
    run.fabric.barrier()
    saved = newest_state(folder, run.say)
    if saved is None:
        if (run.plan.out / BEST).exists():
            raise ConfigError(f"{run.plan.out / BEST} is the best of a run that left no state. Choose another --out.")
        if run.plan.start is not None:
            start_from(run, run.plan.start)
        return 0, 0.0
    check_label_space(label_space_of(saved), run.source.label_space, saved.path)
    settings = {"config": defaults_of(run.system.config), "recipe": defaults_of(run.system.recipe)}
    check_same_run(saved, identity(run), settings)
    run.parts.fill(saved.tensors, saved.path)
    run.fabric.strategy.precision.load_state_dict(saved.facts.scaler)
    run.say(f"going on from {saved.path}")
    return saved.facts.images, saved.facts.seconds


def start_from(run: Run, other: Path) -> None:
    """Take over the networks of another run, whose image size and recipe may differ; optimisers start anew.

    Raises:
        CheckpointError: it has no state, is of another label space, or its networks have other shapes.
    """
    saved = newest_state(other / STATES, run.say)
    if saved is None:
        raise CheckpointError(f"{other} holds no state of a run to start from. Give the --out of another run.")
    check_label_space(label_space_of(saved), run.source.label_space, saved.path)
    if saved.facts.run["system"] != run.system.name:
        raise CheckpointError(
            f"{saved.path} is of system {saved.facts.run['system']}, and this run of {run.system.name}. "
            "Start from a run of the same system."
        )
    run.parts.fill_networks(inheritance(run, saved), saved.path)
    run.say(f"starting with the networks of {saved.path}")


def inheritance(run: Run, saved: Saved) -> dict[str, Tensor]:
    """The tensors to start with, by the names of this run: those of `saved`, and its own for parts that are new."""
    if run.system.inherits is None:
        return saved.tensors
    sources = {
        entry: (tensor, run.system.inherits(entry, saved.facts.run["config"]))
        for entry, tensor in run.parts.tensors().items()
    }
    return {
        entry: own if source is None else saved.tensors[source]
        for entry, (own, source) in sources.items()
        if source is None or source in saved.tensors
    }


def defaults_of(settings: Any) -> dict[str, Any]:
    """The values that a dataclass's fields have where nobody sets them."""
    found = {}
    for setting in fields(settings):
        if setting.default is not MISSING:
            found[setting.name] = setting.default
        elif setting.default_factory is not MISSING:
            found[setting.name] = setting.default_factory()
    return found


def identity(run: Run) -> dict[str, Any]:
    """What must be the same when a run goes on. The data may lie elsewhere, and devices may differ."""
    return {
        "system": run.system.name,
        "preset": run.system.preset,
        "config": asdict(run.system.config),
        "recipe": asdict(run.system.recipe),
        "label_space": run.source.label_space.to_dict(),
        "photos": len(run.source),
        "visits": run.source.listing.visits,
        "one_class_at_most": run.source.listing.one_class_at_most,
        "seed": run.plan.seed,
        "accumulate": run.plan.accumulate,
        "precision": run.plan.precision,
    }


def save(run: Run, images: int, seconds: float) -> None:
    """Write a state, if all weights are finite."""
    for name, network in run.parts.networks.items():
        for entry, tensor in network.state_dict().items():
            if not torch.isfinite(tensor).all():
                raise stopped(run.plan.out / STATES, images, f"{entry} of the {name} is not finite")
    if run.fabric.is_global_zero:
        facts = Facts(
            images=images,
            seconds=seconds,
            run=identity(run),
            scaler=run.fabric.strategy.precision.state_dict(),
        )
        save_state(run.plan.out / STATES, facts, run.parts)
    run.fabric.barrier()


def deliver(run: Run, journal: Journal | None, images: int, seconds: float) -> None:
    """Write the snapshot, in place of the last one; if it scores best, also in place of the best one."""
    generator = deliverable(run, images)
    if journal:
        card = Card(
            system=run.system.name,
            preset=run.system.preset,
            config=asdict(run.system.config),
            label_space=run.source.label_space,
            recipe=asdict(run.system.recipe),
            training=Training(
                images=images,
                seconds=round(seconds, 1),
                hardware=hardware(run.fabric.device, run.fabric.world_size),
                versions=versions(),
                seed=run.plan.seed,
                data=run.source.name,
            ),
        )
        save_snapshot(run.plan.out / SNAPSHOT, card, generator.state_dict())
        if run.score is not None:
            keep_if_best(run, run.score, journal, card, generator)
    run.fabric.barrier()


def keep_if_best(run: Run, score: Score, journal: Journal, card: Card, generator: nn.Module) -> None:
    """Score what was delivered, and write it to `BEST` unless what lies there scores as well."""
    value, folder = score.of(generator), run.plan.out / BEST
    journal.score(score.name, value)
    best = load_card(folder).scores.get(score.name, math.inf) if folder.exists() else math.inf
    if value < best:
        save_snapshot(folder, card.model_copy(update={"scores": {score.name: value}}), generator.state_dict())
    standing = "the best so far" if value < best else f"the best was {best:.4f}"
    run.say(f"{score.name} {value:.4f} after {journal.images} images, {standing}")


def deliverable(run: Run, images: int) -> nn.Module:
    """The generator to show and to deliver: the settled average if one is kept. All processes take part."""
    if run.system.recipe.average is None:
        return deepcopy(run.system.generator).eval()
    reading = run.batches.starting(0)
    count = min(SETTLING, 1 + images // run.system.recipe.batch)
    conditions = [next_share(run, reading, 0, number).condition for number in range(count)]
    return settled(run.parts.networks["average"], conditions)


def drawing(
    system: System, source: Source, scratch: Path | None, *, flip: bool
) -> Callable[[Pair, random.Random], Sample]:
    """How photos of a source are cut: as the recipe says, or by the system's own way."""
    draw = partial(
        system.draw or partial(cut, system.recipe),
        flip=flip,
        one_class_at_most=source.listing.one_class_at_most,
        scratch=scratch,
    )
    return lambda pair, rng: draw(pair, rng=rng)


def views(system: System, watched: Source, most: int, scratch: Path | None = None) -> list[Sample]:
    """The same cuts whenever it is asked, at most so many, spread over the source, none of them mirrored."""
    count, draw = min(most, len(watched)), drawing(system, watched, scratch, flip=False)
    return [draw(watched.pair(number * len(watched) // count), random.Random(number)) for number in range(count)]


@torch.no_grad()
def show(run: Run, journal: Journal | None, images: int) -> None:
    """A sample grid of what a snapshot would hold now."""
    generator = deliverable(run, images)
    if journal:
        fake = generator(run.system.condition(run.view, seeds_at(run.plan.seed, 0, len(run.view))))
        journal.grid(sample_grid(run.source.label_space, run.view, fake.image))


def open_journal(run: Run, images: int) -> Journal | nullcontext[None]:
    """The journal; the main process writes it."""
    if not run.fabric.is_global_zero:
        return nullcontext()
    return Journal(run.plan.out, images, run.plan.images, run.say)
