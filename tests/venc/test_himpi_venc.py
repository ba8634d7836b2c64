"""Encoding through hi_mpi_venc_*: what FFmpeg decodes, and the channel's rules."""

from __future__ import annotations

import ctypes as C
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from tests.himpi.codec import FrameInfo
from tests.himpi.encoder import ChnAttr, Pack, Status, Stream
from tests.himpi.himpi import NV12, code
from tests.softnpu_model.acl import D2H, acl, counters
from tests.vdec.vdec import NV21, Memory, live
from tests.venc.venc import bikes, decode, psnr, units

ILLEGAL, EXIST, UNEXIST, NULL, UNSUPPORTED, NOT_PERM = (0xA0088000 + i for i in (3, 4, 5, 6, 8, 9))
INVALID_ID, EMPTY, FULL, BAD_ADDRESS = (0xA0088000 + i for i in (2, 0xE, 0xF, 0x11))
H264, H265 = 96, 265
CBR, VBR, FIXQP = 1, 2, 6
CHN = 5


@pytest.fixture(scope="module", autouse=True)
def himpi() -> Iterator[None]:
    assert code("hi_mpi_sys_init") == 0
    yield
    code("hi_mpi_sys_exit")


LIVE_HIMPI = ("live_himpi_allocations", "live_media_channels", "live_streams")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = live(), [counters()[name] for name in LIVE_HIMPI]
    yield
    assert (live(), [counters()[name] for name in LIVE_HIMPI]) == before


def attr(kind: int = H264, **values: int) -> ChnAttr:
    """Constant bit rate, 640x272 at 25 frames a second, unless told."""
    result = ChnAttr(kind, 1920, 1088, 1 << 21, 0 if kind == H265 else 2, 1, 640, 272)
    result.rc_mode = CBR
    result.gop, result.rates_0, result.rates_1, result.rates_2, result.rates_3 = 25, 1, 25, 25, 2000
    for name, value in values.items():
        setattr(result, name, value)
    if kind == H265:
        result.rc_mode += 10
    return result


@contextmanager
def channel(given: ChnAttr, number: int = -1) -> Iterator[None]:
    assert code("hi_mpi_venc_create_chn", CHN, C.byref(given)) == 0
    try:
        assert code("hi_mpi_venc_start_chn", CHN, C.byref(C.c_int32(number))) == 0
        yield
    finally:
        assert code("hi_mpi_venc_destroy_chn", CHN) == 0


