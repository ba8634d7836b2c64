"""Pictures on the device from a video file, and back into one.

PyAV takes files apart and puts them together; the device decodes and encodes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av

import acl_fast as af
from acl_fast import media

# Bits per pixel that keep drawn lines sharp.
QUALITY = 0.25


class VideoError(ValueError):
    """The file is missing or holds no video that can be decoded."""


class VideoReader:
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
        # Pictures have even sizes; the decoder scales an odd row or column away.
        self.width = self._source.width // 2 * 2
        self.height = self._source.height // 2 * 2
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

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._source.close()


class VideoWriter:
    """Encodes pictures on the device and writes the packets as an MP4.

    Parameters
    ----------
    path
    device
    width, height
        Of the pictures.
    rate
        Frames per second.
    """

    def __init__(
        self, path: Path, device: af.Device, width: int, height: int, rate: Fraction
    ) -> None:
        self.rate = rate
        kilobits = round(QUALITY * width * height * float(rate) / 1000)
        try:
            self._encoder = media.VideoEncoder(
                device, width, height, rate=max(1, round(rate)), bitrate=max(100, kilobits)
            )
        except ValueError as error:
            raise VideoError(f"cannot write video {path}: {error}") from error
        self._container = av.open(str(path), "w")
        self._stream: Any = None
        self._written = 0

    def write(self, picture: media.Image) -> None:
        """Queue one picture and write the packets that are ready."""
        self._encoder.send(picture)
        self._write_ready()

    def finish(self) -> None:
        """Wait for the last packets."""
        self._encoder.flush()
        self._write_ready()

    def _write_ready(self) -> None:
        while (packet := self._encoder.receive()) is not None:
            self._mux(packet)

    def _mux(self, packet: media.Packet) -> None:
        if self._stream is None:
            # The first packet carries the parameter sets, which FFmpeg reads out of it.
            with av.open(io.BytesIO(bytes(packet)), format="h264") as head:
                video = head.streams.video[0]
                self._stream = self._container.add_stream_from_template(video)
            self._stream.time_base = 1 / self.rate
        out = av.Packet(bytes(packet))
        out.stream = self._stream
        out.time_base = 1 / self.rate
        # Without reordering, packets are shown as they come.
        out.pts = out.dts = self._written
        out.duration = 1
        out.is_keyframe = packet.is_key
        self._written += 1
        self._container.mux(out)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._encoder.close()
        self._container.close()
