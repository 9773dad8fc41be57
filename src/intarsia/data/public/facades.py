"""CMP facades (Tylecek & Sara 2013):

ROOT/base/cmp_b0001.jpg, .png, .xml          378 photos; label maps are palette PNGs of 1..12
ROOT/extended/cmp_x0001.jpg, .png, .xml      228 more, more varied ones

or as SPADE has them: ROOT/{train,test}_{img,label}/, where `val` is test. The archive has no splits: every eighth photo
of base is val here, all the others are train. `facades` has 0 as don't-care; `facades-spade` has it as the first of 13
channels, as the released networks do.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from intarsia.data.folder import images_in
from intarsia.data.pairs import Listing, in_order, matched
from intarsia.data.spaces import AS_STORED, label_space_of
from intarsia.errors import DataError

VAL_EVERY = 8


def list_facades(root: Path, split: str) -> Listing:
    """The pairs of `split`, 0 as don't-care.

    Raises:
        DataError: there are no photos.
    """
    photos, labels = _of_spade(root, split) if (root / "train_img").is_dir() else _of_archive(root, split)
    if not photos:
        raise DataError(f"{root} holds no photos of {split}. Unpack CMP_facade_DB_base.zip into {root / 'base'}.")

    def expected(kind: str, name: str) -> Path:
        return (labels if kind == "photo" else photos)[name].with_suffix(".jpg" if kind == "photo" else ".png")

    files, wrong = matched(photos, labels, {}, expected)
    return Listing(label_space_of("facades"), files, wrong, reading="0 as don't-care")


def list_facades_spade(root: Path, split: str) -> Listing:
    """The same, 0 as a class and as the first channel."""
    return replace(list_facades(root, split), label_space=label_space_of("facades-spade"), reading=AS_STORED)


def _of_spade(root: Path, split: str) -> tuple[dict[str, Path], dict[str, Path]]:
    part = "test" if split == "val" else split
    return images_in(root / f"{part}_img", (".jpg", ".png")), images_in(root / f"{part}_label")


def _of_archive(root: Path, split: str) -> tuple[dict[str, Path], dict[str, Path]]:
    base, extended = (images_in(root / part, (".jpg",)) for part in ("base", "extended"))
    held_out = set(in_order(set(base))[VAL_EVERY - 1 :: VAL_EVERY])
    wanted = held_out if split == "val" else (base.keys() | extended.keys()) - held_out
    labels = images_in(root / "base") | images_in(root / "extended")
    orphans = {} if split == "val" else {name: path for name, path in labels.items() if name not in base | extended}
    photos = {name: path for name, path in (base | extended).items() if name in wanted}
    return photos, {name: path for name, path in labels.items() if name in wanted} | orphans
