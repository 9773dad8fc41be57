"""A run of each published system that stops and goes on ends with the bits of one that did not stop."""

import numpy as np
import pytest
import torch
from PIL import Image

from intarsia import systems
from tests.training.scene import run_mini, write_data
from tests.training.test_resume import final_tensors, same

PRESETS = ("ccfpse-tiny-style", "lggan-tiny-edges")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A small data set with instance maps."""
    root = write_data(tmp_path_factory.mktemp("data") / "rectangles", pairs=4, size=70)
    for split in ("train", "val"):
        (root / split / "instances").mkdir()
        for number in range(4):
            ids = np.random.default_rng(number).integers(0, 9, (7, 7)).repeat(10, 0).repeat(10, 1).astype(np.uint8)
            Image.fromarray(ids).save(root / split / "instances" / f"{number}.png")
    return root


@pytest.mark.parametrize("name", PRESETS)
def test_a_run_goes_on_bit_for_bit(data, tmp_path, name):
    preset = systems.preset(name)

    def built():
        torch.manual_seed(0)
        return systems.build(preset.system, preset.config, preset.recipe, preset=name)

    run_mini(data, tmp_path / "straight", 8, system=built(), state_minutes=60)
    for goal in (2, 8):
        run_mini(data, tmp_path / "stopped", goal, system=built(), state_minutes=60)
    assert same(final_tensors(tmp_path / "stopped"), final_tensors(tmp_path / "straight"))
