"""A small data set and a small run, for the tests of this folder."""

import random
from pathlib import Path

import numpy as np
from PIL import Image

from intarsia import labels

CLASSES = 6


def write_data(root: Path, pairs: int = 6, size: int = 40, classes: int = CLASSES) -> Path:
    """A plain folder data set of rectangles: photos in colours of their labels."""
    space = labels.numbered("rectangles", classes)
    space.save(root / "label_space.json")
    draw = random.Random(0)
    for split in ("train", "val"):
        for kind in ("photos", "labels"):
            (root / split / kind).mkdir(parents=True)
        for number in range(pairs):
            ids = np.zeros((size, size), np.uint8)
            for _ in range(8):
                top, left = draw.randrange(size), draw.randrange(size)
                ids[top : top + size // 2, left : left + size // 2] = draw.randrange(classes)
            photo = space.colourise(ids) // 2 + np.arange(size, dtype=np.uint8)[:, None, None]
            Image.fromarray(ids).save(root / split / "labels" / f"{number}.png")
            Image.fromarray(photo).save(root / split / "photos" / f"{number}.png")
    return root
