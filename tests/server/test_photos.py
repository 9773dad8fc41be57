import base64
import io
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from intarsia import Segmenter, Synthesiser
from intarsia.editing.pictures import encoded
from intarsia.synthesis.edit import edited
from tests.server.shop import labels, photo, pixels, png, problem, send


@pytest.fixture(scope="module")
def styled(snapshot_of):
    return Synthesiser.from_pretrained(snapshot_of("spade-tiny-style"))


@pytest.fixture(scope="module")
def noisy(snapshot_of):
    return Synthesiser.from_pretrained(snapshot_of("oasis-tiny"))


def test_a_label_map_becomes_the_photo_that_the_library_makes(client, styled):
    answer = send(client, seed=7)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["x-seed"] == "7"
    assert float(answer.headers["x-milliseconds"]) > 0
    assert np.array_equal(pixels(answer), styled.scene(labels()).render(seed=7))


def test_the_model_is_chosen_by_name_and_the_first_is_the_default(client, snapshot_of):
    plain = Synthesiser.from_pretrained(snapshot_of("spade-tiny"))
    assert np.array_equal(pixels(send(client, model="spade-tiny")), plain(labels()))
    assert np.array_equal(pixels(send(client)), pixels(send(client, model="spade-tiny-style")))


def test_options_may_be_left_out(client, styled):
    answer = client.post("/v1/synthesise", files={"labels": png(labels())})
    assert np.array_equal(pixels(answer), styled.scene(labels()).render())


def test_sixteen_bit_and_palette_maps_are_read_as_ids(client):
    ids = labels()
    palette = Image.fromarray(ids)
    palette.putpalette(bytes(range(256)) * 3)
    file = io.BytesIO()
    palette.save(file, "PNG")
    expected = pixels(send(client))
    assert np.array_equal(pixels(send(client, files={"labels": png(ids.astype(np.uint16))})), expected)
    assert np.array_equal(pixels(send(client, files={"labels": file.getvalue()})), expected)


def test_instances_and_styles_arrive(client, styled):
    objects = np.arange(32 * 64).reshape(32, 64).astype(np.uint16) // 512
    look, other = photo(20, 30, 1), photo(40, 20, 2)
    files = {"labels": png(labels()), "instances": png(objects), "style": png(look)}
    scene = styled.scene(labels(), objects)
    assert np.array_equal(pixels(send(client, files=files)), scene.render(style=look))
    z = 0.25 * styled.style_of(look) + 0.75 * styled.style_of(other)
    answer = send(client, files=files | {"style2": png(other)}, blend=0.75)
    assert np.array_equal(pixels(answer), scene.render(z=z))


def test_webp_is_the_same_photo_in_another_file(client):
    exact, close = send(client, seed=1), send(client, seed=1, format="webp")
    assert close.headers["content-type"] == "image/webp"
    assert close.content == encoded(pixels(exact), "webp")


def test_webp_is_close_to_what_it_holds():
    smooth = np.linspace(0, 255, 64)[:, None, None].repeat(64, 1).repeat(3, 2).astype(np.uint8)
    with Image.open(io.BytesIO(encoded(smooth, "webp"))) as image:
        assert np.abs(np.asarray(image).astype(int) - smooth).max() <= 8


def test_regions_are_rerolled_by_class_instance_box_and_mask(client, noisy):
    objects = np.zeros((32, 64), np.uint16)
    objects[:16] = 3
    name = noisy.label_space.classes[int(labels()[0, 0])].name
    mask = np.zeros((32, 64), np.uint8)
    mask[4:9, 5:30] = 255
    regions = [
        {"class": name, "seed": 2},
        {"instance": 3, "seed": 3},
        {"box": [20, 30, 8, 16], "seed": 4},
        {"mask": base64.b64encode(png(mask)).decode(), "seed": 5},
    ]
    files = {"labels": png(labels()), "instances": png(objects)}
    box = np.zeros((32, 64), bool)
    box[20:28, 30:46] = True
    scene = noisy.scene(labels(), objects).reroll(name, seed=2).reroll(3, seed=3).reroll(box, seed=4)
    expected = scene.reroll(mask > 0, seed=5).render(seed=1)
    answer = send(client, files=files, model="oasis-tiny", seed=1, rerolls=regions)
    assert np.array_equal(pixels(answer), expected)
    answer = send(client, "/v1/reroll", files=files, model="oasis-tiny", seed=1, rerolls=regions[:3], region=regions[3])
    assert np.array_equal(pixels(answer), expected)


