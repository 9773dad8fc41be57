"""LGGAN: published sizes and recipes, its branches and losses, and every configuration on every road."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from intarsia import systems
from intarsia.blocks.frozen import freeze
from intarsia.conditioning.semantics import coded_labels
from intarsia.errors import ConfigError
from intarsia.losses import adversarial, matching
from intarsia.records import Batch, Branches, Condition, Round, Synthesis
from intarsia.systems import lggan
from intarsia.systems.lggan import LgganConfig, LgganGenerator
from intarsia.systems.system import Recipe
from intarsia.training.rounds import Share, discriminator_round, generator_round
from tests import maps
from tests.systems import matrix

PUBLISHED = {
    # generator, of which in a layer that the published network never calls; discriminator
    "lggan-cityscapes": (111_123_495, 332_800, 5_601_410),
    "lggan-ade20k": (115_091_019, 1_392_640, 5_836_930),
}
TINY = systems.preset("lggan-tiny").config


def sized(config):
    with torch.device("meta"):  # no weights are made
        return systems.build("lggan", config, Recipe({}, {}))


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name):
    system, (generator, uncalled, discriminator) = sized(systems.preset(name).config), PUBLISHED[name]
    assert (count(system.generator) + uncalled, count(system.discriminator)) == (generator, discriminator)


def test_street_presets_are_small():
    assert count(sized(systems.preset("lggan-street-64").config).generator) < 8e6
    assert count(sized(systems.preset("lggan-street-128").config).generator) < 8e6


def test_the_published_layouts():
    """All of Cityscapes' classes have heads; in ADE20K the classes from 51 on, and don't-care, share the last."""
    city, ade = (systems.preset(f"lggan-{data}").config for data in ("cityscapes", "ade20k"))
    assert (city.heads, city.scored, city.depth, city.size) == (35, 35, "more", (256, 512))
    assert (ade.heads, ade.scored, ade.depth, ade.size) == (52, 51, "normal", (256, 256))
    assert not city.trucks_as_cars
    assert not ade.trucks_as_cars


def test_published_recipes():
    ade, city = (systems.preset(f"lggan-{data}").recipe for data in ("ade20k", "cityscapes"))
    weights = {"gan": 1.0, "feature_matching": 10.0, "perceptual": 10.0, "classification": 1.0, "local": 1.0}
    assert ade.generator_weights == city.generator_weights == weights
    assert (ade.generator_rate, ade.discriminator_rate, ade.betas) == (1e-4, 4e-4, (0.0, 0.9))
    assert (ade.epochs, ade.decay_epochs, ade.batch, ade.crop_size) == (100, 100, 24, (256, 256))
    assert (city.epochs, city.decay_epochs, city.batch, city.crop_size) == (100, 100, 8, (256, 512))


def test_every_weight_is_initialised_by_xavier():
    """Spectrally normalised and transposed ones too; heads one by one."""
    system = matrix.build("lggan-tiny")
    weights = {f"heads {k}": w for k, w in enumerate(system.generator.heads.weight.chunk(TINY.heads))}
    for network in (system.generator, system.discriminator):
        for name, module in network.named_modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
                weights[name] = module.weight
                assert module.bias is None or not module.bias.any(), name
    for name, weight in weights.items():
        expected = 0.02 * (2 / (weight[0, 0].numel() * (weight.shape[0] + weight.shape[1]))) ** 0.5
        if weight.numel() > 500:
            assert weight.std().item() == pytest.approx(expected, rel=0.15), name


def test_the_image_is_weighed_together_from_its_branches():
    system = matrix.build("lggan-tiny")
    made = system.generator(matrix.condition(system))
    branches = made.branches
    shares = branches.weights
    torch.testing.assert_close(shares.sum(1), torch.ones_like(shares[:, 0]))
    torch.testing.assert_close(made.image, shares[:, :1] * branches.local + shares[:, 1:] * branches.whole)
    assert branches.heads.shape == (2, TINY.heads, 3, *TINY.size)
    assert branches.scores.shape == (2, TINY.scored, TINY.scored)
    parts = (made.image, branches.whole, branches.local)
    assert all(image is part for image, part in zip(made.judged, parts, strict=True))


def test_all_three_images_are_judged_and_the_photo_once():
    """Through the rounds of training, whose call of the discriminator has all of them."""
    system = matrix.build("lggan-tiny")
    system.generator.eval()
    system.discriminator.eval()
    photos, condition = matrix.batch(system), matrix.condition(system)
    share = Share(photos, condition, condition, torch.zeros(system.config.labels, dtype=torch.bool))
    calls = []
    hook = system.discriminator.register_forward_pre_hook(lambda module, given: calls.append(len(given[1])))
    terms, sides = generator_round(system, share).terms, discriminator_round(system, share).terms
    hook.remove()
    assert calls == [8, 8]
    images = system.generator(condition).judged
    fakes = [system.discriminator(condition, image) for image in images]
    real = system.discriminator(condition, photos.image)

    def total(values):
        return sum(values).item()

    assert terms["gan"].item() == pytest.approx(total(adversarial.fooling(v, "hinge") for v in fakes), rel=1e-4)
    expected = total(matching.feature_matching(v, real) for v in fakes)
    assert terms["feature_matching"].item() == pytest.approx(expected, rel=1e-4)
    assert terms["l1"].item() == pytest.approx(total((i - photos.image).abs().mean() for i in images), rel=1e-4)
    assert sides["fake"].item() == pytest.approx(total(adversarial.fake(v, "hinge") for v in fakes), rel=1e-4)
    assert sides["real"].item() == pytest.approx(3 * adversarial.real(real, "hinge").item(), rel=1e-4)


def stored_round(config, labels, heads, scores, photo):
    """A round in which nothing but the heads' images and scores matters."""
    nothing = torch.zeros_like(photo)
    fake = Synthesis(nothing, branches=Branches(nothing, nothing, nothing[:, :2], heads, scores))
    condition = Condition(coded_labels(labels, config.labels), (labels.shape[1], labels.shape[2]))
    return Round(Batch(("a", "b"), photo, labels), condition, fake)


