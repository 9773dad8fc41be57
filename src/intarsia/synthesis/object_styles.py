"""Styles of single objects: what each instance of a scene looks like, for models with features of objects.

A style is a vector of as many numbers as the model has features, in [-1, 1]. A *style bank* holds typical ones for
each class, found in a data set (`style_bank.py` builds it); others come from an object in a photo
(`Synthesiser.object_styles`). What is said for an instance goes before what is said for its class, and what nobody
said anything of is drawn from the bank.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from intarsia.checkpoints.tensors import read_about, read_tensors, write_tensors
from intarsia.errors import CheckpointError, ConfigError
from intarsia.files import whole_file
from intarsia.labels import LabelSpace

Vector = npt.NDArray[np.float32]
KIND = "intarsia style bank"
FORMAT = 1
SHOWN = 8  # names that an error lists


@dataclass(frozen=True)
class Cluster:
    """The style number `number` that the bank has for the object's class, from 0."""

    number: int


@dataclass(frozen=True)
class Drawn:
    """One of the styles that the bank has for the object's class, by seed."""

    seed: int


Style: TypeAlias = Cluster | Drawn | npt.ArrayLike
"""How an object looks: out of the bank, or as a vector."""


@dataclass(frozen=True)
class SceneObject:
    """An object of a scene."""

    place: int  # of its map in the batch
    id: int  # its number in the instance map
    class_name: str  # of most of its pixels
    pixels: int


@dataclass(frozen=True)
class StyleBank:
    """Typical styles of the objects of each class, as the encoder of one model sees them."""

    preset: str  # of the model
    encoder: str  # digest of its encoder's weights: to another encoder the numbers mean nothing
    data: str  # the data set that the objects are from
    styles: Mapping[str, Vector]  # n features, by the name of the class
    source: str = "given"  # what errors call the bank

    def cluster(self, class_name: str, number: int) -> Vector:
        """A style of a class.

        Raises:
            ConfigError: the bank has no styles of that class, or not so many.
        """
        styles = self._of(class_name)
        if not 0 <= number < len(styles):
            raise ConfigError(
                f"style bank {self.source} has {len(styles)} styles of {class_name}, and number {number} was asked "
                f"for. Choose 0..{len(styles) - 1}."
            )
        vector: Vector = styles[number]
        return vector

    def draw(self, class_name: str, seed: int, object_id: int = 0) -> Vector:
        """One of a class's styles: the same seed and object, the same style, whatever else is in the scene.

        Raises:
            ConfigError: the bank has no styles of that class, or the seed is negative.
        """
        if seed < 0:
            raise ConfigError(f"seed {seed} of a style is negative. Choose 0 or more.")
        styles = self._of(class_name)
        number = np.random.default_rng((seed, object_id % 2**63)).integers(len(styles))
        vector: Vector = styles[number]
        return vector

    def _of(self, class_name: str) -> Vector:
        if class_name not in self.styles:
            raise ConfigError(
                f"style bank {self.source} has no style of {class_name}, which {self.data} does not show. "
                "Give its instances a style."
            )
        return self.styles[class_name]

    def save(self, path: Path) -> None:
        """Write the bank: a safetensors file with the styles by class, and JSON about them in its header.

        Raises:
            StorageError: the file cannot be written.
        """
        about = {"kind": KIND, "format": FORMAT, "preset": self.preset, "encoder": self.encoder, "data": self.data}
        with whole_file(path) as temporary:
            tensors = {name: torch.from_numpy(vectors) for name, vectors in self.styles.items()}
            write_tensors(temporary, tensors, {"about": json.dumps(about)})

    @classmethod
    def load(cls, path: Path) -> StyleBank:
        """Read a bank.

        Raises:
            CheckpointError: the file is missing, damaged, no style bank, or of another format.
        """
        if not path.is_file():
            raise CheckpointError(f"style bank {path} does not exist. Make it with: intarsia style build --out {path}")
        about: dict[str, Any] = json.loads(read_about(path).get("about", "{}"))
        if about.get("kind") != KIND or about.get("format") != FORMAT:
            raise CheckpointError(
                f"{path} is no style bank of format {FORMAT}. Give a file written by intarsia style build."
            )
        styles = {name: tensor.numpy() for name, tensor in read_tensors(path).items()}
        return cls(about["preset"], about["encoder"], about["data"], styles, str(path))


