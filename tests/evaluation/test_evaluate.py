"""A model or folders evaluated: the figures are those of their parts, and the choices are told."""

import json
from pathlib import Path

import numpy as np
import pytest

from intarsia import labels, systems
from intarsia.data.sources import open_source
from intarsia.data.transforms import resized_photo
from intarsia.errors import CheckpointError, DataError
from intarsia.evaluation.confusion import Confusion
from intarsia.evaluation.evaluate import Options, bundled_segmenter, evaluate_folders, evaluate_model
from intarsia.evaluation.kid import kid
from intarsia.evaluation.lite0 import Lite0
from intarsia.evaluation.pictures import MadeViews, blurred, folder_pictures, whole_views
from intarsia.files import sha256
from intarsia.segmentation.segmenter import Segmenter
from intarsia.synthesis.segment_bank import build_segment_bank
from intarsia.synthesis.synthesiser import Synthesiser
from tests.evaluation.sketch import write_segmenter
from tests.training.scene import write_data

PHOTOS = 8


def unwatched(items, what, total):
    return items


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Photos half again as large as the model makes them."""
    return str(write_data(tmp_path_factory.mktemp("data") / "rectangles", pairs=PHOTOS, size=48))


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    return str(write_segmenter(tmp_path_factory.mktemp("segmenter") / "unet-sketch"))


@pytest.fixture(scope="module")
def facts(data, segmenter, snapshot_of):
    source, train = (open_source(data, split) for split in ("val", "train"))
    return evaluate_model(
        str(snapshot_of("spade-tiny")), source, train, Options(segmenter=segmenter, seed=5), unwatched
    )


@pytest.fixture(scope="module")
def parts(data, segmenter, snapshot_of):
    """Real and made photos at the model's size, label maps as they are, and what looks at them."""
    source = open_source(data, "val")
    real = whole_views(source, (32, 32))
    made = MadeViews(Synthesiser.from_pretrained(snapshot_of("spade-tiny")), real, 5)
    pictures = [views.pictures(range(PHOTOS)) for views in (real, made)]
    return *pictures, Lite0.installed(), Segmenter.from_pretrained(segmenter)


def test_kid_is_of_the_features_of_the_pictures(facts, parts, data):
    real, made, lite0, _ = parts
    found = facts["figures"]["kid_lite0"]
    of = {
        "real": [one.photo for one in real],
        "generated": [one.photo for one in made],
        "blurred": [blurred(one.photo, 2.0) for one in real],
        "train": [one.photo for one in whole_views(open_source(data, "train"), (32, 32)).pictures(range(PHOTOS))],
    }
    features = {name: lite0.features(photos) for name, photos in of.items()}
    for name in ("generated", "blurred", "train"):
        expected = kid(features[name], features["real"], seed=5)
        assert found[f"{name}_vs_real"]["value"] == pytest.approx(expected.value, abs=1e-5)
        assert found[f"{name}_vs_real"]["first"] == found[f"{name}_vs_real"]["second"] == PHOTOS
    halves = kid(features["real"][::2], features["real"][1::2], seed=5)
    assert found["real_halves"]["value"] == pytest.approx(halves.value, abs=1e-5)


def test_distances_are_to_the_photo_of_the_same_place(facts, parts):
    real, made, lite0, _ = parts
    values = np.asarray([lite0.distance(one.photo, other.photo) for one, other in zip(made, real, strict=True)])
    found = facts["figures"]["perceptual_lite0"]["generated"]
    assert found["mean"] == pytest.approx(values.mean(), abs=1e-5)
    assert found["sd"] == pytest.approx(values.std(ddof=1), abs=1e-5)
    assert found["standard_error"] == pytest.approx(found["sd"] / PHOTOS**0.5)
    assert found["n"] == PHOTOS


def test_real_and_made_photos_go_to_the_segmenter_at_the_size_of_the_label_map(facts, parts):
    *sets, _, segmenter = parts
    for name, pictures in zip(("real", "generated"), sets, strict=True):
        confusion = Confusion(segmenter.label_space)
        for picture in pictures:
            assert picture.photo.shape == (32, 32, 3)
            assert picture.truth.shape == (48, 48)
            confusion.add(picture.truth, segmenter(resized_photo(picture.photo, (48, 48))))
        found = facts["figures"]["recognition"][name]
        assert found["miou"] == pytest.approx(confusion.miou(0.001), abs=1e-6)
        assert found["accuracy"] == pytest.approx(confusion.accuracy(), abs=1e-6)
        assert [row["name"] for row in found["by_class"]] == [f"class {i}" for i in range(6)]
    recognition, ratio = facts["figures"]["recognition"], facts["figures"]["ratio_to_ceiling"]["generated"]
    for figure in ("miou", "accuracy"):
        assert ratio[figure] == recognition["generated"][figure] / recognition["real"][figure]


