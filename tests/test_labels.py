"""Label spaces: raw ids, train ids and colours, and one sentence for each way to get them wrong."""

import json

import numpy as np
import pytest

from intarsia.errors import LabelError
from intarsia.labels import LabelClass, LabelSpace, numbered

SPACE = LabelSpace(
    "toy",
    (LabelClass(7, "road", (128, 64, 128)), LabelClass(11, "sky", (70, 130, 180)), LabelClass(300, "sea", (0, 0, 90))),
    dont_care_ids=(255, 3),
    dont_care_colour=(1, 2, 3),
)


def test_raw_ids_become_train_ids_in_the_order_of_the_classes():
    raw = np.array([[7, 11], [300, 255], [3, 7]], np.uint16)
    train = SPACE.encode(raw, "a.png")
    assert train.dtype == np.int64
    assert train.tolist() == [[0, 1], [2, 3], [3, 0]]
    assert SPACE.channels == 4


def test_decoding_gives_the_raw_ids_back_and_the_first_id_for_dont_care():
    assert SPACE.decode(np.array([[0, 1, 2, 3]])).tolist() == [[7, 11, 300, 255]]


def test_colours_and_train_ids_are_each_others_inverse():
    train = np.array([[0, 1], [2, 3]])
    colours = SPACE.colourise(train)
    assert colours.dtype == np.uint8
    assert colours[1, 1].tolist() == [1, 2, 3]
    assert np.array_equal(SPACE.encode_colours(colours, "a.png"), train)


def test_an_id_outside_the_space_is_named_with_its_place():
    raw = np.full((20, 100), 7)
    raw[12, 80] = 255
    space = LabelSpace("plain", SPACE.classes[:2])
    with pytest.raises(LabelError) as caught:
        space.encode(raw, "street/0041.png")
    assert str(caught.value) == (
        "label map street/0041.png has id 255 at (12, 80); classes end at 11. "
        "Set dont_care=255 or remap with LabelSpace."
    )


@pytest.mark.parametrize("value", [-1, 0, 8, 301, 65535, 10**9])
def test_ids_between_below_and_above_the_classes_are_refused(value: int):
    with pytest.raises(LabelError, match=f"has id {value} at "):
        SPACE.encode(np.array([[7, value]]), "a.png")


def test_a_photo_given_as_a_label_map_is_refused():
    rgb = np.full((2, 2, 3), (70, 130, 180), np.uint8)
    rgb[1, 0] = (70, 130, 181)
    with pytest.raises(LabelError) as caught:
        SPACE.encode_colours(rgb, "a.png")
    assert str(caught.value) == (
        "label map a.png has colour (70, 130, 181) at (1, 0), which is no class of toy. "
        "Give an index, palette or colour PNG of the label space; photos are not label maps."
    )


def test_a_shared_colour_means_the_first_class():
    space = LabelSpace("twins", (LabelClass(0, "a", (9, 9, 9)), LabelClass(1, "b", (9, 9, 9))))
    assert space.encode_colours(np.full((1, 1, 3), 9, np.uint8), "a.png").tolist() == [[0]]


def test_a_class_is_found_by_name_and_near_names_are_proposed():
    assert SPACE.index("sea") == 2
    with pytest.raises(LabelError) as caught:
        SPACE.index("rod")
    assert str(caught.value) == "no class is called rod in toy. Did you mean road?"


def test_json_gives_the_same_space_back(tmp_path):
    SPACE.save(tmp_path / "space.json")
    assert LabelSpace.load(tmp_path / "space.json") == SPACE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colours": 1}, "label space {path} has an unknown key colours. Remove it."),
        ({"classes": []}, "label space toy has no classes. Give at least one."),
        ({"dont_care_ids": [7]}, "label space toy uses id 7 twice. Make each id unique."),
        ({"dont_care_ids": [70000]}, "label space toy has an id outside 0..65535. Choose ids in that range."),
        (
            {"classes": [{"id": 0, "name": "a"}]},
            "label space {path} lacks the key colour. Add it.",
        ),
        (
            {"classes": [{"id": 0, "name": "a", "colour": [0, 0, 0], "color": [1, 1, 1]}]},
            "label space {path} has an unknown key color. Remove it.",
        ),
        (
            {"classes": [{"id": 0.5, "name": "a", "colour": [0, 0, 0]}]},
            "label space {path} is malformed ('float' object cannot be interpreted as an integer). "
            "Write it with LabelSpace.save.",
        ),
        (
            {"dont_care_ids": "255"},
            "label space {path} is malformed ('str' object cannot be interpreted as an integer). "
            "Write it with LabelSpace.save.",
        ),
        (
            {"classes": [{"id": 0, "name": "a", "colour": [0, 0, 256]}]},
            "label space {path} is malformed (colour (0, 0, 256) is outside 0..255). Write it with LabelSpace.save.",
        ),
    ],
)
def test_a_malformed_space_says_what_is_wrong(tmp_path, change: dict, message: str):
    path = tmp_path / "space.json"
    path.write_text(json.dumps({**SPACE.to_dict(), **change}))
    with pytest.raises(LabelError) as caught:
        LabelSpace.load(path)
    assert str(caught.value) == message.format(path=path)


def test_json_that_is_none_names_the_file(tmp_path):
    path = tmp_path / "space.json"
    path.write_text("{")
    with pytest.raises(LabelError, match=rf"label space {path} cannot be read \(.*\). Give a JSON file"):
        LabelSpace.load(path)


def test_numbered_spaces_have_distinct_colours():
    space = numbered("ade", 151)
    assert len({tuple(colour) for colour in space.palette.tolist()}) == 151
