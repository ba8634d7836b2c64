"""Structures and helpers of the second media interface, through ctypes."""

from __future__ import annotations

import ctypes as C
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from tests.softnpu_model.acl import LIBRARY
from tests.vdec.vdec import Memory, live

mpi = C.CDLL(str(LIBRARY.with_name("libacl_dvpp_mpi.so")))
ILLEGAL, EXIST, UNEXIST, NULL, UNSUPPORTED = (0xA0078000 + i for i in (3, 4, 5, 6, 8))
INVALID_ID, EMPTY, FULL, BAD_ADDRESS = (0xA0078000 + i for i in (2, 0xE, 0xF, 0x11))
NV12, RGB = 1, 12


class PicInfo(C.Structure):
    _fields_ = [
        ("address", C.c_void_p),
        ("size", C.c_uint32),
        ("width", C.c_uint32),
        ("height", C.c_uint32),
        ("stride", C.c_uint32),
        ("rows", C.c_uint32),
        ("format", C.c_int),
    ]


class ChnAttr(C.Structure):
    _fields_ = [("attr", C.c_int32), ("width", C.c_uint32), ("height", C.c_uint32)]


class Crop(C.Structure):
    _fields_ = [(name, C.c_uint32) for name in ("top", "left", "width", "height")]


class Resize(C.Structure):
    _fields_ = [(name, C.c_uint32) for name in ("width", "height", "interpolation")]


class CropRegion(C.Structure):
    _fields_ = [("dest", PicInfo), ("crop", Crop)]


class CropResizeRegion(C.Structure):
    _fields_ = [("dest", PicInfo), ("crop", Crop), ("resize", Resize)]


class PasteRegion(C.Structure):
    _fields_ = [
        ("dest", PicInfo),
        ("crop", Crop),
        ("resize", Resize),
        ("top", C.c_uint32),
        ("left", C.c_uint32),
    ]


class BorderRegion(C.Structure):
    _fields_ = [
        ("dest", PicInfo),
        ("crop", Crop),
        ("resize", Resize),
        ("top", C.c_uint32),
        ("left", C.c_uint32),
        ("type", C.c_int),
        ("value", C.c_double * 4),
    ]


class Lut(C.Structure):
    _fields_ = [("maps", (C.c_uint8 * 256) * 3)]


class MakeBorder(C.Structure):
    _fields_ = [
        ("top", C.c_uint32),
        ("bottom", C.c_uint32),
        ("left", C.c_uint32),
        ("right", C.c_uint32),
        ("type", C.c_int),
        ("value", C.c_double * 4),
    ]


def code(name: str, *arguments: object) -> int:
    """Call an entry; return its status as the unsigned number of the headers."""
    return int(getattr(mpi, name)(*arguments)) & 0xFFFFFFFF


class Picture:
    """NV12 in media memory."""

    def __init__(self, width: int, height: int) -> None:
        self.stride = -(-width // 16) * 16
        self.memory = Memory(self.stride * height * 3 // 2)
        self.memory.write(bytes(self.memory.nbytes))
        self.info = PicInfo(
            self.memory.address, self.memory.nbytes, width, height, self.stride, height, NV12
        )

    def fill(self, pixels: np.ndarray) -> None:
        rows = np.zeros((pixels.shape[0], self.stride), np.uint8)
        rows[:, : pixels.shape[1]] = pixels
        self.memory.write(rows.tobytes())

    def pixels(self) -> np.ndarray:
        rows = self.memory.read(self.memory.nbytes).reshape(-1, self.stride)
        return rows[:, : self.info.width]


@contextmanager
def channel(chn: int = 3, depth: int = 0) -> Iterator[int]:
    before = live()
    assert code("hi_mpi_vpc_create_chn", chn, C.byref(ChnAttr(depth))) == 0
    try:
        yield chn
    finally:
        assert code("hi_mpi_vpc_destroy_chn", chn) == 0
        assert live() == before


def run(chn: int, name: str, *arguments: object) -> int:
    """Queue an operation and fetch its result."""
    task = C.c_uint32()
    status = code(name, chn, *arguments, C.byref(task), C.c_int32(-1))
    return status or code("hi_mpi_vpc_get_process_result", chn, task, C.c_int32(-1))
