"""Where the time of one synthesis goes: multiply-adds, milliseconds and rate of each part.

    python -m benchmarks.budget [--preset spade-ade20k] [--size 256x256] [--regions 40] [--json]

Multiply-adds are counted as they are done: those of the published network on one-hot planes, and those of the frozen
network on coded maps. Milliseconds are medians. Beside them stands the best that the machine does: a product of two
matrices of 2048 x 2048 for arithmetic, a copy of 256 MB for memory.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

from benchmarks.levels import Size, levels
from benchmarks.page import arguments, made_up, show, table
from intarsia.bench.machine import about
from intarsia.bench.synth import conditioned, settled
from intarsia.blocks.frozen import FrozenSpade, forget, freeze
from intarsia.blocks.modulation import Spade, pays
from intarsia.coded import CodedMap
from intarsia.records import Condition
from intarsia.systems.system import System

# The parts of the budget that are not convolutions of a level.
WINDOWS, TABLES, MODULATION = "finding distinct windows", "tables of scale and shift", "look-up, affine, activation"
ENDS, REST = "start grid and last layer", "upsampling, additions, tanh"

SUM = torch.ops.aten._embedding_bag_forward_only
GEMM, COPIED = 2048, 256_000_000

Seconds = dict[str, float]
Part = dict[str, float]  # published_g, done_g: G multiply-adds; moved_gb; seconds


def main() -> None:
    asked = arguments(__doc__, repeats=9)
    measured = budget(asked)
    show(measured, section(measured), asked.as_json)


@torch.inference_mode()
def budget(asked: argparse.Namespace) -> dict[str, Any]:
    """The parts, the whole with a new label map and with labels unchanged, and the machine's best."""
    labels = made_up(asked, asked.regions)
    size = (labels.shape[1], labels.shape[2])
    system = settled(asked.preset, labels, asked.seed)
    frozen = freeze(system.generator)
    part_of = parts(system, size)
    published = by_part(part_of, published_work(system, labels))
    run_once(system, frozen, labels, part_of)  # lays out the weights
    kept = kept_gb(system, frozen, labels)
    counter = frozen_work(system, frozen, labels)
    done = by_part(part_of, counter)
    runs, gemms, copies = [], [], []
    for _ in range(asked.repeats):
        gemms.append(gemm_rate())
        copies.append(copy_rate())
        runs.append(run_once(system, frozen, labels, part_of))
    seconds = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return {
        **about(asked.preset, labels, asked.repeats, asked.seed),
        "regions": asked.regions,
        "gemm_g_per_s": max(gemms),
        "copy_gb_per_s": max(copies),
        "new_labels_s": seconds.pop("new labels"),
        "labels_unchanged_s": seconds.pop("labels unchanged"),
        "kept_gb": kept,
        "sums_g": counter.get_flop_counts()["Global"].get(SUM, 0) / 1e9,
        "parts": {
            name: {
                "published_g": published.get(name, 0.0),
                "done_g": done.get(name, 0.0),
                "moved_gb": moved_gb(system, size) + kept if name == MODULATION else 0.0,
                "seconds": value,
            }
            for name, value in seconds.items()
        },
    }


def parts(system: System, size: Size) -> dict[str, str]:
    """The part that each of the generator's timed modules belongs to."""
    found = {"start": ENDS, "decoder.to_image": ENDS}
    for place, ((height, width), block) in enumerate(levels(system, size)):
        for name, child in block.named_children():
            part = TABLES if isinstance(child, Spade) else f"convolutions at {height}x{width}"
            found[f"decoder.blocks.{place}.{name}"] = part
    return found


def published_work(system: System, labels: Tensor) -> FlopCounterMode:
    """The dense network, run on tensors that have shapes only."""
    condition = conditioned(system, labels).dense()
    counter = FlopCounterMode(display=False)
    with FakeTensorMode(allow_non_fake_inputs=True), counter:
        system.generator(condition)
    return counter


def frozen_work(system: System, frozen: nn.Module, labels: Tensor) -> FlopCounterMode:
    """The frozen network on a label map that it has not seen."""
    unknown: dict[Any, Any] = {torch.ops.mkldnn._convolution_pointwise: convolution_work, SUM: sums_of_rows}
    counter = FlopCounterMode(display=False, custom_mapping=unknown)
    forget(frozen)
    with counter:
        frozen(conditioned(system, labels))
    return counter


def convolution_work(x: Any, weight: Any, *_: Any, out_shape: Any, **__: Any) -> int:
    """oneDNN's convolution, which torch's counter does not know: operations."""
    operations: int = conv_flop_count(x, weight, out_shape)
    return operations


def sums_of_rows(rows: Any, members: Any, *_: Any, **__: Any) -> int:
    """Additions of sums of looked-up rows."""
    additions: int = members.numel() * rows[1]
    return additions


def by_part(part_of: Mapping[str, str], counter: FlopCounterMode) -> dict[str, float]:
    """G multiply-adds of each part."""
    counts, sums = counter.get_flop_counts(), dict.fromkeys(part_of.values(), 0.0)
    for name, part in part_of.items():
        for operation, count in counts.get(f"SpadeGenerator.{name}", {}).items():
            if operation is not SUM:
                sums[part] += count / 2e9  # a multiply-add is two operations
    return sums


def kept_gb(system: System, frozen: nn.Module, labels: Tensor) -> float:
    """GB of tables and indices that wait for another image with the same labels."""
    condition = conditioned(system, labels)
    frozen(condition)
    maps = {condition.at(*size) for size, _ in levels(system, condition.size)}
    layers = [module for module in frozen.modules() if isinstance(module, FrozenSpade)]
    # The layers of a resolution share one index.
    tensors = {
        id(tensor): tensor for layer in layers for key, kept in layer.kept.items() if key in maps for tensor in kept
    }
    return sum(tensor.nbytes for tensor in tensors.values()) / 1e9


