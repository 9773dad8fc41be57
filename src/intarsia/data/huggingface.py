"""Data sets of the Hugging Face library `datasets`, saved to disk with `save_to_disk`:

ROOT/label_space.json          as in a plain folder (`folder.py`)
ROOT/dataset_dict.json, ...    what `DatasetDict.save_to_disk(ROOT)` wrote; splits train, val (or validation, test)

Columns are found by name: the photo in `image`, `photo` or `pixel_values`; the label map in `label`, `labels`,
`annotation`, `segmentation_map` or `mask`; instances in `instances` or `instance_map`. All are images.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from intarsia.data.folder import LABEL_SPACE_FILE
from intarsia.data.label_files import Member, read_instance_map, read_label_map, read_photo
from intarsia.data.pairs import Listing, Pair, PairFiles, sized_alike
from intarsia.errors import DataError
from intarsia.labels import LabelSpace

PHOTOS = ("image", "photo", "pixel_values")
LABELS = ("label", "labels", "annotation", "segmentation_map", "mask")
INSTANCES = ("instances", "instance_map")
OTHER_NAMES = {"val": ("val", "validation", "test")}


def list_huggingface(root: Path, split: str) -> Listing:
    """The rows of `split`, in their order.

    Raises:
        DataError: `datasets` is not installed, the folder is none of its, or a split or column is missing.
        LabelError: `label_space.json` is missing or malformed.
    """
    space = LabelSpace.load(root / LABEL_SPACE_FILE)
    rows = _rows(root.resolve(), split)
    photo, labels = _column(rows, PHOTOS, root), _column(rows, LABELS, root)
    instances = next((name for name in INSTANCES if name in rows.column_names), None)
    archive = Path(rows.cache_files[0]["filename"])
    files = tuple(
        PairFiles(
            str(number),
            Path(photo),
            Path(labels),
            None if instances is None else Path(instances),
            archive=archive,
        )
        for number in range(len(rows))
    )
    return Listing(space, files, read=Rows(root.resolve(), split), reading=f"columns {photo}, {labels}, {instances}")


@dataclass(frozen=True)
class Rows:
    """Reads a row."""

    root: Path
    split: str

    def __call__(self, files: PairFiles, space: LabelSpace) -> Pair:
        """A labelled photo.

        Raises:
            DataError: an image is damaged, or sizes differ.
            LabelError: a label is not in the label space.
        """
        table = _rows(self.root, self.split).data  # as stored: nothing is decoded yet

        def member(column: Path) -> Member:
            stored = table.column(str(column))[int(files.name)].as_py()
            content = stored["bytes"] or Path(stored["path"]).read_bytes()
            return Member(files.stored_photo, f"row {files.name}, {column}", content)

        instances = None if files.instances is None else read_instance_map(member(files.instances))
        labels = read_label_map(member(files.labels), space).labels
        return sized_alike(files, space, read_photo(member(files.photo)), labels, instances)


@lru_cache(maxsize=8)
def _rows(root: Path, split: str) -> Any:
    """The split as `datasets` opens it."""
    datasets: Any
    try:
        datasets = importlib.import_module("datasets")
    except ImportError:
        datasets = None
    if not hasattr(datasets, "load_from_disk"):  # a folder called datasets can be imported, too
        raise DataError("hf: needs the package datasets. Install it with: pip install 'intarsia[datasets]'")
    try:
        found = datasets.load_from_disk(str(root))
    except (FileNotFoundError, ValueError) as error:
        raise DataError(
            f"{root} was not saved by datasets ({type(error).__name__}). Write it with save_to_disk."
        ) from None
    if isinstance(found, datasets.DatasetDict):
        name = next((name for name in OTHER_NAMES.get(split, (split,)) if name in found), None)
        if name is None:
            raise DataError(f"{root} has no split {split}; it has {', '.join(found)}. Save it with that split.")
        found = found[name]
    return found


def _column(rows: Any, names: tuple[str, ...], root: Path) -> str:
    found = next((name for name in names if name in rows.column_names), None)
    if found is None:
        raise DataError(f"{root} has columns {', '.join(rows.column_names)}, none of {', '.join(names)}. Rename one.")
    return found
