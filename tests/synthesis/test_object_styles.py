"""Styles of single objects: where they come from, where they go, and what is refused."""

import numpy as np
import pytest
import torch

from intarsia.errors import CheckpointError, ConfigError, LabelError
from intarsia.synthesis.object_styles import Cluster, Drawn, SceneObject, StyleBank
from intarsia.synthesis.synthesiser import Synthesiser

RED, BLUE = [1.0, -1.0], [-1.0, 1.0]


@pytest.fixture(scope="module")
def synthesiser(snapshot_of):
    """Two features an object; classes 0..5."""
    return Synthesiser.from_pretrained(snapshot_of("pix2pixhd-tiny"))


@pytest.fixture(scope="module")
def plain(snapshot_of):
    return Synthesiser.from_pretrained(snapshot_of("spade-tiny"))


@pytest.fixture
def bank(synthesiser):
    draw = np.random.default_rng(0)
    styles = {f"class {number}": draw.uniform(-1, 1, (4, 2)).astype(np.float32) for number in range(5)}
    return StyleBank("pix2pixhd-tiny", synthesiser.encoder_digest, "rectangles", styles)


def label_map(height=32, width=40):
    """Class 0 all over, with two squares of class 1 and a bar of class 2."""
    labels = np.zeros((height, width), np.int64)
    labels[4:12, 4:12] = labels[16:24, 20:28] = 1
    labels[26:30] = 2
    return labels


def instance_map():
    instances = np.zeros((32, 40), np.int64)
    instances[4:12, 4:12], instances[16:24, 20:28], instances[26:30] = 7, 9, 20
    return instances


@pytest.fixture
def scene(synthesiser):
    return synthesiser.scene(label_map(), instance_map())


def test_a_scene_lists_its_objects(scene):
    assert scene.objects == (
        SceneObject(0, 0, "class 0", 32 * 40 - 2 * 64 - 160),
        SceneObject(0, 7, "class 1", 64),
        SceneObject(0, 9, "class 1", 64),
        SceneObject(0, 20, "class 2", 160),
    )
    assert np.array_equal(scene.instance_map, instance_map())


def test_without_an_instance_map_connected_regions_are_objects(synthesiser):
    scene = synthesiser.scene(label_map())
    # The bar cuts the ground in two.
    assert [(each.id, each.class_name) for each in scene.objects] == [
        (0, "class 0"),
        (1, "class 1"),
        (2, "class 1"),
        (3, "class 2"),
        (4, "class 0"),
    ]
    assert scene.instance_map[8, 8] == 1


def test_instances_go_before_classes_and_these_before_the_bank(scene, bank):
    features = scene.paint({"class 1": RED, 9: BLUE, 0: Cluster(3)}, bank, seed=5)[0]
    assert features.shape == (2, 32, 40)
    assert features[:, 8, 8].tolist() == RED
    assert features[:, 20, 24].tolist() == BLUE
    assert features[:, 0, 0].tolist() == bank.styles["class 0"][3].tolist()
    assert features[:, 28, 0].tolist() == bank.draw("class 2", 5, 20).tolist()
    for number in (0, 7, 9, 20):
        inside = torch.from_numpy(instance_map() == number)
        assert (features[:, inside] == features[:, inside][:, :1]).all()


def test_the_same_seed_draws_the_same_styles_whatever_else_is_there(synthesiser, bank):
    scene = synthesiser.scene(label_map(), instance_map())
    fewer = instance_map()
    fewer[fewer == 9] = 0
    other = synthesiser.scene(label_map(), fewer)
    assert torch.equal(scene.paint(bank=bank, seed=3), scene.paint(bank=bank, seed=3))
    assert torch.equal(scene.paint(bank=bank, seed=3)[..., 8, 8], other.paint(bank=bank, seed=3)[..., 8, 8])
    drawn = {tuple(scene.paint(bank=bank, seed=seed)[0, :, 8, 8].tolist()) for seed in range(30)}
    assert len(drawn) == 4
    assert torch.equal(scene.paint({7: Drawn(8)}, bank, seed=3)[..., 8, 8], scene.paint(bank=bank, seed=8)[..., 8, 8])


