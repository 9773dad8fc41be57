import pytest

from intarsia.systems.system import Recipe
from intarsia.training.schedule import rates


def recipe(**changes):
    return Recipe({}, {}, generator_rate=1.0, discriminator_rate=4.0, **changes)


def test_rates_fall_at_the_end_of_an_epoch():
    """As published: the first epoch of the decay still has the full rate, the last a single step."""
    falling = recipe(epochs=2, decay_epochs=4)
    generator = [rates(falling, epoch)[0] for epoch in range(1, 7)]
    assert generator == [1, 1, 1, 0.75, 0.5, 0.25]
    assert [rates(falling, epoch)[1] for epoch in range(1, 7)] == [4 * rate for rate in generator]


def test_without_decay_rates_stay():
    assert rates(recipe(epochs=3), 100) == (1.0, 4.0)


@pytest.mark.parametrize("epoch", [7, 8, 100])
def test_beyond_the_last_epoch_rates_are_zero(epoch):
    assert rates(recipe(epochs=2, decay_epochs=4), epoch) == (0.0, 0.0)
