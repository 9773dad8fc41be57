"""How the parts of a system become a `System`: the recipe says which of its terms are computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from torch import nn

from intarsia.records import Batch, Condition, Seeds
from intarsia.systems.perceptual import perceptual_terms, without_absent
from intarsia.systems.system import Draw, Inherits, Recipe, System, Term, weighed

Config = TypeVar("Config")


def assembled(
    name: str,
    preset: str,
    config: Config,
    recipe: Recipe,
    perceptual: Path | None,
    *,
    generator: nn.Module,
    discriminator: nn.Module | None,
    condition: Callable[[Config, Batch, Seeds], Condition],
    generator_terms: Mapping[str, Term],
    discriminator_terms: Mapping[str, Term],
    generator_sees_real: bool = True,
    inherits: Inherits | None = None,
    draw: Draw | None = None,
    companion: nn.Module | None = None,
) -> System:
    """The system, with those of its terms that the recipe weighs and the perceptual ones that it asks for.

    Args:
        name: of the system.
        preset: the name that goes into the checkpoint's card.
        config: that the networks were built from.
        recipe: a term without a weight is not computed.
        perceptual: file of VGG19 weights, for the term `perceptual`.
        generator: with its first weights.
        discriminator: likewise; None for systems without one.
        condition: what the networks look at in training.
        generator_terms: all that the system knows but the perceptual ones.
        discriminator_terms: all that the system knows.
        generator_sees_real: see `System`.
        inherits, draw, companion: see `System`.

    Raises:
        ConfigError: the recipe weighs a term that is not computed, or a perceptual term's weights are absent.
        CheckpointError: the file of such weights cannot be read.
    """
    recipe = without_absent(recipe, perceptual)
    terms = {**generator_terms, **perceptual_terms(recipe, perceptual)}
    return System(
        name=name,
        preset=preset,
        config=config,
        generator=generator,
        discriminator=discriminator,
        condition=partial(condition, config),
        generator_terms=weighed(terms, recipe.generator_weights),
        discriminator_terms=weighed(discriminator_terms, recipe.discriminator_weights),
        recipe=recipe,
        generator_sees_real=generator_sees_real,
        inherits=inherits,
        draw=draw,
        companion=companion,
    )
