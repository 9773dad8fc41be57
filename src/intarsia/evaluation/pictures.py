"""The pictures that are measured: real ones, what a model makes of their labels, and what lies in folders.

Each set is read a few at a time (`pictures(numbers)`), so that a data set need not fit into memory.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageFilter

from intarsia.data.folder import PHOTO_SUFFIXES, images_in
from intarsia.data.label_files import Photo, read_label_map, read_photo
from intarsia.data.pairs import Pair, in_order
from intarsia.data.sources import Source
from intarsia.data.transforms import Size, image_tensor, photo_array, resize, resized_map, resized_photo
from intarsia.errors import DataError
from intarsia.files import sha256
from intarsia.labels import Ids, LabelSpace
from intarsia.synthesis.synthesiser import Synthesiser
from intarsia.training.rounds import seeds_at

Quantisation = Literal["rounded", "truncated", "none"]
"""How values in [-1, 1] become 0..255: rounded, halves to even; cut down to whole numbers; or not at all."""
Codec = Literal["none", "jpeg"]
"""What a made photo went through: nothing, or JPEG as Pillow writes it unasked (quality 75, chroma halved)."""
StyleOf = Literal["random", "encoded"]
"""Where a style comes from: a seed, or the real photo of the same label map."""
Truth = Literal["file", "generated"]
"""The size of the label map that is compared with: its file's, or that of the made photo."""


@dataclass(frozen=True)
class Picture:
    """A photo, and the label map that it should show."""

    name: str
    photo: Photo  # h w 3 uint8
    truth: Ids | None = None  # H W train ids: as large as the label map is, which the photo need not be
    exact: npt.NDArray[np.float32] | None = None  # 3 h w in [0, 1]: the photo before it was rounded


class Pictures(Protocol):
    """A set of pictures in a fixed order."""

    def __len__(self) -> int: ...

    @property
    def identity(self) -> dict[str, Any] | None:
        """All that the pictures depend on, plain values, by which results are found again; None: not known."""
        ...

    def pictures(self, numbers: Sequence[int]) -> list[Picture]:
        """Those of `numbers`, each 0 <= number < len(self)."""
        ...


@dataclass(frozen=True)
class View:
    """One photo of a source, whole or a tile of it."""

    photo: int  # its number in the source
    corner: tuple[int, int] | None = None  # top, left of the tile; None: whole


@dataclass(frozen=True, eq=False)
class RealViews:
    """Photos of a source at the size that a model makes: whole ones are resized, tiles are cut."""

    source: Source
    size: Size
    views: tuple[View, ...]
    truth: Truth = "file"

    def __len__(self) -> int:
        return len(self.views)

    @cached_property
    def identity(self) -> dict[str, Any] | None:
        """See `Pictures`."""
        return {
            "pictures": "real",
            "files_sha256": digest([*self.photo_files(), *self.map_files()]),
            "label_space": self.source.label_space.to_dict(),
            "reading": self.source.listing.reading,
            "size": list(self.size),
            "views": [[view.photo, *(view.corner or ())] for view in self.views],
            "truth": self.truth,
        }

    def pair(self, number: int) -> Pair:
        """Photo and maps at `size`."""
        view = self.views[number]
        pair = self.source.pair(view.photo)
        return resize(pair, self.size) if view.corner is None else _tile(pair, view.corner, self.size)

    def pictures(self, numbers: Sequence[int]) -> list[Picture]:
        """Those of `numbers`, with the label map as its file has it (or a tile of that), or resized with the photo."""
        found = []
        for number in numbers:
            pair, view = self.pair(number), self.views[number]
            whole = view.corner is None and self.truth == "file"
            truth = self.source.pair(view.photo).labels if whole else pair.labels
            found.append(Picture(pair.name, pair.photo, truth))
        return found

    def photo_files(self) -> list[Path]:
        """The photos' files, each once."""
        return list(dict.fromkeys(self.source.listing.files[view.photo].stored_photo for view in self.views))

    def map_files(self) -> list[Path]:
        """The files of label and instance maps, each once."""
        every = (self.source.listing.files[view.photo] for view in self.views)
        return list(dict.fromkeys(path for files in every for path in files.stored_maps))


def whole_views(source: Source, size: Size, count: int | None = None) -> RealViews:
    """`count` photos of the source, evenly spread, or all; each resized to `size`, its aspect ignored."""
    return RealViews(source, size, tuple(View(number) for number in spread(len(source), count)))


