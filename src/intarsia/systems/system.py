"""What a system is: a record of parts, not a base class."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from torch import Tensor, nn

from intarsia.data.pairs import Pair
from intarsia.data.transforms import sample
from intarsia.errors import ConfigError
from intarsia.records import Batch, Condition, Round, Sample, Seeds

Kind = TypeVar("Kind")
Term = Callable[[Round], Tensor]
Terms = dict[str, Tensor]
"""Named scalars, unweighted; a name is the key of its weight in the recipe."""
Inherits = Callable[[str, Mapping[str, Any]], str | None]
"""Of a run to start from: (own entry, the other's config) -> the entry to start with, if any."""


class Draw(Protocol):
    """A random cut of a labelled photo for training: a function of its arguments."""

    def __call__(
        self, pair: Pair, *, flip: bool, rng: random.Random, one_class_at_most: float, scratch: Path | None
    ) -> Sample:
        """Cut.

        Args:
            pair: the photo and its maps.
            flip: mirror every second one.
            rng: all chance comes from it.
            one_class_at_most: a cut of which one class fills more should be drawn again.
            scratch: folder in which may be kept what takes long to compute from the maps; None: nothing is kept.
        """
        ...


@dataclass(frozen=True)
class Recipe:
    """How a system is trained: plain values.

    `generator_weights` and `discriminator_weights` hold the weight of each term by its name. Rates are those of the
    first epoch; they stay for `epochs` and then fall linearly over `decay_epochs`, as the published schedule does.
    """

    generator_weights: dict[str, float]
    discriminator_weights: dict[str, float]
    generator_rate: float = 1e-4
    discriminator_rate: float = 4e-4
    betas: tuple[float, float] = (0.0, 0.9)
    epochs: int = 50
    decay_epochs: int = 0
    batch: int = 1
    average: float | None = None  # decay of the exponential moving average, by iteration; None: none is kept
    load_size: tuple[int, int] | None = None  # height, width that photo and labels are resized to; None: as they are
    crop_size: tuple[int, int] = (256, 256)  # height, width of the random cut
    flip: bool = True
    optional_terms: tuple[str, ...] = ()  # terms left out, with a notice, where their weights file is absent
    # The discriminator's round makes its images anew, with the generator as it then is; else it gets the generator's.
    fresh_fakes: bool = True
    pool: int = 0  # how many made images are kept to be judged again later; only without fresh fakes
    # Parts of the generator (the beginnings of their names) and for how many first epochs they stay as they are; None:
    # throughout. The epoch in which one is released begins with a fresh optimiser.
    held: dict[str, int | None] = field(default_factory=dict)
    # Terms of the generator that count for nothing before an epoch, counted from 1.
    first_epochs: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class System:
    """One published system, built: networks, what they look at, and what they are trained on."""

    name: str
    preset: str
    config: Any  # the frozen dataclass of values that it was built from
    generator: nn.Module  # (Condition) -> Synthesis
    discriminator: nn.Module | None  # (Condition, image) -> Verdict; None for systems without one
    condition: Callable[[Batch, Seeds], Condition]
    generator_terms: Callable[[Round], Terms]
    discriminator_terms: Callable[[Round], Terms]
    recipe: Recipe
    # Of a run to start from, perhaps a smaller one: (own entry, the other's config) -> the entry to start with, if any.
    # Entries are named as in states (`checkpoints/state.py`). Without it networks must be of the same shapes.
    inherits: Inherits | None = None
    generator_sees_real: bool = True  # whether the generator's terms look at the discriminator's verdict on the photo
    draw: Draw | None = None  # how photos are cut in training, where it is not by `cut`
    companion: nn.Module | None = None  # a network that the generator's terms look at; it learns with the generator


@dataclass(frozen=True)
class Preset:
    """A published or bundled configuration. `config.labels` is replaced by what the data set's label space has."""

    system: str
    config: Any
    recipe: Recipe


def cut(
    recipe: Recipe, pair: Pair, *, flip: bool, rng: random.Random, one_class_at_most: float, scratch: Path | None
) -> Sample:
    """A random cut by the recipe's sizes alone (`Draw`); nothing is kept in `scratch`."""
    return sample(
        pair,
        load_size=recipe.load_size,
        crop_size=recipe.crop_size,
        flip=flip,
        rng=rng,
        one_class_at_most=one_class_at_most,
    )


def weighed(terms: Mapping[str, Term], weights: Mapping[str, float]) -> Callable[[Round], Terms]:
    """Those of `terms` that have a weight, as one function.

    Raises:
        ConfigError: a weight names no term.
    """
    for name in weights:
        if name not in terms:
            raise ConfigError(f"the recipe weighs the term {name}, which is not computed. Known: {', '.join(terms)}.")
    return lambda round: {name: terms[name](round) for name in weights}


def check_positive(system: str, values: Mapping[str, Any], *, zero: Iterable[str] = ()) -> None:
    """Refuse sizes below 1, or for those named in `zero` below 0.

    Raises:
        ConfigError: names the first such value.
    """
    for name, value in values.items():
        least = 0 if name in zero else 1
        numbers = value if isinstance(value, tuple) else (value,)
        if any(isinstance(number, int) and not isinstance(number, bool) and number < least for number in numbers):
            raise ConfigError(f"the config of {system} has {name} {value}. Give {least} or more.")


def check_stride(size: tuple[int, int], stride: int) -> None:
    """Refuse an image size that a network cannot make.

    Raises:
        ConfigError: a side is no multiple of `stride`.
    """
    if size[0] % stride or size[1] % stride:
        raise ConfigError(f"image size {size} is no multiple of {stride}. Pad the label map.")


def present(value: Kind | None) -> Kind:
    """A part of the round that this system always has."""
    assert value is not None
    return value
