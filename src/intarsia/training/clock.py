"""When a run stops and when it saves."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, current_thread, main_thread
from types import FrameType


class Clock:
    """Seconds spent, and what they make due.

    Args:
        spent: seconds before this call.
        minutes: that this call may take, saving included.
        state_minutes: between states.
        grid_minutes: of the whole run: the first sample grid, and the time between the others.
        saving_laps: iterations that saving is thought to last, until it was measured.
    """

    def __init__(
        self, spent: float, minutes: float, state_minutes: float, grid_minutes: tuple[float, float], saving_laps: float
    ) -> None:
        self.spent, self.minutes, self.saving_laps = spent, minutes, saving_laps
        self.state, self.grid_minutes = Interval(60 * state_minutes), grid_minutes
        self.start = self.lap = time.monotonic()
        self.grids = self._grids_by_now()
        self.laps, self.slowest = 0, 0.0
        self.saving_seconds: float | None = None

    def seconds(self) -> float:
        """Spent so far, in all calls."""
        return self.spent + time.monotonic() - self.start

    def is_late(self) -> bool:
        """Whether another iteration, as slow as the slowest, and saving would end too late; asked before each."""
        now = time.monotonic()
        if self.laps > 1:  # The first one also loads kernels and fills caches.
            self.slowest = max(self.slowest, now - self.lap)
        self.laps += 1
        self.lap = now
        saving = self.saving_laps * self.slowest if self.saving_seconds is None else self.saving_seconds
        return now + self.slowest + saving - self.start >= 60 * self.minutes

    def grid_is_due(self) -> bool:
        """Whether the time of another sample grid has come since this was last asked, or since the call began."""
        before, self.grids = self.grids, self._grids_by_now()
        return self.grids > before

    def _grids_by_now(self) -> int:
        (first, every), minutes = self.grid_minutes, self.seconds() / 60
        return int(minutes >= first) + int(minutes // every)

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Around what is saved: measured, and not taken for a part of the iteration."""
        begin = time.monotonic()
        yield
        self.saving_seconds = time.monotonic() - begin
        self.lap += self.saving_seconds


class Interval:
    """Due once every so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.last = seconds, time.monotonic()

    def is_due(self) -> bool:
        """Whether the time has come; if so, it begins anew."""
        now = time.monotonic()
        due = now - self.last >= self.seconds
        if due:
            self.last = now
        return due


@contextmanager
def asked_to_stop() -> Iterator[Event]:
    """An event that Ctrl-C or SIGTERM sets, so that the iteration is finished; a second one ends at once."""
    asked = Event()
    if current_thread() is not main_thread():
        yield asked
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(number: int, frame: FrameType | None) -> None:
        asked.set()
        restore()

    for number in before:
        signal.signal(number, ask)
    try:
        yield asked
    finally:
        restore()
