"""Descriptors of where pixels lie in their objects."""

import numpy as np
import pytest
import torch

from intarsia.conditioning import shapes
from intarsia.conditioning.shapes import CHANNELS, descriptors, kept_descriptors
from tests import maps


def by_definition(mask):
    """One object's descriptors, pair by pair: 72 H W float64."""
    padded = np.pad(mask, 1)
    outside, waiting = np.zeros_like(padded), [(0, 0)]
    while waiting:
        y, x = waiting.pop()
        if 0 <= y < padded.shape[0] and 0 <= x < padded.shape[1] and not padded[y, x] and not outside[y, x]:
            outside[y, x] = True
            waiting += [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
    beside = outside[:-2, 1:-1] | outside[2:, 1:-1] | outside[1:-1, :-2] | outside[1:-1, 2:]
    contour, pixels = np.argwhere(mask & beside), np.argwhere(mask)
    steps = (pixels[:, None] - contour[None]).astype(np.float32)
    radius = np.hypot(steps[..., 0], steps[..., 1])
    relative = radius / (radius.max() / 2)
    edges = np.geomspace(0.125, 2, 6)
    ring = (edges >= relative[..., None] * (1 - 1e-6)).sum(-1) - 1
    angle = np.arctan2(steps[..., 0], -steps[..., 1])
    sector = np.floor(np.where(angle < 0, angle + 2 * np.pi, angle) / (np.pi / 6) + 1e-6).astype(int)
    out = np.zeros((CHANNELS, *mask.shape))
    for (y, x), bins in zip(pixels, ring * 12 + sector, strict=True):
        out[:, y, x] = np.bincount(bins, minlength=CHANNELS) / len(contour)
    return out


@pytest.mark.parametrize("turned", [False, True], ids=["wide", "upright"])
def test_they_are_what_the_definition_says(turned):
    """Of a blob with a hole, in both directions of the loops."""
    rows, columns = np.mgrid[:24, :40]
    mask = ((rows - 11) / 9) ** 2 + ((columns - 18) / 16) ** 2 < 1
    mask &= (rows - 10) ** 2 + (columns - 20) ** 2 > 12
    mask[3:6, 30:38] = True
    mask = mask.T.copy() if turned else mask
    found = descriptors(torch.from_numpy(mask.astype(np.int64))[None])[0].numpy()
    np.testing.assert_allclose(found, by_definition(mask), atol=1e-6)


def test_each_object_of_a_map_is_described_by_itself():
    numbers = maps.regions(3, 9, 40, 50)
    found = descriptors(numbers)
    for number in numbers.unique().tolist():
        alone = descriptors((numbers == number).long())
        inside = (numbers == number).expand_as(found)
        assert torch.equal(found[inside], alone[inside]) if number else not found[inside].any()


def test_they_do_not_depend_on_the_size_of_an_object():
    """But for the pixels' own extent."""
    small = torch.zeros(1, 40, 60, dtype=torch.long)
    small[0, 10:30, 15:45] = 1
    large = small.repeat_interleave(4, 1).repeat_interleave(4, 2)
    found, wide = descriptors(small)[:, :, 20, 30], descriptors(large)[:, :, 80, 120]
    assert (found - wide).abs().sum() < 0.2
    assert (found - descriptors(small)[:, :, 10, 15]).abs().sum() > 1


def test_shares_add_up_to_one_in_objects_and_to_zero_elsewhere():
    numbers = maps.regions(5, 6, 30, 34)
    found = descriptors(numbers, first=2)
    torch.testing.assert_close(found.sum(1), (numbers >= 2).float())


def test_a_single_pixel_has_none():
    numbers = torch.zeros(1, 8, 8, dtype=torch.long)
    numbers[0, 3, 4] = 1
    assert not descriptors(numbers).any()


def test_kept_ones_are_found_again(tmp_path, monkeypatch):
    numbers = maps.regions(6, 7, 32, 48)[0]
    first = kept_descriptors(numbers, tmp_path)
    assert torch.equal(first, descriptors(numbers[None])[0])
    monkeypatch.setattr(shapes, "counted", None)  # calling it would fail
    assert torch.equal(kept_descriptors(numbers, tmp_path), first)
    assert len(list(tmp_path.iterdir())) == 1


def test_other_maps_and_settings_have_files_of_their_own(tmp_path):
    numbers = maps.regions(6, 7, 32, 48)[0]
    for given, first in ((numbers, 1), (numbers, 3), (numbers.flip(1), 1)):
        assert torch.equal(kept_descriptors(given, tmp_path, first), descriptors(given[None], first)[0])
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 and no more"])
def test_a_damaged_file_is_made_anew(tmp_path, damage):
    numbers = maps.regions(6, 7, 32, 48)[0]
    first = kept_descriptors(numbers, tmp_path)
    [path] = tmp_path.iterdir()
    whole = path.read_bytes()
    for spoilt in (damage, whole[: len(whole) // 2]):
        path.write_bytes(spoilt)
        assert torch.equal(kept_descriptors(numbers, tmp_path), first)
        assert path.read_bytes() == whole
