"""Cityscapes (Cordts et al. 2016):

ROOT/leftImg8bit/SPLIT/CITY/CITY_SEQ_FRAME_leftImg8bit.png
ROOT/gtFine/SPLIT/CITY/CITY_SEQ_FRAME_gtFine_labelIds.png       ids 0..33
ROOT/gtFine/SPLIT/CITY/CITY_SEQ_FRAME_gtFine_instanceIds.png    16 bit: id * 1000 + number, or the id alone

Three ways to read the ids: `cityscapes` as SPADE, pix2pixHD and their kin do (35 channels, the last never set, no
don't-care), `cityscapes-oasis` as OASIS (id 0 is don't-care, 34 channels more), `cityscapes-19` as CRN, SIMS and all
segmenters do (the 19 classes that are evaluated, the others don't-care).
"""

from __future__ import annotations

from pathlib import Path

from intarsia.data.pairs import Listing, matched
from intarsia.data.spaces import label_space_of
from intarsia.errors import DataError

PHOTO, LABELS, INSTANCES = "_leftImg8bit.png", "_gtFine_labelIds.png", "_gtFine_instanceIds.png"


def list_cityscapes(root: Path, split: str, space: str = "cityscapes") -> Listing:
    """The pairs of `split`, read in the label space of that name.

    Raises:
        DataError: there are no photos.
    """
    homes = {PHOTO: root / "leftImg8bit" / split, LABELS: root / "gtFine" / split, INSTANCES: root / "gtFine" / split}
    photos, labels, instances = (_named(home, suffix) for suffix, home in homes.items())
    if not photos:
        raise DataError(f"{homes[PHOTO]} holds no *{PHOTO}. Unpack leftImg8bit_trainvaltest.zip into {root}.")

    def expected(kind: str, name: str) -> Path:
        suffix = {"photo": PHOTO, "label map": LABELS, "instance map": INSTANCES}[kind]
        return homes[suffix] / name.partition("_")[0] / f"{name}{suffix}"

    files, wrong = matched(photos, labels, instances, expected)
    return Listing(label_space_of(space), files, wrong, reading=f"ids as in {space}; instances of instanceIds.png")


def _named(home: Path, suffix: str) -> dict[str, Path]:
    return {path.name.removesuffix(suffix): path for path in sorted(home.glob(f"*/*{suffix}"))}
