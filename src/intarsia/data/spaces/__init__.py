"""Label spaces of the public data sets: ids, names and colours, one JSON file each."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path

from intarsia.errors import ConfigError
from intarsia.labels import LabelClass, LabelSpace

HOME = Path(__file__).parent
FIRST_CHANNEL = {"ade20k-spade": "other", "facades-spade": "none"}
"""Spaces whose don't-care id, 0, is a class of this name and the first channel, as in SPADE's released networks."""
AS_STORED = "values as they are: 0 is the first channel"
"""How files are read under these, in words."""
SPACES = (*sorted(path.stem for path in HOME.glob("*.json")), *FIRST_CHANNEL)


@cache
def label_space_of(name: str) -> LabelSpace:
    """The label space of a layout of `data.sources`.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in SPACES:
        near = difflib.get_close_matches(name, SPACES, 1) or list(SPACES)
        raise ConfigError(f"no label space is called {name}. Did you mean {', '.join(near)}?")
    if name not in FIRST_CHANNEL:
        return LabelSpace.load(HOME / f"{name}.json")
    space = label_space_of(name.removesuffix("-spade"))
    return LabelSpace(name, (LabelClass(0, FIRST_CHANNEL[name], (0, 0, 0)), *space.classes))
