"""Class-specific heads: each pixel once, by its own kernel, is what a grouped convolution over masked copies makes."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from intarsia.blocks.class_heads import ClassHeads
from intarsia.conditioning.semantics import coded_labels
from tests import maps

LABELS = 6


def tensor(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def heads_of(heads: int, channels: int = 5) -> ClassHeads:
    torch.manual_seed(0)
    made = ClassHeads(channels, LABELS, heads)
    torch.nn.init.normal_(made.bias)
    return made


@pytest.mark.parametrize("heads", [LABELS, 4, 1])
def test_each_head_sees_its_own_class(heads):
    """One head after the other, as the paper has it."""
    labels = maps.regions(1, LABELS, 9, 14, batch=2)
    made, x = heads_of(heads), tensor(2, 5, 9, 14)
    out, pooled = made(x, coded_labels(labels, LABELS, maps.regions(9, 30, 9, 14, batch=2)))
    assert out.shape == (2, 3 * heads, 9, 14)
    for head in range(heads):
        seen = x * (labels.clamp(max=heads - 1) == head)[:, None]
        some = slice(3 * head, 3 * head + 3)
        expected = F.conv2d(F.pad(seen, (3,) * 4, "reflect"), made.weight[some], made.bias[some])
        torch.testing.assert_close(out[:, some], expected, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(pooled[:, head], seen.mean((2, 3)), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("heads", [LABELS, 4])
def test_codes_and_planes_agree_in_gradients_too(heads):
    made = heads_of(heads)
    twin = copy.deepcopy(made)
    coded = coded_labels(maps.regions(1, LABELS, 11, 8, batch=3), LABELS)
    rounds = []
    for network, semantics in ((made, coded), (twin, coded.dense())):
        x = tensor(3, 5, 11, 8).requires_grad_()
        out, pooled = network(x, semantics)
        ((out * tensor(*out.shape, seed=1)).sum() + (pooled * tensor(*pooled.shape, seed=2)).sum()).backward()
        rounds.append([out, pooled, x.grad, network.weight.grad, network.bias.grad])
    for one, other in zip(*rounds, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_gradients_are_those_of_finite_differences():
    made = ClassHeads(2, 3, 3, colours=1).double()
    coded = coded_labels(maps.regions(1, 3, 5, 4), 3)

    def function(x: Tensor, weight: Tensor) -> Tensor:
        return torch.func.functional_call(made, {"weight": weight}, (x, coded))[0]

    x = tensor(1, 2, 5, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(function, (x, made.weight))


def test_half_precision_takes_the_grouped_road():
    made = heads_of(4)
    coded = coded_labels(maps.regions(1, LABELS, 9, 14), LABELS)
    x = tensor(1, 5, 9, 14)
    exact, _ = made(x, coded)
    out, _ = made.bfloat16()(x.bfloat16(), coded)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), exact, atol=0.1, rtol=0.05)


def test_weights_start_head_by_head():
    """Xavier's deviation is that of one head's convolution, not of all heads' stacked."""
    made = ClassHeads(64, LABELS, LABELS)
    made.initialise(0.02)
    expected = 0.02 * (2 / (49 * (64 + 3))) ** 0.5
    assert made.weight.std().item() == pytest.approx(expected, rel=0.05)
    assert not made.bias.any()
