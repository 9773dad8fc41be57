"""How much memory a large image takes: in bands of rows, against the whole network on coded maps and as published.

    python -m benchmarks.large_images --preset pix2pixhd-cityscapes-1024p --repeats 1

Memory is the peak of a process of its own, beyond what it holds anyway: the weights.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.page import arguments, made_up, show, table
from intarsia.bench.machine import about, interleaved
from intarsia.bench.peak import peak_mb
from intarsia.bench.scenes import scene, seeds, system_for
from intarsia.blocks.frozen import freeze
from intarsia.systems.system import System

Make = Callable[[], Tensor]
WAYS = {
    "dense": "whole, on dense planes as published",
    "whole": "whole, on coded maps",
    "bands": "in bands, on coded maps",
}


def main() -> None:
    asked = arguments(__doc__, repeats=1)
    measured = large_images(asked)
    show(measured, section(measured), asked.as_json)


def large_images(asked: argparse.Namespace) -> dict[str, Any]:
    """Seconds and peak memory of one image each way, and how far images are from the dense one."""
    labels = made_up(asked, asked.regions)
    system = system_for(asked.preset, (labels.shape[1], labels.shape[2]), asked.seed)
    with torch.inference_mode():
        makers = {way: maker(way, system, labels) for way in WAYS}
        images = {way: make() for way, make in makers.items()}
        seconds = interleaved(makers, asked.repeats)
    return {
        **about(asked.preset, labels, asked.repeats, asked.seed),
        "weights_mb": sum(p.numel() for p in system.generator.parameters()) * 4 / 1e6,
        "ways": {
            way: {
                "seconds": seconds[way],
                "peak_mb": peak_mb(prepare, way, asked.preset, labels, asked.seed),
                "difference": (images[way] - images["dense"]).abs().max().item(),
            }
            for way in WAYS
        },
    }


def maker(way: str, system: System, labels: Tensor) -> Make:
    """The work of making one image, from the label map on."""
    generator = freeze(system.generator) if way == "bands" else copy.deepcopy(system.generator).eval()

    def make() -> Tensor:
        condition = system.condition(scene(labels, 0), seeds(len(labels)))
        image: Tensor = generator(condition.dense() if way == "dense" else condition).image
        return image

    return make


def prepare(way: str, preset: str, labels: Tensor, seed: int) -> Make:
    """The same, for a process of its own."""
    system = system_for(preset, (labels.shape[1], labels.shape[2]), seed)
    make: Make = torch.inference_mode()(maker(way, system, labels))
    return make


def section(measured: dict[str, Any]) -> str:
    """What docs/performance.md shows."""
    height, width = measured["size"]
    rows = [
        (
            WAYS[way],
            f"{found['peak_mb']:.0f} MB",
            f"{found['seconds']:.1f} s",
            f"{found['difference']:.1e}" if way != "dense" else "",
        )
        for way, found in measured["ways"].items()
    ]
    return (
        f"One image of {width}x{height} by `{measured['preset']}`, whose weights take {measured['weights_mb']:.0f} MB "
        "more:\n\n" + table(("", "peak memory", "time", "largest difference of -1..1"), rows)
    )


if __name__ == "__main__":
    main()
