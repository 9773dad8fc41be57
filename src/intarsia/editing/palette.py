"""Palettes for people: groups of classes, and how the classes of one label space map to those of another by name."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from intarsia.labels import Ids, LabelClass, LabelSpace

OTHER = "other"
GROUPS: dict[str, tuple[str, ...]] = {
    "sky": ("sky", "cloud", "clouds", "fog"),
    "water": ("water", "ocean", "sea", "lake", "river", "waterfall", "pool", "waterdrops"),
    "ice": ("snow", "ice", "tundra"),
    "plants": (
        *("tree", "trunk", "hedge", "bush", "flower", "plant", "palm", "leaves", "vegetation", "branch", "grass"),
        *("forest", "rainforest", "shrubland", "grassland", "savanna", "steppe"),
    ),
    "land": (
        *("mountain", "rock", "stone", "hill", "highland", "desert", "sand", "dirt", "mud", "earth", "terrain"),
        *("field", "gravel"),
    ),
    "ground": (
        *("road", "sidewalk", "path", "pavement", "marking", "parking", "track", "ground", "floor", "bridge"),
        *("tunnel", "platform"),
    ),
    "buildings": (
        *("building", "house", "roof", "window", "door", "wall", "skyscraper", "tower", "fence", "stairs", "ceiling"),
        *("balcony", "guard", "facade", "cornice", "sill", "pillar", "deco", "molding", "shop", "blind"),
    ),
    "vehicles": (
        *("car", "truck", "bus", "bicycle", "motorcycle", "train", "caravan", "trailer", "van", "boat", "ship"),
        *("airplane", "plane"),
    ),
    "people": ("person", "rider", "pedestrian", "people", "man", "woman", "child"),
    "animals": ("cat", "dog", "horse", "sheep", "cow", "bird", "elephant", "bear", "zebra", "giraffe", "animal"),
    "things": ("pole", "polegroup", "sign", "light", "bench", "lamp", "table", "chair", "bed", "sofa", "box"),
}
"""Group -> words that tell a class of it by its name; the last word of the name that is here decides."""
_GROUP_OF = {word: group for group, words in GROUPS.items() for word in words}
ALIKE = 0.8  # of two names as difflib compares them

How = Literal["same", "alike", "group", "none"]


def group_of(name: str) -> str:
    """The group of a class by its name; "other" where its words are not known."""
    return next((_GROUP_OF[word] for word in reversed(_words(name)) if word in _GROUP_OF), OTHER)


@dataclass(frozen=True)
class ClassMapping:
    """What a class of one label space becomes in another."""

    origin: LabelClass
    target: LabelClass | None  # None where nothing is near
    how: How  # the same name; a name alike (a word in common); the first class of the same group; nothing


def mapped(of: LabelSpace, to: LabelSpace) -> tuple[ClassMapping, ...]:
    """For each class of `of`, the class of `to` that is nearest by name."""
    return tuple(_nearest(origin, to) for origin in of.classes)


def translated(train: Ids, of: LabelSpace, to: LabelSpace) -> npt.NDArray[np.int64]:
    """A label map (H W train ids) of one space in another.

    Classes with nothing near become don't-care, and where `to` has none its first class, as does don't-care itself.
    """
    nowhere = len(to.classes) if to.has_dont_care else 0
    targets = [nowhere if m.target is None else to.classes.index(m.target) for m in mapped(of, to)]
    return np.asarray([*targets, nowhere], np.int64)[train]


def _nearest(origin: LabelClass, to: LabelSpace) -> ClassMapping:
    by_name = {each.name.casefold(): each for each in reversed(to.classes)}
    name = origin.name.casefold()
    if name in by_name:
        return ClassMapping(origin, by_name[name], "same")
    words = set(_words(name))
    # Later words say what a thing is ("traffic light", "temperate forest"), so a common last one goes first.
    common = [each for each in to.classes if _words(each.name)[-1:] == _words(name)[-1:]]
    common += [each for each in to.classes if words & set(_words(each.name))]
    near = difflib.get_close_matches(name, by_name, 1, ALIKE)
    alike = [*common, *(by_name[match] for match in near)]
    if alike:
        return ClassMapping(origin, alike[0], "alike")
    group = group_of(name)
    members = [each for each in to.classes if group not in (OTHER,) and group_of(each.name) == group]
    return ClassMapping(origin, members[0], "group") if members else ClassMapping(origin, None, "none")


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", name.casefold())
