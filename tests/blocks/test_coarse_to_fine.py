import copy

import pytest
import torch
from torch import nn

from intarsia.blocks.coarse_to_fine import CoarseToFine, SpectralConvTranspose2d
from intarsia.coded import CodedMap
from intarsia.conditioning.semantics import coded_labels
from tests import maps

LABELS = 5
VARIANTS = {
    "global": {},
    "spectral": {"spectral": True},
    "batch": {"kind": "batch"},
    "one enhancer": {"enhancers": 1, "enhancer_blocks": 1},
    "two enhancers, features": {"enhancers": 2, "enhancer_blocks": 1, "features": 3},
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
@pytest.mark.parametrize(
    "labels", [maps.regions(1, LABELS, 32, 48, batch=2), maps.noise(2, LABELS, 32, 32)], ids=["regions", "all noise"]
)
def test_coded_maps_and_dense_planes_agree(labels, variant):
    torch.manual_seed(0)
    network = CoarseToFine(LABELS, width=4, halvings=2, blocks=1, **variant).double()  # float32 hides what differs
    coded = coded_labels(labels, LABELS)
    coded = CodedMap(coded.codes, coded.codebook.double())
    features = torch.rand(len(labels), 3, *labels.shape[1:]).double() if "features" in variant else None
    results = []
    for semantics in (coded, coded.dense()):
        twin = copy.deepcopy(network)
        image = twin(semantics, features)
        (image * image).mean().backward()
        results.append((image, {name: p.grad for name, p in twin.named_parameters()}))
    assert results[0][0].shape == (len(labels), 3, *labels.shape[1:])
    torch.testing.assert_close(results[0][0], results[1][0], atol=1e-10, rtol=0)
    for name, gradient in results[1][1].items():
        torch.testing.assert_close(results[0][1][name], gradient, atol=1e-10, rtol=1e-8)


PUBLISHED = [
    ((36,), {}, 182_546_755),
    ((36, 3), {}, 182_556_163),
    ((35,), {}, 182_543_619),
    ((150,), {}, 182_904_259),
    ((151,), {}, 182_907_395),
    ((183,), {}, 183_007_747),
    ((3,), {}, 182_443_267),
    ((36,), {"width": 32, "enhancers": 1}, 182_857_059),
    ((36, 3), {"width": 32, "enhancers": 1}, 182_871_171),
    ((35,), {"width": 32, "enhancers": 1}, 182_852_355),
    ((3,), {"width": 32, "enhancers": 1}, 182_701_827),
    ((3,), {"width": 16, "blocks": 0}, 788_803),  # the image encoder
]


@pytest.mark.parametrize(("channels", "sizes", "parameters"), PUBLISHED)
def test_parameters_are_as_many_as_published(channels, sizes, parameters):
    with torch.device("meta"):
        network = CoarseToFine(*channels, **sizes)
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
