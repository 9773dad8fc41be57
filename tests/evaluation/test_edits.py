"""What is recognised in filled holes."""

import random

import numpy as np
import pytest
from PIL import Image

from intarsia.data.sources import open_source
from intarsia.errors import ConfigError, DataError
from intarsia.evaluation.edits import chosen, measure_edits
from intarsia.labels import numbered
from intarsia.segmentation.segmenter import Segmenter
from intarsia.synthesis.synthesiser import Synthesiser
from tests.evaluation.sketch import write_segmenter


class Seer:
    """A segmenter that knows each class by the brightness of its pixels: 40 times its number."""

    def __init__(self, segmenter):
        self.card, self.label_space = segmenter.card, segmenter.label_space

    def __call__(self, photo):
        return np.clip(np.rint(photo[..., 0] / 40), 0, 5).astype(np.int64)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Three photos in which each class has a brightness of its own; a square of class 3 on class 1."""
    root = tmp_path_factory.mktemp("squares")
    numbered("rectangles", 6).save(root / "label_space.json")
    for kind in ("photos", "labels", "instances"):
        (root / "val" / kind).mkdir(parents=True)
    for number in range(3):
        labels = np.ones((40, 40), np.uint8)
        labels[10:22, 8 + number : 20 + number] = 3
        photo = np.repeat(labels[..., None] * np.uint8(40), 3, 2)
        for kind, array in (("photos", photo), ("labels", labels), ("instances", labels // 3)):
            Image.fromarray(array).save(root / "val" / kind / f"{number}.png")
    return open_source(str(root), "val")


@pytest.fixture
def editor(snapshot_of):
    return Synthesiser.from_pretrained(snapshot_of("sesame-tiny"))


@pytest.fixture
def seer(tmp_path):
    return Seer(Segmenter.from_pretrained(write_segmenter(tmp_path / "segmenter")))


def test_the_ceiling_is_what_is_recognised_in_the_real_holes(editor, source, seer):
    facts = measure_edits(editor, seer, source)
    assert (facts["edits"], facts["hole_pixels"], facts["changed_outside"]) == (3, 3 * 144, 0)
    assert facts["real"]["miou_of_edited_classes"] == 1
    assert facts["real"]["iou_by_edited_class"] == {"class 3": 1.0}
    assert facts["real"]["inside"]["accuracy"] == 1
    # 128 is as good as class 3.
    assert facts["grey"]["miou_of_edited_classes"] == 1
    assert facts["made"]["miou_of_edited_classes"] < 1


def test_holes_go_by_the_seed(editor, source, seer):
    facts = [measure_edits(editor, seer, source, seed=seed, limit=2) for seed in (0, 0, 1)]
    assert facts[0] == facts[1]
    assert facts[2]["edits"] == 2
    cut = chosen(editor, source.pair(0), random.Random(0))
    assert cut.label == 3
    assert np.array_equal(cut.hole, source.pair(0).labels == 3)


def test_what_cannot_be_measured_is_refused(editor, snapshot_of, source, seer, tmp_path):
    with pytest.raises(ConfigError) as caught:
        measure_edits(Synthesiser.from_pretrained(snapshot_of("spade-tiny")), seer, source)
    assert str(caught.value).startswith("model spade-tiny makes whole photos")
    root = tmp_path / "empty"
    numbered("rectangles", 6).save(root / "label_space.json")
    for kind in ("photos", "labels", "instances"):
        (root / "val" / kind).mkdir(parents=True)
        shape = (40, 40, 3) if kind == "photos" else (40, 40)
        Image.fromarray(np.zeros(shape, np.uint8)).save(root / "val" / kind / "0.png")
    with pytest.raises(DataError) as none:
        measure_edits(editor, seer, open_source(str(root), "val"))
    assert str(none.value) == (f"no photo of {root} has an object that may be cut out. Give data with larger objects.")
