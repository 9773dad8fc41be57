"""How the released networks number the channels of their label input, by data set and paper.

    channels("oasis", "coco-stuff", train)     # train ids of our label space -> channels of the released network

Our train ids are the classes in the order of the label space, don't-care last. The releases differ: OASIS has unknown
first (its converter moves that channel to the end), SPADE's ADE20K has it first as well (its code shifts ids in a copy
that it throws away; the layout `ade20k-spade` has the same order), LGGAN has it last. Tests hold the loaders to this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from intarsia.errors import ConfigError
from intarsia.labels import Ids


@dataclass(frozen=True)
class Convention:
    """What a paper's networks see of a data set."""

    layout: str  # of `sources.LAYOUTS`: the one whose train ids go with it
    channels: int  # of labels; an instance-edge channel comes after them
    unknown_first: bool = False  # don't-care is channel 0 and classes follow, instead of the last channel


_SPADE = {
    "ade20k": Convention("ade20k-spade", 151),
    "cityscapes": Convention("cityscapes", 35),
    "coco-stuff": Convention("coco-stuff", 183),
    "facades": Convention("facades-spade", 13),
}
_LGGAN = {"ade20k": Convention("ade20k", 151), "cityscapes": Convention("cityscapes", 35)}
CONVENTIONS: dict[str, dict[str, Convention]] = {
    "spade": _SPADE,
    "ccfpse": {name: _SPADE[name] for name in ("ade20k", "cityscapes", "coco-stuff")},
    "safm": {name: _SPADE[name] for name in ("ade20k", "cityscapes", "coco-stuff")},
    "pix2pixhd": {"cityscapes": Convention("cityscapes", 35)},
    "lggan": _LGGAN,
    "sesame": {"cityscapes": Convention("cityscapes", 35)},
    "oasis": {
        "ade20k": Convention("ade20k", 151, unknown_first=True),
        "cityscapes": Convention("cityscapes-oasis", 35, unknown_first=True),
        "coco-stuff": Convention("coco-stuff", 183, unknown_first=True),
    },
    "crn": {"cityscapes": Convention("cityscapes-19", 20)},
    "sims": {"cityscapes": Convention("cityscapes-19", 20)},
}


def convention(paper: str, data: str) -> Convention:
    """What the networks of `paper` see of `data`.

    Raises:
        ConfigError: it was not released for that data set.
    """
    found = CONVENTIONS.get(paper, {}).get(data)
    if found is None:
        known = ", ".join(f"{name} on {of}" for name, each in CONVENTIONS.items() for of in each)
        raise ConfigError(f"no convention of {paper} on {data} is known. Give one of: {known}.")
    return found


def channels(paper: str, data: str, train: Ids) -> npt.NDArray[np.int64]:
    """Train ids (of the convention's layout) as the channels of the paper's networks.

    Raises:
        ConfigError: it was not released for that data set.
    """
    known = convention(paper, data)
    shifted = (train.astype(np.int64) + 1) % known.channels
    return shifted if known.unknown_first else train.astype(np.int64)
