"""What a system is: a record of parts, not a base class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from intarsia.errors import ConfigError
from intarsia.records import Batch, Condition, Round, Seeds

Term = Callable[[Round], Tensor]
Terms = dict[str, Tensor]
"""Named scalars, unweighted; a name is the key of its weight in the recipe."""


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


@dataclass(frozen=True)
class Preset:
    """A published or bundled configuration. `config.labels` is replaced by what the data set's label space has."""

    system: str
    config: Any
    recipe: Recipe


def weighed(terms: Mapping[str, Term], weights: Mapping[str, float]) -> Callable[[Round], Terms]:
    """Those of `terms` that have a weight, as one function.

    Raises:
        ConfigError: a weight names no term.
    """
    for name in weights:
        if name not in terms:
            raise ConfigError(f"the recipe weighs the term {name}, which is not computed. Known: {', '.join(terms)}.")
    return lambda round: {name: terms[name](round) for name in weights}
