"""`intarsia synth` through the command line: what comes out, and what bad input is told."""

import errno
import json
import os
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia import cli
from intarsia.data.label_files import write_label_map
from intarsia.labels import numbered

SPACE = numbered("spade-tiny", 6)


@pytest.fixture
def tiny(snapshot_of):
    return str(snapshot_of("spade-tiny"))


@pytest.fixture
def styled(snapshot_of):
    return str(snapshot_of("spade-tiny-style"))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Commands run in an empty folder, so that messages hold short paths."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def a_map(path="map.png", size=(40, 50), seed=0):
    """Write a label map of blocks of 8 pixels, and return it."""
    rows, columns = -(-size[0] // 8), -(-size[1] // 8)
    ids = np.random.default_rng(seed).integers(0, 6, (rows, columns)).repeat(8, 0).repeat(8, 1)[: size[0], : size[1]]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_label_map(Path(path), ids, SPACE)
    return ids


def photo(path="out/map.png"):
    with Image.open(path) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        return np.asarray(image)


def synth(*arguments):
    return cli.run(["synth", *arguments, "--out", "out", "--device", "cpu"])


def refused(capsys, *arguments):
    """Run a command that must fail: its one line; the output folder, prepared with one photo, is as it was."""
    Path("out").mkdir()
    Path("out/old.png").write_bytes(b"old photo")
    assert synth(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert [(p.name, p.read_bytes()) for p in Path("out").iterdir()] == [("old.png", b"old photo")]
    return err.removeprefix("error: ").rstrip("\n")


# What comes out


def test_a_file_becomes_a_photo_of_its_size(tiny, capsys):
    a_map(size=(40, 50))
    assert synth("map.png", "--model", tiny) == 0
    assert photo().shape == (40, 50, 3)
    assert capsys.readouterr() == ("wrote 1 photo to out\n", "")


def test_index_palette_and_colour_maps_give_the_same_photo(tiny):
    ids = a_map("palette.png")
    Image.fromarray(ids.astype(np.uint8)).save("index.png")
    Image.fromarray(ids.astype(np.uint16)).save("wide.png")
    Image.fromarray(SPACE.colourise(ids)).save("colour.png")
    assert synth("palette.png", "index.png", "wide.png", "colour.png", "--model", tiny) == 0
    for name in ("index", "wide", "colour"):
        assert np.array_equal(photo(f"out/{name}.png"), photo("out/palette.png"))


def test_folders_are_rendered_whole_and_old_photos_replaced(tiny, capsys):
    for seed, name in enumerate("abc"):
        a_map(f"maps/{name}.png", seed=seed)
    Path("maps/notes.txt").write_text("not a label map")
    Path("out").mkdir()
    Path("out/a.png").write_text("old")
    assert synth("maps", "--model", tiny) == 0
    assert sorted(p.name for p in Path("out").iterdir()) == ["a.png", "b.png", "c.png"]
    assert photo("out/a.png").shape == (40, 50, 3)
    assert capsys.readouterr().out == "wrote 3 photos to out\n"


def test_seed_and_style_change_the_photo_of_a_model_with_style(styled):
    a_map(size=(64, 64))
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 30, 3), np.uint8)).save("look.jpg")
    seen = []
    for options in (["--seed", "1"], ["--seed", "2"], ["--style", "look.jpg"], ["--seed", "1"]):
        assert synth("map.png", "--model", styled, *options) == 0
        seen.append(photo().tobytes())
    assert seen[0] == seen[3]
    assert len(set(seen)) == 3


def test_instances_are_read_from_a_file_or_a_folder(styled, capsys):
    a_map(size=(64, 64), seed=1)
    Path("objects").mkdir()
    Image.fromarray(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)).save("objects/map.png")
    assert synth("map.png", "--model", styled, "--instances", "objects") == 0
    from_folder = photo()
    assert synth("map.png", "--model", styled, "--instances", "objects/map.png") == 0
    assert np.array_equal(photo(), from_folder)
    assert capsys.readouterr().err == ""
    assert synth("map.png", "--model", styled) == 0
    assert not np.array_equal(photo(), from_folder)
    assert capsys.readouterr().err == (
        "notice: no instance map given: each connected region of a class counts as one object.\n"
    )


