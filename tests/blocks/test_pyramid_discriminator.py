"""The feature pyramid discriminator: its scales, its label embedding, its sizes."""

import copy

import pytest
import torch
import torch.nn.functional as F

from intarsia.blocks.pyramid_discriminator import PyramidDiscriminator
from intarsia.coded import averaged
from intarsia.conditioning.semantics import coded_labels
from intarsia.errors import ConfigError
from intarsia.records import Condition
from tests import maps

LABELS = 6
CODED = coded_labels(maps.regions(1, LABELS, 32, 64, batch=2), LABELS)
IMAGES = torch.rand(4, 3, 32, 64, generator=torch.Generator().manual_seed(2)) * 2 - 1


def judge() -> PyramidDiscriminator:
    torch.manual_seed(0)
    return PyramidDiscriminator(LABELS, width=4)


def test_three_scales_and_the_features_of_four_layers():
    verdict = judge()(Condition(CODED, (32, 64)), IMAGES)
    assert [logits.shape for logits in verdict.logits] == [(4, 1, 8, 16), (4, 1, 4, 8), (4, 1, 2, 4)]
    shapes = [(4, 8, 8, 16), (4, 16, 4, 8), (4, 32, 2, 4), (4, 32, 1, 2)]
    assert [[feature.shape for feature in scale] for scale in verdict.features] == [shapes, [], []]


def test_codes_and_planes_agree_in_gradients_too():
    """In float64: at the deepest level two pixels are normalised, and rounding grows."""
    rounds = []
    coded = CODED.recoded(CODED.codebook.double())
    for condition in (Condition(coded, (32, 64)), Condition(coded, (32, 64)).dense()):
        network = judge().double()
        logits = network(condition, IMAGES.double()).logits
        sum(scale.square().sum() for scale in logits).backward()
        rounds.append([*logits, *(parameter.grad for parameter in network.parameters())])
    for one, other in zip(*rounds, strict=True):
        torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-9)


def test_other_labels_change_the_score_by_their_embedding():
    """Not the features, which are of the image alone."""
    network = judge().eval()
    other = CODED.codes.roll(7, 2).contiguous()
    first, second = (
        network(Condition(semantics, (32, 64)), IMAGES) for semantics in (CODED, type(CODED)(other, CODED.codebook))
    )
    for one, two in zip(first.features[0], second.features[0], strict=True):
        assert torch.equal(one, two)
    assert not torch.equal(first.logits[0], second.logits[0])
    mute = copy.deepcopy(network)
    torch.nn.init.zeros_(mute.embedding.weight)
    torch.nn.init.zeros_(mute.embedding.bias)
    assert torch.equal(mute(Condition(CODED, (32, 64)), IMAGES).logits[0], mute.realness(final_of(mute, IMAGES)))


def final_of(network: PyramidDiscriminator, image: torch.Tensor) -> torch.Tensor:
    """The features that the finest scale is scored by, level by level as the paper draws them."""
    levels = []
    for unit in network.down:
        image = unit(image)
        levels.append(image)
    x = network.beside[3](levels[4])
    for place in (2, 1, 0):
        x = F.interpolate(x, scale_factor=2, mode="bilinear") + network.beside[place](levels[place + 1])
    return network.final[0](x)


@pytest.mark.parametrize("size", [(32, 64), (30, 45)])
def test_averages_of_a_coded_map_are_those_of_its_planes(size):
    coded = coded_labels(maps.regions(1, LABELS, *size, batch=2), LABELS)
    found = averaged(coded, 4)
    torch.testing.assert_close(found.dense(), averaged(coded.dense(), 4))


def test_sizes_off_the_grid_are_refused():
    with pytest.raises(ConfigError) as caught:
        judge()(Condition(CODED, (32, 64)), IMAGES[..., :40])
    assert str(caught.value) == (
        "images of 32x40 cannot be judged: the pyramid discriminator halves them 5 times. Choose multiples of 32."
    )
