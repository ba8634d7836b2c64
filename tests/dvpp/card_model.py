"""What a real card's picture engine was measured to compute, written down as plainly as possible.

Everything is an integer formula on whole arrays; no speed, no special cases.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

MEASURED = {
    (3657, 6): [
        [27, 62, 78, 62, 27, 0],
        [22, 56, 78, 64, 30, 6],
        [19, 52, 77, 67, 34, 7],
        [15, 48, 74, 70, 39, 10],
        [12, 43, 73, 73, 43, 12],
    ],
    (3657, 4): [
        [73, 110, 73, 0],
        [60, 101, 75, 20],
        [53, 97, 80, 26],
        [45, 95, 85, 31],
        [38, 90, 90, 38],
    ],
    (2792, 4): [
        [70, 116, 70, 0],
        [58, 109, 75, 14],
        [48, 106, 83, 19],
        [40, 101, 90, 25],
        [32, 96, 96, 32],
    ],
}


def cut_off(ratio: int) -> int:
    """Band k of 1024 serves round(2^20/(k+1)) < ratio <= round(2^20/k)."""
    if ratio <= 1024:
        return 1024
    return next(k for k in range(1, 1025) if round(2**20 / (k + 1)) < ratio <= round(2**20 / k))


def designed(ratio: int, count: int, phase: int) -> list[int]:
    """A sinc under a Kaiser window of beta 2.66, in 1/256."""
    x = np.arange(count) - (count // 2 - 1) - phase / 8
    inside = np.clip(1 - (x / (count / 2)) ** 2, 0, None)
    window = np.where(inside > 0, np.i0(2.66 * np.sqrt(inside)) / np.i0(2.66), 0)
    h = np.sinc(cut_off(ratio) / 1024 * x) * window
    if phase == 0:
        h[-1] = 0
    taps = np.rint(h / h.sum() * 256).astype(int)
    taps[taps.argmax()] += 256 - taps.sum()
    if phase == 0 and taps.max() == 256:
        centre = int(taps.argmax())
        taps[centre - 1 : centre + 2] = 1, 254, 1
    return [int(tap) for tap in taps]


def taps_of(step: int, count: int) -> NDArray[np.int64]:
    ratio = max(step >> 6, 1024)
    half = MEASURED.get((ratio, count)) or [designed(ratio, count, p) for p in range(5)]
    return np.array(half + [half[8 - p][::-1] for p in (5, 6, 7)], np.int64)


def scale_axis(data: Bytes, out: int, step: int, count: int) -> Bytes:
    """Scale the first axis."""
    if step == 65536:
        return data[:out]
    at = np.arange(out, dtype=np.int64) * step
    taps = taps_of(step, count)[(at >> 13) & 7]
    total = np.zeros((out, *data.shape[1:]), np.int64)
    for k in range(count):
        index = np.clip((at >> 16) + k - (count // 2 - 1), 0, len(data) - 1)
        total += taps[:, k].reshape(-1, *[1] * (data.ndim - 1)) * data[index]
    return np.clip((total + 128) >> 8, 0, 255).astype(np.uint8)


def halve(plane: Bytes) -> Bytes:
    """Average pairs of columns, then pairs of rows, each rounded up."""
    wide = plane[:, : plane.shape[1] // 2 * 2].astype(np.int64)
    narrow = (wide[:, ::2] + wide[:, 1::2] + 1) >> 1
    narrow = narrow[: len(narrow) // 2 * 2]
    return ((narrow[::2] + narrow[1::2] + 1) >> 1).astype(np.uint8)


def resize_yuv(luma: Bytes, chroma: Bytes, size: tuple[int, int]) -> tuple[Bytes, Bytes]:
    """Scale luma (h, w) and 4:2:2 chroma (h, w / 2, 2) to (width, height) in 4:2:0."""
    (height, width), (new_width, new_height) = luma.shape, size
    across = (width << 16) // new_width
    down = (height << 16) // new_height

    def both(plane: Bytes, columns: int, count: int) -> Bytes:
        plane = scale_axis(plane.swapaxes(0, 1), columns, across, count).swapaxes(0, 1)
        return scale_axis(plane, new_height, down, 4)

    return both(luma, new_width, 6), both(chroma, new_width // 2, 4)[::2]


def resize_nv12(luma: Bytes, chroma: Bytes, size: tuple[int, int]) -> tuple[Bytes, Bytes]:
    """Scale 4:2:0; ratios over 4 on both axes are halved until they are not."""
    while luma.shape[1] > 4 * size[0] and luma.shape[0] > 4 * size[1]:
        luma, chroma = halve(luma), halve(chroma)
    return resize_yuv(luma, chroma.repeat(2, 0), size)


def rgb_to_yuv422(rgb: Bytes, left: int, width: int) -> tuple[Bytes, Bytes]:
    """Convert the columns [left, left + width) of RGB rows, reading those left of them too."""
    r, g, b = (rgb[..., c].astype(np.int64) for c in range(3))
    y10 = (38 * r + 75 * g + 15 * b + 16) >> 5
    u10 = (-22 * r - 42 * g + 64 * b + 16) >> 5
    v10 = (64 * r - 54 * g - 10 * b + 16) >> 5
    luma = ((y10 + 2) >> 2)[:, left : left + width].astype(np.uint8)
    planes = []
    for plane in (u10, v10):
        total = np.zeros((rgb.shape[0], width // 2), np.int64)
        for offset, weight in zip((-2, -1, 0, 1, 2), (13, 65, 100, 65, 13), strict=True):
            x = left + np.arange(0, width, 2) + offset
            last = left + width - 1
            x = np.abs(np.where(x > last, 2 * last - x, x))
            total += weight * plane[:, x]
        planes.append(np.clip(((total + 512) >> 10) + 128, 0, 255).astype(np.uint8))
    return luma, np.stack(planes, -1)
