"""`intarsia train` through the command line: what comes out, and what is refused."""

import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from intarsia import cli
from intarsia.checkpoints.snapshot import load_generator
from intarsia.training import loop
from tests.training.scene import write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data") / "rectangles", pairs=4, size=40)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(loop, "SETTLING", 1)


def train(data, out, *more, preset="spade-tiny"):
    arguments = ["train", "--preset", preset, "--data", str(data), "--out", str(out), "--workers", "1", *more]
    return cli.run(arguments)


def refused(capsys, *arguments, **options):
    assert train(*arguments, **options) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said.removeprefix("error: ").rstrip("\n")


def test_it_trains_and_the_same_command_goes_on(data, tmp_path, capsys):
    assert train(data, tmp_path, "--images", "2", "--batch", "2") == 0
    assert capsys.readouterr().out == f"{tmp_path}/snapshot\n"
    assert train(data, tmp_path, "--images", "4", "--batch", "2") == 0
    assert f"notice: going on from {tmp_path}/states/000000002\n" in capsys.readouterr().err
    card, _ = load_generator(tmp_path / "snapshot")
    assert (card.preset, card.training.images, card.config["labels"]) == ("spade-tiny", 4, 6)


def test_by_default_it_trains_as_many_epochs_as_the_recipe_has(data, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(loop, "train", lambda *arguments: asked.append(arguments[4]) or loop.Ending(0, "goal"))
    assert train(data, tmp_path) == 0
    assert train(data, tmp_path, "--batch", "3", "--minutes", "5") == 0
    # 2 + 2 epochs of 4 photos; a batch of 3 leaves one of them out.
    assert [plan.images for plan in asked] == [16, 12]
    assert [plan.minutes for plan in asked] == [float("inf"), 5]


def test_ctrl_c_saves_and_tells_how_to_go_on(data, tmp_path, capsys, monkeypatch):
    calls, iterate = itertools.count(1), loop.iterate

    def interrupted(*arguments):
        if next(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return iterate(*arguments)

    monkeypatch.setattr(loop, "iterate", interrupted)
    assert train(data, tmp_path, "--images", "100") == 130
    assert capsys.readouterr().err == "notice: stopped after 4 images; the same command goes on from there\n"
    assert (tmp_path / "states/000000004/state.json").exists()


def test_another_batch_is_refused_on_going_on(data, tmp_path, capsys):
    train(data, tmp_path, "--images", "2")
    capsys.readouterr()
    assert refused(capsys, data, tmp_path, "--images", "4", "--batch", "4") == (
        f"{tmp_path}/states/000000002 was trained otherwise: recipe.batch was 2 and is 4. "
        "Use the same options, or another --out."
    )


def test_bad_options_are_refused(data, tmp_path, capsys):
    assert refused(capsys, data, tmp_path, "--images", "0") == "--images is 0. Give 1 or more."
    assert refused(capsys, data, tmp_path, "--state-every", "-1") == "--state-every is -1.0. Give 0 or more."
    assert "Did you mean spade-tiny" in refused(capsys, data, tmp_path, preset="spade-tny")
    assert refused(capsys, tmp_path / "none", tmp_path).startswith(f"data set folder {tmp_path}/none does not exist")
    assert refused(capsys, data, tmp_path, "--batch", "5") == (
        f"an epoch of {data} has 4 samples, fewer than one batch of 5. Set a smaller batch."
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a GPU")
def test_fp16_needs_a_gpu(data, tmp_path, capsys):
    assert refused(capsys, data, tmp_path, "--precision", "16-mixed") == (
        "precision 16-mixed needs a GPU, and torch finds none. Choose 32-true or bf16-mixed."
    )


def test_photos_smaller_than_the_crop_are_refused(tmp_path, capsys):
    data = write_data(tmp_path / "data", pairs=2, size=20)
    assert refused(capsys, data, tmp_path / "out").startswith("photo 0 is 20x20, smaller than the crop 32x32")


def test_a_recipe_with_vgg_names_the_file_that_it_needs(data, tmp_path, capsys):
    assert refused(capsys, data, tmp_path, preset="spade-ade20k") == (
        "the recipe weighs the term perceptual, which needs VGG19's weights. Download vgg19-dcbb9e9d.pth "
        "(torchvision's) and give it as --perceptual FILE, or leave the term out: --without perceptual."
    )


def test_a_term_can_be_left_out(data, tmp_path, capsys):
    assert train(data, tmp_path, "--images", "2", "--without", "feature_matching") == 0
    card = json.loads((tmp_path / "snapshot" / "card.json").read_text())
    assert card["recipe"]["generator_weights"] == {"gan": 1.0}
    assert card["training"]["data"] == Path(data).name


def test_a_term_that_is_not_there_cannot_be_left_out_or_given_a_file(data, tmp_path, capsys):
    assert refused(capsys, data, tmp_path, "--without", "vgg") == (
        "the recipe has no term vgg. It has gan, feature_matching."
    )
    assert refused(capsys, data, tmp_path, "--perceptual", "vgg.pth") == (
        "the recipe has no term perceptual, so vgg.pth is of no use. Leave --perceptual out."
    )


def test_a_folder_that_is_no_snapshot_is_not_replaced(data, tmp_path, capsys):
    mine = tmp_path / "snapshot" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    assert refused(capsys, data, tmp_path, "--images", "2") == (
        f"{tmp_path}/snapshot exists and is no snapshot, so it is not replaced. Choose another --out."
    )
    assert mine.read_text() == "mine"


def test_a_file_in_the_place_of_the_run_is_refused(data, tmp_path, capsys):
    (tmp_path / "out").write_text("not a folder")
    assert refused(capsys, data, tmp_path / "out", "--images", "2").startswith(f"cannot write {tmp_path}/out")
    assert (tmp_path / "out").read_text() == "not a folder"


def test_torchrun_gives_the_processes(data, tmp_path):
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
        *("-m", "intarsia", "train", "--preset", "spade-tiny", "--data", data, "--out", tmp_path),
        *("--images", "2", "--workers", "0"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path}/snapshot\n"
    (line,) = (tmp_path / "stats.jsonl").read_text().splitlines()
    assert json.loads(line)["images"] == 2
    assert json.loads((tmp_path / "snapshot/card.json").read_text())["training"]["hardware"].startswith("2 x CPU")
