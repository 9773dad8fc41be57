"""How well holes are filled: what a segmenter recognises in them, beside the real photos that were cut out.

For each photo one object is cut out by its box, as in training, and made again from the true labels. Inside the hole
the segmenter is asked what it sees; outside it, the photo must be as it was.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from intarsia.checkpoints.snapshot import check_label_space
from intarsia.data.holes import Mask, filled, objects_of, pixels_of
from intarsia.data.pairs import Pair
from intarsia.data.sources import Source
from intarsia.errors import DataError
from intarsia.evaluation.confusion import Confusion
from intarsia.evaluation.pictures import spread
from intarsia.evaluation.recognition import LEAST_SHARE, figures, without_nan
from intarsia.labels import Ids, LabelSpace
from intarsia.segmentation.segmenter import Segmenter
from intarsia.synthesis.edit import check_edits, edited
from intarsia.synthesis.synthesiser import Synthesiser

GREY = 128
"""What a hole is filled with where nothing is made, as a floor."""
SETS = ("real", "made", "grey")
Watch = Callable[[Iterable[int], str, int], Iterable[int]]


@dataclass(frozen=True)
class Cut:
    """An object that is cut out of a photo."""

    label: int  # train id of its class
    hole: Mask  # H W


@dataclass
class Seen:
    """What was recognised in the holes of one set of photos."""

    space: LabelSpace
    inside: Confusion = field(init=False)
    by_class: dict[int, Confusion] = field(default_factory=dict)  # in the holes where an object of this class was

    def __post_init__(self) -> None:
        self.inside = Confusion(self.space)

    def add(self, cut: Cut, truth: Ids, predicted: Ids) -> None:
        """Count the pixels in a hole."""
        own = self.by_class.setdefault(cut.label, Confusion(self.space))
        for confusion in (self.inside, own):
            confusion.add(truth[cut.hole], predicted[cut.hole])

    def of_edited(self) -> dict[int, float]:
        """Of each class that was edited: its IoU in those holes."""
        return {label: float(found.iou()[label]) for label, found in sorted(self.by_class.items())}

    def facts(self) -> dict[str, Any]:
        """The figures in plain values."""
        of_edited = self.of_edited()
        named = {self.space.classes[label].name: value for label, value in of_edited.items()}
        finite = [value for value in of_edited.values() if not math.isnan(value)]
        return {
            "miou_of_edited_classes": float(np.mean(finite)) if finite else math.nan,
            "inside": figures(self.inside),
            "iou_by_edited_class": named,
        }


def measure_edits(
    synthesiser: Synthesiser,
    segmenter: Segmenter,
    source: Source,
    *,
    seed: int = 0,
    limit: int | None = None,
    watch: Watch = lambda numbers, _what, _total: numbers,
) -> dict[str, Any]:
    """Cut an object out of each photo, make it again, and count what is recognised there.

    Args:
        synthesiser: of a model that fills holes.
        segmenter: of the same label space.
        source: photos that the model should never have seen in training.
        seed: of which object is cut out.
        limit: of photos, evenly spread; None: all.
        watch: shows progress.

    Returns:
        Plain values: edits, pixels changed outside holes, and figures of the real photos, the edited ones, and those
        with grey holes.

    Raises:
        ConfigError: the model fills no holes.
        CheckpointError: model or segmenter are of another label space.
        DataError: no photo has an object to cut out, or a file is damaged.
    """
    check_edits(synthesiser)
    space = source.label_space
    check_label_space(synthesiser.label_space, space, f"model {synthesiser.card.preset}")
    check_label_space(segmenter.label_space, space, f"segmenter {segmenter.card.segmenter}")
    seen = {name: Seen(space) for name in SETS}
    edits, hole_pixels, changed_outside = 0, 0, 0
    numbers = spread(len(source), limit)
    for number in watch(numbers, "editing", len(numbers)):
        pair = source.pair(number)
        cut = chosen(synthesiser, pair, random.Random(f"{seed}/{number}"))
        if cut is None:
            continue
        made = edited(synthesiser, pair.photo, space.decode(pair.labels), cut.hole, source=pair.name)
        grey = np.where(cut.hole[..., None], np.uint8(GREY), pair.photo)
        for name, photo in zip(SETS, (pair.photo, made, grey), strict=True):
            seen[name].add(cut, pair.labels, segmenter(photo))
        edits, hole_pixels = edits + 1, hole_pixels + int(cut.hole.sum())
        changed_outside += int((made != pair.photo).any(-1)[~cut.hole].sum())
    if not edits:
        raise DataError(f"no photo of {source.spec} has an object that may be cut out. Give data with larger objects.")
    facts: dict[str, Any] = without_nan(
        {
            "edits": edits,
            "hole_pixels": hole_pixels,
            "changed_outside": changed_outside,
            "seed": seed,
            "segmenter": segmenter.card.segmenter,
            "miou_counts_classes_of_at_least": LEAST_SHARE,
            **{name: found.facts() for name, found in seen.items()},
        }
    )
    return facts


def chosen(synthesiser: Synthesiser, pair: Pair, rng: random.Random) -> Cut | None:
    """An object of a photo, chosen as in training among those that the model learnt to make; None if there is none."""
    boxes = objects_of(synthesiser.config.holes, pair.labels, pair.instances)
    boxes = [box for box in boxes if (box[2] - box[0]) * (box[3] - box[1]) < pair.labels.size]
    if not boxes:
        return None
    size = (pair.labels.shape[0], pair.labels.shape[1])
    hole = filled(pixels_of(rng.choice(boxes), size), size)
    counts = np.bincount(pair.labels[hole], minlength=pair.labels.max() + 1)
    classes = counts[: len(synthesiser.label_space.classes)]
    return Cut(int(classes.argmax()), hole) if classes.any() else None
