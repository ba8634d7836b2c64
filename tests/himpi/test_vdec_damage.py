"""Damaged streams and short lives of decoder channels of the second media interface."""

from __future__ import annotations

import ctypes as C

import numpy as np
import pytest

from tests.himpi.codec import (
    CHN,
    H264,
    H265,
    PicInfo,
    Stream,
    attr,
    fetch,
    filled,
    release,
    send,
    target,
)
from tests.himpi.himpi import Picture, code, live
from tests.vdec.test_vdec_damage import GOP, HEIGHT, KINDS, WIDTH, clip, damaged, resident

ROUNDS = 7
OK, FAILED, NONE = range(3)


@pytest.mark.parametrize("name", ["h264", "h264-b", "h265-b", "h265-hash"])
def test_damaged_streams(name: str) -> None:
    """Each packet comes back once; what follows the next key frame is whole."""
    before = live()
    stream = clip(name)
    expected = dict(zip(stream.order, stream.frames, strict=True))
    random = np.random.default_rng(len(name))
    pictures = [Picture(WIDTH, HEIGHT) for _ in range(2 * len(stream.packets))]
    kind = attr(H265 if stream.hevc else H264, WIDTH, HEIGHT)
    assert code("hi_mpi_vdec_create_chn", CHN, C.byref(kind)) == 0
    assert code("hi_mpi_vdec_start_recv_stream", CHN) == 0
    flags = {OK: 0, FAILED: 0, NONE: 0}
    for turn in range(ROUNDS * len(KINDS)):
        sent = list(damaged(KINDS[turn % len(KINDS)], stream.packets, random))
        memories = [filled(packet) for _, packet in sent]
        for place, (memory, picture) in enumerate(zip(memories, pictures, strict=False)):
            packet = Stream(1, 0, 1, place, 0, memory.nbytes, memory.address)
            assert send(packet, target(picture)) == 0
        assert send(Stream(1, 1, 0, 10**6), PicInfo()) == 0
        seen = set()
        for _ in range(len(sent) + 1):
            status, frame, _ = fetch(10000)
            assert status == 0
            seen.add(frame.pts)
            assert release(frame) == 0
            if frame.pts == 10**6:
                continue
            flags[frame.flag] += 1
            number = sent[frame.pts][0]
            if number >= GOP and frame.flag == OK:
                np.testing.assert_array_equal(pictures[frame.pts].pixels(), expected[number])
        assert seen == {*range(len(sent)), 10**6}
        for memory in memories:
            memory.free()
    assert flags[OK] > 10 * ROUNDS * len(KINDS)
    assert flags[FAILED] > ROUNDS * len(KINDS)
    assert code("hi_mpi_vdec_destroy_chn", CHN) == 0
    for picture in pictures:
        picture.memory.free()
    assert live() == before


@pytest.mark.parametrize("kind", [H264, H265])
def test_many_channels_end_with_packets_in_flight(kind: int) -> None:
    before = live()
    stream = clip("h264" if kind == H264 else "h265")
    picture = Picture(WIDTH, HEIGHT)
    memories = [filled(packet) for packet in stream.packets[:4]]
    for turn in range(120):
        assert code("hi_mpi_vdec_create_chn", CHN, C.byref(attr(kind, WIDTH, HEIGHT))) == 0
        assert code("hi_mpi_vdec_start_recv_stream", CHN) == 0
        for memory in memories[: turn % 5]:
            packet = Stream(1, 0, 1, 0, 0, memory.nbytes, memory.address)
            assert send(packet, target(picture)) == 0
        if turn % 3 == 0:
            assert code("hi_mpi_vdec_stop_recv_stream", CHN) == 0
            assert code("hi_mpi_vdec_reset_chn", CHN) == 0
        assert code("hi_mpi_vdec_destroy_chn", CHN) == 0
        if turn == 40:
            settled = resident()
    assert resident() - settled < 30 << 20
    for memory in [*memories, picture.memory]:
        memory.free()
    assert live() == before