def test_only_classes_that_an_image_shows_are_classified():
    config = LgganConfig(labels=5, most_heads=4)
    labels = torch.tensor([[[0, 0], [2, 4]], [[3, 4], [4, 4]]])  # 0 and 2 in one image; in the other none with a score
    scores = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(0))
    made = stored_round(config, labels, torch.zeros(2, 4, 3, 2, 2), scores, torch.zeros(2, 3, 2, 2))
    expected = F.cross_entropy(scores[0, [0, 2]], torch.tensor([0, 2]))
    torch.testing.assert_close(lggan.classification(config, made), expected)
    none = dataclasses.replace(made, batch=dataclasses.replace(made.batch, labels=torch.full((2, 2, 2), 4)))
    assert lggan.classification(config, none) == 0


def test_each_head_is_held_against_the_photo_under_its_mask():
    config = LgganConfig(labels=5, most_heads=3)
    draw = torch.Generator().manual_seed(0)
    labels = torch.tensor([[[0, 1], [2, 4]], [[3, 4], [1, 1]]])
    heads, photo = torch.rand(2, 3, 3, 2, 2, generator=draw), torch.rand(2, 3, 2, 2, generator=draw)
    masks = [labels == 0, labels == 1, labels >= 2]
    expected = sum((heads[:, k] - photo * mask[:, None]).abs().mean() for k, mask in enumerate(masks))
    made = stored_round(config, labels, heads, torch.zeros(2, 2, 2), photo)
    torch.testing.assert_close(lggan.of_heads(config, made), expected)


def test_the_published_slip_holds_trucks_against_the_mask_of_cars():
    config = LgganConfig(labels=30)
    draw = torch.Generator().manual_seed(0)
    labels = torch.tensor([26, 27, 28, 29]).view(1, 2, 2).repeat(2, 1, 1)
    heads, photo = torch.rand(2, 30, 3, 2, 2, generator=draw), torch.rand(2, 3, 2, 2, generator=draw)
    made = stored_round(config, labels, heads, torch.zeros(2, 30, 30), photo)
    truck, car = (photo * (labels == id)[:, None] for id in (27, 26))
    change = (heads[:, 27] - car).abs().mean() - (heads[:, 27] - truck).abs().mean()
    slipped = lggan.of_heads(dataclasses.replace(config, trucks_as_cars=True), made)
    torch.testing.assert_close(slipped - lggan.of_heads(config, made), change)


CONFIGS = {
    "wide": LgganConfig(5, width=2, size=(32, 96), blocks=1, hidden=4),
    "more, edges, a head for several": LgganConfig(
        5, True, width=2, size=(64, 128), depth="more", blocks=2, most_heads=3, hidden=4
    ),
    "instance, kernel 5": LgganConfig(
        4, width=2, size=(64, 64), blocks=1, hidden=4, kernel=5, normalisation="instance"
    ),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_coded_dense_and_frozen_agree(config):
    """On a label map of another size than the image's, and on another image size than the trained one's, too."""
    torch.manual_seed(0)
    generator = LgganGenerator(config).double()
    height, width = config.size
    labels = maps.regions(2, config.labels, height + 12, width - 4, batch=2)
    instances = maps.regions(3, 20, height + 12, width - 4, batch=2) if config.edges else None
    coded = coded_labels(labels, config.labels, instances)
    coded = coded.recoded(coded.codebook.double())
    with torch.no_grad():
        for _ in range(3):  # statistics and singular vectors that are of these weights
            generator(Condition(coded, config.size))
        generator.eval()
        frozen = freeze(generator)
        for size in (config.size, (2 * height, width)):
            condition = Condition(coded, size)
            expected = generator(condition.dense()).image
            assert expected.shape == (2, 3, *size)
            for network in (generator, frozen, frozen):
                torch.testing.assert_close(network(condition).image, expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"most_heads": 0}, "the config of lggan has most_heads 0. Give 1 or more."),
        ({"kernel": 4}, "the config of lggan has kernel 4. Give an odd number."),
    ],
)
def test_a_wrong_config_says_where(change, message):
    with pytest.raises(ConfigError) as caught:
        dataclasses.replace(TINY, **change)
    assert str(caught.value) == message


def test_sizes_off_the_grid_are_refused():
    system = matrix.build("lggan-tiny")
    with pytest.raises(ConfigError) as caught:
        LgganGenerator(dataclasses.replace(TINY, size=(32, 40)))
    assert str(caught.value) == "size (32, 40) is no multiple of 32. Choose one, or another depth."
    with pytest.raises(ConfigError) as caught:
        system.generator(dataclasses.replace(matrix.condition(system), size=(40, 32)))
    assert str(caught.value) == "image size (40, 32) is no multiple of 32. Pad the label map."
