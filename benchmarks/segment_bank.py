"""How long a look-up in a segment bank takes: `python -m benchmarks.segment_bank --segments 100000`.

Photos and label maps are made up: regions of random classes, ten or so in each map. What is measured is all that
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


def made_up_bank(segments: int, classes: int, size: tuple[int, int]) -> SegmentBank:
    """A bank of at least so many segments."""
    maps: list[npt.NDArray[np.int32]] = []
    regions: list[npt.NDArray[np.int32]] = []
    descriptions: list[npt.NDArray[np.float32]] = []
    photo_of: list[int] = []
    label_of: list[int] = []
    while len(label_of) < segments:
        labels = region_map(len(maps), classes, *size, REGIONS).numpy()
        numbers = np.full(size, -1, np.int32)
        for segment in large_segments(labels, (), classes):
            numbers[segment.mask] = len(label_of)
            photo_of.append(len(maps))
            label_of.append(segment.label)
            descriptions.append(described(segment.mask, labels, classes))
        maps.append(labels.astype(np.int32))
        regions.append(numbers)
    return SegmentBank(
        label_space=numbered("made up", classes),
        data="made up",
        thin=(),
        ground=(),
        order=tuple(range(classes)),
        photos=np.zeros((len(maps), *size, 3), np.uint8),
        labels=np.stack(maps),
        regions=np.stack(regions),
        photo_of=np.array(photo_of, np.int32),
        label_of=np.array(label_of, np.int32),
        descriptions=np.stack(descriptions),
    )


def measure(segments: int, classes: int, size: tuple[int, int], queries: int) -> dict[str, Any]:
    """Seconds to build and to index such a bank, and milliseconds of each of `queries` look-ups."""
    start = time.perf_counter()
    bank = made_up_bank(segments, classes, size)
    built = time.perf_counter()
    asked = region_map(10**6 - 1, classes, *size, REGIONS).numpy()
    wanted = large_segments(asked, (), classes)
    for segment in wanted:
        bank.retrieve(segment, asked)  # indexes its class
    indexed = time.perf_counter()
    milliseconds = []
    for number in range(queries):
        labels = region_map(10**6 + number, classes, *size, REGIONS).numpy()
        segment = large_segments(labels, (), classes)[0]
        before = time.perf_counter()
        bank.retrieve(segment, labels)
        milliseconds.append(1000 * (time.perf_counter() - before))
    return {
        "segments": len(bank),
        "photos": len(bank.photos),
        "classes": classes,
        "build_s": round(built - start, 1),
        "index_s": round(indexed - built, 1),
        "query_ms_median": round(float(np.median(milliseconds)), 2),
        "query_ms_worst": round(max(milliseconds), 2),
        "queries": queries,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=4)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--queries", type=int, default=100)
    options = parser.parse_args()
    size = (options.size, options.size)
    print(json.dumps(measure(options.segments, options.classes, size, options.queries)))


if __name__ == "__main__":
    main()
