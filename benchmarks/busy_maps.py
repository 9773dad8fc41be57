"""From which busyness on look-ups stop paying, and whether `pays` knows: maps from calm to noise, at every level.

    python -m benchmarks.busy_maps [--preset spade-ade20k] [--size 256x256] [--json]

The widest SPADE layer of each level makes its table of scale and shift in two ways: by look-up, once per distinct
window, and by the dense convolution, once per pixel. Finding the windows is left out: the layers of a level share it.
`pays` chooses by PRODUCT_COST * windows + SUM_COST * double windows < pixels; the constants that fit the times best are
printed beside those that stand in `blocks/modulation.py`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.levels import Size, levels
from benchmarks.page import arguments, made_up, show, table
from intarsia import systems
from intarsia.bench.machine import about, interleaved
from intarsia.bench.scenes import scene, seeds, system_for
from intarsia.blocks.frozen import FrozenSpade
from intarsia.blocks.lookup import window_products
from intarsia.blocks.modulation import PRODUCT_COST, SUM_COST, Spade, pays
from intarsia.coded import CodedMap
from intarsia.systems.system import System

REGIONS = (10, 40, 160, 640)
NOISE = (1, 2, 5, 10, 20, 50, 100)  # % of pixels drawn anew, on top of the last

# The fit looks at maps where the choice matters: one way takes at most so many times as long as the other.
CLOSE = 4.0

Row = dict[str, Any]


def main() -> None:
    asked = arguments(__doc__, repeats=5)
    measured = busy_maps(asked)
    show(measured, f"{every_row(measured)}\n{section(measured)}", asked.as_json)


@torch.inference_mode()
def busy_maps(asked: argparse.Namespace) -> dict[str, Any]:
    """Both times for each map and level, what `pays` chooses, and the constants that would fit best."""
    maps = made_up_maps(asked)
    calm = next(iter(maps.values()))
    size = (calm.shape[1], calm.shape[2])
    system = system_for(asked.preset, size, asked.seed)
    layers = {level: FrozenSpade(layer) for level, layer in widest(system, size).items()}
    rows = [
        {"map": name, "size": list(level), **measure(layer, at_level(system, labels, level), asked.repeats)}
        for level, layer in layers.items()
        for name, labels in maps.items()
    ]
    return {
        **about(asked.preset, calm, asked.repeats, asked.seed),
        "constants": {"PRODUCT_COST": PRODUCT_COST, "SUM_COST": SUM_COST},
        "fitted": fitted(rows),
        "rows": rows,
    }


def made_up_maps(asked: argparse.Namespace) -> dict[str, Tensor]:
    """Label maps by name, from calm to noise."""
    maps = {f"{count} regions": made_up(asked, count) for count in REGIONS}
    draw = torch.Generator().manual_seed(asked.seed)
    labels, classes = maps[f"{REGIONS[1]} regions"], systems.preset(asked.preset).config.labels
    for share in NOISE:
        noise = torch.randint(classes, labels.shape, generator=draw)
        drawn = torch.rand(labels.shape, generator=draw) < share / 100
        maps[f"{REGIONS[1]} regions, {share} % noise" if share < 100 else "noise"] = torch.where(drawn, noise, labels)
    return maps


def widest(system: System, size: Size) -> dict[Size, Spade]:
    """The widest SPADE layer of each level."""
    found: dict[Size, Spade] = {}
    for level, block in levels(system, size):
        for layer in block.children():
            if isinstance(layer, Spade) and level not in found:
                found[level] = layer
    return found


def at_level(system: System, labels: Tensor, level: Size) -> CodedMap:
    """The labels as a layer of that level sees them."""
    semantics = system.condition(scene(labels, 0), seeds(1)).at(*level)
    assert isinstance(semantics, CodedMap)
    return semantics


def measure(layer: FrozenSpade, semantics: CodedMap, repeats: int) -> Row:
    """How busy the map is, the times of both ways, and what `pays` chooses."""
    hidden, windows = layer.shared.rows(semantics)
    double = windows.again(layer.kernel)
    _ = double.bags  # shared by the layers of a level

    def looked_up() -> Tensor:
        return window_products(hidden, layer.taps, double, layer.bias)

    def dense() -> Tensor:
        return layer.dense(F.embedding(windows.index.long(), hidden).permute(0, 3, 1, 2))  # type: ignore[no-any-return]

    seconds = interleaved({"looked_up": looked_up, "dense": dense}, repeats)
    return {
        "pixels": windows.index.numel(),
        "windows": len(windows.members),
        "double_windows": len(double.members),
        "looked_up_s": seconds["looked_up"],
        "dense_s": seconds["dense"],
        "pays": pays(semantics, layer.kernel),
    }


def right(row: Row) -> bool:
    """Whether `pays` chose the quicker way."""
    chosen: bool = row["pays"] == (row["looked_up_s"] < row["dense_s"])
    return chosen


def fitted(rows: Iterable[Row]) -> dict[str, float]:
    """The constants that predict looked_up_s / dense_s best, in relative terms, where the two are close."""
    busyness, ratios = [], []
    for row in rows:
        ratio = row["looked_up_s"] / row["dense_s"]
        if 1 / CLOSE < ratio < CLOSE:
            busyness.append([row["windows"] / row["pixels"], row["double_windows"] / row["pixels"]])
            ratios.append(ratio)
    scaled = np.array(busyness) / np.array(ratios)[:, None]
    product, add = np.linalg.lstsq(scaled, np.ones(len(ratios)), rcond=None)[0].tolist()
    return {"PRODUCT_COST": product, "SUM_COST": add}


def section(measured: dict[str, Any]) -> str:
    """How much look-ups gain, and how well `pays` knows."""
    return f"{matrix(measured)}\n{verdict(measured)}"


def matrix(measured: dict[str, Any]) -> str:
    """How many times quicker look-ups are, by map and level; bold where `pays` chooses them, * where it is mistaken."""
    sizes = [list(size) for size in dict.fromkeys(tuple(row["size"]) for row in measured["rows"])]
    cells: dict[str, list[str]] = {}
    for row in measured["rows"]:
        times = row["dense_s"] / row["looked_up_s"]
        text = f"{times:.{0 if times >= 10 else 1}f}"
        text = f"**{text}**" if row["pays"] else text
        cells.setdefault(row["map"], []).append(text if right(row) else f"{text} \\*")
    return table(["map", *(f"{h}x{w}" for h, w in sizes)], ((name, *line) for name, line in cells.items()))


def every_row(measured: dict[str, Any]) -> str:
    """All figures."""
    header = ("map", "level", "pixels", "windows", "double windows", "look-up, ms", "dense, ms", "chosen", "right")
    return table(
        header,
        (
            (
                row["map"],
                "x".join(map(str, row["size"])),
                *(str(row[key]) for key in ("pixels", "windows", "double_windows")),
                *(f"{1e3 * row[key]:.2f}" for key in ("looked_up_s", "dense_s")),
                "look-up" if row["pays"] else "dense",
                "yes" if right(row) else "no",
            )
            for row in measured["rows"]
        ),
    )


def verdict(measured: dict[str, Any]) -> str:
    """How well `pays` chooses, and the constants that would choose best."""
    rows = measured["rows"]
    chosen = sum(row["looked_up_s" if row["pays"] else "dense_s"] for row in rows)
    quickest = sum(min(row["looked_up_s"], row["dense_s"]) for row in rows)
    constants, fit = measured["constants"], measured["fitted"]
    return (
        f"`pays` chose the quicker way in {sum(map(right, rows))} of {len(rows)} cases; its choices together take "
        f"{100 * (chosen / quickest - 1):.1f} % longer than the best ones. It works with PRODUCT_COST "
        f"{constants['PRODUCT_COST']} and SUM_COST {constants['SUM_COST']}; what fits the cases where the two ways are "
        f"within {CLOSE:.0f} times of each other best is {fit['PRODUCT_COST']:.2f} and {fit['SUM_COST']:.2f}.\n"
    )


if __name__ == "__main__":
    main()
