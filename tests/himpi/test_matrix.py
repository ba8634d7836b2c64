"""Conversion matrices of picture and decoder channels, against their formula in numpy."""

from __future__ import annotations

import ctypes as C
from collections.abc import Iterator

import numpy as np
import pytest

from tests.dvpp import formats
from tests.dvpp.formats import Canvas
from tests.himpi import codec as vdec
from tests.himpi import himpi as hi
from tests.himpi.himpi import PicInfo, code, run
from tests.vdec import codec

PUT, GET = "hi_mpi_sys_set_chn_csc_matrix", "hi_mpi_sys_get_chn_csc_matrix"
VDEC, VPC, USER = 5, 7, 100
ILLEGAL, NULL, UNSUPPORTED = 0xA0028003, 0xA0028006, 0xA0028008


class Coefficient(C.Structure):
    _fields_ = [("matrix", (C.c_double * 3) * 3), ("bias", C.c_double * 3)]

    @classmethod
    def of(cls, matrix: np.ndarray, bias: np.ndarray) -> Coefficient:
        made = cls()
        np.ctypeslib.as_array(made.matrix)[:] = matrix
        np.ctypeslib.as_array(made.bias)[:] = bias
        return made


class Coefficients(C.Structure):
    _fields_ = [("to_rgb", Coefficient), ("to_yuv", Coefficient)]


def numbers(coefficient: Coefficient) -> tuple[np.ndarray, np.ndarray]:
    return np.array(coefficient.matrix), np.array(coefficient.bias)


@pytest.fixture
def chn() -> Iterator[int]:
    with hi.channel() as made:
        yield made


def test_named_matrices(chn: int) -> None:
    value, known = C.c_int(-1), Coefficients()
    assert code(GET, VPC, chn, C.byref(value), None) == 0
    assert value.value == 0
    rgb = np.random.default_rng(1).uniform(0, 255, (3, 50))
    for number in range(6):
        assert code(PUT, VPC, chn, number, None) == 0
        assert code(GET, VPC, chn, C.byref(value), C.byref(known)) == 0
        assert value.value == number
        matrix, bias = numbers(known.to_yuv)
        yuv = formats.to_yuv(rgb, number)
        np.testing.assert_allclose(matrix @ rgb + bias[:, None], yuv, atol=1e-9)
        matrix, bias = numbers(known.to_rgb)
        np.testing.assert_allclose(matrix @ (yuv - bias[:, None]), rgb, atol=1e-9)
    assert code(PUT, VPC, chn, 0, None) == 0
    assert code(GET, VPC, chn, C.byref(value), C.byref(known)) == 0
    published = [[1, 0, 1.402], [1, -0.344, -0.714], [1, 1.772, 0]]
    np.testing.assert_allclose(np.array(known.to_rgb.matrix), published, atol=5e-4)


def own(seed: int) -> Coefficients:
    random = np.random.default_rng(seed)
    both = [random.uniform(-1.2, 1.2, (3, 3)) for _ in range(2)]
    biases = [random.uniform(0, 140, 3) for _ in range(2)]
    return Coefficients(*(Coefficient.of(m, b) for m, b in zip(both, biases, strict=True)))


def info_of(canvas: Canvas) -> PicInfo:
    return PicInfo(canvas.memory.address, canvas.nbytes, canvas.width, canvas.height,
                   canvas.stride, canvas.rows, canvas.format)  # fmt: skip


