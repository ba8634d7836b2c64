"""Packets of compressed video: from files and URLs through PyAV, or from raw Annex B bytes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from time import monotonic
from types import TracebackType
from typing import Any

START_CODE = re.compile(rb"\x00\x00\x01")
BITSTREAM_FILTERS = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
# RTSP tells the parameter sets beside the stream and already in Annex B. The filters above leave
# such a stream alone; the decoder needs the sets in front of its key frames.
OUT_OF_BAND_FILTER = "dump_extra=freq=keyframe"


class VideoSource:
    """The packets of the first video stream of a file or URL, in Annex B.

    PyAV (``pip install acl_fast[video]``) demultiplexes; it decodes nothing. Iterating gives pairs
    (packet, pts in seconds), which ``VideoDecoder.decode()`` takes.

    Parameters
    ----------
    url : str or path
        A file, or anything FFmpeg opens: rtsp://, http://, ...
    options : dict, optional
        Of FFmpeg's demuxer or protocol, such as ``{"rtsp_transport": "tcp"}``.
    timeout : float, optional
        Seconds to wait for data; then TimeoutError. Without it a dead camera is waited for as long
        as FFmpeg's protocol does, which may be for ever.

    Attributes
    ----------
    codec : str
        'h264' or 'hevc'.
    width, height : int
    rate : Fraction
        Frames per second; 0 where the source does not tell.
    frames : int
        How many there are; 0 where the source does not tell.
    """

    def __init__(
        self,
        url: str | os.PathLike[str],
        options: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> None:
        try:
            import av
            from av.bitstream import BitStreamFilterContext
        except ImportError as error:
            raise ImportError(
                "reading video files needs PyAV: pip install acl_fast[video]"
            ) from error
        self._url, self._timeout = os.fspath(url), timeout
        with self._patience():
            self._container: Any = av.open(self._url, options=options or {}, timeout=timeout)
        try:
            if not self._container.streams.video:
                raise ValueError(f"{url} has no video stream")
            self._stream = self._container.streams.video[0]
            self.codec: str = self._stream.codec_context.name
            if self.codec not in BITSTREAM_FILTERS:
                raise ValueError(f"{url} is {self.codec} video: the device decodes h264 and hevc")
            filters = BITSTREAM_FILTERS[self.codec]
            sets = self._stream.codec_context.extradata or b""
            if sets.startswith((b"\0\0\1", b"\0\0\0\1")):
                filters = OUT_OF_BAND_FILTER
            self._filter = BitStreamFilterContext(filters, self._stream)
        except BaseException:
            self._container.close()
            raise
        self.width: int = self._stream.width
        self.height: int = self._stream.height
        self.rate = Fraction(self._stream.average_rate or 0)
        self.frames: int = self._stream.frames

    def __iter__(self) -> Iterator[tuple[bytes, float | None]]:
        packets = self._container.demux(self._stream)
        while True:
            with self._patience():
                packet = next(packets, None)
            if packet is None:
                return
            # The empty packet at the end flushes the filter.
            for part in self._filter.filter(packet if packet.size else None):
                pts = None if part.pts is None else float(part.pts * part.time_base)
                yield bytes(part), pts

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """Tell a source that said nothing for ``timeout`` seconds from other errors."""
        from av.error import ExitError, FFmpegError

        begin = monotonic()
        try:
            yield
        except FFmpegError as error:
            # PyAV interrupts the call; RTSP makes another code of that.
            silent = isinstance(error, ExitError)
            if self._timeout is None or not (silent or monotonic() - begin >= self._timeout):
                raise
            raise TimeoutError(
                f"{self._url} sent nothing for {self._timeout} s (the timeout of open_video)"
            ) from error

    def close(self) -> None:
        """Close the file. Closing twice is harmless."""
        self._container.close()

    def __enter__(self) -> VideoSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()


def open_video(url: str | os.PathLike[str], **options: Any) -> VideoSource:
    """Open a file or URL; see ``VideoSource``."""
    return VideoSource(url, **options)


def split_annexb(data: bytes, codec: str = "h264") -> Iterator[bytes]:
    """Split raw Annex B bytes into packets of one frame each.

    Parameters
    ----------
    data : bytes
    codec : {'h264', 'h265', 'hevc'}

    Yields
    ------
    bytes
    """
    begins_frame = _h264_begins if codec == "h264" else _hevc_begins
    is_picture = _h264_picture if codec == "h264" else _hevc_picture
    starts = [match.start() for match in START_CODE.finditer(data)]
    begin: int | None = None
    has_picture = False
    for start in starts:
        unit = data[start + 3 : start + 6]
        # A start code of four bytes belongs to what follows.
        edge = start - 1 if start and data[start - 1] == 0 else start
        if begin is None:
            begin = edge
        elif has_picture and begins_frame(unit):
            yield data[begin:edge]
            begin, has_picture = edge, False
        has_picture = has_picture or is_picture(unit)
    if begin is not None and has_picture:
        yield data[begin:]


def _h264_picture(unit: bytes) -> bool:
    return len(unit) > 0 and 1 <= unit[0] & 31 <= 5


def _h264_begins(unit: bytes) -> bool:
    """Whether a NAL unit is the first of a frame: a first slice, or what precedes slices."""
    kind = unit[0] & 31 if unit else 0
    # first_mb_in_slice is 0 when the first bit of the slice header is set.
    return (kind in (1, 5) and len(unit) > 1 and unit[1] & 0x80 != 0) or kind in (6, 7, 8, 9)


def _hevc_picture(unit: bytes) -> bool:
    return len(unit) > 0 and (unit[0] >> 1 & 63) < 32


def _hevc_begins(unit: bytes) -> bool:
    kind = unit[0] >> 1 & 63 if unit else 64
    return (kind < 32 and len(unit) > 2 and unit[2] & 0x80 != 0) or kind in (32, 33, 34, 35, 39)
