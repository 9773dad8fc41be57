"""`intarsia evaluate`: figures for a model or for folders of photos, with every choice that moves them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from intarsia.cli.device import pick_device
from intarsia.cli.options import at_least, check_seed, size_of
from intarsia.cli.say import notice, progress
from intarsia.errors import ConfigError, DataError
from intarsia.files import whole_file

if TYPE_CHECKING:
    from intarsia.data.sources import Source
    from intarsia.evaluation.by_protocol import Choices
    from intarsia.evaluation.evaluate import Options
    from intarsia.evaluation.protocols import Protocol
    from intarsia.evaluation.store import Facts
    from intarsia.labels import LabelSpace


COLUMNS = ("KID-lite0 x 1000", "perceptual-lite0", "mIoU", "of ceiling", "accuracy")
ROWS = {
    "generated": ("generated_vs_real", "generated"),
    "real, blurred": ("blurred_vs_real", "blurred"),
    "real": ("real_halves", "real"),
    "real, of train": ("train_vs_real", ""),
}
"""Sets of pictures, by what people call them: the KID and the other figures that each has."""


def evaluate(
    *,
    out: Path,
    model: str | None = None,
    data: str | None = None,
    split: str = "val",
    fake: Path | None = None,
    real: Path | None = None,
    labels: Path | None = None,
    label_space: Path | None = None,
    protocol: str = "lite0",
    measure: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    segmenter: str | None = None,
    size: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    weights: Path | None = None,
    cache: Path | None = None,
    bank: Path | None = None,
    device: str = "auto",
) -> None:
    """Measure a model (--model, --data), or a folder of made photos against one of real photos (--fake, --real).

    Under the protocol lite0, which needs no file of others: KID-lite0 and perceptual-lite0; with a segmenter and label
    maps also mIoU and accuracy, beside the ceiling that the real photos have, and blurred photos beside every figure.
    Under a published protocol: FID, KID, precision and recall, mIoU and accuracy, diversity, as that paper measured.
    What was computed before of the same weights, photos and choices is not computed again; a stopped command goes on.

    Parameters
    ----------
    out
        JSON file for the figures, and for every choice that moves them.
    model
        A bundled model, a folder with a snapshot, or a Hugging Face hub id (owner/name).
    data
        NAME:PATH or PATH of a data set: its label maps are rendered, its photos compared with.
    split
        The part of the data set; the model should not have been trained on it.
    fake
        Folder of made photos.
    real
        Folder of real photos; those of the same names are compared one by one.
    labels
        Folder of label maps, named after the photos.
    label_space
        JSON file of the label maps' classes; by default the segmenter's.
    protocol
        lite0, intarsia, or that of a paper and data set: spade-ade20k, oasis-cityscapes, ...
    measure
        Of a published protocol only this: fid, recognition, diversity.
    segmenter
        A bundled segmenter, a folder with a snapshot, a Hugging Face hub id, or drn-d-105, upernet-101, deeplab-v2-101,
        mask2former-cityscapes, ...; by default the protocol's, or the bundled one that knows the data's classes.
    size
        HEIGHTxWIDTH to measure at, whole photos resized; by default what the model was trained at.
    limit
        Measure so many pictures only, evenly spread.
    seed
        Of styles and of KID's subsets.
    weights
        Folder of the weight files of Inception, LPIPS and segmenters; by default torch's hub cache.
    cache
        Folder of what was computed before; by default ~/.cache/intarsia/evaluation.
    bank
        Segment bank (intarsia bank build) that the model pastes from; for SIMS.
    device
        auto (a GPU if there is one), cpu, cuda, cuda:1, ...
    """
    at_least(1, limit=limit)
    check_seed(seed)
    at = None if size is None else size_of(size)
    of_model = {"--model": model, "--data": data}
    of_folders = {"--fake": fake, "--real": real, "--labels": labels, "--label-space": label_space}

    from intarsia.evaluation.evaluate import Options
    from intarsia.evaluation.protocols import LITE, find_protocol
    from intarsia.evaluation.store import Store

    store = Store(cache or _cache())
    chosen = pick_device(device)
    lite = protocol == LITE
    if lite:
        _refuse({"--measure": measure or None, "--weights": weights}, "the protocol is lite0")
    options = Options(segmenter=segmenter, size=at, limit=limit, seed=seed, device=chosen, store=store, bank=bank)
    choices = None if lite else _choices(find_protocol(protocol), options, measure, weights)
    if model is not None and data is not None:
        _refuse(of_folders, "a model is evaluated")
        facts = _model(model, data, split, options) if choices is None else _model_by(model, data, split, choices)
    elif fake is not None and real is not None:
        _refuse(of_model | {"--bank": bank} | ({"--size": size} if lite else {}), "folders are evaluated")
        facts = _folders(fake, real, labels, label_space, options, choices)
    else:
        raise ConfigError("there is nothing to evaluate. Give --model and --data, or --fake and --real.")
    with whole_file(out) as temporary:
        temporary.write_text(json.dumps(facts, indent=1, allow_nan=False) + "\n")
    print("\n".join(lines(facts) if lite else protocol_lines(facts)))
    print(f"wrote {out}")


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return Path(home or Path.home() / ".cache") / "intarsia" / "evaluation"


def _choices(protocol: Protocol, options: Options, measure: tuple[str, ...], weights: Path | None) -> Choices:
    from intarsia.evaluation.by_protocol import MEASURES, Choices

    for name in measure:
        if name not in MEASURES:
            raise ConfigError(f"--measure {name} is unknown. Give {', '.join(MEASURES)}.")
    return Choices(
        protocol,
        options.segmenter,
        options.size,
        options.limit,
        options.seed,
        options.device,
        measure or MEASURES,
        weights,
        options.store,
        options.bank,
    )


def _model_by(model: str, data: str, split: str, choices: Choices) -> Facts:
    from intarsia.data.sources import open_source
    from intarsia.evaluation.by_protocol import evaluate_model_by

    train = _train(data, split) if choices.protocol.statistics == "train" else None
    return evaluate_model_by(model, open_source(data, split), train, choices, progress)


def _model(model: str, data: str, split: str, options: Options) -> Facts:
    from intarsia.data.sources import open_source
    from intarsia.evaluation.evaluate import evaluate_model

    source = open_source(data, split)
    options = _with_segmenter(options, source.label_space)
    return evaluate_model(model, source, _train(data, split), options, progress)


def _folders(
    fake: Path,
    real: Path,
    labels: Path | None,
    space_file: Path | None,
    options: Options,
    choices: Choices | None,
) -> Facts:
    from intarsia.evaluation.by_protocol import evaluate_folders_by
    from intarsia.evaluation.evaluate import evaluate_folders
    from intarsia.evaluation.pictures import folder_pictures
    from intarsia.evaluation.recogniser import find_recogniser
    from intarsia.labels import LabelSpace

    if labels is None:
        _refuse({"--label-space": space_file, "--segmenter": options.segmenter}, "no --labels are given")
        space = None
    elif space_file is not None:
        space = LabelSpace.load(space_file)
        options = options if choices is not None else _with_segmenter(options, space)
    elif options.segmenter is not None:
        weights = None if choices is None else choices.weights
        space = find_recogniser(options.segmenter, "cpu", weights).label_space
    else:
        raise ConfigError("--labels are given, and nothing says what they mean. Give --label-space or --segmenter.")
    made, photos = (folder_pictures(folder, labels, space, options.limit) for folder in (fake, real))
    if choices is None:
        facts = evaluate_folders(made, photos, options, progress)
    else:
        facts = evaluate_folders_by(made, photos, choices, progress)
    if choices is None and facts["figures"]["perceptual_lite0"]["generated"] is None:
        notice(f"{fake} and {real} have photos of other names: perceptual-lite0 is not measured.")
    formats = [set(facts["folders"][name]["photo_formats"]) for name in ("generated", "real")]
    if formats[0] != formats[1]:
        said = " and ".join(", ".join(sorted(of)) for of in formats)
        notice(f"{fake} and {real} hold {said} files: how photos were compressed shows in every figure.")
    return facts


def _with_segmenter(options: Options, space: LabelSpace) -> Options:
    """The options with a bundled segmenter, if none was asked for and one knows the classes."""
    from intarsia.evaluation.evaluate import bundled_segmenter

    if options.segmenter is not None:
        return options
    found = bundled_segmenter(space)
    if found is None:
        notice(f"no bundled segmenter knows the classes of {space.name}: mIoU is not measured. Give --segmenter.")
    return replace(options, segmenter=found)


def _train(data: str, split: str) -> Source | None:
    """The photos to compare the real ones with."""
    from intarsia.data.sources import open_source

    if split == "train":
        return None
    try:
        return open_source(data, "train")
    except DataError:
        notice(f"{data} has no split train: the real photos are compared with themselves only, half against half.")
        return None


def _refuse(options: Mapping[str, object], where: str) -> None:
    """Refuse an option that would change nothing."""
    for name, value in options.items():
        if value is not None:
            raise ConfigError(f"{name} is of no use where {where}. Leave it out.")


def lines(facts: Facts) -> list[str]:
    """The figures for people: a row for each set of pictures."""
    rows = [("", *COLUMNS)] + [(name, *cells(facts, name)) for name in ROWS]
    head = facts["model"]["name"] + " on " + facts["data"]["name"] if "model" in facts else "folders"
    counts = facts["data"] if "data" in facts else facts["folders"]["real"]
    return [f"{head}: {counts['pictures']} real pictures"] + [
        f"  {row[0]:20} {row[1]:>16}  {row[2]:>16}  {row[3]:>6}  {row[4]:>10}  {row[5]:>8}".rstrip() for row in rows
    ]


def cells(facts: Facts, row: str) -> tuple[str, ...]:
    """What `COLUMNS` say of a set of pictures (a key of `ROWS`); "-" where nothing was measured."""
    figures, (compared, name) = facts["figures"], ROWS[row]
    kid = figures["kid_lite0"].get(compared)
    distance = figures["perceptual_lite0"].get(name)
    recognised = (figures["recognition"] or {}).get(name)
    ratio = 1.0 if name == "real" else ((figures["ratio_to_ceiling"] or {}).get(name) or {}).get("miou")
    return (
        f"{1000 * kid['value']:.2f} ± {1000 * kid['standard_error']:.2f}" if kid else "-",
        f"{distance['mean']:.3f}" if distance else "-",
        _share(recognised and recognised["miou"]),
        _share(recognised and ratio),
        _share(recognised and recognised["accuracy"]),
    )


def protocol_lines(facts: Facts) -> list[str]:
    """The figures of a published protocol for people: a line for each, with its interval and count."""
    figures, protocol = facts["figures"], facts["protocol"]
    head = facts["model"]["name"] + " on " + facts["data"]["name"] if "model" in facts else "folders"
    rows = [f"{head}, protocol {protocol['name']}"]
    if fid := figures["fid"]:
        low, high = (fid["interval"][end] for end in ("low", "high"))
        rows.append(
            f"  FID              {fid['value']:.2f}  [{low:.2f}, {high:.2f}]  {fid['n_made']} against {fid['n_real']}"
        )
        kid, halves = figures["kid"], figures["kid_real_halves"]
        rows.append(f"  KID x 1000       {1000 * kid['value']:.2f} ± {1000 * kid['standard_error']:.2f}")
        rows.append(f"    of real halves {1000 * halves['value']:.2f} ± {1000 * halves['standard_error']:.2f}")
        shares = figures["precision_recall"]
        rows.append(f"  precision        {shares['precision']:.3f}")
        rows.append(f"  recall           {shares['recall']:.3f}")
    if recognised := figures["recognition"]:
        segmenter = protocol["recogniser"]["segmenter"]
        for name, what in (("miou", "mIoU"), ("accuracy", "accuracy"), ("accuracy_dont_care_wrong", "  all pixels")):
            made, real = (recognised[of][name] for of in ("generated", "real"))
            rows.append(f"  {what:16} {_share(made)}  real photos {_share(real)}  ({segmenter})")
    if diversity := figures["diversity"]:
        for name in ("lpips_vgg", "lpips_alex", "ms_ssim"):
            if found := diversity.get(name):
                rows.append(f"  {name:16} {found['value']:.3f}  [{found['low']:.3f}, {found['high']:.3f}]")
    return [*rows, *(f"  departs: {departure}" for departure in protocol["departures"])]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
