"""One thread that computes, and the queue before it.

Whatever was taken in is answered: with a result, with its error, or with `SupersededError` if its client sent something
newer before its turn came. Closing lets the thread finish what it has.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from intarsia.errors import IntarsiaError

MOST_CLIENTS = 4096  # whose latest sequence is remembered
SMOOTHING = 0.1  # share of the newest time in the mean time of a job


class SupersededError(IntarsiaError):
    """A newer request of the same client came before this one's turn."""


@dataclass(eq=False)
class Job:
    """A piece of work for the thread."""

    work: Callable[[], Any]
    client: str | None = None  # of clients that are named, only the latest waits
    sequence: int = 0
    kind: Hashable = None  # jobs of one kind may be done together
    given: Any = None  # what `Engine.together` is given of each
    future: Future[Any] = field(default_factory=Future)


@dataclass(eq=False)
class Engine:
    """The thread, its queue, and the latest sequence of each client."""

    together: Callable[[Sequence[Any]], Sequence[Any]]  # does jobs of one kind: their `given` -> their results
    batch: int  # of these, at most
    watch: Callable[[int, float], None] = lambda jobs, seconds: None  # told of each batch
    seconds: float = 0.1  # a job takes, on average
    _waiting: deque[Job] = field(default_factory=deque)
    _latest: OrderedDict[str, int] = field(default_factory=OrderedDict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _closing: bool = False
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Open the thread."""
        self._thread = threading.Thread(target=self._run, name="intarsia engine")
        self._thread.start()

    def close(self) -> None:
        """Finish what was taken in, and close the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def submit(self, job: Job) -> Future[Any]:
        """Take a job in. Older jobs of its client that wait are dropped, and so is the job if it is older itself."""
        with self._changed:
            if job.client is not None:
                latest = self._latest.get(job.client, job.sequence)
                if job.sequence < latest:
                    job.future.set_exception(_superseded(job, latest))
                    return job.future
                self._remember(job.client, job.sequence)
            self._waiting.append(job)
            self._changed.notify()
        return job.future

    @property
    def waiting(self) -> int:
        """Jobs whose turn has not come."""
        return len(self._waiting)

    def _remember(self, client: str, sequence: int) -> None:
        self._latest[client] = sequence
        self._latest.move_to_end(client)
        if len(self._latest) > MOST_CLIENTS:
            self._latest.popitem(last=False)
        for job in [other for other in self._waiting if other.client == client and other.sequence < sequence]:
            self._waiting.remove(job)
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(_superseded(job, sequence))

    def _run(self) -> None:
        while jobs := self._next():
            began = time.perf_counter()
            self._do(jobs)
            took = time.perf_counter() - began
            self.seconds += SMOOTHING * (took / len(jobs) - self.seconds)
            self.watch(len(jobs), took)

    def _next(self) -> list[Job]:
        """The job whose turn it is and others of its kind; none once all is done and the engine closes."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    return []
                first = self._waiting.popleft()
                alike = [job for job in self._waiting if job.kind is not None and job.kind == first.kind]
                jobs = [first, *alike[: self.batch - 1]]
                for job in jobs[1:]:
                    self._waiting.remove(job)
                # Who asked may have gone and cancelled; what begins can no longer be cancelled.
                if begun := [job for job in jobs if job.future.set_running_or_notify_cancel()]:
                    return begun

    def _do(self, jobs: list[Job]) -> None:
        if len(jobs) > 1:
            try:
                results = self.together([job.given for job in jobs])
            except Exception:
                # One of them may be at fault: each gets what it gets alone.
                pass
            else:
                for job, result in zip(jobs, results, strict=True):
                    job.future.set_result(result)
                return
        for job in jobs:
            try:
                job.future.set_result(job.work())
            except Exception as error:
                job.future.set_exception(error)


def _superseded(job: Job, sequence: int) -> SupersededError:
    return SupersededError(
        f"request {job.sequence} of client {job.client} was superseded by its request {sequence}. Wait for that one."
    )
