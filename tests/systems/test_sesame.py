"""SESAME: published sizes and recipes, what it fills, and what it refuses."""

import dataclasses

import pytest
import torch

from intarsia import systems
from intarsia.blocks.two_stream_discriminator import TwoStreamDiscriminator
from intarsia.errors import ConfigError, DataError
from intarsia.records import Seeds
from intarsia.systems.sesame import SesameConfig
from intarsia.systems.system import Recipe
from tests.systems import matrix

PUBLISHED = {
    "sesame-cityscapes": (20_489_091, 11_106_562),
    "sesame-ade20k": (20_791_043, 11_135_234),
    "sesame-landscapes": (20_122_435, 11_071_746),
    "spade-cityscapes-sesame": (93_048_003, 11_106_562),
    "spade-ade20k-sesame": (96_492_483, 11_342_082),
}
WITH_SKIPS = {"sesame-cityscapes": 24_113_952, "sesame-ade20k": 24_432_410, "sesame-landscapes": 23_727_253}
TINY = systems.preset("sesame-tiny").config


def counts(preset, config):
    with torch.device("meta"):  # without weights, for counting
        system = systems.build(preset.system, config, Recipe({}, {}))
    return tuple(sum(p.numel() for p in network.parameters()) for network in (system.generator, system.discriminator))


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name):
    preset = systems.preset(name)
    assert counts(preset, preset.config) == PUBLISHED[name]


@pytest.mark.parametrize("name", WITH_SKIPS)
def test_skips_have_as_many_parameters_as_published(name):
    preset = systems.preset(name)
    assert counts(preset, dataclasses.replace(preset.config, skips=True))[0] == WITH_SKIPS[name]


def test_the_street_presets_are_small():
    for name in ("sesame-street-64", "sesame-street-128"):
        preset = systems.preset(name)
        assert counts(preset, preset.config)[0] < 4e6


def test_published_recipes():
    city, bedroom, land = (systems.preset(f"sesame-{data}") for data in ("cityscapes", "ade20k", "landscapes"))
    for preset in (city, bedroom, land):
        recipe = preset.recipe
        assert recipe.generator_weights == {"gan": 1.0, "feature_matching": 10.0, "perceptual": 10.0}
        assert (recipe.generator_rate, recipe.discriminator_rate, recipe.betas) == (1e-4, 4e-4, (0.0, 0.9))
        assert (recipe.epochs, recipe.decay_epochs, recipe.batch, recipe.crop_size) == (100, 100, 4, (256, 256))
        assert recipe.average is None
    assert [preset.config.everywhere for preset in (city, bedroom)] == [False, True]
    assert city.config.holes.classes == tuple(range(24, 34))
    assert (city.config.holes.context, city.config.holes.least, city.config.holes.background) == (3.0, 128, 0.0)
    assert (bedroom.config.holes.context, bedroom.config.holes.least, bedroom.config.holes.background) == (3.0, 64, 0.1)
    assert (land.config.holes.free, land.recipe.load_size) == (1.0, (286, 286))


def test_spades_recipe_is_kept_behind_the_other_discriminator():
    own, others = systems.preset("spade-cityscapes"), systems.preset("spade-cityscapes-sesame")
    assert others.recipe == own.recipe
    assert dataclasses.replace(others.config, discriminator="patch") == own.config
    assert isinstance(matrix.build("spade-tiny-sesame").discriminator, TwoStreamDiscriminator)


@pytest.mark.parametrize("name", ["sesame-tiny", "sesame-tiny-skips"])
def test_outside_the_hole_the_image_is_the_photo(name):
    system = matrix.build(name)
    seen = matrix.condition(system)
    image = system.generator.eval()(seen).image
    outside = ~seen.hole.expand_as(image)
    assert torch.equal(image[outside], seen.photo[outside])
    assert (image != seen.photo)[~outside].float().mean() > 0.9


def test_the_photo_in_the_hole_does_not_matter():
    system = matrix.build("sesame-tiny")
    system.generator.eval()
    seen = matrix.condition(system)
    other = dataclasses.replace(seen, photo=torch.where(seen.hole, -seen.photo, seen.photo))
    images = [system.generator(condition).image for condition in (seen, other)]
    hole = seen.hole.expand_as(images[0])
    assert torch.equal(images[0][hole], images[1][hole])


@pytest.mark.parametrize(("everywhere", "equal"), [(False, True), (True, False)])
def test_labels_outside_the_hole_matter_only_where_they_are_told(everywhere, equal):
    preset = systems.preset("sesame-tiny")
    config = dataclasses.replace(preset.config, everywhere=everywhere)
    system = matrix.build("sesame-tiny", dataclasses.replace(preset, config=config))
    system.generator.eval()
    photos = matrix.batch(system)
    others = dataclasses.replace(photos, labels=torch.where(photos.holes, photos.labels, (photos.labels + 1) % 6))
    images = [system.generator(system.condition(batch, Seeds((0, 1)))).image for batch in (photos, others)]
    assert torch.equal(*images) == equal


def test_without_compositing_the_whole_image_is_made():
    preset = systems.preset("sesame-tiny")
    config = dataclasses.replace(preset.config, composite=False)
    system = matrix.build("sesame-tiny", dataclasses.replace(preset, config=config))
    seen = matrix.condition(system)
    image = system.generator.eval()(seen).image
    assert torch.equal(image, system.generator.made(seen))


@pytest.mark.parametrize("change", [{}, {"wide": True}, {"halvings": 3, "blocks": 2, "spade_blocks": 1}])
def test_sizes_need_only_be_multiples_of_the_stride(change):
    config = SesameConfig(3, width=2, size=(24, 40), hidden=4, discriminator_width=4, **change)
    with torch.device("meta"):
        system = systems.build("sesame", config, Recipe({}, {}))
    generator = system.generator.to_empty(device="cpu").eval()
    for buffer in [*generator.parameters(), *generator.buffers()]:
        torch.nn.init.constant_(buffer, 0.1)
    seen = matrix.condition(system)
    assert generator(seen).image.shape == (2, 3, 24, 40)
    with pytest.raises(ConfigError) as caught:
        generator(dataclasses.replace(seen, size=(24, 42)))
    assert str(caught.value) == f"image size (24, 42) is no multiple of {config.stride}. Pad the label map."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"halvings": 0}, "the config of sesame has halvings 0. Give 1 or more."),
        ({"kernel": 2}, "the config of sesame has kernel 2. Give an odd number."),
        (
            {"wide": True, "skips": True},
            "the config of sesame is wide and has skips, which were never published. Choose one.",
        ),
    ],
)
def test_a_wrong_config_says_where(change, message):
    with pytest.raises(ConfigError) as caught:
        dataclasses.replace(TINY, **change)
    assert str(caught.value) == message


def test_a_photo_and_a_hole_are_asked_for():
    system = matrix.build("sesame-tiny")
    with pytest.raises(ConfigError) as caught:
        system.generator(dataclasses.replace(matrix.condition(system), photo=None))
    assert str(caught.value) == (
        "this generator fills a hole in a photo, and the condition lacks one of them. Give both."
    )
    with pytest.raises(DataError) as caught:
        system.condition(dataclasses.replace(matrix.batch(system), holes=None), Seeds((0, 1)))
    assert str(caught.value) == ("this network fills holes, and the data has none. Draw them with holed_sample.")
