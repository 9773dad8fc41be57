"""Training a segmenter, from top to bottom; start at `train`.

As in `training/loop.py`, everything random is a function of (seed, samples seen before), so a run that was killed goes
on as if it had not been. Where the goal is a number of images, it then ends with the same bits on the same kind of
machine; where it is minutes, rates follow the clock.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.unet import STRIDE, UNSHUFFLED, Unet, chosen
from intarsia.checkpoints.snapshot import Training, check_label_space, check_replaceable
from intarsia.checkpoints.state import (
    Facts,
    Parts,
    check_same_run,
    label_space_of,
    newest_state,
    save_state,
    stopped,
)
from intarsia.data.batches import Batches
from intarsia.data.sources import Source
from intarsia.data.transforms import image_tensor
from intarsia.errors import ConfigError
from intarsia.files import sweep
from intarsia.losses.overlap import overlap_loss
from intarsia.records import Batch
from intarsia.repeatable import settle_vector_functions
from intarsia.segmentation.augmentation import Augmentation, augmented
from intarsia.segmentation.card import Config, SegmenterCard, build, save_segmenter
from intarsia.segmentation.segmenter import padded
from intarsia.training.averaging import average, decay_at, settled
from intarsia.training.clock import Clock, asked_to_stop
from intarsia.training.journal import Journal
from intarsia.training.loop import SNAPSHOT, STATES, Ending, Say
from intarsia.training.provenance import hardware, versions
from intarsia.training.rounds import seeds_at

SETTLING = 64  # whole training photos on which the average's statistics are estimated anew
LONGEST_GRADIENT = 5.0  # longer ones are cut to this
BETAS = (0.9, 0.99)
NEVER = (math.inf, math.inf)


@dataclass(frozen=True)
class Recipe:
    """How a segmenter is trained: plain values."""

    augmentation: Augmentation = field(default_factory=Augmentation)
    batch: int = 8
    rate: float = 1e-2  # the highest; see `rate_at`
    warm_up: float = 0.05  # share of the training
    weight_decay: float = 0.01
    average: float = 0.998  # decay of the exponential moving average, by iteration
    overlap: float = 0.5  # weight of the overlap term beside cross-entropy


@dataclass(frozen=True)
class Plan:
    """What is asked of a run, beside its network, recipe and data. One of `images` and `minutes` is the goal."""

    out: Path  # folder of the run
    images: int | None = None  # to see in all, with repetition; rounded up to whole batches
    minutes: float = math.inf  # to train in all, over all calls
    seed: int = 0
    workers: int = 1  # threads that read ahead
    state_minutes: float = 5.0  # between states
    device: str = "cpu"


@dataclass(frozen=True)
class Run:
    """What stays while a run goes on."""

    recipe: Recipe
    config: Config
    source: Source
    plan: Plan
    say: Say
    batches: Batches
    network: Unet
    mean: nn.Module  # the average of `network`
    optimiser: torch.optim.Optimizer
    device: torch.device

    @property
    def parts(self) -> Parts:
        """What a state holds."""
        return Parts({"network": self.network, "average": self.mean}, {"network": self.optimiser})


def train(recipe: Recipe, width: int, source: Source, plan: Plan, say: Say) -> Ending:
    """Train a segmenter, or go on where the run in `plan.out` stopped.

    Args:
        recipe: how.
        width: of the network, see `blocks.unet.Unet`.
        source: photos to train on.
        plan: the rest.
        say: takes lines for the person who waits.

    Raises:
        CheckpointError: the states in `plan.out` are damaged, or of another run.
        ConfigError: the crop is no multiple of the network's stride, the data has fewer samples than a batch, or
            something else stands where the snapshot will.
        StorageError: the disk is full; earlier states are as they were.
        TrainingError: the loss is not finite; names the last good state.
    """
    settle_vector_functions()
    run = prepare(recipe, width, source, plan, say)
    images, seconds = resume(run)
    clock = Clock(seconds, plan.minutes - seconds / 60, plan.state_minutes, NEVER, saving_laps=SETTLING / recipe.batch)
    reading = run.batches.starting(images // recipe.batch)

    with asked_to_stop() as asked, Journal(plan.out, images, plan.images, say) as journal:
        while (reason := why_stop(run, images, clock, asked)) is None:
            rate = rate_at(recipe, progress(plan, images, clock.seconds()))
            terms = iterate(run, next(reading), images, rate)
            images += recipe.batch
            journal.note(images, clock.seconds(), terms, {"rate": rate})
            if clock.state.is_due():
                with clock.saving():
                    save(run, images, clock.seconds())
                    deliver(run, images, clock.seconds())
        save(run, images, clock.seconds())
        if reason != "asked":
            deliver(run, images, clock.seconds())
    return Ending(images, reason)


def iterate(run: Run, batch: Batch, images: int, rate: float) -> dict[str, float]:
    """One step on one batch, and the average. Returns the terms.

    Raises:
        TrainingError: the loss or its gradient is not finite; names the last good state.
    """
    batch = batch.to(run.device)
    choice = random_pixels(batch.labels, run.plan.seed, images)
    labels = chosen(batch.labels, choice)
    logits = run.network(batch.image, choice)
    terms = {
        "cross_entropy": cross_entropy(logits, labels),
        "overlap": overlap_loss(logits, labels),
    }
    loss = terms["cross_entropy"] + run.recipe.overlap * terms["overlap"]
    for group in run.optimiser.param_groups:
        group["lr"] = rate
    run.optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    length = nn.utils.clip_grad_norm_(run.network.parameters(), LONGEST_GRADIENT)
    if not (math.isfinite(loss.item()) and math.isfinite(length.item())):
        raise stopped(run.plan.out / STATES, images, f"the loss became {loss.item()}, its gradient {length.item()}")
    run.optimiser.step()
    average(run.mean, run.network, decay_at(run.recipe.average, images // run.recipe.batch))
    return {name: term.item() for name, term in terms.items()}


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Its mean over the pixels that are labelled; 0 where none is (torch's own would be 0 / 0)."""
    classes = logits.shape[1]
    labelled = (labels < classes).sum()
    return F.cross_entropy(logits, labels, ignore_index=classes, reduction="sum") / labelled.clamp(min=1)


