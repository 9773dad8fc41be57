"""One number means nothing: generated photos, the real ones and blurred ones, measured through one pipeline.

    val photos, resized or cut as the model was trained ── real ─────┐
        their label maps ── model, a seed each ────────── generated ─┤─ KID-lite0, perceptual-lite0, segmenter
        the same photos behind a Gaussian blur ────────── blurred ───┤
    as many train photos ──────────────────────────────── train ─────┘  (KID-lite0 only)

The result is plain values for JSON: the figures, and beside them every choice that moves them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import PIL

from intarsia.checkpoints.models import bundled_models, find_model
from intarsia.checkpoints.snapshot import WEIGHTS, check_label_space, load_card_of
from intarsia.data.sources import Source
from intarsia.data.transforms import Size
from intarsia.errors import DataError
from intarsia.evaluation.kid import DEGREE, FEWEST, OFFSET
from intarsia.evaluation.lite0 import DISTANCE, FEATURES, Lite0
from intarsia.evaluation.measure import (
    AT_ONCE,
    Instruments,
    Measured,
    distance_figures,
    kid_between,
    kid_of_halves,
    measure,
    recognition_figures,
)
from intarsia.evaluation.pictures import (
    Blurred,
    Codec,
    FolderPictures,
    MadeViews,
    Pictures,
    Quantisation,
    RealViews,
    digest,
    tiled_views,
    whole_views,
)
from intarsia.evaluation.recogniser import OwnSegmenter
from intarsia.evaluation.recognition import LEAST_SHARE, without_nan
from intarsia.evaluation.store import Facts, Store, Watch
from intarsia.files import sha256
from intarsia.labels import LabelSpace
from intarsia.segmentation.card import SEGMENTERS, SegmenterCard
from intarsia.synthesis.segment_bank import SegmentBank
from intarsia.synthesis.synthesiser import Synthesiser
from intarsia.training.provenance import hardware, versions

FORMAT = 1
SIGMA = 2.0
"""Of the blurred photos, in pixels."""
FEWEST_PICTURES = 2 * FEWEST
"""That an evaluation needs: the real ones are also halved."""


QUANTISATIONS: dict[Quantisation, str] = {
    "rounded": "rounded to uint8, halves to even",
    "truncated": "cut down to uint8",
    "none": "none: float32 in [0, 1]; recognition looks at rounded photos",
}
CODECS: dict[Codec, str] = {
    "none": "none: generated photos are measured in memory",
    "jpeg": "JPEG as Pillow writes it unasked: quality 75",
}


@dataclass(frozen=True)
class Options:
    """What may be chosen, beside the model and the data."""

    segmenter: str | None = None  # bundled name, folder or hub id; None: recognition is not measured
    size: Size | None = None  # height, width to measure at; None: as the model was trained
    limit: int | None = None  # of pictures, evenly spread over the split; None: all
    seed: int = 0  # of styles, and of the subsets that KID draws
    device: str = "cpu"
    store: Store = field(default_factory=Store)  # what was measured before
    bank: Path | None = None  # segment bank that a model pastes from


def evaluate_model(model: str, source: Source, train: Source | None, options: Options, watch: Watch) -> Facts:
    """Measure what a model makes of a source's label maps, which it should never have seen in training.

    Args:
        model: a bundled model, a snapshot's folder, or a hub id.
        source: label maps, and the photos to compare with.
        train: other photos of the same kind, for KID-lite0 between real sets; None leaves that out.
        options: the choices.
        watch: shows progress.

    Raises:
        CheckpointError: model, segmenter, bank or EfficientNet-lite0 cannot be read, or are of another label space.
        ConfigError: the model does not paste from a bank, or the bank is of another size.
        DataError, LabelError: a file of the data is missing or damaged, or there are too few.
    """
    start = time.perf_counter()
    folder = find_model(model)
    synthesiser = Synthesiser.from_pretrained(folder, options.device)
    facts = model_facts(model, folder, synthesiser)  # now: a run that goes on may replace the folder meanwhile
    check_label_space(synthesiser.label_space, source.label_space, f"model {model}")
    if options.bank is not None:
        synthesiser.paste_from(SegmentBank.load(options.bank))
    instruments = _instruments(options, source.label_space)
    real = _views(synthesiser, source, options.size, options.limit)
    made = MadeViews(synthesiser, real, options.seed, facts["weights_sha256"])
    seen = _look(real, made, real, instruments, options.store, watch)
    if train is not None:
        others = _views(synthesiser, train, options.size, len(real))
        seen["train"] = instruments.measure(others, "train photos", watch, options.store, recognise=False)
    return {
        "format": FORMAT,
        "model": facts,
        "data": data_facts(source, real),
        "generation": generation_facts(synthesiser, made),
        **_results(seen, instruments, options),
        "seconds": round(time.perf_counter() - start, 1),
    }


def evaluate_folders(fake: FolderPictures, real: FolderPictures, options: Options, watch: Watch) -> Facts:
    """Measure a folder of made photos against one of real photos.

    perceptual-lite0 is measured where both have photos of the same names, recognition where label maps are given.

    Raises:
        CheckpointError: segmenter or EfficientNet-lite0 cannot be read, or the segmenter is of another label space.
        DataError, LabelError: a file is missing or damaged, or there are too few.
    """
    start = time.perf_counter()
    instruments = _instruments(options, real.label_space)
    paired = [path.stem for path in fake.photos] == [path.stem for path in real.photos]
    seen = _look(real, fake, real if paired else None, instruments, options.store, watch)
    return {
        "format": FORMAT,
        "folders": {
            name: {"pictures": len(pictures), **file_facts(pictures.photos, pictures.labels)}
            for name, pictures in (("generated", fake), ("real", real))
        },
        **_results(seen, instruments, options),
        "seconds": round(time.perf_counter() - start, 1),
    }


def bundled_segmenter(space: LabelSpace) -> str | None:
    """The first bundled segmenter that knows the classes of `space`; None if none does."""
    for name in bundled_models(SEGMENTERS):
        ours = load_card_of(SegmenterCard, find_model(name, SEGMENTERS), SEGMENTERS.what).label_space
        if [(c.id, c.name) for c in ours.classes] == [(c.id, c.name) for c in space.classes]:
            return name
    return None


@dataclass(frozen=True)
class Lite:
    """EfficientNet-lite0, and a segmenter of the data's classes."""

    lite0: Lite0
    segmenter: OwnSegmenter | None

    def measure(
        self,
        pictures: Pictures,
        what: str,
        watch: Watch,
        store: Store,
        *,
        real: Pictures | None = None,
        recognise: bool = True,
    ) -> Measured:
        """A set of pictures as `measure` sees it."""
        instruments = Instruments.of_lite0(self.lite0, self.segmenter if recognise else None)
        return measure(pictures, instruments, what, watch, real=real, store=store)


