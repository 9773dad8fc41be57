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
        minutes: that this call may take.
        state_minutes: between states.
        grid_minutes: between sample grids.
    """

    def __init__(self, spent: float, minutes: float, state_minutes: float, grid_minutes: float) -> None:
        self.spent, self.minutes = spent, minutes
        self.state, self.grid = _Interval(60 * state_minutes), _Interval(60 * grid_minutes)
        self.start = self.lap = time.monotonic()
        self.slowest = 0.0

    def seconds(self) -> float:
        """Spent so far, in all calls."""
        return self.spent + time.monotonic() - self.start

    def is_late(self) -> bool:
        """Whether another lap as slow as the slowest would end too late; asked once a lap.

        A lap is an iteration and what it saves, so that the last state is in time as well.
        """
        now = time.monotonic()
        self.slowest = max(self.slowest, now - self.lap)
        self.lap = now
        return now + self.slowest - self.start >= 60 * self.minutes


class _Interval:
    """True once every so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.last = seconds, time.monotonic()

    def is_due(self) -> bool:
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
