"""A small segment bank made by rule."""

import random

from intarsia.data.sources import open_source
from intarsia.synthesis.segment_bank import SegmentBank, build_segment_bank
from tests.training.scene import write_data

THIN, GROUND = (5,), (0,)


def small_bank(folder, pairs: int = 6, classes: int = 6) -> SegmentBank:
    """Of rectangles in colours of their labels, 64 x 64."""
    random.seed(0)
    data = folder / "data"
    if not data.exists():
        write_data(data, pairs=pairs, size=64, classes=classes)
    return build_segment_bank(open_source(str(data), "train"), size=(64, 64), thin=THIN, ground=GROUND)
