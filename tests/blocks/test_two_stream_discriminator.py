"""The discriminator with two streams."""

import torch

from intarsia.blocks.two_stream_discriminator import TwoStreamDiscriminator
from intarsia.conditioning.semantics import coded_labels
from intarsia.records import Condition
from tests import maps

PLANES = 6


def network():
    torch.manual_seed(0)
    return TwoStreamDiscriminator(PLANES, width=4).eval()


def condition(seed=1, batch=2):
    return Condition(coded_labels(maps.regions(seed, PLANES, 48, 32, batch=batch), PLANES), (48, 32))


def image(batch=2):
    return torch.rand(batch, 3, 48, 32, generator=torch.Generator().manual_seed(3)) * 2 - 1


def test_features_are_of_the_image_alone_and_logits_of_both():
    judge = network()
    first, second = (judge(condition(seed), image()) for seed in (1, 2))
    for one, other in zip(first.features, second.features, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert all(not torch.equal(a, b) for a, b in zip(first.logits, second.logits, strict=True))


def test_sets_of_images_share_their_labels():
    judge, fake, real = network(), image(), -image()
    together = judge(condition(), torch.cat([fake, real])).split(2)
    for images, verdict in zip((fake, real), together, strict=True):
        alone = judge(condition(), images)
        for a, b in zip(verdict.scales, alone.scales, strict=True):
            assert all(torch.allclose(x, y, atol=1e-4) for x, y in zip(a, b, strict=True))


def test_each_scale_has_four_features_and_logits():
    shapes = [[tuple(x.shape[1:]) for x in scale] for scale in network()(condition(), image()).scales]
    assert shapes == [
        [(4, 25, 17), (8, 13, 9), (16, 7, 5), (32, 8, 6), (1, 9, 7)],
        [(4, 13, 9), (8, 7, 5), (16, 4, 3), (32, 5, 4), (1, 6, 5)],
    ]
