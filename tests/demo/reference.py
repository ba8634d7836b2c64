"""The reference path of the demonstration: FFmpeg decodes and scales, ONNX Runtime computes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import onnx
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from acl_fast import media
from acl_fast._atc.convert import Request, convert

GREY = 0.5
# Planes of FFmpeg's "gbrp" in the order red, green, blue.
RGB_PLANES = (2, 0, 1)


def frames(path: Path, limit: int | None = None) -> Iterator[VideoFrame]:
    """Decode the first video stream of a file with FFmpeg."""
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == limit:
                return
            yield frame


def network_input(
    frame: VideoFrame, box: media.Letterbox, size: tuple[int, int]
) -> NDArray[np.float32]:
    """Scale a frame into float32 (1, 3, height, width), RGB in 0..1, grey around it."""
    tensor = np.full((1, 3, size[1], size[0]), GREY, np.float32)
    scaled = VideoReformatter().reformat(
        frame, box.width, box.height, "gbrp", interpolation=Interpolation.BILINEAR
    )
    rows = slice(box.top, box.top + box.height)
    columns = slice(box.left, box.left + box.width)
    for channel, number in enumerate(RGB_PLANES):
        tensor[0, channel, rows, columns] = _pixels(scaled.planes[number]) / np.float32(255)
    return tensor


def _pixels(plane: Any) -> NDArray[np.uint8]:
    """View a plane's pixels; its rows may be padded."""
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]


def compile_tensors(model: onnx.ModelProto, folder: Path) -> Path:
    """Compile a network so that its inputs are tensors, without AIPP; return the ``.om``."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "network.onnx")
        onnx.save(model, path)
        return convert(Request(path, folder / "network")).path
