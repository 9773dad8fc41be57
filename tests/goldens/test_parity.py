"""Our parts compute what the published implementations compute, on every road to the numbers."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.goldens import parity
from tests.goldens.parts import PARTS

GOLDENS = sorted(parity.find(Path(__file__).parent))


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_part_computes_the_published_numbers(path):
    result = parity.check(path, PARTS)
    assert result.passed, str(result)


@pytest.fixture
def norm(tmp_path):
    """A copy of one golden, to spoil."""
    for suffix in (".json", ".npz"):
        shutil.copy(Path(__file__).parent / "spade" / f"norm-spade{suffix}", tmp_path / f"norm-spade{suffix}")
    return tmp_path / "norm-spade.json"


def test_a_missed_number_fails(norm):
    arrays = dict(np.load(norm.with_suffix(".npz")))
    arrays["out_y"][0, 0, 0, 0] += 2e-4
    np.savez(norm.with_suffix(".npz"), **arrays)
    result = parity.check(norm, PARTS)
    assert not result.passed
    assert str(result) == "spade/norm-spade  max 2.0e-04  FAILED"


def test_a_number_that_is_none_fails(norm):
    arrays = dict(np.load(norm.with_suffix(".npz")))
    arrays["out_y"][0, 0, 0, 0] = np.nan
    np.savez(norm.with_suffix(".npz"), **arrays)
    assert not parity.check(norm, PARTS).passed


def test_an_output_that_nobody_computes_fails(norm):
    arrays = dict(np.load(norm.with_suffix(".npz")))
    np.savez(norm.with_suffix(".npz"), **arrays, out_gamma=np.zeros(3))
    assert str(parity.check(norm, PARTS)) == "spade/norm-spade  FAILED  KeyError: 'gamma'"


def test_an_unknown_part_fails_and_the_others_go_on(norm, capsys):
    values = json.loads(norm.read_text())
    (norm.parent / "mystery.json").write_text(json.dumps(values | {"part": "mystery"}))
    shutil.copy(norm.with_suffix(".npz"), norm.parent / "mystery.npz")
    assert not parity.run([norm.parent], PARTS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "spade/mystery  FAILED  no part mystery of system spade is known"
    assert lines[1].startswith("spade/norm-spade  max ")
    assert lines[2] == "1 passed, 1 failed"


def test_a_weight_that_the_key_map_does_not_explain_fails(norm):
    values = json.loads(norm.read_text())
    values["state_dict"].append(["mlp_delta.weight", [3]])
    norm.write_text(json.dumps(values))
    assert str(parity.check(norm, PARTS)) == (
        "spade/norm-spade  FAILED  CheckpointError: weight file spade/norm-spade has mlp_delta.weight, "
        "which norm does not know. Choose the preset and network that it was trained as."
    )


def test_an_empty_folder_is_no_success(tmp_path):
    assert not parity.run([tmp_path], PARTS)
