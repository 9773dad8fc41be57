"""Systems without a discriminator: nothing of one is noted or kept, and their snapshots render."""

import json

import pytest
from PIL import Image

from intarsia import cli
from intarsia.checkpoints.state import TENSORS, state_folders
from intarsia.checkpoints.tensors import read_tensors
from tests.training.scene import write_data


@pytest.fixture(scope="module", params=["crn-tiny", "sims-tiny"])
def run(request, tmp_path_factory):
    """A short run through the command line, and its data."""
    folder = tmp_path_factory.mktemp("run")
    data = write_data(folder / "data", pairs=4, size=64)
    command = ["train", "--preset", request.param, "--data", str(data), "--out", str(folder / "run"), "--workers", "0"]
    assert cli.run([*command, "--images", "2"]) == 0
    return folder / "run", data


def test_nothing_of_a_discriminator_is_noted_or_kept(run):
    out, _ = run
    tensors = read_tensors(state_folders(out / "states")[-1] / TENSORS)
    assert {name.split("/")[1] for name in tensors if name.startswith("networks/")} == {"generator", "average"}
    lines = [json.loads(line) for line in (out / "stats.jsonl").read_text().splitlines()]
    assert lines[-1]["images"] == 2
    assert not any("discriminator" in name for name in [*lines[-1], *tensors])


def test_its_snapshot_renders(run, tmp_path):
    out, data = run
    labels = data / "val" / "labels" / "0.png"
    assert cli.run(["synth", str(labels), "--model", str(out / "snapshot"), "--out", str(tmp_path)]) == 0
    with Image.open(tmp_path / "0.png") as photo:
        assert photo.size == (64, 64)
