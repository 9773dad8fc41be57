"""Official CC-FPSE files become our generator's tensors, strictly; predicted kernels go by tap."""

import dataclasses

import pytest
import torch

from intarsia import systems
from intarsia.checkpoints.convert import ccfpse as convert
from intarsia.checkpoints.convert.spade import encoder_keys
from intarsia.errors import CheckpointError, ConfigError
from intarsia.systems.ccfpse import CcfpseGenerator
from tests.goldens import parity
from tests.goldens.spade import entries

STYLED = systems.preset("ccfpse-tiny-style").config
PLAIN = dataclasses.replace(STYLED, style=False)
MEND = "Choose the preset and network that it was trained as."


@pytest.fixture
def official(monkeypatch):
    """State dicts of G and E in the release's keys, made by the rule, for presets of a test's size."""
    recipe = systems.preset("ccfpse-tiny").recipe
    for name, config in (("ccfpse-test-no-style", PLAIN), ("ccfpse-test", STYLED)):
        monkeypatch.setitem(systems.PRESETS, name, systems.Preset("ccfpse", config, recipe))
    plain, styled = CcfpseGenerator(PLAIN), CcfpseGenerator(STYLED)
    keys, style_keys = convert.generator_keys(PLAIN), encoder_keys()
    own = {key: value for key, value in styled.state_dict().items() if not key.startswith("encoder.")}
    return {
        "G": parity.official(entries(keys, plain.state_dict()), {}),
        "G with a style": parity.official(entries(convert.generator_keys(STYLED), own), {}),
        "E": parity.official(entries(style_keys, styled.encoder.state_dict()), {}),
    }


def save(path, weights):
    torch.save(weights, path)
    return path


def test_a_converted_generator_has_every_official_number_that_is_called(official, tmp_path):
    config, tensors = convert.generator_weights("ccfpse-test-no-style", save(tmp_path / "G.pth", official["G"]), None)
    assert config == PLAIN
    CcfpseGenerator(config).load_state_dict(tensors)  # strict
    called = {key: value for key, value in official["G"].items() if key not in convert.generator_keys(PLAIN).left_out}
    held = torch.cat([value.flatten() for value in tensors.values()])
    given = torch.cat([value.flatten() for value in called.values()])
    assert torch.equal(held.sort().values, given.sort().values)
    assert torch.equal(tensors["pyramid.up.5.conv.weight"], official["G"]["labeldec6.0.0.weight_orig"])
    assert torch.equal(tensors["decoder.blocks.4.mix_2.weight"], official["G"]["up_1.conv_3.weight"])


def test_predicted_kernels_are_reordered_by_tap(official, tmp_path):
    _, tensors = convert.generator_weights("ccfpse-test-no-style", save(tmp_path / "G.pth", official["G"]), None)
    for net, name in ((0, "gen_weights1"), (1, "gen_weights2")):
        for part in ("weight", "bias"):
            ours, theirs = (
                tensors[f"decoder.blocks.5.predictor.nets.{net}.{part}"],
                official["G"][f"up_2.{name}.2.{part}"],
            )
            channels = len(ours) // 9
            for channel, tap in ((0, 0), (1, 0), (0, 1), (channels - 1, 8), (3, 5)):
                assert torch.equal(ours[tap * channels + channel], theirs[channel * 9 + tap])


def test_what_is_never_called_is_left_out_with_a_reason():
    left = convert.generator_keys(PLAIN).left_out
    for key in ("head_0.norm_0.weight", "up_3.conv_0.norm_layer.running_var", "up_0.conv_2.norm_layer.bias"):
        assert left[key] == "belongs to a normalisation that the published network holds and never calls"
    assert left["up_3.norm_2.num_batches_tracked"] == "counts batches, which only a cumulative average needs"


def test_generator_and_encoder_become_one(official, tmp_path):
    generator = save(tmp_path / "G.pth", official["G with a style"])
    encoder = save(tmp_path / "E.pth", official["E"])
    config, tensors = convert.generator_weights("ccfpse-test", generator, encoder)
    network = CcfpseGenerator(config)
    network.load_state_dict(tensors)
    assert torch.equal(network.encoder.mean.weight, official["E"]["fc_mu.weight"])
    assert torch.equal(network.start.weight, official["G with a style"]["fc.weight"])


def test_weights_that_do_not_fit_are_refused(official, tmp_path):
    official["G"]["labelenc8.0.0.weight_orig"] = torch.zeros(1)
    path = save(tmp_path / "G.pth", official["G"])
    with pytest.raises(CheckpointError) as caught:
        convert.generator_weights("ccfpse-test-no-style", path, None)
    assert str(caught.value) == (
        f"weight file {path} has labelenc8.0.0.weight_orig, which ccfpse-test-no-style does not know. {MEND}"
    )


def test_the_encoder_is_asked_for_where_it_belongs(tmp_path):
    with pytest.raises(ConfigError) as caught:
        convert.generator_weights("ccfpse-ade20k", tmp_path / "G.pth", None)
    assert str(caught.value) == (
        "preset ccfpse-ade20k has a style encoder. Give its weights as --encoder FILE (..._net_E.pth)."
    )
    with pytest.raises(ConfigError) as caught:
        convert.generator_weights("ccfpse-ade20k-no-style", tmp_path / "G.pth", tmp_path / "E.pth")
    assert str(caught.value) == (
        "preset ccfpse-ade20k-no-style has no style encoder. Leave --encoder out, or choose ccfpse-ade20k."
    )


def test_label_maps_are_read_as_the_released_networks_take_them():
    ade, coco, city = (convert.label_space_of(f"ccfpse-{data}") for data in ("ade20k", "coco", "cityscapes"))
    assert (ade.channels, coco.channels, city.channels) == (151, 183, 35)
    assert [ade.classes[place].id for place in (0, 1, 150)] == [0, 1, 150]
    assert (coco.has_dont_care, ade.has_dont_care, city.has_dont_care) == (True, False, False)


def test_presets_of_other_systems_are_refused(tmp_path):
    with pytest.raises(ConfigError) as caught:
        convert.generator_weights("spade-tiny", tmp_path / "G.pth", None)
    assert str(caught.value) == "preset spade-tiny is of system spade, not ccfpse. Choose one that starts with ccfpse-."
