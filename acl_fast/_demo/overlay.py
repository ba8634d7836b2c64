"""Boxes and labels drawn straight into NV12 pictures, which the encoder then takes as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import acl_fast as af
from acl_fast import media
from acl_fast._demo.draw import Colour, class_colour, font
from acl_fast._demo.yolo import Detections

Bytes = NDArray[np.uint8]


@lru_cache
def to_yuv(colour: Colour) -> tuple[int, int, int]:
    """Convert RGB to Y, U, V: BT.601 narrow, as video is."""
    red, green, blue = (value / 255 for value in colour)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return (
        round(16 + 219 * luma),
        round(128 + 224 * (blue - luma) / 1.772),
        round(128 + 224 * (red - luma) / 1.402),
    )


@lru_cache(maxsize=512)
def label_mask(text: str, size: int) -> Bytes:
    """Return how much of each pixel of a label its text covers, 0 to 255; sides are even."""
    letters = font(size)
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox(
        (0, 0), text, font=letters
    )
    margin = size // 4
    width, height = int(right - left) + 2 * margin, int(bottom - top) + 2 * margin
    picture = Image.new("L", (width + width % 2, height + height % 2))
    ImageDraw.Draw(picture).text((margin - left, margin - top), text, fill=255, font=letters)
    mask: Bytes = np.asarray(picture).copy()
    mask.flags.writeable = False
    return mask


@dataclass(frozen=True)
class Canvas:
    """The two planes of an NV12 picture, cut to its size.

    Parameters
    ----------
    luma
        uint8 (height, width).
    chroma
        uint8 (height / 2, width / 2, 2), U and V.
    """

    luma: Bytes
    chroma: Bytes

    def fill(self, box: tuple[int, int, int, int], colour: Colour) -> None:
        """Paint (x0, y0, x1, y1), the corner exclusive, cut off at the picture's edges."""
        height, width = self.luma.shape
        x0, y0, x1, y1 = box
        x0, x1 = max(0, x0), min(width, x1)
        y0, y1 = max(0, y0), min(height, y1)
        if x0 >= x1 or y0 >= y1:
            return
        y, *uv = to_yuv(colour)
        self.luma[y0:y1, x0:x1] = y
        self.chroma[y0 // 2 : (y1 + 1) // 2, x0 // 2 : (x1 + 1) // 2] = uv

    def frame(self, box: tuple[int, int, int, int], colour: Colour, thick: int) -> None:
        """Paint the border of a box, inside its corners."""
        x0, y0, x1, y1 = box
        self.fill((x0, y0, x1, y0 + thick), colour)
        self.fill((x0, y1 - thick, x1, y1), colour)
        self.fill((x0, y0, x0 + thick, y1), colour)
        self.fill((x1 - thick, y0, x1, y1), colour)

    def label(self, corner: tuple[int, int], text: str, colour: Colour, size: int) -> None:
        """Write black text on a coloured ground above a corner, or below where no room is."""
        mask = label_mask(text, size)
        height, width = mask.shape
        rows, columns = self.luma.shape
        if height > rows or width > columns:
            return
        x = min(max(0, corner[0]), columns - width) // 2 * 2
        y = corner[1] - height if corner[1] >= height else corner[1]
        y = min(max(0, y), rows - height) // 2 * 2
        self.fill((x, y, x + width, y + height), colour)
        ground = to_yuv(colour)[0]
        shade = ground - ground * mask.astype(np.uint16) // 255
        self.luma[y : y + height, x : x + width] = shade

    def to_rgb(self) -> Image.Image:
        """Convert a copy for looking at."""
        packed = np.concatenate([self.luma, self.chroma.reshape(-1, self.luma.shape[1])])
        frame = VideoFrame.from_ndarray(packed, format="nv12")
        return Image.fromarray(frame.to_ndarray(format="rgb24"))


@contextmanager
def drawn_on(image: media.Image) -> Iterator[Canvas]:
    """Draw into a picture of the device: in place, or through the host where it has its own memory.

    Parameters
    ----------
    image
        NV12, with no work of the device queued on it.
    """
    if af.run_mode() == "unified":
        yield Canvas(*image.planes)
        return
    pixels = image.to_numpy()
    luma, chroma = pixels[: image.height], pixels[image.height :]
    yield Canvas(luma, chroma.reshape(image.height // 2, image.width // 2, 2))
    image.upload(pixels)


def annotate(canvas: Canvas, found: Detections, names: Sequence[str]) -> None:
    """Draw boxes with class and score, the surest on top; boxes are in pixels of the picture."""
    height, width = canvas.luma.shape
    unit = max(1, round(min(width, height) / 270))
    for index in reversed(range(len(found))):
        colour = class_colour(int(found.classes[index]))
        x0, y0, x1, y1 = (round(float(value)) for value in found.boxes[index])
        canvas.frame((x0, y0, x1, y1), colour, 2 * unit)
        text = f"{names[found.classes[index]]} {found.scores[index]:.2f}"
        canvas.label((x0, y0), text, colour, 12 * unit)
