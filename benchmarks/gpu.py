"""Synthesis and training on a GPU: coded maps against dense planes, and what precision, layout and graphs bring.

    python -m benchmarks.gpu synth --preset spade-ade20k --size 256x256 --json
    python -m benchmarks.gpu train --preset spade-ade20k --size 256x256 --json

Contestants have the same weights and label maps and take turns; a run ends when the GPU has nothing left to do. The
clock starts at label maps that lie on the GPU. A graph is what `torch.cuda.CUDAGraph` recorded of the dense network.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from benchmarks.page import show, table
from intarsia.bench.machine import about, interleaved
from intarsia.bench.scenes import scene, seeds, settle, system_for
from intarsia.bench.train import Contestant
from intarsia.blocks.frozen import forget, freeze
from intarsia.cli.bench import label_maps
from intarsia.records import Condition
from intarsia.systems.system import System

Run = Callable[[], object]
Figures = dict[str, dict[str, float]]
DEVICE = torch.device("cuda")
PUBLISHED = "dense, as published"
BATCHES = {"synth": (1, 8), "train": (1, 8)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=sorted(BATCHES))
    parser.add_argument("--preset", default="spade-ade20k")
    parser.add_argument("--size", metavar="HxW", help="by default the preset's")
    parser.add_argument("--regions", type=int, default=40, help="of the made-up label maps")
    parser.add_argument("--batches", type=int, nargs="+", help="images at once (1 8)")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--seed", type=int, default=0, help="of weights and label maps")
    parser.add_argument("--json", action="store_true", dest="as_json", help="one line of JSON")
    asked = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("torch finds no GPU here")
    measured = measure(asked, asked.batches or BATCHES[asked.what])
    show(measured, section(measured), asked.as_json)


def measure(asked: argparse.Namespace, batches: Sequence[int]) -> dict[str, Any]:
    """Seconds, peak memory and differences of all contestants, by number of images."""
    by_batch: dict[str, Figures] = {}
    for batch in batches:
        labels = label_maps(asked.preset, asked.size, None, asked.regions, batch, asked.seed)
        system = system_for(asked.preset, (labels.shape[1], labels.shape[2]), asked.seed)
        contest = {"synth": synthesis, "train": training}[asked.what]
        by_batch[str(batch)] = contest(system, labels, asked.repeats)
    return {
        **about(asked.preset, labels, asked.repeats, asked.seed),
        "what": asked.what,
        "gpu": torch.cuda.get_device_name(),
        "cuda": torch.version.cuda,
        "batches": by_batch,
    }


def synthesis(system: System, labels: Tensor, repeats: int) -> Figures:
    """Images from label maps."""
    settle(system.generator, system.condition(scene(labels, 0), seeds(len(labels))))
    batch = scene(labels, 0).to(DEVICE)

    def conditioned() -> Condition:
        return system.condition(batch, seeds(len(labels)))

    plain = copy.deepcopy(system.generator).to(DEVICE)
    last = copy.deepcopy(plain).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    frozen, unchanged = freeze(last), freeze(last)
    known = conditioned()

    def coded() -> Tensor:
        image: Tensor = frozen(conditioned()).image
        forget(frozen)  # or the next run would find its own tables
        return image

    contestants: dict[str, Callable[[], Tensor]] = {
        PUBLISHED: lambda: plain(conditioned().dense()).image,
        "dense, channels-last, bf16": halved(lambda: last(conditioned().dense()).image),
        "dense, channels-last, bf16, graph": graphed(last, conditioned),
        "coded": coded,
        "coded, labels unchanged": lambda: unchanged(known).image,
    }
    with torch.inference_mode():
        reference = contestants[PUBLISHED]().float()
        differences = {name: float((make().float() - reference).abs().max()) for name, make in contestants.items()}
        found = timed(contestants, repeats)
    return {name: figures | {"difference": differences[name]} for name, figures in found.items()}


def training(system: System, labels: Tensor, repeats: int) -> Figures:
    """One generator and one discriminator step, without the VGG term."""

    def stepper(dense: bool, *, graphs: bool = False, **more: Any) -> Run:
        return Contestant.of(system, labels, dense, accelerator="cuda", **more).stepper(graphs=graphs)

    contestants = {
        PUBLISHED: stepper(True),
        "dense, bf16": stepper(True, mixed="bf16-mixed"),
        "coded, one by one": stepper(False),
        "as `intarsia train`: graphs": stepper(False, graphs=True),
        "as `intarsia train`: graphs, bf16": stepper(False, graphs=True, mixed="bf16-mixed"),
    }
    return timed(contestants, repeats)


def halved(make: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """The same under autocast to bfloat16."""

    def in_half() -> Tensor:
        with torch.autocast("cuda", torch.bfloat16):
            return make()

    return in_half


def graphed(generator: torch.nn.Module, conditioned: Callable[[], Condition]) -> Callable[[], Tensor]:
    """Replays of the dense network in bfloat16, recorded once: planes are made and copied in before each."""
    static = conditioned().dense()
    planes = static.semantics
    assert isinstance(planes, Tensor)
    draw = halved(lambda: generator(static).image)
    with torch.inference_mode():
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                draw()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            image = draw()

    def replay() -> Tensor:
        new = conditioned().dense().semantics
        assert isinstance(new, Tensor)
        planes.copy_(new)
        graph.replay()
        return image

    return replay


def timed(contestants: dict[str, Callable[[], Any]], repeats: int) -> Figures:
    """Median seconds of runs that take turns, and each contestant's peak above what is held before it."""
    seconds = interleaved({name: finished(run) for name, run in contestants.items()}, repeats)
    return {name: {"seconds": seconds[name], "peak_mb": peak_mb(finished(run))} for name, run in contestants.items()}


def finished(run: Run) -> Run:
    """The run, and then waiting for the GPU."""

    def wait() -> None:
        run()
        torch.cuda.synchronize()

    return wait


def peak_mb(run: Run) -> float:
    """Megabytes of the GPU that a run needs beyond what is held already."""
    run()
    torch.cuda.reset_peak_memory_stats()
    held = torch.cuda.memory_allocated()
    run()
    return (torch.cuda.max_memory_allocated() - held) / 1e6


def section(measured: dict[str, Any]) -> str:
    """What docs/performance.md shows."""
    parts = []
    for batch, found in measured["batches"].items():
        base = found[PUBLISHED]["seconds"]
        rows = [
            (
                name,
                f"{1e3 * one['seconds']:.1f} ms",
                f"{int(batch) / one['seconds']:.0f}",
                f"{base / one['seconds']:.1f}",
                f"{one['peak_mb']:.0f} MB",
                *([f"{one['difference']:.0e}"] if "difference" in one else []),
            )
            for name, one in found.items()
        ]
        head = [f"batch of {batch}", "time", "images/s", "times as fast", "peak memory"]
        parts.append(table(head + (["largest difference of -1..1"] if len(rows[0]) > len(head) else []), rows))
    return "\n".join(parts) + f"\n*{measured['gpu']}, CUDA {measured['cuda']}; convolutions of float32 in TF32.*\n"


if __name__ == "__main__":
    main()
