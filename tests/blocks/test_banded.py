"""Generators in bands of rows make the same images as whole."""

import pytest
import torch

from intarsia.blocks import banded
from intarsia.blocks.banded import bands
from intarsia.blocks.coarse_to_fine import CoarseToFine
from intarsia.blocks.frozen import freeze
from intarsia.conditioning.semantics import coded_labels
from tests import maps

LABELS = 5
VARIANTS = {
    "global": {},
    "spectral": {"spectral": True},
    "batch": {"kind": "batch", "enhancers": 1},
    "one enhancer": {"enhancers": 1},
    "two enhancers, features": {"enhancers": 2, "features": 3},
    "no blocks": {"blocks": 0, "outputs": 2},
}


def made(variant):
    """A network whose statistics are not those that it was born with."""
    torch.manual_seed(0)
    network = CoarseToFine(LABELS, **{"width": 4, "halvings": 2, "blocks": 2, "enhancer_blocks": 1} | variant)
    for name, buffer in network.named_buffers():
        if "running" in name:
            buffer.uniform_(0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize("band", [1 << 22, 1000, 1], ids=["whole", "some bands", "bands of two rows"])
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_the_image_is_that_of_the_whole_network(variant, band, monkeypatch):
    monkeypatch.setattr(banded, "BAND", band)
    network = made(variant).double()  # so that nothing but the moments, which bands keep in float32, is rounded
    labels = torch.cat([maps.regions(1, LABELS, 48, 32), maps.noise(2, LABELS, 48, 32)])
    features = torch.rand(2, 3, 48, 32).double() if "features" in variant else None
    coded = coded_labels(labels, LABELS)
    coded = coded.recoded(coded.codebook.double())
    with torch.no_grad():
        expected = network(coded, features)
        for semantics in (coded, coded.dense()):
            image = freeze(network)(semantics, features)
            torch.testing.assert_close(image, expected, atol=2e-6, rtol=0)


def test_of_an_activation_at_full_resolution_only_bands_are_made(monkeypatch):
    monkeypatch.setattr(banded, "BAND", 4096)
    network = freeze(made({"enhancers": 1}))
    read = []

    def watched(rows, norm, activate=banded.activated):
        def noting(top, bottom):
            read.append((rows.shape, bottom - top))
            return rows.read(top, bottom)

        return activate(banded.Rows(rows.shape, noting), norm)

    monkeypatch.setattr(banded, "activated", watched)
    network(coded_labels(maps.regions(1, LABELS, 128, 128), LABELS))
    at_full_size = [count for shape, count in read if shape == (1, 4, 128, 128)]
    # Two passes for moments and two for what follows; most rows are read to make 8 rows of half the height.
    assert len(at_full_size) == 16 + 8 + 16 + 13
    assert max(at_full_size) == 2 * 8 + 1


@pytest.mark.parametrize("height", [2, 7, 128])
def test_bands_cover_every_row_once_and_begin_at_even_ones(height, monkeypatch):
    monkeypatch.setattr(banded, "BAND", 5 * 30)
    found = list(bands((1, 3, height, 10)))
    assert [row for top, bottom in found for row in range(top, bottom)] == list(range(height))
    assert all(top % 2 == 0 for top, _ in found)


def test_the_network_itself_is_left_as_it_was():
    network = made({"kind": "batch", "enhancers": 1}).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    frozen = freeze(network)
    with torch.no_grad():
        frozen(coded_labels(maps.regions(1, LABELS, 32, 32), LABELS))
    assert all(module.training for module in network.modules())
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
