"""SPADE: published sizes and recipes, its initialisation, its style."""

import dataclasses

import pytest
import torch

from intarsia import systems
from intarsia.blocks.convolution import SpectralConv2d
from intarsia.errors import ConfigError, DataError, LabelError
from intarsia.records import Seeds
from intarsia.systems.spade import SpadeConfig, SpadeGenerator
from intarsia.systems.system import Recipe
from tests.systems import matrix

PUBLISHED = {
    # generator without its encoder, encoder, discriminator
    "spade-ade20k": (96_492_483, 0, 5_836_930),
    "spade-coco": (97_480_899, 0, 5_904_514),
    "spade-cityscapes": (93_048_003, 0, 5_601_410),
    "spade-facades": (92_359_107, 0, 5_554_306),
    "spade-ade20k-style": (111_942_595, 10_463_424, 5_836_930),
    "spade-coco-style": (112_626_883, 10_463_424, 5_904_514),
    "spade-cityscapes-style": (101_136_579, 10_463_424, 5_601_410),
    "spade-facades-style": (109_081_027, 10_463_424, 5_554_306),
}


def sized(config):
    """A system without weights, for counting."""
    with torch.device("meta"):
        return systems.build("spade", config, Recipe({}, {}))


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name):
    system = sized(systems.preset(name).config)
    generator = {key: p.numel() for key, p in system.generator.named_parameters()}
    encoder = sum(count for key, count in generator.items() if key.startswith("encoder."))
    discriminator = sum(p.numel() for p in system.discriminator.parameters())
    assert (sum(generator.values()) - encoder, encoder, discriminator) == PUBLISHED[name]


def test_the_deepest_variant_has_as_many_parameters_as_published():
    config = dataclasses.replace(systems.preset("spade-ade20k").config, depth="most")
    assert sum(p.numel() for p in sized(config).generator.parameters()) == 97_412_579


@pytest.mark.parametrize(
    ("name", "grid"), [("spade-ade20k", (8, 8)), ("spade-coco", (8, 8)), ("spade-cityscapes", (4, 8))]
)
def test_the_start_grid_is_the_published_one(name, grid):
    assert sized(systems.preset(name).config).generator.grid == grid


def test_published_recipes():
    ade, coco, city = (systems.preset(f"spade-{data}").recipe for data in ("ade20k", "coco", "cityscapes"))
    assert ade.generator_weights == {"gan": 1.0, "feature_matching": 10.0, "perceptual": 10.0}
    assert (ade.generator_rate, ade.discriminator_rate, ade.betas) == (1e-4, 4e-4, (0.0, 0.9))
    assert (ade.epochs, ade.decay_epochs, ade.load_size, ade.crop_size) == (100, 100, (286, 286), (256, 256))
    assert (coco.epochs, coco.decay_epochs, coco.load_size, coco.crop_size) == (100, 0, (286, 286), (256, 256))
    assert (city.epochs, city.decay_epochs, city.load_size, city.crop_size) == (100, 100, (256, 512), (256, 512))
    assert systems.preset("spade-ade20k-style").recipe.generator_weights["kl"] == 0.05


@pytest.mark.parametrize("data", ["ade20k", "coco", "cityscapes"])
def test_spade_plus_is_a_recipe_of_spade(data):
    """Without feature matching and with an average; one variant without the perceptual loss."""
    names = (f"spade-{data}", f"spade+-{data}", f"spade+-{data}-no-vgg")
    published, plus, bare = (systems.preset(name) for name in names)
    assert plus.config == bare.config == published.config
    assert plus.recipe.generator_weights == {"gan": 1.0, "perceptual": 10.0}
    assert bare.recipe.generator_weights == {"gan": 1.0}
    for preset in (plus, bare):
        recipe = dataclasses.replace(
            preset.recipe, generator_weights=published.recipe.generator_weights, average=published.recipe.average
        )
        assert recipe == published.recipe
        assert preset.recipe.average == 0.9999


