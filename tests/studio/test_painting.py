"""Each tool paints exactly the pixels that it should: no blurred edges, no other ids."""

import itertools

import numpy as np
import pytest

from tests.studio import shapes

SIZE = 64, 48


@pytest.fixture
def desk(shared_desk):
    return shared_desk.blank(*SIZE)


def painted(mask, label=1, ground=0):
    return np.where(mask, label, ground)


@pytest.mark.parametrize(("size", "shape"), [(1, "round"), (9, "round"), (14, "square")])
def test_a_brush_paints_a_dab_in_each_pixel_of_its_way(desk, size, shape):
    desk.brush(size, shape)
    corners = (10, 10), (45, 17), (50, 40), (3, 33)
    desk.drag(*corners)
    way = set().union(*(shapes.line(*ends) for ends in itertools.pairwise(corners)))
    np.testing.assert_array_equal(desk.labels, painted(shapes.brushed(SIZE, way, size, shape)))


def test_a_brush_is_cut_at_the_border(desk):
    desk.brush(20)
    desk.drag((1, 1), (1, 46))
    np.testing.assert_array_equal(desk.labels, painted(shapes.brushed(SIZE, shapes.line((1, 1), (1, 46)), 20, "round")))


def test_the_eraser_and_the_right_button_paint_the_background(desk):
    desk.put(np.full((48, 64), 5))
    desk.page.evaluate("studio.studio.space.background = 2")
    desk.brush(5, "square")
    desk.tool("eraser")
    desk.drag((10, 10), (30, 10))
    desk.tool("brush")
    desk.drag((10, 30), (30, 30), button="right")
    expected = np.full((48, 64), 5)
    expected[8:13, 8:33] = expected[28:33, 8:33] = 2
    np.testing.assert_array_equal(desk.labels, expected)


def test_a_line_goes_straight(desk):
    desk.tool("line")
    desk.brush(3)
    desk.drag((5, 5), (20, 40), (50, 21))
    way = shapes.line((5, 5), (50, 21))
    np.testing.assert_array_equal(desk.labels, painted(shapes.brushed(SIZE, way, 3, "round")))


def test_a_rectangle_holds_both_corners(desk):
    desk.tool("rectangle")
    desk.drag((40, 30), (20, 35), (10, 12))
    expected = np.zeros((48, 64), int)
    expected[12:31, 10:41] = 1
    np.testing.assert_array_equal(desk.labels, expected)


def test_with_shift_a_rectangle_is_a_square(desk):
    desk.tool("rectangle")
    desk.page.keyboard.down("Shift")
    desk.drag((10, 10), (20, 31))
    desk.page.keyboard.up("Shift")
    assert (desk.labels == 1).sum() == 22 * 22
    assert desk.labels[10:32, 10:32].all()


def test_an_ellipse_fills_its_box(desk):
    desk.tool("ellipse")
    desk.drag((8, 6), (49, 37))
    np.testing.assert_array_equal(desk.labels, painted(shapes.ellipse(SIZE, (8, 6), (49, 37))))


CORNERS = [(10, 8), (51, 15), (30, 20), (44, 41), (11, 35)]  # of odd sides: no pixel lies just between two


@pytest.mark.parametrize("closed_by", ["first corner", "double click", "Enter"])
def test_a_polygon_is_filled_when_it_is_closed(desk, closed_by):
    desk.tool("polygon")
    for corner in CORNERS:
        desk.click(*corner)
    assert not desk.labels.any()
    if closed_by == "first corner":
        desk.click(*CORNERS[0])
    elif closed_by == "double click":
        desk.click(*CORNERS[-1])
    else:
        desk.page.keyboard.press("Shift+Enter")
    np.testing.assert_array_equal(desk.labels, painted(shapes.polygon(SIZE, CORNERS)))


def test_escape_leaves_a_polygon(desk):
    desk.tool("polygon")
    for corner in CORNERS:
        desk.click(*corner)
    desk.page.keyboard.press("Escape")
    desk.page.keyboard.press("Shift+Enter")
    assert not desk.labels.any()


def test_a_lasso_fills_what_it_goes_around(desk):
    desk.tool("lasso")
    desk.drag(*CORNERS)
    np.testing.assert_array_equal(desk.labels, painted(shapes.polygon(SIZE, CORNERS)))


ISLANDS = np.zeros((48, 64), int)
ISLANDS[5:20, 5:20] = ISLANDS[30:40, 30:60] = 3
ISLANDS[10:12, 10:12] = 7


def test_the_bucket_fills_a_region_or_all_alike(desk):
    desk.put(ISLANDS)
    desk.tool("bucket")
    desk.click(6, 6)
    expected = np.where(shapes.region(ISLANDS, 6, 6), 1, ISLANDS)
    np.testing.assert_array_equal(desk.labels, expected)
    desk.put(ISLANDS)
    desk.page.click("#options button:has-text('All alike')")
    desk.click(6, 6)
    np.testing.assert_array_equal(desk.labels, np.where(ISLANDS == 3, 1, ISLANDS))


def test_the_eyedropper_takes_the_class_under_it(desk):
    desk.put(ISLANDS)
    desk.tool("picker")
    desk.click(10, 10)
    assert desk.state("pen.label") == 7
    desk.tool("brush")
    desk.page.keyboard.down("Alt")
    desk.click(35, 35)
    desk.page.keyboard.up("Alt")
    assert desk.state("pen.label") == 3
    np.testing.assert_array_equal(desk.labels, ISLANDS)


