"""The models that a server offers, known by their cards; weights are read when one is asked for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from intarsia.checkpoints.models import bundled_models, find_model
from intarsia.checkpoints.snapshot import WEIGHTS, Card, load_card, load_card_of
from intarsia.errors import ConfigError
from intarsia.files import sha256
from intarsia.labels import LabelSpace
from intarsia.segmentation.card import SEGMENTERS, SegmenterCard
from intarsia.systems import config_from_dict

MOST_SHOWN = 60  # characters of a name that errors repeat

OPENS_WITH = "spade-street-256"
"""The bundled model that comes first where none is asked for."""


@dataclass(frozen=True)
class Offer:
    """A model or segmenter that may be asked for by its name."""

    name: str
    folder: Path


@dataclass(frozen=True)
class ModelOffer(Offer):
    """A model, and what its card says."""

    card: Card
    bank: Path | None = None  # styles of objects, for models with features of these

    @property
    def space(self) -> LabelSpace:
        """The label space that it speaks."""
        return self.card.label_space

    @cached_property
    def config(self) -> Any:
        """The system's configuration."""
        return config_from_dict(self.card.system, self.card.config)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights, in hexadecimal: what a project names its model by."""
        return sha256(self.folder / WEIGHTS)


@dataclass(frozen=True)
class SegmenterOffer(Offer):
    """A segmenter, and what its card says."""

    card: SegmenterCard


AnyOffer = TypeVar("AnyOffer", bound=Offer)


@dataclass(frozen=True)
class Catalogue:
    """All that a server offers; the first model is the default."""

    models: tuple[ModelOffer, ...]
    segmenters: tuple[SegmenterOffer, ...]

    def model(self, name: str | None) -> ModelOffer:
        """The model of that name, or the default.

        Raises:
            UnknownNameError: there is none; the nearest names are proposed. Names are never paths.
        """
        return self.models[0] if name is None else _named("model", name, self.models)

    def segmenter(self, name: str | None, space: LabelSpace) -> SegmenterOffer:
        """The segmenter of that name, or else one that speaks a label space.

        Raises:
            UnknownNameError: there is none.
        """
        if name is not None:
            return _named("segmenter", name, self.segmenters)
        found = self.segmenter_for(space)
        if found is None:
            raise UnknownNameError(
                f"no segmenter speaks the label space {space.name}. Start the server with --segmenter, or name one of "
                f"{', '.join(offer.name for offer in self.segmenters)}."
            )
        return found

    def segmenter_for(self, space: LabelSpace) -> SegmenterOffer | None:
        """The first segmenter whose classes are those of a space."""
        return next((offer for offer in self.segmenters if offer.card.label_space.classes == space.classes), None)


class UnknownNameError(ConfigError):
    """A name that the server does not offer."""


def gathered(models: Iterable[str] = (), segmenters: Iterable[str] = (), banks: Iterable[str] = ()) -> Catalogue:
    """The models and segmenters given, then the bundled ones.

    Args:
        models: NAME=FOLDER, a folder (its name is the model's), a hub id, or a bundled name; the first is the default.
        segmenters: likewise.
        banks: NAME=FILE, the style bank of a model.

    Raises:
        ConfigError: two have one name, or a bank is of no model.
        CheckpointError: one is missing, or its card cannot be read.
    """
    files = {name: Path(place) for name, place in map(_split, banks)}
    of_models = _with_bundled(models, (OPENS_WITH, *bundled_models()))
    folders = {name: find_model(place) for name, place in of_models.items()}
    offered = tuple(
        ModelOffer(name, folder, load_card(folder), files.pop(name, None)) for name, folder in folders.items()
    )
    if files:
        raise ConfigError(f"a style bank is given for {min(files)}, which is no model here. Name it as the model.")
    of_segmenters = _with_bundled(segmenters, bundled_models(SEGMENTERS))
    folders = {name: find_model(place, SEGMENTERS) for name, place in of_segmenters.items()}
    cards = {name: load_card_of(SegmenterCard, folder, SEGMENTERS.what) for name, folder in folders.items()}
    return Catalogue(offered, tuple(SegmenterOffer(name, folders[name], card) for name, card in cards.items()))


def _with_bundled(given: Iterable[str], bundled: Iterable[str]) -> dict[str, str]:
    """Where the offers lie, by name: those given, then the bundled ones."""
    found: dict[str, str] = {}
    for name, place in map(_split, given):
        if name in found:
            raise ConfigError(f"{found[name]} and {place} are both called {name}. Write NAME={place}.")
        found[name] = place
    return found | {name: name for name in bundled if name not in found}


def _split(given: str) -> tuple[str, str]:
    """NAME=PLACE as name and place; a place alone is named after its last part."""
    name, equals, place = given.partition("=")
    return (name, place) if equals else (Path(given).resolve().name, given)


def _named(what: str, name: str, offers: Iterable[AnyOffer]) -> AnyOffer:
    by_name = {offer.name: offer for offer in offers}
    if name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(name, by_name, 3) or list(by_name)
    raise UnknownNameError(f"there is no {what} {shown(name)} here. Did you mean {', '.join(near)}?")


def shown(text: str) -> str:
    """A text that somebody sent, short enough for one line and printable."""
    short = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in short)
