"""A run that was killed, interrupted or out of time goes on as if nothing had happened."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from intarsia import systems
from intarsia.checkpoints.state import TENSORS, state_folders
from intarsia.checkpoints.tensors import read_tensors
from intarsia.systems import SYSTEMS
from intarsia.training.loop import Ending
from tests.systems.matrix import SMALL, build
from tests.training.scene import mini_system, run_mini, write_data

IMAGES = 48
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def straight(data, tmp_path_factory):
    """A run that nobody disturbed."""
    out = tmp_path_factory.mktemp("straight")
    run_mini(data, out, IMAGES)
    return out


def start(data, out):
    command = [sys.executable, "-m", "tests.training.scene", data, out, str(IMAGES)]
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def wait_until(run, happened):
    while run.poll() is None and not happened():
        time.sleep(0.001)
    assert run.poll() is None, "the run ended before the moment to end it"


def images_saved(out):
    states = state_folders(out / "states")
    return int(states[-1].name) if states else 0


def final_tensors(out):
    return read_tensors(state_folders(out / "states")[-1] / TENSORS)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_killed_during_a_write_and_at_a_random_moment_it_ends_with_the_same_bits(data, straight, tmp_path):
    out = tmp_path / "killed"
    moments = [
        lambda: images_saved(out) >= IMAGES // 4 and list(out.glob("states/.*.part")),
        lambda: images_saved(out) >= IMAGES // 2,
    ]
    for happened in moments:
        run = start(data, out)
        wait_until(run, happened)
        if happened is moments[-1]:
            time.sleep(random.random() * 0.1)
        run.kill()
        run.communicate()
    assert run_mini(data, out, IMAGES) == Ending(IMAGES, "goal")
    assert not list(out.rglob(".*"))
    assert same(final_tensors(out), final_tensors(straight))
    snapshots = [read_tensors(run / "snapshot/generator.safetensors") for run in (out, straight)]
    assert same(*snapshots)
    lines = [json.loads(line)["images"] for line in (out / "stats.jsonl").read_text().splitlines()]
    assert lines == sorted(set(lines))
    assert lines[-1] == IMAGES


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_iteration_end_and_saves(data, straight, tmp_path, number):
    system, calls = mini_system(), itertools.count(1)

    def signalled(batch, seeds):
        if next(calls) == 3:
            os.kill(os.getpid(), number)
        return system.condition(batch, seeds)

    before = signal.getsignal(number)
    ending = run_mini(data, tmp_path, IMAGES, system=replace(system, condition=signalled), state_minutes=60)
    assert ending == Ending(12, "asked")
    assert images_saved(tmp_path) == 12
    assert signal.getsignal(number) is before
    run_mini(data, tmp_path, IMAGES)
    assert same(final_tensors(tmp_path), final_tensors(straight))


def test_when_the_time_is_over_it_saves_and_the_next_call_goes_on(data, straight, tmp_path):
    ending = run_mini(data, tmp_path, 10**6, minutes=0.5 / 60, state_minutes=60)
    assert ending.reason == "minutes"
    assert 0 < ending.images == images_saved(tmp_path)
    assert (tmp_path / "snapshot/card.json").exists()
    run_mini(data, tmp_path, IMAGES)
    assert same(final_tensors(tmp_path), final_tensors(straight)) or ending.images > IMAGES


def test_a_run_at_its_goal_is_left_as_it_is(data, straight):
    before = final_tensors(straight)
    assert run_mini(data, straight, IMAGES) == Ending(IMAGES, "goal")
    assert same(final_tensors(straight), before)


def test_a_longer_goal_goes_on_from_the_end(data, tmp_path):
    run_mini(data, tmp_path / "once", 16)
    run_mini(data, tmp_path / "twice", 8)
    run_mini(data, tmp_path / "twice", 16)
    assert same(final_tensors(tmp_path / "twice"), final_tensors(tmp_path / "once"))


@pytest.fixture(scope="module")
def larger(tmp_path_factory):
    """Photos that the small presets can cut from."""
    return write_data(tmp_path_factory.mktemp("larger") / "rectangles", size=72, instances=True)


@pytest.mark.parametrize("preset", [next(name for name in SMALL if name.startswith(system)) for system in SYSTEMS])
def test_every_system_goes_on_bit_for_bit(larger, tmp_path, preset):
    batch = systems.preset(preset).recipe.batch
    run_mini(larger, tmp_path / "straight", 2 * batch, system=build(preset), state_minutes=60)
    for images in (batch, 2 * batch):
        run_mini(larger, tmp_path / "stopped", images, system=build(preset), state_minutes=60)
    assert same(final_tensors(tmp_path / "stopped"), final_tensors(tmp_path / "straight"))
