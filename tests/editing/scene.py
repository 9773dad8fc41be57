"""A small label space and documents for the tests of editing."""

from pathlib import Path

import numpy as np
from PIL import Image

from intarsia.editing.document import Document
from intarsia.labels import LabelClass, LabelSpace

SPACE = LabelSpace(
    "plots",
    (
        LabelClass(0, "sky", (10, 20, 30)),
        LabelClass(7, "road", (40, 50, 60)),
        LabelClass(300, "car", (70, 80, 90)),
        LabelClass(9, "tree", (1, 2, 3)),
    ),
    (255,),
)
IDS = {"sky": 0, "road": 7, "car": 300, "tree": 9}


def blank(height=12, width=16):
    return Document.blank(SPACE, (height, width), "sky")


def drawn(text):
    """A mask from a picture in letters: # is inside."""
    return np.array([[letter == "#" for letter in line] for line in text.split()])


def shown(mask):
    return "\n".join("".join("#" if inside else "." for inside in row) for row in mask)


def of_classes(document, **letters):
    """The map in letters, such as r="road"."""
    by_id = {IDS[name]: letter for letter, name in letters.items()}
    return "\n".join("".join(by_id[value] for value in row) for row in document.labels.tolist())


def files_of(tmp_path: Path, **arrays):
    for name, array in arrays.items():
        Image.fromarray(array).save(tmp_path / f"{name}.png")
