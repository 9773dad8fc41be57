"""pix2pixHD: published sizes and recipes, its initialisation, features of objects, and growing finer."""

import dataclasses

import pytest
import torch

from intarsia import systems
from intarsia.conditioning.objects import mean_by_object
from intarsia.errors import ConfigError, DataError
from intarsia.records import Seeds
from intarsia.systems.pix2pixhd import Pix2pixHDConfig, held_inside, inherited
from intarsia.systems.system import Recipe
from tests.systems import matrix

ENCODER = 788_803
PUBLISHED = {
    # generator without its encoder, encoder, discriminator
    "pix2pixhd-cityscapes-512p": (182_546_755, 0, 5_603_202),
    "pix2pixhd-cityscapes-512p-feat": (182_556_163, ENCODER, 5_603_202),
    "pix2pixhd-cityscapes-1024p": (182_857_059, 0, 8_404_803),
    "pix2pixhd-cityscapes-1024p-feat": (182_871_171, ENCODER, 8_404_803),
    "pix2pixhd-cityscapes-1024p-crop": (182_857_059, 0, 8_404_803),
    "pix2pixhd-cityscapes-1024p-feat-crop": (182_871_171, ENCODER, 8_404_803),
}


def sized(config):
    """A system without weights, for counting."""
    with torch.device("meta"):
        return systems.build("pix2pixhd", config, Recipe({}, {}))


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name):
    system = sized(systems.preset(name).config)
    encoder = count(system.generator.encoder) if system.config.features else 0
    assert (count(system.generator) - encoder, encoder, count(system.discriminator)) == PUBLISHED[name]


@pytest.mark.parametrize(
    ("labels", "edges", "scales", "parameters"),
    [(35, True, 1, 2_801_601), (150, False, 2, 5_836_674), (182, True, 2, 5_904_258)],
)
def test_discriminators_of_other_label_sets_have_the_published_sizes(labels, edges, scales, parameters):
    config = Pix2pixHDConfig(labels=labels, edges=edges, discriminator_scales=scales)
    assert count(sized(config).discriminator) == parameters


def test_published_recipes():
    coarse, fine, cut = (systems.preset(f"pix2pixhd-cityscapes-{name}") for name in ("512p", "1024p", "1024p-crop"))
    for preset in (coarse, fine, cut):
        recipe = preset.recipe
        assert recipe.generator_weights == {"gan": 1.0, "feature_matching": 10.0, "perceptual": 10.0}
        assert recipe.discriminator_weights == {"fake": 0.5, "real": 0.5}
        assert (recipe.generator_rate, recipe.discriminator_rate, recipe.betas) == (2e-4, 2e-4, (0.5, 0.999))
        assert (recipe.batch, recipe.average, recipe.fresh_fakes, recipe.pool) == (1, None, False, 0)
    assert (coarse.recipe.epochs, coarse.recipe.decay_epochs, coarse.recipe.held) == (100, 100, {})
    assert (fine.recipe.epochs, fine.recipe.decay_epochs, fine.recipe.held) == (50, 50, {"body.trunk.": 10})
    assert (cut.recipe.epochs, cut.recipe.decay_epochs, cut.recipe.held) == (100, 100, {"body.trunk.": 20})
    assert (coarse.recipe.load_size, coarse.recipe.crop_size) == ((512, 1024), (512, 1024))
    assert (fine.recipe.load_size, fine.recipe.crop_size) == (None, (1024, 2048))
    assert (cut.recipe.load_size, cut.recipe.crop_size) == (None, (1024, 1024))
    featured = systems.preset("pix2pixhd-cityscapes-1024p-feat").recipe
    assert featured.held == {"body.trunk.": 10, "encoder.": None}


def test_initialisation_is_as_published():
    """Normal with deviation 0.02; biases as torch makes them; batch normalisation around 1."""
    config = dataclasses.replace(systems.preset("pix2pixhd-tiny").config, normalisation="batch", width=16)
    torch.manual_seed(0)
    system = systems.build("pix2pixhd", config, Recipe({}, {}))
    for network in (system.generator, system.discriminator):
        for name, parameter in network.named_parameters():
            if parameter.dim() == 4 and parameter.numel() > 2000:
                assert parameter.std().item() == pytest.approx(0.02, rel=0.1), name
                assert abs(parameter.mean().item()) < 0.002, name
            elif ".norm" in name and name.endswith("weight"):
                assert (parameter - 1).abs().max() < 0.1, name
                assert parameter.std() > 0, name
            elif ".norm" in name:
                assert not parameter.any(), name
            elif name.endswith("bias"):
                assert parameter.any(), name


def test_features_are_those_of_the_photo_or_as_given():
    system = matrix.build("pix2pixhd-tiny-coarse")
    seen = matrix.condition(system)
    encoded = system.generator.encode(seen.photo, seen.objects)
    assert encoded.shape == (2, 2, 32, 32)
    assert encoded.abs().max() <= 1
    torch.testing.assert_close(encoded, mean_by_object(encoded, seen.objects))
    from_photo = system.generator(seen).image
    torch.testing.assert_close(system.generator(seen.restyled(features=encoded)).image, from_photo)
    assert not torch.equal(system.generator(seen.restyled(features=-encoded)).image, from_photo)


def test_the_fine_encoder_sees_photos_at_half_the_resolution():
    system = matrix.build("pix2pixhd-tiny")
    assert system.config.encoder_shrink == 1
    sizes = []
    system.generator.encoder.register_forward_pre_hook(lambda _, given: sizes.append(tuple(given[0].shape)))
    seen = matrix.condition(system)
    encoded = system.generator.encode(seen.photo, seen.objects)
    assert sizes == [(2, 3, 16, 16)]
    assert encoded.shape == (2, 2, 32, 32)
    torch.testing.assert_close(encoded, mean_by_object(encoded, seen.objects))


