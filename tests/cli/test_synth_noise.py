"""`intarsia synth` with noise in the map: layouts, files, regions to re-roll, variants."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia import cli
from intarsia.synthesis.photos import diversity
from intarsia.synthesis.synthesiser import Synthesiser

SIZE = (64, 96)


@pytest.fixture
def noisy(snapshot_of):
    return str(snapshot_of("oasis-tiny"))


@pytest.fixture(autouse=True)
def scene(tmp_path, monkeypatch):
    """An empty folder with a label map of three classes in columns and an instance map of two rows."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.repeat([[1, 2, 3]], 64, 0).repeat(32, 1).astype(np.uint8)).save("map.png")
    Image.fromarray(np.repeat([[0], [7]], 32, 0).repeat(96, 1).astype(np.uint8)).save("objects.png")


def synth(*arguments):
    return cli.run(["synth", "map.png", "--device", "cpu", *arguments])


def photo(path):
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def made(noisy, out, *arguments):
    assert synth("--model", noisy, "--out", out, *arguments) == 0
    return photo(f"{out}/map.png")


def test_layouts_and_seeds_make_other_photos(noisy):
    photos = [made(noisy, "out", "--seed", "1", *more) for more in ((), ("--noise", "global"))]
    assert np.array_equal(*photos)
    photos += [made(noisy, "out", "--seed", "1", "--noise", name) for name in ("per-class", "per-instance")]
    photos += [made(noisy, "out", "--seed", "2")]
    assert all(diversity([photos[0], other]) > 0 for other in photos[2:])


def test_noise_is_read_from_files(noisy, capsys):
    np.save("noise.npy", np.random.default_rng(0).standard_normal((8, *SIZE)))
    first = made(noisy, "out", "--noise", "noise.npy")
    assert capsys.readouterr().err == ""
    assert np.array_equal(first, made(noisy, "out", "--noise", "noise.npy", "--seed", "4"))
    assert capsys.readouterr().err == "notice: a noise file decides the look: --seed changes nothing.\n"
    regions = [made(noisy, "out", "--noise", "objects.png", "--seed", seed) for seed in ("4", "5")]
    assert diversity(regions) > 0


