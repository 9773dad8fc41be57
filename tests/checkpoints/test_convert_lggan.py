"""Official LGGAN files become our generator's tensors, strictly; the heads become one."""

import numpy as np
import pytest
import torch

from intarsia import systems
from intarsia.checkpoints.convert import lggan as convert
from intarsia.errors import CheckpointError, ConfigError
from intarsia.systems.lggan import LgganGenerator
from tests.goldens import parity
from tests.goldens.spade import entries

TINY = systems.preset("lggan-tiny").config
MEND = "Choose the preset and network that it was trained as."


@pytest.fixture
def official():
    own = LgganGenerator(TINY).state_dict()
    return parity.official(entries(convert.generator_keys(TINY), own), {})


def save(path, weights):
    torch.save(weights, path)
    return path


def test_a_converted_generator_has_every_official_number_that_is_called(official, tmp_path):
    config, tensors = convert.generator_weights("lggan-tiny", save(tmp_path / "G.pth", official))
    assert config == TINY
    LgganGenerator(config).load_state_dict(tensors)  # strict
    called = {key: value for key, value in official.items() if key not in convert.generator_keys(TINY).left_out}
    held = torch.cat([value.flatten() for value in tensors.values()])
    given = torch.cat([value.flatten() for value in called.values()])
    assert torch.equal(held.sort().values, given.sort().values)
    assert torch.equal(tensors["heads.weight"][6:9], official["deconv5_2.weight"])
    assert torch.equal(tensors["grow_weights.1.conv.weight"], official["deconv4_attention.weight"])
    assert torch.equal(tensors["down.3.conv.bias"], official["conv5.bias"])


def test_what_is_never_called_is_left_out_with_a_reason():
    assert convert.generator_keys(TINY).left_out["fc.weight"] == (
        "belongs to SPADE's first layer, which the published network holds and never calls"
    )


def test_weights_of_the_other_layout_are_refused(official, tmp_path):
    """Of another number of heads, as those of ADE20K and of Cityscapes are."""
    official["deconv5_4.weight"] = official["deconv5_3.weight"]
    path = save(tmp_path / "G.pth", official)
    with pytest.raises(CheckpointError) as caught:
        convert.generator_weights("lggan-tiny", path)
    assert str(caught.value) == f"weight file {path} has deconv5_4.weight, which lggan-tiny does not know. {MEND}"


def test_label_maps_are_read_as_the_released_networks_take_them():
    """In ADE20K's files 0 is unlabelled, and comes last."""
    ade, city = (convert.label_space_of(f"lggan-{data}") for data in ("ade20k", "cityscapes"))
    assert (ade.channels, city.channels) == (151, 35)
    assert ade.encode(np.array([[0, 1, 150]], np.uint8), "given").tolist() == [[150, 0, 149]]
    assert city.encode(np.array([[0, 26, 34]], np.uint8), "given").tolist() == [[0, 26, 34]]


def test_presets_of_other_systems_are_refused(tmp_path):
    with pytest.raises(ConfigError) as caught:
        convert.generator_weights("spade-tiny", tmp_path / "G.pth")
    assert str(caught.value) == "preset spade-tiny is of system spade, not lggan. Choose one that starts with lggan-."
