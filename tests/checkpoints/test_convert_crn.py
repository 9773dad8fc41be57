"""Official CRN checkpoints become our generator's tensors, strictly; the labels' columns move to the front."""

import numpy as np
import pytest
import torch

from intarsia import cli, systems
from intarsia.checkpoints.convert import crn as convert
from intarsia.checkpoints.snapshot import load_generator
from intarsia.errors import CheckpointError, ConfigError
from intarsia.systems.crn import CrnGenerator
from tests.checkpoints import bundle_files
from tests.goldens import rule

TINY = systems.preset("crn-tiny").config


def official():
    """The tiny preset's weights under the official names, with what its optimiser left."""
    own = CrnGenerator(TINY).state_dict()
    shapes = {}
    for key, (name,) in convert.generator_keys(TINY).sources.items():
        shape = tuple(own[key].shape)
        shapes[name] = (*shape[2:], shape[1], shape[0]) if len(shape) == 4 else shape
    weights = rule.weights_for(list(shapes.items()))
    slots = {f"{name}/{slot}": np.zeros_like(value) for name, value in weights.items() for slot in ("Adam", "Adam_1")}
    return weights, slots | {"beta1_power": np.float32(0.5) * np.ones((), np.float32)}


def test_a_converted_checkpoint_has_every_official_number(tmp_path):
    weights, slots = official()
    bundle_files.write(tmp_path / "model.ckpt", weights | slots)
    config, tensors = convert.generator_weights("crn-tiny", tmp_path / "model.ckpt")
    assert config == TINY
    CrnGenerator(config).load_state_dict(tensors)  # strict
    held = torch.cat([value.flatten() for value in tensors.values()])
    given = torch.cat([torch.from_numpy(value).flatten() for value in weights.values()])
    assert torch.equal(held.sort().values, given.sort().values)
    features = tensors["stages.1.conv_0.conv.whole.weight"][:, TINY.labels :]
    theirs = torch.from_numpy(weights["g_8_conv1/weights"]).permute(3, 2, 0, 1)
    assert torch.equal(features, theirs[:, : TINY.widths[0]])


def test_the_command_writes_a_model(tmp_path, capsys):
    weights, _ = official()
    bundle_files.write(tmp_path / "model.ckpt", weights)
    out = tmp_path / "model"
    assert cli.run(["convert", "crn", str(tmp_path / "model.ckpt"), "--preset", "crn-tiny", "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"wrote {out}: crn-tiny, ")
    card, generator = load_generator(out)
    assert (card.system, card.licence) == ("crn", "MIT, as the released code")
    assert sum(p.numel() for p in generator.parameters()) == sum(value.size for value in weights.values())


def test_weights_that_do_not_fit_are_refused(tmp_path):
    weights, _ = official()
    path = tmp_path / "model.ckpt"
    bundle_files.write(path, weights | {"g_64_conv1/weights": np.zeros((3, 3, 1, 1), np.float32)})
    with pytest.raises(CheckpointError) as caught:
        convert.generator_weights("crn-tiny", path)
    assert str(caught.value) == (
        f"weight file {path} has g_64_conv1/weights, which crn-tiny does not know. "
        "Choose the preset and network that it was trained as."
    )


def test_presets_of_other_systems_are_refused(tmp_path):
    with pytest.raises(ConfigError) as caught:
        convert.generator_weights("spade-tiny", tmp_path / "model.ckpt")
    assert str(caught.value) == "preset spade-tiny is of system spade, not crn. Choose one that starts with crn-."


@pytest.mark.parametrize(
    ("preset", "entries"), [("crn-cityscapes-256p", 44), ("crn-cityscapes-512p", 50), ("crn-cityscapes-1024p", 56)]
)
def test_published_checkpoints_have_as_many_entries_as_we_ask_for(preset, entries):
    keys = convert.generator_keys(systems.preset(preset).config)
    assert len({name for group in keys.sources.values() for name in group}) == entries


def test_19_classes_and_dont_care():
    space = convert.label_space_of("crn-cityscapes-256p")
    assert space.channels == 20
    assert space.encode(np.array([[0, 18, 255]]), "map.png").tolist() == [[0, 18, 19]]
