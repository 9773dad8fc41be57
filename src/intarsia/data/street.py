"""Rendered street scenes in one flat folder: `NNNNN.webp`, `NNNNN_label.png` (ids), `NNNNN_instance.png` (16 bit).

Scenes whose number is divisible by 10 are the split val, all others train.
"""

from __future__ import annotations

from pathlib import Path

from intarsia.data.pairs import Listing, matched
from intarsia.errors import DataError
from intarsia.labels import counted

STREET = counted(
    "street",
    {
        "sky": (70, 130, 180),
        "road": (128, 64, 128),
        "sidewalk": (244, 35, 232),
        "grass": (124, 180, 60),
        "building": (110, 110, 110),
        "roof": (160, 70, 50),
        "tree": (50, 110, 40),
        "trunk": (110, 75, 45),
        "car": (0, 0, 142),
        "pole": (190, 170, 120),
        "marking": (240, 240, 240),
        "mountain": (145, 125, 105),
        "window": (130, 190, 220),
        "door": (180, 110, 30),
        "fence": (190, 153, 153),
        "hedge": (70, 150, 80),
        "sign": (220, 220, 0),
        "person": (220, 20, 60),
        "water": (40, 70, 220),
        "field": (215, 170, 70),
        "snow": (205, 225, 250),
        "path": (200, 150, 110),
        "rock": (80, 80, 95),
        "truck": (0, 90, 110),
        "bus": (0, 160, 150),
        "bicycle": (150, 20, 20),
        "traffic light": (255, 140, 20),
        "bench": (120, 40, 90),
    },
)
SUFFIXES = {"photo": ".webp", "label map": "_label.png", "instance map": "_instance.png"}
VAL_EVERY = 10


def list_street(root: Path, split: str) -> Listing:
    """Find the scenes of `split` ("train" or "val") under `root`.

    Raises:
        DataError: there are none.
    """

    def having(kind: str) -> dict[str, Path]:
        paths = {path.name.removesuffix(SUFFIXES[kind]): path for path in root.glob(f"*{SUFFIXES[kind]}")}
        return {
            name: path
            for name, path in paths.items()
            if name.isdigit() and (int(name) % VAL_EVERY == 0) == (split == "val")
        }

    if split not in ("train", "val") or not (photos := having("photo")):
        raise DataError(
            f"{root} holds no street scenes for the split {split}. Scenes are NNNNN.webp; splits train, val."
        )
    files, wrong = matched(
        photos, having("label map"), having("instance map"), lambda kind, name: root / f"{name}{SUFFIXES[kind]}"
    )
    return Listing(STREET, files, wrong)
