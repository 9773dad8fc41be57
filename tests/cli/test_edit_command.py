"""`intarsia edit` through the command line: what comes out, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia import cli

SIZE = (40, 60)


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    """A photo, a label map of three classes, and a round mask."""
    monkeypatch.chdir(tmp_path)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)).save("photo.png")
    Image.fromarray((columns // 20).astype(np.uint8)).save("labels.png")
    Image.fromarray(((rows - 20) ** 2 + (columns - 30) ** 2 < 80).astype(np.uint8) * 255).save("mask.png")


@pytest.fixture
def model(snapshot_of):
    return str(snapshot_of("sesame-tiny"))


def edit(model, *, hole="mask.png", out="edited.png", photo="photo.png", labels="labels.png"):
    return cli.run(["edit", photo, labels, "--hole", hole, "--model", model, "--out", out, "--device", "cpu"])


def read(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_mask_is_filled_and_the_rest_stays_bit_for_bit(model, capsys):
    assert edit(model) == 0
    photo, made, inside = read("photo.png"), read("edited.png"), read("mask.png") > 0
    assert np.array_equal(made[~inside], photo[~inside])
    assert (made[inside] != photo[inside]).any(-1).mean() > 0.9
    assert capsys.readouterr().out == (
        f"wrote edited.png: {inside.sum()} of 2,400 pixels are new, all others are those of photo.png\n"
    )


def test_a_box_is_filled_also_in_a_jpeg(model):
    Image.fromarray(read("photo.png")).save("photo.jpg")
    assert edit(model, hole="box:5,10,20,30", photo="photo.jpg") == 0
    photo, made = read("photo.jpg"), read("edited.png")
    assert np.array_equal(np.flatnonzero((made != photo).any((1, 2))), np.arange(5, 25))
    assert np.array_equal(np.flatnonzero((made != photo).any((0, 2))), np.arange(10, 40))


def test_a_hole_that_training_never_had_is_told(model, capsys):
    assert edit(model, hole="box:0,0,40,60") == 0
    assert capsys.readouterr().err == (
        "notice: the hole is the whole photo, and the model was never trained on that: expect little.\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"hole": "box:30,10,20,30"},
            "hole box:30,10,20,30 lies outside the image of 40x60 (height x width), or is empty. "
            "Give box:TOP,LEFT,HEIGHT,WIDTH inside it.",
        ),
        (
            {"hole": "box:1,2"},
            "hole box:1,2 is not box:TOP,LEFT,HEIGHT,WIDTH. Write for example box:10,20,64,64.",
        ),
        (
            {"hole": "car"},
            "hole car is neither a box nor a mask. Write box:TOP,LEFT,HEIGHT,WIDTH or give a PNG.",
        ),
        (
            {"hole": "small.png"},
            "hole mask small.png is 30x60 and its photo 40x60 (height x width). Give both in one size.",
        ),
        (
            {"hole": "empty.png"},
            "hole mask empty.png is 0 everywhere, so there is nothing to fill. Draw at least one pixel.",
        ),
        ({"hole": "none.png"}, "hole mask none.png does not exist. Give the path of an image file."),
        ({"photo": "none.png"}, "photo none.png does not exist. Give the path of an image file."),
        (
            {"labels": "small.png"},
            "label map small.png is 30x60 and its photo photo.png 40x60 (height x width). Give both in one size.",
        ),
        (
            {"labels": "mask.png"},
            "label map mask.png has id 255 at (12, 27); classes end at 5. Set dont_care=255 or remap with LabelSpace.",
        ),
        (
            {"out": "edited.jpg"},
            "--out edited.jpg is no PNG, and other formats change what lies outside the hole. Give a PNG.",
        ),
        ({"out": "."}, "--out . is a folder. Give the name of a PNG file."),
        ({"out": "photo.png"}, "the edited photo would replace the photo photo.png. Choose another --out."),
        ({"out": "labels.png"}, "the edited photo would replace the label map labels.png. Choose another --out."),
        ({"out": "mask.png"}, "the edited photo would replace the mask mask.png. Choose another --out."),
    ],
)
def test_a_wrong_input_is_one_line_and_writes_nothing(model, capsys, options, message):
    Image.fromarray(np.ones((30, 60), np.uint8)).save("small.png")
    Image.fromarray(np.zeros(SIZE, np.uint8)).save("empty.png")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    assert edit(model, **options) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"error: {message}\n"
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_a_model_that_fills_no_holes_is_refused(snapshot_of, capsys):
    assert edit(str(snapshot_of("spade-tiny"))) == 2
    assert capsys.readouterr().err == (
        "error: model spade-tiny makes whole photos from label maps, and fills no holes. "
        "Use one of the system sesame, or make a photo: intarsia synth.\n"
    )
    assert edit("nowhere") == 2
    assert capsys.readouterr().err.startswith("error: there is no model nowhere.")


def test_synth_sends_a_model_that_fills_holes_to_edit(model, capsys):
    assert cli.run(["synth", "labels.png", "--model", model, "--out", "photos"]) == 2
    assert capsys.readouterr().err == (
        "error: model sesame-tiny fills holes in photos, and makes none from labels alone. "
        "Edit a photo with it: intarsia edit.\n"
    )
