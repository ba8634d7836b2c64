"""Rate control, usability and regions of hi_mpi_venc_*: what FFmpeg finds in the stream."""

from __future__ import annotations

import ctypes as C

import av
import numpy as np
import pytest

from tests.himpi.codec import JPEG
from tests.himpi.himpi import code
from tests.venc.test_himpi_venc import CHN, FIXQP, H264, H265, attr, channel, encode
from tests.venc.venc import bikes, decode, units

ILLEGAL, UNEXIST, NULL, UNSUPPORTED = (0xA0088000 + i for i in (3, 5, 6, 8))


class RateParam(C.Structure):
    """Of constant bit rate; the longest union member has 15 numbers."""

    _fields_ = [
        ("thresholds", (C.c_uint32 * 16) * 3),
        *((n, C.c_uint32) for n in ("direction", "row_delta")),
        *((n, C.c_int32) for n in ("start", "scene", "insert")),
        *((n, C.c_uint32) for n in ("most_i", "least_i", "max_qp", "min_qp", "max_i", "min_i")),
        ("reencode", C.c_int32),
        ("rest", C.c_uint32 * 8),
    ]


class Signal(C.Structure):
    names = ("present", "format", "full", "colours", "primaries", "transfer", "matrix")
    _fields_ = [(name, C.c_uint8) for name in names]


class Aspect(C.Structure):
    _fields_ = [("flags", C.c_uint8 * 4), ("width", C.c_uint16), ("height", C.c_uint16)]


class H264Vui(C.Structure):
    _fields_ = [
        ("aspect", Aspect),
        ("timing", C.c_uint8),
        ("fixed", C.c_uint8),
        ("units", C.c_uint32),
        ("scale", C.c_uint32),
        ("signal", Signal),
        ("restriction", C.c_uint8),
    ]


class H265Vui(C.Structure):
    _fields_ = [
        ("aspect", Aspect),
        *((n, C.c_uint32) for n in ("timing", "units", "scale", "poc")),
        ("signal", Signal),
        ("restriction", C.c_uint8),
    ]


class Region(C.Structure):
    _fields_ = [
        ("index", C.c_uint32),
        *((n, C.c_int32) for n in ("enable", "absolute", "qp", "x", "y")),
        *((n, C.c_uint32) for n in ("width", "height")),
    ]


def call(name: str, value: C.Structure) -> int:
    return code(f"hi_mpi_venc_{name}", CHN, C.byref(value))


def sent(data: list[bytes], kind: int) -> av.CodecContext:
    """Return a decoder that has seen the stream's first pictures."""
    context = av.CodecContext.create("hevc" if kind == H265 else "h264", "r")
    for packet in data:
        context.decode(av.Packet(packet))
    context.decode(None)
    return context


@pytest.mark.parametrize("kind", [H264, H265], ids=["h264", "h265"])
def test_usability(kind: int) -> None:
    frames = bikes(5).frames
    name = "h265_vui" if kind == H265 else "h264_vui"
    vui = H265Vui() if kind == H265 else H264Vui()
    other = "h264_vui" if kind == H265 else "h265_vui"
    with channel(attr(kind, gop=4)):
        assert call(f"get_{name}", vui) == 0
        assert (vui.timing, vui.units, vui.scale) == (0, 1, 60)
        assert bytes(vui.signal) == bytes([1, 5, 0, 1, 1, 1, 1])
        first = encode(frames[:2])
        vui.signal.full, vui.signal.primaries, vui.signal.transfer, vui.signal.matrix = 1, 9, 14, 9
        vui.timing, vui.units, vui.scale = 1, 1001, 60000
        assert call(f"set_{name}", vui) == 0
        now = type(vui)()
        assert call(f"get_{name}", now) == 0
        assert bytes(now) == bytes(vui)
        rest = encode(frames[2:])  # the key frame is the fourth after the first
        for place, value in (("format", 8), ("full", 2), ("present", 2)):
            wrong = type(vui).from_buffer_copy(bytes(vui))
            setattr(wrong.signal, place, value)
            assert call(f"set_{name}", wrong) == ILLEGAL
        wrong = type(vui).from_buffer_copy(bytes(vui))
        wrong.aspect.flags[0] = 1
        assert call(f"set_{name}", wrong) == ILLEGAL
        wrong = type(vui).from_buffer_copy(bytes(vui))
        wrong.scale = 0
        assert call(f"set_{name}", wrong) == ILLEGAL
        assert call(f"set_{other}", vui) == UNSUPPORTED
        assert code(f"hi_mpi_venc_set_{name}", CHN, None) == NULL
    before, after = sent(first, kind), sent(rest[2:], kind)
    assert before.color_primaries != 9
    assert (after.color_range, after.color_primaries, after.color_trc) == (2, 9, 14)
    assert after.colorspace == 9
    assert float(after.framerate) == pytest.approx(60000 / 1001 / (1 if kind == H265 else 2))
    assert len(decode(first + rest, hevc=kind == H265).frames) == 5


