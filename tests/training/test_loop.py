"""What a run refuses, and what stops it, word for word."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from intarsia import labels
from intarsia.checkpoints.snapshot import load_card
from intarsia.checkpoints.state import state_folders
from intarsia.checkpoints.tensors import read_tensors
from intarsia.errors import CheckpointError, ConfigError, TrainingError
from intarsia.records import stack
from intarsia.training import loop
from tests.training.scene import RECIPE, launched, mini_system, run_mini, write_data

MEND = "Lower the rates or change the seed."


def stats(out):
    return [json.loads(line) for line in (out / "stats.jsonl").read_text().splitlines()]


def test_a_run_writes_snapshot_states_grids_and_stats(data, tmp_path):
    run_mini(data, tmp_path, 16)
    assert {path.name for path in tmp_path.iterdir()} == {"snapshot", "states", "grids", "stats.jsonl", "tensorboard"}
    assert [path.name for path in state_folders(tmp_path / "states")] == ["000000012", "000000016"]
    with Image.open(tmp_path / "grids/000000016.png") as grid:
        assert grid.size == (3 * 16, loop.GRID_ROWS * 16)
    (line,) = stats(tmp_path)
    assert set(line) == {
        *("images", "seconds", "images_per_second", "peak_mb"),
        *("gan", "feature_matching", "saturated", "fake", "real", "generator_rate", "discriminator_rate"),
    }
    card = load_card(tmp_path / "snapshot")
    assert (card.system, card.preset, card.config) == ("mini", "mini", {"labels": 6, "width": 8, "drop": 0.1})
    assert card.label_space == labels.numbered("rectangles", 6)
    assert card.training.images == 16
    assert card.training.data == data.name


def test_the_snapshot_is_the_settled_average(data, tmp_path):
    run_mini(data, tmp_path, 16)
    weights = read_tensors(tmp_path / "snapshot/generator.safetensors")
    state = read_tensors(state_folders(tmp_path / "states")[-1] / "tensors.safetensors")
    average = {name.removeprefix("networks/average/"): t for name, t in state.items() if name.startswith("networks/av")}
    assert weights.keys() == average.keys()
    differing = {name for name in weights if not torch.equal(weights[name], average[name])}
    assert differing == {"norm.moments.running_mean", "norm.moments.running_var"}


def test_a_run_can_start_with_the_networks_of_another_and_optimisers_of_its_own(data, tmp_path):
    run_mini(data, tmp_path / "small", 8)
    larger = mini_system(replace(RECIPE, crop_size=(20, 20), generator_rate=0.0, discriminator_rate=0.0))
    said = []
    run_mini(data, tmp_path / "large", 4, system=larger, start=tmp_path / "small", say=said.append)
    assert said == [f"starting with the networks of {tmp_path}/small/states/000000008"]
    before, after = (
        read_tensors(state_folders(tmp_path / run / "states")[-1] / "tensors.safetensors") for run in ("small", "large")
    )
    weights = [name for name in before if name.startswith("networks/") and name.endswith((".weight", ".bias"))]
    assert weights
    assert all(torch.equal(before[name], after[name]) for name in weights if "average" not in name)
    assert all(after[name] == 1 for name in after if name.startswith("optimisers/") and "/step/" in name)


def test_a_run_to_start_from_must_have_a_state_and_fit(data, tmp_path):
    with pytest.raises(CheckpointError) as told:
        run_mini(data, tmp_path / "large", 4, start=tmp_path / "small")
    assert str(told.value) == (
        f"{tmp_path}/small holds no state of a run to start from. Give the --out of another run."
    )
    run_mini(data, tmp_path / "small", 4)
    with pytest.raises(CheckpointError) as told:
        run_mini(data, tmp_path / "large", 4, system=mini_system(width=4), start=tmp_path / "small")
    assert str(told.value) == (
        f"{tmp_path}/small/states/000000004 has start.weight as 8x6x3x3 where its configuration makes 4x6x3x3. "
        "It belongs to another one."
    )


def test_without_an_average_the_snapshot_is_the_generator(data, tmp_path):
    run_mini(data, tmp_path, 8, system=mini_system(replace(RECIPE, average=None)))
    weights = read_tensors(tmp_path / "snapshot/generator.safetensors")
    state = read_tensors(state_folders(tmp_path / "states")[-1] / "tensors.safetensors")
    assert not [name for name in state if "average" in name]
    assert all(torch.equal(tensor, state[f"networks/generator/{name}"]) for name, tensor in weights.items())


def test_without_a_discriminator_the_generator_is_trained_alone(data, tmp_path):
    recipe = replace(RECIPE, generator_weights={"brightness": 1.0}, discriminator_weights={}, generator_rate=0.1)
    system = mini_system(recipe)
    system = replace(system, discriminator=None, generator_terms=lambda round: {"brightness": round.fake.image.mean()})
    run_mini(data, tmp_path, 8, system=system)
    assert stats(tmp_path)[-1]["brightness"] < 0
    assert "discriminator_rate" not in stats(tmp_path)[-1]


def test_rates_follow_the_schedule_by_epoch(data, tmp_path):
    # 8 photos, batch 4: two iterations an epoch; 2 epochs stay and 2 fall.
    source = loop.Batches
    rates = []
    for images in range(4, 33, 4):
        run_mini(data, tmp_path, images, state_minutes=60)
        rates.append(stats(tmp_path)[-1]["generator_rate"] / RECIPE.generator_rate)
    assert source is loop.Batches
    assert rates == [1, 1, 1, 1, 1, 1, 0.5, 0.5]


def test_a_batch_that_cannot_be_cut_is_refused(data, tmp_path):
    with pytest.raises(ConfigError) as caught:
        run_mini(data, tmp_path, 8, accumulate=3)
    assert str(caught.value) == (
        "a batch of 4 cannot be cut into 3 equal shares (1 devices, accumulate 3). Choose a multiple of 3."
    )


def test_another_recipe_is_refused_naming_all_that_differs(data, tmp_path):
    run_mini(data, tmp_path, 4)
    other = mini_system(replace(RECIPE, batch=8, generator_weights={"gan": 2.0, "feature_matching": 10.0}))
    with pytest.raises(CheckpointError) as caught:
        run_mini(data, tmp_path, 8, system=other, seed=1)
    assert str(caught.value) == (
        f"{tmp_path}/states/000000004 was trained otherwise: recipe.batch was 4 and is 8; "
        "recipe.generator_weights.gan was 1.0 and is 2.0; seed was 0 and is 1. Use the same options, or another --out."
    )


def test_another_label_space_is_refused(data, tmp_path):
    run_mini(data, tmp_path / "out", 4)
    other = write_data(tmp_path / "other")
    space = labels.numbered("crossings", 6)
    renamed = replace(space, classes=(*space.classes[:2], replace(space.classes[2], name="sky"), *space.classes[3:]))
    renamed.save(other / "label_space.json")
    with pytest.raises(CheckpointError) as caught:
        run_mini(other, tmp_path / "out", 8)
    assert str(caught.value) == (
        f"{tmp_path}/out/states/000000004 is of label space rectangles (class 2 class 2 where the data has 2 sky of "
        "crossings). Use data of the same label space."
    )


def test_a_damaged_state_gives_way_to_the_one_before_it(data, tmp_path):
    run_mini(data, tmp_path / "straight", 16)
    run_mini(data, tmp_path / "damaged", 12)
    newest = tmp_path / "damaged/states/000000012/tensors.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1000])
    said = []
    run_mini(data, tmp_path / "damaged", 16, say=said.append)
    assert said == [
        f"{newest} cannot be read (incomplete metadata, file not fully covered). Copy it again, it is damaged or cut "
        "short. Going back to the state before it.",
        f"going on from {tmp_path}/damaged/states/000000008",
    ]
    final = [read_tensors(tmp_path / out / "states/000000016/tensors.safetensors") for out in ("damaged", "straight")]
    assert all(torch.equal(final[0][name], final[1][name]) for name in final[1])


def spoiled(system, after, spoil):
    """The system, whose generator terms are spoilt after so many rounds."""
    rounds = iter(range(after))

    def terms(round):
        made = system.generator_terms(round)
        return made if next(rounds, None) is not None else spoil(made)

    return replace(system, generator_terms=terms)


def test_a_term_that_is_not_finite_stops_and_names_the_last_good_state(data, tmp_path):
    system = spoiled(mini_system(), 2, lambda terms: terms | {"gan": terms["gan"] * float("nan")})
    with pytest.raises(TrainingError) as caught:
        run_mini(data, tmp_path, 40, system=system)
    assert str(caught.value) == (
        "training stopped after 8 images: the term gan became nan. "
        f"The last good state is {tmp_path}/states/000000008. {MEND}"
    )
    assert [path.name for path in state_folders(tmp_path / "states")] == ["000000004", "000000008"]


def test_a_term_that_is_never_finite_stops_without_a_state(data, tmp_path):
    system = spoiled(mini_system(), 0, lambda terms: terms | {"gan": terms["gan"] * float("inf")})
    with pytest.raises(TrainingError) as caught:
        run_mini(data, tmp_path, 40, system=system)
    assert str(caught.value) in [
        f"training stopped after 0 images: the term gan became {value}. No state was saved before. {MEND}"
        for value in ("inf", "-inf")
    ]


class Blown(torch.autograd.Function):
    """Finite forward, and a gradient that is not."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * float("nan")


