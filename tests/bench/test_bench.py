import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from intarsia.bench.machine import interleaved
from intarsia.bench.peak import peak_mb
from intarsia.bench.scenes import region_map, system_for
from intarsia.bench.train import Contestant, gradient_differences
from intarsia.cli import run

KEYS = {"dense_s", "coded_s", "ratio", "ratio_labels_unchanged", "max_difference", "dense_peak_mb", "coded_peak_mb"}


def hundred_megabytes() -> object:
    return lambda: torch.ones(25_000_000).sum()


@pytest.mark.parametrize("what", ["synth", "train"])
def test_both_roads_are_measured_and_agree(what: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", what, "--preset", "spade-tiny", "--size", "64x64", "--repeats", "1", "--json"]) == 0
    measured = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert measured.keys() >= KEYS | {"machine", "preset", "size", "seed", "repeats", "batch"}
    assert 0 < measured["max_difference"] < 1e-5
    assert measured["ratio"] == measured["dense_s"] / measured["coded_s"]
    assert measured["machine"]["threads"] == torch.get_num_threads()


def test_a_step_that_shares_its_fake_makes_one_image() -> None:
    labels = region_map(0, 6, 32, 32, 8)[None]
    system = system_for("pix2pixhd-tiny", (32, 32), 0)
    assert gradient_differences(system, labels)["max_difference"] < 1e-12
    contestant = Contestant.of(system, labels, dense=False)
    made: list[object] = []
    contestant.system.generator.register_forward_hook(lambda *of: made.append(of))
    contestant.stepper()()
    assert len(made) == 1


def test_noise_in_the_map_is_rerolled_in_a_region(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "synth", "--preset", "oasis-tiny", "--size", "64x64", "--repeats", "1", "--json"]) == 0
    measured = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert measured["ratio_region_rerolled"] == measured["dense_s"] / measured["rerolled_s"]
    assert 0 < measured["max_difference"] < 1e-5


def test_a_system_without_a_discriminator_has_no_step_to_measure(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "train", "--preset", "crn-tiny", "--size", "32x32", "--json"]) == 2
    assert capfd.readouterr().err == (
        "error: preset crn-tiny has no discriminator, so that there is no round of it to measure. Choose another.\n"
    )


def test_peak_memory_counts_what_work_needs_and_not_what_stays() -> None:
    assert peak_mb(hundred_megabytes) == pytest.approx(100, abs=5)


def test_contestants_take_turns() -> None:
    order: list[str] = []
    seconds = interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 2)
    assert order == ["a", "b"] * 3
    assert seconds.keys() == {"a", "b"}


def test_a_region_map_is_made_by_its_seed() -> None:
    labels = region_map(3, 5, 20, 30, 8)
    assert labels.shape == (20, 30)
    assert torch.equal(labels, region_map(3, 5, 20, 30, 8))
    assert not torch.equal(labels, region_map(4, 5, 20, 30, 8))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "big"], "size big is not HEIGHTxWIDTH. Write for example 256x256."),
        (["--size", "40x64"], "size 40x64 is no multiple of 32. Choose one that is."),
    ],
)
def test_bad_sizes_are_told(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "synth", "--preset", "spade-tiny", *arguments]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_a_label_file_must_have_the_size_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (64, 32)).save(tmp_path / "map.png")
    status = run(["bench", "synth", "--preset", "spade-tiny", "--labels", str(tmp_path / "map.png"), "--size", "64x64"])
    assert status == 2
    assert capsys.readouterr().err == f"error: label map {tmp_path}/map.png is 32x64, not 64x64. Leave --size out.\n"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--regions", "0"], "--regions is 0. Give 1 or more."),
        (["--batch", "0"], "--batch is 0. Give 1 or more."),
        (["--repeats", "0"], "--repeats is 0. Give 1 or more."),
        (["--seed", "-1"], "--seed is -1. Give 0 or more."),
        (["--seed", str(2**63)], f"--seed is {2**63}. Give {2**63 - 1} or less."),
    ],
)
def test_numbers_out_of_bounds_are_told(option: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "synth", "--preset", "spade-tiny", *option]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"
