"""Kinds of broken data, each found by `intarsia data check` with the file named."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.cli import run
from intarsia.data.check import check_split
from intarsia.data.label_files import write_instance_map, write_label_map
from intarsia.labels import LabelClass, LabelSpace
from tests.data import fixtures

SPACE = LabelSpace(
    "toy",
    (LabelClass(0, "sky", (70, 130, 180)), LabelClass(1, "sea", (0, 0, 90)), LabelClass(2, "sand", (236, 208, 144))),
    (255,),
)
SIZE = (24, 32)
PHOTO, LABELS, INSTANCES = (f"toy/train/{kind}/b.png" for kind in ("photos", "labels", "instances"))


@pytest.fixture(autouse=True)
def _sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sound data set of two splits: every class, every photo another, an object for each region."""
    monkeypatch.chdir(tmp_path)
    SPACE.save(Path("toy/label_space.json"))
    for split, names in (("train", "abc"), ("val", "de")):
        for name in names:
            labels = np.zeros(SIZE, int)
            labels[8:16], labels[16:] = 1, 2
            for kind, array in (("photos", fixtures.photo(ord(name), SIZE)),):
                fixtures.save(Path(f"toy/{split}/{kind}/{name}.png"), array)
            write_label_map(Path(f"toy/{split}/labels/{name}.png"), labels, SPACE)
            write_instance_map(Path(f"toy/{split}/instances/{name}.png"), labels + 1)


def grey(path: str, value: int, dtype: type = np.uint8) -> None:
    Image.fromarray(np.full(SIZE, value, dtype)).save(path)


