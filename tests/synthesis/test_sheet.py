import numpy as np

from intarsia.labels import LabelClass
from intarsia.synthesis.sheet import GUTTER, MARGIN, PAPER, SEAM, Group, Section, draw_sheet

RED, BLUE = (200, 30, 30), (30, 30, 200)


def plain(colour, height=64, width=64):
    return np.full((height, width, 3), colour, np.uint8)


def sheet(*groups, columns=2):
    sections = [Section("", groups)]
    image = draw_sheet("title", "subtitle", sections, [LabelClass(0, "sea", BLUE)], columns=columns, side=64)
    return np.asarray(image)


def boxes(drawn, colour):
    """Top, left, height and width of the area that one colour takes up."""
    rows, columns = np.nonzero((drawn == colour).all(-1))
    return rows.min(), columns.min(), np.ptp(rows) + 1, np.ptp(columns) + 1


def test_pictures_of_a_group_stand_side_by_side_and_groups_in_columns():
    green, grey = (30, 200, 30), (90, 90, 90)
    drawn = sheet(Group((plain(RED), plain(green)), "one"), Group((plain(grey), plain(grey)), "two"))
    top, left, *size = boxes(drawn, RED)
    assert (left, size) == (MARGIN, [64, 64])
    assert boxes(drawn, green) == (top, MARGIN + 64 + SEAM, 64, 64)
    assert boxes(drawn, grey)[:2] == (top, MARGIN + 2 * 64 + SEAM + GUTTER)
    assert drawn.shape[1] == 2 * MARGIN + 2 * (2 * 64 + SEAM) + GUTTER


def test_large_pictures_shrink_and_small_ones_grow_by_whole_factors():
    assert boxes(sheet(Group((plain(RED, 128, 64),), "tall")), RED)[2:] == (64, 32)
    assert boxes(sheet(Group((plain(RED, 20, 30),), "small")), RED)[2:] == (40, 60)


def test_the_legend_shows_each_colour():
    drawn = sheet(Group((plain(RED),), "one"))
    assert (drawn == BLUE).all(-1).sum() > 300
    assert tuple(drawn[0, 0]) == PAPER
