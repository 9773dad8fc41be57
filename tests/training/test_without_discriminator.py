"""Systems without a discriminator: they train, go on bit for bit, and their snapshots render."""

import json

import pytest
import torch
from PIL import Image

from intarsia import cli
from intarsia.checkpoints.state import TENSORS, state_folders
from intarsia.checkpoints.tensors import read_tensors
from tests.training.scene import write_data

PRESETS = ["crn-tiny", "sims-tiny"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data") / "rectangles", pairs=4, size=64)


def train(preset, data, out, images):
    command = ["train", "--preset", preset, "--data", str(data), "--out", str(out), "--workers", "0"]
    assert cli.run([*command, "--images", str(images)]) == 0
    return read_tensors(state_folders(out / "states")[-1] / TENSORS)


@pytest.fixture(scope="module", params=PRESETS)
def run(request, data, tmp_path_factory):
    """A run that was stopped and went on, and the tensors of one that was not."""
    out = tmp_path_factory.mktemp("run")
    train(request.param, data, out / "twice", 2)
    return out / "twice", train(request.param, data, out / "twice", 4), train(request.param, data, out / "once", 4)


def test_going_on_ends_with_the_same_bits(run):
    _, twice, once = run
    assert twice.keys() == once.keys()
    assert all(torch.equal(twice[name], once[name]) for name in once)
    assert not any("discriminator" in name for name in once)


def test_its_terms_are_noted(run):
    out, _, _ = run
    lines = [json.loads(line) for line in (out / "stats.jsonl").read_text().splitlines()]
    assert lines[-1]["images"] == 4
    assert not any("discriminator" in name for name in lines[-1])


def test_its_snapshot_renders(run, data, tmp_path):
    out, _, _ = run
    labels = data / "val" / "labels" / "0.png"
    assert cli.run(["synth", str(labels), "--model", str(out / "snapshot"), "--out", str(tmp_path)]) == 0
    with Image.open(tmp_path / "0.png") as photo:
        assert photo.size == (64, 64)
