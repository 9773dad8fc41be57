"""Content terms: their files, what they do without, where the gradient goes."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.io import savemat

from intarsia import cli, pretrained, systems
from intarsia.blocks import vgg
from intarsia.errors import CheckpointError, ConfigError
from intarsia.systems.content import MEAN, Published
from intarsia.systems.system import Recipe
from tests.systems import matrix

TINY = systems.preset("crn-tiny")
OF_VGG19 = systems.preset("crn-cityscapes-256p").config.level_weights

LAYERS = 43  # in MatConvNet's file, counting ReLU, pooling and the classifier


def vgg19_file(path, spoil=lambda number, weight: weight):
    """MatConvNet's file, in miniature: small numbers in the shapes of VGG19."""
    draw = np.random.default_rng(0)
    own = vgg.Vgg19(pretrained.MATCONVNET_TAP, average=True).state_dict()
    layers = np.empty((1, LAYERS), object)
    for number in range(LAYERS):
        layers[0, number] = {"type": "relu"}
    for number, layer in vgg.layer_keys(pretrained.MATCONVNET_TAP).items():
        out, inputs, high, wide = own[f"{layer}.weight"].shape
        weight = draw.standard_normal((high, wide, inputs, out)).astype(np.float32) / (3 * inputs**0.5)
        both = np.empty((1, 2), object)
        both[0, 0], both[0, 1] = spoil(number, weight), np.zeros((out, 1), np.float32)
        layers[0, number] = {"type": "conv", "weights": both}
    savemat(path, {"layers": layers})
    return path


def test_matconvnets_file_is_read(tmp_path):
    network = pretrained.read_matconvnet_vgg19(vgg19_file(tmp_path / "vgg.mat"))
    image = torch.rand(1, 3, 32, 48) * 2 - 1
    levels = Published(network)(image)
    assert [level.shape[1] for level in levels] == [3, 64, 128, 256, 512, 512]
    assert [level.shape[2] for level in levels] == [32, 32, 16, 8, 4, 2]
    expected = (image + 1) * 127.5 - torch.tensor(MEAN)[:, None, None]
    torch.testing.assert_close(levels[0], expected)


def test_vgg19_may_see_half_the_resolution_and_channels_turned_round(tmp_path):
    network = pretrained.read_matconvnet_vgg19(vgg19_file(tmp_path / "vgg.mat"))
    image = torch.rand(1, 3, 32, 48) * 2 - 1
    levels = Published(network, flipped=True, halved=True)(image)
    assert [level.shape[2] for level in levels] == [32, 16, 8, 4, 2, 1]
    torch.testing.assert_close(levels[0], Published(network)(image.flip(1))[0])


def test_a_file_of_another_network_is_refused(tmp_path):
    other = tmp_path / "other.mat"
    mend = f"Give MatConvNet's {pretrained.MATCONVNET_FILE}."
    cases = {
        tmp_path / "none.mat": f"weight file {tmp_path}/none.mat does not exist. {mend}",
        vgg19_file(other, lambda number, weight: weight[:, :, :1]): (
            f"weight file {other} cannot be read as VGG19. {mend}"
        ),
    }
    (tmp_path / "text.mat").write_text("no such thing")
    cases[tmp_path / "text.mat"] = f"weight file {tmp_path}/text.mat cannot be read as VGG19. {mend}"
    for path, message in cases.items():
        with pytest.raises(CheckpointError) as caught:
            pretrained.read_matconvnet_vgg19(path)
        assert str(caught.value) == message


def test_without_the_file_the_term_names_it():
    with pytest.raises(ConfigError) as caught:
        systems.build("crn", TINY.config, Recipe({"content_nearest": 1.0}, {}))
    assert str(caught.value) == (
        "the term content_nearest looks at 6 levels, and the config has 5 level_weights. Give 6."
    )
    config = dataclasses.replace(TINY.config, level_weights=OF_VGG19)
    with pytest.raises(ConfigError) as caught:
        systems.build("crn", config, Recipe({"content_nearest": 1.0}, {}))
    assert str(caught.value) == (
        "the recipe weighs the term content_nearest, which needs VGG19's weights. Download "
        "imagenet-vgg-verydeep-19.mat (MatConvNet's) and give it as --perceptual FILE, or leave the term out: "
        "--without content_nearest."
    )


def test_training_takes_the_file(tmp_path):
    config = dataclasses.replace(TINY.config, level_weights=OF_VGG19)
    recipe = Recipe({"content_nearest": 0.999, "content_average": 0.001}, {})
    system = systems.build("crn", config, recipe, perceptual=vgg19_file(tmp_path / "vgg.mat"))
    made = matrix.round_of(system, matrix.condition(system))
    terms = system.generator_terms(made)
    assert 0 < terms["content_nearest"] <= terms["content_average"]
    terms["content_nearest"].backward()
    assert all(torch.isfinite(p.grad).all() for p in system.generator.parameters())


def test_a_photo_is_no_error_of_itself_and_only_the_nearest_image_learns():
    system = matrix.build("crn-tiny")
    made = matrix.round_of(system, matrix.condition(system))
    photo = made.batch.image
    images = torch.stack([photo, torch.zeros_like(photo), -photo], 1).requires_grad_(True)
    terms = system.generator_terms(dataclasses.replace(made, fake=dataclasses.replace(made.fake, images=images)))
    assert terms["content_nearest_lite0"].abs() < 1e-6
    terms["content_average_lite0"].backward(retain_graph=True)
    assert all(images.grad[:, place].abs().max() > 0 for place in (1, 2))
    images.grad = None
    terms["content_nearest_lite0"].backward()
    assert not images.grad[:, 1:].any()


def test_each_class_chooses_its_own_image():
    system = matrix.build("crn-tiny")
    made = matrix.round_of(system, matrix.condition(system))
    photo = made.batch.image
    left = made.batch.labels < 3
    halves = [torch.where(side[:, None], photo, -photo) for side in (left, ~left)]
    images = torch.stack([*halves, -photo], 1)
    terms = system.generator_terms(dataclasses.replace(made, fake=dataclasses.replace(made.fake, images=images)))
    alone = system.generator_terms(
        dataclasses.replace(made, fake=dataclasses.replace(made.fake, images=images[:, :1].expand_as(images)))
    )
    assert terms["content_nearest_lite0"] < 0.7 * alone["content_nearest_lite0"]


def test_a_file_for_a_recipe_that_looks_through_none_is_refused(tmp_path, capsys):
    from tests.training.scene import write_data

    data = write_data(tmp_path / "data", pairs=2, size=40)
    command = ["train", "--preset", "crn-tiny", "--data", str(data), "--out", str(tmp_path / "run")]
    assert cli.run([*command, "--perceptual", "vgg.mat"]) == 2
    assert capsys.readouterr().err == (
        "error: the recipe has no term perceptual, so vgg.mat is of no use. Leave --perceptual out.\n"
    )
