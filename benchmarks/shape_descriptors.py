"""How long SAFM's shape descriptors take: computed, kept on disk, and read from there.

    python -m benchmarks.shape_descriptors --data street:datasets/street --count 1000 --size 256x256

Instance maps are those of the data set's split train, resized; where it has fewer, they are taken again mirrored.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from intarsia.bench.machine import machine
from intarsia.cli.options import size_of
from intarsia.conditioning.shapes import counted, dense, kept_descriptors
from intarsia.data.sources import Source, open_source
from intarsia.data.transforms import Size, resize
from intarsia.errors import DataError

Map = npt.NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="street:datasets/street")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--size", default="256x256")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args()
    source = open_source(asked.data, "train")
    print(json.dumps(measured(source, asked.count, size_of(asked.size), asked.threads), indent=1))


def measured(source: Source, count: int, size: Size, threads: int) -> dict[str, Any]:
    """Seconds for `count` maps each way, on so many threads."""
    maps = [instances(source, number, size) for number in range(count)]
    dense(counted(maps[0]))  # compiles the loops
    with tempfile.TemporaryDirectory() as folder:

        def kept(one: Map) -> Tensor:
            return kept_descriptors(torch.from_numpy(one), Path(folder))

        ways: dict[str, Callable[[Map], Tensor]] = {
            "computed": lambda one: dense(counted(one)),
            "computed and kept": kept,
            "read": kept,
        }
        took = {name: timed(way, maps, threads) for name, way in ways.items()}
        kept_bytes = sum(path.stat().st_size for path in Path(folder).iterdir())
    return {
        "data": source.name,
        "maps": count,
        "size": list(size),
        "objects": int(np.mean([len(np.unique(one[one > 0])) for one in maps])),
        "threads": threads,
        "seconds": {name: seconds for name, (seconds, _) in took.items()},
        "processor_seconds": {name: seconds for name, (_, seconds) in took.items()},  # others may use the machine too
        "kept_megabytes": round(kept_bytes / 1e6, 1),
        "machine": machine(),
    }


def instances(source: Source, number: int, size: Size) -> Map:
    """An instance map of the source at `size`; beyond its end they come again, mirrored."""
    again, place = divmod(number, len(source))
    pair = resize(source.pair(place), size)
    if pair.instances is None:
        raise DataError(f"{source.spec} has no instance maps. Give data with them.")
    return np.ascontiguousarray(pair.instances[:, ::-1] if again % 2 else pair.instances, np.int64)


def timed(way: Callable[[Map], Tensor], maps: list[Map], threads: int) -> tuple[float, float]:
    """Seconds that all maps take, and those that processors spend on them."""
    start, spent = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda one: way(one).shape, maps):
            pass
    return round(time.perf_counter() - start, 2), round(time.process_time() - spent, 2)


if __name__ == "__main__":
    main()