def test_weights_that_are_not_finite_are_never_saved(data, tmp_path):
    system = mini_system()
    rounds = iter(range(1))

    def terms(round):
        made = system.discriminator_terms(round)
        return made if next(rounds, None) is not None else made | {"real": Blown.apply(made["real"])}

    with pytest.raises(TrainingError) as caught:
        run_mini(data, tmp_path, 40, system=replace(system, discriminator_terms=terms))
    assert str(caught.value) == (
        "training stopped after 8 images: labels.weight of the discriminator is not finite. "
        f"The last good state is {tmp_path}/states/000000004. {MEND}"
    )
    assert [path.name for path in state_folders(tmp_path / "states")] == ["000000004"]


def test_images_that_stay_saturated_stop_it(data, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "HOPELESS", 3)
    system = mini_system()
    with torch.no_grad():
        system.generator.to_image.bias.fill_(50)
    with pytest.raises(TrainingError) as caught:
        run_mini(data, tmp_path, 40, system=system)
    assert str(caught.value) == (
        "training stopped after 12 images: images have been saturated at -1 and 1 for 3 iterations. "
        f"The last good state is {tmp_path}/states/000000008. {MEND}"
    )


def test_the_view_is_the_same_every_time(data):
    from intarsia.data.sources import open_source

    watched = open_source(str(data), "val")
    first, second = (stack(loop.views(mini_system(), watched, 6)) for _ in range(2))
    assert torch.equal(first.image, second.image)
    assert len(set(first.names)) == loop.GRID_ROWS
    assert np.isfinite(first.image.numpy()).all()


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_it_trains_on_a_gpu_in_every_precision(data, tmp_path, precision):
    from lightning_fabric import Fabric

    fabric = Fabric(accelerator="cuda", devices=1, precision=precision)
    fabric.launch()
    run_mini(data, tmp_path, 16, fabric=fabric, precision=precision)
    run_mini(data, tmp_path, 32, fabric=fabric, precision=precision)
    assert stats(tmp_path)[-1]["images"] == 32
    assert "cuda_peak_mb" in stats(tmp_path)[-1]