def _look(
    real: Pictures, made: Pictures, counterparts: Pictures | None, instruments: Lite, store: Store, watch: Watch
) -> dict[str, Measured]:
    """Every set of pictures, measured. `counterparts` are the real photos of the made ones, place by place."""
    for what, pictures in (("real", real), ("generated", made)):
        if len(pictures) < FEWEST_PICTURES:
            raise DataError(f"there are {len(pictures)} {what} pictures. Give at least {FEWEST_PICTURES}.")
    return {
        "real": instruments.measure(real, "real photos", watch, store),
        "generated": instruments.measure(made, "generated photos", watch, store, real=counterparts),
        "blurred": instruments.measure(Blurred(real, SIGMA), "blurred photos", watch, store, real=real),
    }


def _views(synthesiser: Synthesiser, source: Source, size: Size | None, count: int | None) -> RealViews:
    """The source as the model saw photos in training: whole ones resized, or, if it was trained on cuts, tiles."""
    recipe = synthesiser.card.recipe
    if size is None and recipe is not None and recipe.get("load_size") is None:
        return tiled_views(source, synthesiser.config.size, count)
    return whole_views(source, size or synthesiser.config.size, count)


def _instruments(options: Options, space: LabelSpace | None) -> Lite:
    lite0 = Lite0.installed(options.device)
    if options.segmenter is None:
        return Lite(lite0, None)
    segmenter = OwnSegmenter.find(options.segmenter, options.device)
    if space is not None:
        check_label_space(segmenter.label_space, space, f"segmenter {options.segmenter}")
    return Lite(lite0, segmenter)


def _results(seen: Mapping[str, Measured], instruments: Lite, options: Options) -> Facts:
    """The figures, how they were made, and on what."""
    real, seed = seen["real"], options.seed
    kids = {
        "generated_vs_real": kid_between(seen["generated"], real, seed),
        "blurred_vs_real": kid_between(seen["blurred"], real, seed),
        "real_halves": kid_of_halves(real, seed),
    }
    if "train" in seen:
        kids["train_vs_real"] = kid_between(seen["train"], real, seed)
    compared = ("generated", "blurred")
    recognised = {name: recognition_figures(seen[name]) for name in ("real", *compared)}
    ceiling = recognised["real"]
    figures = {
        "kid_lite0": {name: asdict(value) for name, value in kids.items()},
        "perceptual_lite0": {name: distance_figures(seen[name]) for name in compared},
        "recognition": ceiling and recognised,
        "ratio_to_ceiling": ceiling
        and {
            name: {figure: ratio(of[figure], ceiling[figure]) for figure in ("miou", "accuracy")}
            for name in compared
            if (of := recognised[name])
        },
    }
    return {
        "figures": without_nan(figures),
        "protocol": _protocol(instruments, real, options),
        "versions": versions() | {"pillow": PIL.__version__},
        "hardware": hardware(instruments.lite0.device, 1),
    }


