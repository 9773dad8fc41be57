"""What nobody should send: each is refused with one line, and the server goes on."""

import base64
import io
import json
import pickle

import numpy as np
import pytest
from PIL import Image

from tests.server.shop import bomb, labels, photo, png, problem, send, zipped


def jpeg(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "JPEG")
    return file.getvalue()


def eps():
    return b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(/etc/passwd) run\n"


def svg():
    return b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'


def with_labels(content):
    return {"labels": content}


TOO_LARGE = "more than 65536 pixels. Cut it into tiles."
IMAGES = {
    "a decompression bomb": (bomb(), f"label map labels is 40000x40000 (height x width), {TOO_LARGE}"),
    "a bomb of one row": (bomb(1, 2**31 - 1), f"label map labels is 1x2147483647 (height x width), {TOO_LARGE}"),
    "a map of too many pixels": (
        png(np.zeros((257, 256), np.uint8)),
        f"label map labels is 257x256 (height x width), {TOO_LARGE}",
    ),
    "nothing": (b"", "label map labels is empty (0 bytes). Copy or export it again."),
    "half a PNG": (png(labels())[:60], None),
    "a PNG of no pixels": (bomb(0, 0), None),
    "a JPEG as label map": (jpeg(photo()), "label map labels is a JPEG file, which may change ids. Give a PNG."),
    "a photo as label map": (
        png(photo()),
        f"label map labels has colour {tuple(int(v) for v in photo()[0, 0])} at (0, 0), which is no class of "
        "spade-tiny-style. Give an index, palette or colour PNG of the label space; photos are not label maps.",
    ),
    "an id that is no class": (
        png(np.full((8, 8), 200, np.uint8)),
        "label map labels has id 200 at (0, 0); classes end at 5. Set dont_care=200 or remap with LabelSpace.",
    ),
    "PostScript": (
        eps(),
        "label map labels is not an image, or one of no pixels, or its beginning is damaged. Give a PNG.",
    ),
    "SVG": (svg(), "label map labels is not an image, or one of no pixels, or its beginning is damaged. Give a PNG."),
    "a pickle": (
        pickle.dumps(labels()),
        "label map labels is not an image, or one of no pixels, or its beginning is damaged. Give a PNG.",
    ),
}


@pytest.mark.parametrize("name", IMAGES)
def test_what_is_no_label_map_is_refused(client, name):
    content, message = IMAGES[name]
    status, detail = problem(send(client, files=with_labels(content)))
    assert status == 422
    assert detail.startswith("label map labels ")
    assert message in (None, detail)


