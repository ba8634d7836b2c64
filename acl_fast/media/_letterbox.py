"""Where a picture lies in a frame of other proportions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Letterbox:
    """Where the scaled picture lies in the frame, in pixels of the frame.

    Attributes
    ----------
    left, top, width, height : int
        ``left`` is a multiple of 16, the others even: what the picture processor can paste to.
    source_width, source_height : int
    """

    left: int
    top: int
    width: int
    height: int
    source_width: int
    source_height: int

    @classmethod
    def fit(
        cls, source_width: int, source_height: int, frame_width: int, frame_height: int
    ) -> Letterbox:
        """Scale a picture to the largest that fits the frame, and centre it."""
        scale = min(frame_width / source_width, frame_height / source_height)
        width = min(max(2, round(source_width * scale / 2) * 2), frame_width)
        height = min(max(2, round(source_height * scale / 2) * 2), frame_height)
        left = (frame_width - width) // 2 // 16 * 16
        top = (frame_height - height) // 2 // 2 * 2
        return cls(left, top, width, height, source_width, source_height)

    @property
    def scale_x(self) -> float:
        """Pixels of the frame per pixel of the source."""
        return self.width / self.source_width

    @property
    def scale_y(self) -> float:
        """Rows of the frame per row of the source."""
        return self.height / self.source_height

    def to_source(self, boxes: ArrayLike) -> NDArray[Any]:
        """Map boxes (x1, y1, x2, y2), one per row, from the frame back to the source picture."""
        array = np.asarray(boxes, np.float64)
        shift = np.array([self.left, self.top] * 2, np.float64)
        scale = np.array([self.scale_x, self.scale_y] * 2)
        limit = np.array([self.source_width, self.source_height] * 2, np.float64)
        mapped: NDArray[Any] = np.clip((array - shift) / scale, 0, limit)
        return mapped

    def to_frame(self, boxes: ArrayLike) -> NDArray[Any]:
        """Map boxes (x1, y1, x2, y2), one per row, from the source picture to the frame."""
        array = np.asarray(boxes, np.float64)
        scale = np.array([self.scale_x, self.scale_y] * 2)
        mapped: NDArray[Any] = array * scale + np.array([self.left, self.top] * 2, np.float64)
        return mapped
