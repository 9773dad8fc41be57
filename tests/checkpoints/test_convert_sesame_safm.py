"""Official files of SESAME and SAFM become our generators' tensors, strictly; channels are put into our order."""

import numpy as np
import pytest
import torch

from intarsia import cli, systems
from intarsia.checkpoints.convert import safm, sesame
from intarsia.checkpoints.snapshot import load_card, load_generator
from intarsia.errors import CheckpointError, ConfigError
from intarsia.systems.safm import SafmGenerator
from intarsia.systems.sesame import SesameGenerator
from tests.goldens import parity
from tests.goldens.spade import entries

MEND = "Choose the preset and network that it was trained as."
PARTS = {"sesame": (sesame, SesameGenerator), "safm": (safm, SafmGenerator)}
TINY = ["sesame-tiny", "sesame-tiny-skips", "safm-tiny", "safm-tiny-once"]


def official(preset):
    """What a release's file of this preset holds, by the rule."""
    config = systems.preset(preset).config
    release, generator = PARTS[systems.preset(preset).system]
    keys, own = release.generator_keys(config), generator(config).state_dict()
    # The rule must see each left-out entry as a vector; counters are single.
    shapes = [(key, (4,) if "norm_layer" in key else shape) for key, shape in entries(keys, own)]
    return parity.official(shapes, {})


@pytest.mark.parametrize("preset", TINY)
def test_a_converted_file_is_a_snapshot_with_every_official_number(preset, tmp_path, capsys):
    weights = official(preset)
    torch.save(weights, tmp_path / "latest_net_G.pth")
    system, out = systems.preset(preset).system, str(tmp_path / "model")
    assert cli.run(["convert", system, str(tmp_path / "latest_net_G.pth"), "--preset", preset, "--out", out]) == 0
    card = load_card(tmp_path / "model")
    assert (card.system, card.preset, card.licence) == (system, preset, "CC BY-NC-SA 4.0, as the released code")
    held = torch.cat([value.flatten() for value in load_generator(tmp_path / "model")[1].state_dict().values()])
    used = [value for key, value in weights.items() if "norm_layer" not in key and "tracked" not in key]
    given = torch.cat([value.flatten() for value in used])
    torch.testing.assert_close(held.sort().values, given.sort().values, atol=0, rtol=0)


def test_the_photo_comes_last_in_sesames_first_layer(tmp_path):
    weights = official("sesame-tiny")
    torch.save(weights, tmp_path / "latest_net_G.pth")
    _, tensors = sesame.generator_weights("sesame-tiny", tmp_path / "latest_net_G.pth")
    order = [*range(3, 10), 0, 1, 2]  # labels and hole, then red, green, blue
    assert torch.equal(tensors[sesame.ENTRY], weights["init_block.1.0.weight"][:, order])


def test_the_unknown_class_becomes_the_last_label_of_safms_ade20k(tmp_path, monkeypatch):
    monkeypatch.setitem(systems.PRESETS, "safm-ade20k-tiny", systems.preset("safm-tiny"))
    weights = official("safm-tiny")
    torch.save(weights, tmp_path / "latest_net_G.pth")
    config, moved = safm.generator_weights("safm-ade20k-tiny", tmp_path / "latest_net_G.pth")
    order = [*range(1, config.labels), 0, *range(config.labels, config.planes)]  # the edge stays where it is
    for own, theirs in (
        ("start.whole.weight", "fc.weight"),
        ("decoder.blocks.3.norm_s.shared.whole.weight", "up_0.norm_s.mlp_shared.0.weight"),
        ("decoder.blocks.0.norm_1.branch.labels.weight", "head_0.norm_1.pre_seg.0.weight"),
    ):
        rest = range(config.planes, weights[theirs].shape[1])
        assert torch.equal(moved[own], weights[theirs][:, [*order, *rest]])


def test_weights_that_do_not_fit_are_refused(tmp_path):
    weights = official("sesame-tiny")
    path = tmp_path / "latest_net_G.pth"
    torch.save(weights | {"spade_core.5.conv_0.bias": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError) as caught:
        sesame.generator_weights("sesame-tiny", path)
    assert str(caught.value) == (
        f"weight file {path} has spade_core.5.conv_0.bias, which sesame-tiny does not know. {MEND}"
    )
    with pytest.raises(ConfigError) as other:
        safm.generator_weights("sesame-tiny", path)
    assert str(other.value) == ("preset sesame-tiny is of system sesame, not safm. Choose one that starts with safm-.")


@pytest.mark.parametrize(
    ("release", "preset", "channels", "raw", "train"),
    [
        (sesame, "sesame-cityscapes", 35, [0, 34], [0, 34]),
        (sesame, "sesame-ade20k", 49, [0, 48], [0, 48]),
        (sesame, "sesame-landscapes", 18, [0, 16, 255], [0, 16, 17]),
        (safm, "safm-ade20k", 151, [0, 1, 150], [150, 0, 149]),
        (safm, "safm-coco", 183, [0, 181, 255], [0, 181, 182]),
        (safm, "safm-cityscapes", 35, [0, 34], [0, 34]),
    ],
)
def test_label_spaces_are_those_of_the_published_files(release, preset, channels, raw, train):
    space = release.label_space_of(preset)
    assert space.channels == systems.preset(preset).config.labels == channels
    assert space.encode(np.array([raw]), "map.png").tolist() == [train]
