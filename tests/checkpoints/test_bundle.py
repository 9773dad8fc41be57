"""TensorFlow's checkpoints are read without TensorFlow, and damage is noticed."""

import numpy as np
import pytest
import torch

from intarsia.checkpoints.convert.bundle import crc32c, read_bundle
from intarsia.errors import CheckpointError
from tests.checkpoints import bundle_files

ARRAYS = {
    "g_4_conv1/weights": np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4),
    "g_4_conv1/LayerNorm/beta": np.linspace(-1, 1, 4, dtype=np.float32),
    "g_4_conv1/LayerNorm/gamma": np.full(4, 0.5, np.float32),
    "g_4_conv2/biases": np.ones(300, np.float32),
    "beta1_power": np.float32(0.9) * np.ones((), np.float32),
    "global_step": np.array(2**40, np.int64),
    "double": np.array([1 / 3]),
}


def everything(name):
    return True


def test_the_checksum_is_the_known_one():
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA


@pytest.mark.parametrize(("shards", "rows"), [(1, 100), (1, 3), (2, 1)])
def test_what_was_written_is_read(tmp_path, shards, rows):
    bundle_files.write(tmp_path / "model.ckpt", ARRAYS, shards=shards, rows_in_block=rows)
    for file in (tmp_path / "model.ckpt", tmp_path / "model.ckpt.index"):
        found = read_bundle(file, everything)
        assert found.keys() == ARRAYS.keys()
        for name, array in ARRAYS.items():
            assert found[name].shape == array.shape
            assert torch.equal(found[name], torch.from_numpy(np.array(array)))


def test_only_what_is_wanted_is_read(tmp_path):
    bundle_files.write(tmp_path / "model.ckpt", ARRAYS)
    assert list(read_bundle(tmp_path / "model.ckpt", lambda name: "gamma" in name)) == ["g_4_conv1/LayerNorm/gamma"]


def refusal(file):
    with pytest.raises(CheckpointError) as caught:
        read_bundle(file, everything)
    return str(caught.value)


def test_missing_files_are_named(tmp_path):
    prefix = tmp_path / "model.ckpt"
    assert refusal(prefix) == (
        f"weight file {prefix}.index does not exist. Give a TensorFlow checkpoint: the beginning that its files share, "
        "such as model.ckpt."
    )
    bundle_files.write(prefix, ARRAYS)
    data = tmp_path / "model.ckpt.data-00000-of-00001"
    data.unlink()
    assert refusal(prefix) == f"weight file {data} does not exist. Put it beside the index."


def test_a_damaged_tensor_is_named(tmp_path):
    prefix = tmp_path / "model.ckpt"
    bundle_files.write(prefix, ARRAYS)
    data = tmp_path / "model.ckpt.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[-1] ^= 1
    data.write_bytes(content)
    assert refusal(prefix) == f"weight file {data} is damaged at global_step. Copy it again."
    data.write_bytes(content[:-8])
    assert refusal(prefix) == f"weight file {data} is damaged at global_step. Copy it again."


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda table: table[:-1], "it does not end as one"),
        (lambda table: b"", "it does not end as one"),
        (lambda table: bytes([table[0] ^ 1]) + table[1:], "a checksum is wrong"),
    ],
)
def test_a_damaged_index_is_refused(tmp_path, spoil, why):
    index = tmp_path / "model.ckpt.index"
    bundle_files.write(tmp_path / "model.ckpt", ARRAYS)
    index.write_bytes(spoil(index.read_bytes()))
    assert refusal(index) == (
        f"weight file {index} cannot be read as the index of a TensorFlow checkpoint ({why}). Copy it again."
    )


def test_a_compressed_index_is_refused(tmp_path):
    bundle_files.write(tmp_path / "model.ckpt", ARRAYS, kind=1)
    assert "(it is compressed)" in refusal(tmp_path / "model.ckpt")
