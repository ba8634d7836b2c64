"""Frames from a video file and back into one, through PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import cast

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

import acl_fast as af
from acl_fast import media

# The best first; which of them exist depends on how PyAV's FFmpeg was built.
ENCODERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("libx264", {"crf": "20", "preset": "veryfast"}),
    ("mpeg4", {"b": "4M"}),
)


class VideoError(ValueError):
    """The file is missing or holds no video that can be decoded."""


class VideoReader:
    """Decodes the first video stream of a file.

    Parameters
    ----------
    path
        Any file FFmpeg can open.
    limit
        Stop after this many frames; None for all.
    """

    def __init__(self, path: Path, limit: int | None = None) -> None:
        try:
            self._container = av.open(str(path))
        except (OSError, ValueError) as error:  # PyAV's errors inherit one of the two
            raise VideoError(f"cannot open video {path}: {error}") from error
        if not self._container.streams.video:
            self._container.close()
            raise VideoError(f"{path} has no video stream")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.path = path
        self.limit = limit
        self.width, self.height = self._stream.width, self._stream.height
        self.codec = self._stream.codec_context.name
        self.rate = Fraction(self._stream.average_rate or 25)

    @property
    def total(self) -> int:
        """Expected number of frames; 0 where the file does not tell."""
        known = self._stream.frames
        return min(known, self.limit) if known and self.limit else known or self.limit or 0

    def __iter__(self) -> Iterator[VideoFrame]:
        try:
            for number, frame in enumerate(self._container.decode(self._stream)):
                if self.limit is not None and number >= self.limit:
                    return
                yield frame
        except av.FFmpegError as error:
            raise VideoError(f"cannot decode {self.path}: {error}") from error

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()


class DeviceReader:
    """Decodes the first video stream of a file on the device.

    Parameters
    ----------
    path
        Any file FFmpeg can open, with H.264 or H.265 in it.
    limit
        Stop after this many frames; None for all.
    """

    def __init__(self, path: Path, limit: int | None = None) -> None:
        try:
            self._source = media.open_video(path)
        except (OSError, ValueError) as error:  # PyAV's errors inherit one of the two
            raise VideoError(f"cannot open video {path}: {error}") from error
        self.path = path
        self.limit = limit
        self.width, self.height = self._source.width, self._source.height
        self.codec = self._source.codec
        self.rate = self._source.rate or Fraction(25)

    @property
    def total(self) -> int:
        """Expected number of frames; 0 where the file does not tell."""
        known = self._source.frames
        return min(known, self.limit) if known and self.limit else known or self.limit or 0

    def frames(self, device: af.Device) -> Iterator[media.Image]:
        """Decode; the pictures lie in the device's memory."""
        with media.VideoDecoder(
            device, self.codec, width=self.width, height=self.height
        ) as decoder:
            for number, image in enumerate(decoder.decode(self._source)):
                if self.limit is not None and number >= self.limit:
                    return
                yield image

    def __enter__(self) -> DeviceReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._source.close()


def to_rgb(image: media.Image) -> Image.Image:
    """Convert a picture of the device for drawing; a discrete device copies it."""
    if af.run_mode() == "unified":
        luma, chroma = image.planes
        packed = np.concatenate([luma, chroma.reshape(-1, image.width)])
    else:
        packed = image.to_numpy()
    frame = VideoFrame.from_ndarray(packed, format="nv12")
    return Image.fromarray(frame.to_ndarray(format="rgb24"))


class VideoWriter:
    """Writes RGB pictures as an MP4, in the best codec this PyAV can encode."""

    def __init__(self, path: Path, width: int, height: int, rate: Fraction) -> None:
        self._container = av.open(str(path), "w")
        name, options = _encoder()
        self._stream = cast(
            VideoStream, self._container.add_stream(name, rate=rate, options=options)
        )
        self.codec = name
        # 4:2:0 needs even sizes; an odd last row or column is cut off.
        self._stream.width, self._stream.height = width // 2 * 2, height // 2 * 2
        self._stream.pix_fmt = "yuv420p"

    def write(self, picture: Image.Image) -> None:
        """Append one picture."""
        size = (self._stream.width, self._stream.height)
        if picture.size != size:
            picture = picture.crop((0, 0, *size))
        frame = VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()


def _encoder() -> tuple[str, dict[str, str]]:
    for name, options in ENCODERS:
        if name in av.codecs_available:
            try:
                av.Codec(name, "w")
            except ValueError:
                continue
            return name, options
    raise VideoError(f"PyAV can encode none of {', '.join(name for name, _ in ENCODERS)}")
