"""`intarsia style build` and `intarsia synth --bank --pick`, through the command line."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia import cli
from intarsia.synthesis.object_styles import StyleBank
from intarsia.synthesis.synthesiser import Synthesiser
from tests.training.scene import write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return str(write_data(tmp_path_factory.mktemp("data") / "rectangles", pairs=3, size=32))


@pytest.fixture
def model(snapshot_of):
    return str(snapshot_of("pix2pixhd-tiny"))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, data, model):
    """A folder with a map, its instances, a photo, and a bank with a style of every class."""
    monkeypatch.chdir(tmp_path)
    ids = np.zeros((32, 40), np.uint8)
    ids[4:14, 4:14] = ids[16:26, 20:30] = 1
    instances = ids.copy()
    instances[16:26, 20:30] = 9
    Image.fromarray(ids).save("map.png")
    Image.fromarray(instances).save("instances.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 40, 3), np.uint8)).save("photo.png")
    draw = np.random.default_rng(1)
    styles = {f"class {number}": draw.uniform(-1, 1, (3, 2)).astype(np.float32) for number in range(6)}
    synthesiser = Synthesiser.from_pretrained(model)
    StyleBank("pix2pixhd-tiny", synthesiser.encoder_digest, "rectangles", styles).save(tmp_path / "bank.safetensors")


def synth(model, *arguments):
    return cli.run(["synth", "map.png", "--model", model, "--out", "out", "--instances", "instances.png", *arguments])


def made(model, *arguments):
    assert synth(model, *arguments) == 0
    with Image.open("out/map.png") as photo:
        return np.asarray(photo)


def refused(capsys, status):
    assert status == 2
    said = capsys.readouterr().err
    assert said.count("error: ") == 1
    return said.splitlines()[-1].removeprefix("error: ")


def test_build_writes_a_bank_that_synth_takes(model, data, capsys):
    arguments = ["style", "build", "--model", model, "--data", data, "--out", "built.safetensors", "--clusters", "2"]
    assert cli.run(arguments) == 0
    bank = StyleBank.load(Path("built.safetensors"))
    counts = ", ".join(f"{name} {len(styles)}" for name, styles in bank.styles.items())
    assert capsys.readouterr().out == f"wrote built.safetensors, styles by class: {counts}\n"
    assert max(len(styles) for styles in bank.styles.values()) == 2
    assert made(model, "--bank", "built.safetensors").shape == (32, 40, 3)


def test_seeds_clusters_and_photos_pick_styles(model):
    drawn = made(model, "--bank", "bank.safetensors")
    assert np.array_equal(drawn, made(model, "--bank", "bank.safetensors", "--seed", "0"))
    pictures = [
        drawn,
        made(model, "--bank", "bank.safetensors", "--seed", "1"),
        made(model, "--bank", "bank.safetensors", "--pick", "class 1=2", "--pick", "9=0"),
        made(model, "--bank", "bank.safetensors", "--pick", "9=photo.png,instances.png,1"),
        made(model, "--style", "photo.png"),
    ]
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    assert np.array_equal(
        made(model, "--bank", "bank.safetensors", "--seed", "1"),
        made(model, "--bank", "bank.safetensors", *(f"--pick=class {number}=seed:1" for number in (0, 1))),
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            [],
            "instance 0 (class 0) has no style. Give a style bank (intarsia style build makes it), or a style for "
            "every instance.",
        ),
        (["--pick", "class 1"], "--pick class 1 is not OBJECT=STYLE. Write for example car=3, or 17=seed:4."),
        (["--pick", "9=0", "--pick", "9=1"], "--pick gives 9 two styles. Give it one."),
        (
            ["--pick", "9=red"],
            "--pick 9=red has no style. Give the number of one in the bank, seed:N, or PHOTO,INSTANCES,NUMBER.",
        ),
        (
            ["--pick", "9=photo.png,instances.png,4"],
            "instance map instances.png has no instance 4. It has 0..9.",
        ),
        (["--pick", "8=1", "--bank", "bank.safetensors"], "no instance 8 is in the instance map. It has 0, 1, 9."),
        (
            ["--pick", "clas 1=1", "--bank", "bank.safetensors"],
            "no class is called clas 1 in pix2pixhd-tiny. Did you mean class 1, class 5, class 4?",
        ),
        (
            ["--bank", "none.safetensors"],
            "style bank none.safetensors does not exist. Make it with: intarsia style build --out none.safetensors",
        ),
    ],
)
def test_a_wrong_style_is_one_line_and_writes_nothing(model, arguments, message, capsys):
    assert refused(capsys, synth(model, *arguments)) == message
    assert not Path("out").exists()


def test_a_model_without_features_says_so(snapshot_of, capsys):
    plain = str(snapshot_of("spade-tiny"))
    for arguments in (["--bank", "bank.safetensors"], ["--pick", "9=0"]):
        assert refused(capsys, synth(plain, *arguments)) == (
            "model spade-tiny has no features of objects, so that no object has a style of its own. "
            "Leave the styles out, or use a model trained with features."
        )


def test_build_refuses_a_folder_and_no_clusters(model, data, capsys):
    arguments = ["style", "build", "--model", model, "--data", data, "--out"]
    assert (
        refused(capsys, cli.run([*arguments, "."])) == "--out . is a folder. Give a file, such as styles.safetensors."
    )
    assert refused(capsys, cli.run([*arguments, "file", "--clusters", "0"])) == "--clusters is 0. Give 1 or more."
