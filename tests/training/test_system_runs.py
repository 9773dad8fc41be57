"""Systems that cut photos in their own way, or have a companion, train and deliver."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from intarsia import cli, systems
from intarsia.checkpoints.snapshot import load_snapshot
from intarsia.checkpoints.state import TENSORS, state_folders
from intarsia.checkpoints.tensors import read_tensors
from intarsia.data.sources import open_source
from intarsia.errors import ConfigError
from intarsia.labels import numbered
from intarsia.systems.system import Recipe
from intarsia.training import loop
from tests.training.scene import launched

TINY = systems.preset("safm-tiny").config


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    """Four photos of 72 pixels with label and instance maps, train and val alike."""
    root = tmp_path_factory.mktemp("streets")
    numbered("streets", 6).save(root / "label_space.json")
    draw = np.random.default_rng(0)
    for split in ("train", "val"):
        for kind in ("photos", "labels", "instances"):
            (root / split / kind).mkdir(parents=True)
        for number in range(4):
            photo = draw.integers(0, 256, (72, 72, 3), np.uint8)
            labels, instances = np.zeros((2, 72, 72), np.uint8)
            for item in range(1, 6):
                top, left = draw.integers(0, 50, 2)
                labels[top : top + 20, left : left + 14] = item
                instances[top : top + 20, left : left + 14] = item
            for kind, array in (("photos", photo), ("labels", labels), ("instances", instances)):
                Image.fromarray(array).save(root / split / kind / f"{number}.png")
    return root


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(loop, "SETTLING", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def train(data, out, preset, images):
    arguments = ["--preset", preset, "--data", str(data), "--out", str(out), "--workers", "0", "--images", str(images)]
    assert cli.run(["train", *arguments]) == 0


def final(out):
    return read_tensors(state_folders(out / "states")[-1] / TENSORS)


def test_the_companion_learns_is_kept_and_is_not_delivered(streets, tmp_path):
    train(streets, tmp_path / "run", "safm-tiny", 2)
    tensors = final(tmp_path / "run")
    torch.manual_seed(0)
    recipe = systems.preset("safm-tiny").recipe
    fresh = systems.build("safm", systems.for_label_space(TINY, numbered("streets", 6)), recipe)
    entry = "last.weight"
    assert not torch.equal(tensors[f"networks/companion/{entry}"], fresh.companion.state_dict()[entry])
    assert f"optimisers/generator/exp_avg/companion/{entry}" in tensors
    assert not any("companion" in name for name in load_snapshot(tmp_path / "run" / "snapshot")[1])


def test_descriptors_are_kept_between_runs(streets, tmp_path):
    for name in ("one", "two"):
        train(streets, tmp_path / name, "safm-tiny", 4)
        kept = sorted((tmp_path / "cache" / "intarsia" / streets.name).iterdir())
        # Four photos of each split, plain or mirrored.
        assert 4 < len(kept) <= 12


def test_a_term_counts_from_its_first_epoch_on(streets, tmp_path):
    source, learnt = open_source(str(streets), "train"), []
    for first in (1, 2):
        recipe = Recipe(
            {"real_segmentation": 1.0, "fake_segmentation": 1.0},
            {"fake": 1.0},
            batch=2,
            load_size=(64, 64),
            crop_size=(64, 64),
            first_epochs={"fake_segmentation": first},
        )
        system = systems.build("safm", systems.for_label_space(TINY, source.label_space), recipe)
        loop.train(launched(), system, source, source, loop.Plan(tmp_path / str(first), 2, workers=0), print)
        # Until then no term of this recipe teaches the generator anything.
        learnt.append("optimisers/generator/exp_avg/decoder.to_image.weight" in final(tmp_path / str(first)))
    assert learnt == [True, False]


def test_a_first_epoch_of_no_term_is_refused(streets, tmp_path):
    source = open_source(str(streets), "train")
    recipe = Recipe({"gan": 1.0}, {}, batch=2, load_size=(64, 64), crop_size=(64, 64), first_epochs={"style": 2})
    system = systems.build("safm", systems.for_label_space(TINY, source.label_space), recipe)
    with pytest.raises(ConfigError) as caught:
        loop.train(launched(), system, source, source, loop.Plan(tmp_path, 2, workers=0), print)
    assert str(caught.value) == "the recipe says when the term style begins, and does not weigh it. Leave it out."


def test_snapshots_edit_and_render(streets, tmp_path):
    train(streets, tmp_path / "editor", "sesame-tiny", 2)
    train(streets, tmp_path / "renderer", "safm-tiny", 2)
    photo, labels = (str(streets / "val" / kind / "0.png") for kind in ("photos", "labels"))
    edited = str(tmp_path / "edited.png")
    arguments = ["--hole", "box:8,8,30,30", "--model", str(tmp_path / "editor" / "snapshot"), "--out", edited]
    assert cli.run(["edit", photo, labels, *arguments]) == 0
    made = [
        ["synth", labels, "--model", str(tmp_path / "renderer" / "snapshot"), "--out", str(tmp_path / out), *more]
        for out, more in (("plain", []), ("objects", ["--instances", str(streets / "val" / "instances")]))
    ]
    assert [cli.run(arguments) for arguments in made] == [0, 0]
    assert all(Path(path).is_file() for path in (edited, tmp_path / "plain" / "0.png", tmp_path / "objects" / "0.png"))
