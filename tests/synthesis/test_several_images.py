"""Models that make several images of a map at once (CRN): seeds choose among them."""

import numpy as np
import pytest
from PIL import Image

from intarsia import cli
from intarsia.synthesis.synthesiser import Synthesiser
from tests import maps


@pytest.fixture
def model(snapshot_of):
    return snapshot_of("crn-tiny")


def test_a_seed_shows_its_image_and_they_repeat(model):
    synthesiser = Synthesiser.from_pretrained(model)
    scene = synthesiser.scene(maps.regions(1, 6, 30, 21)[0].numpy())
    photos = [scene.render(seed=seed) for seed in range(4)]
    assert photos[0].shape == (30, 21, 3)
    assert len({photo.tobytes() for photo in photos[:3]}) == 3
    assert np.array_equal(photos[3], photos[0])


def test_images_are_in_range_though_the_network_is_not(model):
    synthesiser = Synthesiser.from_pretrained(model)
    scene = synthesiser.tensor_scene(maps.regions(1, 6, 32, 32))
    assert scene.render_tensor().abs().max() <= 1
    assert synthesiser.generator(scene.condition).image.abs().max() > 1


def test_more_variants_than_images_are_refused(model, tmp_path, capsys):
    Image.fromarray(maps.regions(1, 6, 16, 16)[0].byte().numpy()).save(tmp_path / "map.png")
    command = ["synth", str(tmp_path / "map.png"), "--model", str(model), "--out", str(tmp_path / "photos")]
    assert cli.run([*command, "--variants", "3"]) == 0
    assert len(list((tmp_path / "photos").iterdir())) == 3
    capsys.readouterr()
    assert cli.run([*command, "--variants", "4"]) == 2
    assert capsys.readouterr().err == (
        "error: model crn-tiny makes 3 photos of a map, and 4 --variants were asked for. Ask for 3 at most.\n"
    )
