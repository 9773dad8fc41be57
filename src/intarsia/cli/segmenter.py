"""`intarsia segmenter`: train segmenters and score them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from intarsia.cli.device import pick_device
from intarsia.cli.options import at_least, check_seed, size_of
from intarsia.cli.say import notice, progress
from intarsia.errors import ConfigError
from intarsia.files import whole_file

if TYPE_CHECKING:
    from intarsia.evaluation.recognition import Recognition

app = App(name="segmenter", help="Train segmenters and score them.")
INTERRUPTED = 130
MINUTES = 20.0


@app.command
def train(
    *,
    data: str,
    out: Path,
    minutes: float | None = None,
    images: int | None = None,
    size: str = "192x192",
    batch: int = 4,
    width: int = 24,
    seed: int = 0,
    workers: int = 1,
    state_every: float = 5.0,
    device: str = "auto",
) -> int:
    """Train a segmenter on the split train. The same command goes on with the run in OUT, wherever it was stopped.

    OUT gets snapshot/ (the segmenter), states/ (to go on from), tensorboard/ and stats.jsonl.

    Parameters
    ----------
    data
        NAME:PATH or PATH of a data set.
    out
        Folder of the run.
    minutes
        To train in all, over all calls; the rate falls to zero by then. 20 if nothing else is said.
    images
        The goal as a number of images instead, counted with repetition: the same bits on the same kind of machine.
    size
        Of the cuts, HEIGHTxWIDTH, multiples of 32.
    batch
        Images in an iteration.
    width
        Channels at half the cuts' resolution; deeper levels have up to 4 times as many.
    seed
        Of weights, order and cuts.
    workers
        Threads that read ahead.
    state_every
        Minutes between saved states.
    device
        auto (a GPU if there is one), cpu, cuda, cuda:1, ...
    """
    at_least(1, images=images, batch=batch, width=width)
    at_least(0, minutes=minutes, workers=workers, state_every=state_every)
    check_seed(seed)
    if images is not None and minutes is not None:
        raise ConfigError("--images and --minutes are two goals. Give one of them.")

    from intarsia.data.sources import open_source
    from intarsia.segmentation.augmentation import Augmentation
    from intarsia.segmentation.training import Plan, Recipe
    from intarsia.segmentation.training import train as run

    plan = Plan(
        out=out,
        images=images,
        minutes=math.inf if images is not None else minutes if minutes is not None else MINUTES,
        seed=seed,
        workers=workers,
        state_minutes=state_every,
        device=pick_device(device),
    )
    recipe = Recipe(Augmentation(crop_size=size_of(size)), batch=batch)
    ending = run(recipe, width, open_source(data, "train"), plan, notice)
    if ending.reason == "asked":
        notice(f"stopped after {ending.images} images; the same command goes on from there")
        return INTERRUPTED
    print(out / "snapshot")
    return 0


@app.command
def score(
    *,
    model: str,
    data: str,
    split: str = "val",
    report: Annotated[Path | None, Parameter(name="--json")] = None,
    device: str = "auto",
) -> None:
    """How much of labelled photos a segmenter recognises: IoU by class, accuracy; of few photos also of each.

    Parameters
    ----------
    model
        A bundled segmenter (unet-street, unet-earth), a folder with a snapshot, or a Hugging Face hub id (owner/name).
    data
        NAME:PATH or PATH of a data set of the segmenter's label space.
    split
        The photos to look at.
    report
        File for all figures, those of each photo too.
    device
        auto (a GPU if there is one), cpu, cuda, cuda:1, ...
    """
    from intarsia.data.sources import open_source
    from intarsia.evaluation.recognition import recognise
    from intarsia.segmentation.segmenter import Segmenter

    segmenter = Segmenter.from_pretrained(model, pick_device(device))
    source = open_source(data, split)
    found = recognise(segmenter, source, progress)
    if report is not None:
        about = {"segmenter": segmenter.card.segmenter, "data": source.name, "split": split}
        with whole_file(report) as temporary:
            temporary.write_text(json.dumps(about | values(found), indent=1) + "\n")
    print(f"{segmenter.card.segmenter} on {source.name}, {split}: {len(source)} photos")
    print("\n".join(lines(found)))


def values(found: Recognition) -> dict[str, Any]:
    """All figures, for JSON; what cannot be said is null."""
    from intarsia.evaluation.recognition import LEAST_SHARE, by_class, figures, without_nan

    said: dict[str, Any] = without_nan(
        {
            **figures(found.total),
            "miou_counts_classes_of_at_least": LEAST_SHARE,
            "classes": by_class(found.total),
            "photos": {name: figures(confusion) for name, confusion in found.by_photo.items()},
        }
    )
    return said


def lines(found: Recognition) -> list[str]:
    """The figures for people: in all, by class, and of few photos by photo."""
    from intarsia.evaluation.recognition import FEW, LEAST_SHARE, by_class, figures

    total = figures(found.total)
    counted, there = int(found.total.counted(LEAST_SHARE).sum()), int(found.total.counted().sum())
    remarks = {
        "miou": ("mIoU", f"of the {counted} classes that cover at least {LEAST_SHARE:.1%} of the pixels"),
        "miou_of_all": ("mIoU of all", f"of the {there} classes that are there or were predicted"),
        "accuracy": ("accuracy", "don't-care ignored"),
        "accuracy_dont_care_wrong": ("accuracy", "don't-care counted as wrong"),
        "frequency_weighted_iou": ("frequency-weighted IoU", "each class by its share of the pixels"),
    }
    shown = [f"  {name:24} {figure(total[key])}  {remark}" for key, (name, remark) in remarks.items()]
    shown.append(f"{'class':26} {'IoU':>6}   {'share':>6}")
    for row in by_class(found.total):
        remark = "" if row["counted"] else "  not counted"
        shown.append(f"  {row['name']:24} {figure(row['iou'])}   {figure(row['share'])}{remark}")
    if len(found.by_photo) <= FEW:
        shown.append(f"{'photo':26} {'mIoU':>6} accuracy")
        for name, confusion in found.by_photo.items():
            of_photo = figures(confusion)
            shown.append(f"  {name:24} {figure(of_photo['miou'])}   {figure(of_photo['accuracy'])}")
    return shown


def figure(value: float) -> str:
    """Six characters wide."""
    return "     -" if math.isnan(value) else f"{value:6.4f}"
