"""Labelled photos on disk. A source is a label space and a list of files, whatever the layout of their folder.

To read another layout, write a function (root, split) -> Listing and add a line to `LAYOUTS`; for your own folders a
YAML file will mostly do (`described.py`).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from intarsia.data.described import list_described
from intarsia.data.folder import list_folder
from intarsia.data.huggingface import list_huggingface
from intarsia.data.pairs import Listing, Pair
from intarsia.data.public.ade20k import list_ade20k, list_ade20k_outdoor, list_ade20k_spade
from intarsia.data.public.celebamask import list_celebamask_hq
from intarsia.data.public.cityscapes import list_cityscapes
from intarsia.data.public.coco_stuff import list_coco_stuff
from intarsia.data.public.facades import list_facades, list_facades_spade
from intarsia.data.webdataset import list_webdataset
from intarsia.errors import ConfigError, DataError
from intarsia.labels import LabelSpace

LAYOUTS: dict[str, Callable[[Path, str], Listing]] = {
    "folder": list_folder,
    "earth": list_folder,  # made by `intarsia data build earth`
    "street": list_folder,  # made by `intarsia data build street`; one comes with the repository
    "cityscapes": list_cityscapes,
    "cityscapes-oasis": partial(list_cityscapes, space="cityscapes-oasis"),
    "cityscapes-19": partial(list_cityscapes, space="cityscapes-19"),
    "ade20k": list_ade20k,
    "ade20k-spade": list_ade20k_spade,
    "ade20k-outdoor": list_ade20k_outdoor,
    "coco-stuff": list_coco_stuff,
    "celebamask-hq": list_celebamask_hq,
    "facades": list_facades,
    "facades-spade": list_facades_spade,
    "yaml": list_described,  # PATH is a file that says where everything lies
    "hf": list_huggingface,  # a folder that `datasets` saved
    "webdataset": list_webdataset,  # a folder of tar files
}
MAKE = {
    "earth": "Make it with: intarsia data build earth --out {}",
    "street": "Make it with: intarsia data build street --out {} --count 2000 --val 200",
}
CACHE_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Source:
    """Labelled photos of one split; each is decoded when first asked for and then kept, up to `CACHE_BYTES` in all."""

    spec: str
    split: str
    listing: Listing
    _kept: dict[int, Pair] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """What the data set is called, wherever it lies: the name in "NAME:PATH", or that of the folder."""
        layout, colon, path = self.spec.partition(":")
        return layout if colon and not Path(self.spec).exists() else Path(path or layout).name

    @property
    def label_space(self) -> LabelSpace:
        """What the labels mean."""
        return self.listing.label_space

    def __len__(self) -> int:
        return len(self.listing.files)

    def pair(self, index: int) -> Pair:
        """The labelled photo number `index`, 0 <= index < len(self).

        Raises:
            DataError: a file is missing or damaged, or sizes differ.
            LabelError: a label is not in the label space.
        """
        if index in self._kept:
            return self._kept[index]
        pair = self.listing.read(self.listing.files[index], self.label_space)
        # All pairs of a data set are about as large as the first few: their number stands for their size.
        if (len(self._kept) + 1) * _bytes(pair) <= CACHE_BYTES:
            self._kept[index] = pair
        return pair


def open_source(spec: str, split: str) -> Source:
    """The photos of `split` in the data set `spec`: "LAYOUT:PATH" with a name of `LAYOUTS`, or PATH for a plain folder.

    Raises:
        ConfigError: no layout has that name.
        DataError: the folder is missing or empty, or photos and label maps do not pair up.
        LabelError: its label space is malformed.
    """
    listing = list_files(spec, split)
    if listing.wrong:
        more = f" ({len(listing.wrong) - 1} more: intarsia data check {spec})" if len(listing.wrong) > 1 else ""
        raise DataError(listing.wrong[0] + more)
    return Source(spec, split, listing)


def layout_of(spec: str) -> str:
    """The name of the layout in a spec; a path alone is a plain folder, or a YAML file that describes one."""
    layout, colon, _ = spec.partition(":")
    if colon and not Path(spec).exists():
        return layout
    return "yaml" if Path(spec).suffix in (".yaml", ".yml") else "folder"


def list_files(spec: str, split: str) -> Listing:
    """What `open_source` opens, with all that is wrong in it instead of an error for the first."""
    layout, path = layout_of(spec), spec
    if spec.startswith(f"{layout}:") and not Path(spec).exists():
        path = spec.partition(":")[2]
    if layout not in LAYOUTS:
        near = difflib.get_close_matches(layout, LAYOUTS, 1) or list(LAYOUTS)
        raise ConfigError(f"no data set layout is called {layout}. Did you mean {', '.join(near)}?")
    root = Path(path)
    if layout == "yaml":
        return list_described(root, split)
    if not root.is_dir():
        if root.exists():
            raise DataError(f"data set {root} is a file. Give the folder that it lies in.")
        mend = MAKE[layout].format(root) if layout in MAKE else "Check the path."
        raise DataError(f"data set folder {root} does not exist. {mend}")
    return LAYOUTS[layout](root, split)


def _bytes(pair: Pair) -> int:
    return sum(array.nbytes for array in (pair.photo, pair.labels, pair.instances) if array is not None)
