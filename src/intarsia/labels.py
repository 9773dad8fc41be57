"""Label spaces: what the numbers and colours in a label map mean.

Three kinds of number are kept apart:

- a *raw id* is the value of a pixel in a file (0..255, or 16 bit);
- a *train id* is the class index that networks see: 0 .. len(classes) - 1, in the order of `classes`;
- *don't-care* pixels carry the train id len(classes); a space has that extra channel only if it names raw ids for it.
"""

from __future__ import annotations

import difflib
import json
import operator
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from intarsia.errors import LabelError
from intarsia.files import whole_file

Ids = npt.NDArray[np.integer[Any]]
Colour = tuple[int, int, int]
"""Red, green, blue in 0..255."""
MAX_RAW_ID = 65535


@dataclass(frozen=True)
class LabelClass:
    """One class: its value in files, its name and its colour."""

    id: int
    name: str
    colour: Colour


@dataclass(frozen=True)
class LabelSpace:
    """The classes of a data set, and the raw ids that mean "don't care".

    Raises:
        LabelError: ids or names repeat, or an id is outside 0..65535.
    """

    name: str
    classes: tuple[LabelClass, ...]
    dont_care_ids: tuple[int, ...] = ()
    dont_care_colour: Colour = (0, 0, 0)

    def __post_init__(self) -> None:
        ids = [*(c.id for c in self.classes), *self.dont_care_ids]
        names = [c.name for c in self.classes]
        if not self.classes:
            raise LabelError(f"label space {self.name} has no classes. Give at least one.")
        for what, values in (("id", Counter[object](ids)), ("name", Counter[object](names))):
            twice = [str(value) for value, count in values.items() if count > 1]
            if twice:
                raise LabelError(f"label space {self.name} uses {what} {min(twice)} twice. Make each {what} unique.")
        if min(ids) < 0 or max(ids) > MAX_RAW_ID:
            raise LabelError(f"label space {self.name} has an id outside 0..{MAX_RAW_ID}. Choose ids in that range.")

    @property
    def has_dont_care(self) -> bool:
        """Whether networks get one more channel, for pixels nobody labelled."""
        return bool(self.dont_care_ids)

    @property
    def channels(self) -> int:
        """One-hot planes that a label map of this space stands for (classes, and don't-care if there is one)."""
        return len(self.classes) + self.has_dont_care

    def index(self, name: str) -> int:
        """The train id of the class called `name`.

        Raises:
            LabelError: no class has that name; the nearest names are proposed.
        """
        names = [c.name for c in self.classes]
        if name in names:
            return names.index(name)
        near = difflib.get_close_matches(name, names, 3)
        raise LabelError(f"no class is called {name} in {self.name}. Did you mean {', '.join(near or names[:3])}?")

    def encode(self, raw: Ids, source: str) -> npt.NDArray[np.int64]:
        """Raw ids (H W) as train ids (H W int64). `source` names the file in the error.

        Raises:
            LabelError: a value is no raw id of this space; names the first such pixel as (row, column).
        """
        known = self._train_of_raw
        clipped = np.clip(raw, 0, len(known) - 1)
        train: npt.NDArray[np.int64] = np.where(clipped == raw, known[clipped], -1)
        if (train < 0).any():
            row, column = (int(i) for i in np.argwhere(train < 0)[0])
            value, last = int(raw[row, column]), max(c.id for c in self.classes)
            raise LabelError(
                f"label map {source} has id {value} at ({row}, {column}); classes end at {last}. "
                f"Set dont_care={value} or remap with LabelSpace."
            )
        return train

    def decode(self, train: Ids) -> npt.NDArray[np.int64]:
        """Train ids (H W) as raw ids (H W int64); don't-care becomes the first of `dont_care_ids`."""
        raws = [c.id for c in self.classes] + list(self.dont_care_ids[:1])
        return np.asarray(raws, np.int64)[train]

    def colourise(self, train: Ids) -> npt.NDArray[np.uint8]:
        """Train ids (H W) as the space's colours (H W 3 uint8)."""
        return self.palette[train]

    def encode_colours(self, rgb: npt.NDArray[np.uint8], source: str) -> npt.NDArray[np.int64]:
        """A colour map (H W 3 uint8) as train ids (H W int64). A colour shared by several classes means the first.

        Raises:
            LabelError: a colour is not in the palette; a photo given by mistake ends here.
        """
        keys = _pack(self.palette)
        order = np.argsort(keys, kind="stable")
        pixels = _pack(rgb)
        place = np.clip(np.searchsorted(keys[order], pixels), 0, len(keys) - 1)
        found = order[place]
        wrong = keys[found] != pixels
        if wrong.any():
            row, column = (int(i) for i in np.argwhere(wrong)[0])
            colour = tuple(int(v) for v in rgb[row, column])
            raise LabelError(
                f"label map {source} has colour {colour} at ({row}, {column}), which is no class of {self.name}. "
                "Give an index, palette or colour PNG of the label space; photos are not label maps."
            )
        return found.astype(np.int64)

    @cached_property
    def palette(self) -> npt.NDArray[np.uint8]:
        """Colours by train id (channels 3 uint8)."""
        colours = [c.colour for c in self.classes] + [self.dont_care_colour] * self.has_dont_care
        return np.asarray(colours, np.uint8)

    @cached_property
    def _train_of_raw(self) -> npt.NDArray[np.int64]:
        table = np.full(max([c.id for c in self.classes] + list(self.dont_care_ids)) + 1, -1, np.int64)
        for train, label_class in enumerate(self.classes):
            table[label_class.id] = train
        table[list(self.dont_care_ids)] = len(self.classes)
        return table

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as written to JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str) -> LabelSpace:
        """The space that `to_dict` described. `source` names the file in the error.

        Raises:
            LabelError: a key is missing, unknown or of the wrong kind.
        """
        try:
            unknown = {key for c in values["classes"] for key in c.keys() - {"id", "name", "colour"}}
            unknown |= values.keys() - {"name", "classes", "dont_care_ids", "dont_care_colour"}
            if unknown:
                raise LabelError(f"label space {source} has an unknown key {min(unknown)}. Remove it.")
            classes = tuple(
                LabelClass(operator.index(c["id"]), str(c["name"]), _colour(c["colour"])) for c in values["classes"]
            )
            dont_care = tuple(operator.index(i) for i in values.get("dont_care_ids", ()))
            return cls(str(values["name"]), classes, dont_care, _colour(values.get("dont_care_colour", (0, 0, 0))))
        except KeyError as error:
            raise LabelError(f"label space {source} lacks the key {error.args[0]}. Add it.") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise LabelError(f"label space {source} is malformed ({error}). Write it with LabelSpace.save.") from None

    def save(self, path: Path) -> None:
        """Write the space as JSON."""
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(self.to_dict(), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> LabelSpace:
        """Read a space from JSON.

        Raises:
            LabelError: the file is missing or malformed.
        """
        try:
            values = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise LabelError(
                f"label space {path} does not exist. Give a JSON file written by LabelSpace.save."
            ) from None
        except (OSError, ValueError) as error:
            raise LabelError(
                f"label space {path} cannot be read ({error}). Give a JSON file written by LabelSpace.save."
            ) from None
        return cls.from_dict(values, str(path))


def counted(name: str, colours: Mapping[str, Colour]) -> LabelSpace:
    """A space of named and coloured classes whose ids are 0, 1, ... in their order."""
    classes = (LabelClass(number, *of_class) for number, of_class in enumerate(colours.items()))
    return LabelSpace(name, tuple(classes))


def numbered(name: str, count: int, *, first: int = 0, dont_care_ids: tuple[int, ...] = ()) -> LabelSpace:
    """A space of `count` nameless classes from id `first` on, in well-spread colours, for maps of unknown meaning."""
    # The golden angle in hue keeps neighbouring ids apart.
    hues = (np.arange(count) * 0.61803398875) % 1.0
    values = 0.55 + 0.4 * ((np.arange(count) * 0.7548776662) % 1.0)
    channels = np.stack([np.abs((hues * 6 + shift) % 6 - 3) - 1 for shift in (0, 4, 2)], 1).clip(0, 1)
    colours = (255 * values[:, None] * (0.25 + 0.75 * channels)).astype(int)
    classes = tuple(LabelClass(first + i, f"class {first + i}", _colour(colours[i])) for i in range(count))
    return LabelSpace(name, classes, dont_care_ids)


def _pack(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    wide = rgb.astype(np.int64)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def _colour(values: Any) -> Colour:
    red, green, blue = (operator.index(v) for v in values)
    if not all(0 <= v <= 255 for v in (red, green, blue)):
        raise ValueError(f"colour {(red, green, blue)} is outside 0..255")
    return red, green, blue
