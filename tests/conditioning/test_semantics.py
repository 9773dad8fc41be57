"""Labels and instances as coded maps: what the dense map would hold."""

import torch
import torch.nn.functional as F

from intarsia.conditioning.semantics import coded_labels, instance_edges
from tests.maps import regions


def test_edges_mark_both_sides_of_a_boundary_and_not_the_border():
    instances = torch.tensor([[[1, 1, 2], [1, 1, 2], [1, 1, 1]]])
    assert instance_edges(instances).int().tolist() == [[[0, 1, 1], [0, 1, 1], [0, 0, 1]]]


def test_one_object_has_no_edges():
    assert not instance_edges(torch.full((2, 5, 7), 26001)).any()


def test_instance_numbers_of_any_size_count_as_they_are():
    assert instance_edges(torch.tensor([[[33001, 33001 + 65536]]])).all()


def test_a_batch_has_no_edges_between_its_images():
    instances = torch.stack([torch.zeros(4, 4, dtype=torch.long), torch.ones(4, 4, dtype=torch.long)])
    assert not instance_edges(instances).any()


def test_labels_stand_for_one_hot_planes():
    labels = regions(0, 6, 13, 17, batch=2)
    dense = coded_labels(labels, 6).dense()
    assert torch.equal(dense, F.one_hot(labels, 6).permute(0, 3, 1, 2).float())


def test_edges_are_the_last_plane():
    labels, instances = regions(1, 6, 13, 17, batch=2), regions(2, 9, 13, 17, batch=2)
    coded = coded_labels(labels, 6, instances)
    dense = coded.dense()
    assert coded.codebook.shape == (12, 7)
    assert torch.equal(dense[:, :6], F.one_hot(labels, 6).permute(0, 3, 1, 2).float())
    assert torch.equal(dense[:, 6].bool(), instance_edges(instances))
