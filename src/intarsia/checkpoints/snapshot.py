"""Snapshots: weights to deliver, and a card that says everything about them. No flags are needed to load one.

FOLDER/card.json               what it is: system, config, label space, recipe, how it was trained, scores, licence
FOLDER/generator.safetensors   the generator's parameters and buffers (the averaged ones where an average was kept)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, ValidationError
from torch import Tensor, nn

from intarsia import systems
from intarsia.checkpoints.tensors import Tensors, fill, read_tensors, write_tensors
from intarsia.errors import CheckpointError, ConfigError, IntarsiaError
from intarsia.files import whole_folder
from intarsia.labels import LabelSpace
from intarsia.systems.system import Recipe

FORMAT = 1
CARD, WEIGHTS = "card.json", "generator.safetensors"
AnyCard = TypeVar("AnyCard", bound=BaseModel)


def _label_space(value: Any) -> LabelSpace:
    return value if isinstance(value, LabelSpace) else LabelSpace.from_dict(value, "in the card")


Space = Annotated[LabelSpace, PlainValidator(_label_space), PlainSerializer(LabelSpace.to_dict)]


class Training(BaseModel):
    """How weights came to be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: int  # seen, with repetition
    seconds: float
    hardware: str
    versions: dict[str, str]  # of Intarsia and what it computes with
    seed: int
    data: str  # the data set, as it was named


class Card(BaseModel):
    """What a snapshot is. An unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    system: str  # a name in `intarsia.systems.SYSTEMS`
    preset: str
    config: dict[str, Any]  # of the system's configuration
    label_space: Space
    recipe: dict[str, Any] | None = None  # None where it is not known, as for converted weights
    training: Training | None = None
    scores: dict[str, float] = Field(default_factory=dict)
    licence: str = ""


def check_replaceable(folder: Path, mark: str = CARD, what: str = "snapshot") -> None:
    """Refuse to write a snapshot in the place of something else; long work asks before it begins.

    Args:
        folder: to write.
        mark: a file that every `what` has.
        what: it is to be.

    Raises:
        ConfigError: `folder` is there, and is neither a `what` nor empty.
    """
    if folder.exists() and not (folder / mark).is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ConfigError(f"{folder} exists and is no {what}, so it is not replaced. Choose another --out.")


def save_snapshot(folder: Path, card: BaseModel, tensors: Mapping[str, Tensor], weights: str = WEIGHTS) -> None:
    """Write a snapshot; the folder appears whole, in place of an older one.

    Args:
        folder: to write.
        card: what it is: a `Card`, or that of another kind of network.
        tensors: by name.
        weights: the file for them.

    Raises:
        ConfigError: the folder holds something else.
        StorageError: the disk is full or the folder cannot be written.
    """
    check_replaceable(folder)
    with whole_folder(folder) as temporary:
        (temporary / CARD).write_text(card.model_dump_json(indent=1) + "\n")
        write_tensors(temporary / weights, tensors)


def load_card(folder: Path) -> Card:
    """Read a generator's card.

    Raises:
        CheckpointError: as `load_card_of`.
    """
    return load_card_of(Card, folder, "generator")


def card_values(folder: Path, absent: str) -> dict[str, Any]:
    """The values of a folder's card, of a format that this version knows.

    Raises:
        CheckpointError: the card is damaged or of another format; or missing, and the folder is what `absent` says.
    """
    path = folder / CARD
    try:
        values: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        raise CheckpointError(f"{folder} has no {CARD}, so it is {absent}") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}). Copy it again, it is damaged.") from None
    check_format(values, path)
    return values


def load_card_of(kind: type[AnyCard], folder: Path, what: str) -> AnyCard:
    """Read a snapshot's card; `what` is what errors call that which it describes.

    Raises:
        CheckpointError: it is missing, damaged, of another kind, or of a format that this version does not know.
    """
    path = folder / CARD
    values = card_values(folder, "no snapshot. Give a folder that Intarsia wrote.")
    first_required = next(name for name, field in kind.model_fields.items() if field.is_required())
    if first_required not in values:
        raise CheckpointError(f"{path} is not that of a {what}. Give a folder that holds one.")
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CheckpointError(
            f"{path} is malformed at {place} ({first['msg']}). Write it with save_snapshot."
        ) from None
    except IntarsiaError as error:
        raise CheckpointError(f"{path} is malformed: {error}") from None


def check_format(values: Any, path: Path) -> None:
    """Refuse a JSON file that is not of this format version.

    Raises:
        CheckpointError: it has another version, or none.
    """
    found = values.get("format") if isinstance(values, dict) else None
    if found != FORMAT:
        raise CheckpointError(f"{path} has format {found}; this version reads format {FORMAT}. Update Intarsia.")


def load_snapshot(folder: Path) -> tuple[Card, Tensors]:
    """Read a snapshot: its card and the generator's tensors by name, on the CPU.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    return load_card(folder), read_tensors(folder / WEIGHTS)


def load_generator(folder: Path) -> tuple[Card, nn.Module]:
    """Build the generator that a snapshot describes, with its weights: float32, in evaluation mode, channels-last.

    Raises:
        CheckpointError: a file is missing or damaged, or the weights do not fit the card's configuration.
        ConfigError: the card names a system or a setting that this version does not know.
    """
    card, tensors = load_snapshot(folder)
    config = systems.config_from_dict(card.system, card.config)
    # No terms: nothing is trained, so no loss needs weights of its own.
    generator = systems.build(card.system, config, Recipe({}, {}), preset=card.preset).generator
    fill(generator, tensors, folder / WEIGHTS)
    generator.eval().requires_grad_(False)
    return card, generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def check_label_space(ours: LabelSpace, data: LabelSpace, source: Path | str) -> None:
    """Refuse data whose classes are not those that `source` was trained on; colours may differ.

    Raises:
        CheckpointError: names the first difference.
    """
    if ours.channels != data.channels:
        difference = f"{ours.channels} channels, the data has {data.channels}"
    else:
        pairs = zip(ours.classes, data.classes, strict=False)
        differing = [(a, b) for a, b in pairs if (a.id, a.name) != (b.id, b.name)]
        if not differing:
            return
        a, b = differing[0]
        difference = f"class {a.id} {a.name} where the data has {b.id} {b.name}"
    raise CheckpointError(
        f"{source} is of label space {ours.name} ({difference} of {data.name}). Use data of the same label space."
    )
