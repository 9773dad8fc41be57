import numpy as np
import pytest

from intarsia.editing.palette import group_of, mapped, translated
from intarsia.labels import LabelClass, LabelSpace, counted


def space(*names, dont_care=()):
    return LabelSpace("s", tuple(LabelClass(i, name, (i, 0, 0)) for i, name in enumerate(names)), dont_care)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("road", "ground"),
        ("traffic light", "things"),
        ("temperate forest", "plants"),
        ("shallow sea", "water"),
        ("snow and ice", "ice"),
        ("class 12", "other"),
    ],
)
def test_a_class_is_grouped_by_the_last_word_that_is_known(name, group):
    assert group_of(name) == group


def test_classes_map_by_name_then_by_word_then_by_group():
    report = mapped(
        space("Road", "deep sea", "oak tree", "lorries", "gizmo", "pavment"),
        space("road", "water", "tree", "sea", "pavement", "bus"),
    )
    found = [(each.origin.name, each.target and each.target.name, each.how) for each in report]
    assert found == [
        ("Road", "road", "same"),
        ("deep sea", "sea", "alike"),
        ("oak tree", "tree", "alike"),
        ("lorries", None, "none"),
        ("gizmo", None, "none"),
        ("pavment", "pavement", "alike"),
    ]
    [river] = mapped(space("river"), space("sky", "lake", "water"))
    assert (river.target.name, river.how) == ("lake", "group")


def test_a_map_is_translated_and_what_has_no_place_becomes_dont_care():
    of, to = space("road", "gizmo", "sky", dont_care=(9,)), space("sky", "road", dont_care=(255,))
    assert translated(np.array([[0, 1, 2, 3]]), of, to).tolist() == [[1, 2, 0, 2]]
    without = counted("t", {"sky": (0, 0, 0), "road": (1, 1, 1)})
    assert translated(np.array([[0, 1, 2, 3]]), of, without).tolist() == [[1, 0, 0, 0]]