def test_noise_is_laid_out_as_asked(client, noisy):
    answer = send(client, model="oasis-tiny", noise="per-class", seed=3)
    assert np.array_equal(pixels(answer), noisy.scene(labels()).render(noise="per-class", seed=3))


def test_variants_are_a_zip_of_photos_named_after_their_seeds(client, styled):
    answer = send(client, "/v1/variants", seeds=[5, 9])
    assert (answer.headers["content-type"], answer.headers["x-seeds"]) == ("application/zip", "5,9")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["01-seed-5.png", "02-seed-9.png"]
        with Image.open(archive.open("02-seed-9.png")) as second:
            assert np.array_equal(np.asarray(second), styled.scene(labels()).render(seed=9))
    assert send(client, "/v1/variants", seed=3, n=3).headers["x-seeds"] == "3,4,5"
    assert send(client, "/v1/variants").headers["x-seeds"] == "0,1,2,3"


@pytest.mark.parametrize("told_by", ["old_labels", "hole"])
def test_an_edit_leaves_the_rest_of_the_photo_to_the_bit(client, styled, told_by):
    old, new, given = labels(), labels(), photo()
    new[8:24, 8:40] = (new[8:24, 8:40] + 1) % 6
    changed = old != new
    marks = {"old_labels": png(old), "hole": png(changed.astype(np.uint8))}
    files = {"labels": png(new), "photo": png(given), told_by: marks[told_by]}
    made = pixels(send(client, "/v1/edit", files=files, feather=0))
    fresh = styled.scene(new).render(style=given)
    assert np.array_equal(made, np.where(changed[..., None], fresh, given))


def test_a_model_that_fills_holes_fills_what_changed(client, snapshot_of):
    filler, old, new, given = Synthesiser.from_pretrained(snapshot_of("sesame-tiny")), labels(), labels(), photo()
    new[8:24, 8:40] = (new[8:24, 8:40] + 1) % 6
    files = {"labels": png(new), "photo": png(given), "old_labels": png(old)}
    made = pixels(send(client, "/v1/edit", files=files, model="sesame-tiny"))
    assert np.array_equal(made, edited(filler, given, new, old != new))
    assert problem(send(client, model="sesame-tiny")) == (
        422,
        "model sesame-tiny fills holes in photos, and makes none from labels alone. "
        "Edit a photo with it: intarsia edit.",
    )


def test_an_edit_of_nothing_gives_the_photo_back(client):
    files = {"labels": png(labels()), "photo": png(photo()), "old_labels": png(labels())}
    assert np.array_equal(pixels(send(client, "/v1/edit", files=files)), photo())


def test_a_photo_becomes_a_label_map_of_the_models_classes(client):
    segmenter = Segmenter.from_pretrained("unet-street")
    answer = send(client, "/v1/segment", files={"photo": png(photo())}, model="spade-street-128")
    assert answer.headers["x-segmenter"] == "unet-street"
    assert np.array_equal(pixels(answer), segmenter.label_space.decode(segmenter(photo())))


def test_a_model_whose_classes_no_segmenter_speaks_says_so(client):
    assert problem(send(client, "/v1/segment", files={"photo": png(photo())})) == (
        404,
        "no segmenter speaks the label space spade-tiny-style. Start the server with --segmenter, or name one of "
        "unet-earth, unet-street.",
    )


def test_many_at_once_each_get_their_own_photo(client, styled):
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda n: send(client, files={"labels": png(labels(seed=n))}, seed=n), range(12)))
    for number, answer in enumerate(answers):
        expected = styled.scene(labels(seed=number)).render(seed=number)
        # A batch sums in another order than an image alone: the last bit of a value may differ.
        assert np.abs(pixels(answer).astype(int) - expected).max() <= 1
