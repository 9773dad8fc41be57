"""CelebAMask-HQ (Lee et al. 2020):

ROOT/CelebA-HQ-img/0.jpg                                  1024 x 1024
ROOT/CelebAMask-HQ-mask-anno/0/00000_skin.png             512 x 512, a mask for each part that the face shows;
                                                          folders of 2,000 faces
ROOT/CelebA-HQ-to-CelebA-mapping.txt                      "idx orig_idx orig_file" in each line

A label map is put together of the masks in the order of `PARTS`, later ones over earlier ones, as the script of the
data set does; where none is, it is background. Photos are brought to the masks' size. Splits are CelebA's, by orig_idx.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from intarsia.data.label_files import read_mask, read_photo
from intarsia.data.pairs import Listing, Pair, PairFiles
from intarsia.data.spaces import label_space_of
from intarsia.errors import DataError
from intarsia.labels import LabelSpace

PARTS = tuple(c.name.replace(" ", "_") for c in label_space_of("celebamask-hq").classes[1:])
FACES_A_FOLDER = 2000
MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
FIRST_OF_SPLIT = {"train": 0, "val": 162770, "test": 182637}  # orig_idx, as CelebA's list_eval_partition.txt has it
END = 202599


def list_celebamask_hq(root: Path, split: str) -> Listing:
    """The faces of `split` (train, val or test).

    Raises:
        DataError: the split or the mapping is missing, or there are no photos.
    """
    if split not in FIRST_OF_SPLIT:
        raise DataError(f"celebamask-hq has no split {split}. Give one of {', '.join(FIRST_OF_SPLIT)}.")
    home = root / "CelebAMask-HQ" if (root / "CelebAMask-HQ").is_dir() else root
    photos, masks = home / "CelebA-HQ-img", home / "CelebAMask-HQ-mask-anno"
    there = {path.name: path for path in masks.glob("*/*.png")}
    files, wrong = [], []
    for number in _faces(home / MAPPING, split):
        photo, folder = photos / f"{number}.jpg", masks / str(number // FACES_A_FOLDER)
        parts = [there[name] for part in PARTS if (name := f"{number:05d}_{part}.png") in there]
        if not photo.is_file():
            wrong.append(
                f"{home / MAPPING} names face {number}, and {photo} is missing. Unpack CelebAMask-HQ.zip again."
            )
        elif not parts:
            wrong.append(
                f"photo {photo} has no label map. Add {folder / f'{number:05d}_skin.png'} or remove the photo."
            )
        else:
            files.append(PairFiles(str(number), photo, parts[0], parts=tuple(parts[1:])))
    if not files and not wrong:
        raise DataError(f"{home / MAPPING} names no face of {split}. Unpack CelebAMask-HQ.zip again.")
    reading = "masks over each other in the order of the data set's script; photos bicubic to their size"
    return Listing(label_space_of("celebamask-hq"), tuple(files), tuple(wrong), read=FaceParts(), reading=reading)


@dataclass(frozen=True)
class FaceParts:
    """Reads a face: its photo, and the masks of its parts as one label map."""

    def __call__(self, files: PairFiles, space: LabelSpace) -> Pair:
        """A labelled photo.

        Raises:
            DataError: a file is missing or damaged, or masks are of different sizes.
        """
        from intarsia.data.transforms import resized_photo  # with torch, which takes seconds

        photo = read_photo(files.photo)
        labels: npt.NDArray[np.uint8] | None = None
        for path in (files.labels, *files.parts):
            mask = read_mask(path)
            labels = np.zeros(mask.shape, np.uint8) if labels is None else labels
            if mask.shape != labels.shape:
                raise DataError(
                    f"mask {path} is {mask.shape[0]}x{mask.shape[1]} and {files.labels} is "
                    f"{labels.shape[0]}x{labels.shape[1]} (height x width). Make both the same size."
                )
            part = path.stem.partition("_")[2]
            if part not in PARTS:
                raise DataError(f"mask {path} is of no known part. Name it after one of {', '.join(PARTS)}.")
            labels[mask] = 1 + PARTS.index(part)
        assert labels is not None
        return Pair(files.name, resized_photo(photo, (labels.shape[0], labels.shape[1])), labels)


def _faces(mapping: Path, split: str) -> list[int]:
    if not mapping.is_file():
        raise DataError(
            f"{mapping} is missing, and it says which faces are of {split}. Unpack CelebAMask-HQ.zip again."
        )
    first = FIRST_OF_SPLIT[split]
    end = min((begin for begin in FIRST_OF_SPLIT.values() if begin > first), default=END)
    rows = [line.split() for line in mapping.read_text().splitlines()[1:]]
    try:
        return sorted(int(row[0]) for row in rows if row and first <= int(row[1]) < end)
    except (ValueError, IndexError):
        raise DataError(f"{mapping} is malformed. Give the file of the archive: idx, orig_idx, orig_file.") from None