def cut(path: str) -> None:
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[: len(content) // 2])


def change(path: str, make) -> None:
    with Image.open(path) as old:
        array, palette = np.array(old), old.getpalette()
    make(array)
    image = Image.fromarray(array)
    if palette is not None:
        image.putpalette(palette)
    image.save(path)


def animated(path: str) -> None:
    frames = [Image.fromarray(np.full(SIZE, value, np.uint8)) for value in (0, 1)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def unknown_colours(path: str) -> None:
    Image.fromarray(np.full((*SIZE, 3), 33, np.uint8)).save(path)


def two_classes(path: str) -> None:
    change(path, lambda array: array.__setitem__(np.s_[4:12], 9))


FAULTS = {
    "an id that is no class": (lambda: grey(LABELS, 9), LABELS, "has id 9 at (0, 0)"),
    "a photo without label map": (lambda: Path(LABELS).unlink(), PHOTO, "has no label map"),
    "a label map without photo": (lambda: Path(PHOTO).unlink(), LABELS, "has no photo"),
    "a photo without instance map": (lambda: Path(INSTANCES).unlink(), PHOTO, "has no instance map"),
    "a label map of another size": (
        lambda: Image.fromarray(np.zeros((24, 31), np.uint8)).save(LABELS),
        LABELS,
        "is 24x31",
    ),
    "an instance map of another size": (
        lambda: Image.fromarray(np.zeros((23, 32), np.uint16)).save(INSTANCES),
        INSTANCES,
        "is 23x32",
    ),
    "a colour map of another palette": (lambda: unknown_colours(LABELS), LABELS, "has colour (33, 33, 33)"),
    "a photo in the place of a label map": (lambda: shutil.copy(PHOTO, LABELS), LABELS, "photos are not label maps"),
    "a label map as JPEG": (
        lambda: Image.fromarray(np.zeros(SIZE, np.uint8)).save(LABELS, "JPEG"),
        LABELS,
        "is a JPEG file",
    ),
    "a photo of 16 bits": (lambda: grey(PHOTO, 9000, np.uint16), PHOTO, "more than 8 bits"),
    "a label map of 16 bits with an id that is no class": (
        lambda: grey(LABELS, 7000, np.uint16),
        LABELS,
        "has id 7000",
    ),
    "a photo cut short": (lambda: cut(PHOTO), PHOTO, "is damaged"),
    "a label map cut short": (lambda: cut(LABELS), LABELS, "is damaged"),
    "an empty file": (lambda: Path(PHOTO).write_bytes(b""), PHOTO, "is empty (0 bytes)"),
    "a file that is no image": (lambda: Path(PHOTO).write_text("no image at all"), PHOTO, "is not an image"),
    "two photos of one name": (lambda: Image.open(PHOTO).save("toy/train/photos/b.jpg"), "b.jpg and b.png", "Keep one"),
    "a label map that is animated": (lambda: animated(LABELS), LABELS, "is animated (2 pictures)"),
    "a label map with transparency": (
        lambda: Image.fromarray(np.zeros((*SIZE, 2), np.uint8), "LA").save(LABELS),
        LABELS,
        "has mode LA",
    ),
    "a label map that is don't-care everywhere": (lambda: grey(LABELS, 255), LABELS, "is don't-care everywhere"),
    "a photo of one colour": (
        lambda: Image.fromarray(np.full((*SIZE, 3), 77, np.uint8)).save(PHOTO),
        PHOTO,
        "is of one colour, (77, 77, 77)",
    ),
    "an instance map of colours": (
        lambda: Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(INSTANCES),
        INSTANCES,
        "is a colour image",
    ),
    "a photo of both splits": (
        lambda: shutil.copy("toy/val/photos/d.png", PHOTO),
        PHOTO,
        "is also toy/val/photos/d.png of val",
    ),
    "a label space that is no JSON": (
        lambda: Path("toy/label_space.json").write_text("{"),
        "toy/label_space.json",
        "cannot be read",
    ),
    "a class that is named twice": (
        lambda: Path("toy/label_space.json").write_text(
            Path("toy/label_space.json").read_text().replace('"sea"', '"sky"')
        ),
        "toy",
        "uses name sky twice",
    ),
}
REMARKS = {
    "two equal photos": (lambda: shutil.copy("toy/train/photos/a.png", PHOTO), PHOTO, "are equal"),
    "a class that never occurs": (
        lambda: [change(f"toy/val/labels/{name}.png", lambda a: a.__setitem__(np.s_[8:16], 0)) for name in "de"],
        "val",
        "has no pixel of sea",
    ),
    "a label map in the place of a photo": (
        lambda: Image.fromarray(SPACE.colourise(np.arange(32)[None].repeat(24, 0) // 16)).save(PHOTO),
        PHOTO,
        "has 2 colours only",
    ),
    "a label map of one class": (lambda: grey(LABELS, 2), LABELS, "is sand everywhere"),
    "an object in two classes": (lambda: two_classes(INSTANCES), INSTANCES, "has object 9 in sky and sea"),
    "an instance map of one number": (lambda: grey(INSTANCES, 3), INSTANCES, "has one number everywhere"),
}


def checked(capsys) -> tuple[int, str]:
    status = run(["data", "check", "toy"])
    return status, capsys.readouterr().out


def test_a_sound_data_set_has_no_faults_and_no_remarks(capsys):
    status, said = checked(capsys)
    assert status == 0
    assert "remark" not in said


@pytest.mark.parametrize("kind", list(FAULTS))
def test_a_fault_is_found_and_its_file_is_named(kind, capsys):
    spoil, file, reason = FAULTS[kind]
    spoil()
    status, said = checked(capsys)
    assert status == 2
    assert [line for line in said.splitlines() if line.startswith("wrong: ") and file in line and reason in line]


@pytest.mark.parametrize("kind", list(REMARKS))
def test_what_may_be_meant_is_remarked(kind, capsys):
    spoil, file, reason = REMARKS[kind]
    spoil()
    status, said = checked(capsys)
    assert status == 0
    assert [line for line in said.splitlines() if line.startswith("remark: ") and file in line and reason in line]


def test_there_are_more_kinds_than_twenty():
    assert len(FAULTS) >= 20


def test_a_count_that_is_not_the_archives_is_remarked():
    Path("ade").mkdir()
    fixtures.ade20k(Path("ade"))
    remarks = check_split("ade20k:ade", "val").remarks
    assert (
        "val has 2 labelled photos; ADEChallengeData2016.zip have 2000. Unpack them again, unless you took some out."
        in remarks
    )


def test_several_processes_find_what_one_finds():
    for number in range(60):
        shutil.copy("toy/train/photos/a.png", f"toy/train/photos/x{number}.png")
        shutil.copy("toy/train/labels/a.png", f"toy/train/labels/x{number}.png")
        shutil.copy("toy/train/instances/a.png", f"toy/train/instances/x{number}.png")
    cut("toy/train/photos/x7.png")
    grey("toy/train/labels/x50.png", 9)
    one, two = (check_split("toy", "train", workers=workers) for workers in (1, 2))
    assert one == two
    assert len(one.wrong) == 2
    assert one.photos == 63


def test_the_report_is_written(capsys):
    grey(LABELS, 9)
    assert run(["data", "check", "toy", "--out", "report.json", "--workers", "1"]) == 2
    report = json.loads(Path("report.json").read_text())
    assert report["sound"] is False
    assert report["wrong"] == [
        f"label map {LABELS} has id 9 at (0, 0); classes end at 2. Set dont_care=9 or remap with LabelSpace."
    ]
    train = report["splits"][0]
    assert (train["split"], train["photos"], train["sizes"]) == ("train", 3, [[24, 32]])
    assert train["pixels"] == {"sky": 512, "sea": 512, "sand": 512, "don't-care": 0}
    assert train["objects"] == {"sky": 2, "sea": 2, "sand": 2, "don't-care": 0}
    assert "wrote report.json\n" in capsys.readouterr().out