def test_features_of_labels_are_averaged_over_classes():
    preset = systems.preset("pix2pixhd-tiny-coarse")
    config = dataclasses.replace(preset.config, features_of="labels", edges=False)
    system = matrix.build("pix2pixhd-tiny-coarse", dataclasses.replace(preset, config=config))
    photos = dataclasses.replace(matrix.batch(system), instances=None)
    seen = system.condition(photos, Seeds((0, 1)))
    assert torch.equal(seen.objects, photos.labels)


def test_losses_are_summed_over_scales():
    system = matrix.build("pix2pixhd-tiny")
    made = matrix.round_of(system, matrix.condition(system))
    terms = system.discriminator_terms(made) | system.generator_terms(made)
    fake, real = (verdict.logits for verdict in (made.fake_verdict, made.real_verdict))
    assert len(fake) == 3
    torch.testing.assert_close(terms["fake"], sum((logits**2).mean() for logits in fake))
    torch.testing.assert_close(terms["real"], sum(((logits - 1) ** 2).mean() for logits in real))
    torch.testing.assert_close(terms["gan"], sum(((logits - 1) ** 2).mean() for logits in fake))


def test_while_the_trunk_is_held_only_the_outermost_enhancer_learns():
    assert held_inside(1, 10) == {"body.trunk.": 10}
    assert held_inside(3, 5) == {"body.trunk.": 5, "body.enhancers.0.": 5, "body.enhancers.1.": 5}


FINE = systems.preset("pix2pixhd-tiny").config
COARSE = dataclasses.asdict(systems.preset("pix2pixhd-tiny-coarse").config)


@pytest.mark.parametrize(
    ("entry", "source"),
    [
        ("generator/body.trunk.up.1.conv.weight", "generator/body.trunk.up.1.conv.weight"),
        ("generator/encoder.last.bias", "generator/encoder.last.bias"),
        ("generator/body.last.weight", None),
        ("generator/body.enhancers.0.up.conv.weight", None),
        ("discriminator/scales.0.last.weight", None),
        ("discriminator/scales.1.last.weight", "discriminator/scales.0.last.weight"),
        ("discriminator/scales.2.first.whole.bias", "discriminator/scales.1.first.whole.bias"),
    ],
)
def test_a_finer_system_starts_with_the_parts_of_a_coarser_one(entry, source):
    assert inherited(FINE, f"networks/{entry}", COARSE) == (source and f"networks/{source}")


def test_a_system_of_the_same_sizes_inherits_everything():
    config = systems.preset("pix2pixhd-tiny").config
    for entry in matrix.build("pix2pixhd-tiny").generator.state_dict():
        name = f"networks/generator/{entry}"
        assert inherited(config, name, dataclasses.asdict(config)) == name


def test_without_features_the_encoder_starts_anew():
    plain = dataclasses.asdict(dataclasses.replace(FINE, features=0))
    assert inherited(FINE, "networks/generator/encoder.last.bias", plain) is None


# What is refused.


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((40, 36), "image size (40, 36) is no multiple of 8. Pad the label map."),
        ((8, 32), "image size (8, 32) is below (16, 16). Pad the label map."),
    ],
)
def test_an_image_size_that_does_not_fit_is_refused(size, message):
    system = matrix.build("pix2pixhd-tiny")
    with pytest.raises(ConfigError) as caught:
        system.generator(dataclasses.replace(matrix.condition(system), size=size))
    assert str(caught.value) == message


def test_the_least_size_is_made():
    system = matrix.build("pix2pixhd-tiny")
    seen = matrix.condition(system)
    small = dataclasses.replace(seen.restyled(features=torch.zeros(2, 2, 16, 16)), size=(16, 16))
    assert system.generator(small).image.shape == (2, 3, 16, 16)


def test_features_without_a_photo_are_refused():
    system = matrix.build("pix2pixhd-tiny")
    with pytest.raises(ConfigError) as caught:
        system.generator(matrix.condition(system).restyled())
    assert str(caught.value) == (
        "this generator looks at features of objects, and the condition has neither features nor a photo with "
        "objects to see them in. Give one of them."
    )


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        (True, "this network looks at instance edges, and the data has no instance maps. Set edges=False."),
        (
            False,
            "this network takes features of instances, and the data has no instance maps. Set features_of=labels.",
        ),
    ],
)
def test_instances_are_asked_for(edges, message):
    preset = systems.preset("pix2pixhd-tiny")
    changed = dataclasses.replace(preset, config=dataclasses.replace(preset.config, edges=edges))
    system = matrix.build("pix2pixhd-tiny", changed)
    with pytest.raises(DataError) as caught:
        system.condition(dataclasses.replace(matrix.batch(system), instances=None), Seeds((0, 1)))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"enhancers": -1}, "the config of pix2pixhd has enhancers -1. Give 0 or more."),
        ({"halvings": 0}, "the config of pix2pixhd has halvings 0. Give 1 or more."),
        ({"ngf": 64}, "no key of a pix2pixhd config is called ngf. Did you mean labels, edges, size?"),
    ],
)
def test_a_wrong_config_says_where(change, message):
    with pytest.raises(ConfigError) as caught:
        systems.config_from_dict("pix2pixhd", dataclasses.asdict(FINE) | change)
    assert str(caught.value) == message
