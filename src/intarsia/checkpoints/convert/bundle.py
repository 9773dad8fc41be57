"""TensorFlow's checkpoint files (the V2 "tensor bundle"), read without TensorFlow.

PREFIX.index is a sorted string table, the format of LevelDB's tables: blocks of entries, each key written as what it
does not share with the one before; a block that says where the blocks are; a footer that says where that is. The value
of the empty key is a header, that of any other name a message with type, shape, shard, place and checksum of a tensor.
PREFIX.data-00000-of-00001 and so on hold the tensors' bytes, little-endian. Messages are in protocol buffers' wire
format. Checksums are CRC-32C, masked as LevelDB does.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from intarsia import kernels
from intarsia.errors import CheckpointError

MAGIC = 0xDB4775248B80FB57
FOOTER, TRAILER = 48, 5
TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}
"""By TensorFlow's number of a type: those that trainings save."""


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies."""

    type: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int


@dataclass
class Message:
    """The fields of a protocol buffer by number: numbers, or bytes."""

    numbers: dict[int, int] = field(default_factory=dict)
    parts: dict[int, list[bytes]] = field(default_factory=dict)


def read_bundle(file: Path, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    """The tensors of a checkpoint whose names are `wanted`, on the CPU.

    Args:
        file: the common beginning of the files' names (`model.ckpt`), or the index itself (`model.ckpt.index`).
        wanted: called with each name that the index has.

    Raises:
        CheckpointError: a file is missing or damaged, or of a kind that is not read.
    """
    prefix = file.with_suffix("") if file.suffix == ".index" else file
    index = prefix.with_name(prefix.name + ".index")
    try:
        table = index.read_bytes()
    except FileNotFoundError:
        raise CheckpointError(
            f"weight file {index} does not exist. Give a TensorFlow checkpoint: the beginning that its files share, "
            "such as model.ckpt."
        ) from None
    try:
        shards, entries = _parsed(table)
    except (ValueError, IndexError, KeyError, struct.error, UnicodeDecodeError) as error:
        raise CheckpointError(
            f"weight file {index} cannot be read as the index of a TensorFlow checkpoint ({error}). Copy it again."
        ) from None
    return {name: _tensor(prefix, name, entry, shards) for name, entry in entries.items() if wanted(name)}


def crc32c(data: bytes) -> int:
    """The CRC-32C (Castagnoli) checksum."""
    return int(kernels.crc32c(np.frombuffer(data, np.uint8), CRC_TABLE))


def masked(checksum: int) -> int:
    """A checksum as it is stored beside data that may hold checksums."""
    return (((checksum >> 15) | (checksum << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _tensor(prefix: Path, name: str, entry: Entry, shards: int) -> Tensor:
    path = prefix.with_name(f"{prefix.name}.data-{entry.shard:05}-of-{shards:05}")
    if entry.type not in TYPES:
        raise CheckpointError(f"weight file {path} has {name} of type {entry.type}, which is not read. Leave it out.")
    try:
        with path.open("rb") as data:
            data.seek(entry.offset)
            read = data.read(entry.size)
    except FileNotFoundError:
        raise CheckpointError(f"weight file {path} does not exist. Put it beside the index.") from None
    values = np.frombuffer(read, TYPES[entry.type]) if len(read) == entry.size else np.empty(0)
    if values.size != int(np.prod(entry.shape)) or masked(crc32c(read)) != entry.checksum:
        raise CheckpointError(f"weight file {path} is damaged at {name}. Copy it again.")
    return torch.from_numpy(values.reshape(entry.shape).copy())


def _parsed(table: bytes) -> tuple[int, dict[str, Entry]]:
    """The number of shards, and all entries by name."""
    if len(table) < FOOTER or struct.unpack("<Q", table[-8:])[0] != MAGIC:
        raise ValueError("it does not end as one")
    place = len(table) - FOOTER
    for _ in range(2):  # where the block of other facts is, of which there are none
        _, place = _varint(table, place)
    offset, place = _varint(table, place)
    size, _ = _varint(table, place)
    values: dict[bytes, bytes] = {}
    for _, handle in _block(table, offset, size):
        at, after = _varint(handle, 0)
        values |= dict(_block(table, at, _varint(handle, after)[0]))
    header = _message(values.pop(b""))
    if header.numbers.get(2, 0):
        raise ValueError("it is big-endian")
    return header.numbers.get(1, 1), {name.decode(): _entry(value) for name, value in sorted(values.items())}


def _entry(value: bytes) -> Entry:
    message = _message(value)
    if 7 in message.parts:
        raise ValueError("it holds tensors in slices")
    shape = _message(b"".join(message.parts.get(2, [])))
    numbers = message.numbers
    return Entry(
        type=numbers[1],
        shape=tuple(_message(size).numbers.get(1, 0) for size in shape.parts.get(2, [])),
        shard=numbers.get(3, 0),
        offset=numbers.get(4, 0),
        size=numbers.get(5, 0),
        checksum=numbers[6],
    )


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The entries of a block: key and value."""
    content = table[offset : offset + size]
    kind, checksum = struct.unpack("<BI", table[offset + size : offset + size + TRAILER])
    if masked(crc32c(content + bytes([kind]))) != checksum:
        raise ValueError("a checksum is wrong")
    if kind:
        raise ValueError("it is compressed")
    restarts = struct.unpack("<I", content[-4:])[0]
    end, place, key = len(content) - 4 * (restarts + 1), 0, b""
    while place < end:
        shared, place = _varint(content, place)
        own, place = _varint(content, place)
        length, place = _varint(content, place)
        key = key[:shared] + content[place : place + own]
        place += own + length
        yield key, content[place - length : place]


def _message(data: bytes) -> Message:
    message, place = Message(), 0
    while place < len(data):
        tag, place = _varint(data, place)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            message.numbers[number], place = _varint(data, place)
        elif wire == 2:
            length, place = _varint(data, place)
            message.parts.setdefault(number, []).append(data[place : place + length])
            place += length
        elif wire == 5:
            message.numbers[number] = struct.unpack("<I", data[place : place + 4])[0]
            place += 4
        else:
            raise ValueError(f"it has a field of wire type {wire}")
    return message


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the place behind it."""
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place


def _crc_table() -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    """What each byte does to the checksum."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0x82F63B78), table >> 1).astype(np.uint32)
    return table


CRC_TABLE = _crc_table()
