"""SIMS: published sizes and recipes, its three networks, and coded, dense and frozen roads."""

import dataclasses

import pytest
import torch

from intarsia import systems
from intarsia.blocks.frozen import freeze
from intarsia.blocks.segment_networks import PaintingNetwork
from intarsia.conditioning.semantics import coded_labels
from intarsia.data.street import STREET
from intarsia.errors import ConfigError, LabelError
from intarsia.records import Condition, Seeds
from intarsia.systems.sims import SimsConfig, SimsGenerator, colours_of, inherited
from intarsia.systems.system import Recipe
from tests import maps
from tests.systems import matrix

PUBLISHED = {
    "sims-cityscapes-256p": 55_671_319,
    "sims-cityscapes-512p": 56_138_903,
    "sims-cityscapes-1024p": 56_138_987,
}
PLACING, ORDERING = 14_734_086, 15_267_476
TINY = systems.preset("sims-tiny").config


def counts(config):
    with torch.device("meta"):
        generator = systems.build("sims", config, Recipe({}, {})).generator
    parts = (generator.painting, generator.placing, generator.ordering)
    return tuple(sum(p.numel() for p in part.parameters()) for part in parts)


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name):
    assert counts(systems.preset(name).config) == (PUBLISHED[name], PLACING, ORDERING)


def test_the_street_presets_are_small():
    assert sum(counts(systems.preset("sims-street-64").config)) < 2e6
    assert sum(counts(systems.preset("sims-street-128").config)) < 2e6


def test_published_recipes():
    first, fine, finest = (systems.preset(name).recipe for name in PUBLISHED)
    assert first.generator_weights == {"content": 1.0, "meaning": 10.0, "placement": 1.0, "order": 1.0}
    assert {(r.generator_rate, r.betas, r.batch, r.flip) for r in (first, fine, finest)} == {
        (1e-4, (0.9, 0.999), 1, False)
    }
    assert (first.epochs, fine.epochs, finest.epochs) == (800, 100, 100)
    assert (first.crop_size, finest.crop_size) == ((256, 512), (1024, 2048))


def test_the_street_presets_know_their_classes():
    config = systems.preset("sims-street-64").config
    names = [one.name for one in STREET.classes]
    assert [names[label] for label in config.thin] == ["pole", "sign", "traffic light"]
    assert "road" in [names[label] for label in config.ground]
    assert "car" not in [names[label] for label in config.stuff]


def test_a_plane_for_unlabelled_is_added_where_the_data_has_none():
    assert (TINY.planes, TINY.roles.unlabelled, TINY.roles.classes) == (7, 6, 6)
    with_it = SimsConfig(20)
    assert (with_it.planes, with_it.roles.unlabelled, with_it.roles.classes) == (20, 19, 19)
    assert systems.for_label_space(TINY, STREET).planes == 29


def test_at_first_segments_stay_where_they_are():
    system = matrix.build("sims-tiny")
    lessons = matrix.condition(system).lessons
    theta = system.generator.places(lessons.proposals, lessons.queries, lessons.layout)
    assert torch.equal(theta, torch.tensor([[1.0, 0, 0, 0, 1, 0]]).expand_as(theta))


def test_the_head_says_classes_and_the_others_answer_their_lessons():
    system = matrix.build("sims-tiny")
    made = system.generator(matrix.condition(system))
    assert made.logits.shape == (2, 7, 64, 64)
    assert made.placed.shape == (2, 3, 64, 64)
    assert made.scores.shape == (2, 2, 7)
    without = system.generator(dataclasses.replace(matrix.condition(system), lessons=None))
    assert without.placed is None
    assert without.scores is None
    assert torch.equal(without.image, made.image)


def test_what_is_dropped_hangs_on_the_seeds_and_only_in_training():
    system = matrix.build("sims-tiny")
    photos = matrix.batch(system)
    first, other = (system.condition(photos, Seeds(seeds)) for seeds in ((1, 2), (3, 4)))
    swapped = dataclasses.replace(first, lessons=dataclasses.replace(first.lessons, dropout=other.lessons.dropout))
    scores = [system.generator(condition).scores for condition in (first, first, swapped)]
    assert torch.equal(scores[0], scores[1])
    assert not torch.equal(scores[0], scores[2])
    system.generator.eval()
    assert torch.equal(system.generator(first).scores, system.generator(swapped).scores)