def moved_gb(system: System, size: Size) -> float:
    """GB of activations that the modulations read and write, were each number to cross the memory bus once."""
    total, before = 0, size[0] * size[1] // system.config.stride**2
    for (height, width), block in levels(system, size):
        for name, child in block.named_children():
            if isinstance(child, Spade):
                read = height * width if name == "norm_1" else before
                total += (read + height * width) * child.gamma_beta.out_channels // 2 * 4
        before = height * width
    return total / 1e9


def run_once(system: System, frozen: nn.Module, labels: Tensor, part_of: Mapping[str, str]) -> Seconds:
    """Seconds of each part in one synthesis from a new label map, of all of it, and of another with the same labels."""
    modules = {name: frozen.get_submodule(name) for name in part_of}
    forget(frozen)
    start = time.perf_counter()
    condition = conditioned(system, labels)
    find_windows(system, condition)
    found = time.perf_counter()
    with timed(modules) as new:
        frozen(condition)
    made = time.perf_counter()
    with timed(modules) as same:
        frozen(condition.restyled(noise=condition.noise, photo=condition.photo))
    again = time.perf_counter()
    seconds = {WINDOWS: found - start, **dict.fromkeys(part_of.values(), 0.0), MODULATION: 0.0}
    for name, part in part_of.items():
        kept = same[name] if part == TABLES else 0.0
        seconds[MODULATION] += kept
        seconds[part] += new[name] - kept
    return seconds | {
        REST: made - found - sum(new.values()),
        "new labels": made - start,
        "labels unchanged": again - made,
    }


def find_windows(system: System, condition: Condition) -> None:
    """What the first layer of each resolution would find for the others."""
    for size in {size for size, _ in levels(system, condition.size)}:
        semantics = condition.at(*size)
        assert isinstance(semantics, CodedMap)
        if pays(semantics, system.config.kernel):
            _ = semantics.neighbourhoods(system.config.kernel).again(system.config.kernel).bags


@contextmanager
def timed(modules: Mapping[str, nn.Module]) -> Iterator[Seconds]:
    """Seconds that each module's forward takes, by name."""
    seconds: Seconds = dict.fromkeys(modules, 0.0)

    def begin(name: str, *_: Any) -> None:
        seconds[name] -= time.perf_counter()

    def end(name: str, *_: Any) -> None:
        seconds[name] += time.perf_counter()

    handles = [
        handle
        for name, module in modules.items()
        for handle in (
            module.register_forward_pre_hook(partial(begin, name)),
            module.register_forward_hook(partial(end, name)),
        )
    ]
    try:
        yield seconds
    finally:
        for handle in handles:
            handle.remove()


def gemm_rate() -> float:
    """G multiply-adds per second of a large product of matrices."""
    a, b = torch.rand(2, GEMM, GEMM)
    out = torch.empty_like(a)
    return GEMM**3 / 1e9 / best(lambda: torch.mm(a, b, out=out))


def copy_rate() -> float:
    """GB per second read and written by a large copy."""
    source = torch.zeros(COPIED, dtype=torch.uint8)
    target = torch.empty_like(source)
    return 2 * COPIED / 1e9 / best(lambda: target.copy_(source))


def best(work: Callable[[], object]) -> float:
    """The least seconds of a few runs."""
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def section(measured: dict[str, Any]) -> str:
    """The budget as a table and the machine's best in words."""
    parts = measured["parts"]
    convolutions = total(part for name, part in parts.items() if name.startswith("convolutions"))
    lines = {**parts, "**all convolutions of the main path**": convolutions, "**everything**": total(parts.values())}
    gemm, copy = measured["gemm_g_per_s"], measured["copy_gb_per_s"]
    header = ("part", "published, G", "done, G", "ms", "rate of what is done", "rate in published terms")
    return (
        f"{table(header, (row(name, part, gemm, copy) for name, part in lines.items()))}\n"
        f"G are 10^9 multiply-adds; percentages are shares of the machine's best in the same run, "
        f"{gemm:.0f} G/s (product of {GEMM} x {GEMM} matrices) and {copy:.1f} GB/s (copy of 256 MB). The tables' sums "
        f"of looked-up rows, {measured['sums_g']:.1f} G additions, count as time only. Whole runs: "
        f"{1e3 * measured['new_labels_s']:.0f} ms with a new label map, "
        f"{1e3 * measured['labels_unchanged_s']:.0f} ms with labels unchanged, for which "
        f"{1e3 * measured['kept_gb']:.0f} MB of tables are kept.\n"
    )


def total(parts: Iterable[Part]) -> Part:
    """Several parts as one."""
    sums = dict.fromkeys(("published_g", "done_g", "moved_gb", "seconds"), 0.0)
    for part in parts:
        for key in sums:
            sums[key] += part[key]
    return sums


def row(name: str, part: Part, gemm: float, copy: float) -> tuple[str, ...]:
    """One line of the table: what there is to say of a part."""
    done = published = ""
    if part["done_g"]:
        done = rate(part["done_g"] / part["seconds"], gemm, "G/s")
        published = rate(part["published_g"] / part["seconds"], gemm, "G/s")
    elif part["moved_gb"]:
        done = rate(part["moved_gb"] / part["seconds"], copy, "GB/s")
    counts = (f"{part[key]:.1f}" if part[key] else "" for key in ("published_g", "done_g"))
    return (name, *counts, f"{1e3 * part['seconds']:.1f}", done, published)


def rate(value: float, best: float, unit: str) -> str:
    return f"{value:.{0 if value >= 20 else 1}f} {unit} ({100 * value / best:.0f} %)"


if __name__ == "__main__":
    main()