def test_options_that_change_nothing_are_told(tiny, capsys):
    a_map()
    Image.fromarray(np.zeros((40, 50), np.uint8)).save("objects.png")
    assert synth("map.png", "--model", tiny, "--seed", "4", "--instances", "objects.png") == 0
    assert capsys.readouterr().err == (
        "notice: model spade-tiny draws no noise: --seed changes nothing.\n"
        "notice: model spade-tiny does not look at instances: --instances changes nothing.\n"
    )


def test_a_seed_beside_a_style_changes_nothing_and_is_told(styled, capsys):
    a_map(size=(64, 64))
    Image.fromarray(np.zeros((64, 64), np.uint8)).save("objects.png")
    Image.fromarray(np.zeros((1, 1, 3), np.uint8)).save("look.png")
    seen = []
    for seed in ("1", "2"):
        options = ["--style", "look.png", "--seed", seed, "--instances", "objects.png"]
        assert synth("map.png", "--model", styled, *options) == 0
        assert capsys.readouterr().err == "notice: a style photo decides the look: --seed changes nothing.\n"
        seen.append(photo().tobytes())
    assert seen[0] == seen[1]


# What bad input is told


def test_ids_outside_the_label_space(tiny, capsys):
    Image.fromarray(np.full((8, 8), 7, np.uint8)).save("map.png")
    assert refused(capsys, "map.png", "--model", tiny) == (
        "label map map.png has id 7 at (0, 0); classes end at 5. Set dont_care=7 or remap with LabelSpace."
    )


def test_a_photo_given_as_a_label_map(tiny, capsys):
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save("map.png")
    assert refused(capsys, "map.png", "--model", tiny) == (
        "label map map.png has colour (0, 1, 2) at (0, 0), which is no class of spade-tiny. "
        "Give an index, palette or colour PNG of the label space; photos are not label maps."
    )


def test_a_jpeg_given_as_a_label_map(tiny, capsys):
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("map.jpg")
    assert refused(capsys, "map.jpg", "--model", tiny) == (
        "label map map.jpg is a JPEG file, which may change ids. Give a PNG."
    )


def test_sixteen_bits_that_hold_no_ids(tiny, capsys):
    Image.fromarray(np.full((8, 8), 40000, np.uint16)).save("map.png")
    assert refused(capsys, "map.png", "--model", tiny) == (
        "label map map.png has id 40000 at (0, 0); classes end at 5. Set dont_care=40000 or remap with LabelSpace."
    )