OPTIONS = {
    "a path as model": (
        {"model": "../../etc"},
        404,
        "there is no model ../../etc here. Did you mean spade-tiny-style, spade-tiny, oasis-tiny, sesame-tiny, "
        "spade-street-256, sesame-street-128, spade-earth-128, spade-street-128?",
    ),
    "a hub id as model": ({"model": "someone/model"}, 404, None),
    "a seed below zero": ({"seed": -1}, 422, "options.seed: Input should be greater than or equal to 0. Correct it."),
    "a seed beyond the last": ({"seed": 2**63}, 422, None),
    "a seed that is text": ({"seed": "7"}, 422, "options.seed: Input should be a valid integer. Correct it."),
    "an unknown key": ({"sed": 1}, 422, "options.sed: Extra inputs are not permitted. Correct it."),
    "a box outside": (
        {"rerolls": [{"box": [0, 0, 33, 4], "seed": 1}]},
        422,
        "box [0, 0, 33, 4] is empty or lies outside the label map of 32x64 (height x width). "
        "Give top, left, height and width inside it.",
    ),
    "a region of nothing": (
        {"rerolls": [{"seed": 1}]},
        422,
        "options.rerolls.0: Value error, a region needs one of class, instance, box and mask, and 0 were given. "
        "Correct it.",
    ),
    "a class that is none": ({"rerolls": [{"class": "dragon", "seed": 1}]}, 422, None),
    "an instance without a map": (
        {"rerolls": [{"instance": 4, "seed": 1}]},
        422,
        "the scene has no instance map to find instance 4 in. Give one.",
    ),
    "a mask that is no base64": (
        {"rerolls": [{"mask": "!!", "seed": 1}]},
        422,
        "mask of a region is not base64. Send a PNG, encoded so.",
    ),
    "a bomb as mask": (
        {"rerolls": [{"mask": base64.b64encode(bomb()).decode(), "seed": 1}]},
        422,
        f"instance map mask of a region is 40000x40000 (height x width), {TOO_LARGE}",
    ),
    "many regions": ({"rerolls": [{"class": "a", "seed": 1}] * 65}, 422, None),
    "noise that the model lacks": (
        {"noise": "per-class"},
        422,
        "noise cannot be given: model spade-tiny-style has no noise in its map. Use one that has, such as OASIS.",
    ),
    "object styles that the model lacks": (
        {"styles": {"car": {"seed": 1}}},
        422,
        "model spade-tiny-style has no features of objects, so that no object has a style of its own. "
        "Leave the styles out, or use a model trained with features.",
    ),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_that_make_no_sense_are_refused(client, name):
    options, expected, message = OPTIONS[name]
    status, detail = problem(send(client, **options))
    assert status == expected
    assert "\n" not in detail
    assert message in (None, detail)


@pytest.mark.parametrize(
    "text", ["{", "[]", "7", '"x"', "null", '{"seed": NaN}', "[" * 20000, '{"seed": 1' + "0" * 5000 + "}"]
)
def test_options_that_are_no_json_object_are_refused(client, text):
    answer = client.post("/v1/synthesise", files={"labels": png(labels())}, data={"options": text})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("options")


def test_other_fields_that_are_wrong_are_refused(client):
    maps = png(labels())
    assert problem(send(client, files={"labels": maps, "instances": png(np.zeros((8, 8), np.uint8))})) == (
        422,
        "instances is 8x8 and labels 32x64 (height x width). Send both in one size.",
    )
    assert problem(send(client, files={"labels": maps, "style": eps()})) == (
        422,
        "photo style is not an image, or one of no pixels, or its beginning is damaged. Give a PNG, JPEG or WebP.",
    )
    assert problem(send(client, files={"labels": maps, "style": bomb()})) == (
        422,
        f"photo style is 40000x40000 (height x width), {TOO_LARGE}",
    )
    edit = {"labels": maps, "photo": png(photo())}
    assert problem(send(client, "/v1/edit", files=edit)) == (
        422,
        "what changed is told by old_labels or by hole. Send one of them.",
    )
    assert problem(send(client, "/v1/edit", files=edit | {"hole": png(np.ones((4, 4), np.uint8))})) == (
        422,
        "hole is 4x4 and labels 32x64 (height x width). Send both in one size.",
    )
    assert problem(send(client, "/v1/variants", n=17)) == (422, "17 variants were asked for. Ask for 16 at most.")
    assert problem(send(client, "/v1/variants", n=3, seeds=[1])) == (
        422,
        "n is 3 and 1 seeds were given. Give as many seeds, or leave n out.",
    )


def test_a_body_that_is_no_form_is_refused(client):
    for content, kind in [
        (json.dumps({"labels": "x"}).encode(), "application/json"),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
        (b"--x", "multipart/form-data"),
        (b"", "multipart/form-data; boundary="),
        (pickle.dumps({"labels": 1}), "application/octet-stream"),
    ]:
        answer = client.post("/v1/synthesise", content=content, headers={"content-type": kind})
        assert 400 <= answer.status_code < 500
        assert "\n" not in answer.json()["detail"]


def test_many_parts_are_refused(client):
    files = [("labels", png(labels()))] + [(f"x{number}", b"") for number in range(1100)]
    assert client.post("/v1/synthesise", files=files).status_code == 400


NAMES = [
    *("..", "../up", "a/b", "a\\b", ".hidden", "a.zip", "/etc/passwd", "C:x", "nul", "COM1", "x" * 81, " x", "x "),
    *("a\x00b", "a\nb", "é", "-x", "%2e%2e", "a:b", "*"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_names_that_could_lead_elsewhere_are_refused(client, method, name):
    from urllib.parse import quote

    # Sent as a whole segment: what a proxy or the client itself would have tidied up arrives as it is.
    answer = client.request(method, "/v1/projects/" + quote(name, safe="").replace(".", "%2E"), content=zipped(a=b"1"))
    assert answer.status_code in (404, 405, 422), answer.text
    assert client.get("/v1/projects").json() == []


BAD_ZIPS = {
    "no ZIP": (b"hello", "the project x is no ZIP file. Export it again."),
    "an entry that climbs": (
        zipped(**{"../../x": b"1"}),
        "the project x has an entry '../../x' that leads elsewhere. Rename it.",
    ),
    "an absolute entry": (
        zipped(**{"/etc/x": b"1"}),
        "the project x has an entry '/etc/x' that leads elsewhere. Rename it.",
    ),
    "an entry of another drive": (
        zipped(**{"C:\\x": b"1"}),
        "the project x has an entry 'C:\\\\x' that leads elsewhere. Rename it.",
    ),
    "many entries": (
        zipped(**{str(number): b"" for number in range(1001)}),
        "the project x has 1001 entries. Keep 1000 or fewer.",
    ),
}


@pytest.mark.parametrize("name", BAD_ZIPS)
def test_projects_that_would_do_harm_are_refused(client, name):
    content, message = BAD_ZIPS[name]
    assert problem(client.put("/v1/projects/x", content=content)) == (422, message)
    assert client.get("/v1/projects").json() == []


def test_a_zip_bomb_is_refused(client):
    content = bytearray(zipped(zeros=b"0"))
    place = content.index(b"PK\x01\x02") + 24  # of the size after unpacking, in the directory
    content[place : place + 4] = (513 * 2**20).to_bytes(4, "little")
    assert problem(client.put("/v1/projects/x", content=bytes(content))) == (
        422,
        "the project x unpacks to 537919488 bytes, more than 536870912. Make it smaller.",
    )


def test_the_server_goes_on_after_all_this(client):
    assert send(client).status_code == 200
