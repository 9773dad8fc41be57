"""What the recipe says of an epoch: rates, and which parts learn."""

from __future__ import annotations

from intarsia.systems.system import Recipe


def rates(recipe: Recipe, epoch: int) -> tuple[float, float]:
    """(generator, discriminator) rates of an epoch, counted from 1.

    Constant for `recipe.epochs`, then falling linearly to zero over `recipe.decay_epochs`. As published, a rate falls
    at the end of an epoch: the first epoch of the decay still has the full one, and the last a single step.
    """
    past = max(epoch - recipe.epochs - 1, 0)
    left = max(1 - past / recipe.decay_epochs, 0.0) if recipe.decay_epochs else 1.0
    return recipe.generator_rate * left, recipe.discriminator_rate * left


def weights_in(recipe: Recipe, epoch: int) -> dict[str, float]:
    """The weights of the generator's terms in an epoch, counted from 1; without those that begin later."""
    first = recipe.first_epochs
    return {term: weight for term, weight in recipe.generator_weights.items() if epoch >= first.get(term, 1)}


def held_parts(recipe: Recipe, epoch: int) -> tuple[str, ...]:
    """The parts of the generator that stay as they are in an epoch, counted from 1."""
    return tuple(part for part, epochs in recipe.held.items() if epochs is None or epoch <= epochs)
