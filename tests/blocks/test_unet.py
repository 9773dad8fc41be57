"""The segmentation network: sizes, what it sees, and deciding on some pixels instead of all."""

import pytest
import torch

from intarsia.blocks.unet import STRIDE, Unet, chosen

CLASSES = 5


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = Unet(CLASSES, width=4)
    # As after some training: statistics that are not those of fresh layers.
    for _ in range(3):
        network(torch.randn(2, 3, 64, 64))
    return network.eval()


def image(*size, seed=0):
    return torch.rand(*size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_each_pixel_of_any_multiple_of_the_stride_gets_logits(network):
    for height, width in ((STRIDE, STRIDE), (3 * STRIDE, 2 * STRIDE)):
        assert network(image(2, 3, height, width)).shape == (2, CLASSES, height, width)


def test_chosen_pixels_get_the_logits_that_they_get_among_all(network):
    x = image(2, 3, 64, 96)
    choice = torch.randint(4, (2, 32, 48), generator=torch.Generator().manual_seed(1))
    everything, some = network(x), network(x, choice)
    places = torch.arange(64 * 96).view(1, 64, 96).expand(2, -1, -1)
    taken = chosen(places, choice)
    assert (taken // 96 // 2 == torch.arange(32)[:, None]).all()
    assert (taken % 96 // 2 == torch.arange(48)).all()
    assert (taken // 96 % 2 * 2 + taken % 2 == choice).all()
    expected = everything.flatten(2).gather(2, taken.flatten(1)[:, None].expand(-1, CLASSES, -1)).view_as(some)
    torch.testing.assert_close(some, expected, rtol=1e-5, atol=1e-6)


def test_a_decision_depends_on_the_whole_picture(network):
    x = image(1, 3, 256, 256).requires_grad_()
    network(x)[0, :, 0, 0].sum().backward()
    assert x.grad[0, :, -32:, -32:].abs().sum() > 0


def test_pixels_of_one_block_are_decided_on_one_by_one(network):
    logits = network(image(1, 3, 64, 64))
    blocks = logits.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
    assert (blocks.std(-1) > 1e-3 * logits.std()).all()


def test_gradients_reach_every_parameter(network):
    fresh = Unet(CLASSES, width=4)
    fresh(image(2, 3, 64, 64)).square().mean().backward()
    assert [name for name, p in fresh.named_parameters() if p.grad is None or not p.grad.any()] == []
