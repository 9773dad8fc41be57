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

from intarsia.blocks.efficientnet_lite import EfficientNetLite0
from intarsia.blocks.unet import STRIDE, UNSHUFFLED, Seen, Unet, chosen, see
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
from intarsia.segmentation.card import Config, SegmenterCard, build, lite0_features, save_segmenter
from intarsia.segmentation.muon import Muon
from intarsia.segmentation.segmenter import padded
from intarsia.training.averaging import average, decay_at, settled
from intarsia.training.clock import Clock, asked_to_stop
from intarsia.training.journal import Journal
from intarsia.training.loop import SNAPSHOT, STATES, Ending, Say
from intarsia.training.provenance import hardware, versions
from intarsia.training.rounds import seeds_at

SETTLING = 64  # whole training photos on which the average's statistics are estimated anew
COUNTED = 200  # training photos whose pixels are counted by class
LONGEST_GRADIENT = 5.0  # longer ones are cut to this
NEVER = (math.inf, math.inf)


@dataclass(frozen=True)
class Recipe:
    """How a segmenter is trained: plain values."""

    augmentation: Augmentation = field(default_factory=Augmentation)
    batch: int = 4
    kernel_rate: float = 0.02  # the highest, of kernels, which Muon steps; see `share_of_rate`
    rate: float = 7e-3  # the same of all else, which Adam steps
    balance: float = 0.5  # a pixel counts as its class's share of the pixels to the power of minus this
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
    features: EfficientNetLite0
    network: Unet
    mean: nn.Module  # the average of `network`
    optimiser: Muon
    weights: Tensor  # by class and, last, 0 for don't-care: what a pixel counts
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
            share = share_of_rate(recipe, progress(plan, images, clock.seconds()))
            terms = iterate(run, next(reading), images, share)
            images += recipe.batch
            journal.note(images, clock.seconds(), terms, {"share_of_rate": share})
            if clock.state.is_due():
                with clock.saving():
                    save(run, images, clock.seconds())
                    deliver(run, images, clock.seconds())
        save(run, images, clock.seconds())
        if reason != "asked":
            deliver(run, images, clock.seconds())
    return Ending(images, reason)


def iterate(run: Run, batch: Batch, images: int, share: float) -> dict[str, float]:
    """One step on one batch, at a share of the highest rates, and the average. Returns the terms.

    Raises:
        TrainingError: the loss or its gradient is not finite; names the last good state.
    """
    batch = batch.to(run.device)
    choice = random_pixels(batch.labels, run.plan.seed, images)
    labels = chosen(batch.labels, choice)
    logits = run.network(see(run.features, batch.image), choice)
    terms = {
        "cross_entropy": cross_entropy(logits, labels, run.weights),
        "overlap": overlap_loss(logits, labels),
    }
    loss = terms["cross_entropy"] + run.recipe.overlap * terms["overlap"]
    run.optimiser.set_rates(kernels=share * run.recipe.kernel_rate, others=share * run.recipe.rate)
    run.optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    length = nn.utils.clip_grad_norm_(run.network.parameters(), LONGEST_GRADIENT)
    if not (math.isfinite(loss.item()) and math.isfinite(length.item())):
        raise stopped(run.plan.out / STATES, images, f"the loss became {loss.item()}, its gradient {length.item()}")
    run.optimiser.step()
    average(run.mean, run.network, decay_at(run.recipe.average, images // run.recipe.batch))
    return {name: term.item() for name, term in terms.items()}


def cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Its weighted mean over the pixels that are labelled; 0 where none is (torch's own would be 0 / 0)."""
    total = weights[labels].sum()
    return F.cross_entropy(logits, labels, weights[:-1], ignore_index=logits.shape[1], reduction="sum") / total.clamp(
        min=torch.finfo(total.dtype).tiny
    )


def class_weights(source: Source, balance: float) -> Tensor:
    """What a pixel counts: the share of its class to the power of -`balance`; a mean of 1 over labelled pixels.

    Shares are those of `COUNTED` photos; a class that is in none of them counts as if it had one pixel.

    Returns:
        By class and, last, 0 for don't-care: float32.
    """
    classes = len(source.label_space.classes)
    photos = range(0, len(source), -(-len(source) // COUNTED))
    counts = sum(
        torch.from_numpy(source.pair(n).labels).long().flatten().bincount(minlength=classes + 1) for n in photos
    )
    assert isinstance(counts, Tensor)
    shares = counts[:classes].clamp(min=1).double()
    shares /= shares.sum()
    weights = shares**-balance
    return F.pad(weights / (weights * shares).sum(), (0, 1)).float()


def random_pixels(labels: Tensor, seed: int, images: int) -> Tensor:
    """Which pixel of each 2x2 block the loss looks at, after so many images: B H/2 W/2."""
    count, height, width = labels.shape
    draw = torch.Generator().manual_seed(seeds_at(seed, images, 1).values[0])
    size = (count, height // UNSHUFFLED, width // UNSHUFFLED)
    return torch.randint(UNSHUFFLED**2, size, generator=draw).to(labels.device)


def share_of_rate(recipe: Recipe, progress: float) -> float:
    """The share of the highest rates after a share of the training: a linear rise, then a half cosine down to zero."""
    return min(1.0, progress / recipe.warm_up) * (0.5 + 0.5 * math.cos(math.pi * progress))


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
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Run(
        recipe,
        config,
        source,
        plan,
        say,
        batches,
        features=lite0_features().to(device),
        network=network,
        mean=deepcopy(network).eval().requires_grad_(False),
        optimiser=optimiser_of(network, recipe),
        weights=class_weights(source, recipe.balance).to(device),
        device=device,
    )


def optimiser_of(network: Unet, recipe: Recipe) -> Muon:
    """Muon for hidden kernels; the head, which ends in classes, is stepped by Adam, as vectors are."""
    kernels = {p for name, p in network.named_parameters() if p.ndim == 4 and not name.startswith("classes.")}
    others = [p for p in network.parameters() if p not in kernels]
    return Muon([p for p in network.parameters() if p in kernels], others, weight_decay=recipe.weight_decay)


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


def whole_image(run: Run, number: int) -> Seen:
    """A training photo as a segmenter sees it."""
    return see(run.features, padded(image_tensor(run.source.pair(number).photo)[None]).to(run.device))