def test_regions_are_rerolled_as_in_python(noisy):
    whole = Synthesiser.from_pretrained(noisy).open("map.png")
    expected = whole.reroll("class 2", seed=2).render(seed=1)
    Image.fromarray((np.arange(96) // 32 == 1).astype(np.uint8)[None].repeat(64, 0)).save("mask.png")
    # Without a seed of its own it is the one after --seed.
    for region in ("class 2", "class 2=2", "box:0,32,64,32=2", "mask.png=2"):
        assert np.array_equal(expected, made(noisy, "out", "--seed", "1", "--reroll", region))
    assert diversity([expected, whole.render(seed=1)]) > 0
    both = whole.reroll("class 2", seed=2).reroll("class 1", seed=7).render(seed=1, noise="per-class")
    orders = ["--reroll", "class 2", "--reroll", "class 1=7", "--noise", "per-class"]
    assert np.array_equal(both, made(noisy, "out", "--seed", "1", *orders))


def test_an_instance_is_rerolled_by_its_number(noisy):
    by_number = made(noisy, "out", "--instances", "objects.png", "--reroll", "instance:7=3")
    assert np.array_equal(by_number, made(noisy, "out", "--reroll", "box:32,0,32,96=3"))


def test_variants_follow_the_seed_and_tell_their_diversity(noisy, capsys):
    assert synth("--model", noisy, "--out", "out", "--seed", "3", "--variants", "3") == 0
    photos = [photo(f"out/map-{number}.png") for number in (1, 2, 3)]
    assert capsys.readouterr().out == (
        f"wrote 3 photos to out\ntwo variants of a map differ by {diversity(photos):.2f} levels of 255 on average\n"
    )
    assert np.array_equal(photos[1], made(noisy, "one", "--seed", "4"))
    assert diversity(photos) > 0


def test_variants_may_be_of_a_region(noisy):
    assert synth("--model", noisy, "--out", "out", "--seed", "3", "--variants", "2", "--reroll", "class 1") == 0
    for number, seed in ((1, 4), (2, 5)):
        alone = made(noisy, "one", "--seed", "3", "--reroll", f"class 1={seed}")
        assert np.array_equal(photo(f"out/map-{number}.png"), alone)


def test_objects_without_an_instance_map_are_told(noisy, capsys):
    made(noisy, "out", "--noise", "per-instance")
    told = "notice: no instance map given: each connected region of a class counts as one object.\n"
    assert capsys.readouterr().err == told
    made(noisy, "out", "--noise", "per-instance", "--instances", "objects.png")
    assert capsys.readouterr().err == ""
    made(noisy, "out", "--instances", "objects.png")
    assert capsys.readouterr().err == (
        "notice: model oasis-tiny does not look at instances: --instances changes nothing.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--noise", "per-clas"],
            "there is no noise per-clas. Did you mean per-class? Files are .npy (noise) or .png (regions).",
        ),
        (["--noise", "no.npy"], "noise file no.npy does not exist. Give an array written by numpy.save."),
        (["--noise", "bad.npy"], "noise file bad.npy cannot be read. Give an array written by numpy.save."),
        (
            ["--noise", "small.npy"],
            "the noise is float64 of shape (8, 4, 4). Give 8 floats, a map of them (8, 64, 96), "
            "or integers (64, 96): regions.",
        ),
        (["--noise", "no.png"], "instance map no.png does not exist. Give the path of an image file."),
        (
            ["--reroll", "clas 2"],
            "no class is called clas 2 in oasis-tiny. Did you mean class 2, class 5, class 4?",
        ),
        (
            ["--reroll", "class 0=7"],
            "no pixel of the label map is class 0. Choose one that occurs: class 1, class 2, class 3.",
        ),
        (["--reroll", "instance:7"], "the scene has no instance map to find instance 7 in. Give one."),
        (["--reroll", "instance:car"], "region instance:car has no number. Write for example instance:12."),
        (
            ["--reroll", "box:60,0,8,8"],
            "region box:60,0,8,8 lies outside the image of 64x96 (height x width), or is empty. "
            "Give box:TOP,LEFT,HEIGHT,WIDTH inside it.",
        ),
        (
            ["--reroll", "box:1,2,3"],
            "region box:1,2,3 is not box:TOP,LEFT,HEIGHT,WIDTH. Write for example box:10,20,64,64.",
        ),
        (
            ["--reroll", "small.png"],
            "region mask small.png is 4x4 and its label map 64x96 (height x width). Give both in one size.",
        ),
        (["--variants", "0"], "--variants is 0. Give 1 or more."),
        (
            ["--noise", "noise.npy", "--variants", "2"],
            "a noise file decides the look: all --variants would be alike. Leave the option out.",
        ),
    ],
)
def test_wrong_noise_and_regions_are_told_in_one_line(noisy, capsys, arguments, message):
    Path("bad.npy").write_bytes(b"no array")
    np.save("small.npy", np.zeros((8, 4, 4)))
    np.save("noise.npy", np.zeros(8))
    Image.fromarray(np.ones((4, 4), np.uint8)).save("small.png")
    assert synth("--model", noisy, "--out", "out", *arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {message}"
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--noise", "global"], "noise cannot be given: model spade-tiny has no noise in its map."),
        (["--reroll", "class 1"], "no region can be re-rolled: model spade-tiny has no noise in its map."),
    ],
)
def test_a_model_without_noise_says_so(snapshot_of, capsys, arguments, message):
    assert synth("--model", str(snapshot_of("spade-tiny")), "--out", "out", *arguments) == 2
    assert capsys.readouterr().err == f"error: {message} Use one that has, such as OASIS.\n"


def test_variants_of_a_model_without_noise_or_style_are_refused(snapshot_of, capsys):
    assert synth("--model", str(snapshot_of("spade-tiny")), "--out", "out", "--variants", "2") == 2
    assert capsys.readouterr().err == (
        "error: model spade-tiny draws no noise: all --variants would be alike. Leave the option out.\n"
    )


def test_variants_that_would_replace_a_label_map_are_refused(noisy, capsys):
    Path("map-1.png").write_bytes(Path("map.png").read_bytes())
    assert cli.run(["synth", "map.png", "map-1.png", "--model", noisy, "--out", ".", "--variants", "2"]) == 2
    assert capsys.readouterr().err == "error: the photo of map.png would replace map-1.png. Choose another --out.\n"