@pytest.mark.parametrize(
    ("source", "target"),
    [(formats.NV24, formats.RGB), (formats.NV12, formats.BGR), (formats.RGB, formats.YUV444)],
)
def test_own_coefficients(chn: int, source: int, target: int) -> None:
    planes = formats.random_planes(64, 48, source, seed=2)
    given, got, value = own(source), Coefficients(), C.c_int()
    assert code(PUT, VPC, chn, USER, C.byref(given)) == 0
    assert code(GET, VPC, chn, C.byref(value), C.byref(got)) == 0
    assert value.value == USER
    assert bytes(got) == bytes(given)
    with Canvas(64, 48, source) as first, Canvas(64, 48, target) as second:
        first.write(planes)
        pair = C.byref(info_of(first)), C.byref(info_of(second))
        assert run(chn, "hi_mpi_vpc_convert_color", *pair) == 0
        ours = np.stack(second.read()).astype(float)
        assert code(PUT, VPC, chn, 0, None) == 0
        assert run(chn, "hi_mpi_vpc_convert_color", *pair) == 0
        assert (np.stack(second.read()) != ours).any()
    values = formats.full_size(planes).astype(float)
    if source == formats.RGB:
        matrix, bias = numbers(given.to_yuv)
        expected = np.tensordot(matrix, values, 1) + bias[:, None, None]
    else:
        matrix, bias = numbers(given.to_rgb)
        expected = np.tensordot(matrix, values - bias[:, None, None], 1)
    assert abs(ours - expected.clip(0, 255)).max() <= 0.5 + 1e-3


def test_misuse(chn: int) -> None:
    value, given = C.c_int(), own(1)
    assert code(PUT, VPC, chn, 6, None) == ILLEGAL
    assert code(PUT, VPC, chn, USER, None) == NULL
    for wrong in (float("nan"), float("inf"), 1e9):
        given.to_yuv.bias[1] = wrong
        assert code(PUT, VPC, chn, USER, C.byref(given)) == ILLEGAL
    assert code(GET, VPC, chn, C.byref(value), None) == 0
    assert value.value == 0
    assert code(PUT, 6, chn, 0, None) == UNSUPPORTED
    assert code(PUT, VDEC, chn, 0, None) == vdec.UNEXIST
    assert code(GET, VPC, chn, None, None) == NULL
    assert code(GET, VPC, 99, C.byref(value), None) == hi.UNEXIST


@pytest.mark.parametrize("number", [0, 3, USER])
def test_decoded_rgb(number: int) -> None:
    stream = codec.bikes(2)
    given, value = own(3), C.c_int()
    assert code("hi_mpi_vdec_create_chn", vdec.CHN, C.byref(vdec.attr())) == 0
    assert code("hi_mpi_vdec_start_recv_stream", vdec.CHN) == 0
    assert code(PUT, VDEC, vdec.CHN, number, C.byref(given)) == 0
    assert code(GET, VDEC, vdec.CHN, C.byref(value), C.byref(given)) == 0
    assert value.value == number
    with Canvas(stream.width, stream.height, formats.RGB) as canvas:
        info = info_of(canvas)
        picture = vdec.PicInfo(info.width, info.height, info.stride, info.rows, info.format,
                               info.address, info.size)  # fmt: skip
        memory = vdec.filled(stream.packets[0])
        packet = vdec.Stream(1, 0, 1, 0, 0, len(stream.packets[0]), memory.address)
        assert vdec.send(packet, picture) == 0
        assert vdec.send(vdec.Stream(1, 1, 0), vdec.PicInfo()) == 0
        status, frame, _ = vdec.fetch(10000)
        assert (status, frame.flag) == (0, 0)
        ours = np.stack(canvas.read()).astype(float)
        assert vdec.release(frame) == 0
        memory.free()
    assert code("hi_mpi_vdec_destroy_chn", vdec.CHN) == 0
    rows = stream.frames[0]
    luma, chroma = rows[: stream.height], rows[stream.height :].reshape(stream.height // 2, -1, 2)
    yuv = formats.full_size([luma, chroma[..., 0], chroma[..., 1]]).astype(float)
    matrix, bias = numbers(given.to_rgb)
    expected = np.tensordot(matrix, yuv - bias[:, None, None], 1).clip(0, 255)
    # The decoder's own matrix is libyuv's, in 1/64 and with chroma as it lies.
    assert abs(ours - expected).max() <= (3 if number == 0 else 0.5 + 1e-3)
