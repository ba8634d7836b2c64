"""PNG files of every colour type, depth and interlace; Pillow writes no Adam7 and no 16 bit RGB."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# First column and row, and their steps, of the seven passes.
ADAM7 = [
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
]


def chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(kind + body).to_bytes(4, "big")
    return len(body).to_bytes(4, "big") + kind + body + check


def rows(samples: np.ndarray, depth: int) -> bytes:
    """Unfiltered rows, packed to ``depth`` bits."""
    flat = samples.reshape(len(samples), -1)
    if depth == 16:
        lines = flat.astype(">u2").view(np.uint8).reshape(len(flat), -1)
    elif depth == 8:
        lines = flat.astype(np.uint8)
    else:
        bits = (flat[..., None] >> np.arange(depth - 1, -1, -1)) & 1
        lines = np.packbits(bits.astype(np.uint8).reshape(len(flat), -1), axis=1)
    return b"".join(b"\0" + line.tobytes() for line in lines)


def encode(samples: np.ndarray, color: int, depth: int = 8, interlaced: bool = False) -> bytes:
    """``samples`` (h, w, channels), values below 2**depth."""
    height, width = samples.shape[:2]
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    header += bytes([depth, color, 0, 0, int(interlaced)])
    parts = [samples]
    if interlaced:
        parts = [samples[y::down, x::across] for x, y, across, down in ADAM7]
    body = zlib.compress(b"".join(rows(part, depth) for part in parts if part.size), 6)
    palette = chunk(b"PLTE", bytes(range(256)) * 3) if color == 3 else b""
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + palette + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def with_checksums(data: bytes) -> bytes:
    """A damaged file whose chunks claim to be whole."""
    result, at = bytearray(data), 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            break
        result[end : end + 4] = zlib.crc32(data[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(result)


def with_rows(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Other filtered rows under a whole compression: what reaches filters and colour changes."""
    start = data.index(b"IDAT") - 4
    length = int.from_bytes(data[start : start + 4], "big")
    body = zlib.compress(change(zlib.decompress(data[start + 8 : start + 8 + length])))
    return data[:start] + chunk(b"IDAT", body) + data[start + 12 + length :]


def samples(width: int, height: int, color: int, depth: int = 8) -> np.ndarray:
    """Waves and noise."""
    random = np.random.default_rng(width * 131 + color * 7 + depth)
    y, x = np.mgrid[0:height, 0:width]
    wave = np.sin(x / 9 + y / 13) * 0.4 + 0.5
    noise = random.uniform(-0.1, 0.1, (height, width, CHANNELS[color]))
    scaled = (wave[..., None] + noise) * (2**depth - 1)
    whole: np.ndarray = scaled.round().astype(np.int64)
    return whole
