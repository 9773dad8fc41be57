import random

import numpy as np
import pytest
from PIL import Image

from intarsia.editing.document import Document
from intarsia.errors import ConfigError, IntarsiaError
from tests.editing.scene import IDS, SPACE, blank, drawn, of_classes, shown


def scribble(document, draw):
    """One random operation."""
    height, width = document.size
    one, other = ((draw.randrange(-2, height + 2), draw.randrange(-2, width + 2)) for _ in range(2))
    name, instance = draw.choice(list(IDS)), draw.choice([0, 0, 3, 4])
    inside = (one[0] % height, one[1] % width)
    region = document.region(inside)
    draw.choice(
        [
            lambda: document.stroke([one, other], name, width=draw.randrange(1, 6), instance=instance),
            lambda: document.rectangle(one, other, name, instance=instance),
            lambda: document.ellipse(one, other, name),
            lambda: document.polygon([one, other, inside], name, instance=instance),
            lambda: document.fill(inside, name, contiguous=draw.random() < 0.5),
            lambda: document.replace(document.at(inside)[0], name),
            lambda: document.grow(region, 2),
            lambda: document.shrink(region, 1),
            lambda: document.smooth(region, 1),
        ]
    )()


def test_two_hundred_operations_undone_lead_back_and_redone_forth():
    document, draw, states = blank(), random.Random(4), []
    while document.steps < 200:
        states.append(document.maps.copy())
        before = document.steps
        scribble(document, draw)
        if document.steps == before:
            states.pop()  # it changed nothing, so there is nothing to undo
    states.append(document.maps.copy())
    for state in reversed(states[:-1]):
        assert document.undo()
        assert np.array_equal(document.maps, state)
    assert not document.undo()
    for state in states[1:]:
        assert document.redo()
        assert np.array_equal(document.maps, state)
    assert not document.redo()


def test_painting_after_undo_forgets_what_was_undone():
    document = blank()
    document.rectangle((0, 0), (3, 3), "road")
    document.undo()
    document.rectangle((0, 0), (1, 1), "car")
    assert not document.redo()
    assert document.steps == 1


def test_labels_are_the_classes_ids_and_objects_their_numbers():
    document = blank(3, 4)
    document.rectangle((0, 0), (1, 1), "car", instance=5)
    assert document.labels.tolist() == [[300, 300, 0, 0], [300, 300, 0, 0], [0, 0, 0, 0]]
    assert document.instances.tolist() == [[5, 5, 0, 0], [5, 5, 0, 0], [0, 0, 0, 0]]
    assert document.at((1, 1)) == ("car", 5)
    assert document.at((2, 3)) == ("sky", 0)
    assert document.free_instance() == 1
    document.rectangle((2, 0), (2, 0), "car", instance=1)
    assert document.free_instance() == 2


def test_painting_goes_only_inside_the_selection_and_never_over_protected_classes():
    document = blank(3, 6)
    document.rectangle((0, 3), (2, 5), "tree")
    document.selection = drawn("###### ###### ......")
    document.protected = frozenset({"tree"})
    document.rectangle((0, 0), (2, 5), "road")
    assert of_classes(document, r="road", t="tree", s="sky") == "rrrttt\nrrrttt\nsssttt"


def test_filling_is_contiguous_by_sides_or_everywhere():
    document = blank(3, 5)
    document.stroke([(0, 2), (2, 2)], "road")
    document.fill((0, 0), "tree")
    assert of_classes(document, r="road", t="tree", s="sky") == "ttrss\nttrss\nttrss"
    document.fill((1, 2), "sky")
    document.rectangle((0, 0), (0, 0), "car", instance=1)
    document.fill((0, 1), "road", contiguous=False)
    assert of_classes(document, r="road", c="car", s="sky") == "crsss\nrrsss\nrrsss"


def test_filling_tells_objects_of_one_class_apart():
    document = blank(1, 4)
    document.rectangle((0, 0), (0, 1), "car", instance=1)
    document.rectangle((0, 2), (0, 3), "car", instance=2)
    document.fill((0, 0), "tree")
    assert of_classes(document, t="tree", c="car") == "ttcc"


def test_replacing_a_class_keeps_its_objects_numbers():
    document = blank(1, 3)
    document.rectangle((0, 0), (0, 1), "car", instance=8)
    document.replace("car", "tree")
    assert of_classes(document, t="tree", s="sky") == "tts"
    assert document.instances.tolist() == [[8, 8, 0]]


def test_an_object_can_get_another_class_and_be_deleted():
    document = blank(3, 5)
    document.rectangle((2, 0), (2, 4), "road")
    document.rectangle((1, 1), (2, 2), "car", instance=4)
    document.relabel(4, "tree")
    assert of_classes(document, t="tree", s="sky", r="road") == "sssss\nsttss\nrttrr"
    document.delete(4)
    assert of_classes(document, s="sky", r="road") == "sssss\nsssss\nrrrrr"
    assert not document.instances.any()


