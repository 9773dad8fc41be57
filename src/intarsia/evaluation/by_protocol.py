"""A model, or a folder of made photos, measured under a protocol of `protocols.py`: FID, KID, precision and recall of
Inception's features; mIoU and accuracy by a named segmenter, beside the ceiling of real photos; diversity.

The result is plain values for JSON: figures with intervals and counts, and beside them every choice that moves them.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL
import torch

from intarsia.checkpoints.models import find_model
from intarsia.checkpoints.snapshot import check_label_space
from intarsia.data.sources import Source
from intarsia.data.transforms import Size, resized_photo
from intarsia.errors import ConfigError, DataError
from intarsia.evaluation.diversity import Similarities, diversity
from intarsia.evaluation.evaluate import (
    FEWEST_PICTURES,
    bundled_segmenter,
    data_facts,
    file_facts,
    generation_facts,
    model_facts,
    ratio,
)
from intarsia.evaluation.frechet import frechet, frechet_interval, moments
from intarsia.evaluation.inception import InceptionFeatures
from intarsia.evaluation.kid import kid
from intarsia.evaluation.measure import Instruments, Measured, measure, recognition_figures
from intarsia.evaluation.pictures import FolderPictures, MadeViews, Picture, Pictures, whole_views
from intarsia.evaluation.precision_recall import precision_recall
from intarsia.evaluation.protocols import Protocol
from intarsia.evaluation.recogniser import Recogniser, find_recogniser
from intarsia.evaluation.recognition import without_nan
from intarsia.evaluation.store import Facts, Store, Watch
from intarsia.labels import LabelSpace
from intarsia.synthesis.segment_bank import SegmentBank
from intarsia.synthesis.synthesiser import Synthesiser
from intarsia.training.provenance import hardware, versions

FORMAT = 2
Features = npt.NDArray[np.float32]
MEASURES = ("fid", "recognition", "diversity")


@dataclass(frozen=True)
class Choices:
    """What may be chosen beside the protocol; what departs from it is told in the result."""

    protocol: Protocol
    segmenter: str | None = None
    size: Size | None = None
    limit: int | None = None
    seed: int = 0
    device: str = "cpu"
    measures: tuple[str, ...] = MEASURES
    weights: Path | None = None  # folder of weight files; None: torch's hub cache
    store: Store = field(default_factory=Store)
    bank: Path | None = None  # segment bank that a model pastes from

    @property
    def departures(self) -> list[str]:
        """In what an evaluation is not the protocol's."""
        protocol = self.protocol
        found = []
        if self.size is not None and self.size != protocol.size:
            found.append(f"size {list(self.size)} instead of {protocol.size and list(protocol.size)}")
        if self.segmenter is not None and self.segmenter != protocol.segmenter:
            found.append(f"segmenter {self.segmenter} instead of {protocol.segmenter}")
        if self.limit is not None:
            found.append(f"{self.limit} pictures at most, evenly spread")
        return found


def evaluate_model_by(model: str, source: Source, train: Source | None, choices: Choices, watch: Watch) -> Facts:
    """Measure what a model makes of a source's label maps.

    Args:
        model: a bundled model, a snapshot's folder, or a hub id.
        source: label maps, and the photos to compare with.
        train: photos of the training set, for protocols that compare with these.
        choices: protocol and options.
        watch: shows progress.

    Raises:
        CheckpointError: model, segmenter or a weight file cannot be read, or they are of another label space.
        ConfigError: the protocol asks for what the model or the data do not have.
        DataError, LabelError: a file of the data is missing or damaged, or there are too few.
    """
    start, protocol = time.perf_counter(), choices.protocol
    folder = find_model(model)
    synthesiser = Synthesiser.from_pretrained(folder, choices.device)
    facts = model_facts(model, folder, synthesiser)
    check_label_space(synthesiser.label_space, source.label_space, f"model {model}")
    if choices.bank is not None:
        synthesiser.paste_from(SegmentBank.load(choices.bank))
    instruments = _Instruments.of(choices, source.label_space)
    size = choices.size or protocol.size or synthesiser.config.size
    real = replace(whole_views(source, size, choices.limit), truth=protocol.truth)
    made = MadeViews(
        synthesiser,
        real,
        choices.seed,
        facts["weights_sha256"],
        quantise=protocol.quantise,
        codec=protocol.codec,
        style=protocol.style,
    )
    reference: Pictures = real
    if protocol.statistics == "train":
        if train is None:
            raise ConfigError(
                f"protocol {protocol.name} compares with the photos of the training set, and {source.spec} has no "
                "split train. Add it, or choose another protocol."
            )
        reference = whole_views(train, size)
    figures = _figures(real, made, reference, instruments, choices, source.label_space, watch)
    if "diversity" in choices.measures and protocol.samples:
        figures["diversity"] = _diversity(made, choices, watch)
    return {
        "format": FORMAT,
        "model": facts,
        "data": data_facts(source, real) | {"reading": source.listing.reading},
        "generation": generation_facts(synthesiser, made),
        **_told(figures, instruments, choices),
        "seconds": round(time.perf_counter() - start, 1),
    }


