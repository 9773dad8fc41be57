"""Content losses: errors by class, and what is made of those of several images."""

import pytest
import torch
import torch.nn.functional as F

from intarsia.losses import content


def test_content_weighs_mean_errors_of_levels():
    fake = [torch.zeros(1, 3, 4, 4), torch.zeros(1, 2, 2, 2)]
    real = [torch.ones(1, 3, 4, 4), torch.full((1, 2, 2, 2), 3.0)]
    assert content.content(fake, real, (0.5, 2.0)).item() == pytest.approx(0.5 + 6)


def test_errors_of_classes_are_shares_of_the_whole_error():
    labels = torch.tensor([[[0, 0, 1, 1], [0, 0, 1, 2], [0, 0, 1, 2], [0, 0, 1, 1]]])
    planes = F.one_hot(labels, 4).permute(0, 3, 1, 2).float()
    fake, real = torch.rand(1, 2, 3, 4, 4), torch.rand(1, 3, 4, 4)
    errors = content.errors_by_class(fake, real, planes)
    assert errors.shape == (1, 2, 4)
    torch.testing.assert_close(errors.sum(2), (fake - real[:, None]).abs().mean((2, 3, 4)))
    assert not errors[..., 3].any()
    of_second = ((fake - real[:, None]).abs().mean(2) * (labels == 2)[:, None]).mean((2, 3))
    torch.testing.assert_close(errors[..., 2], of_second)


def test_at_coarse_levels_a_place_counts_by_its_share_of_a_class():
    labels = torch.tensor([[[0, 1], [1, 1]]])
    planes = F.one_hot(labels, 2).permute(0, 3, 1, 2).float()
    errors = content.errors_by_class(torch.ones(1, 1, 5, 1, 1), torch.zeros(1, 5, 1, 1), planes)
    assert errors.flatten().tolist() == pytest.approx([0.25, 0.75])


def test_nearest_and_average():
    matrix = torch.tensor([[[1.0, 8.0], [3.0, 2.0]]])
    assert content.nearest(matrix).item() == 3
    assert content.average(matrix).item() == 7
