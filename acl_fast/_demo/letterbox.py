"""Fit a video frame into a network's input without distorting it, and map boxes back.

The frame is scaled to touch two opposite borders and centred; the rest is grey. FFmpeg's scaler
converts to planar RGB in the same pass, so each colour plane goes into the input tensor with one
multiplication, straight from the scaler's buffer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from acl_fast import media

GREY = 0.5
# Planes of FFmpeg's "gbrp" in the order red, green, blue.
RGB_PLANES = (2, 0, 1)

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Letterbox:
    """Where a picture lies in the network's input; all in pixels."""

    picture_width: int
    picture_height: int
    left: int
    top: int
    width: int
    height: int

    @classmethod
    def fit(cls, picture: tuple[int, int], network: tuple[int, int]) -> Letterbox:
        """Place a picture of (width, height) in a network input of (width, height)."""
        scale = min(network[0] / picture[0], network[1] / picture[1])
        width, height = (max(1, round(size * scale)) for size in picture)
        left, top = (network[0] - width) // 2, (network[1] - height) // 2
        return cls(*picture, left, top, width, height)

    @classmethod
    def for_device(cls, picture: tuple[int, int], network: tuple[int, int]) -> Letterbox:
        """Place it where the picture engine can: even sizes, left a multiple of 16."""
        fit = media.Letterbox.fit(*picture, *network)
        return cls(*picture, fit.left, fit.top, fit.width, fit.height)

    def to_picture(self, boxes: FloatArray) -> FloatArray:
        """Map (x0, y0, x1, y1) boxes from network to picture pixels, clipped to the picture."""
        origin = np.array([self.left, self.top] * 2, np.float32)
        size = np.array([self.picture_width, self.picture_height] * 2, np.float32)
        inner = np.array([self.width, self.height] * 2, np.float32)
        mapped: FloatArray = np.clip((boxes - origin) * (size / inner), 0, size)
        return mapped


class FrameScaler:
    """Writes frames of one size into network inputs.

    Parameters
    ----------
    box
        Where the picture goes.
    """

    def __init__(self, box: Letterbox) -> None:
        self.box = box
        self._reformatter = VideoReformatter()  # keeps its tables between frames

    def prepare(self, tensor: FloatArray) -> None:
        """Fill an input with grey; needed once, since frames never touch their surroundings."""
        tensor[...] = GREY

    def write(self, frame: VideoFrame, tensor: FloatArray) -> None:
        """Scale a frame into ``tensor``, float32 (1, 3, height, width), RGB in 0..1."""
        box = self.box
        scaled = self._reformatter.reformat(
            frame, box.width, box.height, "gbrp", interpolation=Interpolation.BILINEAR
        )
        rows = slice(box.top, box.top + box.height)
        columns = slice(box.left, box.left + box.width)
        for channel, number in enumerate(RGB_PLANES):
            plane = _pixels(scaled.planes[number])
            target = tensor[0, channel, rows, columns]
            np.multiply(plane, np.float32(1 / 255), out=target)


def _pixels(plane: Any) -> NDArray[np.uint8]:
    """View a plane's pixels; its rows may be padded."""
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]
