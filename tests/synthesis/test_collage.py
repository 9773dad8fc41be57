"""Collages: what is pasted where, what is left out, and what the label map becomes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from intarsia import cli, systems
from intarsia.blocks.frozen import freeze
from intarsia.conditioning.canvas import WHITE
from intarsia.errors import CheckpointError, ConfigError
from intarsia.labels import numbered
from intarsia.synthesis.collage import collage, shrunk, spread_out
from intarsia.synthesis.synthesiser import Synthesiser
from tests.synthesis.banks import small_bank
from tests.systems import matrix

ROLES = systems.preset("sims-tiny").config.roles


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    return small_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def generator():
    return freeze(matrix.build("sims-tiny").generator.eval())


def test_a_map_of_the_bank_gets_its_own_photo_back_but_for_what_is_left_out(bank, generator):
    labels = bank.labels[1].astype(np.int64)
    made = collage(generator, bank, labels, ROLES, seed=0)
    photo = bank.photos[1].astype(np.float32) / 255
    own = np.abs(made.canvas - photo).max(2) < 1e-6
    white, empty = (made.canvas == WHITE).all(2), (made.canvas == 0).all(2)
    assert (own | white | empty).all()
    assert own.mean() > 0.3
    assert white.any()
    assert np.array_equal(made.labels, labels)
    assert made.lacking == ()


def test_other_seeds_paste_other_segments_and_the_same_seed_the_same(bank, generator):
    labels = bank.labels[1].astype(np.int64)
    first, again, other = (collage(generator, bank, labels, ROLES, seed) for seed in (4, 4, 5))
    assert np.array_equal(first.canvas, again.canvas)
    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.canvas, other.canvas)


def test_a_class_that_is_not_in_the_bank_stays_empty_and_is_named(bank, generator):
    labels = np.zeros((64, 64), np.int64)
    labels[20:50, 20:50] = 4
    without = replace(bank, label_of=np.where(bank.label_of == 4, 3, bank.label_of), _indices={})
    made = collage(generator, without, labels, ROLES, seed=0)
    assert made.lacking == (bank.label_space.classes[4].name,)
    assert ((made.canvas[20:50, 20:50] == 0).all(2) | (made.labels[20:50, 20:50] == 0)).all()


def test_a_collage_spreads_to_a_larger_map_and_changes_labels_only_where_it_did(bank, generator):
    small = bank.labels[2].astype(np.int64)
    large = torch.from_numpy(small).repeat_interleave(2, 0).repeat_interleave(2, 1)
    large[0, 1] = 5 - large[0, 1]  # detail that the small map does not have
    made = collage(generator, bank, shrunk(large, (64, 64)), ROLES, seed=3)
    canvas, labels = spread_out(made, large)
    assert canvas.shape == (3, 128, 128)
    same = torch.from_numpy(made.labels == small).repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert torch.equal(labels[same], large[same])
    assert torch.equal(labels[::2, ::2], torch.from_numpy(made.labels))


def test_a_bank_of_another_label_space_is_refused(bank, snapshot_of):
    synthesiser = Synthesiser.from_pretrained(snapshot_of("sims-tiny"))
    with pytest.raises(CheckpointError) as caught:
        synthesiser.paste_from(replace(bank, label_space=numbered("seven", 7)))
    assert str(caught.value) == (
        "model sims-tiny is of label space sims-tiny (6 channels, the data has 7 of seven). "
        "Use data of the same label space."
    )


def test_without_a_bank_photos_follow_from_the_labels_and_with_one_from_the_seed(bank, snapshot_of):
    synthesiser = Synthesiser.from_pretrained(snapshot_of("sims-tiny"))
    scene = synthesiser.scene(bank.labels[0][:50, :40])
    assert scene.render().shape == (50, 40, 3)
    assert np.array_equal(scene.render(seed=0), scene.render(seed=1))
    synthesiser.paste_from(bank)
    photos = [scene.render(seed=seed) for seed in (1, 1, 2)]
    assert np.array_equal(photos[0], photos[1])
    assert not np.array_equal(photos[0], photos[2])


def test_a_bank_is_for_models_that_paste(bank, snapshot_of):
    synthesiser = Synthesiser.from_pretrained(snapshot_of("crn-tiny"))
    with pytest.raises(ConfigError) as caught:
        synthesiser.paste_from(bank)
    assert str(caught.value) == "model crn-tiny pastes no segments. Leave the segment bank out."


def test_from_training_to_photos_in_the_shell(tmp_path, capsys):
    """Train, build a bank, render: two seeds paste two collages."""
    from tests.training.scene import write_data

    data = write_data(tmp_path / "data", pairs=4, size=64)
    run, bank = tmp_path / "run", tmp_path / "bank"
    of_data = ["--data", str(data)]
    assert cli.run(["train", "--preset", "sims-tiny", *of_data, "--out", str(run), "--images", "2"]) == 0
    assert cli.run(["bank", "build", "--preset", "sims-tiny", *of_data, "--out", str(bank)]) == 0
    assert f"wrote {bank}: " in capsys.readouterr().out
    synth = ["synth", str(data / "val" / "labels" / "0.png"), "--model", str(run / "snapshot")]
    assert cli.run([*synth, "--out", str(tmp_path / "pasted"), "--bank", str(bank), "--variants", "2"]) == 0
    assert "differ by 0.00" not in capsys.readouterr().out
    assert cli.run([*synth, "--out", str(tmp_path / "empty")]) == 0
    assert "notice: no segment bank given (--bank): nothing is pasted" in capsys.readouterr().err
    assert cli.run([*synth, "--out", str(tmp_path / "empty"), "--variants", "2"]) == 2
    assert capsys.readouterr().err.endswith(
        "error: model sims-tiny draws no noise: all --variants would be alike. Leave the option out.\n"
    )


def test_a_preset_that_pastes_nothing_has_no_bank(tmp_path, capsys):
    command = ["bank", "build", "--preset", "crn-tiny", "--data", "nowhere", "--out", str(tmp_path / "bank")]
    assert cli.run(command) == 2
    assert capsys.readouterr().err == (
        "error: preset crn-tiny pastes no segments. Choose one that starts with sims-.\n"
    )
