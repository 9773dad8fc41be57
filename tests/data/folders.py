"""Small data sets on disk."""

from pathlib import Path

import numpy as np
from PIL import Image

from intarsia.data.label_files import write_label_map
from intarsia.labels import LabelClass, LabelSpace

SPACE = LabelSpace(
    "toy",
    (LabelClass(0, "sky", (70, 130, 180)), LabelClass(1, "sea", (0, 0, 90)), LabelClass(2, "sand", (236, 208, 144))),
)


def make_folder(root: Path, names: tuple[str, ...] = ("a", "b"), *, split: str = "train", size=(24, 32)) -> Path:
    """A plain folder with labelled photos; pixel values depend on the name."""
    SPACE.save(root / "label_space.json")
    for kind in ("photos", "labels"):
        (root / split / kind).mkdir(parents=True, exist_ok=True)
    for name in names:
        draw = np.random.default_rng(list(name.encode()))
        photo = draw.integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(photo).save(root / split / "photos" / f"{name}.png")
        write_label_map(root / split / "labels" / f"{name}.png", draw.integers(0, 3, size), SPACE)
    return root
