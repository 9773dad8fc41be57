"""Results kept by content: what was computed of the same weights, pictures and choices is not computed again.

FOLDER/KEY/about.json     what was computed, of what
FOLDER/KEY/0-48.npz       the results of the pictures 0 to 47; each file appears whole, so a stopped evaluation goes on
FOLDER/KEY/value.json     where the result is one value
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from intarsia.files import whole_file

SHARD = 48
Facts = dict[str, Any]
"""Plain values, as they are written to JSON."""
Rows = dict[str, npt.NDArray[Any]]
"""Arrays by name; those of a set are those of its parts, one after the other."""
Watch = Callable[[Iterable[Sequence[int]], str, int], Iterable[Sequence[int]]]
"""Shows progress: (numbers of pictures by part, what is done, how many parts) -> the same parts."""


@dataclass(frozen=True)
class Store:
    """A folder of results; without one nothing is kept."""

    folder: Path | None = None

    def rows(
        self,
        about: Mapping[str, Any] | None,
        count: int,
        compute: Callable[[Sequence[int]], Rows],
        what: str,
        watch: Watch,
    ) -> Rows:
        """Arrays of `count` pictures, computed in parts.

        Args:
            about: all that the results depend on, plain values; None: they are not kept.
            count: of pictures.
            compute: the arrays of the pictures with the numbers given.
            what: is done, for the progress.
            watch: shows it.

        Raises:
            StorageError: a result cannot be written.
        """
        home = self._home(about)
        parts = [range(first, min(first + SHARD, count)) for first in range(0, count, SHARD)]
        found = [self._part(home, part, compute) for part in watch(parts, what, len(parts))]
        return {name: np.concatenate([rows[name] for rows in found]) for name in found[0]}

    def value(self, about: Mapping[str, Any] | None, compute: Callable[[], Facts]) -> Facts:
        """Plain values, computed once.

        Raises:
            StorageError: they cannot be written.
        """
        home = self._home(about)
        path = None if home is None else home / "value.json"
        if path is not None and path.is_file():
            try:
                kept: Facts = json.loads(path.read_bytes())
                return kept
            except ValueError:
                pass  # damaged: computed again
        made = compute()
        if path is not None:
            with whole_file(path) as temporary:
                temporary.write_text(json.dumps(made))
        return made

    def _home(self, about: Mapping[str, Any] | None) -> Path | None:
        if self.folder is None or about is None:
            return None
        text = json.dumps(about, sort_keys=True)
        home = self.folder / hashlib.sha256(text.encode()).hexdigest()[:32]
        if not (home / "about.json").is_file():
            with whole_file(home / "about.json") as temporary:
                temporary.write_text(json.dumps(about, sort_keys=True, indent=1) + "\n")
        return home

    def _part(self, home: Path | None, numbers: Sequence[int], compute: Callable[[Sequence[int]], Rows]) -> Rows:
        if home is None:
            return compute(numbers)
        path = home / f"{numbers[0]}-{numbers[-1] + 1}.npz"
        if path.is_file():
            try:
                with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                    return {name: kept[name] for name in kept.files}
            except (OSError, ValueError, EOFError, zipfile.BadZipFile):
                pass  # damaged: computed again
        rows = compute(numbers)
        with whole_file(path) as temporary:
            np.savez(temporary, **rows)  # type: ignore[arg-type]  # names are ours
        return rows
