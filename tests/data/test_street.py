"""The data set street: its label space, what a build asks of the renderer, and what it refuses."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from intarsia.cli import run
from intarsia.data import street
from intarsia.data.sources import open_source
from intarsia.data.street import CHECKOUT, PYTHON, RENDERER, STREET, build_street

FAKE = '''
"""Stands in for the renderer: the files of each seed, filled with its last digit."""
import argparse, pathlib, sys
from PIL import Image

parser = argparse.ArgumentParser()
for name in ("first", "count", "workers"):
    parser.add_argument("--" + name, type=int)
for name in ("out", "label-space"):
    parser.add_argument("--" + name, type=pathlib.Path)
parser.add_argument("--size")
given = parser.parse_args()
assert given.label_space.is_file()
height, width = map(int, given.size.split("x"))
print("Blender talks")
for seed in range(given.first, given.first + given.count):
    if seed == 13:
        print("it is Friday", file=sys.stderr)
        raise SystemExit("cannot render 13")
    for kind, suffix in (("photos", ".webp"), ("labels", ".png"), ("instances", ".png")):
        path = given.out / kind / f"{seed:06}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            digit = seed % 10
            photo = kind == "photos"
            Image.new("RGB" if photo else "L", (width, height), (digit, digit, digit) if photo else digit).save(path)
    print(f"done {seed:06}", flush=True)
'''


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose renderer is `FAKE`, run by this Python; the working folder is beside it."""
    home = tmp_path / "checkout"
    (home / RENDERER).mkdir(parents=True)
    (home / RENDERER / "__init__.py").touch()
    (home / RENDERER / "__main__.py").write_text(FAKE)
    (home / PYTHON).parent.mkdir(parents=True)
    (home / PYTHON).write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (home / PYTHON).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(street, "CHECKOUT", home)
    return home


def test_the_label_space_goes_on_from_its_first_classes():
    names = [c.name for c in STREET.classes]
    assert [c.id for c in STREET.classes] == list(range(28))
    assert names[:2] == ["sky", "road"]
    assert names[17:] == [
        *("person", "water", "field", "snow", "path", "rock"),
        *("truck", "bus", "bicycle", "traffic light", "bench"),
    ]
    assert not STREET.has_dont_care


def test_colours_of_classes_are_told_apart_easily():
    colours = STREET.palette.astype(int)
    apart = np.abs(colours[:, None] - colours).sum(-1) + 999 * np.eye(len(colours), dtype=int)
    assert apart.min() >= 40


@pytest.mark.usefixtures("checkout")
def test_a_build_is_a_plain_folder_with_disjoint_seeds():
    assert build_street(Path("out"), {"train": 3, "val": 2}, seed=4, size=(4, 6)) == 5
    train, val = (open_source("street:out", split) for split in ("train", "val"))
    assert [files.name for files in train.listing.files] == ["000004", "000005", "000006"]
    assert [files.name for files in val.listing.files] == ["900000", "900001"]
    assert train.label_space == STREET
    pair = train.pair(1)
    assert pair.photo.shape == (4, 6, 3)
    assert (pair.labels == 5).all()
    assert (pair.instances == 5).all()
    card = json.loads(Path("out/dataset.json").read_text())
    assert (card["name"], card["version"]) == ("street", 1)
    assert card["about"]["seeds"] == {"train": ["4-6"], "val": ["900000-900001"]}
    assert card["about"]["size"] == [4, 6]


@pytest.mark.usefixtures("checkout")
def test_a_build_grows_and_leaves_what_is_there():
    build_street(Path("out"), {"train": 2}, size=(4, 6))
    kept = Path("out/train/photos/000001.webp")
    kept.write_bytes(b"mine")
    assert build_street(Path("out"), {"train": 4}, size=(4, 6)) == 2
    assert kept.read_bytes() == b"mine"
    build_street(Path("out"), {"train": 1}, seed=9, size=(4, 6))
    assert json.loads(Path("out/dataset.json").read_text())["about"]["seeds"]["train"] == ["0-3", "9-9"]


@pytest.mark.usefixtures("checkout")
def test_a_scene_that_lacks_a_file_is_rendered_again():
    build_street(Path("out"), {"train": 2}, size=(4, 6))
    Path("out/train/labels/000000.png").unlink()
    assert build_street(Path("out"), {"train": 2}, size=(4, 6)) == 1
    assert Path("out/train/labels/000000.png").is_file()


@pytest.mark.usefixtures("checkout")
def test_every_scene_is_watched():
    seen = []

    def watch(names, what: str, total: int):
        for name in names:
            seen.append((name, what, total))
            yield name

    build_street(Path("out"), {"train": 2, "val": 1}, size=(4, 6), watch=watch)
    assert seen == [
        ("000000", "rendering train", 2),
        ("000001", "rendering train", 2),
        ("900000", "rendering val", 1),
    ]