def test_regions_grow_shrink_and_get_smooth():
    document = blank(7, 9)
    document.rectangle((3, 3), (3, 5), "car", instance=2)
    document.grow(document.of_class("car"), 1)
    assert shown(document.of_instance(2)) == shown(
        drawn("......... ......... ...###... ..#####.. ...###... ......... .........")
    )
    document.shrink(document.of_class("car"), 1)
    assert shown(document.of_class("car")) == shown(
        drawn("......... ......... ......... ...###... ......... ......... .........")
    )
    document.rectangle((4, 3), (5, 5), "car", instance=2)
    document.rectangle((4, 6), (4, 6), "car", instance=2)  # a spur
    document.smooth(document.of_class("car"), 1)
    assert not document.of_class("car")[4, 6]
    assert document.of_class("car")[4, 4]


def test_a_region_at_the_border_does_not_shrink_from_it():
    document = blank(4, 6)
    document.rectangle((0, 0), (3, 2), "road")
    document.shrink(document.of_class("road"), 1)
    assert of_classes(document, r="road", s="sky") == "\n".join(["rrssss"] * 4)


def test_pixels_without_an_object_are_numbered_by_class():
    document = blank(1, 4)
    assert document.complete_instances() is None
    document.rectangle((0, 1), (0, 1), "road")
    document.rectangle((0, 2), (0, 2), "car", instance=65535)
    numbers = document.complete_instances()[0]
    assert len({*numbers[:3].tolist()}) == 3
    assert numbers[0] == numbers[3]


def test_files_go_out_and_come_back_the_same(tmp_path):
    document = blank()
    document.stroke([(2, 2), (9, 9)], "car", width=3, instance=700)
    document.write_labels(tmp_path / "labels.png")
    document.write_instances(tmp_path / "instances.png")
    again = Document.open(tmp_path / "labels.png", SPACE, tmp_path / "instances.png")
    assert np.array_equal(again.maps, document.maps)
    with Image.open(tmp_path / "labels.png") as file:
        assert np.array_equal(np.asarray(file), document.labels)


def test_a_document_of_a_photo_knows_what_changed():
    photo = np.zeros((4, 4, 3), np.uint8)
    document = Document.of_photo(photo, SPACE, np.zeros((4, 4), int))
    assert not document.changed().any()
    document.rectangle((1, 1), (2, 2), "road")
    document.rectangle((1, 1), (1, 1), "sky")
    assert shown(document.changed()) == shown(drawn(".... ..#. .##. ...."))
    document.undo()
    assert document.changed()[1, 1]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda d: d.stroke([(0, 0)], "rode"), "no class is called rode in plots. Did you mean road?"),
        (lambda d: d.stroke([], "road"), "a stroke has 0 points and width 1. Give at least one, and 1 or more."),
        (lambda d: d.fill((12, 0), "road"), "pixel (12, 0) is outside the map of 12x16 (height x width)."),
        (lambda d: d.polygon([], "road"), "a polygon has no corner. Give at least one."),
        (lambda d: d.delete(3), "there is no object 3. There are none."),
        (
            lambda d: d.paint(d.of_class("sky"), "car", 65536),
            "instance 65536 is outside 0..65535. Choose a number inside.",
        ),
        (lambda d: d.grow(d.of_class("car"), 1), "the region has no pixel. Give at least one."),
        (lambda d: d.changed(), "the document is of no photo. Make one with Document.of_photo."),
        (
            lambda d: Document.of(SPACE, np.zeros((2, 2), int), np.full((2, 2), -1)),
            "the instance map has numbers outside 0..65535. Number its objects anew.",
        ),
        (
            lambda d: Document.of(SPACE, np.zeros((2, 2), int), np.zeros((2, 3), int)),
            "the instance map has shape (2, 3) and the label map (2, 2). Give both in one.",
        ),
        (
            lambda d: Document.of_photo(np.zeros((2, 3, 3), np.uint8), SPACE, np.zeros((2, 2), int)),
            "the photo has shape (2, 3) and its label map (2, 2). Give both in one size.",
        ),
        (
            lambda d: Document.blank(SPACE, (0, 4), "sky"),
            "a map of 0x4 has no pixels. Give height and width.",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(act, message):
    with pytest.raises(IntarsiaError) as refused:
        act(blank())
    assert str(refused.value) == message


def test_a_refused_operation_leaves_the_document_as_it_is():
    document = blank()
    with pytest.raises(ConfigError):
        document.shrink(document.of_class("car"), 1)
    assert document.steps == 0