def test_a_style_changes_the_photo_where_its_object_is(scene, bank):
    before, after = (scene.render(bank=bank, styles={7: style}).astype(int) for style in (RED, BLUE))
    assert before.shape == (32, 40, 3)
    assert np.array_equal(before, scene.render(bank=bank, styles={7: RED}))
    change = np.abs(before - after).mean(2)
    assert change[4:12, 4:12].mean() > change[16:, 24:].mean()


def test_an_object_takes_over_its_look_from_another_photo(synthesiser, scene, bank):
    photo = np.random.default_rng(1).integers(0, 256, (24, 36, 3), np.uint8)
    instances = np.zeros((24, 36), np.int64)
    instances[:10, :10] = 300
    styles = synthesiser.object_styles(photo, instances)
    assert set(styles) == {0, 300}
    assert all(style.shape == (2,) and np.abs(style).max() <= 1 for style in styles.values())
    assert scene.paint({7: styles[300]}, bank)[0, :, 8, 8].tolist() == styles[300].tolist()


def test_a_photo_of_the_scene_styles_every_object(synthesiser, scene):
    photo = np.random.default_rng(2).integers(0, 256, (32, 40, 3), np.uint8)
    styles = synthesiser.object_styles(photo, instance_map())
    assert np.array_equal(scene.render(style=photo), scene.render(styles=styles))


def test_a_batch_of_maps_has_objects_of_its_own_by_map(synthesiser, bank):
    maps, instances = np.stack([label_map(), 2 - label_map()]), np.stack([instance_map(), instance_map() + 1])
    both = synthesiser.scene(maps, instances)
    assert {each.place for each in both.objects} == {0, 1}
    photos = both.render(bank=bank, styles={7: RED, 8: BLUE})
    alone = synthesiser.scene(maps[1], instances[1]).render(bank=bank, styles={8: BLUE})
    assert np.abs(photos[1].astype(int) - alone).max() <= 1


def test_a_map_smaller_than_the_network_makes_is_padded(synthesiser, bank):
    scene = synthesiser.scene(np.ones((3, 5), np.int64))
    assert scene.render(bank=bank).shape == (3, 5, 3)


# A bank is a file.


def test_a_bank_survives_its_file(bank, tmp_path):
    path = tmp_path / "bank.safetensors"
    bank.save(path)
    read = StyleBank.load(path)
    assert (read.preset, read.encoder, read.data, read.source) == (bank.preset, bank.encoder, bank.data, str(path))
    assert read.styles.keys() == bank.styles.keys()
    assert all(np.array_equal(read.styles[name], bank.styles[name]) for name in bank.styles)


def test_what_is_no_bank_is_refused(tmp_path, bank):
    from safetensors.torch import save_file

    with pytest.raises(CheckpointError) as caught:
        StyleBank.load(tmp_path / "none")
    assert str(caught.value) == (
        f"style bank {tmp_path / 'none'} does not exist. Make it with: intarsia style build --out {tmp_path / 'none'}"
    )
    save_file({"a": torch.zeros(1)}, tmp_path / "other")
    with pytest.raises(CheckpointError) as caught:
        StyleBank.load(tmp_path / "other")
    assert str(caught.value) == (
        f"{tmp_path / 'other'} is no style bank of format 1. Give a file written by intarsia style build."
    )
    bank.save(tmp_path / "cut")
    (tmp_path / "cut").write_bytes((tmp_path / "cut").read_bytes()[:50])
    with pytest.raises(CheckpointError, match=r"cut cannot be read .* Copy it again, it is damaged or cut short"):
        StyleBank.load(tmp_path / "cut")


# What is refused.

NO_FEATURES = (
    "model spade-tiny has no features of objects, so that no object has a style of its own. "
    "Leave the styles out, or use a model trained with features."
)


