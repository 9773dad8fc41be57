import pytest
import torch
import torch.nn.functional as F

from intarsia.coded import CodedMap, distinct_windows, resized
from intarsia.conditioning.semantics import coded_labels
from tests import maps

MAPS = {
    "regions, batch of 3": maps.regions(1, 6, 24, 40, batch=3),
    "odd size": maps.regions(2, 6, 17, 31),
    "regions of one pixel": maps.dotted(6, 16, 16),
    "one class": maps.uniform(3, 12, 20),
    "all noise": maps.noise(4, 6, 19, 13),
    "one pixel": maps.uniform(2, 1, 1),
}


@pytest.fixture(params=MAPS.values(), ids=MAPS.keys())
def semantics(request: pytest.FixtureRequest) -> CodedMap:
    return coded_labels(request.param, 6)


def windows_of(codes: torch.Tensor, kernel: int, stride: int, padding: int) -> torch.Tensor:
    padded = F.pad(codes, (padding,) * 4, value=-1)
    return padded.unfold(1, kernel, stride).unfold(2, kernel, stride).flatten(3)


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 1), (5, 1, 2), (4, 2, 2), (3, 2, 1), (1, 1, 0)])
def test_neighbourhoods_are_the_distinct_windows(semantics: CodedMap, kernel: int, stride: int, padding: int) -> None:
    found = semantics.neighbourhoods(kernel, stride=stride, padding=padding)
    windows = windows_of(semantics.codes, kernel, stride, padding)
    assert torch.equal(found.members[found.index.long()], windows)
    assert len(found.members) == len(torch.unique(windows.reshape(-1, kernel * kernel), dim=0))


def test_neighbourhoods_of_neighbourhoods_are_distinct_double_windows(semantics: CodedMap) -> None:
    found = semantics.neighbourhoods(3)
    double = found.again(3)
    assert torch.equal(double.members[double.index.long()], windows_of(found.index, 3, 1, 1))
    assert found.again(3) is double


def test_torch_and_numba_find_the_same_windows(semantics: CodedMap) -> None:
    ours = semantics.neighbourhoods(3)
    members, index = distinct_windows(semantics.codes, len(semantics.codebook), 3, 1, 1)
    assert torch.equal(members[index.long()], ours.members[ours.index.long()])
    assert len(members) == len(ours.members)


def test_windows_that_a_fingerprint_confuses_are_told_apart(semantics: CodedMap, monkeypatch) -> None:
    monkeypatch.setattr("intarsia.coded._multipliers", lambda kernel: torch.zeros(kernel * kernel, dtype=torch.long))
    members, index = distinct_windows(semantics.codes, len(semantics.codebook), 3, 1, 1)
    assert torch.equal(members[index.long()], windows_of(semantics.codes, 3, 1, 1))
    assert len(members) == len(semantics.neighbourhoods(3).members)


def test_containing_lists_every_window_that_has_a_row(semantics: CodedMap) -> None:
    windows = semantics.neighbourhoods(3)
    start, window = windows.containing
    for row in range(len(start) - 1):
        expected = (windows.bags == row).any(1).nonzero()[:, 0]
        assert window[start[row] : start[row + 1]].tolist() == expected.tolist()


def test_resizing_is_torchs_nearest(semantics: CodedMap) -> None:
    for size in [(7, 5), (3, 3), (48, 50), semantics.size]:
        small = resized(semantics, *size)
        assert isinstance(small, CodedMap)
        assert torch.equal(small.dense(), F.interpolate(semantics.dense(), size, mode="nearest"))


def test_halving_is_average_pooling_without_counting_the_border(semantics: CodedMap) -> None:
    expected = F.avg_pool2d(semantics.dense(), 3, 2, 1, count_include_pad=False)
    assert torch.allclose(semantics.halved().dense(), expected, atol=1e-6)
    twice = F.avg_pool2d(expected, 3, 2, 1, count_include_pad=False)
    assert torch.allclose(semantics.halved().halved().dense(), twice, atol=1e-6)


def test_edges_and_dont_care_are_columns_of_the_codebook() -> None:
    labels = maps.regions(5, 5, 16, 16)  # 4 classes, and 4 stands for don't-care
    instances = maps.regions(6, 9, 16, 16)
    dense = coded_labels(labels, 5, instances).dense()
    assert torch.equal(dense[:, :5], F.one_hot(labels, 5).permute(0, 3, 1, 2).float())
    padded = F.pad(instances.float(), (1, 1, 1, 1), mode="replicate").long()
    centre = padded[:, 1:-1, 1:-1]
    differs = [padded[:, 1:-1, :-2], padded[:, 1:-1, 2:], padded[:, :-2, 1:-1], padded[:, 2:, 1:-1]]
    assert torch.equal(dense[:, 5].bool(), torch.stack([n != centre for n in differs]).any(0))


def test_a_compact_map_is_the_same_map_with_only_the_rows_that_occur() -> None:
    whole = CodedMap(torch.tensor([[[4, 1], [1, 4]]], dtype=torch.int32), torch.randn(6, 3))
    compact = whole.compact()
    assert torch.equal(compact.dense(), whole.dense())
    assert torch.equal(compact.codebook, whole.codebook[[1, 4]])
