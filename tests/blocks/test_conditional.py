"""Conditional convolutions: forward and gradients against the formula, tap by tap; the block on every road."""

import copy

import pytest
import torch
from torch import Tensor

from intarsia.blocks.conditional import (
    ConditionalBlock,
    Featured,
    conditional_convolution,
    plain_conditional_convolution,
)
from intarsia.blocks.convolution import SpectralConv2d
from intarsia.blocks.frozen import MOST_KEPT, Kept, freeze
from intarsia.blocks.label_pyramid import LabelPyramid
from intarsia.conditioning.semantics import coded_labels
from tests import maps

LABELS = 5


def tensor(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def by_unfolding(x: Tensor, kernel: Tensor) -> Tensor:
    """The formula over all windows at once."""
    batch, channels, height, width = x.shape
    windows = torch.nn.functional.unfold(x, 3, padding=1).view(batch, channels, 9, height, width)
    return (windows * kernel.view(batch, 9, channels, height, width).transpose(1, 2)).sum(2)


@pytest.mark.parametrize("shape", [(2, 5, 7, 9), (1, 1, 1, 1), (3, 33, 2, 4)])
@pytest.mark.parametrize("convolve", [conditional_convolution, plain_conditional_convolution])
def test_each_pixel_has_its_own_kernel(convolve, shape):
    batch, channels, height, width = shape
    x = tensor(*shape).requires_grad_()
    kernel = tensor(batch, 9 * channels, height, width, seed=1).requires_grad_()
    above = tensor(*shape, seed=2)
    out, expected = convolve(x, kernel), by_unfolding(x, kernel)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)
    found = torch.autograd.grad((out * above).sum(), (x, kernel))
    wanted = torch.autograd.grad((expected * above).sum(), (x, kernel))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_gradients_are_those_of_finite_differences():
    x = tensor(1, 2, 3, 4).double().requires_grad_()
    kernel = tensor(1, 18, 3, 4, seed=1).double().requires_grad_()
    assert torch.autograd.gradcheck(conditional_convolution, (x, kernel))


def test_half_precision_takes_the_plain_road():
    x, kernel = tensor(1, 4, 6, 5).bfloat16(), tensor(1, 36, 6, 5, seed=1).bfloat16()
    out = conditional_convolution(x, kernel)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), by_unfolding(x.float(), kernel.float()), atol=0.1, rtol=0.05)


@pytest.mark.parametrize(("inputs", "outputs"), [(8, 8), (8, 4)])
def test_a_block_computes_the_same_of_codes_and_of_planes(inputs, outputs):
    torch.manual_seed(0)
    block = ConditionalBlock(inputs, outputs, LABELS, 3, hidden=6)
    twin = copy.deepcopy(block)
    coded = coded_labels(maps.regions(1, LABELS, 8, 12, batch=2), LABELS)
    x, features = tensor(2, inputs, 4, 6), tensor(2, 3, 8, 12, seed=1)
    rounds = []
    for network, semantics in ((block, coded), (twin, coded.dense())):
        given = [value.clone().requires_grad_() for value in (x, features)]
        out = network(given[0], Featured(semantics, given[1]))
        assert out.shape == (2, outputs, 8, 12)
        (out * tensor(*out.shape, seed=2)).sum().backward()
        rounds.append([out, *(value.grad for value in given), *(p.grad for p in network.parameters())])
    for one, other in zip(*rounds, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    for one, other in zip(block.buffers(), twin.buffers(), strict=True):
        torch.testing.assert_close(one, other)


def test_what_the_labels_say_is_kept_while_they_live():
    torch.manual_seed(0)
    block = freeze(ConditionalBlock(8, 4, LABELS, hidden=6))
    coded = coded_labels(maps.regions(1, LABELS, 8, 12), LABELS)
    first = block(tensor(1, 8, 8, 12), Featured(coded))
    assert isinstance(block.predictor, Kept)
    assert list(block.predictor.kept) == [coded]
    block.predictor.network.nets[0] = None  # it is not asked again
    assert torch.equal(block(tensor(1, 8, 8, 12), Featured(coded)), first)
    del coded
    assert not block.predictor.kept


def test_what_is_too_large_is_not_kept(monkeypatch):
    pyramid = freeze(LabelPyramid(LABELS, 4, 2))
    coded = coded_labels(maps.regions(1, LABELS, 8, 12), LABELS)
    held = sum(level.numel() for level in pyramid(coded))
    assert pyramid.kept
    assert held < MOST_KEPT
    monkeypatch.setattr("intarsia.blocks.frozen.MOST_KEPT", held - 1)
    other = freeze(LabelPyramid(LABELS, 4, 2))
    assert [level.shape for level in other(coded)] == [(1, 4, 2, 3), (1, 4, 4, 6), (1, 4, 8, 12)]
    assert not other.kept


def test_singular_vectors_settle():
    torch.manual_seed(0)
    layer = SpectralConv2d(20, 30, 3)
    layer.settle(100)
    norm = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
    torch.testing.assert_close(layer.eval().normalised_weight(), layer.weight / norm, rtol=1e-3, atol=1e-4)