def tiled_views(source: Source, size: Size, count: int | None = None) -> RealViews:
    """`count` tiles of the source's photos, evenly spread, or all; they do not overlap.

    For models that were trained on random cuts. Tiles lie in a grid in the middle of the photo; those which one class
    fills more than the data set allows a cut to be filled are left out, as in training.

    Raises:
        DataError: a photo is smaller than a tile.
    """
    views = []
    for number in range(len(source)):
        pair = source.pair(number)
        if pair.labels.shape[0] < size[0] or pair.labels.shape[1] < size[1]:
            raise DataError(
                f"photo {pair.name} is {pair.labels.shape[0]}x{pair.labels.shape[1]}, smaller than the tiles of "
                f"{size[0]}x{size[1]} (height x width) that the model was trained on. Give --size {size[0]}x{size[1]} "
                "to resize whole photos."
            )
        for corner in _grid(pair.labels.shape, size):
            labels = _tile(pair, corner, size).labels
            if np.bincount(labels.ravel()).max() <= source.listing.one_class_at_most * labels.size:
                views.append(View(number, corner))
    return RealViews(source, size, tuple(views[place] for place in spread(len(views), count)))


@dataclass(frozen=True, eq=False)
class MadeViews:
    """What a synthesiser makes of the labels of real views, each from a seed of its own."""

    synthesiser: Synthesiser
    real: RealViews
    seed: int
    weights_sha256: str = ""  # of the synthesiser's; without it nobody can tell what was made by what
    quantise: Quantisation = "rounded"
    codec: Codec = "none"
    style: StyleOf = "random"

    def __len__(self) -> int:
        return len(self.real)

    @cached_property
    def identity(self) -> dict[str, Any] | None:
        """See `Pictures`."""
        if not self.weights_sha256:
            return None
        return {
            "pictures": "made",
            "of": self.real.identity,
            "model": self.synthesiser.card.model_dump(mode="json", include={"system", "config"}),
            "weights_sha256": self.weights_sha256,
            "pasted_from": None if self.synthesiser.bank is None else self.synthesiser.bank.facts,
            "seed": self.seed,
            "quantise": self.quantise,
            "codec": self.codec,
            "style": self.style,
        }

    def pictures(self, numbers: Sequence[int]) -> list[Picture]:
        """Those of `numbers`, made in one batch."""
        images = self.images(numbers, [self.seed] * len(numbers))
        return [
            replace(picture, photo=photo, exact=exact)
            for picture, (photo, exact) in zip(
                self.real.pictures(numbers), finished(images, self.quantise, self.codec), strict=True
            )
        ]

    def images(self, numbers: Sequence[int], seeds: Sequence[int]) -> torch.Tensor:
        """Images of `numbers` in one batch, B 3 H W float32 in [-1, 1]; `seeds` may differ, for several of one map."""
        pairs = [self.real.pair(number) for number in numbers]
        labels = _stacked([pair.labels for pair in pairs])
        objects = [pair.instances for pair in pairs if pair.instances is not None]
        scene = self.synthesiser.tensor_scene(labels, _stacked(objects) if len(objects) == len(pairs) else None)
        each = [value for n, seed in zip(numbers, seeds, strict=True) for value in seeds_at(seed, n, 1).values]
        style = None
        if self.style == "encoded":
            style = torch.stack([image_tensor(pair.photo) for pair in pairs])
        return scene.render_tensor(seeds=each, style=style)


def finished(
    images: torch.Tensor, quantise: Quantisation, codec: Codec
) -> list[tuple[Photo, npt.NDArray[np.float32] | None]]:
    """Images B 3 H W in [-1, 1] as photos, as they would have been in a file; with `quantise` none also exactly.

    Recognition looks at whole numbers always: without quantisation, at the rounded photo.
    """
    exact: list[npt.NDArray[np.float32] | None] = [None] * len(images)
    if quantise == "truncated":
        levels = ((images.float() + 1) / 2 * 255).clamp(0, 255).byte()
        photos = np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy())
    else:
        photos = photo_array(images)
    if quantise == "none":
        exact = list(((images.float() + 1) / 2).cpu().numpy())
    coded = [jpeg(photo) if codec == "jpeg" else photo for photo in photos]
    return list(zip(coded, exact, strict=True))


def jpeg(photo: Photo) -> Photo:
    """A photo (H W 3) after Pillow's JPEG at its own default quality, decoded again."""
    file = io.BytesIO()
    Image.fromarray(photo).save(file, format="JPEG")
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