def test_bf16_runs_on_a_cpu_too(data, tmp_path):
    run_mini(data, tmp_path, 8, fabric=launched(1, "bf16-mixed"), precision="bf16-mixed")
    with pytest.raises(CheckpointError, match="precision was bf16-mixed and is 32-true"):
        run_mini(data, tmp_path, 16)


def scored(values):
    """A score whose values are given, in the order in which it is asked."""
    left = iter(values)
    return loop.Score("distance", lambda generator: next(left))


def test_the_best_snapshot_is_kept_apart_from_the_last(data, tmp_path):
    said = []
    run_mini(data, tmp_path, 12, score=scored([3.0, 1.0, 2.0, 2.5]), say=said.append)
    assert load_card(tmp_path / "snapshot").training.images == 12
    best = load_card(tmp_path / "best")
    assert (best.training.images, best.scores) == (8, {"distance": 1.0})
    assert said == [
        "distance 3.0000 after 4 images, the best so far",
        "distance 1.0000 after 8 images, the best so far",
        "distance 2.0000 after 12 images, the best was 1.0000",
        "distance 2.5000 after 12 images, the best was 1.0000",
    ]
    assert [line["distance"] for line in stats(tmp_path) if "distance" in line] == [3.0, 1.0, 2.0, 2.5]


def test_a_run_that_goes_on_remembers_its_best(data, tmp_path):
    run_mini(data, tmp_path, 4, score=scored([1.0, 2.0]))
    run_mini(data, tmp_path, 8, score=scored([3.0, 0.5]))
    assert load_card(tmp_path / "best").scores == {"distance": 0.5}
    run_mini(data, tmp_path, 12, score=scored([0.7, 0.6]))
    assert load_card(tmp_path / "best").training.images == 8


def test_a_best_snapshot_of_another_run_is_not_overwritten(data, tmp_path):
    run_mini(data, tmp_path, 4, score=scored([1.0, 2.0]))
    shutil.rmtree(tmp_path / "states")
    with pytest.raises(ConfigError) as told:
        run_mini(data, tmp_path, 4, score=scored([1.0, 2.0]))
    assert str(told.value) == f"{tmp_path}/best is the best of a run that left no state. Choose another --out."
