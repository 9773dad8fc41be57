"""Look at every file of a data set, on all cores, and list all that is wrong before a training run finds it at night.

A *fault* is what training stumbles on, or what makes it learn nonsense. A *remark* is what may be meant or
not: a class that never occurs, photos that are equal, a count that is not that of the archive.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
import numpy.typing as npt

from intarsia.data.look import Seen, begin, look, look_at
from intarsia.data.pairs import Listing
from intarsia.data.public import ARCHIVES
from intarsia.data.sources import layout_of, list_files
from intarsia.labels import LabelSpace

Watch = Callable[[Iterable[Seen], str, int], Iterable[Seen]]
MOST_NAMES = 8  # of classes in a remark
AT_ONCE = 16  # pairs that a process takes at a time
FEW = 48  # pairs that are read without other processes: these take longer to start


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
    remarks: tuple[str, ...] = ()
    reading: str = ""
    digests: tuple[tuple[str, str], ...] = ()  # of the decoded photos: digest, file

    def facts(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        facts = asdict(self)
        names = [c.name for c in self.label_space.classes] + ["don't-care"] * self.label_space.has_dont_care
        del facts["digests"]
        return facts | {
            "label_space": self.label_space.name,
            "pixels": dict(zip(names, self.pixels, strict=True)),
            "objects": dict(zip(names, self.objects, strict=True)),
        }


def check_split(
    spec: str, split: str, watch: Watch = lambda seen, _what, _total: seen, workers: int | None = None
) -> Report:
    """Read every pair of a split; `watch(pairs seen, what, total)` may show progress.

    Args:
        spec: of the data set.
        split: of it.
        watch: shows progress.
        workers: processes; by default one for each core.

    Raises:
        ConfigError, DataError, LabelError: there is no such data set or split, or its label space is malformed.
    """
    listing = list_files(spec, split)
    pixels, objects = np.zeros((2, listing.label_space.channels), np.int64)
    wrong, remarks = list(listing.wrong), list[str]()
    sizes, photos = set(), defaultdict[str, list[str]](list)
    for seen in watch(_every(listing, workers or os.cpu_count() or 1), f"checking {split}", len(listing.files)):
        wrong += seen.wrong
        remarks += seen.remarks
        if seen.pixels is not None and seen.objects is not None:
            pixels += seen.pixels
            objects += seen.objects
            sizes.add(seen.size)
            photos[seen.photo_digest].append(str(seen.files.photo))
    remarks += [f"photos {', '.join(same)} are equal. Remove all but one." for same in photos.values() if len(same) > 1]
    remarks += _of_classes(listing, pixels, split)
    remarks += _of_count(spec, split, len(listing.files))
    return Report(
        split,
        listing.label_space,
        len(listing.files),
        tuple(wrong),
        tuple(pixels.tolist()),
        tuple(sorted(sizes)),
        tuple(objects.tolist()),
        tuple(remarks),
        listing.reading,
        tuple((digest, same[0]) for digest, same in photos.items()),
    )


def shared(first: Report, second: Report) -> tuple[str, ...]:
    """A fault for each photo that is in two splits: what is held out must not have been trained on."""
    others = dict(second.digests)
    return tuple(
        f"photo {file} of {first.split} is also {others[digest]} of {second.split}. Remove one."
        for digest, file in first.digests
        if digest in others
    )


def _every(listing: Listing, workers: int) -> Iterable[Seen]:
    """All pairs, in order."""
    if workers == 1 or len(listing.files) <= FEW:
        for files in listing.files:
            yield look(files, listing)
        return
    parts = [listing.files[first : first + AT_ONCE] for first in range(0, len(listing.files), AT_ONCE)]
    # Spawned, not forked: this process has threads. What they import starts quickly.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=begin, initargs=(listing,)) as pool:
        for seen in pool.map(look_at, parts):
            yield from seen


def _of_classes(listing: Listing, pixels: npt.NDArray[np.int64], split: str) -> Iterable[str]:
    if listing.files and pixels.any():
        absent = [c.name for c, count in zip(listing.label_space.classes, pixels, strict=False) if not count]
        if absent:
            more = f" and {len(absent) - MOST_NAMES} classes more" if len(absent) > MOST_NAMES else ""
            named = ", ".join(absent[:MOST_NAMES])
            yield f"{split} has no pixel of {named}{more}. Check the label space, or leave these classes out."


def _of_count(spec: str, split: str, found: int) -> Iterable[str]:
    archive = ARCHIVES.get(layout_of(spec).removesuffix("-oasis").removesuffix("-19").removesuffix("-spade"))
    expected = None if archive is None else archive.counts.get(split)
    if archive is not None and expected is not None and found != expected:
        yield (
            f"{split} has {found} labelled photos; {' and '.join(archive.files)} have {expected}. "
            "Unpack them again, unless you took some out."
        )
