"""Tiny data sets in the exact layouts of the public ones; `scripts/data_fixtures` writes them for people to look at."""

import json
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from intarsia.labels import numbered

HEIGHT, WIDTH = 24, 32
SPACE = numbered("toy", 3)
Ids = np.ndarray


def photo(seed: int, size: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """Noise, H W 3 uint8."""
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


def blocks(seed: int, values: list[int], size: tuple[int, int] = (HEIGHT, WIDTH)) -> Ids:
    """A map of blocks of 8 pixels with the values given."""
    small = np.random.default_rng(seed).choice(values, (-(-size[0] // 8), -(-size[1] // 8)))
    return np.kron(small, np.ones((8, 8), int))[: size[0], : size[1]]


def save(path: Path, array: np.ndarray, dtype: type = np.uint8, *, quality: int = 95) -> None:
    """Write an image in the format of its name; `quality` is that of JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array.astype(dtype)).save(path, quality=quality)


def cityscapes(root: Path, names: tuple[str, ...] = ("aachen_000000_000019", "bonn_000003_000019")) -> None:
    """Labels 0..33; instances are ids of stuff, and 1000 id + number of things."""
    for split in ("train", "val"):
        for number, name in enumerate(names):
            stem = f"{name[:-6]}{number + 10 * (split == 'val'):06d}"
            city = stem.partition("_")[0]
            labels = blocks(number, [0, 4, 7, 11, 23, 26, 33])
            objects = np.where(np.isin(labels, (26, 33)), 1000 * labels + np.arange(WIDTH) // 16, labels)
            save(root / f"leftImg8bit/{split}/{city}/{stem}_leftImg8bit.png", photo(number + 5 * (split == "val")))
            save(root / f"gtFine/{split}/{city}/{stem}_gtFine_labelIds.png", labels)
            save(root / f"gtFine/{split}/{city}/{stem}_gtFine_instanceIds.png", objects, np.uint16)


def ade20k(root: Path) -> None:
    """Labels 0 (other) and 1..150; the scene of each photo."""
    rows = []
    scenes = {"train": ("street", "bedroom"), "val": ("coast", "kitchen")}
    for split, part in (("train", "training"), ("val", "validation")):
        for number, scene in enumerate(scenes[split], 1):
            name = f"ADE_{split}_{number:08d}"
            seed = number + 10 * (split == "val")
            save(root / f"ADEChallengeData2016/images/{part}/{name}.jpg", photo(seed))
            save(root / f"ADEChallengeData2016/annotations/{part}/{name}.png", blocks(seed, [0, 1, 3, 13, 150]))
            rows.append(f"{name} {scene}")
    (root / "ADEChallengeData2016/sceneCategories.txt").write_text("\n".join(rows) + "\n")


def coco_stuff(root: Path) -> None:
    """Labels 0..181 and 255; polygons of two objects in the first photo of each split, one of them a crowd."""
    for split in ("train", "val"):
        rows = []
        for number in (139, 285):
            seed = number + (split == "val")
            name = f"{number:012d}"
            save(root / f"images/{split}2017/{name}.jpg", photo(seed))
            save(root / f"stuffthingmaps/{split}2017/{name}.png", blocks(seed, [0, 2, 95, 181, 255]))
        polygon = [[2.0, 2.0, 12.0, 2.0, 12.0, 10.0, 2.0, 10.0]]
        rows.append({"image_id": 139, "segmentation": polygon, "iscrowd": 0})
        rows.append({"image_id": 139, "segmentation": {"counts": [4], "size": [2, 2]}, "iscrowd": 1})
        path = root / f"annotations/instances_{split}2017.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"annotations": rows}))


def celebamask_hq(root: Path) -> None:
    """Photos twice as large as the masks; one face of each split, the second without hair."""
    home = root / "CelebAMask-HQ"
    for number in range(3):
        save(home / f"CelebA-HQ-img/{number}.jpg", photo(number, (64, 64)))
        parts = {"skin": np.s_[4:28, 4:28], "nose": np.s_[12:18, 14:18], "hair": np.s_[0:8, 0:32]}
        for part, where in parts.items():
            if (number, part) != (1, "hair"):
                mask = np.zeros((32, 32, 3))
                mask[where] = 255
                save(home / f"CelebAMask-HQ-mask-anno/0/{number:05d}_{part}.png", mask)
    rows = ["idx orig_idx orig_file"]
    rows += [f"{number} {place} {place + 1:06d}.jpg" for number, place in enumerate((119613, 162770, 199999))]
    (home / "CelebA-HQ-to-CelebA-mapping.txt").write_text("\n".join(rows) + "\n")


def facades(root: Path) -> None:
    """Eight photos of base and one of extended; palette PNGs of 1..12, black where nobody labelled."""
    names = [f"base/cmp_b{number:04d}" for number in range(1, 9)] + ["extended/cmp_x0001"]
    for seed, name in enumerate(names):
        save(root / f"{name}.jpg", photo(seed))
        image = Image.fromarray(blocks(seed, [0, 1, 2, 3, 12]).astype(np.uint8))
        image.putpalette(np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes())
        image.save(root / f"{name}.png")


def described(root: Path) -> None:
    """Masks of 0 and 255 in folders of one's own, and the file that says so."""
    for split in ("train", "val"):
        for number in range(2):
            seed = number + 10 * (split == "val")
            save(root / f"pictures/{split}/day {number}/shot.jpg", photo(seed))
            save(root / f"masks/{split}/day {number}/shot_mask.png", blocks(seed, [0, 9, 255]))
    splits = {
        split: {"photos": f"pictures/{split}/**/*.jpg", "labels": f"masks/{split}/{{name}}_mask.png"}
        for split in ("train", "val")
    }
    values = {0: "lawn", 255: "hedge", 9: "dont-care"}
    (root / "garden.yaml").write_text(
        json.dumps({"name": "garden", "splits": splits, "values": {str(k): v for k, v in values.items()}})
        .replace('"0"', "0")
        .replace('"255"', "255")
        .replace('"9"', "9")
    )


def webdataset(root: Path) -> None:
    """Two shards for training and one held out."""
    SPACE.save(root / "label_space.json")
    for shard, keys in {"train-000000": ("a", "b"), "train-000001": ("c",), "val-000000": ("d",)}.items():
        with tarfile.open(root / f"{shard}.tar", "w") as tar:
            for key in keys:
                seed = ord(key)
                arrays = {
                    "jpg": photo(seed),
                    "labels.png": blocks(seed, [0, 1, 2]),
                    "instances.png": blocks(seed, [4, 5]),
                }
                for ending, array in arrays.items():
                    file = BytesIO()
                    Image.fromarray(array.astype(np.uint8)).save(file, "JPEG" if ending == "jpg" else "PNG")
                    member = tarfile.TarInfo(f"{key}.{ending}")
                    member.size = file.tell()
                    file.seek(0)
                    tar.addfile(member, file)


FIXTURES: dict[str, Callable[[Path], None]] = {
    "cityscapes": cityscapes,
    "ade20k": ade20k,
    "coco-stuff": coco_stuff,
    "celebamask-hq": celebamask_hq,
    "facades": facades,
    "described": described,
    "webdataset": webdataset,
}
