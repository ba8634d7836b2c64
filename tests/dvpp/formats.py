"""Pictures of every pixel format as arrays of their components, in numpy alone."""

from __future__ import annotations

import ctypes as C

import numpy as np
from numpy.typing import NDArray

from tests.dvpp.pictures import align, dvpp
from tests.vdec.vdec import Memory

Planes = list[NDArray[np.uint8]]  # Y, U, V or R, G, B

GREY, NV12, NV21, NV16, NV61, NV24, NV42 = range(7)
YUYV, UYVY, YVYU, VYUY, YUV444, RGB, BGR, ARGB, ABGR, RGBA, BGRA = range(7, 18)
SP440, PS440 = 1000, 1001
YVU444, RGB_PLANAR, BGR_PLANAR = 58, 69, 70  # of the second interface
SEMIPLANAR = {NV12: (2, 2), NV21: (2, 2), NV16: (2, 1), NV61: (2, 1), NV24: (1, 1), NV42: (1, 1)}
SEMIPLANAR |= {SP440: (1, 2), PS440: (1, 2)}
SWAPPED = {NV21, NV61, NV42, PS440}
# Where each component stands in its pixel; 3 is alpha.
PACKED = {YUV444: "012", RGB: "012", BGR: "210", ARGB: "3012", ABGR: "3210"}
PACKED |= {RGBA: "0123", BGRA: "2103", YVU444: "021"}
PLANAR = {RGB_PLANAR: "012", BGR_PLANAR: "210"}
PAIRS = {YUYV: "0102", UYVY: "1020", YVYU: "0201", VYUY: "2010"}
YUV = [GREY, *SEMIPLANAR, *PAIRS, YUV444]
ALL = [*YUV, RGB, BGR, ARGB, ABGR, RGBA, BGRA]


def subsampling(pixel_format: int) -> tuple[int, int]:
    """Columns and rows of luma per chroma sample."""
    if pixel_format in PAIRS:
        return 2, 1
    return SEMIPLANAR.get(pixel_format, (1, 1))


