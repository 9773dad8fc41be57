"""Official SIMS checkpoints become our generator's tensors, strictly; blue and red change places in the painting."""

import numpy as np
import pytest
import torch

from intarsia import cli, systems
from intarsia.checkpoints.convert import sims as convert
from intarsia.checkpoints.snapshot import load_generator
from intarsia.errors import CheckpointError, ConfigError
from intarsia.systems.sims import SimsGenerator
from tests.checkpoints import bundle_files
from tests.goldens import rule

TINY = systems.preset("sims-tiny").config
PARTS = {
    "painting": convert.painting_keys(TINY),
    "placing": convert.placing_keys(),
    "ordering": convert.ordering_keys(),
}


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """The tiny preset's three checkpoints: their weights by part, and the folder."""
    folder = tmp_path_factory.mktemp("official")
    own = SimsGenerator(TINY).state_dict()
    weights = {}
    for part, keys in PARTS.items():
        shapes = {}
        for key, (name,) in keys.sources.items():
            shape = tuple(own[f"{part}.{key}"].shape)
            shapes[name] = (*shape[2:], *shape[1::-1]) if len(shape) in (2, 4) else shape
        weights[part] = rule.weights_for(list(shapes.items()))
        bundle_files.write(folder / part / "model.ckpt", weights[part])
    return weights, folder


def files(folder):
    return [folder / part / "model.ckpt" for part in PARTS]


def test_converted_checkpoints_have_every_official_number(official):
    weights, folder = official
    config, tensors = convert.generator_weights("sims-tiny", *files(folder))
    assert config == TINY
    SimsGenerator(config).load_state_dict(tensors)  # strict
    held = torch.cat([value.flatten() for value in tensors.values()])
    given = torch.cat([torch.from_numpy(v).flatten() for part in weights.values() for v in part.values()])
    assert torch.equal(held.sort().values, given.sort().values)


def test_blue_and_red_change_places(official):
    weights, folder = official
    _, tensors = convert.generator_weights("sims-tiny", *files(folder))
    theirs = torch.from_numpy(weights["painting"]["g_decoder_conv6/g_decoder_conv6_1/weights"]).permute(3, 2, 0, 1)
    ours = tensors["painting.decoder.0.0.conv.weight"]
    order = [*range(7), 9, 8, 7, *range(10, ours.shape[1])]
    assert torch.equal(ours, theirs[:, order])
    image = torch.from_numpy(weights["painting"]["g_64_conv100/biases"])
    assert torch.equal(tensors["painting.to_image.bias"], image.flip(0))


def test_the_command_writes_a_model(official, tmp_path, capsys):
    weights, folder = official
    painting, placing, ordering = map(str, files(folder))
    command = ["convert", "sims", painting, "--placing", placing, "--ordering", ordering, "--preset", "sims-tiny"]
    assert cli.run([*command, "--out", str(tmp_path / "model")]) == 0
    assert capsys.readouterr().out.startswith(f"wrote {tmp_path / 'model'}: sims-tiny, ")
    card, generator = load_generator(tmp_path / "model")
    assert card.system == "sims"
    total = sum(value.size for part in weights.values() for value in part.values())
    assert sum(p.numel() for p in generator.parameters()) == total


def test_a_checkpoint_of_another_part_is_refused(official):
    _, folder = official
    painting, placing, _ = files(folder)
    with pytest.raises(CheckpointError) as caught:
        convert.generator_weights("sims-tiny", painting, placing, placing)
    assert str(caught.value) == (
        f"weight file {placing} has g_b_fc1, which sims-tiny does not know. "
        "Choose the preset and network that it was trained as."
    )


def test_presets_of_other_systems_are_refused(tmp_path):
    with pytest.raises(ConfigError) as caught:
        convert.generator_weights("crn-tiny", *files(tmp_path))
    assert str(caught.value) == "preset crn-tiny is of system crn, not sims. Choose one that starts with sims-."


def test_19_classes_and_dont_care():
    space = convert.label_space_of("sims-cityscapes-512p")
    assert space.channels == 20
    assert space.encode(np.array([[0, 18, 255]]), "map.png").tolist() == [[0, 18, 19]]