def test_a_class_is_replaced_in_the_whole_map_or_in_the_selection(desk):
    desk.put(ISLANDS)
    replace(desk, 3, 4)
    np.testing.assert_array_equal(desk.labels, np.where(ISLANDS == 3, 4, ISLANDS))
    desk.page.keyboard.press("Control+z")
    select_box(desk, (0, 0), (25, 25))
    replace(desk, 3, 4)
    expected = ISLANDS.copy()
    expected[:26, :26][expected[:26, :26] == 3] = 4
    np.testing.assert_array_equal(desk.labels, expected)


def replace(desk, origin, target):
    desk.page.keyboard.press("Control+h")
    for select, value in zip(desk.page.query_selector_all("dialog select"), (origin, target), strict=True):
        select.select_option(str(value))
    desk.page.click("dialog button:has-text('Replace')")
    desk.wait("!document.querySelector('dialog')")  # browsers tell of its closing afterwards


def select_box(desk, start, end):
    desk.tool("select")
    desk.page.click("#options [data-value=box]")
    desk.drag(start, end)


def test_protected_classes_stay(desk):
    desk.put(ISLANDS)
    desk.page.hover("#classes li[data-class='3']")
    desk.page.click("#classes li[data-class='3'] .lock")
    desk.brush(30, "square")
    desk.drag((10, 20), (50, 30))
    labels = desk.labels
    assert (labels[ISLANDS == 3] == 3).all()
    assert (labels == 1).any()
    assert (labels[20, 20:40][ISLANDS[20, 20:40] == 0] == 1).all()


def test_painting_stays_in_the_selection(desk):
    desk.tool("select")
    desk.drag(*CORNERS)
    inside = shapes.polygon(SIZE, CORNERS)
    np.testing.assert_array_equal(desk.selection, inside)
    desk.tool("rectangle")
    desk.drag((0, 0), (63, 47))
    np.testing.assert_array_equal(desk.labels, painted(inside))
    desk.page.keyboard.press("Escape")
    assert desk.selection is None


def test_selections_add_up_and_are_taken_away(desk):
    select_box(desk, (5, 5), (20, 20))
    desk.page.keyboard.down("Shift")
    desk.drag((30, 30), (40, 40))
    desk.page.keyboard.up("Shift")
    desk.page.keyboard.down("Alt")
    desk.drag((10, 10), (12, 12))
    desk.page.keyboard.up("Alt")
    expected = np.zeros((48, 64), bool)
    expected[5:21, 5:21] = expected[30:41, 30:41] = True
    expected[10:13, 10:13] = False
    np.testing.assert_array_equal(desk.selection, expected)


def test_a_selected_region_grows_shrinks_and_gets_smooth(desk):
    desk.put(ISLANDS)
    desk.tool("select")
    desk.page.click("#options [data-value=region]")
    desk.click(35, 35)
    desk.page.fill("#steps", "1")
    desk.page.click("#options button:has-text('Grow')")
    cross = ISLANDS.copy()
    cross[29:41, 30:60] = cross[30:40, 29:61] = 3
    np.testing.assert_array_equal(desk.labels, cross)
    desk.page.click("#options button:has-text('Shrink')")
    np.testing.assert_array_equal(desk.labels, ISLANDS)
    spiked = ISLANDS.copy()
    spiked[25:30, 44] = 3
    desk.put(spiked)
    desk.click(35, 35)
    desk.page.click("#options button:has-text('Smooth')")
    assert (desk.labels[25:29, 44] == 0).all()
    assert (desk.labels[31:39, 31:59] == 3).all()


def test_objects_are_numbered_taken_up_relabelled_and_deleted(desk):
    page = desk.page
    page.keyboard.press("j")
    page.click("#options label:has-text('One a stroke')")
    desk.tool("rectangle")
    desk.drag((5, 5), (14, 14))
    desk.drag((20, 5), (29, 14))
    numbers = desk.instances
    assert set(np.unique(numbers)) == {0, 1, 2} or len(np.unique(numbers)) == 3
    first, second = int(numbers[6, 6]), int(numbers[6, 21])
    assert first != second
    assert (numbers[5:15, 5:15] == first).all()
    assert (numbers[5:15, 20:30] == second).all()

    desk.tool("objects")
    desk.click(8, 8)
    assert desk.state("pen") == {"label": 1, "instance": first}
    desk.choose("tree")
    page.click("#options [data-value=relabel]")
    desk.click(25, 8)
    assert (desk.labels[5:15, 20:30] == 6).all()
    assert (desk.instances[5:15, 20:30] == second).all()

    page.click("#options [data-value=delete]")
    desk.click(8, 8)
    assert (desk.labels[5:15, 5:15] == 0).all()
    assert (desk.instances[5:15, 5:15] == 0).all()
    assert (desk.labels[5:15, 20:30] == 6).all()


def test_painting_on_the_photo_paints_the_map(desk):
    desk.page.click("#modes [data-mode=side]")
    desk.tool("rectangle")
    desk.drag((3, 4), (20, 21), pane="photo")
    assert (desk.labels == 1).sum() == 18 * 18
    assert desk.labels[4:22, 3:21].all()


def test_zoomed_and_moved_a_pixel_is_still_a_pixel(desk):
    page = desk.page
    x, y = desk.place(40, 20)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    before = desk.place(40, 20)
    assert before == pytest.approx([x, y], abs=desk.page.evaluate("studio.view.viewport.scale"))
    page.keyboard.down(" ")
    page.mouse.down()
    page.mouse.move(x - 150, y + 90)
    page.mouse.up()
    page.keyboard.up(" ")
    after = desk.place(40, 20)
    assert (after[0] - before[0], after[1] - before[1]) == pytest.approx((-150, 90))
    assert not desk.labels.any()
    desk.drag((41, 18), (44, 18))
    expected = np.zeros((48, 64), int)
    expected[18, 41:45] = 1
    np.testing.assert_array_equal(desk.labels, expected)
