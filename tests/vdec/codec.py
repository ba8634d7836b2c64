"""Real streams as access units, and what FFmpeg's own decoder makes of them."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from acl_fast._demo import assets


@dataclass(frozen=True)
class Stream:
    """Access units in decoding order; for each frame in display order, its NV12 and its packet."""

    packets: list[bytes]
    frames: list[np.ndarray]
    order: list[int]
    width: int
    height: int
    hevc: bool


def nv12(frame: av.VideoFrame) -> np.ndarray:
    """Interleave the planes of a 4:2:0 frame of 8 or 10 bits."""
    planes = []
    dtype = np.dtype(np.uint16 if frame.format.name.endswith("10le") else np.uint8)
    for plane, shift in zip(frame.planes, (0, 1, 1), strict=True):
        rows = np.frombuffer(bytes(plane), dtype).reshape(-1, plane.line_size // dtype.itemsize)
        planes.append(rows[: frame.height >> shift, : frame.width >> shift])
    chroma = np.stack(planes[1:], axis=-1).reshape(frame.height // 2, frame.width)
    return np.concatenate([planes[0], chroma])


def read(path: Path, limit: int) -> Stream:
    """Split a file into access units and decode those with PyAV."""
    packets: list[bytes] = []
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        name = video.codec_context.name
        if video.codec_context.extradata and "mp4" in container.format.name:
            bsf = av.bitstream.BitStreamFilterContext(f"{name}_mp4toannexb", video)
            for packet in container.demux(video):
                if packet.size:
                    packets.extend(bytes(out) for out in bsf.filter(packet))
        else:
            packets = [bytes(packet) for packet in container.demux(video) if packet.size]
    packets = packets[:limit]
    return decode(packets, name)


def decode(packets: list[bytes], name: str) -> Stream:
    """Decode on one thread, in display order."""
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    decoder.options = {"strict": "1"}
    decoded = []
    for number, data in enumerate(packets):
        packet = av.Packet(data)
        packet.pts = number
        decoded += decoder.decode(packet)
    decoded += decoder.decode(None)
    return Stream(
        packets,
        [nv12(frame) for frame in decoded],
        [frame.pts or 0 for frame in decoded],
        decoded[0].width,
        decoded[0].height,
        name == "hevc",
    )


@functools.cache
def bikes(limit: int = 60) -> Stream:
    """Real H.264 with B frames."""
    return read(assets.fetch("bikes.mp4"), limit)


@functools.cache
def encoded(*options: str, codec: str = "libx265", size: str = "", frames: int = 40) -> Stream:
    """Part of the real video, encoded anew by the ffmpeg command."""
    suffix = "hevc" if codec == "libx265" else "h264"
    scale = ("-vf", f"scale={size}") if size else ()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"video.{suffix}"
        command = ("ffmpeg", "-v", "error", "-i", assets.fetch("bikes.mp4"), "-an", *scale)
        more = ("-frames:v", str(frames), "-c:v", codec, "-preset", "ultrafast", *options)
        subprocess.run([*map(str, command), *more, str(path)], check=True)
        return read(path, frames)