def objects_of(objects: Tensor, labels: Tensor, space: LabelSpace) -> tuple[SceneObject, ...]:
    """The objects of label maps: B H W int64 numbers, and B H W int64 train ids; by map and number."""
    found = []
    for place, (numbers, classes) in enumerate(zip(objects.cpu().numpy(), labels.cpu().numpy(), strict=True)):
        ids, inverse = np.unique(numbers, return_inverse=True)
        cells = inverse.ravel() * space.channels + classes.ravel()
        counts = np.bincount(cells, minlength=len(ids) * space.channels).reshape(len(ids), space.channels)
        found += [
            SceneObject(place, int(number), class_name(space, int(row.argmax())), int(row.sum()))
            for number, row in zip(ids, counts, strict=True)
        ]
    return tuple(found)


def class_name(space: LabelSpace, train_id: int) -> str:
    """The name of a class; don't-care has one too."""
    return space.classes[train_id].name if train_id < len(space.classes) else "don't-care"


def styled(
    objects: Iterable[SceneObject],
    styles: Mapping[int | str, Style],
    bank: StyleBank | None,
    seed: int,
    features: int,
    space: LabelSpace,
) -> list[Vector]:
    """The style of each object, in their order.

    Args:
        objects: of a scene.
        styles: by instance number, or by name of a class; the first go before the second.
        bank: for clusters and draws, and for objects that nobody named.
        seed: of the draws for these.
        features: numbers in a style.
        space: whose classes `styles` may name.

    Raises:
        ConfigError: an instance or class is not in the scene, an object has no style, or the bank lacks one.
        LabelError: no class has that name; the nearest names are proposed.
    """
    objects = tuple(objects)
    for what in styles:
        _check_there(what, objects, space)
    chosen = []
    for each in objects:
        style = styles.get(each.id, styles.get(each.class_name, Drawn(seed)))
        if isinstance(style, Cluster | Drawn) and bank is None:
            raise ConfigError(
                f"instance {each.id} ({each.class_name}) has no style. "
                "Give a style bank (intarsia style build makes it), or a style for every instance."
            )
        if isinstance(style, Cluster):
            chosen.append(_present(bank).cluster(each.class_name, style.number))
        elif isinstance(style, Drawn):
            chosen.append(_present(bank).draw(each.class_name, style.seed, each.id))
        else:
            chosen.append(_vector(style, each, features))
    return chosen


def painted(objects: Tensor, scene_objects: Sequence[SceneObject], styles: Sequence[Vector]) -> Tensor:
    """Each object filled with its style: B H W int64 numbers -> B features H W float32."""
    maps = []
    for place, numbers in enumerate(objects.cpu()):
        of_map = [(each.id, style) for each, style in zip(scene_objects, styles, strict=True) if each.place == place]
        ids, vectors = torch.tensor([number for number, _ in of_map]), np.stack([style for _, style in of_map])
        # Ids are in ascending order, as `objects_of` lists them.
        maps.append(torch.from_numpy(vectors)[torch.searchsorted(ids, numbers.contiguous())])
    return torch.stack(maps).permute(0, 3, 1, 2).contiguous().to(objects.device)


def _check_there(what: int | str, objects: Sequence[SceneObject], space: LabelSpace) -> None:
    if isinstance(what, str):
        space.index(what)
        names = list(dict.fromkeys(each.class_name for each in objects))
        if what not in names:
            near = difflib.get_close_matches(what, names, 3) or names
            raise ConfigError(f"no {what} is in the label map. It has {_listed(near)}.")
    elif what not in {each.id for each in objects}:
        numbers = sorted({each.id for each in objects})
        raise ConfigError(f"no instance {what} is in the instance map. It has {_listed(list(map(str, numbers)))}.")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _vector(style: npt.ArrayLike, of: SceneObject, features: int) -> Vector:
    vector = np.asarray(style, np.float32)
    if vector.shape != (features,):
        raise ConfigError(
            f"the style of instance {of.id} ({of.class_name}) has shape {vector.shape}; "
            f"this model needs {features} numbers."
        )
    return vector


def _present(bank: StyleBank | None) -> StyleBank:
    assert bank is not None
    return bank
