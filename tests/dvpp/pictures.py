"""Pictures and operations of the first media interface, through ctypes."""

from __future__ import annotations

import contextlib
import ctypes as C
from collections.abc import Iterator

import numpy as np

from tests.softnpu_model import acl as base
from tests.softnpu_model.acl import acl
from tests.vdec.vdec import Memory, dvpp

for name in (
    "acldvppCreateChannelDesc",
    "acldvppCreateRoiConfig",
    "acldvppCreateResizeConfig",
    "acldvppCreateBorderConfig",
    "acldvppCreateBatchPicDesc",
    "acldvppCreateHist",
    "acldvppCreateLutMap",
    "acldvppCreateJpegeConfig",
    "acldvppGetPicDesc",
):
    base.RESULTS[name] = C.c_void_p

YUV400, NV12, NV21, RGB, BGR, BGRA = 0, 1, 2, 12, 13, 17
CHANNELS = {RGB: 3, BGR: 3, BGRA: 4}


def align(value: int, step: int) -> int:
    return -(-value // step) * step


class Picture:
    """A picture descriptor with memory of its own, or one of a batch."""

    def __init__(self, width: int, height: int, pixel_format: int, handle: int = 0) -> None:
        self.width, self.height, self.format = width, height, pixel_format
        channels = CHANNELS.get(pixel_format, 1)
        self.stride = max(align(width, 16) * channels, 32)
        self.rows = align(height, 2)
        semiplanar = pixel_format in (NV12, NV21)
        self.nbytes = self.stride * self.rows * 3 // 2 if semiplanar else self.stride * self.rows
        self.memory = Memory(self.nbytes)
        self.owned = not handle
        self.handle = handle or dvpp.acldvppCreatePicDesc()
        self.set("Data", C.c_void_p(self.memory.address))
        self.set("Size", self.nbytes)
        self.set("Format", pixel_format)
        self.set("Width", width)
        self.set("Height", height)
        self.set("WidthStride", self.stride)
        self.set("HeightStride", self.rows)

    def set(self, attribute: str, value: object) -> None:
        getattr(dvpp, f"acldvppSetPicDesc{attribute}")(C.c_void_p(self.handle), value)

    def get(self, attribute: str) -> int:
        value: int = getattr(dvpp, f"acldvppGetPicDesc{attribute}")(C.c_void_p(self.handle))
        return value

    def write(self, first: np.ndarray, chroma: np.ndarray | None = None) -> None:
        """Fill from (h, w[, c]) and, for NV12, (h / 2, w / 2, 2)."""
        rows = np.zeros(self.nbytes // self.stride * self.stride, np.uint8).reshape(-1, self.stride)
        flat = first.reshape(self.height, -1)
        rows[: self.height, : flat.shape[1]] = flat
        if chroma is not None:
            rows[self.rows : self.rows + self.height // 2, : self.width] = chroma.reshape(
                self.height // 2, -1
            )
        self.memory.write(rows.tobytes())

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the first plane and the chroma (empty for packed formats)."""
        rows = self.memory.read(self.nbytes).reshape(-1, self.stride)
        channels = CHANNELS.get(self.format, 1)
        first = rows[: self.height, : self.width * channels]
        if channels > 1:
            first = first.reshape(self.height, self.width, channels)
        chroma = rows[self.rows : self.rows + self.height // 2, : self.width]
        return first, chroma.reshape(-1, self.width // 2, 2)

    def free(self) -> None:
        self.memory.free()
        if self.owned:
            dvpp.acldvppDestroyPicDesc(C.c_void_p(self.handle))


def random_nv12(
    width: int, height: int, seed: int, pixel_format: int = NV12
) -> tuple[Picture, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    luma = rng.integers(0, 256, (height, width), np.uint8)
    chroma = rng.integers(0, 256, (height // 2, width // 2, 2), np.uint8)
    picture = Picture(width, height, pixel_format)
    picture.write(luma, chroma)
    return picture, luma, chroma


@contextlib.contextmanager
def channel() -> Iterator[C.c_void_p]:
    desc = C.c_void_p(dvpp.acldvppCreateChannelDesc())
    dvpp.acldvppCreateChannel(desc)
    try:
        yield desc
    finally:
        dvpp.acldvppDestroyChannel(desc)
        dvpp.acldvppDestroyChannelDesc(desc)


@contextlib.contextmanager
def roi(left: int, top: int, width: int, height: int) -> Iterator[C.c_void_p]:
    corners = (left, left + width - 1, top, top + height - 1)
    config = C.c_void_p(dvpp.acldvppCreateRoiConfig(*corners))
    assert config.value
    try:
        yield config
    finally:
        dvpp.acldvppDestroyRoiConfig(config)


@contextlib.contextmanager
def interpolation(kind: int = 0) -> Iterator[C.c_void_p]:
    config = C.c_void_p(dvpp.acldvppCreateResizeConfig())
    dvpp.acldvppSetResizeConfigInterpolation(config, kind)
    try:
        yield config
    finally:
        dvpp.acldvppDestroyResizeConfig(config)


def synchronize() -> None:
    acl.aclrtSynchronizeStream(None)


def ref(picture: Picture) -> C.c_void_p:
    return C.c_void_p(picture.handle)
