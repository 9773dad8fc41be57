"""WebDataset shards: tar files whose members of one stem are a sample.

ROOT/label_space.json              as in a plain folder (`folder.py`)
ROOT/SPLIT/*.tar                   or ROOT/SPLIT-*.tar
    KEY.jpg (.jpeg, .png, .webp)   the photo
    KEY.labels.png                 index, palette or colour PNG of the label space; also .seg.png and .mask.png
    KEY.instances.png              optional

Shards are not unpacked: their members are listed once and read from where they lie.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from intarsia.data.folder import LABEL_SPACE_FILE, PHOTO_SUFFIXES
from intarsia.data.label_files import Member, read_instance_map, read_label_map, read_photo
from intarsia.data.pairs import Listing, Pair, PairFiles, in_order, sized_alike
from intarsia.errors import DataError
from intarsia.labels import LabelSpace

LABEL_ENDINGS = (".labels.png", ".seg.png", ".mask.png")
INSTANCES_ENDING = ".instances.png"


def list_webdataset(root: Path, split: str) -> Listing:
    """The samples of `split`, in the order of their keys.

    Raises:
        DataError: there are no shards, or one is damaged.
        LabelError: `label_space.json` is missing or malformed.
    """
    space = LabelSpace.load(root / LABEL_SPACE_FILE)
    shards = sorted([*root.glob(f"{split}/*.tar"), *root.glob(f"{split}-*.tar")])
    if not shards:
        raise DataError(f"{root} holds no shards of {split}. Put .tar files into {root / split}.")
    found: dict[str, PairFiles] = {}
    wrong: list[str] = []
    for shard in shards:
        for sample in _samples(shard, wrong):
            if sample.name in found:
                wrong.append(f"{shard} holds {sample.name}, and so does {found[sample.name].archive}. Rename one.")
            found[sample.name] = sample
    files = tuple(found[name] for name in in_order(set(found)))
    return Listing(space, files, tuple(wrong), read=Members(), reading="members of tar files")


@dataclass(frozen=True)
class Members:
    """Reads a sample from its shard."""

    def __call__(self, files: PairFiles, space: LabelSpace) -> Pair:
        """A labelled photo.

        Raises:
            DataError: a member is damaged, or sizes differ.
            LabelError: a label is not in the label space.
        """
        assert files.archive is not None
        photo = read_photo(_member(files.archive, files.photo))
        labels = read_label_map(_member(files.archive, files.labels), space).labels
        instances = None
        if files.instances is not None:
            instances = read_instance_map(_member(files.archive, files.instances))
        return sized_alike(files, space, photo, labels, instances)


def _samples(shard: Path, wrong: list[str]) -> list[PairFiles]:
    names = _index(shard.resolve(), shard.stat().st_mtime_ns).keys()
    photos = {name: name.rpartition(".")[0] for name in names if name.lower().endswith(PHOTO_SUFFIXES)}
    maps = (*LABEL_ENDINGS, INSTANCES_ENDING)
    photos = {name: key for name, key in photos.items() if not name.endswith(maps)}
    samples = []
    for name, key in photos.items():
        labels = [key + ending for ending in LABEL_ENDINGS if key + ending in names]
        if not labels:
            wrong.append(f"photo {shard}:{name} has no label map. Add {key}{LABEL_ENDINGS[0]} or remove the photo.")
            continue
        instances = Path(key + INSTANCES_ENDING) if key + INSTANCES_ENDING in names else None
        samples.append(PairFiles(key, Path(name), Path(labels[0]), instances, archive=shard))
    keys = set(photos.values())
    for name in sorted(names):
        ending = next((ending for ending in maps if name.endswith(ending)), None)
        if ending is not None and name.removesuffix(ending) not in keys:
            wrong.append(f"map {shard}:{name} has no photo. Add {name.removesuffix(ending)}.jpg or remove the map.")
    return samples


def _member(shard: Path, name: Path) -> Member:
    offset, size = _index(shard.resolve(), shard.stat().st_mtime_ns)[str(name)]
    with shard.open("rb") as file:
        file.seek(offset)
        return Member(shard, str(name), file.read(size))


@lru_cache(maxsize=4096)
def _index(shard: Path, _changed: int) -> dict[str, tuple[int, int]]:
    """Where each member lies: offset and size."""
    try:
        with tarfile.open(shard, "r:") as tar:
            return {member.name: (member.offset_data, member.size) for member in tar if member.isfile()}
    except (tarfile.TarError, OSError) as error:
        raise DataError(f"{shard.name} is no plain tar file, or is damaged ({error}). Copy or pack it again.") from None
