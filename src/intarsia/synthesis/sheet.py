"""A sheet of pictures in rows, with captions and a legend of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from intarsia.labels import LabelClass

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

PAPER: Colour = (251, 250, 247)
INK: Colour = (38, 36, 33)
FAINT: Colour = (125, 120, 112)
EDGE: Colour = (205, 200, 192)
MARGIN, GUTTER, SEAM = 40, 28, 4
TITLE, TEXT, SMALL = 30, 17, 14
HEADING = 54


@dataclass(frozen=True)
class Group:
    """Pictures that belong together, drawn side by side over one caption."""

    pictures: tuple[Picture, ...]  # each H W 3 uint8
    caption: str


@dataclass(frozen=True)
class Section:
    """Groups under a heading."""

    heading: str
    groups: Sequence[Group]


def draw_sheet(
    title: str, subtitle: str, sections: Sequence[Section], legend: Sequence[LabelClass], *, columns: int, side: int
) -> Image.Image:
    """Draw the sheet.

    Args:
        title: of the sheet.
        subtitle: one line below it.
        sections: from top to bottom.
        legend: classes to explain, by colour.
        columns: groups in a row.
        side: pixels; each picture is fitted into a square of this side, whole pixels where it is smaller.
    """
    pictures = max(len(group.pictures) for section in sections for group in section.groups)
    group_width = pictures * side + (pictures - 1) * SEAM
    width = 2 * MARGIN + columns * group_width + (columns - 1) * GUTTER
    row = side + 34
    rows = [-(-len(section.groups) // columns) for section in sections]
    headings = sum(HEADING for section in sections if section.heading)
    entries = max(1, (width - 2 * MARGIN) // 230)
    legend_height = 22 + 28 * -(-len(legend) // entries)
    height = MARGIN + 84 + headings + row * sum(rows) + legend_height + MARGIN // 2
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)

    draw.text((MARGIN, MARGIN - 6), title, INK, _font(TITLE))
    draw.text((MARGIN, MARGIN + 36), subtitle, FAINT, _font(TEXT))
    y = MARGIN + 84
    for section, count in zip(sections, rows, strict=True):
        if section.heading:
            draw.text((MARGIN, y + 14), section.heading, INK, _font(TEXT + 3))
            y += HEADING
        for place, group in enumerate(section.groups):
            x = MARGIN + place % columns * (group_width + GUTTER)
            _draw_group(sheet, draw, group, (x, y + place // columns * row), side)
        y += row * count
    y += 12
    for place, label_class in enumerate(legend):
        _draw_entry(draw, label_class, (MARGIN + place % entries * 230, y + place // entries * 28))
    return sheet


def _draw_group(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, group: Group, corner: tuple[int, int], side: int
) -> None:
    x, y = corner
    for picture in group.pictures:
        image = _fitted(Image.fromarray(picture), side)
        sheet.paste(image, (x + (side - image.width) // 2, y + (side - image.height) // 2))
        x += side + SEAM
    draw.text((corner[0], y + side + 7), group.caption, FAINT, _font(SMALL))


def _draw_entry(draw: ImageDraw.ImageDraw, label_class: LabelClass, corner: tuple[int, int]) -> None:
    x, y = corner
    draw.rounded_rectangle((x, y, x + 26, y + 17), 4, fill=label_class.colour, outline=EDGE)
    draw.text((x + 36, y + 1), label_class.name, INK, _font(SMALL))


def _fitted(image: Image.Image, side: int) -> Image.Image:
    """Shrunk to fit, or enlarged by a whole factor, so that no pixel is blurred."""
    longest = max(image.size)
    if longest > side:
        scale = side / longest
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        return image.resize(size, Image.Resampling.LANCZOS)
    factor = side // longest
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