@pytest.mark.parametrize("kind", [H264, H265], ids=["h264", "h265"])
def test_quantisers_within_bounds(kind: int) -> None:
    frames = bikes(6).frames
    param = RateParam()
    with channel(attr(kind, rates_3=4000)):
        assert call("get_rc_param", param) == 0
        assert list(param.thresholds[0]) == [0, 0, 0, 0, 3, 3, 5, 5, 8, 8, 8, 15, 15, 20, 25, 25]
        assert (param.direction, param.start, param.most_i) == (8, -1, 100)
        assert (param.max_qp, param.min_qp, param.max_i, param.min_i) == (51, 10, 51, 10)
        free = sum(map(len, encode(frames)))
        param.min_qp = param.min_i = 40
        assert call("set_rc_param", param) == 0
        now = RateParam()
        assert call("get_rc_param", now) == 0
        assert bytes(now) == bytes(param)
        coarse = encode(frames)
        for place, value in (("min_qp", 52), ("max_qp", 39), ("direction", 17), ("start", -2)):
            wrong = RateParam.from_buffer_copy(bytes(param))
            setattr(wrong, place, value)
            assert call("set_rc_param", wrong) == ILLEGAL, place
        assert code("hi_mpi_venc_set_rc_param", CHN, None) == NULL
    assert sum(map(len, coarse)) * 3 < free
    assert len(decode(coarse, hevc=kind == H265).frames) == 6


def distance(got: list[np.ndarray], want: list[np.ndarray], columns: slice) -> float:
    differences = [
        (a[:256, columns].astype(float) - b[:256, columns]) ** 2
        for a, b in zip(got, want, strict=True)
    ]
    return float(np.mean(differences))


@pytest.mark.parametrize("kind", [H264, H265], ids=["h264", "h265"])
def test_a_region_gets_more_than_the_rest(kind: int) -> None:
    frames = bikes(4).frames
    left, right = slice(0, 320), slice(320, 640)
    ratios = []
    for qp in (None, -15, 15):
        with channel(attr(kind, rates_3=800)):
            region = Region(3, 1, 0, qp or 0, 0, 0, 320, 256)
            if qp is not None:
                assert call("set_roi_attr", region) == 0
                now = Region()
                assert code("hi_mpi_venc_get_roi_attr", CHN, 3, C.byref(now)) == 0
                assert bytes(now) == bytes(region)
            got = decode(encode(frames), hevc=kind == H265).frames
        ratios.append(distance(got, frames, left) / distance(got, frames, right))
    plain, better, worse = ratios
    assert better < plain / 2
    assert worse > plain * 2


class Split(C.Structure):
    _fields_ = [("enable", C.c_int), ("mode", C.c_uint32), ("size", C.c_uint32)]
    _fields_ += [("output", C.c_int), ("reserved", C.c_uint32 * 2)]


def test_slices() -> None:
    """17 rows of blocks, 6 in a slice, are 3 slices."""
    frames = bikes(3).frames
    split = Split(1, 1, 6)
    with channel(attr()):
        assert call("set_slice_split", split) == 0
        now = Split()
        assert call("get_slice_split", now) == 0
        assert bytes(now) == bytes(split)
        packets = encode(frames)
        for name, value in (("size", 0), ("size", 18), ("mode", 2), ("enable", 2)):
            wrong = Split.from_buffer_copy(bytes(split))
            setattr(wrong, name, value)
            assert call("set_slice_split", wrong) == ILLEGAL, (name, value)
        wrong = Split(1, 1, 6, 1)
        assert call("set_slice_split", wrong) == UNSUPPORTED
    for packet in packets:
        assert sum(kind in (1, 5) for kind in units(packet)) == 3
    assert len(decode(packets).frames) == 3
    with channel(attr(H265)):
        assert call("set_slice_split", split) == UNSUPPORTED


def test_misuse() -> None:
    for name in ("get_rc_param", "set_rc_param", "get_h264_vui", "set_h265_vui", "set_roi_attr"):
        assert code(f"hi_mpi_venc_{name}", CHN, None) == UNEXIST
    good = Region(0, 1, 1, 20, 16, 32, 64, 64)
    with channel(attr()):
        assert call("set_roi_attr", good) == 0
        for name, value in (
            ("index", 8),
            ("qp", 52),
            ("qp", -1),
            ("x", 8),
            ("x", 640),
            ("width", 0),
            ("height", 272),
            ("y", -16),
        ):
            wrong = Region.from_buffer_copy(bytes(good))
            setattr(wrong, name, value)
            assert call("set_roi_attr", wrong) == ILLEGAL, (name, value)
        assert code("hi_mpi_venc_get_roi_attr", CHN, 8, C.byref(good)) == ILLEGAL
        assert code("hi_mpi_venc_get_roi_attr", CHN, 0, None) == NULL
    with channel(attr(rc_mode=FIXQP, rates_0=25, rates_1=25, rates_2=30, rates_3=30)):
        assert call("get_rc_param", RateParam()) == 0
    with channel(attr(JPEG)):
        assert call("get_rc_param", RateParam()) == UNSUPPORTED
        assert call("set_roi_attr", good) == UNSUPPORTED
