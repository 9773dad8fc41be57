"""Files that commands take and files that they write."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from intarsia.errors import ConfigError, DataError


def scratch_folder(data: str) -> Path:
    """Where what is computed from a data set may be kept for other runs: in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return Path(cache or Path.home() / ".cache") / "intarsia" / data


def files_of(given: Sequence[Path], suffixes: tuple[str, ...], none: str) -> list[Path]:
    """The files given, and of the folders given those with a suffix, by name.

    Raises:
        DataError: a folder has no such file; `none` says so.
    """
    found: list[Path] = []
    for path in given:
        inside = [path]
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in suffixes and not p.name.startswith("."))
        if not inside:
            raise DataError(f"folder {path} {none}")
        found += inside
    return found


def named_after(
    inputs: Sequence[Path], out: Path, made: str, others: Iterable[Path | None] = (), *, copies: int = 1
) -> list[Path]:
    """Where what is made of each input goes: `out`/NAME.png, or NAME-1.png to NAME-N.png for each of N `copies`.

    `made` is what errors call it.

    Raises:
        ConfigError: two inputs have one name, or one of them or of `others` would be replaced.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file. Give a folder.")
    kept = {path.resolve() for path in (*inputs, *others) if path is not None}
    by_target: dict[Path, Path] = {}
    for path, target in [(one, target) for one in inputs for target in _targets(one, out, copies)]:
        if by_target.get(target, Path()).resolve() == path.resolve():
            raise ConfigError(f"{path} is given twice. Give it once.")
        if target in by_target:
            raise ConfigError(f"{by_target[target]} and {path} would both be written to {target}. Rename one.")
        if target.resolve() in kept:
            raise ConfigError(f"the {made} of {path} would replace {target}. Choose another --out.")
        by_target[target] = path
    return list(by_target)


def _targets(path: Path, out: Path, copies: int) -> list[Path]:
    if copies == 1:
        return [out / f"{path.stem}.png"]
    return [out / f"{path.stem}-{number}.png" for number in range(1, copies + 1)]
