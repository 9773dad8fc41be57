"""`intarsia convert` from an official-style file to a photo."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from intarsia import cli, labels, systems
from intarsia.checkpoints.convert import ccfpse as ccfpse_keys
from intarsia.checkpoints.convert import lggan as lggan_keys
from intarsia.checkpoints.convert import pix2pixhd as pix2pixhd_keys
from intarsia.checkpoints.convert import spade as convert
from intarsia.checkpoints.snapshot import load_card
from intarsia.systems.ccfpse import CcfpseGenerator
from intarsia.systems.lggan import LgganGenerator
from intarsia.systems.pix2pixhd import Pix2pixHDGenerator
from intarsia.systems.spade import SpadeGenerator
from tests.goldens import parity
from tests.goldens.spade import entries

TINY = systems.preset("spade-tiny").config


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "latest_net_G.pth"
    own = SpadeGenerator(TINY).state_dict()
    torch.save(parity.official(entries(convert.generator_keys(TINY), own), {}), path)
    return path


def test_an_official_file_becomes_a_model_that_makes_photos(file, tmp_path, capsys):
    out = tmp_path / "model"
    assert cli.run(["convert", "spade", str(file), "--preset", "spade-tiny", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"wrote {out}: spade-tiny, 379,671 numbers\n"
    card = load_card(out)
    assert (card.system, card.preset, card.recipe) == ("spade", "spade-tiny", None)
    assert card.licence == "CC BY-NC-SA 4.0, as the released weights"
    Image.fromarray(np.tile(np.arange(6, dtype=np.uint8).repeat(8), (40, 1))).save(tmp_path / "map.png")
    assert cli.run(["synth", str(tmp_path / "map.png"), "--model", str(out), "--out", str(tmp_path / "photos")]) == 0
    with Image.open(next((tmp_path / "photos").iterdir())) as photo:
        assert photo.size == (48, 40)


@pytest.mark.parametrize(
    ("name", "release", "network", "licence"),
    [
        ("ccfpse-tiny", ccfpse_keys, CcfpseGenerator, "none stated with the released weights"),
        ("lggan-tiny", lggan_keys, LgganGenerator, "CC BY-NC-SA 4.0, as the released code"),
    ],
)
def test_each_release_has_its_command(tmp_path, name, release, network, licence):
    preset = systems.preset(name)
    own = network(preset.config).state_dict()
    file = tmp_path / "latest_net_G.pth"
    torch.save(parity.official(entries(release.generator_keys(preset.config), own), {}), file)
    out = tmp_path / "model"
    assert cli.run(["convert", preset.system, str(file), "--preset", name, "--out", str(out)]) == 0
    card = load_card(out)
    assert (card.system, card.preset) == (preset.system, name)
    assert card.licence.startswith(licence)
    Image.fromarray(np.tile(np.arange(6, dtype=np.uint8).repeat(8), (40, 1))).save(tmp_path / "map.png")
    assert cli.run(["synth", str(tmp_path / "map.png"), "--model", str(out), "--out", str(tmp_path / "photos")]) == 0
    with Image.open(next((tmp_path / "photos").iterdir())) as photo:
        assert photo.size == (48, 40)


def test_a_label_space_may_be_given_and_must_fit(file, tmp_path, capsys):
    out = tmp_path / "model"
    arguments = ["convert", "spade", str(file), "--preset", "spade-tiny", "--out", str(out), "--label-space"]
    labels.numbered("mine", 6).save(tmp_path / "mine.json")
    assert cli.run([*arguments, str(tmp_path / "mine.json")]) == 0
    assert load_card(out).label_space.name == "mine"
    labels.numbered("other", 5).save(tmp_path / "other.json")
    capsys.readouterr()
    assert cli.run([*arguments, str(tmp_path / "other.json")]) == 2
    assert capsys.readouterr().err == (
        f"error: label space {tmp_path / 'other.json'} has 5 channels; preset spade-tiny has 6. "
        "Choose the label space that the weights were trained on.\n"
    )


def test_a_refusal_is_one_line_and_writes_nothing(file, tmp_path, capsys):
    out = tmp_path / "model"
    assert cli.run(["convert", "spade", str(file), "--preset", "spade-facades", "--out", str(out)]) == 2
    assert capsys.readouterr().err == (
        f"error: weight file {file} has fc.weight of shape (64, 6, 3, 3); spade-facades needs (1024, 13, 3, 3). "
        "Choose the preset and network that it was trained as.\n"
    )
    assert not out.exists()


def test_only_a_snapshot_or_an_empty_folder_is_replaced(file, tmp_path, capsys):
    arguments = ["convert", "spade", str(file), "--preset", "spade-tiny", "--out"]
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    for out in (tmp_path / "thesis", tmp_path / "thesis" / "chapter.txt"):
        assert cli.run([*arguments, str(out)]) == 2
        assert capsys.readouterr().err == (
            f"error: {out} exists and is no snapshot, so it is not replaced. Choose another --out.\n"
        )
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "mine"
    (tmp_path / "model").mkdir()
    for _ in range(2):
        assert cli.run([*arguments, str(tmp_path / "model")]) == 0


@pytest.mark.parametrize(
    ("preset", "channels", "raw", "train"),
    [
        ("spade-ade20k", 151, [0, 1, 150], [0, 1, 150]),  # as the release reads them: 0 is unlabelled
        ("spade-coco-style", 183, [0, 181, 255], [0, 181, 182]),
        ("spade-cityscapes", 35, [0, 33], [0, 33]),
        ("spade-facades", 13, [0, 12], [0, 12]),
    ],
)
def test_published_presets_read_the_data_sets_own_values(preset, channels, raw, train):
    space = convert.label_space_of(preset)
    assert space.channels == systems.preset(preset).config.labels == channels
    assert space.encode(np.array([raw]), "map.png").tolist() == [train]


def test_pix2pixhd_converts_through_the_same_command(tmp_path, capsys, monkeypatch):
    preset = systems.preset("pix2pixhd-tiny-coarse")
    plain = dataclasses.replace(preset, config=dataclasses.replace(preset.config, features=0))
    monkeypatch.setitem(systems.PRESETS, "pix2pixhd-test", plain)
    keys = pix2pixhd_keys.generator_keys(plain.config)
    own = Pix2pixHDGenerator(plain.config).body.state_dict()
    torch.save(parity.official(entries(keys, own), {}), tmp_path / "latest_net_G.pth")
    arguments = ["convert", "pix2pixhd", str(tmp_path / "latest_net_G.pth"), "--preset", "pix2pixhd-test"]
    assert cli.run([*arguments, "--out", str(tmp_path / "model")]) == 0
    card = load_card(tmp_path / "model")
    assert (card.system, card.licence) == ("pix2pixhd", "BSD-style, as the release of pix2pixHD (NVIDIA)")
    Image.fromarray(np.tile(np.arange(6, dtype=np.uint8).repeat(8), (40, 1))).save(tmp_path / "map.png")
    model = ["--model", str(tmp_path / "model"), "--out", str(tmp_path / "photos")]
    assert cli.run(["synth", str(tmp_path / "map.png"), *model]) == 0
    with Image.open(next((tmp_path / "photos").iterdir())) as photo:
        assert photo.size == (48, 40)
