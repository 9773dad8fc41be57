"""Two processes compute what one computes on the same batch, up to float32 rounding."""

import os
import subprocess
import sys
from pathlib import Path

import torch

from intarsia.checkpoints.state import TENSORS, state_folders
from intarsia.checkpoints.tensors import read_tensors
from tests.training.scene import run_split

IMAGES = 12
ROOT = Path(__file__).parents[2]


def final_tensors(out):
    return read_tensors(state_folders(out / "states")[-1] / TENSORS)


def test_two_processes_and_one_end_with_the_same_weights(data, tmp_path):
    run_split(data, tmp_path / "one", IMAGES, 1)
    command = [sys.executable, "-m", "tests.training.scene", data, tmp_path / "two", str(IMAGES), "2"]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=one_thread, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    one, two = final_tensors(tmp_path / "one"), final_tensors(tmp_path / "two")
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(
            two[name], tensor, rtol=1e-4, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )
