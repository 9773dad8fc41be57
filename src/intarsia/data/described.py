"""A data set that a YAML file describes: where its photos, label maps and instance maps are, and what values mean.

    name: garden
    splits:
      train:
        photos: images/train/*.jpg              # the name of a photo is what * stands for; **/*.jpg: in folders too
        labels: masks/train/{name}.png
        instances: objects/train/{name}.png     # optional
      val: ...
    values: {0: lawn, 255: hedge, 9: dont-care} # what the values of label maps mean; or, instead:
    label_space: label_space.json
    colours: {lawn: [124, 180, 60]}             # optional, with `values`
    instances: png                              # png (default), panoptic, regions, or FILE.json of COCO's polygons

Paths are relative to the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydantic
import yaml

from intarsia.data.instances import CocoPolygons, Panoptic, Reader, Regions
from intarsia.data.label_files import read_instance_map
from intarsia.data.pairs import Listing, Pair, PairFiles, matched, read_pair
from intarsia.errors import DataError, LabelError
from intarsia.labels import LabelClass, LabelSpace, numbered

DONT_CARE = "dont-care"


class Split(pydantic.BaseModel):
    """Where the files of a split are."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    photos: str
    labels: str
    instances: str | None = None


class Description(pydantic.BaseModel):
    """What the file may say. An unknown key is an error."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    name: str
    splits: dict[str, Split]
    values: dict[int, str] | None = None
    label_space: str | None = None
    colours: dict[str, tuple[int, int, int]] = {}
    instances: str = "png"
    visits: int = pydantic.Field(default=1, ge=1)
    one_class_at_most: float = pydantic.Field(default=1.0, gt=0, le=1)


@dataclass(frozen=True)
class ByValue:
    """Reads label maps whose values are looked up in a table, several of which may mean one class."""

    table: tuple[tuple[int, int], ...]  # value in the file, train id

    def __call__(self, files: PairFiles, space: LabelSpace) -> Pair:
        """A labelled photo.

        Raises:
            DataError: a file is missing or damaged, or sizes differ.
            LabelError: a value is not in the table.
        """
        raw = read_instance_map(files.labels)
        values, places = np.unique(raw, return_inverse=True)
        train_of, unknown = dict(self.table), -1
        ids = np.asarray([train_of.get(int(value), unknown) for value in values])[places].reshape(raw.shape)
        if (ids == unknown).any():
            row, column = (int(i) for i in np.argwhere(ids == unknown)[0])
            raise LabelError(
                f"label map {files.labels} has value {raw[row, column]} at ({row}, {column}), which `values` does not "
                f"name. Add it there, as {DONT_CARE} if it means nothing."
            )
        return read_pair(files, space, ids)


def list_described(path: Path, split: str) -> Listing:
    """The pairs of `split` as the file at `path` describes them.

    Raises:
        DataError: the file is missing or malformed, it has no such split, or the split has no photos.
        LabelError: its label space is malformed.
    """
    described = load_description(path)
    if split not in described.splits:
        raise DataError(f"{path} describes no split {split}. Add it to `splits`.")
    places, root = described.splits[split], path.parent
    photos = _named(root, places.photos)
    if not photos:
        raise DataError(f"{root / places.photos} fits no file. Mend `photos` of split {split} in {path}.")
    homes = {"photo": places.photos, "label map": places.labels, "instance map": places.instances or ""}

    def expected(kind: str, name: str) -> Path:
        return root / re.sub(r"\*\*/\*|\*", name, homes[kind]).replace("{name}", name)

    labels, instances = (
        {} if pattern is None else _present(root, pattern) for pattern in (places.labels, places.instances)
    )
    files, wrong = matched(photos, labels, instances, expected)
    space, table = _space(described, path)
    return Listing(
        space,
        files,
        wrong,
        described.visits,
        described.one_class_at_most,
        _reader(described, path, ByValue(table) if table else read_pair),
        f"values {dict(table)}; instances {described.instances}" if table else f"instances {described.instances}",
    )


def load_description(path: Path) -> Description:
    """Read the file.

    Raises:
        DataError: it is missing or malformed.
    """
    try:
        return Description.model_validate(yaml.safe_load(path.read_bytes()))
    except FileNotFoundError:
        raise DataError(f"{path} does not exist. Give a YAML file that describes the data set.") from None
    except (OSError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path} cannot be read ({reason}). Mend it.") from None
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DataError(f"{path} is malformed ({where}: {first['msg']}). Mend it.") from None


def _reader(described: Description, path: Path, base: Reader) -> Reader:
    kind = described.instances
    if kind == "png":
        return base
    if kind == "panoptic":
        return Panoptic(base)
    if kind == "regions":
        return Regions(base)
    if kind.endswith(".json"):
        return CocoPolygons(path.parent / kind, base)
    raise DataError(f"{path} has instances: {kind}. Give png, panoptic, regions or a .json file.")


def _space(described: Description, path: Path) -> tuple[LabelSpace, tuple[tuple[int, int], ...]]:
    """The label space, and the train id of each value in files; no such table where the space itself says it."""
    if (described.values is None) == (described.label_space is None):
        raise DataError(f"{path} must say what values mean. Give either `values` or `label_space`.")
    if described.values is None:
        return LabelSpace.load(path.parent / str(described.label_space)), ()
    names = list(dict.fromkeys(name for name in described.values.values() if name != DONT_CARE))
    plain = numbered(described.name, max(len(names), 1))
    classes = tuple(
        LabelClass(number, name, described.colours.get(name, plain.classes[number].colour))
        for number, name in enumerate(names)
    )
    dont_care = (len(names),) if DONT_CARE in described.values.values() else ()
    table = tuple(
        (value, len(names) if name == DONT_CARE else names.index(name)) for value, name in described.values.items()
    )
    return LabelSpace(described.name, classes, dont_care), table


def _named(root: Path, pattern: str) -> dict[str, Path]:
    """Files that fit a pattern with one star, by what the star stands for; two stars go into folders as well."""
    before, _, after = pattern.partition("*")
    if after.startswith("*"):
        after = after.lstrip("*").removeprefix("/").removeprefix("*")
    found = {}
    for place in sorted(root.glob(pattern)):
        name = place.relative_to(root).as_posix()
        if place.is_file() and name.startswith(before) and name.endswith(after):
            found[name.removeprefix(before).removesuffix(after)] = place
    return found


def _present(root: Path, pattern: str) -> dict[str, Path]:
    """The maps that there are, by what {name} stands for."""
    before, _, after = pattern.partition("{name}")
    found = {}
    for place in sorted(root.glob(f"{before}**/*{after.rpartition('/')[2]}")):
        name = place.relative_to(root).as_posix().removeprefix(before)
        if name.endswith(after):
            found[name.removesuffix(after)] = place
    return found
