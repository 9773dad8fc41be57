"""COCO-Stuff 164k (Caesar, Uijlings, Ferrari 2018) on COCO 2017:

ROOT/images/{train,val}2017/000000000139.jpg               or ROOT/{train,val}2017/
ROOT/stuffthingmaps/{train,val}2017/000000000139.png       0..181, 255 unlabelled; or ROOT/annotations/, or the
                                                           archive's own stuffthingmaps_trainval2017/
ROOT/annotations/panoptic_{train,val}2017/*.png            instances, if they are there: colours are segment numbers
ROOT/annotations/instances_{train,val}2017.json            or, if those are not: polygons, which are filled

or as SPADE's script lays them out: ROOT/{train,val}_{img,label,inst}/, where _inst is made already.

Values are ids minus one: 0..90 things (eleven of them never used), 91..181 stuff. 255 is don't-care, the last channel
(the channels of OASIS's networks start with it, see `conventions`).
"""

from __future__ import annotations

from pathlib import Path

from intarsia.data.folder import images_in
from intarsia.data.instances import CocoPolygons, Panoptic
from intarsia.data.pairs import Listing, PairFiles, matched
from intarsia.data.spaces import label_space_of
from intarsia.errors import DataError

LABEL_HOMES = ("stuffthingmaps", "stuffthingmaps_trainval2017", "annotations", ".")


def list_coco_stuff(root: Path, split: str) -> Listing:
    """The pairs of `split`, with instance maps made from what there is.

    Raises:
        DataError: there are no photos or no label maps, or the annotations are malformed.
    """
    space = label_space_of("coco-stuff")
    if (root / f"{split}_img").is_dir():
        homes = [root / f"{split}_{kind}" for kind in ("img", "label", "inst")]
        files, wrong = _pairs(homes[0], homes[1], homes[2])
        return Listing(
            space, files, wrong, reading="instances as SPADE's script made them" if homes[2].is_dir() else ""
        )
    part = f"{split}2017"
    photos = root / "images" / part if (root / "images" / part).is_dir() else root / part
    candidates = [root / home / part for home in LABEL_HOMES]
    labels = next((home for home in candidates if any(home.glob("*.png"))), None)
    if labels is None:
        raise DataError(
            f"{root} has no label maps of {split}. Unpack stuffthingmaps_trainval2017.zip into {candidates[0]}."
        )
    panoptic, polygons = (root / "annotations" / name for name in (f"panoptic_{part}", f"instances_{part}.json"))
    if panoptic.is_dir():
        files, wrong = _pairs(photos, labels, panoptic)
        return Listing(space, files, wrong, read=Panoptic(), reading="instances: segments of the panoptic PNG files")
    files, wrong = _pairs(photos, labels, None)
    if polygons.is_file():
        reading = f"instances: polygons of {polygons.name}, filled by Pillow; label regions where there is none"
        return Listing(space, files, wrong, read=CocoPolygons(polygons), reading=reading)
    return Listing(space, files, wrong)


def _pairs(photos: Path, labels: Path, instances: Path | None) -> tuple[tuple[PairFiles, ...], tuple[str, ...]]:
    found = images_in(photos, (".jpg",))
    if not found:
        raise DataError(f"{photos} holds no .jpg files. Unpack train2017.zip and val2017.zip there.")
    homes = {"photo": photos, "label map": labels, "instance map": instances or labels}

    def expected(kind: str, name: str) -> Path:
        return homes[kind] / f"{name}.{'jpg' if kind == 'photo' else 'png'}"

    return matched(found, images_in(labels), {} if instances is None else images_in(instances), expected)
