"""What a segmenter saw in each picture of a set: confusion matrices that can be added up for any choice of pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from intarsia.evaluation.bootstrap import Interval, Places, resampled
from intarsia.evaluation.confusion import Confusion
from intarsia.labels import LabelSpace

Numbers = npt.NDArray[np.int64]
ROUNDS = 200


@dataclass(frozen=True)
class Counts:
    """The confusion matrix of each picture: most of it is zero, so only its other cells are held."""

    label_space: LabelSpace
    cells: Numbers  # places in the flattened matrix, picture by picture
    counts: Numbers  # pixels, as many
    lengths: Numbers  # how many cells each picture has

    def confusion(self, places: Places | None = None) -> Confusion:
        """The matrix of all pictures, or of those chosen, each as often as it is named."""
        total = Confusion(self.label_space)
        often = np.ones(len(self.lengths)) if places is None else np.bincount(places, minlength=len(self.lengths))
        weights = self.counts * np.repeat(often, self.lengths)
        flat = np.bincount(self.cells, weights, total.counts.size)
        total.counts += flat.round().astype(np.int64).reshape(total.counts.shape)
        return total

    def miou_interval(self, at_least: float, *, rounds: int = ROUNDS, seed: int = 0) -> Interval:
        """mIoU of all pictures (`Confusion.miou`), and where it lies."""
        sizes = (len(self.lengths),)
        return resampled(lambda p: self.confusion(p).miou(at_least), sizes, rounds=rounds, seed=seed)

    def accuracy_interval(self, *, rounds: int = ROUNDS, seed: int = 0) -> Interval:
        """Accuracy of all pictures, don't-care left out, and where it lies."""
        sizes = (len(self.lengths),)
        return resampled(lambda p: self.confusion(p).accuracy(), sizes, rounds=rounds, seed=seed)


def sparse(confusion: Confusion | None) -> tuple[Numbers, Numbers]:
    """The cells of a matrix that are not zero, and what is in them; none of none."""
    if confusion is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    flat: npt.NDArray[Any] = confusion.counts.ravel()
    cells = np.flatnonzero(flat)
    return cells, flat[cells]
