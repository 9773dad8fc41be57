import numpy as np
import pytest

from intarsia.editing.composite import composite
from intarsia.errors import ConfigError


def photos(height=20, width=24):
    draw = np.random.default_rng(0)
    return (draw.integers(0, 256, (height, width, 3), np.uint8) for _ in range(2))


def test_outside_the_mask_is_the_old_photo_to_the_bit():
    old, new = photos()
    mask = np.random.default_rng(1).random((20, 24)) < 0.3
    made = composite(old, new, mask, 3)
    assert np.array_equal(made[~mask], old[~mask])
    assert not np.array_equal(made[mask], old[mask])


def test_the_new_photo_fades_in_from_the_border_of_the_mask():
    old, new = np.zeros((11, 11, 3), np.uint8), np.full((11, 11, 3), 200, np.uint8)
    mask = np.zeros((11, 11), bool)
    mask[1:10, 1:10] = True
    assert composite(old, new, mask, 3)[5, :, 0].tolist() == [0, 50, 100, 150, 200, 200, 200, 150, 100, 50, 0]
    assert composite(old, new, mask, 0)[5, :, 0].tolist() == [0, *[200] * 9, 0]


def test_nothing_fades_at_the_border_of_the_picture():
    old, new = np.zeros((6, 6, 3), np.uint8), np.full((6, 6, 3), 200, np.uint8)
    assert np.array_equal(composite(old, new, np.ones((6, 6), bool), 4), new)


def test_other_sizes_are_refused():
    old, new = photos()
    with pytest.raises(ConfigError) as refused:
        composite(old, new[:-1], np.ones((20, 24), bool))
    assert str(refused.value) == (
        "the photos and the mask are 20x24 and 19x24 and 20x24 (height x width). Give all in one size."
    )
    with pytest.raises(ConfigError, match=r"^feather is -1\. Give 0 or more\.$"):
        composite(old, new, np.ones((20, 24), bool), -1)
