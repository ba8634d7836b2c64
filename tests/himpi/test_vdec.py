"""Video through hi_mpi_vdec_*: frames against FFmpeg's bit for bit, and the channel's rules."""

from __future__ import annotations

import ctypes as C
import select
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.himpi.codec import (
    BAD_ADDRESS,
    EMPTY,
    EXIST,
    H264,
    H265,
    ILLEGAL,
    INVALID_ID,
    NOT_PERM,
    NULL,
    UNEXIST,
    UNSUPPORTED,
    PicInfo,
    Stream,
    attr,
    fetch,
    filled,
    release,
    send,
    status,
    target,
)
from tests.himpi.himpi import Picture, code, live
from tests.vdec import codec
from tests.vdec.vdec import Memory


@pytest.fixture(params=[H264, H265])
def kind(request: pytest.FixtureRequest) -> Iterator[int]:
    before = live()
    assert code("hi_mpi_vdec_create_chn", 5, C.byref(attr(request.param))) == 0
    yield request.param
    assert code("hi_mpi_vdec_destroy_chn", 5) == 0
    assert live() == before


def test_frames_are_those_of_ffmpeg(kind: int) -> None:
    stream = codec.bikes(30) if kind == H264 else codec.encoded("-x265-params", "bframes=3")
    assert code("hi_mpi_vdec_start_recv_stream", 5) == 0
    pictures, memories = [], []
    for number, data in enumerate(stream.packets):
        memory = filled(data)
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
        assert release(frame) == 0
        assert release(frame) == ILLEGAL
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


def test_frames_may_keep_their_size(kind: int) -> None:
    """A width, height and strides of 0 are the stream's."""
    stream = codec.bikes(3) if kind == H264 else codec.encoded("-x265-params", "bframes=3")
    assert code("hi_mpi_vdec_start_recv_stream", 5) == 0
    memories = [filled(data) for data in stream.packets[:3]]
    picture = Picture(stream.width, stream.height)
    info = target(picture)
    info.width = info.height = info.stride = info.rows = 0
    for memory in memories:
        assert send(Stream(1, 0, 1, 0, 0, memory.nbytes, memory.address), info) == 0
    assert send(Stream(1, 1, 0), PicInfo()) == 0
    got, frame, _ = fetch(10000)
    assert (got, frame.flag) == (0, 0)
    assert (frame.width, frame.height) == (stream.width, stream.height)
    assert frame.strides[1][0] == picture.stride
    info.width = 320
    assert send(Stream(1, 0, 1, 0, 0, 16, memories[0].address), info) == ILLEGAL
    for thing in (picture.memory, *memories):
        thing.free()


def test_status_reset_and_descriptor(kind: int) -> None:
    stream = codec.bikes(10) if kind == H264 else codec.encoded("-x265-params", "bframes=3")
    now = status()
    assert (now.type, now.started, now.received, now.left_decoded) == (kind, 0, 0, 0)
    assert code("hi_mpi_vdec_close_fd", 5) == NOT_PERM
    descriptor = code("hi_mpi_vdec_get_fd", 5)
    assert descriptor == code("hi_mpi_vdec_get_fd", 5) < 1 << 20
    assert select.select([descriptor], [], [], 0)[0] == []
    picture = Picture(stream.width, stream.height)
    memories = [filled(data) for data in stream.packets[:8]]
    for start in range(2):  # the second time after a reset, from the first packet again
        assert code("hi_mpi_vdec_start_recv_stream", 5) == 0
        assert code("hi_mpi_vdec_reset_chn", 5) == NOT_PERM
        for memory in memories:
            packet = Stream(1, 0, 1, 0, 0, memory.nbytes, memory.address)
            assert send(packet, target(picture)) == 0
        assert send(Stream(1, 1, 0), PicInfo()) == 0
        assert select.select([descriptor], [], [], 10)[0] == [descriptor]
        while (now := status()).decoded < 9:
            time.sleep(0.002)
        assert (now.started, now.received, now.left_bytes, now.left_frames) == (1, 9, 0, 0)
        assert (now.width, now.height, now.left_decoded) == (stream.width, stream.height, 9)
        assert fetch(0)[1].flag == 0
        assert status().left_decoded == 8
        assert code("hi_mpi_vdec_stop_recv_stream", 5) == 0
        assert code("hi_mpi_vdec_reset_chn", 5) == 0, start
        assert fetch(0)[0] == EMPTY
        assert select.select([descriptor], [], [], 0)[0] == []
        assert status().received == 0
    assert code("hi_mpi_vdec_close_fd", 5) == 0
    for thing in (picture.memory, *memories):
        thing.free()


def test_attributes_and_parameters(kind: int) -> None:
    now, param, wanted = attr(), (C.c_int * 10)(), attr(kind, 640, 480)
    assert code("hi_mpi_vdec_get_chn_attr", 5, C.byref(now)) == 0
    assert bytes(now) == bytes(attr(kind))
    assert code("hi_mpi_vdec_set_chn_attr", 5, C.byref(wanted)) == 0
    assert code("hi_mpi_vdec_get_chn_attr", 5, C.byref(now)) == 0
    assert bytes(now) == bytes(wanted)
    other = attr(H264 if kind == H265 else H265)
    assert code("hi_mpi_vdec_set_chn_attr", 5, C.byref(other)) == NOT_PERM
    assert code("hi_mpi_vdec_get_chn_param", 5, param) == 0
    assert param[0] == kind
    param[1], param[5] = 4, 1  # pictures kept, I and P frames only
    assert code("hi_mpi_vdec_set_chn_param", 5, param) == 0
    again = (C.c_int * 10)()
    assert code("hi_mpi_vdec_get_chn_param", 5, again) == 0
    assert list(again) == list(param)
    param[5] = 3
    assert code("hi_mpi_vdec_set_chn_param", 5, param) == ILLEGAL
    param[0], param[5] = 26, 0
    assert code("hi_mpi_vdec_set_chn_param", 5, param) == ILLEGAL
    mode = C.c_int(7)
    assert code("hi_mpi_vdec_set_display_mode", 5, 1) == 0
    assert code("hi_mpi_vdec_get_display_mode", 5, C.byref(mode)) == 0
    assert mode.value == 1
    assert code("hi_mpi_vdec_set_display_mode", 5, 2) == ILLEGAL
    protocol = (C.c_int * 5)(kind, 1, 2, 3, 4)
    assert code("hi_mpi_vdec_set_protocol_param", 5, protocol) == 0
    assert code("hi_mpi_vdec_get_protocol_param", 5, again) == 0
    assert list(again[:5]) == list(protocol)
    assert code("hi_mpi_vdec_start_recv_stream", 5) == 0
    assert code("hi_mpi_vdec_set_protocol_param", 5, protocol) == NOT_PERM
    assert code("hi_mpi_vdec_set_chn_attr", 5, C.byref(wanted)) == NOT_PERM
    for name in (
        "get_chn_attr",
        "set_chn_attr",
        "get_chn_param",
        "set_chn_param",
        "get_display_mode",
        "get_protocol_param",
        "set_protocol_param",
        "query_status",
    ):
        assert code(f"hi_mpi_vdec_{name}", 5, None) == NULL
        assert code(f"hi_mpi_vdec_{name}", 6, None) == UNEXIST
        assert code(f"hi_mpi_vdec_{name}", -1, None) == INVALID_ID
