"""ADE20K as the scene parsing challenge of 2016 gave it out (SceneParse150; Zhou et al. 2017):

ROOT/images/{training,validation}/ADE_train_00000001.jpg
ROOT/annotations/{training,validation}/ADE_train_00000001.png    0 other, 1..150 classes
ROOT/sceneCategories.txt                                         "ADE_train_00000001 airport_terminal" in each line

ROOT may also be the folder that ADEChallengeData2016 lies in. `ade20k` has 0 as don't-care, which comes last (the
channels of OASIS's networks start with it, see `conventions`). `ade20k-spade` has it as a class of its own and as the
first channel: what the released SPADE, CC-FPSE and SAFM networks see.

The photos of ADE20K-outdoor are not published by any paper. Here they are those whose scene category is named in
`outdoor_scenes.txt` beside this module, a list that anyone can apply. A file ROOT/outdoor.txt with a name in each line
(others' lists) takes its place.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from intarsia.data.folder import images_in
from intarsia.data.pairs import Listing, matched
from intarsia.data.spaces import AS_STORED, label_space_of
from intarsia.errors import DataError
from intarsia.files import sha256

SPLITS = {"train": "training", "val": "validation"}
SCENES_FILE, OTHERS_LIST = "sceneCategories.txt", "outdoor.txt"
OUTDOOR = Path(__file__).with_name("outdoor_scenes.txt")


def list_ade20k(root: Path, split: str) -> Listing:
    """The pairs of `split`, 0 as don't-care.

    Raises:
        DataError: there are no photos.
    """
    home = _home(root)
    part = SPLITS.get(split, split)
    photos = images_in(home / "images" / part, (".jpg",))
    if not photos:
        raise DataError(f"{home / 'images' / part} holds no .jpg files. Unpack ADEChallengeData2016.zip into {root}.")
    labels = images_in(home / "annotations" / part)

    def expected(kind: str, name: str) -> Path:
        return home / ("images" if kind == "photo" else "annotations") / part / f"{name}.{_suffix(kind)}"

    files, wrong = matched(photos, labels, {}, expected)
    return Listing(label_space_of("ade20k"), files, wrong, reading="0 as don't-care")


def list_ade20k_spade(root: Path, split: str) -> Listing:
    """The same, 0 as a class and as the first channel."""
    return replace(list_ade20k(root, split), label_space=label_space_of("ade20k-spade"), reading=AS_STORED)


def list_ade20k_outdoor(root: Path, split: str) -> Listing:
    """The outdoor photos of `split`: those of ROOT/outdoor.txt, or those of our list of scenes.

    Raises:
        DataError: there are none, or nothing says which they are.
    """
    listing, home = list_ade20k(root, split), _home(root)
    others = root / OTHERS_LIST
    if others.is_file():
        chosen = {Path(line.strip()).stem for line in others.read_text().splitlines() if line.strip()}
        reading = f"the photos that {OTHERS_LIST} names (SHA-256 {sha256(others)})"
    else:
        chosen = _of_scenes(home / SCENES_FILE)
        reading = f"scenes of Intarsia's outdoor list (SHA-256 {sha256(OUTDOOR)})"
    files = tuple(pair for pair in listing.files if pair.name in chosen)
    if not files:
        raise DataError(
            f"{root} has no photo of {split} that is outdoors by {OTHERS_LIST if others.is_file() else SCENES_FILE}. "
            f"Write the names of the photos wanted to {others}, one in a line."
        )
    return Listing(listing.label_space, files, listing.wrong, reading=f"0 as don't-care; {reading}")


@cache
def outdoor_scenes() -> frozenset[str]:
    """The scene categories that count as outdoors."""
    return frozenset(line.strip() for line in OUTDOOR.read_text().splitlines() if line and not line.startswith("#"))


def _of_scenes(path: Path) -> set[str]:
    if not path.is_file():
        raise DataError(
            f"{path} is missing, and it says which photos are outdoors. Unpack ADEChallengeData2016.zip again."
        )
    rows = [line.split() for line in path.read_text().splitlines()]
    return {row[0] for row in rows if len(row) == 2 and row[1] in outdoor_scenes()}


def _home(root: Path) -> Path:
    inside = root / "ADEChallengeData2016"
    return inside if inside.is_dir() else root


def _suffix(kind: str) -> str:
    return "jpg" if kind == "photo" else "png"
