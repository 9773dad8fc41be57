"""Snapshots: loaded without a flag, refused in one line."""

import errno
import json
from dataclasses import replace

import pytest
import safetensors.torch
import torch
from safetensors import SafetensorError

from intarsia import labels
from intarsia.checkpoints.snapshot import (
    Card,
    Training,
    check_label_space,
    load_card,
    load_generator,
    load_snapshot,
    save_snapshot,
)
from intarsia.checkpoints.tensors import read_tensors, write_tensors
from intarsia.conditioning.semantics import coded_labels
from intarsia.errors import CheckpointError, ConfigError, StorageError
from intarsia.records import Condition

SPACE = labels.numbered("six", 6, dont_care_ids=(255,))


@pytest.fixture
def snapshot(snapshot_of, tmp_path):
    """A copy that a test may spoil."""
    card, tensors = load_snapshot(snapshot_of("spade-tiny"))
    save_snapshot(tmp_path / "model", card, tensors)
    return tmp_path / "model"


def edit(folder, **changes):
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def refusal(error, action, *arguments):
    with pytest.raises(error) as caught:
        action(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_card_is_read_as_it_was_written(tmp_path):
    card = Card(
        system="spade",
        preset="spade-tiny",
        config={"labels": 7, "size": [32, 32]},
        label_space=SPACE,
        recipe={"betas": [0.0, 0.9]},
        training=Training(images=8, seconds=1.5, hardware="a lathe", versions={"torch": "2"}, seed=3, data="here"),
        scores={"kid_lite0": 0.25},
        licence="CC0-1.0",
    )
    save_snapshot(tmp_path / "model", card, {"weight": torch.ones(3)})
    read, tensors = load_snapshot(tmp_path / "model")
    assert read == card
    assert read.label_space == SPACE
    assert torch.equal(tensors["weight"], torch.ones(3))


def test_a_generator_is_loaded_ready_to_use(snapshot_of):
    card, generator = load_generator(snapshot_of("spade-tiny"))
    assert not generator.training
    assert not any(parameter.requires_grad for parameter in generator.parameters())
    weight = generator.decoder.to_image.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    semantics = coded_labels(torch.zeros(1, 32, 32, dtype=torch.int64), card.config["labels"])
    image = generator(Condition(semantics, (32, 32))).image
    assert image.shape == (1, 3, 32, 32)
    assert image.isfinite().all()


def test_weights_in_half_precision_are_loaded_as_float32(snapshot):
    card, tensors = load_snapshot(snapshot)
    save_snapshot(snapshot, card, {name: tensor.half() for name, tensor in tensors.items()})
    generator = load_generator(snapshot)[1]
    assert {tensor.dtype for tensor in generator.state_dict().values()} == {torch.float32}


def test_a_folder_without_a_card_is_no_snapshot(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        assert refusal(CheckpointError, load_card, folder) == (
            f"{folder} has no card.json, so it is no snapshot. Give a folder that Intarsia wrote."
        )


def test_a_damaged_card_is_refused(snapshot):
    (snapshot / "card.json").write_text('{"format": 1, "sys')
    assert refusal(CheckpointError, load_card, snapshot).startswith(f"{snapshot}/card.json cannot be read (")


@pytest.mark.parametrize("version", [2, "1", None])
def test_another_format_is_refused(snapshot, version):
    edit(snapshot, format=version)
    assert refusal(CheckpointError, load_card, snapshot) == (
        f"{snapshot}/card.json has format {version}; this version reads format 1. Update Intarsia."
    )


def test_a_malformed_card_is_refused_naming_the_place(snapshot):
    edit(snapshot, training={"images": "many"})
    assert refusal(CheckpointError, load_card, snapshot) == (
        f"{snapshot}/card.json is malformed at training.images (Input should be a valid integer, unable to parse "
        "string as an integer). Write it with save_snapshot."
    )
    edit(snapshot, training=None, lisence="CC0-1.0")
    assert "is malformed at lisence (Extra inputs are not permitted)" in refusal(CheckpointError, load_card, snapshot)


def test_a_malformed_label_space_is_refused(snapshot):
    edit(snapshot, label_space={"name": "none", "classes": []})
    assert refusal(CheckpointError, load_card, snapshot) == (
        f"{snapshot}/card.json is malformed: label space none has no classes. Give at least one."
    )


def test_missing_and_damaged_weights_are_refused(snapshot):
    weights = snapshot / "generator.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert refusal(CheckpointError, load_generator, snapshot) == (
        f"{weights} cannot be read (incomplete metadata, file not fully covered). "
        "Copy it again, it is damaged or cut short."
    )
    weights.unlink()
    assert refusal(CheckpointError, load_generator, snapshot) == (
        f"{weights} does not exist. Give a folder that Intarsia wrote."
    )


def test_weights_of_another_configuration_are_refused(snapshot):
    weights = snapshot / "generator.safetensors"
    tensors = read_tensors(weights)
    write_tensors(weights, tensors | {"decoder.to_image.bias": torch.zeros(4)})
    assert refusal(CheckpointError, load_generator, snapshot) == (
        f"{weights} has decoder.to_image.bias as 4 where its configuration makes 3. It belongs to another one."
    )


def test_an_unknown_system_or_setting_is_refused(snapshot):
    edit(snapshot, system="spaed")
    assert "no system is called spaed" in refusal(ConfigError, load_generator, snapshot)
    edit(snapshot, system="spade", config={"labels": 6, "wdith": 4})
    assert "wdith" in refusal(ConfigError, load_generator, snapshot)


def full_disk(*_arguments):
    raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")


def test_a_full_disk_leaves_the_old_snapshot_as_it_is(snapshot, monkeypatch):
    card, tensors = load_snapshot(snapshot)
    monkeypatch.setattr(safetensors.torch, "save_file", full_disk)
    assert refusal(StorageError, save_snapshot, snapshot, card, {"weight": torch.zeros(1)}) == (
        f"cannot write {snapshot}: the disk is full. Free some space or choose another folder."
    )
    assert load_snapshot(snapshot)[1].keys() == tensors.keys()
    assert [path.name for path in snapshot.parent.iterdir()] == ["model"]


def test_a_full_disk_at_the_card_is_one_line_too(tmp_path, monkeypatch):
    def refuse(path, *_arguments):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("pathlib.Path.write_text", refuse)
    card = Card(system="spade", preset="spade-tiny", config={}, label_space=SPACE)
    assert "the disk is full" in refusal(StorageError, save_snapshot, tmp_path / "model", card, {})
    assert list(tmp_path.iterdir()) == []


def test_label_spaces_are_compared_by_their_classes():
    recoloured = replace(SPACE, classes=tuple(replace(c, colour=(1, 2, 3)) for c in SPACE.classes))
    check_label_space(SPACE, recoloured, "model")
    assert refusal(CheckpointError, check_label_space, SPACE, labels.numbered("four", 4), "model") == (
        "model is of label space six (7 channels, the data has 4 of four). Use data of the same label space."
    )
    renamed = replace(SPACE, name="other", classes=(replace(SPACE.classes[0], name="sky"), *SPACE.classes[1:]))
    assert refusal(CheckpointError, check_label_space, SPACE, renamed, "model") == (
        "model is of label space six (class 0 class 0 where the data has 0 sky of other). "
        "Use data of the same label space."
    )
