"""Look at every file of a data set and list all that is wrong, before a training run finds it at night."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from intarsia.data.pairs import PairFiles, read_pair
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


def check_split(spec: str, split: str, watch: Watch = lambda files, _what, _total: files) -> Report:
    """Read every pair of a split; `watch(files, what, total)` may show progress.

    Raises:
        ConfigError, DataError, LabelError: there is no such data set or split, or its label space is malformed.
    """
    listing = list_files(spec, split)
    wrong, sizes = list(listing.wrong), set()
    pixels = np.zeros(listing.label_space.channels, np.int64)
    for files in watch(listing.files, f"checking {split}", len(listing.files)):
        try:
            pair = read_pair(files, listing.label_space)
        except IntarsiaError as error:
            wrong.append(str(error))
            continue
        pixels += np.bincount(pair.labels.ravel(), minlength=len(pixels))
        sizes.add((pair.photo.shape[0], pair.photo.shape[1]))
    return Report(
        split, listing.label_space, len(listing.files), tuple(wrong), tuple(pixels.tolist()), tuple(sorted(sizes))
    )
