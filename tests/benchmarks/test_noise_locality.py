import numpy as np
import pytest

from benchmarks.noise_locality import changes, regions


def test_changes_are_told_by_how_near_they_are() -> None:
    before = np.zeros((32, 32, 3), np.uint8)
    mask = np.zeros((32, 32), bool)
    mask[8:16, 8:16] = True
    after = before.copy()
    after[mask] = 40
    after[16:18, 8:16] = 20  # two pixels below: next to it
    after[30, 30] = 90
    found = changes(before, after, mask)
    assert found["inside"] == 40
    assert found["next to it"] == pytest.approx(20 * 16 / (12 * 12 - 64))
    assert found["farther away"] == pytest.approx(90 / (32 * 32 - 12 * 12))


def test_regions_are_classes_that_cover_enough_and_not_all() -> None:
    labels = np.zeros((10, 10), np.int64)
    labels[0, 0] = 1
    labels[5:, :] = 2
    assert [name for name, _ in regions(labels, ("a", "b", "c"))] == ["a", "c"]
    assert not list(regions(np.zeros((10, 10), np.int64), ("a",)))
