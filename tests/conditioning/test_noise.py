"""Noise columns: what the dense map would hold."""

import torch
import torch.nn.functional as F

from intarsia.coded import CodedMap
from intarsia.conditioning.noise import by_image, distinct_vectors, noise_planes, with_noise
from intarsia.conditioning.semantics import coded_labels
from tests import maps

LABELS = maps.regions(0, 6, 13, 17, batch=2)


def vectors(count, length=4):
    return torch.randn(count, length, generator=torch.Generator().manual_seed(5))


def test_noise_stands_before_the_labels():
    coded, noise = coded_labels(LABELS, 6), vectors(2)
    semantics, rows = with_noise(coded, by_image(LABELS), noise)
    dense = semantics.dense()
    assert torch.equal(dense[:, :4], noise[:, :, None, None].expand(2, 4, 13, 17))
    assert torch.equal(dense[:, 4:], F.one_hot(LABELS, 6).permute(0, 3, 1, 2).float())
    assert torch.equal(semantics.codebook[:, :4], noise[rows])


def test_only_rows_that_occur_are_kept():
    coded = coded_labels(torch.zeros(2, 4, 4, dtype=torch.long), 6)
    semantics, rows = with_noise(coded, by_image(coded.codes), vectors(50))
    assert (len(semantics.codebook), rows.tolist()) == (2, [0, 1])


def test_each_region_has_its_vector():
    coded, regions, noise = coded_labels(LABELS, 6), maps.regions(1, 9, 13, 17, batch=2), vectors(9)
    semantics, _ = with_noise(coded, regions, noise)
    assert torch.equal(semantics.dense()[:, :4], noise[regions].permute(0, 3, 1, 2))


def test_a_noise_map_of_few_vectors_is_coded():
    regions, noise = maps.regions(1, 9, 13, 17, batch=2), vectors(9)
    planes = noise[regions].permute(0, 3, 1, 2)
    found, distinct = distinct_vectors(planes)
    assert torch.equal(distinct[found].permute(0, 3, 1, 2), planes)
    semantics = noise_planes(coded_labels(LABELS, 6), planes)
    assert isinstance(semantics, CodedMap)
    assert torch.equal(semantics.dense()[:, :4], planes)


def test_a_noise_map_of_many_vectors_is_dense():
    planes = torch.randn(2, 4, 13, 17, generator=torch.Generator().manual_seed(3))
    semantics = noise_planes(coded_labels(LABELS, 6), planes)
    assert torch.equal(semantics, torch.cat([planes, F.one_hot(LABELS, 6).permute(0, 3, 1, 2).float()], 1))
