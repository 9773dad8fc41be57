"""Official OASIS files become our generator's tensors, strictly; the unknown class moves to the end."""

import numpy as np
import pytest
import torch

from intarsia import systems
from intarsia.checkpoints.convert import oasis as convert
from intarsia.errors import CheckpointError, ConfigError
from intarsia.systems.oasis import OasisGenerator
from tests.goldens import parity
from tests.goldens.spade import entries

TINY = systems.preset("oasis-tiny").config
MEND = "Choose the preset and network that it was trained as."


@pytest.fixture
def official():
    own = OasisGenerator(TINY).state_dict()
    return parity.official(entries(convert.generator_keys("batch"), own), {})


def save(path, weights):
    torch.save(weights, path)
    return path


def test_a_converted_generator_has_every_official_number(official, tmp_path):
    config, tensors = convert.generator_weights("oasis-tiny", save(tmp_path / "best_EMA.pth", official))
    assert config == TINY
    OasisGenerator(config).load_state_dict(tensors)  # strict
    held = torch.cat([value.flatten() for value in tensors.values()]).double()
    given = torch.cat([value.flatten() for key, value in official.items() if "tracked" not in key]).double()
    torch.testing.assert_close(held.sort().values, given.sort().values, atol=0, rtol=0)


def test_noise_stays_first_and_the_unknown_class_becomes_the_last_column(official, tmp_path):
    _, tensors = convert.generator_weights("oasis-tiny", save(tmp_path / "best_EMA.pth", official))
    order = [*range(TINY.noise), *range(TINY.noise + 1, TINY.planes), TINY.noise]
    for own, theirs in (
        ("start.weight", "fc.weight"),
        ("decoder.blocks.2.norm_s.shared.weight", "body.2.norm_s.mlp_shared.0.weight"),
    ):
        assert torch.equal(tensors[own], official[theirs][:, order])


def test_weights_that_do_not_fit_are_refused(official, tmp_path):
    official["body.6.conv_0.bias"] = torch.zeros(1)
    path = save(tmp_path / "G.pth", official)
    with pytest.raises(CheckpointError) as caught:
        convert.generator_weights("oasis-tiny", path)
    assert str(caught.value) == (f"weight file {path} has body.6.conv_0.bias, which oasis-tiny does not know. {MEND}")


def test_presets_of_other_systems_are_refused(tmp_path):
    with pytest.raises(ConfigError) as caught:
        convert.generator_weights("spade-tiny", tmp_path / "G.pth")
    assert str(caught.value) == ("preset spade-tiny is of system spade, not oasis. Choose one that starts with oasis-.")


def test_every_key_left_out_has_its_reason():
    keys = convert.generator_keys("batch")
    assert len(keys.left_out) == 16  # one batch counter in each of the norms
    assert all(key.endswith("num_batches_tracked") and len(reason) > 20 for key, reason in keys.left_out.items())


@pytest.mark.parametrize(
    ("preset", "channels", "raw", "train"),
    [
        ("oasis-ade20k", 151, [0, 1, 150], [150, 0, 149]),
        ("oasis-coco", 183, [0, 181, 255], [0, 181, 182]),
        ("oasis-cityscapes-vgg", 35, [0, 1, 34], [34, 0, 33]),
    ],
)
def test_published_presets_read_the_data_sets_own_values(preset, channels, raw, train):
    space = convert.label_space_of(preset)
    assert space.channels == systems.preset(preset).config.labels == channels
    assert space.encode(np.array([raw]), "map.png").tolist() == [train]
