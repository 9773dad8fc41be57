"""Files appear whole or not at all: written under a temporary name beside the target, then renamed.

Temporary names are hidden and end in marks of our own, so that `sweep` takes nobody else's.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from intarsia.errors import StorageError

PART, OLD = ".intarsia.part", ".intarsia.old"


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; on success it becomes `target`, on any failure it is removed.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    with told(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        # The suffix stays last, since image writers choose the format by it.
        temporary = target.with_name(f".{target.stem}.{os.getpid()}{PART}{target.suffix}")
        try:
            yield temporary
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; on success it becomes `target` (an older one is replaced).

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    target = Path(os.path.abspath(target))  # "." has no name
    with told(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=PART, dir=target.parent))
        try:
            temporary.chmod(0o777 & ~umask())
            yield temporary
            if target.exists():
                old = temporary.with_name(temporary.name.removesuffix(PART) + OLD)
                os.replace(target, old)
                os.replace(temporary, target)
                shutil.rmtree(old)
            else:
                os.replace(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sweep(folder: Path) -> None:
    """Remove what a process that was killed in the midst of `whole_file` or `whole_folder` left in `folder`."""
    for pattern in (f".*{PART}*", f".*{OLD}"):
        for path in folder.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def umask() -> int:
    """The permissions that new files of this process lack; tools that make private files are opened up to it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextmanager
def told(target: Path) -> Iterator[None]:
    """Turn the operating system's refusal into one line that names the file and the mend."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(
                f"cannot write {target}: the disk is full. Free some space or choose another folder."
            ) from None
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise StorageError(
                f"cannot write {target}: permission denied. Choose a folder that you may write to."
            ) from None
        if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
            raise StorageError(f"cannot write {target}: {error.strerror}. Choose another name.") from None
        raise
