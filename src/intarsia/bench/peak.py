"""Peak memory of a piece of work, in a process of its own."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

Prepare = Callable[..., Callable[[], object]]


def peak_mb(prepare: Prepare, *args: Any) -> float:
    """Megabytes that `prepare(*args)()` needs at its peak, beyond what is held before its second run.

    `prepare` is a module-level function. What the first run leaves behind (weights, gradients, optimiser) is not
    counted. Linux only: resident memory is read from /proc, in a child process whose large blocks go back to the system
    when freed.
    """
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    before = os.environ.get("MALLOC_MMAP_THRESHOLD_")
    os.environ["MALLOC_MMAP_THRESHOLD_"] = "65536"
    try:
        child = context.Process(target=_measure, args=(results, prepare, args))
        child.start()
        while child.is_alive() and results.empty():
            child.join(0.1)
        if results.empty():
            raise MemoryError(f"measuring {prepare.__name__} ended with exit status {child.exitcode}")
        measured: float = results.get()
        child.join()
        return measured
    finally:
        os.environ.pop("MALLOC_MMAP_THRESHOLD_")
        if before is not None:
            os.environ["MALLOC_MMAP_THRESHOLD_"] = before


def _measure(results: Any, prepare: Prepare, args: tuple[Any, ...]) -> None:
    work = prepare(*args)
    work()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts again from here
    held = _resident("VmRSS")
    work()
    results.put(_resident("VmHWM") - held)


def _resident(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    kilobytes = next(int(line.split()[1]) for line in lines if line.startswith(field))
    return kilobytes * 1024 / 1e6
