"""OASIS: published sizes and recipes, its noise, and every configuration on every road."""

import dataclasses

import pytest
import torch

from intarsia import systems
from intarsia.blocks.convolution import SpectralConv2d
from intarsia.blocks.frozen import freeze
from intarsia.coded import CodedMap
from intarsia.conditioning.noise import noise_planes
from intarsia.conditioning.semantics import coded_labels
from intarsia.errors import ConfigError, LabelError
from intarsia.records import Condition, Seeds
from intarsia.systems.oasis import OasisConfig, OasisGenerator
from intarsia.systems.system import Recipe
from tests import maps
from tests.systems import matrix

PUBLISHED = {
    "oasis-ade20k": (74_314_691, 22_258_904),
    "oasis-coco": (75_199_427, 22_260_984),
    "oasis-cityscapes": (71_107_523, 22_251_364),
}
TINY = systems.preset("oasis-tiny").config


def sized(config):
    """A system without weights, for counting."""
    with torch.device("meta"):
        return systems.build("oasis", config, Recipe({}, {}))


def counts(name):
    system = sized(systems.preset(name).config)
    return tuple(sum(p.numel() for p in network.parameters()) for network in (system.generator, system.discriminator))


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name):
    assert counts(name) == counts(f"{name}-vgg") == PUBLISHED[name]


def test_the_street_preset_is_small():
    assert counts("oasis-street-128")[0] < 7e6


def test_published_recipes():
    ade, coco, city = (systems.preset(f"oasis-{data}").recipe for data in ("ade20k", "coco", "cityscapes"))
    assert ade.generator_weights == {"segmentation": 1.0}
    assert ade.discriminator_weights == {"fake": 1.0, "real": 1.0, "label_mix": 10.0}
    assert (ade.generator_rate, ade.discriminator_rate, ade.betas) == (1e-4, 4e-4, (0.0, 0.999))
    assert (ade.epochs, ade.decay_epochs, ade.batch, ade.average) == (200, 0, 32, 0.9999)
    assert (ade.load_size, ade.crop_size) == ((256, 256), (256, 256))
    assert (coco.epochs, coco.batch, coco.average) == (100, 32, 0.9999)
    assert (city.generator_rate, city.discriminator_rate, city.batch, city.average) == (4e-4, 4e-4, 20, 0.999)
    assert (city.discriminator_weights["label_mix"], city.crop_size) == (5.0, (256, 512))
    assert systems.preset("oasis-coco-vgg").recipe.generator_weights == {"segmentation": 1.0, "perceptual": 10.0}


def test_every_weight_is_initialised_by_xavier():
    """As in the published training, spectrally normalised ones too."""
    system = matrix.build("oasis-tiny")
    for network in (system.generator, system.discriminator):
        for name, module in network.named_modules():
            if not isinstance(module, torch.nn.Conv2d):
                continue
            field = module.weight[0, 0].numel()
            expected = 0.02 * (2 / (field * (module.weight.shape[0] + module.weight.shape[1]))) ** 0.5
            if module.weight.numel() > 2000:
                assert module.weight.std().item() == pytest.approx(expected, rel=0.1), name
            assert module.bias is None or not module.bias.any(), name
            if isinstance(module, SpectralConv2d):
                assert module.u.norm().item() == pytest.approx(1)


def test_noise_is_one_vector_for_each_image_by_its_seed():
    system = matrix.build("oasis-tiny")
    condition = system.condition(matrix.batch(system), Seeds((3, 4)))
    planes = condition.dense().semantics[:, : TINY.noise]
    assert torch.equal(planes[..., 5, 7], Seeds((3, 4)).normal(TINY.noise))
    assert torch.equal(planes, planes[..., :1, :1].expand_as(planes))


def test_other_noise_shares_what_was_found_out_about_the_labels():
    system = matrix.build("oasis-tiny")
    system.generator.eval()
    first = matrix.condition(system)
    noise = Seeds((8, 9)).normal(TINY.noise)
    other = first.restyled(noise=noise)
    afresh = system.condition(matrix.batch(system), Seeds((8, 9)))
    images = [system.generator(condition).image for condition in (first, other, afresh)]
    assert not torch.equal(images[0], images[1])
    assert torch.equal(images[1], images[2])
    for size in ((2, 2), (32, 32)):
        assert other.at(*size).neighbourhoods(3) is first.at(*size).neighbourhoods(3)
    # Also when styles are changed twice.
    assert other.restyled(noise=noise).at(8, 8).neighbourhoods(3) is first.at(8, 8).neighbourhoods(3)


