import copy

import pytest
import torch

from intarsia.blocks.patch_discriminator import PatchDiscriminator
from intarsia.conditioning.semantics import coded_labels
from intarsia.records import Condition
from tests import maps

LABELS = 5
MAPS = {
    "regions": maps.regions(1, LABELS, 48, 64, batch=2),
    "odd size": maps.regions(2, LABELS, 37, 53, batch=2),
    "one class": maps.uniform(1, 40, 40),
    "all noise": maps.noise(3, LABELS, 40, 40),
}


def judged(network, condition, image):
    """Verdict and gradients of a functional of it."""
    network = copy.deepcopy(network)
    image = image.clone().requires_grad_()
    verdict = network(condition, image)
    sum((out * out).mean() for scale in verdict.scales for out in scale).backward()
    return verdict, {name: p.grad for name, p in network.named_parameters()} | {"image": image.grad}


@pytest.mark.parametrize("labels", MAPS.values(), ids=MAPS.keys())
@pytest.mark.parametrize("sets", [1, 2])
def test_coded_maps_and_dense_planes_agree(labels, sets):
    torch.manual_seed(0)
    network = PatchDiscriminator(LABELS + 1, width=8, scales=3)
    instances = maps.regions(7, 30, *labels.shape[1:], batch=len(labels))
    condition = Condition(coded_labels(labels, LABELS, instances), tuple(labels.shape[1:]))
    image = torch.randn(sets * len(labels), 3, *labels.shape[1:])
    verdict, gradients = judged(network, condition, image)
    expected, wanted = judged(network, condition.dense(), image)
    for scale, dense in zip(verdict.scales, expected.scales, strict=True):
        for out, other in zip(scale, dense, strict=True):
            torch.testing.assert_close(out, other, atol=1e-5, rtol=0)
    for name, gradient in wanted.items():
        torch.testing.assert_close(gradients[name], gradient, atol=1e-5, rtol=1e-4)


def test_sets_are_judged_under_the_same_labels():
    torch.manual_seed(0)
    network = PatchDiscriminator(LABELS, width=8).eval()
    condition = Condition(coded_labels(MAPS["regions"], LABELS), (48, 64))
    fake, real = torch.randn(2, 2, 3, 48, 64)
    together = network(condition, torch.cat([fake, real])).split(2)
    for verdict, image in zip(together, (fake, real), strict=True):
        for out, alone in zip(verdict.scales, network(condition, image).scales, strict=True):
            for a, b in zip(out, alone, strict=True):
                torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


def test_sizes_are_the_published_ones():
    condition = Condition(torch.zeros(1, LABELS, 256, 256), (256, 256))
    verdict = PatchDiscriminator(LABELS, width=8)(condition, torch.zeros(1, 3, 256, 256))
    assert [[tuple(out.shape[1:]) for out in scale] for scale in verdict.scales] == [
        [(8, 129, 129), (16, 65, 65), (32, 33, 33), (64, 34, 34), (1, 35, 35)],
        [(8, 65, 65), (16, 33, 33), (32, 17, 17), (64, 18, 18), (1, 19, 19)],
    ]
