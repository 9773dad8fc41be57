"""`intarsia segmenter` and `intarsia segment` through the command line."""

import itertools
import json
import os
import signal

import numpy as np
import pytest
from PIL import Image

from intarsia import cli
from intarsia.data.label_files import read_label_map
from intarsia.data.sources import open_source
from intarsia.labels import LabelSpace
from intarsia.segmentation import training
from intarsia.segmentation.segmenter import Segmenter
from tests.data.folders import make_folder
from tests.training.scene import write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data") / "rectangles", pairs=4, size=40)


@pytest.fixture(scope="module")
def snapshot(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    assert train(data, out, "--images", "2") == 0
    return out / "snapshot"


def train(data, out, *more):
    small = {"--size": "32x32", "--batch": "2", "--width": "2", "--workers": "0"}
    options = [word for name, value in small.items() if name not in more for word in (name, value)]
    return run("segmenter", "train", "--data", data, "--out", out, *options, *more)


def run(*arguments):
    return cli.run([str(argument) for argument in arguments])


def refusal(capsys, status):
    assert status == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said.removeprefix("error: ").rstrip("\n")


def test_it_trains_and_the_same_command_goes_on(data, tmp_path, capsys):
    assert train(data, tmp_path, "--images", "2") == 0
    assert capsys.readouterr().out == f"{tmp_path}/snapshot\n"
    assert train(data, tmp_path, "--images", "4") == 0
    assert f"notice: going on from {tmp_path}/states/000000002\n" in capsys.readouterr().err
    card = Segmenter.from_pretrained(tmp_path / "snapshot").card
    assert (card.segmenter, card.training.images) == ("unet-rectangles", 4)
    assert card.recipe["augmentation"]["crop_size"] == [32, 32]


def test_without_a_goal_it_trains_for_twenty_minutes(data, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(training, "train", lambda *arguments: asked.append(arguments[3]) or training.Ending(0, "goal"))
    for goal in ((), ("--minutes", "5"), ("--images", "8")):
        assert train(data, tmp_path, *goal) == 0
    assert [(plan.images, plan.minutes) for plan in asked] == [(None, 20), (None, 5), (8, float("inf"))]


def test_ctrl_c_saves_and_tells_how_to_go_on(data, tmp_path, capsys, monkeypatch):
    calls, iterate = itertools.count(1), training.iterate

    def interrupted(*arguments):
        if next(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return iterate(*arguments)

    monkeypatch.setattr(training, "iterate", interrupted)
    assert train(data, tmp_path, "--images", "100") == 130
    assert capsys.readouterr().err == "notice: stopped after 4 images; the same command goes on from there\n"


def test_bad_options_are_refused(data, tmp_path, capsys):
    def refused(*more):
        return refusal(capsys, train(data, tmp_path, *more))

    assert refused("--images", "0") == "--images is 0. Give 1 or more."
    assert refused("--images", "4", "--minutes", "1") == "--images and --minutes are two goals. Give one of them."
    assert refused("--size", "33x32") == "size 33x32 is no multiple of 32. Choose one that is."
    assert refused("--size", "32") == "size 32 is not HEIGHTxWIDTH. Write for example 256x256."
    assert refused("--batch", "5") == (
        f"an epoch of {data} has 4 samples, fewer than one batch of 5. Set a smaller batch."
    )
    assert not list(tmp_path.iterdir())


def test_score_prints_and_writes_every_figure(data, snapshot, tmp_path, capsys):
    assert run("segmenter", "score", "--model", snapshot, "--data", data, "--json", tmp_path / "score.json") == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == "unet-rectangles on rectangles, val: 4 photos"
    written = json.loads((tmp_path / "score.json").read_text())
    assert {name: written[name] for name in ("segmenter", "data", "split")} == {
        "segmenter": "unet-rectangles",
        "data": "rectangles",
        "split": "val",
    }
    counted = sum(row["counted"] for row in written["classes"])
    remark = f"of the {counted} classes that cover at least 0.1% of the pixels"
    assert lines[0] == f"  mIoU                     {written['miou']:.4f}  {remark}"
    assert lines[2] == f"  accuracy                 {written['accuracy']:.4f}  don't-care ignored"
    assert [line.split()[1] for line in lines[6:12]] == [str(number) for number in range(6)]
    assert lines[12].split() == ["photo", "mIoU", "accuracy"]
    assert [line.split()[0] for line in lines[13:]] == list(written["photos"]) == ["0", "1", "2", "3"]
    assert lines[13].split()[2] == f"{written['photos']['0']['accuracy']:.4f}"


def test_what_cannot_be_said_is_null_and_a_dash(snapshot, tmp_path, capsys):
    """Photos without a labelled pixel."""
    source = open_source(str(write_data(tmp_path / "data", pairs=1, size=32)), "val")
    space = json.loads((tmp_path / "data/label_space.json").read_text())
    space["dont_care_ids"] = [255]
    (tmp_path / "data/label_space.json").write_text(json.dumps(space))
    Image.fromarray(np.full((32, 32), 255, np.uint8)).save(source.listing.files[0].labels)
    card = json.loads((snapshot / "card.json").read_text())
    card["label_space"]["dont_care_ids"] = [255]
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "card.json").write_text(json.dumps(card))
    (folder / "segmenter.safetensors").write_bytes((snapshot / "segmenter.safetensors").read_bytes())
    report = tmp_path / "score.json"
    assert run("segmenter", "score", "--model", folder, "--data", tmp_path / "data", "--json", report) == 0
    written = json.loads(report.read_text())
    said = [written["miou"], written["accuracy"], *(written["classes"][0][key] for key in ("iou", "share"))]
    assert said == [None] * 4
    assert written["accuracy_dont_care_wrong"] == 0
    assert "  class 0                       -        -  not counted" in capsys.readouterr().out.splitlines()


def test_another_label_space_is_refused(snapshot, tmp_path, capsys):
    data = make_folder(tmp_path / "toy", split="val")
    assert refusal(capsys, run("segmenter", "score", "--model", snapshot, "--data", data)) == (
        "segmenter unet-rectangles is of label space rectangles (6 channels, the data has 3 of toy). "
        "Use data of the same label space."
    )


def test_an_unknown_segmenter_is_refused(data, capsys):
    said = refusal(capsys, run("segmenter", "score", "--model", "unet-strete", "--data", data))
    assert said.startswith("there is no segmenter unet-strete. Give a folder with card.json and segmenter.safetensors,")


def test_segment_writes_label_maps_that_can_be_read_again(data, snapshot, tmp_path, capsys):
    assert run("segment", data / "val/photos", data / "train/photos/0.png", "--model", snapshot, "--out", tmp_path) == 2
    assert "0.png would both be written to" in capsys.readouterr().err
    assert run("segment", data / "val/photos", "--model", snapshot, "--out", tmp_path) == 0
    assert capsys.readouterr().out == f"wrote 4 label maps to {tmp_path}\n"
    segmenter = Segmenter.from_pretrained(snapshot)
    space = LabelSpace.load(data / "label_space.json")
    source = open_source(str(data), "val")
    for number, name in enumerate("0123"):
        read = read_label_map(tmp_path / f"{name}.png", space)
        assert read.kind == "palette"
        assert np.array_equal(read.labels, segmenter(source.pair(number).photo))


def test_segment_refuses_what_it_cannot_take(data, snapshot, tmp_path, capsys):
    (tmp_path / "none").mkdir()
    assert refusal(capsys, run("segment", tmp_path / "none", "--model", snapshot, "--out", tmp_path / "out")) == (
        f"folder {tmp_path}/none has no photo. Put .jpeg, .jpg, .png, .webp files there."
    )
    photo = tmp_path / "photo.png"
    Image.new("RGB", (8, 8)).save(photo)
    assert refusal(capsys, run("segment", photo, "--model", snapshot, "--out", tmp_path)) == (
        f"the label map of {photo} would replace {photo}. Choose another --out."
    )
    photo.write_bytes(b"")
    assert refusal(capsys, run("segment", photo, "--model", snapshot, "--out", tmp_path / "out")) == (
        f"photo {photo} is empty (0 bytes). Copy or export it again."
    )
    assert not (tmp_path / "out").exists()
