"""The data set street: rendered streets and countryside with exact labels and instances, in a plain folder.

The renderer is `tools/street` of the repository. It needs Blender's Python package, which wants another numpy than
Intarsia does and so has an environment of its own: `make street-renderer`. Each scene is drawn from its seed alone, so
a data set can be taken up again, or grow, at any time. `docs/data.md` shows the result.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from intarsia.data.folder import CARD_FILE, LABEL_SPACE_FILE, DataCard, load_card
from intarsia.errors import ConfigError, DataError
from intarsia.files import whole_file
from intarsia.labels import counted

STREET = counted(
    "street",
    {
        "sky": (70, 130, 180),
        "road": (128, 64, 128),
        "sidewalk": (244, 35, 232),
        "grass": (124, 180, 60),
        "building": (110, 110, 110),
        "roof": (160, 70, 50),
        "tree": (50, 110, 40),
        "trunk": (110, 75, 45),
        "car": (0, 0, 142),
        "pole": (190, 170, 120),
        "marking": (240, 240, 240),
        "mountain": (145, 125, 105),
        "window": (130, 190, 220),
        "door": (180, 110, 30),
        "fence": (190, 153, 153),
        "hedge": (70, 150, 80),
        "sign": (220, 220, 0),
        "person": (220, 20, 60),
        "water": (40, 70, 220),
        "field": (215, 170, 70),
        "snow": (205, 225, 250),
        "path": (200, 150, 110),
        "rock": (80, 80, 95),
        "truck": (0, 90, 110),
        "bus": (0, 160, 150),
        "bicycle": (150, 20, 20),
        "traffic light": (255, 140, 20),
        "bench": (120, 40, 90),
    },
)

FIRST_VAL_SEED, LAST_SEED = 900_000, 999_999  # seeds below are for training; names of scenes have six digits
CHECKOUT = Path(__file__).parents[3]
RENDERER = "tools/street"
PYTHON = ".venv-street/bin/python"

Watch = Callable[[Iterable[str], str, int], Iterable[str]]


def build_street(
    target: Path,
    counts: dict[str, int],
    *,
    seed: int = 0,
    size: tuple[int, int] = (256, 256),
    workers: int = 2,
    python: Path | None = None,
    watch: Watch = lambda names, _what, _total: names,
) -> int:
    """Render the scenes that `target` lacks, as a plain folder (`folder.py`).

    Args:
        target: the folder; one that holds this data set already grows.
        counts: scenes of each split, train and val.
        seed: of the first scene for training; those for validation count from `FIRST_VAL_SEED`.
        size: height and width in pixels.
        workers: processes of one thread each.
        python: an interpreter that has Blender's package `bpy`; by default that of `make street-renderer`.
        watch: `watch(names, what, total)` may show progress.

    Returns:
        How many scenes there were to render.

    Raises:
        ConfigError: seeds of train would run into those of val, or names out of digits.
        DataError: there is no renderer, it fails, or `target` holds something else.
        StorageError: the folder cannot be written.
    """
    firsts = {"train": seed, "val": FIRST_VAL_SEED}
    _check_seeds(seed, counts)
    interpreter = python or CHECKOUT / PYTHON
    _check_renderer(interpreter)
    card = _card(size)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        _check_same(target, card)
    space = target.absolute() / LABEL_SPACE_FILE
    STREET.save(space)
    _save_card(target, card)
    rendered = 0
    try:
        for split, count in counts.items():
            if not (missing := count - _present(target / split, range(firsts[split], firsts[split] + count))):
                continue
            command = [str(interpreter), "-W", "ignore", "-m", "street", "--out", str(target.absolute() / split)]
            command += ["--first", str(firsts[split]), "--count", str(count), "--workers", str(workers)]
            command += ["--size", f"{size[0]}x{size[1]}", "--label-space", str(space)]
            for _ in watch(_rendered(command), f"rendering {split}", count):
                pass
            rendered += missing
    finally:
        _save_card(target, card)
    return rendered


def _check_seeds(seed: int, counts: dict[str, int]) -> None:
    if seed + counts.get("train", 0) > FIRST_VAL_SEED:
        raise ConfigError(
            f"seeds {seed} to {seed + counts['train'] - 1} run into those of val, which count from {FIRST_VAL_SEED}. "
            "Give a smaller --seed or --count."
        )
    most = LAST_SEED + 1 - FIRST_VAL_SEED
    if counts.get("val", 0) > most:
        raise ConfigError(f"--val is {counts['val']}. Give {most} or less.")


def _check_renderer(interpreter: Path) -> None:
    if not (CHECKOUT / RENDERER).is_dir():
        raise DataError(
            f"the renderer {RENDERER} is not part of the installed package. Clone Intarsia's repository, then run "
            "there: make street-renderer"
        )
    if not interpreter.is_file():
        raise DataError(
            f"no Python with Blender's package at {interpreter}. Make it with: make street-renderer, or give --python."
        )


def _card(size: tuple[int, int]) -> DataCard:
    return DataCard(
        name="street",
        version=1,
        about={
            "made": "rendered with Blender's path tracer (bpy 5.0.1) by tools/street; no photo, map or model of others",
            "licence": "made by the Intarsia authors; Apache-2.0 like the code, and to the public domain (CC0-1.0)",
            "size": list(size),
        },
    )


def _check_same(target: Path, card: DataCard) -> None:
    """Whether `target` may grow by scenes of `card`."""
    found = load_card(target) if target.is_dir() else DataCard()
    if (found.name, found.version) != (card.name, card.version):
        raise DataError(f"{target} exists and is not this version of the data set street. Choose another --out.")
    if (size := found.about.get("size")) != card.about["size"]:
        height, width = size if isinstance(size, list) and len(size) == 2 else ("other", "other")
        raise DataError(f"{target} holds scenes of {height}x{width}. Give --size {height}x{width} or another --out.")


def _save_card(target: Path, card: DataCard) -> None:
    """Write the card, with the seeds of all scenes that are there."""
    seeds = {split: _runs(_seeds(target / split)) for split in ("train", "val")}
    values = card.model_dump()
    values["about"] |= {"seeds": seeds}
    with whole_file(target / CARD_FILE) as temporary:
        temporary.write_text(json.dumps(values, indent=1) + "\n")


def _seeds(home: Path) -> list[int]:
    """Seeds of the scenes of a split that are there whole, in order."""
    names = [
        {path.stem for path in (home / kind).glob(f"[0-9]*{suffix}")}
        for kind, suffix in (("photos", ".webp"), ("labels", ".png"), ("instances", ".png"))
    ]
    return sorted(int(name) for name in set.intersection(*names))


def _present(home: Path, seeds: range) -> int:
    return sum(seed in seeds for seed in _seeds(home))


def _runs(numbers: list[int]) -> list[str]:
    """Numbers in order as runs: 0-9, 12-14."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return [f"{first}-{last}" for first, last in runs]


def _rendered(command: list[str]) -> Iterator[str]:
    """Run the renderer and yield the name of each scene that is there, rendered now or before.

    Raises:
        DataError: the renderer fails; the last line that it wrote is told.
    """
    environment = os.environ | {"PYTHONPATH": str((CHECKOUT / RENDERER).parent)}
    with (
        tempfile.TemporaryFile("w+") as complaints,
        # A session of its own, so that its workers can be ended together.
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=complaints, text=True, env=environment, start_new_session=True
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith("done "):  # Blender prints as well
                    yield line.split()[1]
            status = process.wait()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        if status:
            complaints.seek(0)
            last = [line.strip() for line in complaints if line.strip()][-1:] or [f"exit status {status}"]
            raise DataError(f"the street renderer failed: {last[0]}. What is done stays; run the command again.")
