"""Typical styles of a data set's classes, found by looking at its photos."""

import importlib.util

import numpy as np
import pytest
from PIL import Image

from intarsia.data.sources import open_source
from intarsia.errors import CheckpointError, ConfigError
from intarsia.synthesis.style_bank import build_bank, clustered, large_enough, seen
from intarsia.synthesis.synthesiser import Synthesiser
from tests.training.scene import write_data


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Photos of rectangles, in the label space that the model was trained on."""
    root = write_data(tmp_path_factory.mktemp("data") / "rectangles", pairs=3, size=40)
    return open_source(str(root), "train")


@pytest.fixture(scope="module")
def synthesiser(snapshot_of):
    return Synthesiser.from_pretrained(snapshot_of("pix2pixhd-tiny"))


def test_a_bank_holds_typical_styles_of_every_class_that_occurs(synthesiser, source):
    bank = build_bank(synthesiser, source, clusters=3)
    occurring = {each for number in range(3) for each in np.unique(source.pair(number).labels)}
    assert set(bank.styles) == {f"class {number}" for number in occurring}
    for styles in bank.styles.values():
        assert 1 <= len(styles) <= 3
        assert styles.shape[1:] == (2,)
        assert styles.dtype == np.float32
        assert np.abs(styles).max() <= 1
    assert (bank.preset, bank.data, bank.encoder) == ("pix2pixhd-tiny", "rectangles", synthesiser.encoder_digest)
    again = build_bank(synthesiser, source, clusters=3)
    assert all(np.array_equal(bank.styles[name], again.styles[name]) for name in bank.styles)


def test_with_fewer_objects_than_clusters_each_is_its_own(synthesiser, source):
    bank = build_bank(synthesiser, source, clusters=10**6)
    objects = [row for number in range(3) for row in seen(synthesiser, source.pair(number))]
    for name, styles in bank.styles.items():
        found = large_enough([(share, style) for of, share, style in objects if of == name])
        assert np.allclose(np.unique(styles, axis=0), np.unique(found, axis=0), atol=1e-6)


def test_photos_are_seen_at_the_size_that_the_model_makes(synthesiser, source):
    """A converted model has no recipe: its photos are of the config's size."""
    assert source.pair(0).labels.shape == (40, 40)
    assert sum(share for _, share, _ in seen(synthesiser, source.pair(0))) == pytest.approx(1)
    sizes = []
    encode = synthesiser.generator.encode
    synthesiser.generator.encode = lambda photo, objects: sizes.append(tuple(photo.shape)) or encode(photo, objects)
    try:
        seen(synthesiser, source.pair(0))
    finally:
        del synthesiser.generator.encode
    assert sizes == [(1, 3, 32, 32)]


def test_small_objects_count_only_where_there_are_no_large_ones():
    small, large = np.zeros(2, np.float32), np.ones(2, np.float32)
    assert large_enough([(0.01, small), (0.02, large)]).tolist() == [[1, 1]]
    assert large_enough([(0.01, small), (0.015, large)]).tolist() == [[0, 0], [1, 1]]


def test_centres_are_means_of_their_clusters():
    draw = np.random.default_rng(0)
    centres = np.array([[-0.8, 0.1], [0.5, 0.5], [0.2, -0.9]], np.float32)
    styles = (centres[:, None] + draw.normal(0, 0.01, (3, 20, 2))).reshape(-1, 2).astype(np.float32)
    found = clustered(styles, 3)
    wanted = styles.reshape(3, 20, 2).mean(1)
    order = [int(np.abs(found - one).sum(1).argmin()) for one in wanted]
    assert sorted(order) == [0, 1, 2]
    assert np.allclose(found[order], wanted, atol=1e-5)


def test_equal_styles_are_one_cluster():
    assert clustered(np.full((7, 2), 0.25, np.float32), 5).tolist() == [[0.25, 0.25]]


# What is refused.


def test_a_model_without_features_has_no_bank(snapshot_of, source):
    with pytest.raises(ConfigError, match="model spade-tiny has no features of objects"):
        build_bank(Synthesiser.from_pretrained(snapshot_of("spade-tiny")), source)


def test_data_of_another_label_space_are_refused(synthesiser, tmp_path):
    root = write_data(tmp_path / "others", pairs=1, classes=5)
    with pytest.raises(CheckpointError) as caught:
        build_bank(synthesiser, open_source(str(root), "train"))
    assert str(caught.value) == (
        "model pix2pixhd-tiny is of label space pix2pixhd-tiny (6 channels, the data has 5 of rectangles). "
        "Use data of the same label space."
    )


def test_without_scikit_learn_it_says_what_to_install(synthesiser, source, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sklearn" else find(name))
    with pytest.raises(ConfigError) as caught:
        build_bank(synthesiser, source)
    assert str(caught.value) == ("clustering styles needs scikit-learn. Install it with: pip install 'intarsia[style]'")


def test_instance_maps_of_the_data_are_used(synthesiser, tmp_path):
    root = write_data(tmp_path / "rectangles", pairs=1, size=32)
    (root / "train" / "instances").mkdir()
    Image.fromarray(np.full((32, 32), 3, np.uint8)).save(root / "train" / "instances" / "0.png")
    [(name, share, _)] = seen(synthesiser, open_source(str(root), "train").pair(0))
    labels = open_source(str(root), "train").pair(0).labels
    assert name == f"class {np.bincount(labels.ravel()).argmax()}"
    assert share == 1
