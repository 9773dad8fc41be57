"""States: everything that training changes, whole or not at all."""

import copy
import json

import pytest
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from intarsia.checkpoints.state import Facts, Parts, check_same_run, newest_state, save_state, state_folders
from intarsia.errors import CheckpointError, StorageError


def parts_of(seed, steps=2):
    """A network in channels-last and its optimiser after some steps."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters(), 0.1, fused=True)
    for _ in range(steps):
        optimiser.zero_grad()
        network(torch.randn(2, 3, 8, 8)).square().sum().backward()
        optimiser.step()
    return Parts({"generator": network, "average": copy.deepcopy(network)}, {"generator": optimiser})


def facts(images):
    return Facts(images=images, seconds=1.5, run={"seed": 0, "recipe": {"batch": 4}}, scaler={})


def step(parts):
    """One more step, the same for equal parts."""
    torch.manual_seed(5)
    network, optimiser = parts.networks["generator"], parts.optimisers["generator"]
    optimiser.zero_grad()
    network(torch.randn(2, 3, 8, 8)).square().sum().backward()
    optimiser.step()
    return parts.tensors()


def test_a_state_gives_back_networks_and_optimisers_to_the_bit(tmp_path):
    before, after = parts_of(0), parts_of(1, steps=0)
    save_state(tmp_path, facts(8), before)
    saved = newest_state(tmp_path, print)
    after.fill(saved.tensors, saved.path)
    assert saved.facts == facts(8)
    one, other = step(before), step(after)
    assert one.keys() == other.keys()
    assert "optimisers/generator/exp_avg_sq/0.weight" in one
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name])
        assert tensor.stride() == other[name].stride()


def test_the_last_two_stay(tmp_path):
    for images in (8, 16, 24):
        save_state(tmp_path, facts(images), parts_of(0))
    assert [path.name for path in state_folders(tmp_path)] == ["000000016", "000000024"]
    assert newest_state(tmp_path, print).facts.images == 24


def test_without_a_state_there_is_none(tmp_path):
    assert newest_state(tmp_path, print) is None
    assert newest_state(tmp_path / "none", print) is None


def test_a_missing_file_falls_back_with_a_notice(tmp_path):
    for images in (8, 16):
        save_state(tmp_path, facts(images), parts_of(0))
    (tmp_path / "000000016/state.json").write_text("{")
    said = []
    assert newest_state(tmp_path, said.append).facts.images == 8
    assert len(said) == 1
    assert said[0].startswith(f"{tmp_path}/000000016/state.json cannot be read (")
    assert said[0].endswith("It is damaged or cut short. Going back to the state before it.")
    (tmp_path / "000000016/state.json").unlink()
    assert newest_state(tmp_path, said.append).facts.images == 8


def test_when_all_are_damaged_it_is_an_error(tmp_path):
    for images in (8, 16):
        save_state(tmp_path, facts(images), parts_of(0))
        (tmp_path / f"{images:09d}/tensors.safetensors").unlink()
    with pytest.raises(CheckpointError) as caught:
        newest_state(tmp_path, lambda line: None)
    assert str(caught.value) == (
        f"no state in {tmp_path} can be read: {tmp_path}/000000008/tensors.safetensors does not exist. "
        "Give a folder that Intarsia wrote. Or remove the folder to start anew."
    )


def test_a_state_of_another_format_is_refused(tmp_path):
    path = save_state(tmp_path, facts(8), parts_of(0)) / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))
    with pytest.raises(CheckpointError, match="has format 2; this version reads format 1"):
        newest_state(tmp_path, print)


def test_a_full_disk_leaves_older_states_as_they_are(tmp_path, monkeypatch):
    save_state(tmp_path, facts(8), parts_of(0))

    def full_disk(*_arguments):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(safetensors.torch, "save_file", full_disk)
    with pytest.raises(StorageError) as caught:
        save_state(tmp_path, facts(16), parts_of(0))
    assert str(caught.value) == (
        f"cannot write {tmp_path}/000000016: the disk is full. Free some space or choose another folder."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["000000008"]
    assert newest_state(tmp_path, print).facts.images == 8


def test_another_network_is_refused(tmp_path):
    save_state(tmp_path, facts(8), parts_of(0))
    saved = newest_state(tmp_path, print)
    other = Parts({"generator": nn.Conv2d(3, 4, 3)}, {})
    with pytest.raises(CheckpointError, match="000000008 lacks weight, which its configuration asks for"):
        other.fill(saved.tensors, saved.path)


def test_what_differs_is_named(tmp_path):
    save_state(tmp_path, facts(8), parts_of(0))
    saved = newest_state(tmp_path, print)
    check_same_run(saved, {"seed": 0, "recipe": {"batch": 4}}, {})
    with pytest.raises(CheckpointError) as caught:
        check_same_run(saved, {"recipe": {"batch": 4, "betas": (0.0, 0.9)}, "seed": 2}, {})
    assert str(caught.value) == (
        f"{tmp_path}/000000008 was trained otherwise: recipe.betas.0 was absent and is 0.0; "
        "recipe.betas.1 was absent and is 0.9; seed was 0 and is 2. Use the same options, or another --out."
    )