@pytest.mark.usefixtures("checkout")
def test_the_command_says_what_it_did(capsys: pytest.CaptureFixture[str]):
    build = ["data", "build", "street", "--out", "out", "--count", "2", "--val", "1", "--size", "4x6", "--workers", "1"]
    assert run(build) == 0
    assert run(build) == 0
    assert capsys.readouterr().out == (
        "rendered 3 scenes into out; train with --data street:out\nout holds these scenes already\n"
    )


@pytest.mark.usefixtures("checkout")
def test_a_failing_renderer_is_told_and_what_is_done_stays(capsys: pytest.CaptureFixture[str]):
    assert run(["data", "build", "street", "--out", "out", "--count", "3", "--seed", "12", "--size", "4x6"]) == 2
    assert capsys.readouterr().err == (
        "error: the street renderer failed: cannot render 13. What is done stays; run the command again.\n"
    )
    assert json.loads(Path("out/dataset.json").read_text())["about"]["seeds"]["train"] == ["12-12"]


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What `intarsia data build street` says as it leaves with status 2."""
    arguments = {"--out": "out", "--count": "2", "--size": "4x6"} | dict(zip(options[::2], options[1::2], strict=True))
    assert run(["data", "build", "street", *(word for pair in arguments.items() for word in pair)]) == 2
    return capsys.readouterr().err


def test_an_installed_package_has_no_renderer(checkout: Path, capsys: pytest.CaptureFixture[str]):
    shutil.rmtree(checkout / RENDERER)
    assert refused(capsys) == (
        "error: the renderer tools/street is not part of the installed package. "
        "Clone Intarsia's repository, then run there: make street-renderer\n"
    )


def test_blenders_package_is_asked_for(checkout: Path, capsys: pytest.CaptureFixture[str]):
    (checkout / PYTHON).unlink()
    assert refused(capsys) == (
        f"error: no Python with Blender's package at {checkout / PYTHON}. "
        "Make it with: make street-renderer, or give --python.\n"
    )
    assert not Path("out").exists()


@pytest.mark.usefixtures("checkout")
def test_options_out_of_range(capsys: pytest.CaptureFixture[str]):
    assert refused(capsys, "--size", "256") == "error: size 256 is not HEIGHTxWIDTH. Write for example 256x256.\n"
    assert refused(capsys, "--count", "-1") == "error: --count is -1. Give 0 or more.\n"
    assert refused(capsys, "--workers", "0") == "error: --workers is 0. Give 1 or more.\n"
    assert refused(capsys, "--val", "100001") == "error: --val is 100001. Give 100000 or less.\n"
    assert refused(capsys, "--seed", "899999") == (
        "error: seeds 899999 to 900000 run into those of val, which count from 900000. "
        "Give a smaller --seed or --count.\n"
    )


@pytest.mark.usefixtures("checkout")
def test_a_folder_of_another_kind_or_size_does_not_grow(capsys: pytest.CaptureFixture[str]):
    Path("out").mkdir()
    Path("out/notes.txt").touch()
    assert refused(capsys) == (
        "error: out exists and is not this version of the data set street. Choose another --out.\n"
    )
    Path("out/notes.txt").unlink()
    build_street(Path("out"), {"train": 1}, size=(4, 6))
    assert refused(capsys, "--size", "8x8") == ("error: out holds scenes of 4x6. Give --size 4x6 or another --out.\n")


BLENDER = CHECKOUT / PYTHON


@pytest.mark.skipif(not BLENDER.is_file(), reason="needs Blender's package: make street-renderer")
def test_a_seed_gives_the_same_bytes_whatever_was_rendered_before(tmp_path: Path):
    for out, first, count, workers in (("a", 7, 3, 1), ("b", 8, 2, 2)):
        build_street(tmp_path / out, {"train": count}, seed=first, size=(64, 48), workers=workers)
    for name in ("photos/000008.webp", "labels/000008.png", "instances/000009.png", "photos/000009.webp"):
        assert (tmp_path / "a/train" / name).read_bytes() == (tmp_path / "b/train" / name).read_bytes(), name
    source = open_source(str(tmp_path / "a"), "train")
    assert all(source.pair(number).photo.shape == (64, 48, 3) for number in range(3))


def test_the_shipped_data_are_of_this_card():
    card = json.loads((CHECKOUT / "datasets/street/dataset.json").read_text())
    assert card["about"]["size"] == [256, 256]
    assert card["version"] == street._card((256, 256)).version
    assert card["about"]["seeds"] == {"train": ["0-1999"], "val": ["900000-900199"]}
