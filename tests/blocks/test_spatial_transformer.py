"""The sampler of SIMS: whole pixels move exactly, the border is lost as published, gradients flow to both sides."""

import pytest
import torch

from intarsia.blocks.spatial_transformer import transformed


def theta(*values):
    return torch.tensor([values], dtype=torch.float32)


X = torch.rand(1, 2, 6, 8, generator=torch.Generator().manual_seed(0))


def test_the_identity_loses_the_last_row_and_column_only():
    out = transformed(X, theta(1, 0, 0, 0, 1, 0))
    assert torch.equal(out[..., :-1, :-1], X[..., :-1, :-1])
    assert not out[..., -1, :].any()
    assert not out[..., :, -1].any()


def test_whole_pixels_move_without_blur_and_nothing_comes_in_from_outside():
    out = transformed(X, theta(1, 0, 2, 0, 1, -1))
    assert torch.equal(out[..., 1:, :5], X[..., :-1, 2:7])
    assert not out[..., 0, :].any()
    assert not out[..., :, 6:].any()


def test_half_pixels_are_means():
    out = transformed(X, theta(1, 0, 0.5, 0, 1, 0))
    torch.testing.assert_close(out[..., :5, :7], (X[..., :5, :7] + X[..., :5, 1:]) / 2)


def test_gradients_flow_to_the_picture_and_to_the_map():
    """On a ramp, a place's value is the column that it looks at: 5 rows of 7 places look inside."""
    x = torch.arange(8.0).expand(1, 1, 6, 8).clone().requires_grad_(True)
    maps = theta(1, 0, 0.3, 0, 1, 0.2).requires_grad_(True)
    transformed(x, maps).sum().backward()
    assert maps.grad[0, 2].item() == pytest.approx(35, rel=1e-4)
    assert maps.grad[0, 0].item() == pytest.approx(5 * sum(column - 4 for column in range(7)), rel=1e-4)
    assert maps.grad[0, 5].item() == pytest.approx(0, abs=1e-3)
    assert x.grad[0, 0, 2, 3].item() == pytest.approx(1, rel=1e-5)
