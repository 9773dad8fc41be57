"""How much of labelled photos a segmenter recognises: on real photos, the ceiling for generated ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

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


def figures(confusion: Confusion) -> dict[str, float | None]:
    """The figures of a confusion matrix by name, 0..1; None where there is no pixel or class to say it of."""
    found = {
        "miou": confusion.miou(at_least=LEAST_SHARE),
        "miou_of_all": confusion.miou(),
        "accuracy": confusion.accuracy(),
        "accuracy_dont_care_wrong": confusion.accuracy("wrong"),
        "frequency_weighted_iou": confusion.frequency_weighted_iou(),
    }
    return {name: _known(value) for name, value in found.items()}


def by_class(confusion: Confusion) -> list[dict[str, Any]]:
    """Each class: its name, share of the labelled pixels and IoU (None as in `figures`), whether `miou` counts it."""
    rows = zip(
        confusion.label_space.classes,
        confusion.shares().tolist(),
        confusion.iou().tolist(),
        confusion.counted(LEAST_SHARE).tolist(),
        strict=True,
    )
    return [
        {"name": of.name, "share": _known(share), "iou": _known(iou), "counted": counted}
        for of, share, iou, counted in rows
    ]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