def evaluate_folders_by(fake: FolderPictures, real: FolderPictures, choices: Choices, watch: Watch) -> Facts:
    """Measure a folder of made photos against one of real photos, which are resized to the size of the made ones.

    Raises:
        CheckpointError: a weight file cannot be read.
        DataError, LabelError: a file is missing or damaged, or there are too few.
    """
    start = time.perf_counter()
    instruments = _Instruments.of(choices, real.label_space)
    first = fake.pictures([0])[0].photo
    size = choices.size or (first.shape[0], first.shape[1])
    truth = choices.protocol.truth
    made = replace(fake, truth=truth, size=choices.size)
    shown = replace(real, size=size, truth=truth)
    figures = _figures(shown, made, shown, instruments, choices, real.label_space, watch)
    return {
        "format": FORMAT,
        "folders": {
            name: {"pictures": len(pictures), **file_facts(pictures.photos, pictures.labels)}
            for name, pictures in (("generated", fake), ("real", real))
        },
        "generation": {
            "size": list(size),
            "photo_resize": "real photos to the size of the first made one: Pillow bicubic, antialiased",
            "style": "not known: photos were given",
            "quantisation": "as in the files given",
            "codec": "as in the files given",
        },
        **_told(figures, instruments, choices),
        "seconds": round(time.perf_counter() - start, 1),
    }


@dataclass(frozen=True)
class _Instruments:
    """The networks that a protocol asks for, as far as they were asked for."""

    inception: InceptionFeatures | None
    recogniser: Recogniser | None

    @classmethod
    def of(cls, choices: Choices, space: LabelSpace | None) -> _Instruments:
        inception = recogniser = None
        if "fid" in choices.measures:
            preparation = choices.protocol.preparation
            inception = InceptionFeatures.installed(preparation, choices.device, choices.weights)
        if "recognition" in choices.measures and space is not None:
            name = choices.segmenter or choices.protocol.segmenter or bundled_segmenter(space)
            if name is not None:
                recogniser = find_recogniser(name, choices.device, choices.weights)
        return cls(inception, recogniser)


def _figures(
    real: Pictures,
    made: Pictures,
    reference: Pictures,
    instruments: _Instruments,
    choices: Choices,
    space: LabelSpace | None,
    watch: Watch,
) -> Facts:
    """All but diversity. `reference` are the photos that features are compared with; mostly the real ones."""
    for what, pictures in (("real", real), ("generated", made)):
        if len(pictures) < FEWEST_PICTURES:
            raise DataError(f"there are {len(pictures)} {what} pictures. Give at least {FEWEST_PICTURES}.")
    side, store = choices.protocol.both_resized, choices.store

    def look(pictures: Pictures, what: str, *, features: bool, recognise: bool) -> Measured:
        found = Instruments.of_inception(
            instruments.inception if features else None, instruments.recogniser if recognise else None
        )
        return measure(pictures, found, what, watch, space=space if recognise else None, store=store)

    if side is None:
        seen = look(made, "generated photos", features=True, recognise=True)
        ceiling = look(real, "real photos", features=reference is real, recognise=True)
        compared = seen
        against = ceiling if reference is real else look(reference, "train photos", features=True, recognise=False)
    else:
        seen = look(made, "generated photos", features=False, recognise=True)
        ceiling = look(real, "real photos", features=False, recognise=True)
        compared = look(_Resized(made, side), "generated photos, resized", features=True, recognise=False)
        against = look(_Resized(reference, side), "real photos, resized", features=True, recognise=False)
    figures: Facts = dict.fromkeys(("fid", "kid", "precision_recall", "recognition", "ratio_to_ceiling", "diversity"))
    if compared.features is not None and against.features is not None:
        figures |= _of_features(compared.features, against.features, choices)
    recognised = {
        name: recognition_figures(one, choices.protocol.at_least)
        for name, one in (("generated", seen), ("real", ceiling))
    }
    if (of_made := recognised["generated"]) and (of_real := recognised["real"]):
        figures["recognition"] = recognised
        figures["ratio_to_ceiling"] = {name: ratio(of_made[name], of_real[name]) for name in ("miou", "accuracy")}
    return figures


