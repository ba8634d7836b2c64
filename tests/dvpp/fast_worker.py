"""A process with SOFTNPU_VPC=fast, which is read once: resizes and pastes random NV12 pictures and
compares them with plain bilinear interpolation between the centres of pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.dvpp.pictures import (
    NV12,
    NV21,
    Picture,
    channel,
    interpolation,
    random_nv12,
    ref,
    roi,
    synchronize,
)
from tests.softnpu_model.acl import acl
from tests.vdec.vdec import dvpp

OURS = "avx2" in Path("/proc/cpuinfo").read_text()
# crop (left, top, width, height) of a 640x360 picture, place and size of it in one of 448x400
CASES = [
    ((0, 0, 640, 360), (0, 0, 416, 234)),
    ((0, 0, 640, 360), (16, 80, 416, 234)),
    ((20, 10, 100, 90), (0, 0, 224, 224)),
    ((320, 100, 320, 260), (32, 2, 96, 64)),
    ((6, 4, 634, 300), (64, 20, 64, 300)),
    ((6, 4, 14, 10), (0, 0, 30, 18)),
    ((0, 0, 640, 360), (0, 0, 24, 400)),
]


def axis(plane: np.ndarray, out: int) -> np.ndarray:
    """Along the first axis; the ends are repeated."""
    at = np.clip((np.arange(out) + 0.5) * len(plane) / out - 0.5, 0, len(plane) - 1)
    low = at.astype(int)
    further = (at - low).reshape(-1, *[1] * (plane.ndim - 1))
    result: np.ndarray = plane[low] * (1 - further)
    result += plane[np.minimum(low + 1, len(plane) - 1)] * further
    return result


def bilinear(plane: np.ndarray, width: int, height: int) -> np.ndarray:
    down = axis(plane.astype(float), height)
    result: np.ndarray = axis(down.swapaxes(0, 1), width).swapaxes(0, 1)
    return result


def compare(ours: np.ndarray, plane: np.ndarray, crop: list[int], paste: list[int]) -> None:
    left, top, width, height = paste
    expected = np.full(ours.shape, 128.0)
    cut = plane[crop[1] : crop[1] + crop[3], crop[0] : crop[0] + crop[2]]
    expected[top : top + height, left : left + width] = bilinear(cut, width, height)
    off = np.abs(ours - expected)
    if OURS:  # weights of 8 bits, two roundings, a step of 16 bits
        assert off.max() <= 4, off.max()
        assert off.mean() < 0.8, off.mean()
    else:  # libyuv aligns the corners where it enlarges
        assert off.mean() < 40, off.mean()
    off[top : top + height, left : left + width] = 0
    assert off.max() == 0


def main() -> None:
    acl.aclInit(None)
    acl.aclrtSetDevice(0)
    source, luma, chroma = random_nv12(640, 360, seed=5)
    with channel() as vpc, interpolation() as config:
        for crop, paste in CASES:
            for pixel_format in (NV12, NV21):
                target = Picture(448, 400, pixel_format)
                target.memory.write(bytes([128]) * target.nbytes)
                with roi(*crop) as area, roi(*paste) as place:
                    dvpp.acldvppVpcCropResizePasteAsync(
                        vpc, ref(source), ref(target), area, place, config, None
                    )
                    synchronize()
                assert target.get("RetCode") == 0
                y, uv = target.read()
                uv = uv if pixel_format == NV12 else uv[..., ::-1]
                compare(y, luma, list(crop), list(paste))
                compare(uv, chroma, [v // 2 for v in crop], [v // 2 for v in paste])
                target.free()
    source.free()
    acl.aclrtResetDevice(0)


if __name__ == "__main__":
    main()
