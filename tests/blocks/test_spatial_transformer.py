"""The sampler of SIMS: whole pixels move exactly, the border is lost as published, gradients flow to both sides."""

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


def test_gradients_are_right():
    x = torch.rand(2, 1, 4, 6, dtype=torch.float32).requires_grad_(True)
    maps = torch.tensor([[1.0, 0.1, 0.3, -0.1, 0.9, 0.2]] * 2, requires_grad=True)
    transformed(x, maps).sum().backward()
    step = 1e-2
    for place in range(6):
        moved = [maps.detach().clone() for _ in range(2)]
        moved[0][0, place] += step
        moved[1][0, place] -= step
        slope = (transformed(x, moved[0]).sum() - transformed(x, moved[1]).sum()) / (2 * step)
        assert abs(slope - maps.grad[0, place]) < 0.15 * max(1, abs(slope))
    assert x.grad.abs().max() > 0
