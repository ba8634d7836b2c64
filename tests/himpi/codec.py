"""Structures of the second media interface's decoders, and how files and packets go through."""

from __future__ import annotations

import ctypes as C

from tests.himpi.himpi import NV12, Picture, code
from tests.vdec.vdec import Memory

CHN = 5
ILLEGAL, EXIST, UNEXIST, NULL, UNSUPPORTED, NOT_PERM = (0xA0058000 + i for i in (3, 4, 5, 6, 8, 9))
INVALID_ID, EMPTY, FULL, BAD_ADDRESS = (0xA0058000 + i for i in (2, 0xE, 0xF, 0x11))
H264, H265, JPEG = 96, 265, 26
KEEP = 10000  # HI_PIXEL_FORMAT_UNKNOWN


class Attr(C.Structure):
    _fields_ = [
        ("type", C.c_int),
        ("mode", C.c_int),
        ("sizes", C.c_uint32 * 5),
        ("video", C.c_uint32 * 3),
    ]


class Stream(C.Structure):
    _fields_ = [
        ("end_of_frame", C.c_int),
        ("end_of_stream", C.c_int),
        ("need_display", C.c_int),
        ("pts", C.c_uint64),
        ("private_data", C.c_uint64),
        ("len", C.c_uint32),
        ("addr", C.c_void_p),
    ]


class PicInfo(C.Structure):
    _fields_ = [
        *((n, C.c_uint32) for n in ("width", "height", "stride", "rows")),
        ("format", C.c_int),
        ("address", C.c_uint64),
        ("size", C.c_uint32),
        ("offsets", C.c_int16 * 4),
    ]


class FrameInfo(C.Structure):
    _fields_ = [
        *((n, C.c_uint32) for n in ("width", "height", "field", "format")),
        ("kinds", C.c_uint32 * 4),
        ("strides", (C.c_uint32 * 3) * 3),
        ("physical", (C.c_uint64 * 3) * 2),
        ("header", C.c_void_p * 3),
        ("address", C.c_void_p * 3),
        ("time_ref", C.c_uint32),
        ("pts", C.c_uint64),
        ("user", C.c_uint64 * 2),
        ("flag", C.c_uint32),
        ("rest", C.c_uint8 * 4096),
    ]


class Status(C.Structure):
    _fields_ = [
        *((n, C.c_uint32) for n in ("type", "left_bytes", "left_frames", "left_decoded")),
        *((n, C.c_uint32) for n in ("started", "received", "decoded")),
        ("errors", C.c_int32 * 9),
        *((n, C.c_uint32) for n in ("width", "height")),
        ("pts", C.c_uint64),
    ]


class ImgInfo(C.Structure):
    _fields_ = [
        *((n, C.c_uint32) for n in ("width", "height", "stride", "rows", "nbytes")),
        ("format", C.c_int),
        ("reserved", C.c_uint32 * 4),
    ]


def attr(kind: int = H264, width: int = 1920, height: int = 1088) -> Attr:
    return Attr(kind, 1, (C.c_uint32 * 5)(width, height, width * height, 0, 0))


def send(packet: Stream, picture: PicInfo, milliseconds: int = -1) -> int:
    arguments = (CHN, C.byref(packet), C.byref(picture), C.c_int32(milliseconds))
    return code("hi_mpi_vdec_send_stream", *arguments)


def fetch(milliseconds: int) -> tuple[int, FrameInfo, Stream]:
    frame, packet, extra = FrameInfo(), Stream(), (C.c_uint8 * 256)()
    arguments = (CHN, C.byref(frame), extra, C.byref(packet), C.c_int32(milliseconds))
    return code("hi_mpi_vdec_get_frame", *arguments), frame, packet


def release(frame: FrameInfo) -> int:
    return code("hi_mpi_vdec_release_frame", CHN, C.byref(frame))


def status() -> Status:
    result = Status()
    assert code("hi_mpi_vdec_query_status", CHN, C.byref(result)) == 0
    return result


def filled(data: bytes) -> Memory:
    """Return media memory with the bytes."""
    memory = Memory(len(data))
    memory.write(data)
    return memory


def target(picture: Picture) -> PicInfo:
    info = picture.info
    return PicInfo(info.width, info.height, info.stride, info.rows, NV12, info.address, info.size)
