"""ZIP files: written as they are, and looked through before anything in them is believed."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath

from intarsia.errors import DataError

MOST_ENTRIES = 1000
MOST_UNPACKED = 512 * 2**20
"""Bytes."""
# What a damaged, encrypted or unknown ZIP makes the standard library raise.
UNREADABLE = (zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, NotImplementedError, EOFError, OSError)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Named files as a ZIP, stored: pictures do not get smaller. The same files make the same bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def check_zip(content: bytes, name: str) -> None:
    """Refuse what is no ZIP, or one that would do harm where it is unpacked; `name` is what errors call it.

    Raises:
        DataError: it is damaged, or has too many entries or one that leads elsewhere, or unpacks to too much.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except UNREADABLE:
        raise DataError(f"{name} is no ZIP file. Export it again.") from None
    if len(entries) > MOST_ENTRIES:
        raise DataError(f"{name} has {len(entries)} entries. Keep {MOST_ENTRIES} or fewer.")
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
            raise DataError(f"{name} has an entry {entry.filename[:60]!r} that leads elsewhere. Rename it.")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MOST_UNPACKED:
        raise DataError(f"{name} unpacks to {unpacked} bytes, more than {MOST_UNPACKED}. Make it smaller.")


def read_zip(content: bytes, name: str) -> dict[str, bytes]:
    """The files of a ZIP, by their names.

    Raises:
        DataError: as `check_zip`, or an entry is damaged, encrypted, or larger than its head says.
    """
    check_zip(content, name)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # `read` stops at the size that was checked, and then finds the checksum wrong.
            return {entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()}
    except UNREADABLE:
        raise DataError(f"{name} is damaged. Export it again.") from None
