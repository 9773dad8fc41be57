"""Official SPADE files become our generator's tensors, strictly."""

import dataclasses

import pytest
import torch
from safetensors.torch import save_file

from intarsia import systems
from intarsia.checkpoints.convert import spade as convert
from intarsia.checkpoints.convert.keymap import KeyMap, converted
from intarsia.errors import CheckpointError, ConfigError
from intarsia.records import Condition
from intarsia.systems.spade import SpadeGenerator
from tests.goldens import parity
from tests.goldens.spade import entries

CONFIG = dataclasses.replace(systems.preset("spade-tiny").config, hidden=128)


@pytest.fixture
def official(monkeypatch):
    """State dicts of G and E in the release's keys, made by the rule, for presets of a test's size."""
    styled = dataclasses.replace(CONFIG, style=True)
    for name, config in (("spade-test", CONFIG), ("spade-test-style", styled)):
        monkeypatch.setitem(systems.PRESETS, name, systems.Preset("spade", config, systems.preset("spade-tiny").recipe))
    own = SpadeGenerator(styled).state_dict()
    encoder = {key.removeprefix("encoder."): value for key, value in own.items() if key.startswith("encoder.")}

    def generator(config):
        return parity.official(entries(convert.generator_keys(config), SpadeGenerator(config).state_dict()), {})

    return {
        "G": generator(CONFIG),
        "G with style": generator(styled),
        "E": parity.official(entries(convert.encoder_keys(), encoder), {}),
    }


def save(path, weights):
    torch.save(weights, path)
    return path


def test_a_converted_generator_has_every_official_number(official, tmp_path):
    config, tensors = convert.generator_weights("spade-test", save(tmp_path / "G.pth", official["G"]), None)
    assert config == CONFIG
    generator = SpadeGenerator(config)
    generator.load_state_dict(tensors)  # strict
    held = torch.cat([value.flatten() for value in tensors.values()]).double()
    given = torch.cat([value.flatten() for key, value in official["G"].items() if "tracked" not in key]).double()
    assert len(held) == len(given)
    torch.testing.assert_close(held.sort().values, given.sort().values, atol=0, rtol=0)
    block = official["G"]
    stacked = torch.cat([block["up_0.norm_s.mlp_gamma.weight"], block["up_0.norm_s.mlp_beta.weight"]])
    assert torch.equal(tensors["decoder.blocks.3.norm_s.gamma_beta.weight"], stacked)
    assert generator.eval()(Condition(torch.zeros(1, 6, 32, 32), (32, 32))).image.isfinite().all()


def test_pth_and_safetensors_convert_alike(official, tmp_path):
    save_file(official["G"], tmp_path / "G.safetensors")
    _, first = convert.generator_weights("spade-test", save(tmp_path / "G.pth", official["G"]), None)
    _, second = convert.generator_weights("spade-test", tmp_path / "G.safetensors", None)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_generator_and_encoder_become_one(official, tmp_path):
    generator = save(tmp_path / "G.pth", official["G with style"])
    encoder = save(tmp_path / "E.pth", official["E"])
    config, tensors = convert.generator_weights("spade-test-style", generator, encoder)
    network = SpadeGenerator(config)
    network.load_state_dict(tensors)
    assert torch.equal(network.encoder.mean.weight, official["E"]["fc_mu.weight"])


MEND = "Choose the preset and network that it was trained as."


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda g: g.pop("conv_img.bias"), f"lacks conv_img.bias, which spade-test needs. {MEND}"),
        (lambda g: g.update({"fc2.weight": g["fc.bias"]}), f"has fc2.weight, which spade-test does not know. {MEND}"),
        (
            lambda g: g.update({"fc.weight": torch.zeros(64, 9, 3, 3)}),
            f"has fc.weight of shape (64, 9, 3, 3); spade-test needs (64, 6, 3, 3). {MEND}",
        ),
        (
            lambda g: g.update({"up_0.norm_0.mlp_beta.bias": torch.zeros(65)}),
            f"has up_0.norm_0.mlp_beta.bias of shape (65,); spade-test needs (64,). {MEND}",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(official, tmp_path, spoil, message):
    spoil(official["G"])
    path = save(tmp_path / "G.pth", official["G"])
    with pytest.raises(CheckpointError) as caught:
        convert.generator_weights("spade-test", path, None)
    assert str(caught.value) == f"weight file {path} {message}"


def test_the_encoder_is_asked_for_where_it_belongs(tmp_path):
    with pytest.raises(ConfigError) as caught:
        convert.generator_weights("spade-coco-style", tmp_path / "G.pth", None)
    assert str(caught.value) == (
        "preset spade-coco-style has a style encoder. Give its weights as --encoder FILE (..._net_E.pth)."
    )
    with pytest.raises(ConfigError) as caught:
        convert.generator_weights("spade-coco", tmp_path / "G.pth", tmp_path / "E.pth")
    assert str(caught.value) == (
        "preset spade-coco has no style encoder. Leave --encoder out, or choose spade-coco-style."
    )


def test_every_key_left_out_has_its_reason():
    keys = convert.generator_keys(CONFIG)
    assert len(keys.left_out) == 18  # one batch counter in each of the norms
    assert all(key.endswith("num_batches_tracked") and len(reason) > 20 for key, reason in keys.left_out.items())


def test_a_key_map_that_leaves_an_own_key_empty_is_a_mistake_of_ours():
    with pytest.raises(AssertionError, match="must fill exactly"):
        converted({}, KeyMap({}, {}), {"weight": torch.zeros(1)}, "file", "preset")
