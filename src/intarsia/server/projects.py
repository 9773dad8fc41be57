"""Projects on disk: ZIP files, kept as they came, under names that lead nowhere else."""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path

from intarsia.editing.archive import check_zip
from intarsia.errors import ConfigError
from intarsia.files import sweep, whole_file
from intarsia.server.catalogue import UnknownNameError, shown

NAME = r"[A-Za-z0-9][A-Za-z0-9 _-]{0,79}"
"""Names that are a file's on every system: no dot, no separator, no blank at the end."""
SUFFIX = ".zip"
DEVICES = re.compile(r"(con|prn|aux|nul|(com|lpt)\d)", re.IGNORECASE)  # what Windows keeps for itself


@dataclass(frozen=True)
class Project:
    """A project that is kept."""

    name: str
    bytes: int
    modified: float  # seconds since 1970


@dataclass(frozen=True)
class Projects:
    """The projects of a folder; it is made when the first one is saved."""

    folder: Path
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        if self.folder.exists() and not self.folder.is_dir():
            raise ConfigError(f"--projects {self.folder} is a file. Give a folder.")
        if self.folder.is_dir():
            sweep(self.folder)  # what a killed server left half-written

    def list(self) -> list[Project]:
        """All projects, by name."""
        if not self.folder.is_dir():
            return []
        found = [path for path in self.folder.iterdir() if path.suffix == SUFFIX and _is_name(path.stem)]
        stats = [(path.stem, path.stat()) for path in sorted(found)]
        return [Project(name, stat.st_size, stat.st_mtime) for name, stat in stats]

    def read(self, name: str) -> bytes:
        """A project's bytes as they were saved.

        Raises:
            ConfigError: it is no name of a project.
            UnknownNameError: there is none of that name.
        """
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            raise _unknown(name) from None

    def write(self, name: str, content: bytes) -> bool:
        """Save a project; one of the same name is replaced. Once this returns, it survives the process and the machine.

        Returns:
            Whether there was none of that name.

        Raises:
            ConfigError: it is no name of a project.
            DataError: the content is no ZIP that can be opened without harm.
            StorageError: the disk is full or the folder cannot be written.
        """
        path = self._path(name)
        check_zip(content, f"the project {name}")
        with self._lock:
            new = not path.exists()
            with whole_file(path) as temporary, temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            _settle(self.folder)
        return new

    def delete(self, name: str) -> None:
        """Remove a project.

        Raises:
            ConfigError: it is no name of a project.
            UnknownNameError: there is none of that name.
        """
        with self._lock:
            try:
                self._path(name).unlink()
            except FileNotFoundError:
                raise _unknown(name) from None
            _settle(self.folder)

    def _path(self, name: str) -> Path:
        if not _is_name(name):
            raise ConfigError(
                f"{shown(name)} is no name for a project. Give up to 80 letters, digits, blanks, _ and -, "
                "with a letter or digit first."
            )
        return self.folder / f"{name}{SUFFIX}"


def _is_name(name: str) -> bool:
    return bool(re.fullmatch(NAME, name)) and not name.endswith(" ") and not DEVICES.fullmatch(name)


def _unknown(name: str) -> UnknownNameError:
    return UnknownNameError(f"there is no project {shown(name)}. List them with GET /v1/projects.")


def _settle(folder: Path) -> None:
    """Make the folder's entries last through a loss of power, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
