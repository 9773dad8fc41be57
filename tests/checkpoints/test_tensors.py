"""Files of tensors, and what is refused, word for word."""

import pytest
import torch
from torch import nn

from intarsia.checkpoints.tensors import fill, read_tensors, write_tensors
from intarsia.errors import CheckpointError


def test_what_was_written_is_read_in_any_memory_layout(tmp_path):
    tensors = {
        "weight": torch.randn(4, 3, 3, 3).to(memory_format=torch.channels_last),
        "count": torch.tensor(7),
        "part": torch.arange(6.0)[::2],
    }
    write_tensors(tmp_path / "file.safetensors", tensors)
    read = read_tensors(tmp_path / "file.safetensors")
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[name], tensor) for name, tensor in tensors.items())


def test_a_file_has_the_permissions_of_any_other(tmp_path):
    (tmp_path / "plain").touch()
    write_tensors(tmp_path / "file.safetensors", {"weight": torch.ones(1)})
    assert (tmp_path / "file.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_filling_keeps_kind_and_layout():
    network = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    tensors = {"weight": torch.randn(4, 3, 3, 3).half(), "bias": torch.randn(4)}
    weight = network.weight
    fill(network, tensors, "here")
    assert network.weight is weight
    assert weight.dtype == torch.float32
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(weight, tensors["weight"].float())


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(CheckpointError) as caught:
        read_tensors(tmp_path / "none.safetensors")
    assert str(caught.value) == f"{tmp_path}/none.safetensors does not exist. Give a folder that Intarsia wrote."


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a pickle in a zip archive", b"\x08\0\0\0\0\0\0\0{}      tail"])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "file.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        read_tensors(path)
    assert str(caught.value).startswith(f"{path} cannot be read (")
    assert str(caught.value).endswith("). Copy it again, it is damaged or cut short.")


def test_a_file_cut_short_is_refused(tmp_path):
    path = tmp_path / "file.safetensors"
    write_tensors(path, {"weight": torch.zeros(1000)})
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(CheckpointError) as caught:
        read_tensors(path)
    assert str(caught.value) == (
        f"{path} cannot be read (incomplete metadata, file not fully covered). "
        "Copy it again, it is damaged or cut short."
    )


def refused(tensors):
    network = nn.Linear(3, 2)
    before = network.weight.clone()
    with pytest.raises(CheckpointError) as caught:
        fill(network, tensors, "run/generator.safetensors")
    assert torch.equal(network.weight, before)
    return str(caught.value)


def test_tensors_that_do_not_fit_are_refused_by_name_and_shape():
    assert refused({"weight": torch.zeros(2, 3)}) == (
        "run/generator.safetensors lacks bias, which its configuration asks for. It belongs to another one."
    )
    assert refused({"weight": torch.zeros(2, 3), "bias": torch.zeros(5)}) == (
        "run/generator.safetensors has bias as 5 where its configuration makes 2. It belongs to another one."
    )
    assert refused({"weight": torch.zeros(2, 4), "bias": torch.zeros(2)}) == (
        "run/generator.safetensors has weight as 2x4 where its configuration makes 2x3. It belongs to another one."
    )
    assert refused({"weight": torch.zeros(2, 3), "bias": torch.zeros(2), "extra": torch.zeros(1)}) == (
        "run/generator.safetensors has extra, which its configuration does not know. It belongs to another one."
    )
