"""How much of labelled photos a segmenter recognises: on real photos, the ceiling for generated ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from intarsia.checkpoints.snapshot import check_label_space
from intarsia.data.sources import Source
from intarsia.evaluation.confusion import Confusion
from intarsia.segmentation.segmenter import Segmenter

LEAST_SHARE = 0.001
"""Classes that cover less of a data set's labelled pixels are left out of the main figure: they are mostly chance."""
FEW = 12
"""Photos of a data set of no more, such as the regions of earth, are reported one by one."""
Watch = Callable[[Iterable[int], str, int], Iterable[int]]


@dataclass(frozen=True)
class Recognition:
    """What was recognised in a data set, in all and by photo."""

    total: Confusion
    by_photo: dict[str, Confusion]


def recognise(
    segmenter: Segmenter, source: Source, watch: Watch = lambda numbers, _what, _total: numbers
) -> Recognition:
    """Segment every photo of a source, whole, and count; `watch(numbers, what, total)` may show progress.

    Raises:
        CheckpointError: the segmenter was trained on another label space.
        DataError, LabelError: a file of the source is damaged.
    """
    check_label_space(segmenter.label_space, source.label_space, f"segmenter {segmenter.card.segmenter}")
    total, by_photo = Confusion(source.label_space), {}
    for number in watch(range(len(source)), "recognising", len(source)):
        pair = source.pair(number)
        predicted = segmenter(pair.photo)
        total.add(pair.labels, predicted)
        by_photo[pair.name] = Confusion(source.label_space)
        by_photo[pair.name].add(pair.labels, predicted)
    return Recognition(total, by_photo)


def figures(confusion: Confusion, at_least: float = LEAST_SHARE) -> dict[str, float]:
    """The figures of a confusion matrix by name, 0..1; NaN where there is no pixel or class to say it of."""
    return {
        "miou": confusion.miou(at_least=at_least),
        "miou_of_all": confusion.miou(),
        "accuracy": confusion.accuracy(),
        "accuracy_dont_care_wrong": confusion.accuracy("wrong"),
        "frequency_weighted_iou": confusion.frequency_weighted_iou(),
    }


def by_class(confusion: Confusion, at_least: float = LEAST_SHARE) -> list[dict[str, Any]]:
    """Each class: its name, share of the labelled pixels and IoU (NaN as in `figures`), whether `miou` counts it."""
    rows = zip(
        confusion.label_space.classes,
        confusion.shares().tolist(),
        confusion.iou().tolist(),
        confusion.counted(at_least).tolist(),
        strict=True,
    )
    return [{"name": of.name, "share": share, "iou": iou, "counted": counted} for of, share, iou, counted in rows]


def without_nan(value: Any) -> Any:
    """JSON has no NaN: what cannot be said is null."""
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_nan(inner) for inner in value]
    if isinstance(value, np.generic):
        return without_nan(value.item())
    return None if isinstance(value, float) and math.isnan(value) else value