def test_the_generators_terms_look_at_the_photos_verdict_only_for_feature_matching():
    assert matrix.build("spade-tiny").generator_sees_real
    assert not matrix.build("spade+-tiny").generator_sees_real


def test_the_earth_preset_stays_under_thirty_megabytes():
    system = sized(systems.preset("spade-earth-128").config)
    assert sum(value.numel() * 4 for value in system.generator.state_dict().values()) < 30e6


def test_initialisation_is_what_the_published_training_had():
    """Xavier 0.02 and zero biases, but for spectrally normalised weights, which keep torch's default."""
    generator = matrix.build("spade-tiny-style").generator
    seen = set()
    for name, module in generator.named_modules():
        if not isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            continue
        rows = module.weight.detach().flatten(1)
        field = rows.shape[1] // module.weight.shape[1] if module.weight.dim() == 4 else 1
        fan_in, fan_out = rows.shape[1], rows.shape[0] * field
        spectral = isinstance(module, SpectralConv2d)
        expected = (1 / (3 * fan_in)) ** 0.5 if spectral else 0.02 * (2 / (fan_in + fan_out)) ** 0.5
        if rows.numel() > 2000:
            assert rows.std().item() == pytest.approx(expected, rel=0.1), name
            seen.add(spectral)
        if module.bias is not None:
            assert not module.bias.any(), name
    assert seen == {True, False}


def test_image_size_follows_the_condition_not_the_label_map():
    system = matrix.build("spade-tiny")
    condition = dataclasses.replace(matrix.condition(system), size=(64, 96))
    assert system.generator(condition).image.shape == (2, 3, 64, 96)


def test_an_image_size_off_the_grid_is_refused():
    system = matrix.build("spade-tiny")
    with pytest.raises(ConfigError) as caught:
        system.generator(dataclasses.replace(matrix.condition(system), size=(40, 32)))
    assert str(caught.value) == "image size (40, 32) is no multiple of 32. Pad the label map."
    with pytest.raises(ConfigError) as caught:
        SpadeGenerator(SpadeConfig(labels=3, width=4, size=(40, 32)))
    assert str(caught.value) == "size (40, 32) is no multiple of 32. Choose one, or another depth."


def test_style_comes_from_the_photo_or_from_the_noise():
    system = matrix.build("spade-tiny-style")
    system.generator.eval()
    seen = matrix.condition(system)
    noise = Seeds((1, 2)).normal(system.config.latent)
    encoded = system.generator(seen.restyled(noise=noise, photo=seen.photo))
    drawn = system.generator(seen.restyled(noise=noise))
    assert encoded.style_mean.shape == encoded.style_log_variance.shape == (2, system.config.latent)
    assert drawn.style_mean is None
    assert not torch.equal(encoded.image, drawn.image)
    # The photo's own style vector as noise makes the same image.
    style = encoded.style_mean + torch.exp(encoded.style_log_variance / 2) * noise
    assert torch.equal(system.generator(seen.restyled(noise=style)).image, encoded.image)


def test_a_style_without_noise_is_refused():
    system = matrix.build("spade-tiny-style")
    with pytest.raises(ConfigError) as caught:
        system.generator(matrix.condition(system).restyled())
    assert str(caught.value) == (
        "this generator starts from a style vector, and the condition has no noise. Give seeds."
    )


def test_labels_beyond_the_planes_are_refused():
    system = matrix.build("spade-tiny")
    photos = matrix.batch(system)
    photos.labels[0, 0, 0] = 6
    with pytest.raises(LabelError) as caught:
        system.condition(photos, Seeds((0, 1)))
    assert str(caught.value) == "a label map has train id 6; this network knows 0..5. Check the data."


def test_edges_need_instance_maps():
    system = matrix.build("spade-tiny-style")
    photos = dataclasses.replace(matrix.batch(system), instances=None)
    with pytest.raises(DataError) as caught:
        system.condition(photos, Seeds((0, 1)))
    assert str(caught.value) == (
        "this network looks at instance edges, and the data has no instance maps. Set edges=False."
    )
