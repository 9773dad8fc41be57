"""What a segmenter recognises, counted: confusion matrix, IoU, accuracy.

Pixels whose truth is don't-care are left out, whatever was predicted there, as in the protocols of Cityscapes and
ADE20K (and torchmetrics' `ignore_index`); accuracy can count them as wrong as well, as some papers did.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from intarsia.errors import LabelError
from intarsia.labels import Ids, LabelSpace

PerClass = npt.NDArray[np.float64]


class Confusion:
    """A confusion matrix that photos are added to.

    Attributes:
        label_space: whose train ids are counted.
        counts: channels x classes int64, pixels by truth (don't-care last, if the space has it) and by prediction.
    """

    def __init__(self, label_space: LabelSpace) -> None:
        self.label_space = label_space
        self.counts = np.zeros((label_space.channels, len(label_space.classes)), np.int64)

    def add(self, truth: Ids, predicted: Ids) -> None:
        """Count the pixels of label maps of one shape, train ids. Predictions are classes, never don't-care.

        Raises:
            LabelError: shapes differ, or an id is outside the label space; nothing is counted then.
        """
        if truth.shape != predicted.shape:
            raise LabelError(
                f"the truth is of shape {truth.shape} and the prediction of {predicted.shape}. Give both in one size."
            )
        for what, ids, end in (
            ("truth", truth, self.counts.shape[0]),
            ("prediction", predicted, self.counts.shape[1]),
        ):
            if ids.size and not 0 <= int(ids.min()) <= int(ids.max()) < end:
                raise LabelError(
                    f"the {what} has train ids {int(ids.min())}..{int(ids.max())}; {self.label_space.name} has "
                    f"0..{end - 1} there. Encode raw ids with LabelSpace.encode."
                )
        cells = truth.astype(np.int64).ravel() * self.counts.shape[1] + predicted.ravel()
        self.counts += np.bincount(cells, minlength=self.counts.size).reshape(self.counts.shape)

    def shares(self) -> PerClass:
        """The share of each class among the labelled pixels of the truth; all NaN where there are none."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self._of_classes.sum(1) / np.float64(self._of_classes.sum()))

    def iou(self) -> PerClass:
        """Intersection over union of each class, 0..1; NaN for classes that are neither there nor predicted."""
        hits = np.diag(self._of_classes)
        union = self._of_classes.sum(0) + self._of_classes.sum(1) - hits
        with np.errstate(invalid="ignore"):
            return np.asarray(hits / union)

    def counted(self, at_least: float = 0.0) -> npt.NDArray[np.bool_]:
        """Which classes enter `miou`."""
        return ~np.isnan(self.iou()) & (self.shares() >= at_least)

    def miou(self, at_least: float = 0.0) -> float:
        """Mean IoU over classes that are there or predicted and cover at least a share of the truth's labelled pixels.

        A class that is predicted but never there has IoU 0; with `at_least` above 0 it does not count. NaN where no
        class counts.
        """
        ious = self.iou()[self.counted(at_least)]
        return float(ious.mean()) if ious.size else float("nan")

    def accuracy(self, dont_care: Literal["ignored", "wrong"] = "ignored") -> float:
        """Share of pixels that were predicted right: of the labelled ones, or of all, where don't-care never is.

        NaN where there are no such pixels.
        """
        total = self._of_classes.sum() if dont_care == "ignored" else self.counts.sum()
        return float(np.trace(self._of_classes) / total) if total else float("nan")

    def frequency_weighted_iou(self) -> float:
        """The mean of IoU, weighted with each class's share of the truth (Long, Shelhamer, Darrell 2015, section 5)."""
        return float(np.nansum(self.iou() * self.shares())) if self._of_classes.any() else float("nan")

    @property
    def _of_classes(self) -> npt.NDArray[np.int64]:
        """Without the row of don't-care: classes x classes."""
        return self.counts[: len(self.label_space.classes)]
