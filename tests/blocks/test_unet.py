"""The segmentation network: sizes, what it sees, and deciding on some pixels instead of all."""

import pytest
import torch

from intarsia.blocks.efficientnet_lite import EfficientNetLite0
from intarsia.blocks.unet import LEVELS, STRIDE, Seeing, Unet, chosen, see

CLASSES = 5


@pytest.fixture(scope="module")
def features():
    torch.manual_seed(1)
    return EfficientNetLite0(LEVELS)


@pytest.fixture(scope="module")
def network(features):
    torch.manual_seed(0)
    unet = Unet(CLASSES, width=4)
    # As after some training: statistics that are not those of fresh layers.
    for _ in range(3):
        unet(see(features, torch.rand(2, 3, 64, 64) * 2 - 1))
    return Seeing(features, unet).eval()


def image(*size, seed=0):
    return torch.rand(*size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_each_pixel_of_any_multiple_of_the_stride_gets_logits(network):
    for height, width in ((STRIDE, STRIDE), (3 * STRIDE, 2 * STRIDE)):
        assert network(image(2, 3, height, width)).shape == (2, CLASSES, height, width)


def test_chosen_pixels_get_the_logits_that_they_get_among_all(network):
    x = image(2, 3, 64, 96)
    choice = torch.randint(4, (2, 32, 48), generator=torch.Generator().manual_seed(1))
    everything, some = network(x), network.unet(see(network.features, x), choice)
    places = torch.arange(64 * 96).view(1, 64, 96).expand(2, -1, -1)
    taken = chosen(places, choice)
    assert (taken // 96 // 2 == torch.arange(32)[:, None]).all()
    assert (taken % 96 // 2 == torch.arange(48)).all()
    assert (taken // 96 % 2 * 2 + taken % 2 == choice).all()
    expected = everything.flatten(2).gather(2, taken.flatten(1)[:, None].expand(-1, CLASSES, -1)).view_as(some)
    torch.testing.assert_close(some, expected, rtol=1e-5, atol=1e-6)


def test_a_decision_depends_on_the_whole_picture(network):
    seen = see(network.features, image(1, 3, 256, 256))
    deepest = seen.features[-1].requires_grad_()
    network.unet(seen)[0, :, 0, 0].sum().backward()
    assert deepest.grad[..., -1, -1].abs().sum() > 0


def test_pixels_of_one_block_are_decided_on_one_by_one(network):
    logits = network(image(1, 3, 64, 64))
    blocks = logits.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
    assert (blocks.std(-1) > 1e-3 * logits.std()).all()


def test_gradients_reach_every_parameter_of_the_way_up_and_none_of_the_fixed_network(features):
    fresh = Unet(CLASSES, width=4)
    seen = see(features, image(2, 3, 64, 64).requires_grad_())
    assert not any(feature.requires_grad for feature in seen.features)
    fresh(seen).square().mean().backward()
    assert [name for name, p in fresh.named_parameters() if p.grad is None or not p.grad.any()] == []
    assert all(p.grad is None for p in features.parameters())