def random_pixels(labels: Tensor, seed: int, images: int) -> Tensor:
    """Which pixel of each 2x2 block the loss looks at, after so many images: B H/2 W/2."""
    count, height, width = labels.shape
    draw = torch.Generator().manual_seed(seeds_at(seed, images, 1).values[0])
    size = (count, height // UNSHUFFLED, width // UNSHUFFLED)
    return torch.randint(UNSHUFFLED**2, size, generator=draw).to(labels.device)


def rate_at(recipe: Recipe, progress: float) -> float:
    """The learning rate after a share of the training: a linear rise, then a half cosine down to zero."""
    return recipe.rate * min(1.0, progress / recipe.warm_up) * (0.5 + 0.5 * math.cos(math.pi * progress))


def progress(plan: Plan, images: int, seconds: float) -> float:
    """The share of the training that is done."""
    return min(1.0, images / plan.images if plan.images is not None else seconds / (60 * plan.minutes))


def why_stop(run: Run, images: int, clock: Clock, asked: Event) -> Literal["goal", "minutes", "asked"] | None:
    """The reason to stop before another iteration; None to go on."""
    if run.plan.images is not None and images >= run.plan.images:
        return "goal"
    if asked.is_set():
        return "asked"
    return "minutes" if clock.is_late() else None


def prepare(recipe: Recipe, width: int, source: Source, plan: Plan, say: Say) -> Run:
    """Network, average and optimiser on their device; batches."""
    if any(side % STRIDE for side in recipe.augmentation.crop_size):
        height, across = recipe.augmentation.crop_size
        raise ConfigError(f"size {height}x{across} is no multiple of {STRIDE}. Choose one that is.")
    batches = Batches(
        source,
        draw=partial(augmented, recipe.augmentation, source.listing.one_class_at_most),
        batch=recipe.batch,
        seed=plan.seed,
        workers=plan.workers,
    )
    device = torch.device(plan.device)
    config = Config(classes=len(source.label_space.classes), width=width)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        network = build(config).train().to(device)
    optimiser = torch.optim.AdamW(
        network.parameters(), recipe.rate, BETAS, weight_decay=recipe.weight_decay, fused=True
    )
    mean = deepcopy(network).eval().requires_grad_(False)
    return Run(recipe, config, source, plan, say, batches, network, mean, optimiser, device)


def resume(run: Run) -> tuple[int, float]:
    """Take over the newest state that is whole; (images, seconds) so far. Where there is none, (0, 0): a new run."""
    folder = run.plan.out / STATES
    check_replaceable(run.plan.out / SNAPSHOT)
    for place in (run.plan.out, folder):
        sweep(place)
    saved = newest_state(folder, run.say)
    if saved is None:
        return 0, 0.0
    check_label_space(label_space_of(saved), run.source.label_space, saved.path)
    check_same_run(saved, identity(run), {})
    run.parts.fill(saved.tensors, saved.path)
    run.say(f"going on from {saved.path}")
    return saved.facts.images, saved.facts.seconds


def identity(run: Run) -> dict[str, Any]:
    """What must be the same when a run goes on. The data may lie elsewhere, and the device may differ."""
    return {
        "config": run.config.model_dump(),
        "recipe": asdict(run.recipe),
        "label_space": run.source.label_space.to_dict(),
        "photos": len(run.source),
        "visits": run.source.listing.visits,
        "one_class_at_most": run.source.listing.one_class_at_most,
        "seed": run.plan.seed,
    }


def save(run: Run, images: int, seconds: float) -> None:
    """Write a state."""
    facts = Facts(images=images, seconds=seconds, run=identity(run), scaler={})
    save_state(run.plan.out / STATES, facts, run.parts)


def deliver(run: Run, images: int, seconds: float) -> None:
    """Write the snapshot, in place of the last one: the average, with statistics of whole training photos."""
    photos = range(0, len(run.source), -(-len(run.source) // SETTLING))
    network = settled(run.mean, [whole_image(run, number) for number in photos])
    card = SegmenterCard(
        segmenter=f"unet-{run.source.label_space.name}",
        config=run.config,
        label_space=run.source.label_space,
        recipe=asdict(run.recipe),
        training=Training(
            images=images,
            seconds=round(seconds, 1),
            hardware=hardware(run.device, 1),
            versions=versions(),
            seed=run.plan.seed,
            data=run.source.name,
        ),
    )
    save_segmenter(run.plan.out / SNAPSHOT, card, network.state_dict())


def whole_image(run: Run, number: int) -> Tensor:
    """A training photo as a segmenter sees it: 1 3 H W."""
    return padded(image_tensor(run.source.pair(number).photo)[None]).to(run.device)