def test_a_truncated_file(tiny, capsys):
    a_map(size=(64, 64))
    whole = Path("map.png").read_bytes()
    Path("map.png").write_bytes(whole[: len(whole) // 2])
    message = refused(capsys, "map.png", "--model", tiny)
    assert message.startswith("label map map.png is damaged (")
    assert message.endswith("). Copy or export it again.")


def test_size_zero(tiny, capsys):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 0, 8, 0, 0, 0, 0))
    Path("map.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )
    assert refused(capsys, "map.png", "--model", tiny).startswith("label map map.png ")
    Path("out/old.png").unlink()
    Path("out").rmdir()
    Path("map.png").write_bytes(b"")
    assert refused(capsys, "map.png", "--model", tiny) == (
        "label map map.png is empty (0 bytes). Copy or export it again."
    )


def test_an_empty_folder(tiny, capsys):
    Path("maps").mkdir()
    assert refused(capsys, "maps", "--model", tiny) == "folder maps has no PNG file. Give label maps as PNG."


def test_a_missing_file(tiny, capsys):
    assert refused(capsys, "map.png", "--model", tiny) == (
        "label map map.png does not exist. Give the path of an image file."
    )


def test_one_bad_map_among_good_ones_stops_all(tiny, capsys):
    a_map("a.png")
    Image.fromarray(np.full((8, 8), 7, np.uint8)).save("z.png")
    assert refused(capsys, "a.png", "z.png", "--model", tiny).startswith("label map z.png has id 7")


def test_two_maps_of_one_name(tiny, capsys):
    a_map("a/map.png")
    a_map("b/map.png")
    assert refused(capsys, "a", "b", "--model", tiny) == (
        "a/map.png and b/map.png would both be written to out/map.png. Rename one."
    )


def test_a_photo_that_would_replace_its_label_map(tiny, capsys):
    a_map("out/map.png")
    before = Path("out/map.png").read_bytes()
    assert synth("out/map.png", "--model", tiny) == 2
    assert (
        capsys.readouterr().err == "error: the photo of out/map.png would replace out/map.png. Choose another --out.\n"
    )
    assert Path("out/map.png").read_bytes() == before


def test_one_map_given_twice(tiny, capsys):
    a_map()
    assert refused(capsys, "map.png", "./map.png", "--model", tiny) == "map.png is given twice. Give it once."


def test_a_photo_that_would_replace_an_instance_map_or_the_style(styled, capsys):
    a_map("maps/map.png", size=(64, 64))
    Path("out").mkdir()
    Image.fromarray(np.zeros((64, 64), np.uint8)).save("out/map.png")
    before = Path("out/map.png").read_bytes()
    assert synth("maps", "--model", styled, "--instances", "out") == 2
    assert synth("maps", "--model", styled, "--style", "out/map.png") == 2
    assert capsys.readouterr().err == (
        "error: the photo of maps/map.png would replace out/map.png. Choose another --out.\n" * 2
    )
    assert Path("out/map.png").read_bytes() == before


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_that_is_none(seed, styled, capsys):
    a_map(size=(64, 64))
    Image.fromarray(np.zeros((64, 64), np.uint8)).save("objects.png")
    assert refused(capsys, "map.png", "--model", styled, "--instances", "objects.png", "--seed", str(seed)) == (
        f"seed {seed} is outside 0..9223372036854775807. Choose another."
    )


def test_a_map_of_too_many_pixels(tiny, capsys):
    Image.fromarray(np.zeros((4097, 4096), np.uint8)).save("map.png")
    assert refused(capsys, "map.png", "--model", tiny) == (
        "label map map.png is 4097x4096 (height x width), more than 16777216 pixels. Cut it into tiles."
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
def test_the_smallest_and_the_narrowest_maps(size, tiny):
    a_map(size=size)
    assert synth("map.png", "--model", tiny) == 0
    assert photo().shape == (*size, 3)


def test_names_with_blanks_and_letters_of_any_language(tiny, capsys):
    a_map("meine  Karten/grün 島.png")
    assert synth("meine  Karten", "--model", tiny) == 0
    assert photo("out/grün 島.png").shape == (40, 50, 3)
    assert synth("meine  Karten/rot.png", "--model", tiny) == 2
    assert capsys.readouterr().err == (
        "error: label map meine  Karten/rot.png does not exist. Give the path of an image file.\n"
    )


def test_an_instance_map_of_another_size(styled, capsys):
    a_map(size=(40, 50))
    Image.fromarray(np.zeros((40, 40), np.uint8)).save("objects.png")
    assert refused(capsys, "map.png", "--model", styled, "--instances", "objects.png") == (
        "instance map of map.png is 40x40 and its label map 40x50 (height x width). Give both in one size."
    )


def test_instance_maps_that_do_not_match(styled, capsys):
    a_map("maps/a.png")
    a_map("maps/b.png")
    Image.fromarray(np.zeros((40, 50), np.uint8)).save("objects.png")
    Path("objects").mkdir()
    shutil.copy("objects.png", "objects/a.png")
    Path("out").mkdir()
    assert synth("maps", "--model", styled, "--instances", "objects.png") == 2
    assert synth("maps", "--model", styled, "--instances", "objects") == 2
    assert capsys.readouterr().err == (
        "error: objects.png is one instance map for 2 label maps. Give a folder of them.\n"
        "error: label map maps/b.png has no instance map objects/b.png. Add it, or leave --instances out.\n"
    )
    assert list(Path("out").iterdir()) == []


def test_a_style_for_a_model_without(tiny, capsys):
    a_map()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("look.png")
    assert refused(capsys, "map.png", "--model", tiny, "--style", "look.png") == (
        "model spade-tiny has no style: its photos follow from the labels alone. "
        "Leave the style out, or use a model trained with one."
    )


def test_a_model_that_is_not_there(capsys):
    a_map()
    message = refused(capsys, "map.png", "--model", "spade-mars")
    assert message.startswith("there is no model spade-mars. Give a folder with card.json and generator.safetensors, ")


def test_an_unreadable_checkpoint(tiny, capsys):
    a_map()
    shutil.copytree(tiny, "model")
    whole = Path("model/generator.safetensors").read_bytes()
    Path("model/generator.safetensors").write_bytes(whole[:1000])
    message = refused(capsys, "map.png", "--model", "model")
    assert message.startswith("model/generator.safetensors ")


def test_a_damaged_card(tiny, capsys):
    a_map()
    shutil.copytree(tiny, "model")
    Path("model/card.json").write_text('{"format": 1, ')
    message = refused(capsys, "map.png", "--model", "model")
    assert message.startswith("model/card.json cannot be read (")


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        (
            "label_space",
            {"dont_care_ids": [255]},
            "the label space spade-tiny has 7 channels, and the generator was trained with 6. "
            "Restore the label space that it was trained with.",
        ),
        ("config", {"hidden": -3}, "the config of spade has hidden -3. Give 1 or more."),
        ("config", {"widht": 8}, "no key of a spade config is called widht. Did you mean width, depth?"),
    ],
)
def test_a_card_that_contradicts_itself(part, change, message, tiny, capsys):
    a_map()
    shutil.copytree(tiny, "model")
    card = json.loads(Path("model/card.json").read_text())
    card[part].update(change)
    Path("model/card.json").write_text(json.dumps(card))
    assert refused(capsys, "map.png", "--model", "model") == f"model/card.json is malformed: {message}"


