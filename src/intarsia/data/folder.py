"""The plain layout of a data set, for your own photos:

ROOT/label_space.json             ids, names and colours of the classes (`LabelSpace.save`)
ROOT/SPLIT/photos/NAME.png        or .jpg, .jpeg, .webp; SPLIT is train or val
ROOT/SPLIT/labels/NAME.png        index, palette or colour PNG of the label space, as large as its photo
ROOT/SPLIT/instances/NAME.png     only if the data set has instance maps
ROOT/dataset.json                 optional: where the data are from and how to cut them (`DataCard`)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydantic

from intarsia.data.pairs import Listing, matched
from intarsia.errors import DataError
from intarsia.labels import LabelSpace

PHOTO_SUFFIXES = (".jpeg", ".jpg", ".png", ".webp")
LABEL_SPACE_FILE = "label_space.json"
CARD_FILE = "dataset.json"


class DataCard(pydantic.BaseModel):
    """What `dataset.json` may say; every key has a default."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    version: int = 1
    visits: int = pydantic.Field(default=1, ge=1)  # crops of each photo in an epoch
    one_class_at_most: float = pydantic.Field(default=1.0, gt=0, le=1)  # see `Listing`
    about: dict[str, Any] = {}  # sources, licences and how it was made, for people


def list_folder(root: Path, split: str) -> Listing:
    """Find the pairs of `split` under `root`.

    Raises:
        DataError: the split is missing or empty, two files share a name, or `dataset.json` is malformed.
        LabelError: `label_space.json` is missing or malformed.
    """
    space = LabelSpace.load(root / LABEL_SPACE_FILE)
    card = load_card(root)
    home = root / split
    photos = images_in(home / "photos", PHOTO_SUFFIXES)
    if not photos:
        raise DataError(f"{home / 'photos'} holds no photos. Put {', '.join(PHOTO_SUFFIXES)} files there.")

    def expected(kind: str, name: str) -> Path:
        place = {"photo": "photos", "label map": "labels", "instance map": "instances"}[kind]
        return home / place / f"{name}.png"

    files, wrong = matched(photos, images_in(home / "labels"), images_in(home / "instances"), expected)
    return Listing(space, files, wrong, card.visits, card.one_class_at_most)


def load_card(root: Path) -> DataCard:
    """The folder's `dataset.json`, or all defaults where there is none.

    Raises:
        DataError: it is malformed.
    """
    path = root / CARD_FILE
    if not path.is_file():
        return DataCard()
    try:
        return DataCard.model_validate_json(path.read_bytes())
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DataError(f"{path} is malformed ({where}: {first['msg']}). Mend it or remove it.") from None


def images_in(folder: Path, suffixes: tuple[str, ...] = (".png",)) -> dict[str, Path]:
    """Image files by stem; an absent folder has none.

    Raises:
        DataError: two files have one stem.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        if path.stem in found:
            raise DataError(f"{folder} holds {found[path.stem].name} and {path.name}. Keep one of them.")
        found[path.stem] = path
    return found
