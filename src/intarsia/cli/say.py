"""What commands say while they work; all of it goes to stderr, so that stdout stays what was asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def notice(text: str) -> None:
    """One line that a person should know and that stops nothing."""
    print(f"notice: {text}", file=sys.stderr)


def progress(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    """The items, with a bar that is drawn on terminals only and wiped at the end."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(items, what, total, console=console, transient=True, disable=not console.is_terminal)