@pytest.mark.parametrize("doublings", [0, 1, 2])
def test_coded_dense_and_frozen_agree_at_every_size(doublings):
    torch.manual_seed(0)
    network = PaintingNetwork(5, 2, doublings).eval()
    size = (64 << doublings, 128 << doublings)
    labels = coded_labels(maps.regions(1, 5, *size, batch=1), 5)
    canvas = torch.rand(1, 3, *size) * (torch.rand(1, 1, *size) > 0.5)
    with torch.no_grad():
        image, logits = network(labels.dense(), canvas)
        assert image.shape == (1, 3, *size)
        assert logits.shape == (1, 5, size[0] >> (doublings == 2), size[1] >> (doublings == 2))
        for road in (network, freeze(network)):
            for expected, found in zip((image, logits), road(labels, canvas), strict=True):
                torch.testing.assert_close(found, expected, atol=5e-5, rtol=1e-4)


def test_without_a_canvas_it_is_empty():
    generator = matrix.build("sims-tiny").generator.eval()
    labels = coded_labels(maps.regions(1, 6, 64, 128), 7)
    condition = Condition(labels, (64, 128))
    empty = dataclasses.replace(condition, canvas=torch.zeros(1, 3, 64, 128))
    assert torch.equal(generator(condition).image, generator(empty).image)


def test_colours_tell_labels_apart():
    for config in (TINY, systems.preset("sims-street-64").config, systems.preset("sims-cityscapes-256p").config):
        colours = colours_of(config)
        assert colours.shape == (config.planes + 1, 3)
        assert len(torch.unique(colours, dim=0)) == config.planes
        assert not colours[-2:].any()


def test_a_finer_network_takes_over_all_but_the_last_layers():
    coarse, fine = (systems.preset(f"sims-street-{size}").config for size in (64, 128))
    smaller = dataclasses.asdict(coarse)
    entry = "networks/generator/{}"
    for kept in ("painting.decoder.2.0.conv.weight", "placing.to_theta.bias", "ordering.hidden.conv.weight"):
        assert inherited(fine, entry.format(kept), smaller) == entry.format(kept)
    for new in ("painting.fine.0.norm.weight", "painting.to_image.bias", "painting.to_logits.weight"):
        assert inherited(fine, entry.format(new), smaller) is None
    assert inherited(coarse, entry.format("painting.to_image.bias"), smaller) == entry.format("painting.to_image.bias")
    finest = dataclasses.replace(fine, size=(256, 256), doublings=2)
    assert inherited(finest, entry.format("painting.to_fine_image.bias"), dataclasses.asdict(fine)) is None
    assert inherited(finest, entry.format("painting.to_image.bias"), dataclasses.asdict(fine)) is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "the config of sims has width 0. Give 1 or more."),
        ({"size": (64, 96)}, "size (64, 96) is no multiple of 64. Choose one."),
        ({"doublings": 1}, "size (64, 64) is no multiple of 128. Choose one."),
    ],
)
def test_a_wrong_config_says_where(change, message):
    with pytest.raises(ConfigError) as caught:
        dataclasses.replace(TINY, **change)
    assert str(caught.value) == message


def test_sizes_off_the_grid_are_refused():
    with pytest.raises(ConfigError) as caught:
        SimsGenerator(TINY)(Condition(torch.zeros(1, 7, 32, 64), (32, 64)))
    assert str(caught.value) == "image size (32, 64) is no multiple of 64. Pad the label map."


def test_labels_beyond_the_planes_are_refused():
    system = matrix.build("sims-tiny")
    photos = matrix.batch(system)
    photos.labels[0, 0, 0] = 6
    with pytest.raises(LabelError) as caught:
        system.condition(photos, Seeds((0, 1)))
    assert str(caught.value) == "a label map has train id 6; this network knows 0..5. Check the data."
