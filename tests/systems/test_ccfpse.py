"""CC-FPSE: published sizes and recipes, its initialisation, its style, and every configuration on every road."""

import dataclasses

import pytest
import torch

from intarsia import systems
from intarsia.blocks.conditional import Predictor
from intarsia.blocks.convolution import JointConv2d, SpectralConv2d
from intarsia.blocks.frozen import freeze
from intarsia.conditioning.semantics import coded_labels
from intarsia.errors import ConfigError, DataError
from intarsia.records import Condition, Seeds
from intarsia.systems.ccfpse import CcfpseConfig, CcfpseGenerator
from intarsia.systems.system import Recipe
from tests import maps
from tests.systems import matrix

UNCALLED = 26_112
"""Parameters that the published generators count, in normalisations that they never call."""
PUBLISHED = {
    # generator without its encoder, encoder, discriminator
    "ccfpse-ade20k": (140_704_323, 10_463_424, 5_190_593),
    "ccfpse-coco": (141_939_843, 10_463_424, 5_194_817),
    "ccfpse-cityscapes": (128_055_555, 10_463_424, 5_175_873),
    "ccfpse-ade20k-no-style": (125_254_211, 0, 5_190_593),
    "ccfpse-coco-no-style": (126_793_859, 0, 5_194_817),
    "ccfpse-cityscapes-no-style": (119_966_979, 0, 5_175_873),
}


def counts(name):
    with torch.device("meta"):  # no weights are made
        system = systems.build("ccfpse", systems.preset(name).config, Recipe({}, {}))
    generator = {key: p.numel() for key, p in system.generator.named_parameters()}
    encoder = sum(count for key, count in generator.items() if key.startswith("encoder."))
    return sum(generator.values()) - encoder, encoder, sum(p.numel() for p in system.discriminator.parameters())


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name):
    generator, encoder, discriminator = counts(name)
    assert (generator + UNCALLED, encoder, discriminator) == PUBLISHED[name]


def test_street_presets_are_small():
    assert sum(counts("ccfpse-street-64")) < 8e6
    assert sum(counts("ccfpse-street-128")) < 8e6


@pytest.mark.parametrize(
    ("name", "grid"), [("ccfpse-ade20k", (8, 8)), ("ccfpse-coco", (8, 8)), ("ccfpse-cityscapes", (4, 8))]
)
def test_the_start_grid_is_the_published_one(name, grid):
    with torch.device("meta"):
        assert CcfpseGenerator(systems.preset(name).config).grid == grid


def test_published_recipes():
    ade, coco, city = (systems.preset(f"ccfpse-{data}").recipe for data in ("ade20k", "coco", "cityscapes"))
    weights = {"gan": 1.0, "feature_matching": 20.0, "perceptual": 10.0}
    assert ade.generator_weights == coco.generator_weights == city.generator_weights == weights | {"kl": 0.05}
    assert systems.preset("ccfpse-coco-no-style").recipe.generator_weights == weights
    assert (ade.generator_rate, ade.discriminator_rate, ade.betas) == (1e-4, 4e-4, (0.0, 0.9))
    assert (ade.epochs, ade.decay_epochs, ade.load_size, ade.crop_size) == (100, 100, (286, 286), (256, 256))
    assert (coco.epochs, coco.decay_epochs, coco.load_size, coco.crop_size) == (100, 0, (286, 286), (256, 256))
    assert (city.epochs, city.decay_epochs, city.load_size, city.crop_size) == (100, 100, (256, 512), (256, 512))


def test_weights_start_as_published():
    """Xavier 0.02 by published convolution; spectrally normalised ones keep torch's default, and have settled."""
    generator = matrix.build("ccfpse-tiny-style").generator
    for module in generator.modules():
        if isinstance(module, Predictor):
            whole = module.shared.whole.weight
            for weight in whole.chunk(len(module.nets)):
                expected = 0.02 * (2 / (9 * (weight.shape[0] + weight.shape[1]))) ** 0.5
                assert weight.std().item() == pytest.approx(expected, rel=0.15)
        elif isinstance(module, SpectralConv2d):
            rows = module.weight.detach().flatten(1)
            if rows.numel() > 2000:
                assert rows.std().item() == pytest.approx((1 / (3 * rows.shape[1])) ** 0.5, rel=0.1)
            sigma = torch.dot(module.u, rows @ module.v)
            assert sigma >= 0.95 * torch.linalg.matrix_norm(rows, 2)