def ratio(value: float, ceiling: float) -> float:
    """A share of the ceiling; NaN where there is none."""
    return value / ceiling if ceiling else math.nan


def _protocol(instruments: Lite, real: Measured, options: Options) -> Facts:
    """Every choice that moves a figure."""
    weights = {"weights_sha256": instruments.lite0.weights_sha256}
    protocol: Facts = {
        "name": "lite0",
        "kid_lite0": FEATURES
        | weights
        | {
            "kernel": f"(x . y / d + {OFFSET:g}) ^ {DEGREE}",
            "estimator": "unbiased, of all images; subsets as torch-fidelity draws them",
            "seed": options.seed,
            "halves": "every second picture against the others",
        },
        "perceptual_lite0": DISTANCE | weights,
        "blurred": f"Pillow's GaussianBlur, sigma {SIGMA:g} pixels, of the real photos at the size measured",
    }
    if instruments.segmenter is None or real.recognised is None:
        return protocol
    return protocol | {
        "recognition": {
            "segmenter": instruments.segmenter.name,
            "weights_sha256": instruments.segmenter.weights_sha256,
            "input": "photos, real and generated alike, resized to the size of the label map's file (or its tile): "
            "Pillow bicubic, antialiased",
            "label_map_sizes": [list(size) for size in real.sizes],
            "compared_with": "the label map as it is in its file",
            "ceiling": "the real photos through the same pipeline",
            "miou_counts_classes_of_at_least": LEAST_SHARE,
            "dont_care": "left out of IoU and accuracy; accuracy_dont_care_wrong counts it as wrong",
        }
    }


def model_facts(name: str, folder: Path, synthesiser: Synthesiser) -> Facts:
    """What a model is, and of which weights."""
    card = synthesiser.card
    return {
        "name": card.preset if Path(name).is_dir() else name,
        "system": card.system,
        "preset": card.preset,
        "parameters": synthesiser.parameters,
        "weights_sha256": sha256(folder / WEIGHTS),
        "averaged": None if card.recipe is None else card.recipe.get("average"),
        "images_seen": None if card.training is None else card.training.images,
    }


def data_facts(source: Source, real: RealViews) -> Facts:
    """What is measured on: the source, and how many of its photos and pictures."""
    return {
        "name": source.name,
        "split": source.split,
        "label_space": source.label_space.name,
        "classes": len(source.label_space.classes),
        "photos": len(source),
        "pictures": len(real),
        **file_facts(real.photo_files(), real.map_files()),
    }


def generation_facts(synthesiser: Synthesiser, made: MadeViews) -> Facts:
    """How photos were made."""
    edges = "not looked at"
    if synthesiser.has_edges:
        mapped = all(made.real.source.listing.files[view.photo].instances for view in made.real.views)
        edges = "of the instance maps" if mapped else "of connected regions of a class"
    return {
        "size": list(made.real.size),
        "views": "tiles side by side, as many as fit; those that training would draw again are left out"
        if made.real.views[0].corner
        else "whole photos, resized, aspect ignored",
        "photo_resize": "Pillow bicubic, antialiased, rounded to uint8",
        "label_resize": "nearest: the pixel under the centre",
        "style": _style(synthesiser, made),
        "seed": made.seed,
        "pasted_from": None if synthesiser.bank is None else synthesiser.bank.facts,
        "instance_edges": edges,
        "normalisation": "running statistics",
        "dtype": "float32",
        "batch": AT_ONCE,
        "quantisation": QUANTISATIONS[made.quantise],
        "codec": CODECS[made.codec],
    }


def _style(synthesiser: Synthesiser, made: MadeViews) -> str:
    if made.style == "encoded":
        return "encoded from the real photo of the label map: the encoder's mean"
    return "random: a standard normal vector for each picture" if synthesiser.has_style else "none"


def file_facts(photos: Sequence[Path], maps: Sequence[Path]) -> Facts:
    """How photos are compressed, and a digest by which others can tell whether they have the same files."""
    formats = sorted({path.suffix.lower().removeprefix(".").replace("jpg", "jpeg") for path in photos})
    return {"photo_formats": formats, "files_sha256": digest([*photos, *maps])}