def random_planes(width: int, height: int, pixel_format: int, seed: int = 0) -> Planes:
    rng = np.random.default_rng(seed)
    across, down = subsampling(pixel_format)
    planes = [rng.integers(0, 256, (height, width), np.uint8)]
    if pixel_format != GREY:
        size = (height // down, width // across)
        planes += [rng.integers(0, 256, size, np.uint8) for _ in range(2)]
    return planes


class Canvas:
    """A picture of any format, filled with 0xA5, and its descriptor."""

    def __init__(self, width: int, height: int, pixel_format: int) -> None:
        self.width, self.height, self.format = width, height, pixel_format
        pixel = len(PACKED.get(pixel_format, "0")) * (2 if pixel_format in PAIRS else 1)
        self.stride = max(align(width, 16) * pixel, 32)
        self.rows = align(height, 2) + 2
        across, down = SEMIPLANAR.get(pixel_format, (0, 0))
        luma = self.stride * self.rows
        self.nbytes = luma + (2 * luma // across // down if across else 0)
        if pixel_format in PLANAR:
            self.nbytes = 3 * luma
        self.memory = Memory(self.nbytes)
        self.memory.write(b"\xa5" * self.nbytes)
        self.handle = C.c_void_p(dvpp.acldvppCreatePicDesc())
        values = {"Data": C.c_void_p(self.memory.address), "Size": self.nbytes}
        values |= {"Format": pixel_format, "Width": width, "Height": height}
        values |= {"WidthStride": self.stride, "HeightStride": self.rows}
        for name, value in values.items():
            getattr(dvpp, f"acldvppSetPicDesc{name}")(self.handle, value)

    def _views(self, data: np.ndarray) -> Planes:
        """Views of the components in the picture's bytes."""
        rows = data[: self.stride * self.rows].reshape(self.rows, self.stride)[: self.height]
        if self.format in PACKED:
            order = PACKED[self.format]
            step = len(order)
            return [rows[:, order.index(c) : self.width * step : step] for c in "012"]
        if self.format in PAIRS:
            order = PAIRS[self.format]
            luma = rows[:, order.index("0") : 2 * self.width : 2]
            return [luma, *(rows[:, order.index(c) : 2 * self.width : 4] for c in "12")]
        planes = [rows[:, : self.width]]
        if self.format in PLANAR:
            whole = data.reshape(3, self.rows, self.stride)[:, : self.height, : self.width]
            return [whole[PLANAR[self.format].index(c)] for c in "012"]
        if self.format == GREY:
            return planes
        across, down = SEMIPLANAR[self.format]
        stride = 2 * self.stride // across
        chroma = data[self.stride * self.rows :].reshape(-1, stride)[: self.height // down]
        first = int(self.format in SWAPPED)
        return [*planes, *(chroma[:, c : 2 * self.width // across : 2] for c in (first, 1 - first))]

    def write(self, planes: Planes) -> Canvas:
        data = np.full(self.nbytes, 0xA5, np.uint8)
        for view, plane in zip(self._views(data), planes, strict=True):
            view[:] = plane
        self.memory.write(data.tobytes())
        return self

    def read(self) -> Planes:
        return [view.copy() for view in self._views(self.memory.read(self.nbytes))]

    def alpha(self) -> np.ndarray:
        data = self.memory.read(self.nbytes).reshape(self.rows, self.stride)[: self.height]
        return data[:, PACKED[self.format].index("3") : self.width * 4 : 4]

    def outside_is_untouched(self) -> bool:
        """Whether all bytes that belong to no pixel are still 0xA5."""
        data = self.memory.read(self.nbytes)
        for view in self._views(data):
            view[:] = 0xA5
        if "3" in PACKED.get(self.format, ""):
            rows = data.reshape(self.rows, self.stride)
            rows[: self.height, PACKED[self.format].index("3") : self.width * 4 : 4] = 0xA5
        return bool((data == 0xA5).all())

    def __enter__(self) -> Canvas:
        return self

    def __exit__(self, *_: object) -> None:
        self.memory.free()
        dvpp.acldvppDestroyPicDesc(self.handle)


# ---- colours: the published matrices ----

WEIGHTS = {0: (0.299, 0.114), 1: (0.2126, 0.0722), 2: (0.2627, 0.0593)}  # of R and of B


def full_size(planes: Planes) -> NDArray[np.float64]:
    """Components (3, h, w), chroma repeated."""
    height, width = planes[0].shape
    if len(planes) == 1:
        planes = [planes[0], *(np.full((height, width), 128, np.uint8),) * 2]
    return np.stack([p.repeat(height // len(p), 0).repeat(width // p.shape[1], 1) for p in planes])


def to_yuv(rgb: NDArray[np.float64], matrix: int) -> NDArray[np.float64]:
    """Matrix numbers are acldvppCscMatrix: 601, 709, 2020, each wide and narrow."""
    red, blue = WEIGHTS[matrix // 2]
    luma = red * rgb[0] + (1 - red - blue) * rgb[1] + blue * rgb[2]
    u, v = (rgb[2] - luma) / (2 - 2 * blue), (rgb[0] - luma) / (2 - 2 * red)
    if matrix % 2:
        return np.stack([16 + luma * 219 / 255, 128 + u * 224 / 255, 128 + v * 224 / 255])
    return np.stack([luma, 128 + u, 128 + v])


def to_rgb(yuv: NDArray[np.float64], matrix: int) -> NDArray[np.float64]:
    red, blue = WEIGHTS[matrix // 2]
    luma, u, v = yuv[0].astype(float), yuv[1] - 128.0, yuv[2] - 128.0
    if matrix % 2:
        luma, u, v = (luma - 16) * 255 / 219, u * 255 / 224, v * 255 / 224
    r, b = luma + (2 - 2 * red) * v, luma + (2 - 2 * blue) * u
    g = (luma - red * r - blue * b) / (1 - red - blue)
    return np.stack([r, g, b]).clip(0, 255)