def test_the_labels_part_of_predicting_nets_is_a_look_up():
    """Deep inside features are not coded; labels beside them are."""
    generator = matrix.build("ccfpse-tiny").generator
    joint = [module for module in generator.modules() if isinstance(module, JointConv2d)]
    assert len(joint) == 8  # the pyramid's first layer, and one for each block
    condition = matrix.condition(matrix.build("ccfpse-tiny"))
    generator(condition)
    for size in ((1, 2), (2, 4), (4, 8), (8, 16), (16, 32), (32, 64)):
        assert (3, 1, 1) in condition.at(*size)._windows


def test_style_comes_from_the_photo_or_from_the_noise():
    system = matrix.build("ccfpse-tiny-style")
    system.generator.eval()
    seen = matrix.condition(system)
    noise = Seeds((1, 2)).normal(system.config.latent)
    encoded = system.generator(seen.restyled(noise=noise, photo=seen.photo))
    drawn = system.generator(seen.restyled(noise=noise))
    assert encoded.style_mean.shape == encoded.style_log_variance.shape == (2, system.config.latent)
    assert drawn.style_mean is None
    style = encoded.style_mean + torch.exp(encoded.style_log_variance / 2) * noise
    assert torch.equal(system.generator(seen.restyled(noise=style)).image, encoded.image)


CONFIGS = {
    "wide": CcfpseConfig(5, width=2, size=(32, 96), style=False, hidden=4),
    "more, edges": CcfpseConfig(5, True, width=2, size=(64, 128), depth="more", style=False, hidden=4),
    "style": CcfpseConfig(4, width=2, size=(64, 64), latent=7, hidden=4),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_coded_dense_and_frozen_agree(config):
    """On a label map of another size than the image's, and on another image size than the trained one's, too."""
    torch.manual_seed(0)
    generator = CcfpseGenerator(config).double()
    height, width = config.size
    labels = maps.regions(2, config.labels, height + 12, width - 4, batch=2)
    instances = maps.regions(3, 20, height + 12, width - 4, batch=2) if config.edges else None
    coded = coded_labels(labels, config.labels, instances)
    coded = coded.recoded(coded.codebook.double())
    noise = Seeds((1, 2)).normal(config.latent).double() if config.style else None
    with torch.no_grad():
        for _ in range(3):  # statistics and singular vectors that are of these weights
            generator(Condition(coded, config.size, noise=noise))
        generator.eval()
        frozen = freeze(generator)
        for size in (config.size, (2 * height, width)):
            condition = Condition(coded, size, noise=noise)
            expected = generator(condition.dense()).image
            assert expected.shape == (2, 3, *size)
            for network in (generator, frozen, frozen):
                torch.testing.assert_close(network(condition).image, expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "the config of ccfpse has width 0. Give 1 or more."),
        ({"hidden": -3}, "the config of ccfpse has hidden -3. Give 1 or more."),
    ],
)
def test_a_wrong_config_says_where(change, message):
    with pytest.raises(ConfigError) as caught:
        dataclasses.replace(systems.preset("ccfpse-tiny").config, **change)
    assert str(caught.value) == message


def test_sizes_off_the_grid_are_refused():
    system = matrix.build("ccfpse-tiny")
    with pytest.raises(ConfigError) as caught:
        CcfpseGenerator(dataclasses.replace(system.config, size=(32, 40)))
    assert str(caught.value) == "size (32, 40) is no multiple of 32. Choose one, or another depth."
    with pytest.raises(ConfigError) as caught:
        system.generator(dataclasses.replace(matrix.condition(system), size=(40, 32)))
    assert str(caught.value) == "image size (40, 32) is no multiple of 32. Pad the label map."


def test_edges_need_instance_maps():
    system = matrix.build("ccfpse-tiny-style")
    photos = dataclasses.replace(matrix.batch(system), instances=None)
    with pytest.raises(DataError) as caught:
        system.condition(photos, Seeds((0, 1)))
    assert str(caught.value) == (
        "this network looks at instance edges, and the data has no instance maps. Set edges=False."
    )
