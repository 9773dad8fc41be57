"""How fast labelled photos come from disk: images a second of one worker, against the plain loop of published loaders.

    python -m benchmarks.loading [--images 64] [--side 512] [--crop 256] [--repeats 3] [--json]

Both read the same JPEG photos and PNG label maps, resize to 286 / 256 of the crop, cut, flip, and make tensors. The
plain loop opens both files with Pillow for every sample, resizes them, makes floats of both, and spreads labels over
one plane for each class, as loaders of the field do on the CPU. Ours (`data.batches`) resizes maps by index,
never makes planes, and keeps decoded photos up to a gigabyte: "first epoch" reads files, "later" finds them in memory.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from PIL import Image

from intarsia.bench.machine import machine
from intarsia.data.batches import Batches
from intarsia.data.folder import PHOTO_SUFFIXES, images_in
from intarsia.data.label_files import write_label_map
from intarsia.data.sources import open_source
from intarsia.data.transforms import sample
from intarsia.labels import numbered

CLASSES = 151
LARGER = 286 / 256
Measured = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("images", 64), ("side", 512), ("crop", 256), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--json", action="store_true", dest="as_json")
    asked = parser.parse_args()
    measured = loading(asked.images, asked.side, asked.crop, asked.repeats)
    print(json.dumps(measured) if asked.as_json else section(measured))


def loading(images: int, side: int, crop: int, repeats: int) -> Measured:
    """Images a second of processor time of one worker; the best of `repeats`.

    Processor time, since a worker of a training run has a core of its own, and this process may not.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = write_photos(Path(folder), images, side)
        contestants: dict[str, Callable[[], float]] = {
            "plain": partial(plain_loop, root, crop),
            "first_epoch": partial(ours, root, crop, images, warm=False),
            "later": partial(ours, root, crop, images, warm=True),
        }
        rates = {name: max(images / run() for _ in range(repeats)) for name, run in contestants.items()}
    return {
        "images": images,
        "side": side,
        "crop": crop,
        "repeats": repeats,
        "images_a_second": rates,
        "machine": machine(),
    }


def section(measured: Measured) -> str:
    """A table for people."""
    rates = measured["images_a_second"]
    rows = [("plain loop", "plain"), ("ours, first epoch", "first_epoch"), ("ours, later", "later")]
    lines = ["| loader | images/s a worker | times the plain loop |", "|---|---|---|"]
    lines += [f"| {name} | {rates[key]:.0f} | {rates[key] / rates['plain']:.1f} |" for name, key in rows]
    size = f"photos of {measured['side']} x {measured['side']}, cuts of {measured['crop']} x {measured['crop']}"
    return "\n".join([*lines, "", f"{size}, {CLASSES} classes; processor time, the best of {measured['repeats']}."])


def write_photos(root: Path, count: int, side: int) -> Path:
    """A plain folder of smooth JPEG photos and blocky label maps."""
    space = numbered("loading", CLASSES - 1, dont_care_ids=(255,))
    space.save(root / "label_space.json")
    photos = root / "train" / "photos"
    photos.mkdir(parents=True)
    random_numbers = np.random.default_rng(0)
    for number in range(count):
        small = Image.fromarray(random_numbers.integers(0, 256, (side // 16, side // 16, 3), np.uint8))
        small.resize((side, side), Image.Resampling.BICUBIC).save(photos / f"{number}.jpg", quality=90)
        blocks = random_numbers.integers(0, CLASSES - 1, (side // 32, side // 32))
        write_label_map(root / "train" / "labels" / f"{number}.png", np.kron(blocks, np.ones((32, 32), int)), space)
    return root


def plain_loop(root: Path, crop: int) -> float:
    """Seconds for every photo once, loaded as published loaders do."""
    photos, labels = images_in(root / "train" / "photos", PHOTO_SUFFIXES), images_in(root / "train" / "labels")
    larger, draw = round(crop * LARGER), random.Random(0)

    def load() -> None:
        for name, path in photos.items():
            left, top, flip = draw.randint(0, larger - crop), draw.randint(0, larger - crop), draw.random() > 0.5
            box = (left, top, left + crop, top + crop)
            with Image.open(path) as image, Image.open(labels[name]) as ids:
                photo = image.convert("RGB").resize((larger, larger), Image.Resampling.BICUBIC).crop(box)
                map_ = ids.resize((larger, larger), Image.Resampling.NEAREST).crop(box)
            if flip:
                photo, map_ = (each.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for each in (photo, map_))
            planes = torch.from_numpy(np.array(photo)).permute(2, 0, 1).contiguous().float() / 255
            (planes - 0.5) / 0.5
            values = (torch.from_numpy(np.array(map_)).float() / 255 * 255).round().long()
            values[values == 255] = CLASSES - 1
            torch.zeros(CLASSES, crop, crop).scatter_(0, values[None], 1.0)

    return _seconds(load)


def ours(root: Path, crop: int, images: int, *, warm: bool) -> float:
    """Seconds for every photo once; `warm`: in the second epoch."""
    larger = round(crop * LARGER)
    source = open_source(str(root), "train")
    batches = Batches(
        source,
        lambda pair, rng: sample(pair, load_size=(larger, larger), crop_size=(crop, crop), flip=True, rng=rng),
        1,
        0,
    )
    if warm:
        for step in range(images):
            batches.at(step)

    def load() -> None:
        for step in range(images, 2 * images) if warm else range(images):
            batches.at(step)

    return _seconds(load)


def _seconds(work: Callable[[], None]) -> float:
    """Processor time of work on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        start = process_time()
        work()
        return process_time() - start
    finally:
        torch.set_num_threads(threads)


if __name__ == "__main__":
    main()