def _of_features(made: Features, real: Features, choices: Choices) -> Facts:
    """FID, KID, precision and recall, computed once for features that were seen before."""
    protocol = choices.protocol
    whole = protocol.whole_batches_of
    made, real = (features[: len(features) // whole * whole] for features in (made, real))
    about = {
        "figures": FORMAT,
        "features": [_digest(made), _digest(real)],
        "covariance": protocol.covariance,
        "seed": choices.seed,
    }

    def compute() -> Facts:
        value = frechet(moments(made, protocol.covariance), moments(real, protocol.covariance))
        interval = asdict(frechet_interval(made, real, seed=choices.seed))
        del interval["value"]  # that of float64 sums; the protocol's is beside it
        return {
            "fid": {"value": value, "n_made": len(made), "n_real": len(real), "interval": interval}
            | {"torch_fidelity": torch_fidelity_says(made, real)},
            "kid": asdict(kid(made, real, seed=choices.seed)),
            "kid_real_halves": asdict(kid(real[::2], real[1::2], seed=choices.seed)),
            "precision_recall": asdict(precision_recall(made, real)),
        }

    return choices.store.value(about, compute)


def torch_fidelity_says(first: Features, second: Features) -> Facts | None:
    """The Frechet distance by torch-fidelity, where it is installed and can be loaded: a second opinion."""
    try:
        from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    except (ImportError, RuntimeError):  # the latter: its torchvision was built for another torch
        return None
    statistics = [fid_features_to_statistics(torch.from_numpy(each).double()) for each in (first, second)]
    found = fid_statistics_to_metric(*statistics, verbose=False)
    return {"version": version("torch-fidelity"), "value": found["frechet_inception_distance"]}


def _diversity(made: MadeViews, choices: Choices, watch: Watch) -> Facts | None:
    """Diversity, for models that have any; None for those whose photos follow from the labels alone."""
    synthesiser, protocol = made.synthesiser, choices.protocol
    if not (synthesiser.has_style or synthesiser.noise_length) or made.style == "encoded":
        return None
    similarities = Similarities.installed(
        protocol.lpips, ms_ssim=protocol.ms_ssim, device=choices.device, weights=choices.weights
    )
    return diversity(made, similarities, protocol.samples, watch, choices.store)


def _told(figures: Facts, instruments: _Instruments, choices: Choices) -> Facts:
    """Figures, protocol, and what it was all done with."""
    inception, recogniser = instruments.inception, instruments.recogniser
    return {
        "figures": without_nan(figures),
        "protocol": choices.protocol.facts()
        | {
            "departures": choices.departures,
            "measures": list(choices.measures),
            "seed": choices.seed,
            "inception_sha256": None if inception is None else inception.weights_sha256,
            "recogniser": None if recogniser is None else recogniser.about,
        },
        "versions": versions() | {"pillow": PIL.__version__},
        "hardware": hardware(torch.device(choices.device), 1),
    }


@dataclass(frozen=True, eq=False)
class _Resized:
    """Pictures whose photos are resized, made and real ones alike; without their label maps."""

    whole: Pictures
    size: Size

    def __len__(self) -> int:
        return len(self.whole)

    @property
    def identity(self) -> dict[str, Any] | None:
        whole = self.whole.identity
        return None if whole is None else {"pictures": "resized", "of": whole, "size": list(self.size)}

    def pictures(self, numbers: Sequence[int]) -> list[Picture]:
        found = self.whole.pictures(numbers)
        return [Picture(one.name, resized_photo(one.photo, self.size)) for one in found]


def _digest(features: Features) -> str:
    return hashlib.sha256(np.ascontiguousarray(features).tobytes()).hexdigest()
