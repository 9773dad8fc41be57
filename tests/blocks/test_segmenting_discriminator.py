"""The segmenting discriminator's shapes, and its shortcuts through arithmetic. The published numbers are goldens."""

import pytest
import torch
import torch.nn.functional as F

from intarsia.blocks.convolution import SpectralConv2d
from intarsia.blocks.segmenting_discriminator import (
    SegmentingDiscriminator,
    convolved_and_halved,
    doubled_and_convolved,
)
from intarsia.errors import ConfigError
from intarsia.records import Condition

NOTHING = Condition(torch.zeros(1, 1, 1, 1), (64, 64))


def test_every_pixel_has_a_logit_for_fake_and_for_each_label():
    network = SegmentingDiscriminator(5, width=4)
    verdict = network(NOTHING, torch.zeros(2, 3, 64, 128))
    assert [scale.shape for scale in verdict.logits] == [(2, 6, 64, 128)]
    assert verdict.features == ((),)
    assert [verdict.logits[0].shape for verdict in verdict.split(2)] == [(1, 6, 64, 128)] * 2


def test_other_sizes_are_refused():
    with pytest.raises(ConfigError) as caught:
        SegmentingDiscriminator(5, width=4)(NOTHING, torch.zeros(2, 3, 64, 96))
    assert str(caught.value) == (
        "images of 64x96 cannot be judged: the segmenting discriminator halves them 6 times. Choose multiples of 64."
    )


@pytest.mark.parametrize(
    ("fused", "plain"),
    [
        (convolved_and_halved, lambda x, layer: F.avg_pool2d(layer(x), 2)),
        (doubled_and_convolved, lambda x, layer: layer(F.interpolate(x, scale_factor=2, mode="nearest"))),
    ],
)
def test_fused_convolutions_equal_the_plain_ones(fused, plain):
    torch.manual_seed(0)
    layer = SpectralConv2d(3, 5, 3, padding=1).eval()
    results = []
    for form in (fused, plain):
        layer.zero_grad()
        x = torch.randn(2, 3, 6, 10, generator=torch.Generator().manual_seed(1)).requires_grad_()
        out = form(x, layer)
        (out * torch.linspace(-1, 1, out.numel()).view(out.shape)).sum().backward()
        results.append([out.detach(), x.grad, layer.weight.grad, layer.bias.grad])
    torch.testing.assert_close(*results, atol=1e-4, rtol=1e-4)