def test_weights_that_do_not_fit_their_card(tiny, capsys):
    a_map()
    shutil.copytree(tiny, "model")
    card = json.loads(Path("model/card.json").read_text())
    card["config"]["width"] = 8
    Path("model/card.json").write_text(json.dumps(card))
    assert refused(capsys, "map.png", "--model", "model").startswith("model/generator.safetensors ")


def test_a_device_that_is_not_there(tiny, capsys):
    a_map()
    assert cli.run(["synth", "map.png", "--model", tiny, "--out", "out", "--device", "abacus"]) == 2
    assert capsys.readouterr().err == (
        "error: device abacus is not usable here. Choose auto, cpu, or cuda where torch finds a GPU.\n"
    )
    assert not Path("out").exists()


def test_out_is_a_file(tiny, capsys):
    a_map()
    Path("out").write_text("mine")
    assert synth("map.png", "--model", tiny) == 2
    assert capsys.readouterr().err == "error: --out out is a file. Give a folder.\n"
    assert Path("out").read_text() == "mine"


def test_a_full_disk(tiny, capsys, monkeypatch):
    def full(self, path, **_):
        Path(path).write_bytes(b"the first half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    a_map("old.png")
    monkeypatch.setattr(Image.Image, "save", full)
    assert refused(capsys, "old.png", "--model", tiny) == (
        "cannot write out/old.png: the disk is full. Free some space or choose another folder."
    )


def test_a_real_process_says_one_line_and_leaves_with_two(tiny):
    Image.fromarray(np.full((8, 8), 7, np.uint8)).save("map.png")
    command = [sys.executable, "-m", "intarsia", "synth", "map.png", "--model", tiny, "--out", "out"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "error: label map map.png has id 7 at (0, 0); classes end at 5. Set dont_care=7 or remap with LabelSpace.\n"
    )
    assert not Path("out").exists()
