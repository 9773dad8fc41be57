"""The optimiser of segmenters."""

import pytest
import torch
from torch import nn

from intarsia.segmentation.muon import Muon, orthogonalised


@pytest.mark.parametrize("shape", [(6, 40), (40, 6), (8, 8)])
def test_singular_values_become_alike(shape):
    torch.manual_seed(0)
    left, right = (torch.linalg.qr(torch.randn(size, min(shape)))[0] for size in shape)
    values = torch.logspace(0, -2, min(shape))
    matrix = 3 * (left * values) @ right.T
    made = orthogonalised(matrix)
    assert made.shape == shape
    spread = torch.linalg.svdvals(made)
    assert spread.min() > 0.3
    assert spread.max() < 1.3
    turned = left.T @ made @ right  # the singular vectors stay
    torch.testing.assert_close(turned, turned.diag().diag(), rtol=0, atol=1e-4)


def test_others_are_stepped_as_by_adamw():
    torch.manual_seed(0)
    ours, theirs = (nn.Parameter(torch.linspace(-1, 1, 5)) for _ in range(2))
    muon = Muon([], [ours], weight_decay=0.1)
    adam = torch.optim.AdamW([theirs], 0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)
    muon.set_rates(kernels=0.5, others=0.01)
    for _ in range(4):
        gradient = torch.randn(5)
        ours.grad, theirs.grad = gradient, gradient.clone()
        muon.step()
        adam.step()
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)


def test_a_kernel_is_stepped_by_its_rate_whatever_its_gradients_size():
    torch.manual_seed(0)
    gradient = torch.randn(16, 4, 3, 3)
    steps = []
    for scale in (1.0, 1e-2):
        kernel = nn.Parameter(torch.zeros(16, 4, 3, 3))
        muon = Muon([kernel], [], weight_decay=0.0)
        muon.set_rates(kernels=0.5, others=0.0)
        kernel.grad = scale * gradient
        muon.step()
        steps.append(kernel.detach())
    torch.testing.assert_close(steps[0], steps[1], rtol=1e-3, atol=1e-4)
    sizes = torch.linalg.svdvals(steps[0].flatten(1))
    assert sizes.min() > 0.3 * 0.5
    assert sizes.max() < 1.3 * 0.5
    assert (steps[0] * gradient).sum() < 0


def test_weights_decay_by_rate():
    kernel, other = nn.Parameter(torch.ones(2, 2, 1, 1)), nn.Parameter(torch.ones(3))
    muon = Muon([kernel], [other], weight_decay=0.1)
    muon.set_rates(kernels=0.5, others=0.2)
    kernel.grad, other.grad = torch.zeros(2, 2, 1, 1), torch.zeros(3)
    muon.step()
    assert torch.allclose(kernel, torch.tensor(0.95))
    assert torch.allclose(other, torch.tensor(0.98))
