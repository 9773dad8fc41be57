"""`intarsia data`: what it prints, and how it leaves."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.cli import run
from intarsia.data.earth import CARD
from intarsia.data.label_files import write_label_map
from intarsia.labels import LabelSpace
from tests.data.folders import SPACE, make_folder


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_sound_data_set_is_counted(capsys: pytest.CaptureFixture[str]):
    for split, name in (("train", "a"), ("val", "b")):
        make_folder(Path("toy"), (name,), split=split)
        labels = np.zeros((24, 32), int)
        labels[:, :8] = 2
        write_label_map(Path(f"toy/{split}/labels/{name}.png"), labels, SPACE)
    assert run(["data", "check", "toy"]) == 0
    histogram = f"  {'sky':24}  75.00 %  {40 * '#'}\n  {'sea':24}   0.00 %\n  {'sand':24}  25.00 %  {13 * '#'}\n"
    assert capsys.readouterr().out == (
        f"train: 1 photo of 24x32 (height x width)\n{histogram}"
        f"val: 1 photo of 24x32 (height x width)\n{histogram}"
        "remark: train has no pixel of sea. Check the label space, or leave these classes out.\n"
        "remark: val has no pixel of sea. Check the label space, or leave these classes out.\n"
        "toy is sound\n"
    )


def test_layout_and_path_may_be_two_words_and_objects_are_counted(capsys: pytest.CaptureFixture[str]):
    make_folder(Path("toy"), ("a", "b"))
    Path("toy/train/instances").mkdir()
    for name in "ab":
        write_label_map(Path(f"toy/train/labels/{name}.png"), np.full((24, 32), 1), SPACE)
        instances = np.zeros((24, 32), np.uint8)
        instances[:3, :3] = 1
        Image.fromarray(instances).save(f"toy/train/instances/{name}.png")
    assert run(["data", "check", "street", "toy", "--splits", "train"]) == 0
    said = capsys.readouterr().out
    assert (
        "  objects in all and per photo, by the instance maps:\n"
        f"  {'sky':24}        0     0.00\n"
        f"  {'sea':24}        4     2.00  {40 * '#'}\n"
        f"  {'sand':24}        0     0.00\n"
        "remark: label map toy/train/labels/a.png is sea everywhere. Look at it.\n"
    ) in said
    assert said.endswith("\nstreet:toy is sound\n")


def test_faults_of_all_splits_are_listed_and_the_status_is_2(capsys: pytest.CaptureFixture[str]):
    make_folder(Path("toy"), ("a", "b"))
    for name in "ab":
        Image.fromarray(np.full((24, 32), 9, np.uint8)).save(f"toy/train/labels/{name}.png")
    assert run(["data", "check", "toy"]) == 2
    said = capsys.readouterr()
    assert [line for line in said.out.splitlines() if line.startswith("wrong: ")] == [
        *(
            f"wrong: label map toy/train/labels/{name}.png has id 9 at (0, 0); classes end at 2. "
            "Set dont_care=9 or remap with LabelSpace."
            for name in "ab"
        ),
        "wrong: toy/val/photos holds no photos. Put .jpeg, .jpg, .png, .webp files there.",
    ]
    assert said.err == "error: toy has 3 faults, listed above. Mend and check again.\n"


def test_the_splits_to_check_can_be_chosen(capsys: pytest.CaptureFixture[str]):
    make_folder(Path("toy"), ("a",), split="mine")
    assert run(["data", "check", "toy", "--splits", "mine"]) == 0
    assert capsys.readouterr().out.startswith("mine: 1 photo of 24x32 (height x width)\n")


def test_a_missing_data_set_is_one_fault(capsys: pytest.CaptureFixture[str]):
    assert run(["data", "check", "earth:out/earth"]) == 2
    said = capsys.readouterr()
    assert said.out == (
        "wrong: data set folder out/earth does not exist. Make it with: intarsia data build earth --out out/earth\n"
    )
    assert said.err == "error: earth:out/earth has 1 fault, listed above. Mend and check again.\n"


def test_a_finished_earth_is_not_built_again(capsys: pytest.CaptureFixture[str]):
    Path("earth").mkdir()
    Path("earth/dataset.json").write_text(json.dumps(CARD.model_dump()))
    assert run(["data", "build", "earth", "--out", "earth"]) == 0
    assert capsys.readouterr().out == "earth holds the data set earth already\n"


def test_earth_does_not_replace_a_folder_of_another_kind(capsys: pytest.CaptureFixture[str]):
    Path("mine").mkdir()
    Path("mine/notes.txt").touch()
    assert run(["data", "build", "earth", "--out", "mine"]) == 2
    assert capsys.readouterr().err == (
        "error: mine exists and is not this version of the data set earth. Choose another --out.\n"
    )


def test_the_label_space_of_a_public_data_set_is_written(capsys: pytest.CaptureFixture[str]):
    assert run(["data", "space", "ade20k-spade", "--out", "space.json"]) == 0
    space = LabelSpace.load(Path("space.json"))
    assert (space.channels, space.classes[0].name, space.classes[150].name) == (151, "other", "flag")
    assert capsys.readouterr().out == "wrote space.json\n"
    assert run(["data", "space", "ade20", "--out", "other.json"]) == 2
    assert capsys.readouterr().err == "error: no label space is called ade20. Did you mean ade20k?\n"
