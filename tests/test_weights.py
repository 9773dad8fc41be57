"""Weight files of others: tensors come out, code does not run."""

import pickle

import pytest
import torch

from intarsia.errors import CheckpointError
from intarsia.weights import WeightFile, find_weights, read_weights


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


WANTED = WeightFile("a network", "net.pth", "9f86d081", "its authors")


def test_a_published_file_is_found_by_name_and_checksum(tmp_path):
    (tmp_path / "net.pth").write_bytes(b"test")
    found = find_weights(WANTED, tmp_path)
    assert found.path == tmp_path / "net.pth"
    assert found.sha256 == "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    assert find_weights(WeightFile("a network", "net.pth", "", "its authors"), tmp_path) == found


def test_a_published_file_is_looked_for_in_torchs_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints/net.pth").write_bytes(b"test")
    assert find_weights(WANTED).path == tmp_path / "checkpoints/net.pth"


def test_a_published_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CheckpointError) as caught:
        find_weights(WANTED, tmp_path)
    assert str(caught.value) == (
        f"a network needs the weight file net.pth (its authors, SHA-256 9f86d081...), which is not in {tmp_path}. "
        "Put it there, or give the folder that holds it with --weights."
    )


def test_another_file_of_that_name_is_refused(tmp_path):
    (tmp_path / "net.pth").write_bytes(b"other")
    with pytest.raises(CheckpointError) as caught:
        find_weights(WANTED, tmp_path)
    assert str(caught.value) == (
        f"weight file {tmp_path}/net.pth is not that of a network: its SHA-256 begins with d9298a10, not 9f86d081. "
        "Get it again: its authors."
    )
