"""CRN: published sizes and recipes, its images, and coded, dense and frozen roads."""

import dataclasses

import pytest
import torch

from intarsia import systems
from intarsia.blocks.frozen import freeze
from intarsia.conditioning.semantics import coded_labels
from intarsia.errors import ConfigError
from intarsia.records import Condition, Seeds
from intarsia.systems.crn import CrnConfig, CrnGenerator, inherited
from intarsia.systems.system import Recipe
from tests import maps
from tests.systems import matrix

PUBLISHED = {
    "crn-cityscapes-256p": 97_875_483,
    "crn-gta-256p": 97_875_483,
    "crn-cityscapes-512p": 98_622_851,
    "crn-cityscapes-1024p": 98_674_531,
}
TINY = systems.preset("crn-tiny").config


def parameters(config):
    with torch.device("meta"):
        return sum(p.numel() for p in systems.build("crn", config, Recipe({}, {})).generator.parameters())


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name):
    assert parameters(systems.preset(name).config) == PUBLISHED[name]


def test_one_image_at_256p_has_as_many_parameters_as_computed():
    assert parameters(dataclasses.replace(systems.preset("crn-cityscapes-256p").config, images=1)) == 97_863_171


def test_the_street_presets_are_small():
    small, finer = (parameters(systems.preset(f"crn-street-{size}").config) for size in (64, 128))
    assert small < finer < 2e6


def test_published_recipes():
    first, gta, fine, finest = (systems.preset(name).recipe for name in PUBLISHED)
    assert first.generator_weights == {"content_nearest": 0.999, "content_average": 0.001}
    assert gta.generator_weights == first.generator_weights
    assert fine.generator_weights == finest.generator_weights == {"content": 1.0}
    assert {(r.generator_rate, r.betas, r.batch, r.flip) for r in (first, gta, fine, finest)} == {
        (1e-4, (0.9, 0.999), 1, False)
    }
    assert (first.epochs, fine.epochs, finest.epochs) == (200, 20, 5)
    assert finest.held == {f"stages.{place}.": None for place in range(7)}
    assert (first.crop_size, finest.crop_size) == ((256, 512), (1024, 2048))


def test_there_is_no_discriminator_and_no_term_of_one():
    system = matrix.build("crn-tiny")
    assert system.discriminator is None
    assert system.discriminator_terms(matrix.round_of(system, matrix.condition(system))) == {}


def test_the_choice_says_which_image_is_the_one():
    system = matrix.build("crn-tiny")
    condition = matrix.condition(system)
    made = system.generator(dataclasses.replace(condition, choice=torch.tensor([2, 1])))
    assert made.images.shape == (2, TINY.images, 3, *TINY.size)
    assert torch.equal(made.image[0], made.images[0, 2])
    assert torch.equal(made.image[1], made.images[1, 1])
    assert torch.equal(system.generator(condition).image, made.images[:, 0])


CONFIGS = {
    "wide": CrnConfig(5, images=2, size=(16, 48), widths=(8, 6, 4)),
    "one module": CrnConfig(4, images=1, size=(8, 8), widths=(6,)),
    "tall, uneven start": CrnConfig(7, images=3, size=(24, 8), widths=(8, 8, 8, 8)),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_coded_dense_and_frozen_agree(config):
    """On a label map of another size than the image's, too."""
    torch.manual_seed(0)
    generator = CrnGenerator(config).eval()
    height, width = config.size[0] + 12, config.size[1] + 4
    labels = coded_labels(maps.regions(2, config.labels, height, width, batch=2), config.labels)
    condition = Condition(labels, config.size)
    with torch.no_grad():
        expected = generator(condition.dense()).images
        assert expected.shape == (2, config.images, 3, *config.size)
        for network, given in (
            (generator, condition),
            (freeze(generator), condition),
            (freeze(generator), condition.dense()),
        ):
            torch.testing.assert_close(network(given).images, expected, atol=2e-5, rtol=0)


def test_a_finer_network_takes_over_all_but_the_last_convolution():
    coarse = systems.preset("crn-street-64").config
    fine = systems.preset("crn-street-128").config
    smaller = dataclasses.asdict(coarse)
    entry = "networks/generator/stages.{}.conv_0.norm.weight"
    assert inherited(fine, entry.format(4), smaller) == entry.format(4)
    assert inherited(fine, entry.format(5), smaller) is None
    assert inherited(fine, "networks/average/to_image.bias", smaller) is None
    assert inherited(coarse, "networks/average/to_image.bias", smaller) == "networks/average/to_image.bias"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": 0}, "the config of crn has images 0. Give 1 or more."),
        ({"widths": (8, 0)}, "the config of crn has widths (8, 0). Give 1 or more."),
        ({"size": (32, 36)}, "size (32, 36) is no multiple of 8. Choose one, or fewer widths."),
    ],
)
def test_a_wrong_config_says_where(change, message):
    with pytest.raises(ConfigError) as caught:
        dataclasses.replace(TINY, **change)
    assert str(caught.value) == message


def test_sizes_off_the_grid_are_refused():
    system = matrix.build("crn-tiny")
    with pytest.raises(ConfigError) as caught:
        system.generator(dataclasses.replace(matrix.condition(system), size=(12, 8)))
    assert str(caught.value) == "image size (12, 8) is no multiple of 8. Pad the label map."


def test_nothing_is_drawn():
    system = matrix.build("crn-tiny")
    photos = matrix.batch(system)
    images = [system.generator(system.condition(photos, Seeds(seeds))).images for seeds in ((1, 2), (3, 4))]
    assert torch.equal(*images)
