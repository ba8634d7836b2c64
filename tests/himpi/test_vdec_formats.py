"""What hi_mpi_vdec_* writes: every format, other sizes, ten bits, streams that change and go on."""

from __future__ import annotations

import ctypes as C
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import cv2
import numpy as np
import pytest

from tests.dvpp import formats
from tests.dvpp.formats import BGR, NV12, NV21, RGB, Canvas, Planes
from tests.himpi.codec import CHN, H264, H265, PicInfo, Stream, attr, fetch, filled, release, send
from tests.himpi.himpi import Picture, code, live
from tests.vdec import codec
from tests.vdec.test_vdec import ten_bit_packets


@pytest.fixture
def started(request: pytest.FixtureRequest) -> Iterator[None]:
    before = live()
    kind = getattr(request, "param", H264)
    assert code("hi_mpi_vdec_create_chn", CHN, C.byref(attr(kind))) == 0
    assert code("hi_mpi_vdec_start_recv_stream", CHN) == 0
    yield
    assert code("hi_mpi_vdec_destroy_chn", CHN) == 0
    assert live() == before


def target(canvas: Canvas) -> PicInfo:
    size = (canvas.width, canvas.height, canvas.stride, canvas.rows)
    return PicInfo(*size, canvas.format, canvas.memory.address, canvas.nbytes)


