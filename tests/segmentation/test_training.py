"""Training a segmenter: it learns, and a run that was stopped goes on as if nothing had happened."""

import json
import math
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

from intarsia.checkpoints.state import TENSORS, state_folders
from intarsia.checkpoints.tensors import read_tensors
from intarsia.data.sources import open_source
from intarsia.errors import CheckpointError, ConfigError, TrainingError
from intarsia.evaluation.recognition import recognise
from intarsia.segmentation import training
from intarsia.segmentation.augmentation import Augmentation
from intarsia.segmentation.segmenter import Segmenter
from intarsia.segmentation.training import Plan, Recipe, progress, share_of_rate
from intarsia.training.loop import Ending
from tests.segmentation.scene import RECIPE, run_mini


def final_tensors(out):
    return read_tensors(state_folders(out / "states")[-1] / TENSORS)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def refusal(error, *arguments, **options):
    with pytest.raises(error) as caught:
        run_mini(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_run_writes_snapshot_states_and_stats(run):
    assert {path.name for path in run.iterdir()} == {"snapshot", "states", "stats.jsonl", "tensorboard"}
    assert [path.name for path in state_folders(run / "states")] == ["000000012", "000000016"]
    line = json.loads((run / "stats.jsonl").read_text().splitlines()[-1])
    assert set(line) - {"cuda_peak_mb"} == {
        *("images", "seconds", "images_per_second", "peak_mb", "cross_entropy", "overlap", "share_of_rate")
    }


def test_it_learns_its_photos(data, tmp_path):
    recipe = replace(RECIPE, augmentation=Augmentation(crop_size=(64, 64), jitter=0, blurred=0, noisy=0))
    run_mini(data, tmp_path, recipe=recipe, width=6, images=640, state_minutes=60)
    found = recognise(Segmenter.from_pretrained(tmp_path / "snapshot"), open_source(str(data), "train"))
    assert found.total.accuracy() > 0.8


def test_the_snapshot_is_the_average_with_settled_statistics(run):
    weights = read_tensors(run / "snapshot/segmenter.safetensors")
    average = {
        name.removeprefix("networks/average/"): tensor
        for name, tensor in final_tensors(run).items()
        if name.startswith("networks/average/")
    }
    assert weights.keys() == average.keys()
    for name, tensor in weights.items():
        if name.endswith(("running_mean", "running_var")):
            assert not torch.equal(tensor, average[name])
        elif tensor.is_floating_point():
            assert torch.equal(tensor, average[name].to(tensor.dtype))


def test_a_signal_lets_the_iteration_end_and_the_same_call_goes_on_to_the_same_bits(data, run, tmp_path, monkeypatch):
    iterate, calls = training.iterate, []

    def signalled(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return iterate(*arguments)

    monkeypatch.setattr(training, "iterate", signalled)
    assert run_mini(data, tmp_path, images=16, state_minutes=60) == Ending(8, "asked")
    said = []
    assert run_mini(data, tmp_path, images=16, say=said.append) == Ending(16, "goal")
    assert said == [f"going on from {tmp_path}/states/000000008"]
    assert same(final_tensors(tmp_path), final_tensors(run))
    snapshots = [read_tensors(out / "snapshot/segmenter.safetensors") for out in (tmp_path, run)]
    assert same(*snapshots)


def test_reading_ahead_changes_nothing(data, run, tmp_path):
    run_mini(data, tmp_path, images=16, workers=2)
    assert same(final_tensors(tmp_path), final_tensors(run))


def test_minutes_are_those_of_all_calls_and_a_run_whose_time_is_over_is_left_as_it_is(data, tmp_path):
    ending = run_mini(data, tmp_path, minutes=1 / 60, state_minutes=60)
    assert ending.reason == "minutes"
    assert ending.images > 0
    before = final_tensors(tmp_path)
    assert run_mini(data, tmp_path, minutes=1e-6) == ending
    assert same(final_tensors(tmp_path), before)
    assert (tmp_path / "snapshot/card.json").exists()


def test_the_rate_rises_and_falls_to_zero_with_images_or_minutes():
    recipe = Recipe(warm_up=0.1)
    assert [share_of_rate(recipe, share) for share in (0, 0.05, 0.5, 1)] == pytest.approx(
        [0, 0.5 * (0.5 + 0.5 * math.cos(0.05 * math.pi)), 0.5, 0], abs=1e-12
    )
    by_images, by_minutes = Plan(out="", images=200), Plan(out="", minutes=2.0)
    assert progress(by_images, 50, 1e9) == 0.25
    assert progress(by_minutes, 10**9, 30.0) == 0.25
    assert progress(by_minutes, 0, 121.0) == 1


def test_what_differs_from_the_run_before_is_refused(data, run):
    assert refusal(CheckpointError, data, run, images=16, width=3) == (
        f"{run}/states/000000016 was trained otherwise: config.width was 2 and is 3. "
        "Use the same options, or another --out."
    )
    assert refusal(CheckpointError, data, run, images=16, recipe=replace(RECIPE, batch=2), seed=1) == (
        f"{run}/states/000000016 was trained otherwise: recipe.batch was 4 and is 2; seed was 0 and is 1. "
        "Use the same options, or another --out."
    )


def test_a_crop_that_the_network_cannot_halve_is_refused(data, tmp_path):
    recipe = replace(RECIPE, augmentation=Augmentation(crop_size=(32, 40)))
    assert refusal(ConfigError, data, tmp_path, images=4, recipe=recipe) == (
        "size 32x40 is no multiple of 32. Choose one that is."
    )


def test_a_loss_that_is_not_finite_ends_the_run_and_names_the_last_good_state(data, tmp_path, monkeypatch):
    run_mini(data, tmp_path, images=4)
    before = final_tensors(tmp_path)
    monkeypatch.setattr(training, "overlap_loss", lambda logits, _labels: logits.sum() * np.nan)
    assert refusal(TrainingError, data, tmp_path, images=8) == (
        "training stopped after 4 images: the loss became nan, its gradient nan. "
        f"The last good state is {tmp_path}/states/000000004. Lower the rates or change the seed."
    )
    assert same(final_tensors(tmp_path), before)


def test_labels_nobody_gave_are_not_learnt(data, run):
    source = open_source(str(data), "train")
    prepared = training.prepare(RECIPE, 2, source, Plan(run, images=4, workers=0), print)
    batch = prepared.batches.at(0)
    batch.labels.fill_(6)
    terms = training.iterate(prepared, batch, 0, 0.0)
    assert terms["cross_entropy"] == 0
    assert not any(parameter.grad.any() for parameter in prepared.network.parameters())


def test_pixels_of_rare_classes_count_more(data):
    source = open_source(str(data), "train")
    labels = np.concatenate([source.pair(number).labels.ravel() for number in range(len(source))])
    shares = np.bincount(labels, minlength=6)[:6] / labels.size
    weights = training.class_weights(source, 0.5).numpy()
    assert weights[6] == 0
    assert (weights[:6] * shares).sum() == pytest.approx(1, rel=1e-5)
    ratios = weights[:6] * np.sqrt(shares)
    assert ratios == pytest.approx(np.full(6, ratios[0]), rel=1e-4)
    assert training.class_weights(source, 0.0)[:6].numpy() == pytest.approx(np.ones(6), rel=1e-5)


def test_cross_entropy_is_torchs_where_something_is_labelled():
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 6, 4, 4), torch.randint(7, (2, 4, 4))
    weights = torch.tensor([1.0, 2, 0.5, 1, 1, 3, 0])
    expected = torch.nn.functional.cross_entropy(logits, labels, weights[:6], ignore_index=6)
    torch.testing.assert_close(training.cross_entropy(logits, labels, weights), expected)
