"""A server in a process of its own, for what is measured from outside."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from intarsia.checkpoints.models import BUNDLED
from intarsia.editing.pictures import png
from intarsia.labels import Ids

STREET = BUNDLED / "maps" / "street" / "01-A-bus-turns.png"
MODEL = "spade-street-256"
START_SECONDS = 120.0


@dataclass(frozen=True)
class Serving:
    """A running server."""

    url: str
    process: subprocess.Popen[str]

    def memory_mib(self) -> float:
        """What the process holds in memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024


@contextmanager
def serving(*arguments: str) -> Iterator[Serving]:
    """`intarsia serve` on a free port, warm; it is asked to stop at the end, and its exit status must be 0."""
    command = [sys.executable, "-m", "intarsia", "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield started(process)
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(60)
    if status:
        raise SystemExit(f"the server ended with exit status {status}")


def started(process: subprocess.Popen[str]) -> Serving:
    """Wait for the line that says where the server is, and for its first render."""
    assert process.stdout is not None
    words = process.stdout.readline().split()
    if "at" not in words:
        raise SystemExit(f"the server did not start: exit status {process.wait(10)}")
    url = words[words.index("at") + 1]
    httpx.post(f"{url}/v1/synthesise", files={"labels": png(Image.fromarray(street()))}, timeout=START_SECONDS)
    return Serving(url, process)


def street(side: int = 128) -> Ids:
    """A bundled label map of a street, side x side uint8."""
    with Image.open(STREET) as image:
        return np.asarray(image.resize((side, side), Image.Resampling.NEAREST)).astype(np.uint8)
