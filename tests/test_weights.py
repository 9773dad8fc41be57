"""Weight files of others: tensors come out, code does not run."""

import pickle

import pytest
import torch

from intarsia.errors import CheckpointError
from intarsia.weights import read_weights


class Trap:
    """Runs code when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


def refusal(path):
    with pytest.raises(CheckpointError) as caught:
        read_weights(path)
    return str(caught.value)


DAMAGED = (
    "weight file {} cannot be read: it is damaged, or holds more than tensors. "
    "Give a state dict saved as .pth or .safetensors."
)


def test_a_missing_file(tmp_path):
    path = tmp_path / "none.pth"
    assert refusal(path) == f"weight file {path} does not exist. Give a .pth or .safetensors file."


@pytest.mark.parametrize("name", ["text.pth", "text.safetensors", "empty.pth", "empty.safetensors"])
def test_a_file_of_another_kind(tmp_path, name):
    path = tmp_path / name
    path.write_text("no weights" * 100 * name.startswith("text"))
    assert refusal(path) == DAMAGED.format(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_truncated_file(tmp_path, suffix):
    from safetensors.torch import save_file

    path = tmp_path / f"half{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)({"weight": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:-1000])
    assert refusal(path) == DAMAGED.format(path)


def test_code_in_a_file_is_not_run(tmp_path):
    mark = tmp_path / "ran"
    for path, save in ((tmp_path / "trap.pth", torch.save), (tmp_path / "old.pth", None)):
        if save:
            save({"weight": Trap(mark)}, path)
        else:
            path.write_bytes(pickle.dumps({"weight": Trap(mark)}))
        assert refusal(path) == DAMAGED.format(path)
    assert not mark.exists()


@pytest.mark.parametrize("value", [torch.zeros(3), {"epoch": 3}, {"state_dict": {"weight": torch.zeros(1)}}])
def test_something_else_than_a_state_dict(tmp_path, value):
    path = tmp_path / "other.pth"
    torch.save(value, path)
    assert refusal(path) == f"weight file {path} holds no state dict. Give one: tensors by name, nothing around them."
