import copy

import pytest
import torch
from torch import nn

from intarsia.blocks.global_generator import GlobalGenerator, SpectralConvTranspose2d
from intarsia.conditioning.semantics import coded_labels
from intarsia.records import Condition
from tests import maps

LABELS = 5


@pytest.mark.parametrize("spectral", [False, True])
@pytest.mark.parametrize(
    "labels", [maps.regions(1, LABELS, 24, 32, batch=2), maps.noise(2, LABELS, 16, 20)], ids=["regions", "all noise"]
)
def test_coded_maps_and_dense_planes_agree(labels, spectral):
    torch.manual_seed(0)
    network = GlobalGenerator(LABELS, width=4, halvings=2, blocks=1, spectral=spectral)
    condition = Condition(coded_labels(labels, LABELS), tuple(labels.shape[1:]))
    results = []
    for given in (condition, condition.dense()):
        twin = copy.deepcopy(network)
        image = twin(given).image
        (image * image).mean().backward()
        results.append((image, {name: p.grad for name, p in twin.named_parameters()}))
    torch.testing.assert_close(results[0][0], results[1][0], atol=1e-5, rtol=0)
    for name, gradient in results[1][1].items():
        torch.testing.assert_close(results[0][1][name], gradient, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("planes", "parameters"), [(36, 182_546_755), (35, 182_543_619), (151, 182_907_395)])
def test_parameters_are_as_many_as_published(planes, parameters):
    with torch.device("meta"):
        network = GlobalGenerator(planes)
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_a_transposed_convolution_is_normalised_by_its_largest_singular_value():
    torch.manual_seed(0)
    ours = SpectralConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1, bias=False)
    theirs = nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1, bias=False)
    theirs.weight.data.copy_(ours.weight)
    rows = theirs.weight.detach().transpose(0, 1).flatten(1)
    theirs.weight.data.div_(torch.linalg.matrix_norm(rows, 2))
    x = torch.randn(2, 6, 5, 5)
    for _ in range(100):
        ours(x)
    torch.testing.assert_close(ours.eval()(x), theirs(x), atol=1e-4, rtol=0)
