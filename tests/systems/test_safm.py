"""SAFM: published sizes and recipes, its descriptors, and the segmenter that learns beside it."""

import dataclasses
import random

import numpy as np
import pytest
import torch

from intarsia import systems
from intarsia.data.pairs import Pair
from intarsia.errors import ConfigError, DataError
from intarsia.records import Seeds
from intarsia.systems.system import Recipe
from intarsia.training.schedule import weights_in
from tests import maps
from tests.systems import matrix

# As published; of the generator, less what the release builds and never calls: 144 numbers by layer of descriptors.
UNCALLED = 2 * 2 * 36
PUBLISHED = {
    "safm-ade20k": (104_911_947 - 18 * UNCALLED, 11_342_082, 22_258_839),
    "safm-coco": (106_092_819 - 18 * UNCALLED, 11_409_666, 22_260_919),
    "safm-cityscapes": (96_220_251 - UNCALLED, 11_106_562, 22_251_299),
}
TERMS = Recipe({"real_segmentation": 1.0, "fake_segmentation": 1.0}, {})


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name):
    with torch.device("meta"):  # without weights, for counting
        system = systems.build("safm", systems.preset(name).config, TERMS)
    networks = (system.generator, system.discriminator, system.companion)
    assert tuple(sum(p.numel() for p in network.parameters()) for network in networks) == PUBLISHED[name]


def test_published_recipes():
    for name, first in (("ade20k", 101), ("coco", 101), ("cityscapes", 61)):
        recipe = systems.preset(f"safm-{name}").recipe
        assert recipe.generator_weights == {
            "gan": 1.0,
            "feature_matching": 10.0,
            "real_segmentation": 1.0,
            "fake_segmentation": 1.0,
            "perceptual": 10.0,
        }
        assert (recipe.generator_rate, recipe.discriminator_rate, recipe.betas) == (1e-4, 4e-4, (0.0, 0.9))
        assert (recipe.epochs, recipe.decay_epochs, recipe.batch, recipe.average) == (100, 100, 4, None)
        assert "fake_segmentation" not in weights_in(recipe, first - 1)
        assert weights_in(recipe, first) == recipe.generator_weights
    city = systems.preset("safm-cityscapes")
    assert (city.config.first_instance, city.recipe.load_size, city.recipe.crop_size) == (1000, (256, 512), (256, 512))


def test_the_street_presets_are_small():
    for name in ("safm-street-64", "safm-street-128"):
        with torch.device("meta"):
            generator = systems.build("safm", systems.preset(name).config, Recipe({}, {})).generator
        assert sum(p.numel() for p in generator.parameters()) < 12e6


@pytest.mark.parametrize("name", ["safm-tiny", "safm-tiny-once"])
def test_the_image_depends_on_the_objects(name):
    system = matrix.build(name)
    system.generator.eval()
    photos = matrix.batch(system)
    # Of the same edges, so that the descriptors alone differ.
    other = dataclasses.replace(photos, shapes=torch.zeros(2, 72, *system.config.size))
    images = [system.generator(system.condition(batch, Seeds((0, 1)))).image for batch in (photos, other)]
    assert not torch.equal(*images)


def test_the_segmenter_learns_from_photos_and_both_from_made_images():
    system = matrix.build("safm-tiny")
    made = matrix.round_of(system, matrix.condition(system))
    terms = system.generator_terms(made)
    terms["real_segmentation"].backward(retain_graph=True)
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in system.companion.parameters())
    assert all(p.grad is None for p in system.generator.parameters())
    system.companion.zero_grad()
    terms["fake_segmentation"].backward()
    assert all(p.grad is not None for p in system.companion.parameters())
    assert system.generator.decoder.to_image.weight.grad.abs().max() > 0


def test_without_its_terms_there_is_no_segmenter():
    assert matrix.build("safm-tiny-once").companion is None


def test_cuts_bring_their_descriptors_along(tmp_path):
    system = matrix.build("safm-tiny")
    labels = maps.regions(1, 6, 80, 80)[0].numpy().astype(np.uint8)
    instances = maps.regions(2, 9, 80, 80)[0].numpy().astype(np.int32)
    pair = Pair("street", np.zeros((80, 80, 3), np.uint8), labels, instances)
    cut = system.draw(pair, flip=True, rng=random.Random(0), one_class_at_most=1.0, scratch=tmp_path)
    batch = dataclasses.replace(
        matrix.batch(system, 1), labels=cut.labels[None], instances=cut.instances[None], shapes=None
    )
    computed = system.condition(batch, Seeds((0,))).shapes
    assert torch.equal(
        system.condition(dataclasses.replace(batch, shapes=cut.shapes[None]), Seeds((0,))).shapes, computed
    )
    assert len(list(tmp_path.iterdir())) == 1
    bare = dataclasses.replace(pair, instances=None)
    assert system.draw(bare, flip=True, rng=random.Random(0), one_class_at_most=1.0, scratch=None).shapes is None


def test_random_cuts_are_not_kept(tmp_path):
    preset = systems.preset("safm-tiny")
    recipe = dataclasses.replace(preset.recipe, load_size=(72, 72))
    system = matrix.build("safm-tiny", dataclasses.replace(preset, recipe=recipe))
    labels = np.zeros((80, 80), np.uint8)
    pair = Pair("street", np.zeros((80, 80, 3), np.uint8), labels, labels.astype(np.int32) + 1)
    system.draw(pair, flip=True, rng=random.Random(0), one_class_at_most=1.0, scratch=tmp_path)
    assert not list(tmp_path.iterdir())


def test_descriptors_are_asked_for():
    system = matrix.build("safm-tiny")
    with pytest.raises(ConfigError) as caught:
        system.generator(dataclasses.replace(matrix.condition(system), shapes=None))
    assert str(caught.value) == (
        "this generator looks at shapes of objects, and the condition has none. Give descriptors."
    )
    system = matrix.build("safm-tiny-once")
    with pytest.raises(DataError) as caught:
        system.condition(dataclasses.replace(matrix.batch(system), instances=None), Seeds((0, 1)))
    assert str(caught.value) == (
        "this network looks at shapes of objects, and the data has no instance maps. Add them."
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape_width": 0}, "the config of safm has shape_width 0. Give 1 or more."),
        ({"segmenter_width": 9}, "the config of safm has segmenter_width 9. Give an even number."),
    ],
)
def test_a_wrong_config_says_where(change, message):
    with pytest.raises(ConfigError) as caught:
        dataclasses.replace(systems.preset("safm-tiny").config, **change)
    assert str(caught.value) == message
