"""`intarsia train`: photos with label maps go in, a model comes out."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from intarsia.cli.options import at_least, check_seed
from intarsia.cli.paths import scratch_folder
from intarsia.cli.say import notice
from intarsia.errors import ConfigError, DataError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from intarsia.data.sources import Source
    from intarsia.systems.system import Recipe

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
INTERRUPTED = 130


def train(
    *,
    preset: str,
    data: str,
    out: Path,
    images: int | None = None,
    minutes: float | None = None,
    batch: int | None = None,
    accumulate: int = 1,
    precision: Precision = "32-true",
    devices: int = 1,
    seed: int = 0,
    workers: int = 2,
    graphs: bool = True,
    state_every: float = 10.0,
    keep_best: int | None = None,
    start: Annotated[Path | None, Parameter(name="--from")] = None,
    perceptual: Path | None = None,
    without: tuple[str, ...] = (),
) -> int:
    """Train a system. The same command goes on with the run in OUT, wherever it was stopped.

    OUT gets states/ (to go on from), snapshot/ (the model), grids/, tensorboard/ and stats.jsonl; with --keep-best
    also best/ (the model when it scored best).

    Parameters
    ----------
    preset
        Which system, at which sizes, by which recipe: `intarsia systems` lists them.
    data
        NAME:PATH or PATH of a data set.
    out
        Folder of the run.
    images
        Stop after so many images, counted with repetition. By default as many as the recipe's epochs have.
    minutes
        Stop after so many minutes, and save.
    batch
        Images in an iteration, over all devices; by default the recipe's.
    accumulate
        Cut a batch into so many parts that are computed one after another, to save memory.
    precision
        Of the networks: 32-true, bf16-mixed, or (on a GPU) 16-mixed.
    devices
        GPUs, or processes on the CPU.
    seed
        Of weights, order, cuts and noise.
    workers
        Threads that read ahead.
    graphs
        On one GPU, and with --accumulate 1, start an iteration's kernels by CUDA graphs instead of one by one.
    state_every
        Minutes between saved states.
    keep_best
        Score every snapshot by KID-lite0 on so many held-out photos, and keep the best one apart.
    start
        Folder of another run, to start with its networks: of the same widths, perhaps for smaller images.
    perceptual
        File of VGG19 weights, for recipes with a perceptual term.
    without
        Term to leave out of the recipe, such as perceptual; may be given several times.
    """
    import torch

    from intarsia import systems
    from intarsia.data.sources import open_source
    from intarsia.evaluation.score import kid_lite0_score
    from intarsia.training.loop import Plan
    from intarsia.training.loop import train as run

    at_least(1, images=images, batch=batch, accumulate=accumulate, devices=devices, keep_best=keep_best)
    at_least(0, minutes=minutes, workers=workers, state_every=state_every)
    check_seed(seed)
    chosen = systems.preset(preset)
    source = open_source(data, "train")
    visits = len(source) * source.listing.visits
    recipe = replace(_without(chosen.recipe, without), batch=batch or chosen.recipe.batch)
    if perceptual is not None and systems.FROM_FILE.isdisjoint(recipe.generator_weights):
        raise ConfigError(f"the recipe has no term perceptual, so {perceptual} is of no use. Leave --perceptual out.")
    config = systems.for_label_space(chosen.config, source.label_space)

    fabric = _fabric(precision, devices)
    torch.manual_seed(seed)
    system = systems.build(chosen.system, config, recipe, preset=preset, perceptual=perceptual)
    plan = Plan(
        out=out,
        images=images or (recipe.epochs + recipe.decay_epochs) * (visits - visits % recipe.batch),
        seed=seed,
        accumulate=accumulate,
        precision=precision,
        workers=workers,
        graphs=graphs,
        minutes=float("inf") if minutes is None else minutes,
        state_minutes=state_every,
        start=start,
        scratch=scratch_folder(source.name),
    )
    say = notice if fabric.is_global_zero else _silence
    watched = _watched(data, say)
    score = None if keep_best is None else kid_lite0_score(system, watched, keep_best, seed, fabric.device)
    ending = run(fabric, system, source, watched, plan, say, score)
    if ending.reason == "asked":
        say(f"stopped after {ending.images} images; the same command goes on from there")
        return INTERRUPTED
    if fabric.is_global_zero:
        print(out / "snapshot")
    return 0


def _without(recipe: Recipe, terms: tuple[str, ...]) -> Recipe:
    """The recipe with some of the generator's terms left out."""
    for term in terms:
        if term not in recipe.generator_weights:
            raise ConfigError(f"the recipe has no term {term}. It has {', '.join(recipe.generator_weights)}.")
    weights = {term: weight for term, weight in recipe.generator_weights.items() if term not in terms}
    first = {term: epoch for term, epoch in recipe.first_epochs.items() if term not in terms}
    return replace(recipe, generator_weights=weights, first_epochs=first)


def _fabric(precision: Precision, devices: int) -> Fabric:
    """Launched: under `torchrun` as it says, else with processes of its own."""
    import torch
    from lightning_fabric import Fabric

    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if precision == "16-mixed" and accelerator == "cpu":
        raise ConfigError("precision 16-mixed needs a GPU, and torch finds none. Choose 32-true or bf16-mixed.")
    devices = int(os.environ.get("LOCAL_WORLD_SIZE", str(devices)))
    nodes = int(os.environ.get("GROUP_WORLD_SIZE", "1"))
    if accelerator == "cuda" and devices > torch.cuda.device_count():
        raise ConfigError(f"--devices is {devices}, and torch finds {torch.cuda.device_count()} GPUs. Give fewer.")
    strategy = "ddp" if devices * nodes > 1 else "auto"
    fabric = Fabric(accelerator=accelerator, strategy=strategy, devices=devices, num_nodes=nodes, precision=precision)
    fabric.launch()
    return fabric


def _watched(data: str, say: Callable[[str], None]) -> Source:
    """The photos for sample grids: of the split val, or where there is none of the split train."""
    from intarsia.data.sources import open_source

    try:
        return open_source(data, "val")
    except DataError:
        say(f"{data} has no split val: sample grids show photos of the split train")
        return open_source(data, "train")


def _silence(text: str) -> None:
    """For processes that are not the main one."""
