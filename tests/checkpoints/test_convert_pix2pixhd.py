"""Official pix2pixHD files become our generator's tensors, strictly."""

import dataclasses

import pytest
import torch

from intarsia import systems
from intarsia.checkpoints.convert import pix2pixhd as convert
from intarsia.errors import CheckpointError, ConfigError
from intarsia.systems.pix2pixhd import Pix2pixHDGenerator
from tests.goldens import parity
from tests.goldens.spade import entries

FEATURED = systems.preset("pix2pixhd-tiny").config
PLAIN = dataclasses.replace(FEATURED, features=0)
MEND = "Choose the preset and network that it was trained as."


@pytest.fixture
def official(monkeypatch):
    """State dicts of G and E in the release's keys, made by the rule, for presets of a test's size."""
    recipe = systems.preset("pix2pixhd-tiny").recipe
    for name, config in (("pix2pixhd-test", PLAIN), ("pix2pixhd-test-feat", FEATURED)):
        monkeypatch.setitem(systems.PRESETS, name, systems.Preset("pix2pixhd", config, recipe))

    def of(keys, network):
        """Without what is left out: files of today have no running moments."""
        shapes = [entry for entry in entries(keys, network.state_dict()) if entry[0] not in keys.left_out]
        return parity.official(shapes, {})

    plain, featured = Pix2pixHDGenerator(PLAIN), Pix2pixHDGenerator(FEATURED)
    return {
        "G": of(convert.generator_keys(PLAIN), plain.body),
        "G with features": of(convert.generator_keys(FEATURED), featured.body),
        "E": of(convert.encoder_keys(FEATURED), featured.encoder),
    }


def save(path, weights):
    torch.save(weights, path)
    return path


def test_a_converted_generator_has_every_official_number(official, tmp_path):
    config, tensors = convert.generator_weights("pix2pixhd-test", save(tmp_path / "G.pth", official["G"]), None)
    assert config == PLAIN
    Pix2pixHDGenerator(config).load_state_dict(tensors)  # strict
    held = torch.cat([value.flatten() for value in tensors.values()])
    given = torch.cat([value.flatten() for value in official["G"].values()])
    assert torch.equal(held.sort().values, given.sort().values)
    assert torch.equal(tensors["body.trunk.up.1.conv.weight"], official["G"]["model.14.weight"])
    assert torch.equal(tensors["body.enhancers.0.first.conv.joint.whole.weight"], official["G"]["model1_1.1.weight"])
    assert torch.equal(tensors["body.last.weight"], official["G"]["model1_2.5.weight"])


def test_generator_and_encoder_become_one(official, tmp_path):
    generator = save(tmp_path / "G.pth", official["G with features"])
    encoder = save(tmp_path / "E.pth", official["E"])
    config, tensors = convert.generator_weights("pix2pixhd-test-feat", generator, encoder)
    network = Pix2pixHDGenerator(config)
    network.load_state_dict(tensors)
    assert torch.equal(network.encoder.last.weight, official["E"]["model.17.weight"])


def test_running_moments_of_old_files_are_left_out_with_a_reason(official, tmp_path):
    old = official["G"] | {"model.2.running_mean": torch.zeros(8), "model.2.running_var": torch.ones(8)}
    _, tensors = convert.generator_weights("pix2pixhd-test", save(tmp_path / "G.pth", old), None)
    Pix2pixHDGenerator(PLAIN).load_state_dict(tensors)
    assert convert.generator_keys(PLAIN).left_out["model.2.running_mean"] == (
        "instance normalisation takes the moments of each image; files from before PyTorch 0.4 hold running ones too"
    )


def test_the_released_keys_are_those_that_the_map_explains():
    """Places of the published 512p and 1024p generators in their sequences of modules."""
    coarse, fine = (systems.preset(f"pix2pixhd-cityscapes-{name}").config for name in ("512p", "1024p"))
    keys = {key for group in convert.generator_keys(coarse).sources.values() for key in group}
    plain = [1, 4, 7, 10, 13, 25, 28, 31, 34, 38]
    blocks = [f"{place}.conv_block.{conv}" for place in range(16, 25) for conv in (1, 5)]
    assert keys == {f"model.{place}.{part}" for place in [*plain, *blocks] for part in ("weight", "bias")}
    keys = {key for group in convert.generator_keys(fine).sources.values() for key in group}
    around = ["model1_1.1", "model1_1.4", "model1_2.3", "model1_2.7"]
    around += [f"model1_2.{place}.conv_block.{conv}" for place in range(3) for conv in (1, 5)]
    inside = [f"model.{place}" for place in [*plain[:-1], *blocks]]
    assert keys == {f"{place}.{part}" for place in inside + around for part in ("weight", "bias")}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda g: g.pop("model1_2.5.bias"), f"lacks model1_2.5.bias, which pix2pixhd-test needs. {MEND}"),
        (
            lambda g: g.update({"model.18.weight": torch.zeros(1)}),
            f"has model.18.weight, which pix2pixhd-test does not know. {MEND}",
        ),
        (
            lambda g: g.update({"model1_1.1.weight": torch.zeros(4, 9, 7, 7)}),
            f"has model1_1.1.weight of shape (4, 9, 7, 7); pix2pixhd-test needs (4, 7, 7, 7). {MEND}",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(official, tmp_path, spoil, message):
    spoil(official["G"])
    path = save(tmp_path / "G.pth", official["G"])
    with pytest.raises(CheckpointError) as caught:
        convert.generator_weights("pix2pixhd-test", path, None)
    assert str(caught.value) == f"weight file {path} {message}"


def test_the_encoder_is_asked_for_where_it_belongs(tmp_path):
    with pytest.raises(ConfigError) as caught:
        convert.generator_weights("pix2pixhd-cityscapes-512p-feat", tmp_path / "G.pth", None)
    assert str(caught.value) == (
        "preset pix2pixhd-cityscapes-512p-feat has an image encoder. Give its weights as --encoder FILE "
        "(..._net_E.pth)."
    )
    with pytest.raises(ConfigError) as caught:
        convert.generator_weights("pix2pixhd-cityscapes-512p", tmp_path / "G.pth", tmp_path / "E.pth")
    assert str(caught.value) == (
        "preset pix2pixhd-cityscapes-512p has no image encoder. Leave --encoder out, or choose "
        "pix2pixhd-cityscapes-512p-feat."
    )


def test_a_preset_of_another_system_is_refused(tmp_path):
    with pytest.raises(ConfigError) as caught:
        convert.generator_weights("spade-tiny", tmp_path / "G.pth", None)
    assert str(caught.value) == (
        "preset spade-tiny is of system spade, not pix2pixhd. Choose one that starts with pix2pixhd-."
    )


def test_published_presets_read_the_ids_of_cityscapes():
    space = convert.label_space_of("pix2pixhd-cityscapes-512p")
    assert space.channels == 35
    assert [space.classes[place].id for place in (0, 26, 33)] == [0, 26, 33]
