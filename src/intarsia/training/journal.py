"""What a run tells: stats.jsonl, TensorBoard events, sample grids, and a progress bar (or a line a minute)."""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from intarsia.data.transforms import photo_array
from intarsia.files import told, whole_file
from intarsia.labels import LabelSpace
from intarsia.records import Batch

TICK_SECONDS = 10.0
LINE_SECONDS = 60.0
STATS, GRIDS, EVENTS = "stats.jsonl", "grids", "tensorboard"


class Journal:
    """Collects what iterations report and writes it down every `TICK_SECONDS`, so that the loop is not slowed.

    Args:
        out: folder of the run.
        images: seen so far; what was written beyond that (by a run that was killed) is dropped.
        goal: images that the run shall see; None where something else ends it.
        say: takes a line for the person who waits; used where there is no terminal for a bar.
    """

    def __init__(self, out: Path, images: int, goal: int | None, say: Callable[[str], None]) -> None:
        self.out, self.goal, self.say = out, goal, say
        _drop_after(out / STATS, images)
        self.writer = SummaryWriter(str(out / EVENTS), purge_step=images)
        self.progress = _progress_bar()
        self.task = self.progress.add_task("training", total=goal, completed=images, note="")
        self.sums: dict[str, float] = {}
        self.count = 0
        self.images = self.images_told = images
        self.noted = self.told = self.lined = time.monotonic()
        self.seconds = 0.0
        self.rates: Mapping[str, float] = {}

    def __enter__(self) -> Journal:
        threading.excepthook = _quiet
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()
        try:
            with told(self.out):
                self.tick()
                self.writer.close()
        finally:
            threading.excepthook = threading.__excepthook__

    def note(self, images: int, seconds: float, terms: Mapping[str, float], rates: Mapping[str, float]) -> None:
        """Report one iteration: images and seconds so far, its terms, the rates that it had."""
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1
        self.noted = time.monotonic()
        self.images, self.seconds, self.rates = images, seconds, rates
        if self.noted - self.told >= TICK_SECONDS:
            self.tick()

    def tick(self) -> None:
        """Write down what was noted since the last tick."""
        if not self.count:
            return
        line: dict[str, Any] = {
            "images": self.images,
            "seconds": round(self.seconds, 3),
            "images_per_second": round((self.images - self.images_told) / max(self.noted - self.told, 1e-9), 4),
            **{name: value / self.count for name, value in self.sums.items()},
            **self.rates,
            **peak_memory(),
        }
        self._write(line)
        self._show(line)
        self.sums, self.count, self.told, self.images_told = {}, 0, self.noted, self.images

    def score(self, name: str, value: float) -> None:
        """Report what the weights after the last iteration score: a line of its own."""
        self._write({"images": self.images, "seconds": round(self.seconds, 3), name: value})

    def grid(self, pixels: npt.NDArray[np.uint8]) -> None:
        """Write a sample grid (H W 3), named after the images seen."""
        with whole_file(self.out / GRIDS / f"{self.images:09d}.png") as temporary:
            Image.fromarray(pixels).save(temporary)
        with told(self.out):
            self.writer.add_image("samples", pixels, self.images, dataformats="HWC")

    def _write(self, line: Mapping[str, Any]) -> None:
        with told(self.out), (self.out / STATS).open("a") as file:
            file.write(json.dumps(line) + "\n")
            for name, value in line.items():
                if name != "images":
                    self.writer.add_scalar(name, value, self.images)

    def _show(self, line: Mapping[str, Any]) -> None:
        memory = line.get("cuda_peak_mb", line["peak_mb"])
        speed = line["images_per_second"]
        self.progress.update(self.task, completed=self.images, note=f"{speed:.2f} images/s  {memory:.0f} MB")
        if self.progress.disable and self.noted - self.lined >= LINE_SECONDS:
            done, left = f"{self.images} images", ""
            if self.goal is not None:
                done = f"{self.images} of {self.goal} images"
                left = f"{(self.goal - self.images) / max(speed, 1e-9) / 3600:.1f} h left, "
            self.say(f"{done}, {speed:.2f} images/s, {left}{memory:.0f} MB")
            self.lined = self.noted


def sample_grid(space: LabelSpace, batch: Batch, fake: Tensor) -> npt.NDArray[np.uint8]:
    """One row a sample: label map in colours | fake | real photo. H W 3."""
    columns = [
        np.stack([space.colourise(labels) for labels in batch.labels.cpu().numpy()]),
        photo_array(fake),
        photo_array(batch.image),
    ]
    return np.concatenate([np.concatenate(list(column)) for column in columns], 1)


def peak_memory() -> dict[str, float]:
    """Peak memory of this process in MB, and of its GPU if it has one."""
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    peaks = {"peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)}
    if torch.cuda.is_available():
        peaks["cuda_peak_mb"] = round(torch.cuda.max_memory_allocated() / 1e6, 1)
    return peaks


def _quiet(failure: threading.ExceptHookArgs) -> None:
    """TensorBoard writes in a thread of its own; the main thread tells in one line when the disk refuses."""
    if not isinstance(failure.exc_value, OSError):
        threading.__excepthook__(failure)


def _drop_after(stats: Path, images: int) -> None:
    """Keep the whole lines up to `images`; write an empty file where there is none."""
    lines = stats.read_text().splitlines(keepends=True) if stats.exists() else []
    kept = [line for line in lines if line.endswith("\n") and json.loads(line)["images"] <= images]
    with whole_file(stats) as temporary:
        temporary.write_text("".join(kept))


def _progress_bar() -> Progress:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, refresh_per_second=2, disable=not console.is_terminal)