CONFIGS = {
    "wide": OasisConfig(5, noise=6, width=2, size=(32, 96), hidden=8),
    "without noise": OasisConfig(5, noise=0, width=2, size=(64, 64), hidden=8),
    "instance, kernel 5": OasisConfig(
        5, noise=6, width=2, size=(96, 160), hidden=8, kernel=5, normalisation="instance"
    ),
    "kernel 1, no don't-care": OasisConfig(4, False, 3, width=1, size=(64, 64), hidden=8, kernel=1),
}


@pytest.mark.parametrize("kind", ["one vector", "few vectors", "a vector for each pixel"])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_coded_dense_and_frozen_agree_whatever_the_noise(config, kind):
    """On a label map of another size than the image's, too. In float64: rounding grows in narrow random networks."""
    torch.manual_seed(0)
    generator = OasisGenerator(config).eval().double()
    height, width = config.size[0] + 12, config.size[1] - 4
    labels = coded_labels(maps.regions(2, config.labels, height, width, batch=2), config.labels)
    labels = labels.recoded(labels.codebook.double())
    draw = torch.Generator().manual_seed(1)
    if kind == "a vector for each pixel":
        noise = torch.randn(2, config.noise, height, width, generator=draw, dtype=torch.float64)
    else:
        regions = maps.regions(3, 7, height, width, batch=2) * (kind == "few vectors")
        noise = torch.randn(7, config.noise, generator=draw, dtype=torch.float64)[regions].permute(0, 3, 1, 2)
    semantics = noise_planes(labels, noise) if config.noise else labels
    assert isinstance(semantics, CodedMap) == (kind != "a vector for each pixel" or not config.noise)
    condition = Condition(semantics, config.size)
    with torch.no_grad():
        for _ in range(3):  # statistics and singular vectors that are of these weights
            generator(condition)
        generator.eval()
        expected = generator(Condition(torch.cat([noise, labels.dense()], 1), config.size)).image
        assert expected.shape == (2, 3, *config.size)
        for network in (generator, freeze(generator)):
            torch.testing.assert_close(network(condition).image, expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise": -1}, "the config of oasis has noise -1. Give 0 or more."),
        ({"size": (64, 0)}, "the config of oasis has size (64, 0). Give 1 or more."),
        ({"kernel": 2}, "the config of oasis has kernel 2. Give an odd number."),
        ({"discriminator_width": 9}, "the config of oasis has discriminator_width 9. Give an even number."),
    ],
)
def test_a_wrong_config_says_where(change, message):
    with pytest.raises(ConfigError) as caught:
        dataclasses.replace(TINY, **change)
    assert str(caught.value) == message


def test_sizes_off_the_grid_are_refused():
    with pytest.raises(ConfigError) as caught:
        OasisGenerator(dataclasses.replace(TINY, size=(64, 40)))
    assert str(caught.value) == "size (64, 40) is no multiple of 32. Choose one."
    system = matrix.build("oasis-tiny")
    with pytest.raises(ConfigError) as caught:
        system.generator(dataclasses.replace(matrix.condition(system), size=(40, 32)))
    assert str(caught.value) == "image size (40, 32) is no multiple of 32. Pad the label map."


def test_labels_beyond_the_planes_are_refused():
    system = matrix.build("oasis-tiny")
    photos = matrix.batch(system)
    photos.labels[0, 0, 0] = 6
    with pytest.raises(LabelError) as caught:
        system.condition(photos, Seeds((0, 1)))
    assert str(caught.value) == "a label map has train id 6; this network knows 0..5. Check the data."


def test_label_mix_depends_on_the_coins_of_the_round():
    system = matrix.build("oasis-tiny")
    assert system.discriminator is not None
    for _ in range(5):
        matrix.round_of(system, matrix.condition(system))
    system.discriminator.eval()  # without more power iterations, which would move the terms as well
    made = matrix.round_of(system, matrix.condition(system))
    terms = [
        system.discriminator_terms(dataclasses.replace(made, coins=Seeds((seed,)).coins(6)))["label_mix"].item()
        for seed in (1, 1, 2)
    ]
    assert terms[0] == pytest.approx(terms[1], rel=1e-6)
    assert terms[0] != pytest.approx(terms[2], rel=1e-2)