@pytest.mark.parametrize(
    "ask",
    [
        lambda plain, bank: plain.scene(label_map()).render(styles={0: RED}),
        lambda plain, bank: plain.scene(label_map()).render(bank=bank),
        lambda plain, bank: plain.scene(label_map()).render_tensor(features=torch.zeros(1, 2, 32, 40)),
        lambda plain, bank: plain.scene(label_map()).instance_map,
        lambda plain, bank: plain.object_styles(np.zeros((32, 40, 3), np.uint8), instance_map()),
    ],
)
def test_a_model_without_features_says_so(plain, bank, ask):
    with pytest.raises(ConfigError) as caught:
        ask(plain, bank)
    assert str(caught.value) == NO_FEATURES


@pytest.mark.parametrize(
    ("styles", "error", "message"),
    [
        ({5: RED}, ConfigError, "no instance 5 is in the instance map. It has 0, 7, 9, 20."),
        (
            {"klass 1": RED},
            LabelError,
            "no class is called klass 1 in pix2pixhd-tiny. Did you mean class 1, class 5, class 4?",
        ),
        ({"class 4": RED}, ConfigError, "no class 4 is in the label map. It has class 2, class 1, class 0."),
        (
            {7: [1.0, 2.0, 3.0]},
            ConfigError,
            "the style of instance 7 (class 1) has shape (3,); this model needs 2 numbers.",
        ),
        (
            {7: Cluster(4)},
            ConfigError,
            "style bank given has 4 styles of class 1, and number 4 was asked for. Choose 0..3.",
        ),
        ({7: Drawn(-1)}, ConfigError, "seed -1 of a style is negative. Choose 0 or more."),
    ],
)
def test_styles_that_do_not_fit_the_scene_are_refused(scene, bank, styles, error, message):
    with pytest.raises(error) as caught:
        scene.render(styles=styles, bank=bank)
    assert str(caught.value) == message


def test_many_instances_are_not_all_listed(synthesiser, bank):
    scene = synthesiser.scene(label_map(), np.arange(32 * 40).reshape(32, 40) // 64)
    with pytest.raises(ConfigError) as caught:
        scene.render(styles={99: RED}, bank=bank)
    assert str(caught.value) == ("no instance 99 is in the instance map. It has 0, 1, 2, 3, 4, 5, 6, 7 and 12 more.")


def test_an_object_without_a_style_is_named(scene):
    with pytest.raises(ConfigError) as caught:
        scene.render(styles={0: RED})
    assert str(caught.value) == (
        "instance 7 (class 1) has no style. Give a style bank (intarsia style build makes it), or a style for every "
        "instance."
    )


def test_a_class_that_the_bank_has_not_seen_is_named(synthesiser, bank):
    with pytest.raises(ConfigError) as caught:
        synthesiser.scene(np.full((16, 16), 5)).render(bank=bank)
    assert str(caught.value) == (
        "style bank given has no style of class 5, which rectangles does not show. Give its instances a style."
    )


def test_a_bank_of_another_encoder_is_refused(scene, bank):
    other = StyleBank("mine", "0123456789abcdef", "rectangles", bank.styles, "mine.safetensors")
    with pytest.raises(ConfigError) as caught:
        scene.render(bank=other)
    assert str(caught.value) == (
        "style bank mine.safetensors was built with another encoder, of a model mine. "
        "Build one with this model: intarsia style build."
    )


def test_a_photo_of_another_size_is_no_photo_of_the_scene(synthesiser, scene):
    with pytest.raises(ConfigError) as caught:
        scene.render(style=np.zeros((32, 32, 3), np.uint8))
    assert str(caught.value) == (
        "the style photo has shape (1, 3, 32, 32); this scene needs (1, 3, 32, 40). "
        "Give a photo of the scene itself, or its features."
    )
    with pytest.raises(ConfigError) as caught:
        synthesiser.object_styles(np.zeros((32, 32, 3), np.uint8), instance_map())
    assert str(caught.value) == (
        "the photo is 32x32 and its instance map 32x40 (height x width). Give both in one size."
    )


def test_a_photo_and_styles_contradict_each_other(scene, bank):
    with pytest.raises(ConfigError) as caught:
        scene.render(style=np.zeros((32, 40, 3), np.uint8), bank=bank)
    assert str(caught.value) == (
        "objects take their style from a photo of the scene, or from features. Give one of them."
    )