def planes_of(frame: np.ndarray, height: int) -> Planes:
    chroma = frame[height:].reshape(height // 2, -1, 2)
    return [frame[:height], chroma[..., 0], chroma[..., 1]]


def decode(packets: Sequence[bytes], targets: Sequence[PicInfo]) -> list[tuple[int, int]]:
    """Send packets and an end; return the flags of the frames and whose they are."""
    memories = [filled(packet) for packet in packets]
    for number, (memory, info) in enumerate(zip(memories, targets, strict=True)):
        packet = Stream(1, 0, 1, number, 0, memory.nbytes, memory.address)
        assert send(packet, info) == 0
    assert send(Stream(1, 1, 0), PicInfo()) == 0
    found = []
    for _ in packets:
        status, frame, _ = fetch(10000)
        assert status == 0
        found.append((frame.flag, frame.pts))
        assert release(frame) == 0
    status, frame, _ = fetch(10000)  # the packet that ended the stream
    assert (status, frame.flag) == (0, 2)
    for memory in memories:
        memory.free()
    return found


@pytest.mark.parametrize("pixel_format", [NV12, NV21, RGB, BGR])
@pytest.mark.parametrize("size", [(640, 272), (320, 176), (700, 300)])
def test_formats_and_sizes(started: None, pixel_format: int, size: tuple[int, int]) -> None:
    stream = codec.bikes(6)
    with ExitStack() as stack:
        canvases = [stack.enter_context(Canvas(*size, pixel_format)) for _ in stream.packets]
        found = decode(stream.packets, [target(canvas) for canvas in canvases])
        assert found == [(0, number) for number in stream.order]
        for number, frame in zip(stream.order, stream.frames, strict=True):
            planes = planes_of(frame, stream.height)
            if size != (640, 272):
                wanted = [size, *[(size[0] // 2, size[1] // 2)] * 2]
                planes = [
                    cv2.resize(plane, shape, interpolation=cv2.INTER_LINEAR)
                    for plane, shape in zip(planes, wanted, strict=True)
                ]
            yuv = pixel_format in (NV12, NV21)
            expected = planes if yuv else formats.to_rgb(formats.full_size(planes), 0)
            assert canvases[number].outside_is_untouched()
            for ours, theirs in zip(canvases[number].read(), expected, strict=True):
                error = np.abs(ours.astype(float) - theirs)
                if size == (640, 272):
                    # Colours are libyuv's, in 1/64.
                    assert error.max() <= (0 if yuv else 3)
                else:
                    assert error.mean() < 2


@pytest.mark.parametrize("started", [H265], indirect=True)
def test_ten_bits(started: None) -> None:
    stream = ten_bit_packets()
    pictures = [Picture(stream.width, stream.height) for _ in stream.packets]
    infos = []
    for picture in pictures:
        info = picture.info
        size = (info.width, info.height, info.stride, info.rows)
        infos.append(PicInfo(*size, NV12, info.address, info.size))
    found = decode(stream.packets, infos)
    assert found == [(0, number) for number in stream.order]
    for number, expected in zip(stream.order, stream.frames, strict=True):
        np.testing.assert_array_equal(pictures[number].pixels(), (expected >> 2).astype(np.uint8))
    for picture in pictures:
        picture.memory.free()


def test_the_resolution_changes_in_the_stream(started: None) -> None:
    streams = [
        codec.encoded("-bf", "2", codec="libx264", size=size, frames=8)
        for size in ("640:368", "320:192", "800:448")
    ]
    with ExitStack() as stack:
        packets, canvases = [], []
        for stream in streams:
            packets += stream.packets
            size = (stream.width, stream.height, NV12)
            canvases += [stack.enter_context(Canvas(*size)) for _ in stream.packets]
        found = decode(packets, [target(canvas) for canvas in canvases])
        assert [flag for flag, _ in found] == [0] * 24
        at = 0
        for stream in streams:
            for number, frame in zip(stream.order, stream.frames, strict=True):
                assert found[at][1] == at - at % 8 + number
                planes = planes_of(frame, stream.height)
                for ours, theirs in zip(canvases[found[at][1]].read(), planes, strict=True):
                    np.testing.assert_array_equal(ours, theirs)
                at += 1


def test_packets_that_are_not_shown(started: None) -> None:
    """Decoded, because others refer to them, and given back without a picture."""
    stream = codec.bikes(12)
    shown = [number % 3 != 1 for number in range(12)]
    memories = [filled(packet) for packet in stream.packets]
    with ExitStack() as stack:
        size = (stream.width, stream.height, NV12)
        canvases = [stack.enter_context(Canvas(*size)) if show else None for show in shown]
        for number, (memory, canvas) in enumerate(zip(memories, canvases, strict=True)):
            show = int(shown[number])
            packet = Stream(1, 0, show, number, 0, memory.nbytes, memory.address)
            assert send(packet, target(canvas) if canvas is not None else PicInfo()) == 0
        assert send(Stream(1, 1, 0), PicInfo()) == 0
        flags = set()
        for number, frame in zip(stream.order, stream.frames, strict=True):
            status, info, packet = fetch(10000)
            assert (status, info.pts, packet.addr) == (0, number, memories[number].address)
            canvas = canvases[number]
            if canvas is not None:
                assert info.flag == 0
                planes = planes_of(frame, stream.height)
                for ours, theirs in zip(canvas.read(), planes, strict=True):
                    np.testing.assert_array_equal(ours, theirs)
            else:
                assert not info.address[0]
                flags.add(info.flag)
            assert release(info) == 0
        assert flags == {0}  # they were decoded
        assert fetch(10000)[0] == 0  # the packet that ended the stream
    for memory in memories:
        memory.free()


def test_what_comes_after_the_end(started: None) -> None:
    """From a key frame on it is a stream like the first; what refers to nothing fails."""
    stream = codec.bikes(8)
    with ExitStack() as stack:
        canvases = [
            stack.enter_context(Canvas(stream.width, stream.height, NV12)) for _ in stream.packets
        ]
        infos = [target(canvas) for canvas in canvases]
        for _ in range(3):
            assert decode(stream.packets, infos) == [(0, number) for number in stream.order]
            for number, frame in zip(stream.order, stream.frames, strict=True):
                planes = planes_of(frame, stream.height)
                for ours, theirs in zip(canvases[number].read(), planes, strict=True):
                    np.testing.assert_array_equal(ours, theirs)
            flags = [flag for flag, _ in decode(stream.packets[3:6], infos[3:6])]
            assert all(flags)


@pytest.mark.parametrize("kind", [H264, H265])
def test_thousands_of_channels(kind: int) -> None:
    before = live()
    for number in range(1500):
        assert code("hi_mpi_vdec_create_chn", number % 256, C.byref(attr(kind))) == 0
        if number % 3:
            assert code("hi_mpi_vdec_start_recv_stream", number % 256) == 0
        assert code("hi_mpi_vdec_destroy_chn", number % 256) == 0
    assert live() == before