class Input:
    """A frame in memory of its own."""

    def __init__(self, frame: np.ndarray, pixel_format: int = NV12, pts: int = 0) -> None:
        rows, width = frame.shape[0] * 2 // 3, frame.shape[1]
        if pixel_format == NV21:
            frame = frame.copy()
            pairs = frame[rows:].reshape(rows // 2, -1, 2)
            frame[rows:] = pairs[..., ::-1].reshape(rows // 2, width)
        self.memory = Memory(frame.nbytes)
        self.memory.write(frame.tobytes())
        self.info = FrameInfo(width, rows, 0, pixel_format)
        self.info.strides[1][0] = width
        self.info.strides[2][0] = rows
        self.info.address[0] = self.memory.address
        self.info.pts = pts

    def send(self, milliseconds: int = -1) -> int:
        return code("hi_mpi_venc_send_frame", CHN, C.byref(self.info), milliseconds)


def status() -> Status:
    result = Status()
    assert code("hi_mpi_venc_query_status", CHN, C.byref(result)) == 0
    return result


def fetch(packs: int = 1, milliseconds: int = 5000) -> tuple[Stream, bytes]:
    room = (Pack * packs)()
    stream = Stream(room, packs)
    assert code("hi_mpi_venc_get_stream", CHN, C.byref(stream), milliseconds) == 0
    data = b""
    for pack in room[: stream.count]:
        part = np.empty(pack.length, np.uint8)
        acl.aclrtMemcpy(part.ctypes.data, part.nbytes, pack.address, part.nbytes, D2H)
        data += part.tobytes()
    return stream, data


def release(stream: Stream) -> int:
    return code("hi_mpi_venc_release_stream", CHN, C.byref(stream))


def encode(frames: list[np.ndarray], pixel_format: int = NV12) -> list[bytes]:
    """One frame at a time."""
    packets = []
    for number, frame in enumerate(frames):
        given = Input(frame, pixel_format, pts=number * 40)
        assert given.send() == 0
        stream, data = fetch()
        assert stream.pack[0].pts == number * 40
        assert release(stream) == 0
        given.memory.free()
        packets.append(data)
    return packets


@pytest.mark.parametrize("pixel_format", [NV12, NV21], ids=["nv12", "nv21"])
@pytest.mark.parametrize("kind", [H264, H265], ids=["h264", "h265"])
def test_pictures_come_back(kind: int, pixel_format: int) -> None:
    video = bikes()
    with channel(attr(kind)):
        packets = encode(video.frames, pixel_format)
    decoded = decode(packets, hevc=kind == H265)
    assert len(decoded.frames) == len(video.frames)
    assert min(map(psnr, decoded.frames, video.frames)) > 35
    assert decoded.keys == [0, 25]


def test_the_second_plane_may_have_its_address() -> None:
    video = bikes(3)
    with channel(attr()):
        padded = np.zeros((420, 640), np.uint8)
        padded[:272], padded[280 : 280 + 136] = video.frames[0][:272], video.frames[0][272:]
        given = Input(padded)
        given.info.height = 272
        given.info.address[1] = given.memory.address + 280 * 640
        assert given.send() == 0
        stream, data = fetch()
        assert release(stream) == 0
        given.info.address[1] = given.memory.address + 280 * 640 + 16
        assert given.send() == ILLEGAL
        given.memory.free()
    assert psnr(decode([data]).frames[0], video.frames[0]) > 35


@pytest.mark.parametrize("kind", [H264, H265], ids=["h264", "h265"])
def test_packs_of_units(kind: int) -> None:
    """A pack per unit, or one that lists what precedes the picture."""
    video = bikes(4)
    hevc = kind == H265
    for by_frame in (0, 1):
        with channel(attr(kind, by_frame=by_frame)):
            given = Input(video.frames[0])
            assert given.send() == 0
            while not status().left_frames:
                time.sleep(0.005)
            now = status()
            if not by_frame:
                few = Stream((Pack * 1)(), 1)
                assert code("hi_mpi_venc_get_stream", CHN, C.byref(few), 0) == ILLEGAL
            stream, data = fetch(now.cur_packs)
            assert len(data) == now.left_bytes == stream.info[0]
            types = units(data, hevc=hevc)
            if by_frame:
                pack = stream.pack[0]
                assert now.cur_packs == 1
                assert pack.type == (19 if hevc else 5)
                listed = list(pack.infos[: pack.count])
                assert [info.type for info in listed] == types[: pack.count]
                for info in listed:
                    part = data[info.offset : info.offset + info.length]
                    assert units(part, hevc=hevc) == [info.type]
            else:
                assert now.cur_packs == len(types) > 2
                for pack, unit in zip(stream.pack[: stream.count], types, strict=True):
                    slice_type = hevc and unit < 32
                    assert pack.type == (19 if slice_type else unit)
                ends = [pack.is_end for pack in stream.pack[: stream.count]]
                assert ends == [0] * (len(types) - 1) + [1]
            assert release(stream) == 0
            given.memory.free()


@pytest.mark.parametrize("kind", [H264, H265], ids=["h264", "h265"])
def test_key_frames_on_request(kind: int) -> None:
    video = bikes(20)
    packets = []
    with channel(attr(kind, gop=1000)):
        for number, frame in enumerate(video.frames):
            if number in (6, 13):
                assert code("hi_mpi_venc_request_idr", CHN, int(number == 6)) == 0
            packets += encode([frame])
    assert decode(packets, hevc=kind == H265).keys == [0, 6, 13]


def test_rates() -> None:
    """Constant rates, a quantiser, fewer frames out than in, and a change of mind."""
    video = bikes(100)
    for kind in (H264, H265):
        with channel(attr(kind, rates_3=500)):
            measured = sum(map(len, encode(video.frames))) * 8 / 4 / 1000
            assert 400 < measured < 600
    sizes = []
    for quantiser in (20, 30, 40):
        fixed = attr(rc_mode=FIXQP, rates_0=25, rates_1=25, rates_2=quantiser, rates_3=quantiser)
        with channel(fixed):
            sizes.append(sum(map(len, encode(video.frames[:20]))))
    assert sizes[0] > 2 * sizes[1] > 4 * sizes[2]
    with channel(attr(rates_1=25, rates_2=10)):
        inputs = [Input(frame) for frame in video.frames[:25]]
        assert [given.send() for given in inputs] == [0] * 25
        packets = []
        for _ in range(10):
            stream, data = fetch()
            packets.append(data)
            assert release(stream) == 0
        assert code("hi_mpi_venc_get_stream", CHN, C.byref(Stream((Pack * 1)(), 1)), 0) == EMPTY
        for given in inputs:
            given.memory.free()
    kept = [frame for n, frame in enumerate(video.frames[:25]) if n * 10 % 25 < 10]
    assert min(map(psnr, decode(packets).frames, kept)) > 35
    with channel(attr(rates_3=3000, gop=1000)):
        first = encode(video.frames[:50])
        assert code("hi_mpi_venc_set_chn_attr", CHN, C.byref(attr(rates_3=200))) == 0
        now = ChnAttr()
        assert code("hi_mpi_venc_get_chn_attr", CHN, C.byref(now)) == 0
        assert bytes(now) == bytes(attr(rates_3=200))
        second = encode(video.frames[50:])
    assert sum(map(len, second)) * 3 < sum(map(len, first))
    assert decode(first + second).keys == [0, 50, 75]


def test_a_descriptor_to_wait_with() -> None:
    video = bikes(3)
    with channel(attr()):
        assert code("hi_mpi_venc_close_fd", CHN) == NOT_PERM
        descriptor = code("hi_mpi_venc_get_fd", CHN)
        assert descriptor == code("hi_mpi_venc_get_fd", CHN) < 1 << 20
        assert select.select([descriptor], [], [], 0)[0] == []
        given = Input(video.frames[0])
        assert given.send() == given.send() == 0
        for _ in range(2):
            assert select.select([descriptor], [], [], 5)[0] == [descriptor]
            assert release(fetch()[0]) == 0
        assert select.select([descriptor], [], [], 0)[0] == []
        assert code("hi_mpi_venc_close_fd", CHN) == 0
        given.memory.free()


def test_the_queue_has_an_end() -> None:
    with channel(attr()):
        given = Input(bikes(3).frames[0])
        assert [given.send() for _ in range(64)] == [0] * 64
        assert given.send(0) == FULL
        started = time.monotonic()
        assert given.send(100) == FULL
        assert time.monotonic() - started >= 0.1
        stream, _ = fetch()
        assert release(stream) == 0
        assert release(stream) == ILLEGAL
        assert given.send(0) == 0
        while status().left_pics:
            time.sleep(0.01)
        assert status().left_frames == 64
        given.memory.free()


def test_memory_that_goes_before_its_turn_is_lost_alone() -> None:
    """What a program must not do: no crash, and what comes after it begins with a key frame."""
    video = bikes(14)
    with channel(attr(H265)):
        inputs = [Input(frame, pts=number) for number, frame in enumerate(video.frames)]
        for number, given in enumerate(inputs):
            assert given.send() == 0
            if number == 10:  # those before it take the encoder far longer than this
                given.memory.free()
        packets, times = [], []
        for _ in range(13):
            stream, data = fetch()
            packets.append(data)
            times.append(stream.pack[0].pts)
            assert release(stream) == 0
        assert times == [number for number in range(14) if number != 10]
        left = status()
        assert (left.left_pics, left.left_frames) == (0, 0)
        for given in inputs[:10] + inputs[11:]:
            given.memory.free()
    decoded = decode(packets, hevc=True)
    assert decoded.keys == [0, 10]
    assert min(map(psnr, decoded.frames, video.frames[:10] + video.frames[11:])) > 33


def test_destroying_with_frames_in_flight_and_packets_out() -> None:
    video = bikes(30)
    inputs = [Input(frame) for frame in video.frames]
    for kind in (H264, H265):
        with channel(attr(kind)):
            assert all(given.send() == 0 for given in inputs)
            for _ in range(3):
                fetch()
    with channel(attr()):
        results: list[int] = []
        context = C.c_void_p()
        acl.aclrtGetCurrentContext(C.byref(context))

        def wait() -> None:
            acl.aclrtSetCurrentContext(context.value)
            stream = Stream((Pack * 1)(), 1)
            results.append(code("hi_mpi_venc_get_stream", CHN, C.byref(stream), -1))

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.1)
    waiting.join(5)
    assert results == [UNEXIST]
    for given in inputs:
        given.memory.free()


def test_many_channels_come_and_go() -> None:
    started = time.monotonic()
    for _ in range(1000):
        with channel(attr()):
            pass
    assert time.monotonic() - started < 20


BAD: dict[str, tuple[dict[str, int], int]] = {
    "mjpeg": ({"type": 1002}, UNSUPPORTED),
    "narrow": ({"width": 126}, ILLEGAL),
    "high": ({"height": 4098, "max_height": 4098}, ILLEGAL),
    "odd": ({"width": 641}, ILLEGAL),
    "more than the most": ({"max_width": 639}, ILLEGAL),
    "buffer": ({"buf_size": 0}, ILLEGAL),
    "profile": ({"profile": 3}, ILLEGAL),
    "mode of the other codec": ({"rc_mode": 11}, ILLEGAL),
    "map": ({"rc_mode": 7}, UNSUPPORTED),
    "b frames": ({"gop_mode": 4}, UNSUPPORTED),
    "gop": ({"gop": 0}, ILLEGAL),
    "rate in": ({"rates_1": 0}, ILLEGAL),
    "rate out": ({"rates_2": 26}, ILLEGAL),
    "bits": ({"rates_3": 1}, ILLEGAL),
    "quantiser": ({"rc_mode": FIXQP, "rates_0": 25, "rates_1": 25, "rates_2": 52}, ILLEGAL),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_attributes(name: str) -> None:
    values, expected = BAD[name]
    assert code("hi_mpi_venc_create_chn", CHN, C.byref(attr(**values))) == expected


def test_parameters_come_back() -> None:
    with channel(attr()):
        given, got = (C.c_uint32 * 11)(0, 1, 10, 2), (C.c_uint32 * 11)()
        assert code("hi_mpi_venc_set_chn_param", CHN, C.byref(given)) == 0
        assert code("hi_mpi_venc_get_chn_param", CHN, C.byref(got)) == 0
        assert list(got) == list(given)
        for grey, crop in ((1, 0), (0, 1)):
            given[0], given[4] = grey, crop
            assert code("hi_mpi_venc_set_chn_param", CHN, C.byref(given)) == UNSUPPORTED


def test_misuse() -> None:
    one = C.byref(C.c_int32(-1))
    assert code("hi_mpi_venc_create_chn", CHN, None) == NULL
    assert code("hi_mpi_venc_create_chn", -1, C.byref(attr())) == INVALID_ID
    assert code("hi_mpi_venc_create_chn", 256, C.byref(attr())) == INVALID_ID
    for name in ("start_chn", "get_chn_attr", "get_chn_param", "query_status", "release_stream"):
        assert code(f"hi_mpi_venc_{name}", CHN, one) == UNEXIST
    for name in ("stop_chn", "destroy_chn", "get_fd", "close_fd"):
        assert code(f"hi_mpi_venc_{name}", CHN) == UNEXIST
    frame = bikes(3).frames[0]
    given = Input(frame)
    assert given.send() == UNEXIST
    assert code("hi_mpi_venc_create_chn", CHN, C.byref(attr())) == 0
    assert code("hi_mpi_venc_create_chn", CHN, C.byref(attr())) == EXIST
    assert given.send() == NOT_PERM
    for number in (0, -2):
        assert code("hi_mpi_venc_start_chn", CHN, C.byref(C.c_int32(number))) == ILLEGAL
    assert code("hi_mpi_venc_start_chn", CHN, C.byref(C.c_int32(2))) == 0
    for name in ("start_chn", "get_chn_attr", "set_chn_attr", "get_chn_param", "set_chn_param"):
        assert code(f"hi_mpi_venc_{name}", CHN, None) == NULL
    assert code("hi_mpi_venc_send_frame", CHN, None, 0) == NULL
    assert code("hi_mpi_venc_get_stream", CHN, None, 0) == NULL
    assert code("hi_mpi_venc_get_stream", CHN, C.byref(Stream()), 0) == NULL
    stream = Stream((Pack * 1)(), 1)
    assert code("hi_mpi_venc_get_stream", CHN, C.byref(stream), -2) == ILLEGAL
    assert code("hi_mpi_venc_get_stream", CHN, C.byref(stream), 0) == EMPTY
    assert code("hi_mpi_venc_get_stream", CHN, C.byref(stream), 30) == EMPTY
    assert given.send(-2) == ILLEGAL
    for name, value in (("width", 638), ("height", 270), ("format", 12)):
        wrong = Input(frame)
        setattr(wrong.info, name, value)
        assert wrong.send() == ILLEGAL
        wrong.memory.free()
    wrong = Input(frame)
    wrong.info.strides[1][0] = 632
    assert wrong.send() == ILLEGAL
    wrong.info.strides[1][0] = 656
    assert wrong.send() == BAD_ADDRESS  # its memory is too short
    wrong.info.address[0] = None
    assert wrong.send() == NULL
    host = np.zeros(frame.size + 128, np.uint8)
    wrong.info.address[0] = host.ctypes.data
    assert wrong.send() == BAD_ADDRESS
    wrong.memory.free()
    assert status().left_recv == 2
    assert given.send() == given.send() == 0
    assert given.send() == NOT_PERM  # it was started for two
    for _ in range(2):
        assert release(fetch()[0]) == 0
    assert code("hi_mpi_venc_set_chn_attr", CHN, C.byref(attr(width=320))) == NOT_PERM
    assert code("hi_mpi_venc_stop_chn", CHN) == 0
    assert given.send() == NOT_PERM
    assert code("hi_mpi_venc_destroy_chn", CHN) == 0
    given.memory.free()
