"""Measure everything that docs/performance.md and docs/studio.md show, and rewrite their sections.

    python -m benchmarks.report                # all: about half an hour on two cores
    python -m benchmarks.report synth budget   # some of it; the rest of the page stays
    python -m benchmarks.report gpu-synth      # on a machine with a GPU; never part of "all"
    python -m benchmarks.report gpu-synth --figures FILE   # what its command printed there

What each command printed stays in out/bench/ as JSON. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import budget, busy_maps, gpu, large_images, latency, painting
from benchmarks.page import measured_on, table

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
STUDIO = ROOT / "docs" / "studio.md"
FIGURES = ROOT / "out" / "bench"

Measured = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """A marked part of the page: the command that measures it, and how its figures are put."""

    command: str
    text: Callable[[Measured], str]
    page: Path = PAGE
    on_gpu: bool = False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"all by default: {', '.join(SECTIONS)}")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="take the section's figures from here")
    asked = parser.parse_args()
    names = asked.sections or [name for name, section in SECTIONS.items() if not section.on_gpu]
    if asked.figures is not None and len(names) != 1:
        parser.error("--figures holds the figures of one section. Name that.")
    for name in names:
        if name not in SECTIONS:
            parser.error(f"there is no section {name}; there are {', '.join(SECTIONS)}")
    for name in names:
        print(f"{name}: {SECTIONS[name].command}", flush=True)
        given = asked.figures
        figures = measure(SECTIONS[name].command) if given is None else json.loads(given.read_text())
        FIGURES.mkdir(parents=True, exist_ok=True)
        (FIGURES / f"{name}.json").write_text(json.dumps(figures) + "\n")
        rewrite(SECTIONS[name].page, name, figures)


def measure(command: str) -> Measured:
    """Run a command in a process of its own and read its line of JSON."""
    words = shlex.split(command)
    modules = ["-m", "intarsia", *words[1:]] if words[0] == "intarsia" else words[1:]
    done = subprocess.run([sys.executable, *modules], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    figures: Measured = json.loads(done.stdout.splitlines()[-1])
    return figures


def rewrite(page: Path, name: str, figures: Measured) -> None:
    """Put a section between its marks."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->\n"
    before, found, rest = page.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{page} lacks the marks {begin.strip()} and {end.strip()}")
    section = SECTIONS[name]
    text = f"```bash\n{section.command}\n```\n\n{section.text(figures)}\n{measured_on(figures)}"
    page.write_text(before + begin + text + end + after)


def synthesis(measured: Measured) -> str:
    """Dense against frozen."""
    dense, coded = measured["dense_s"], measured["coded_s"]
    return table(
        ("", "dense, as published", "coded", ""),
        [
            ("a new label map", seconds(dense), seconds(coded), f"**{measured['ratio']:.1f} times faster**"),
            (
                "labels unchanged, another style",
                seconds(dense),
                seconds(measured["unchanged_s"]),
                f"**{measured['ratio_labels_unchanged']:.1f} times faster**",
            ),
            *rerolled(measured),
            memory(measured),
            ("largest difference of the images", "", f"{measured['max_difference']:.1e}", "of -1..1"),
        ],
    )


def rerolled(measured: Measured) -> list[tuple[str, ...]]:
    """Other noise for one region, where noise is part of the map."""
    if "rerolled_s" not in measured:
        return []
    times = f"**{measured['ratio_region_rerolled']:.1f} times faster**"
    return [("other noise for one region", seconds(measured["dense_s"]), seconds(measured["rerolled_s"]), times)]


def training(measured: Measured) -> str:
    """Dense against coded, one step of both networks."""
    dense, coded = measured["dense_s"], measured["coded_s"]
    step = f"a step at batch {measured['batch']}"
    rounding = (f"{measured[f'rounding_{way}']:.1e}" for way in ("dense", "coded"))
    return table(
        ("", "dense, as published", "coded", ""),
        [
            (step, seconds(dense), seconds(coded), f"**{measured['ratio']:.1f} times faster**"),
            memory(measured),
            ("gradients, largest difference in float64", "", f"{measured['max_difference']:.1e}", ""),
            ("gradients, rounding in float32", *rounding, ""),
        ],
    )


def memory(measured: Measured) -> tuple[str, ...]:
    """Peak memory beyond what is held anyway."""
    dense, coded = measured["dense_peak_mb"], measured["coded_peak_mb"]
    return ("peak memory", f"{dense:.0f} MB", f"{coded:.0f} MB", f"{coded / dense:.2f} of it")


def seconds(value: float) -> str:
    return f"{value:.2f} s"


_ASKED = "--preset spade-ade20k --size 256x256"
SECTIONS = {
    "synth": Section(f"intarsia bench synth {_ASKED} --json", synthesis),
    "synth-oasis": Section("intarsia bench synth --preset oasis-ade20k --size 256x256 --json", synthesis),
    "budget": Section(f"python -m benchmarks.budget {_ASKED} --json", budget.section),
    "busy-maps": Section(f"python -m benchmarks.busy_maps {_ASKED} --json", busy_maps.section),
    "train": Section(f"intarsia bench train {_ASKED} --json", training),
    "train-batch-4": Section(f"intarsia bench train {_ASKED} --batch 4 --repeats 1 --json", training),
    "gpu-synth": Section(f"python -m benchmarks.gpu synth {_ASKED} --json", gpu.section, on_gpu=True),
    "gpu-train": Section(f"python -m benchmarks.gpu train {_ASKED} --json", gpu.section, on_gpu=True),
    "painting": Section("python -m benchmarks.painting --json", painting.section, STUDIO),
    "latency": Section("python -m benchmarks.latency --json", latency.section, STUDIO),
    "large-images": Section(
        "python -m benchmarks.large_images --preset pix2pixhd-cityscapes-1024p --repeats 1 --json", large_images.section
    ),
}

if __name__ == "__main__":
    main()
