import numpy as np
import pytest

from intarsia.editing import raster
from tests.editing.scene import shown


def test_an_ellipse_is_the_pixels_whose_centre_lies_in_it():
    for height, width in [(1, 1), (2, 2), (3, 3), (4, 7), (9, 5), (16, 16), (1, 6)]:
        mask = raster.ellipse((20, 20), (2, 3, height, width))
        rows, columns = np.mgrid[0:20, 0:20]
        down = (rows - 2 + 0.5 - height / 2) / (height / 2)
        across = (columns - 3 + 0.5 - width / 2) / (width / 2)
        expected = down**2 + across**2 <= 1 + 1e-9
        assert shown(mask) == shown(expected), (height, width)


def test_a_line_goes_through_both_ends_in_steps_of_one():
    for end in [(5, 0), (0, 5), (-4, 9), (7, -3), (3, 3), (0, 0)]:
        pixels = raster.line((2, 1), (2 + end[0], 1 + end[1]))
        assert pixels[0].tolist() == [2, 1]
        assert pixels[-1].tolist() == [2 + end[0], 1 + end[1]]
        assert len(pixels) == max(abs(end[0]), abs(end[1])) + 1
        assert np.abs(np.diff(pixels, axis=0)).max(initial=0) <= 1


def test_a_stroke_is_a_dab_in_each_pixel_of_its_lines():
    points = [(3, 3), (8, 12), (8, 4)]
    for width, tip in [(1, "round"), (4, "round"), (5, "square"), (2, "square")]:
        shape = raster.ellipse if tip == "round" else raster.rectangle
        expected = np.zeros((12, 16), bool)
        for one, other in [(points[0], points[1]), (points[1], points[2])]:
            for row, column in raster.line(one, other):
                expected |= shape((12, 16), (int(row) - width // 2, int(column) - width // 2, width, width))
        assert shown(raster.stroke((12, 16), points, width, tip)) == shown(expected)


def test_a_dot_is_one_dab():
    assert shown(raster.stroke((7, 7), [(3, 3)], 5)) == "\n".join(
        [".......", "..###..", ".#####.", ".#####.", ".#####.", "..###..", "......."]
    )


def test_shapes_are_clipped():
    assert raster.rectangle((4, 4), (-2, -2, 100, 100)).all()
    assert not raster.rectangle((4, 4), (4, 0, 3, 3)).any()
    assert shown(raster.stroke((3, 3), [(-5, 1), (9, 1)])) == ".#.\n.#.\n.#."


def test_a_polygon_has_its_inside_and_its_outline():
    assert shown(raster.polygon((7, 9), [(1, 1), (1, 7), (5, 1)])) == "\n".join(
        [".........", ".#######.", ".######..", ".####....", ".###.....", ".#.......", "........."]
    )


def test_a_polygon_that_crosses_itself_is_even_odd():
    inner = [(4, 4), (4, 12), (12, 12), (12, 4)]
    outer = [(1, 1), (1, 15), (15, 15), (15, 1), (1, 1)]
    mask = raster.polygon((17, 17), [*outer, *inner, inner[0]])
    assert mask[2, 8]
    assert not mask[8, 8]


@pytest.mark.parametrize("corners", [[(3, 3)], [(1, 1), (5, 6)], [(2, 2), (2, 9), (2, 4)]])
def test_a_polygon_without_area_is_its_outline(corners):
    assert shown(raster.polygon((12, 12), corners)) == shown(raster.stroke((12, 12), [*corners, corners[0]]))


def test_the_box_between_corners_has_both_inside():
    assert raster.between((5, 2), (1, 9)) == (1, 2, 5, 8)
    assert raster.between((3, 3), (3, 3)) == (3, 3, 1, 1)