@dataclass(frozen=True, eq=False)
class FolderPictures:
    """Photos of a folder, as they are, with label maps where these are given."""

    photos: tuple[Path, ...]
    labels: tuple[Path, ...]  # as many, or none
    label_space: LabelSpace | None
    size: Size | None = None  # photos are resized to it; None: they are as they are
    truth: Truth = "file"

    def __len__(self) -> int:
        return len(self.photos)

    @cached_property
    def identity(self) -> dict[str, Any] | None:
        """See `Pictures`."""
        return {
            "pictures": "folder",
            "files_sha256": digest([*self.photos, *self.labels]),
            "label_space": None if self.label_space is None else self.label_space.to_dict(),
            "size": None if self.size is None else list(self.size),
            "truth": self.truth,
        }

    def pictures(self, numbers: Sequence[int]) -> list[Picture]:
        """Those of `numbers`."""
        found = []
        for number in numbers:
            photo = read_photo(self.photos[number])
            photo = photo if self.size is None else resized_photo(photo, self.size)
            found.append(Picture(self.photos[number].stem, photo, self._truth(number, photo)))
        return found

    def _truth(self, number: int, photo: Photo) -> Ids | None:
        if not self.labels or self.label_space is None:
            return None
        labels = read_label_map(self.labels[number], self.label_space).labels
        size = (photo.shape[0], photo.shape[1])
        return labels if self.truth == "file" else resized_map(labels, size)


def folder_pictures(
    folder: Path, labels: Path | None, label_space: LabelSpace | None, count: int | None = None
) -> FolderPictures:
    """`count` photos of a folder, evenly spread in the order of their names, or all.

    Raises:
        DataError: the folder holds no photos, two have one name, or one has no label map in `labels`.
    """
    found = images_in(folder, PHOTO_SUFFIXES)
    if not found:
        raise DataError(f"{folder} holds no photos. Give a folder with {', '.join(PHOTO_SUFFIXES)} files.")
    names = in_order(set(found))
    names = [names[place] for place in spread(len(names), count)]
    maps = {} if labels is None else images_in(labels)
    absent = [name for name in names if name not in maps] if labels is not None else []
    if labels is not None and absent:
        raise DataError(f"photo {found[absent[0]]} has no label map. Add {labels / absent[0]}.png or remove the photo.")
    return FolderPictures(
        tuple(found[name] for name in names), tuple(maps[name] for name in names if maps), label_space
    )


@dataclass(frozen=True, eq=False)
class Blurred:
    """Pictures behind a Gaussian blur, as a yardstick for the figures of generated ones."""

    clear: Pictures
    sigma: float  # in pixels

    def __len__(self) -> int:
        return len(self.clear)

    @property
    def identity(self) -> dict[str, Any] | None:
        """See `Pictures`."""
        clear = self.clear.identity
        return None if clear is None else {"pictures": "blurred", "of": clear, "sigma": self.sigma}

    def pictures(self, numbers: Sequence[int]) -> list[Picture]:
        """Those of `numbers`."""
        found = self.clear.pictures(numbers)
        return [replace(one, photo=blurred(one.photo, self.sigma), exact=None) for one in found]


def blurred(photo: Photo, sigma: float) -> Photo:
    """A photo (H W 3) behind Pillow's Gaussian blur."""
    return np.asarray(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(sigma)))


def spread(available: int, count: int | None) -> list[int]:
    """`count` of the numbers 0 .. available - 1, evenly spread; all if there are not more, or `count` is None."""
    if count is None or count >= available:
        return list(range(available))
    return [place * available // count for place in range(count)]


def digest(files: Iterable[Path]) -> str:
    """One SHA-256 of the names and contents of files, in their order."""
    lines = "".join(f"{sha256(path)}  {path.name}\n" for path in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def _grid(shape: tuple[int, ...], size: Size) -> list[tuple[int, int]]:
    """Corners of the tiles that fit side by side into a photo, centred."""
    rows, columns = (
        [(whole % part) // 2 + part * i for i in range(whole // part)] for whole, part in zip(shape, size, strict=True)
    )
    return [(top, left) for top in rows for left in columns]


def _tile(pair: Pair, corner: tuple[int, int], size: Size) -> Pair:
    cut = np.s_[corner[0] : corner[0] + size[0], corner[1] : corner[1] + size[1]]
    instances = None if pair.instances is None else pair.instances[cut]
    return Pair(f"{pair.name}@{corner[0]},{corner[1]}", pair.photo[cut], pair.labels[cut], instances)


def _stacked(maps: Sequence[Ids]) -> torch.Tensor:
    return torch.from_numpy(np.stack(maps).astype(np.int64))
