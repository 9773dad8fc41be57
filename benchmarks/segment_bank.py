"""How long a look-up in a segment bank takes: `python -m benchmarks.segment_bank --segments 100000`.

Photos and label maps are made up: regions of random classes, ten or so in each map. `--maps` of them are made, and then
repeated until there are enough segments, with descriptions that differ a little. What is measured is all that
`SegmentBank.retrieve` does: the description of the segment asked for, the nearest descriptions of its class, and the
comparison of each of these pixel by pixel.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from intarsia.bench.scenes import region_map
from intarsia.conditioning.segments import large_segments
from intarsia.labels import numbered
from intarsia.synthesis.segment_bank import SegmentBank
from intarsia.synthesis.segment_index import described

REGIONS = 14
BLUR = 0.02  # of the numbers of repeated descriptions


def made_up_bank(segments: int, classes: int, size: tuple[int, int], distinct: int) -> SegmentBank:
    """A bank of at least so many segments, of so many distinct maps (fewer if they suffice)."""
    maps: list[npt.NDArray[np.int32]] = []
    regions: list[npt.NDArray[np.int32]] = []
    descriptions: list[npt.NDArray[np.float32]] = []
    photo_of: list[int] = []
    label_of: list[int] = []
    while len(label_of) < segments and len(maps) < distinct:
        labels = region_map(len(maps), classes, *size, REGIONS).numpy()
        numbers = np.full(size, -1, np.int32)
        for segment in large_segments(labels, (), classes):
            numbers[segment.mask] = len(label_of)
            photo_of.append(len(maps))
            label_of.append(segment.label)
            descriptions.append(described(segment.mask, labels, classes))
        maps.append(labels.astype(np.int32))
        regions.append(numbers)
    times = -(-segments // len(label_of))
    shift = np.arange(times).repeat(len(maps))[:, None, None]
    numbered_on = np.tile(np.stack(regions), (times, 1, 1))
    rows = np.tile(np.stack(descriptions), (times, 1))
    blur = np.random.default_rng(0).normal(0, BLUR, rows.shape)
    return SegmentBank(
        label_space=numbered("made up", classes),
        data="made up",
        thin=(),
        ground=(),
        order=tuple(range(classes)),
        photos=np.zeros((times * len(maps), *size, 3), np.uint8),
        labels=np.tile(np.stack(maps), (times, 1, 1)),
        regions=np.where(numbered_on < 0, -1, numbered_on + shift * len(label_of)).astype(np.int32),
        photo_of=(np.tile(photo_of, times) + np.arange(times).repeat(len(photo_of)) * len(maps)).astype(np.int32),
        label_of=np.tile(np.array(label_of, np.int32), times),
        descriptions=(rows + blur).astype(np.float32),
    )


def measure(segments: int, classes: int, size: tuple[int, int], queries: int, distinct: int = 1000) -> dict[str, Any]:
    """Seconds to build and index such a bank, and milliseconds of `queries` look-ups: by the clock, and computing."""
    start = time.perf_counter()
    bank = made_up_bank(segments, classes, size, distinct)
    built = time.perf_counter()
    asked = region_map(10**6 - 1, classes, *size, REGIONS).numpy()
    wanted = large_segments(asked, (), classes)
    for segment in wanted:
        bank.retrieve(segment, asked)  # indexes its class
    indexed = time.perf_counter()
    milliseconds, computing = [], []
    for number in range(queries):
        labels = region_map(10**6 + number, classes, *size, REGIONS).numpy()
        segment = large_segments(labels, (), classes)[0]
        before, busy = time.perf_counter(), time.process_time()
        bank.retrieve(segment, labels)
        milliseconds.append(1000 * (time.perf_counter() - before))
        computing.append(1000 * (time.process_time() - busy))
    return {
        "segments": len(bank),
        "photos": len(bank.photos),
        "classes": classes,
        "build_s": round(built - start, 1),
        "index_s": round(indexed - built, 1),
        "query_ms_median": round(float(np.median(milliseconds)), 2),
        "query_ms_worst": round(max(milliseconds), 2),
        "query_computing_ms_median": round(float(np.median(computing)), 2),
        "queries": queries,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=4)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--maps", type=int, default=1000)
    options = parser.parse_args()
    size = (options.size, options.size)
    print(json.dumps(measure(options.segments, options.classes, size, options.queries, options.maps)))


if __name__ == "__main__":
    main()
