"""Video through hi_mpi_vdec_*: frames against FFmpeg's bit for bit, and the channel's rules."""

from __future__ import annotations

import ctypes as C
from collections.abc import Iterator

import numpy as np
import pytest

from tests.himpi.himpi import NV12, Picture, code, live
from tests.vdec import codec
from tests.vdec.vdec import Memory

ILLEGAL, EXIST, UNEXIST, NULL, UNSUPPORTED = (0xA0058000 + i for i in (3, 4, 5, 6, 8))
INVALID_ID, NOT_PERM, EMPTY, BAD_ADDRESS = (0xA0058000 + i for i in (2, 9, 0xE, 0x11))
H264, H265 = 96, 265


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


def attr(kind: int = H264, width: int = 1920, height: int = 1088) -> Attr:
    return Attr(kind, 1, (C.c_uint32 * 5)(width, height, width * height, 0, 0))


@pytest.fixture(params=[H264, H265])
def kind(request: pytest.FixtureRequest) -> Iterator[int]:
    before = live()
    assert code("hi_mpi_vdec_create_chn", 5, C.byref(attr(request.param))) == 0
    yield request.param
    assert code("hi_mpi_vdec_destroy_chn", 5) == 0
    assert live() == before


def send(packet: Stream, picture: PicInfo) -> int:
    return code("hi_mpi_vdec_send_stream", 5, C.byref(packet), C.byref(picture), C.c_int32(-1))


def fetch(milliseconds: int) -> tuple[int, FrameInfo, Stream]:
    frame, packet, extra = FrameInfo(), Stream(), (C.c_uint8 * 256)()
    arguments = (5, C.byref(frame), extra, C.byref(packet), C.c_int32(milliseconds))
    return code("hi_mpi_vdec_get_frame", *arguments), frame, packet


def target(picture: Picture) -> PicInfo:
    info = picture.info
    return PicInfo(info.width, info.height, info.stride, info.rows, NV12, info.address, info.size)


def test_frames_are_those_of_ffmpeg(kind: int) -> None:
    stream = codec.bikes(30) if kind == H264 else codec.encoded("-x265-params", "bframes=3")
    assert code("hi_mpi_vdec_start_recv_stream", 5) == 0
    pictures, memories = [], []
    for number, data in enumerate(stream.packets):
        memory = Memory(len(data))
        memory.write(data)
        picture = Picture(stream.width, stream.height)
        packet = Stream(1, 0, 1, number, 0, len(data), memory.address)
        assert send(packet, target(picture)) == 0
        pictures.append(picture)
        memories.append(memory)
    assert send(Stream(1, 1, 0), PicInfo()) == 0
    for number, expected in zip(stream.order, stream.frames, strict=True):
        status, frame, packet = fetch(10000)
        assert status == 0
        assert (frame.flag, frame.pts, packet.pts) == (0, number, number)
        assert frame.address[0] == pictures[number].memory.address
        assert packet.addr == memories[number].address
        np.testing.assert_array_equal(pictures[number].pixels(), expected)
        assert code("hi_mpi_vdec_release_frame", 5, C.byref(frame)) == 0
        assert code("hi_mpi_vdec_release_frame", 5, C.byref(frame)) == ILLEGAL
    assert code("hi_mpi_vdec_stop_recv_stream", 5) == 0
    status, frame, _ = fetch(2000)
    assert (status, frame.flag) == (0, 2)  # the packet that ended the stream
    assert fetch(0)[0] == EMPTY
    for thing in (*(p.memory for p in pictures), *memories):
        thing.free()


def test_misuse(kind: int) -> None:
    create = "hi_mpi_vdec_create_chn"
    assert code(create, 5, C.byref(attr(kind))) == EXIST
    assert code(create, 6, None) == NULL
    assert code(create, 256, C.byref(attr(kind))) == INVALID_ID
    assert code(create, 6, C.byref(attr(kind, 9000))) == ILLEGAL
    assert code(create, 6, C.byref(attr(1))) == UNSUPPORTED
    assert code("hi_mpi_vdec_destroy_chn", 6) == UNEXIST
    picture = Picture(320, 240)
    info = target(picture)
    address = picture.memory.address
    assert send(Stream(1, 0, 1, 0, 0, 16, address), info) == NOT_PERM
    assert code("hi_mpi_vdec_start_recv_stream", 5) == 0
    assert send(Stream(1, 0, 1, 0, 0, 0, None), info) == ILLEGAL
    assert send(Stream(1, 0, 1, 0, 0, 16, 0x1000), info) == BAD_ADDRESS
    assert send(Stream(1, 0, 1, 0, 0, 1 << 31, address), info) == ILLEGAL
    info.size = 5
    assert send(Stream(1, 0, 1, 0, 0, 16, address), info) == ILLEGAL
    assert fetch(0)[0] == EMPTY
    picture.memory.free()


def test_garbage_packets_answer_each(kind: int) -> None:
    assert code("hi_mpi_vdec_start_recv_stream", 5) == 0
    chance = np.random.default_rng(kind)
    memory, picture = Memory(4096), Picture(320, 240)
    memory.write(chance.integers(0, 256, 4096, np.uint8).tobytes())
    for number in range(200):
        packet = Stream(1, 0, 1, number, 0, int(chance.integers(1, 4096)), memory.address)
        assert send(packet, target(picture)) == 0
    assert send(Stream(1, 1, 0), PicInfo()) == 0
    seen = set()
    for _ in range(201):
        status, frame, _ = fetch(5000)
        assert status == 0
        assert frame.flag != 0
        seen.add(frame.pts)
    assert seen == set(range(200))
    memory.free()
    picture.memory.free()
