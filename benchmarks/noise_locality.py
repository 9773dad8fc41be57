"""How local other noise for a region is: what changes inside it, next to it and farther away.

    python -m benchmarks.noise_locality --model oasis-street-64-lite0 --data street:datasets/street --json

Of held-out label maps, each class that covers at least 2 % is re-rolled alone. Changes are mean absolute differences of
the photos' values, 0 to 255; next to a region means within 1/16 of the image's height of it.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.page import show, table
from intarsia import Synthesiser
from intarsia.bench.machine import machine
from intarsia.conditioning.segments import dilated
from intarsia.data.label_files import Photo
from intarsia.data.sources import open_source
from intarsia.data.transforms import resize
from intarsia.errors import ConfigError

LEAST_SHARE, RING = 0.02, 1 / 16
ZONES = ("inside", "next to it", "farther away")
Mask = npt.NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", default="street:datasets/street")
    parser.add_argument("--maps", type=int, default=50, help="held-out label maps")
    parser.add_argument("--seed", type=int, default=0, help="of the photos; regions take the next")
    parser.add_argument("--json", action="store_true", dest="as_json", help="one line of JSON")
    asked = parser.parse_args()
    measured = measure(asked.model, asked.data, asked.maps, asked.seed)
    show(measured, section(measured), asked.as_json)


def measure(model: str, data: str, maps: int, seed: int) -> dict[str, Any]:
    """Medians over all re-rolled regions, by zone."""
    synthesiser = Synthesiser.from_pretrained(model)
    if not synthesiser.noise_length:
        raise ConfigError(f"model {model} has no noise in its map. Give one that has, such as OASIS.")
    source = open_source(data, "val")
    found: dict[str, list[float]] = {zone: [] for zone in ZONES}
    for number in range(min(maps, len(source))):
        pair = resize(source.pair(number), synthesiser.config.size)
        scene = synthesiser.scene(source.label_space.decode(pair.labels))
        before = scene.render(seed=seed)
        for name, mask in regions(pair.labels, [each.name for each in source.label_space.classes]):
            after = scene.reroll(name, seed=seed + 1).render(seed=seed)
            for zone, value in changes(before, after, mask).items():
                found[zone].append(value)
    return {
        "model": model,
        "maps": min(maps, len(source)),
        "regions": len(found["inside"]),
        "medians": {zone: statistics.median(values) for zone, values in found.items()},
        "repeats": 1,
        "seed": seed,
        "machine": machine(),
    }


def regions(labels: npt.NDArray[Any], names: Sequence[str]) -> Iterator[tuple[str, Mask]]:
    """The classes that cover enough of a map, but not nearly all of it."""
    for label in np.unique(labels):
        mask = labels == label
        if LEAST_SHARE <= mask.mean() <= 1 - 2 * LEAST_SHARE:
            yield names[label], mask


def changes(before: Photo, after: Photo, mask: Mask) -> dict[str, float]:
    """Mean absolute difference in each zone that has pixels."""
    difference = np.abs(before.astype(np.int64) - after).mean(2)
    near = dilated(mask, 2 * round(RING * mask.shape[0]) + 1) & ~mask
    zones = dict(zip(ZONES, (mask, near, ~(mask | near)), strict=True))
    return {zone: float(difference[where].mean()) for zone, where in zones.items() if where.any()}


def section(measured: dict[str, Any]) -> str:
    """What docs/systems/oasis.md shows."""
    inside = measured["medians"]["inside"]
    rows = [(zone, f"{value:.2f}", f"{value / inside:.3f}") for zone, value in measured["medians"].items()]
    head = (f"{measured['regions']} regions of {measured['maps']} maps", "change, of 0..255", "share of that inside")
    return table(head, rows)


if __name__ == "__main__":
    main()
