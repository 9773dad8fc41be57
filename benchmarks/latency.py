"""How fast the photo follows, over HTTP: strokes, re-rolls and other seeds on the bundled model.

    python -m benchmarks.latency --repeats 30

Measured is what a page waits for: a label map goes out as a PNG, the photo comes back as one. The targets are 400 ms
from a stroke to its photo and 250 ms for a re-roll, in the median, on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
from PIL import Image

from benchmarks.page import measured_on, table
from benchmarks.serving import MODEL, serving, street
from intarsia.bench.machine import machine
from intarsia.editing.pictures import png
from intarsia.editing.raster import stroke
from intarsia.labels import Ids

STROKE_TARGET, REROLL_TARGET = 400, 250
"""Milliseconds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=256, help="of the label map, in pixels")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="of strokes")
    parser.add_argument("--json", action="store_true", dest="as_json", help="one line of JSON")
    asked = parser.parse_args()
    with serving("--model", MODEL) as server:
        measured = measure(server.url, asked.side, asked.repeats, asked.seed)
    print(json.dumps(measured) if asked.as_json else f"{section(measured)}\n{measured_on(measured)}")


def measure(url: str, side: int, repeats: int, seed: int) -> dict[str, Any]:
    """Medians and 95th percentiles in milliseconds, by what was done."""
    draw, labels = np.random.default_rng(seed), street(side)
    load = os.getloadavg()[0]
    with httpx.Client(base_url=url, timeout=120) as client:

        def ask(path: str, **options: Any) -> float:
            began = time.perf_counter()
            form = {"options": json.dumps({"model": MODEL, **options})}
            answer = client.post(path, files={"labels": png(Image.fromarray(labels))}, data=form)
            answer.raise_for_status()
            return 1000 * (time.perf_counter() - began)

        def painted(number: int) -> float:
            paint(labels, draw)
            return ask("/v1/synthesise", client="bench", sequence=number)

        region = {"box": [side // 4, side // 4, side // 2, side // 2]}
        doings: dict[str, Callable[[int], float]] = {
            "stroke": painted,
            "seed": lambda number: ask("/v1/synthesise", seed=number),
            "reroll": lambda number: ask("/v1/reroll", region={**region, "seed": number + 1}),
        }
        times = {}
        for name, do in doings.items():
            for number in range(3):
                do(number)
            times[name] = [do(number) for number in range(3, 3 + repeats)]
    return {
        "side": side,
        "load_before": load,
        "repeats": repeats,
        "seed": seed,
        "machine": machine(),
        **{f"{name}_ms": statistics.median(values) for name, values in times.items()},
        **{f"{name}_95_ms": float(np.percentile(values, 95)) for name, values in times.items()},
    }


def section(measured: dict[str, Any]) -> str:
    """The figures as a table."""
    targets = {"stroke": f"{STROKE_TARGET} ms", "reroll": f"{REROLL_TARGET} ms", "seed": ""}
    names = {"stroke": "a stroke, to its photo", "reroll": "a region re-rolled", "seed": "another seed"}
    rows = [
        (names[key], f"{measured[f'{key}_ms']:.0f} ms", f"{measured[f'{key}_95_ms']:.0f} ms", targets[key])
        for key in names
    ]
    return table((f"{measured['side']} x {measured['side']}", "median", "95 % below", "target"), rows)


def paint(labels: Ids, draw: np.random.Generator) -> None:
    """A stroke of some class across a part of the map, in place."""
    side = len(labels)
    points = draw.integers(0, side, 2) + np.cumsum(draw.integers(-side // 12, side // 12 + 1, (4, 2)), 0)
    mask = stroke((side, side), [(int(row), int(column)) for row, column in points], width=max(2, side // 20))
    labels[mask] = draw.integers(0, 23)


if __name__ == "__main__":
    main()
