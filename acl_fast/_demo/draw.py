"""Colours and letters, and the contact sheet."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

SHEET_BACKGROUND: Colour = (24, 26, 30)
SHEET_TEXT: Colour = (228, 230, 234)
SHEET_FAINT: Colour = (150, 154, 162)
GAP = 12


@lru_cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font, so that pictures look the same on every machine."""
    return ImageFont.load_default(size)


@lru_cache
def class_colour(number: int) -> Colour:
    """Return a bright colour; neighbours in the class list lie far apart in hue."""
    red, green, blue = colorsys.hsv_to_rgb((0.36 + number * 0.618034) % 1.0, 0.82, 0.98)
    return round(red * 255), round(green * 255), round(blue * 255)


@dataclass(frozen=True)
class Tile:
    """One picture of a contact sheet."""

    picture: Image.Image
    caption: str


def contact_sheet(
    tiles: Sequence[Tile], title: str, columns: int = 3, width: int = 480
) -> Image.Image:
    """Arrange pictures of one size in a grid with captions under a title.

    Parameters
    ----------
    tiles
        In reading order, at least one.
    title
        Line at the top.
    columns, width
        Most tiles in a row, and pixels that each one is wide.
    """
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    first = tiles[0].picture
    height = round(width * first.height / first.width)
    header, caption = 44, 26
    sheet = Image.new(
        "RGB",
        (GAP + columns * (width + GAP), header + rows * (height + caption) + GAP),
        SHEET_BACKGROUND,
    )
    canvas = ImageDraw.Draw(sheet)
    canvas.text((GAP, header // 2), title, fill=SHEET_TEXT, font=font(20), anchor="lm")
    for index, tile in enumerate(tiles):
        x = GAP + index % columns * (width + GAP)
        y = header + index // columns * (height + caption)
        sheet.paste(tile.picture.resize((width, height), Image.Resampling.LANCZOS), (x, y))
        place = (x, y + height + caption // 2 - 1)
        canvas.text(place, tile.caption, fill=SHEET_FAINT, font=font(14), anchor="lm")
    return sheet
