"""A tiny writer of TensorFlow's V2 checkpoints, after the format alone: what the reader is tested with."""

import struct
from pathlib import Path

import numpy as np

TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9}
MAGIC = 0xDB4775248B80FB57


def crc32c(data: bytes) -> int:
    checksum = 0xFFFFFFFF
    for byte in data:
        checksum ^= byte
        for _ in range(8):
            checksum = (checksum >> 1) ^ (0x82F63B78 if checksum & 1 else 0)
    return checksum ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    checksum = crc32c(data)
    return (((checksum >> 15) | (checksum << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def part(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def entry(array: np.ndarray, shard: int, offset: int) -> bytes:
    shape = b"".join(part(2, number(1, size)) for size in array.shape)
    content = number(1, TYPES[array.dtype.name]) + part(2, shape)
    if shard:
        content += number(3, shard)
    if offset:
        content += number(4, offset)
    return content + number(5, array.nbytes) + varint(6 << 3 | 5) + struct.pack("<I", masked(array.tobytes()))


def block(rows: list[tuple[bytes, bytes]], every: int = 16, kind: int = 0) -> bytes:
    """Entries with keys shortened by what they share with the one before, anew after every so many."""
    content, restarts, before = b"", [], b""
    for place, (key, value) in enumerate(rows):
        shared = 0
        if place % every == 0:
            restarts.append(len(content))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    content += b"".join(struct.pack("<I", start) for start in restarts or [0])
    content += struct.pack("<I", max(len(restarts), 1))
    return content + bytes([kind]) + struct.pack("<I", masked(content + bytes([kind])))


def write(
    prefix: Path, arrays: dict[str, np.ndarray], *, shards: int = 1, rows_in_block: int = 5, kind: int = 0
) -> None:
    """PREFIX.index and its shards; tensors go to the shards in turn."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    data, rows = [b""] * shards, [(b"", number(1, shards) + part(3, number(1, 1)))]
    for place, name in enumerate(sorted(arrays)):
        shard = place % shards
        rows.append((name.encode(), entry(arrays[name], shard, len(data[shard]))))
        data[shard] += arrays[name].tobytes()
    table, handles = b"", []
    for start in range(0, len(rows), rows_in_block):
        one = block(rows[start : start + rows_in_block], kind=kind)
        handles.append((rows[start : start + rows_in_block][-1][0], varint(len(table)) + varint(len(one) - 5)))
        table += one
    ends = []
    for one in (block([]), block(handles, every=1)):
        ends.append(varint(len(table)) + varint(len(one) - 5))
        table += one
    footer = b"".join(ends)
    table += footer + bytes(40 - len(footer)) + struct.pack("<Q", MAGIC)
    prefix.with_name(prefix.name + ".index").write_bytes(table)
    for shard, content in enumerate(data):
        prefix.with_name(f"{prefix.name}.data-{shard:05}-of-{shards:05}").write_bytes(content)
