"""`intarsia demo` with the bundled label maps and an untrained model."""

import contextlib
import dataclasses
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia import cli, systems
from intarsia.checkpoints.models import BUNDLED
from intarsia.checkpoints.snapshot import Card, load_card, save_snapshot
from intarsia.cli.gallery import EXHIBITS, bundled_maps


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An untrained small model of the bundled maps' label space."""
    space, _ = bundled_maps("earth")
    tiny = systems.preset("spade-tiny")
    config = dataclasses.replace(tiny.config, labels=space.channels)
    generator = systems.build(tiny.system, config, tiny.recipe).generator
    card = Card(system=tiny.system, preset="spade-sketch", config=dataclasses.asdict(config), label_space=space)
    folder = tmp_path_factory.mktemp("model") / "sketch"
    save_snapshot(
        folder, card.model_copy(update={"scores": {"kid_lite": 0.25}, "licence": "A & B"}), generator.state_dict()
    )
    return folder


@pytest.mark.parametrize("exhibit", EXHIBITS)
def test_a_dozen_varied_maps_with_all_classes_are_bundled(exhibit):
    space, maps = bundled_maps(exhibit)
    assert len(maps) == 12
    assert set(np.concatenate([np.unique(one.labels) for one in maps])) == set(range(space.channels))
    assert len({one.title for one in maps}) == 12
    assert load_card(BUNDLED / "models" / EXHIBITS[exhibit]).label_space == space


@pytest.fixture(scope="module")
def demo(model, tmp_path_factory):
    """The folder that a run of the demo wrote, and what it printed."""
    out = tmp_path_factory.mktemp("demo") / "demo"
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert cli.run(["demo", "--out", str(out), "--model", str(model), "--device", "cpu"]) == 0
    return out, said.getvalue()


def test_the_demo_says_what_it_wrote(demo):
    _, said = demo
    assert re.match(r"rendered 12 label maps in \d+\.\d s\n", said)
    places = re.findall(r"^  (.+)$", said, re.M)
    assert [Path(place).name for place in places] == ["index.html", "earth"]
    assert all(Path(place).exists() for place in places)


def test_photos_have_their_maps_sizes(demo):
    out, _ = demo
    for one in bundled_maps("earth")[1]:
        with Image.open(out / "earth" / "photos" / f"{one.name}.png") as photo:
            assert photo.size == one.labels.shape[::-1]


def test_the_page_needs_nothing_but_the_pictures_beside_it(demo):
    out, _ = demo
    page = (out / "index.html").read_text()
    linked = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(linked) == 2 * 12 + 1
    assert all((out / place).is_file() for place in linked)
    assert "<script" not in page
    assert "http" not in page


def test_the_page_shows_the_models_card(demo):
    page = (demo[0] / "index.html").read_text()
    assert "spade-sketch" in page
    assert "<dt>kid lite</dt><dd>0.25</dd>" in page
    assert "<dt>licence</dt><dd>A &amp; B</dd>" in page


def test_what_the_demo_wrote_can_be_rendered_again(demo, model, tmp_path):
    """The page proposes it: paint on the label maps, then synth."""
    out, _ = demo
    command = ["synth", str(out / "earth" / "labels" / "12-Inlay.png"), "--model", str(model), "--out", str(tmp_path)]
    assert cli.run([*command, "--device", "cpu"]) == 0
    assert (tmp_path / "12-Inlay.png").read_bytes() == (out / "earth" / "photos" / "12-Inlay.png").read_bytes()


def test_a_model_of_another_label_space_is_refused(snapshot_of, tmp_path, capsys):
    out = tmp_path / "demo"
    assert cli.run(["demo", "--out", str(out), "--model", str(snapshot_of("spade-tiny")), "--device", "cpu"]) == 2
    message = capsys.readouterr().err
    assert re.fullmatch(
        r"error: model \S+ is of label space spade-tiny, and the demo has label maps of street, earth\. "
        r"Render your own: intarsia synth\.\n",
        message,
    )
    assert not out.exists()