def test_every_choice_that_moves_a_figure_is_told(facts, segmenter, snapshot_of):
    assert facts["format"] == 1
    assert facts["model"]["weights_sha256"] == sha256(snapshot_of("spade-tiny") / "generator.safetensors")
    assert {facts["data"][key] for key in ("photos", "pictures")} == {PHOTOS}
    assert (facts["data"]["name"], facts["data"]["split"]) == ("rectangles", "val")
    assert facts["data"]["photo_formats"] == ["png"]
    assert len(facts["data"]["files_sha256"]) == 64
    assert facts["generation"]["size"] == [32, 32]
    assert facts["generation"]["views"] == "whole photos, resized, aspect ignored"
    assert (facts["generation"]["style"], facts["generation"]["instance_edges"]) == ("none", "not looked at")
    recognition = facts["protocol"]["recognition"]
    assert recognition["segmenter"] == "unet-sketch"
    assert recognition["weights_sha256"] == sha256(Path(segmenter) / "segmenter.safetensors")
    assert recognition["label_map_sizes"] == [[48, 48]]
    assert facts["protocol"]["kid_lite0"]["weights_sha256"].startswith("57934424")
    assert facts["protocol"]["kid_lite0"]["kernel"] == "(x . y / d + 1) ^ 3"
    assert set(facts["versions"]) == {"intarsia", "torch", "numpy", "pillow"}
    assert facts["seconds"] > 0
    json.dumps(facts, allow_nan=False)


def test_a_model_that_pastes_does_so_from_a_bank(data, snapshot_of, tmp_path):
    config = systems.preset("sims-tiny").config
    bank = build_segment_bank(open_source(data, "train"), size=config.size, thin=config.thin, ground=config.ground)
    bank.save(tmp_path / "bank")
    source, model = open_source(data, "val"), str(snapshot_of("sims-tiny"))
    found = [evaluate_model(model, source, None, Options(bank=given), unwatched) for given in (tmp_path / "bank", None)]
    assert found[0]["generation"]["pasted_from"] == bank.facts
    assert found[1]["generation"]["pasted_from"] is None
    perceptual = [facts["figures"]["perceptual_lite0"]["generated"] for facts in found]
    assert perceptual[0] != perceptual[1]


def test_models_with_style_and_edges_say_where_these_came_from(data, snapshot_of):
    source = open_source(data, "val")
    options = Options(size=(64, 64))
    found = evaluate_model(str(snapshot_of("spade-tiny-style")), source, None, options, unwatched)
    assert found["generation"]["style"] == "random: a standard normal vector for each picture"
    assert found["generation"]["instance_edges"] == "of connected regions of a class"
    assert found["generation"]["size"] == [64, 64]
    assert found["figures"]["recognition"] is None
    assert found["figures"]["ratio_to_ceiling"] is None
    assert "train_vs_real" not in found["figures"]["kid_lite0"]


def test_a_segmenter_of_another_label_space_is_refused(segmenter, snapshot_of, data):
    pictures = folder_pictures(Path(data, "val", "photos"), Path(data, "val", "labels"), labels.numbered("few", 4))
    with pytest.raises(CheckpointError) as caught:
        evaluate_folders(pictures, pictures, Options(segmenter=segmenter), unwatched)
    assert str(caught.value) == (
        f"segmenter {segmenter} is of label space rectangles (6 channels, the data has 4 of few). "
        "Use data of the same label space."
    )


def test_too_few_pictures_are_refused(data, snapshot_of):
    with pytest.raises(DataError) as caught:
        evaluate_model(str(snapshot_of("spade-tiny")), open_source(data, "val"), None, Options(limit=7), unwatched)
    assert str(caught.value) == "there are 7 real pictures. Give at least 8."


def test_no_segmenter_is_bundled_for_classes_that_nobody_knows():
    assert bundled_segmenter(labels.numbered("rectangles", 6)) is None


def test_folders_of_the_same_photos_are_at_no_distance(data, segmenter):
    pictures = folder_pictures(
        Path(data, "val", "photos"), Path(data, "val", "labels"), labels.numbered("rectangles", 6)
    )
    found = evaluate_folders(pictures, pictures, Options(segmenter=segmenter), unwatched)
    assert found["figures"]["perceptual_lite0"]["generated"]["mean"] == 0
    assert found["figures"]["recognition"]["generated"] == found["figures"]["recognition"]["real"]
    assert found["figures"]["ratio_to_ceiling"]["generated"] == {"miou": 1.0, "accuracy": 1.0}
    assert (
        found["figures"]["kid_lite0"]["generated_vs_real"]["value"] < 0
    )  # unbiased: equal sets are closer than chance
    assert found["folders"]["generated"] == found["folders"]["real"]
    assert found["folders"]["real"]["pictures"] == PHOTOS
