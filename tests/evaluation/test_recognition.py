"""What a segmenter recognises in a data set."""

import numpy as np
import pytest

from intarsia.data.sources import open_source
from intarsia.errors import CheckpointError
from intarsia.evaluation.recognition import LEAST_SHARE, by_class, figures, recognise
from intarsia.labels import numbered
from tests.segmentation.scene import by_colour
from tests.training.scene import write_data


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return open_source(str(write_data(tmp_path_factory.mktemp("data") / "rectangles", pairs=3)), "val")


def test_photos_are_counted_each_and_in_all(source):
    found = recognise(by_colour(source.label_space, unknown=1), source)
    assert list(found.by_photo) == ["0", "1", "2"]
    assert np.array_equal(found.total.counts, sum(one.counts for one in found.by_photo.values()))
    assert [one.counts.sum() for one in found.by_photo.values()] == [400] * 3
    pair = source.pair(1)
    unseen = (pair.labels == 1).mean()
    assert 0 < unseen < 1
    assert found.by_photo["1"].accuracy() == pytest.approx(1 - unseen)


def test_progress_is_shown_of_every_photo(source):
    shown = []

    def watch(numbers, what, total):
        shown.append((what, total))
        return numbers

    recognise(by_colour(source.label_space), source, watch)
    assert shown == [("recognising", 3)]


def test_figures_are_those_of_the_confusion_matrix(source):
    total = recognise(by_colour(source.label_space, unknown=1), source).total
    assert figures(total) == {
        "miou": total.miou(at_least=LEAST_SHARE),
        "miou_of_all": total.miou(),
        "accuracy": total.accuracy(),
        "accuracy_dont_care_wrong": total.accuracy("wrong"),
        "frequency_weighted_iou": total.frequency_weighted_iou(),
    }
    rows = by_class(total)
    assert [row["name"] for row in rows] == [f"class {number}" for number in range(6)]
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    counted = [row["iou"] for row in rows if row["counted"]]
    assert figures(total)["miou"] == pytest.approx(np.mean(counted))


def test_another_label_space_is_refused(source):
    with pytest.raises(CheckpointError) as refused:
        recognise(by_colour(numbered("four", 4)), source)
    assert str(refused.value) == (
        "segmenter by-colour is of label space four (4 channels, the data has 6 of rectangles). "
        "Use data of the same label space."
    )
