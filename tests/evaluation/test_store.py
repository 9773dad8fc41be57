"""Results are kept by content, in parts: a stopped evaluation goes on, an equal one computes nothing."""

from pathlib import Path

import numpy as np
import pytest

from intarsia.evaluation.store import SHARD, Store


class StoppedError(Exception):
    pass


def unwatched(parts, what, total):
    return parts


class Work:
    """Squares of numbers, counted; stops when it comes to `stop`."""

    def __init__(self, stop=None):
        self.done, self.stop = [], stop

    def __call__(self, numbers):
        if self.stop is not None and self.stop in numbers:
            raise StoppedError
        self.done += numbers
        return {"squares": np.asarray([number**2 for number in numbers])}


def test_parts_are_one_after_the_other():
    found = Store().rows({"of": 1}, 2 * SHARD + 5, Work(), "squares", unwatched)
    assert np.array_equal(found["squares"], np.arange(2 * SHARD + 5) ** 2)


def test_what_was_computed_is_not_computed_again(tmp_path):
    store, first, again, other = Store(tmp_path), Work(), Work(), Work()
    expected = store.rows({"of": 1}, 60, first, "squares", unwatched)
    found = store.rows({"of": 1}, 60, again, "squares", unwatched)
    assert np.array_equal(found["squares"], expected["squares"])
    assert (first.done, again.done) == (list(range(60)), [])
    store.rows({"of": 2}, 60, other, "squares", unwatched)
    assert other.done == list(range(60))


def test_what_nobody_can_name_is_not_kept(tmp_path):
    store, first, again = Store(tmp_path), Work(), Work()
    for work in (first, again):
        store.rows(None, 5, work, "squares", unwatched)
    assert again.done == first.done
    assert list(tmp_path.iterdir()) == []


def test_it_goes_on_where_it_was_stopped(tmp_path):
    store, rest = Store(tmp_path), Work()
    with pytest.raises(StoppedError):
        store.rows({"of": 1}, 3 * SHARD, Work(stop=SHARD + 1), "squares", unwatched)
    found = store.rows({"of": 1}, 3 * SHARD, rest, "squares", unwatched)
    assert rest.done == list(range(SHARD, 3 * SHARD))
    assert np.array_equal(found["squares"], np.arange(3 * SHARD) ** 2)


def test_a_damaged_part_is_computed_again(tmp_path):
    store, again = Store(tmp_path), Work()
    store.rows({"of": 1}, 5, Work(), "squares", unwatched)
    (part,) = tmp_path.glob("*/*.npz")
    part.write_bytes(part.read_bytes()[:-40])
    assert np.array_equal(store.rows({"of": 1}, 5, again, "squares", unwatched)["squares"], np.arange(5) ** 2)
    assert again.done == list(range(5))


def test_values_are_kept_as_well(tmp_path):
    asked = []
    store = Store(tmp_path)
    for _ in range(2):
        assert store.value({"of": 1}, lambda: asked.append(1) or {"value": 2.5}) == {"value": 2.5}
    assert asked == [1]
    next(tmp_path.glob("*/value.json")).write_text("{")
    assert store.value({"of": 1}, lambda: {"value": 3}) == {"value": 3}


def test_what_a_result_is_of_can_be_read(tmp_path):
    Store(tmp_path).value({"weights": "abc"}, lambda: {})
    (about,) = tmp_path.glob("*/about.json")
    assert '"weights": "abc"' in Path(about).read_text()
