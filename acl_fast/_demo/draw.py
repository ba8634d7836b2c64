"""Boxes and labels on pictures, and the contact sheet."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from acl_fast._demo.yolo import Detections

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


def annotate(picture: Image.Image, found: Detections, names: Sequence[str]) -> None:
    """Draw boxes with class and score into an RGB picture, the surest on top.

    Parameters
    ----------
    picture
        Changed in place.
    found
        Boxes in pixels of the picture.
    names
        Name of each class number.
    """
    unit = max(1, round(min(picture.size) / 270))
    label_font = font(12 * unit)
    canvas = ImageDraw.Draw(picture)
    # The surest last: Detections come sorted, and later drawing covers earlier.
    for index in reversed(range(len(found))):
        colour = class_colour(int(found.classes[index]))
        x0, y0, x1, y1 = (round(float(value)) for value in found.boxes[index])
        right, bottom = min(x1, picture.width - 1), min(y1, picture.height - 1)
        canvas.rectangle((x0, y0, max(x0, right), max(y0, bottom)), outline=colour, width=2 * unit)
        text = f"{names[found.classes[index]]} {found.scores[index]:.2f}"
        _label(canvas, picture.size, (x0, y0), text, colour, label_font, unit)


def _label(
    canvas: ImageDraw.ImageDraw,
    limits: tuple[int, int],
    corner: tuple[int, int],
    text: str,
    colour: Colour,
    label_font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    unit: int,
) -> None:
    """Write a label above a box's corner, or inside the box where there is no room."""
    left, top, right, bottom = canvas.textbbox((0, 0), text, font=label_font)
    width, height = int(right - left) + 6 * unit, int(bottom - top) + 5 * unit
    x = max(0, min(corner[0], limits[0] - width))
    y = corner[1] - height if corner[1] >= height else corner[1]
    canvas.rectangle((x, y, x + width, y + height), fill=colour)
    canvas.text((x + 3 * unit - left, y + 2 * unit - top), text, fill="black", font=label_font)


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
