"""Look at every file of a data set and list all that is wrong, before a training run finds it at night."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from intarsia.data.pairs import Pair, PairFiles, read_pair
from intarsia.data.sources import list_files
from intarsia.errors import IntarsiaError
from intarsia.labels import LabelSpace

Watch = Callable[[Iterable[PairFiles], str, int], Iterable[PairFiles]]


@dataclass(frozen=True)
class Report:
    """What one split holds."""

    split: str
    label_space: LabelSpace
    photos: int
    wrong: tuple[str, ...]  # one sentence each
    pixels: tuple[int, ...]  # of each train id, don't-care last
    sizes: tuple[tuple[int, int], ...]  # the distinct sizes of photos: height, width
    objects: tuple[int, ...]  # of each train id, by the instance maps; all 0 where there are none


def check_split(spec: str, split: str, watch: Watch = lambda files, _what, _total: files) -> Report:
    """Read every pair of a split; `watch(files, what, total)` may show progress.

    Raises:
        ConfigError, DataError, LabelError: there is no such data set or split, or its label space is malformed.
    """
    listing = list_files(spec, split)
    wrong, sizes = list(listing.wrong), set()
    pixels, objects = np.zeros((2, listing.label_space.channels), np.int64)
    for files in watch(listing.files, f"checking {split}", len(listing.files)):
        try:
            pair = read_pair(files, listing.label_space)
        except IntarsiaError as error:
            wrong.append(str(error))
            continue
        pixels += np.bincount(pair.labels.ravel(), minlength=len(pixels))
        objects += _objects(pair, len(objects))
        sizes.add((pair.photo.shape[0], pair.photo.shape[1]))
    return Report(
        split,
        listing.label_space,
        len(listing.files),
        tuple(wrong),
        tuple(pixels.tolist()),
        tuple(sorted(sizes)),
        tuple(objects.tolist()),
    )


def _objects(pair: Pair, channels: int) -> npt.NDArray[np.int64]:
    """How many instance numbers occur with each train id."""
    if pair.instances is None:
        return np.zeros(channels, np.int64)
    numbers = int(pair.instances.max()) + 1
    each = np.unique(pair.labels.astype(np.int64) * numbers + pair.instances)
    return np.bincount(each // numbers, minlength=channels)
