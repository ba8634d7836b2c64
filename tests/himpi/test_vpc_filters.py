"""Histograms, pyramids, double scaling and the newer conversions of hi_mpi_vpc_*."""

from __future__ import annotations

import ctypes as C
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from tests.dvpp import card_model, formats
from tests.dvpp.formats import GREY, NV12, NV21, RGB, RGBA, YUYV, Canvas
from tests.himpi import himpi as hi
from tests.himpi.himpi import Crop, PicInfo, Resize, code, run

DEFAULT = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])


@pytest.fixture
def chn() -> Iterator[int]:
    with hi.channel() as made:
        yield made


def info(canvas: Canvas) -> PicInfo:
    return PicInfo(
        canvas.memory.address,
        canvas.nbytes,
        canvas.width,
        canvas.height,
        canvas.stride,
        canvas.rows,
        canvas.format,
    )


class Histogram(C.Structure):
    _fields_ = [("bins", (C.c_uint32 * 256) * 3)]


@pytest.mark.parametrize("pixel_format", [GREY, NV12, NV21, YUYV, RGB, formats.BGR])
def test_histogram(chn: int, pixel_format: int) -> None:
    planes = formats.random_planes(64, 32, pixel_format)
    result = Histogram()
    with Canvas(64, 32, pixel_format).write(planes) as source:
        assert run(chn, "hi_mpi_vpc_calc_hist", C.byref(info(source)), C.byref(result)) == 0
    for plane, bins in zip(planes, result.bins, strict=False):
        np.testing.assert_array_equal(np.array(bins), np.bincount(plane.ravel(), minlength=256))


def test_histogram_into_media_memory(chn: int) -> None:
    planes = formats.random_planes(64, 32, GREY)
    with Canvas(64, 32, GREY).write(planes) as source, Canvas(1024, 6, GREY) as room:
        where = C.c_void_p(room.memory.address)
        assert run(chn, "hi_mpi_vpc_calc_hist", C.byref(info(source)), where) == 0
        bins = room.memory.read(1024).view(np.uint32)
        np.testing.assert_array_equal(bins, np.bincount(planes[0].ravel(), minlength=256))
        # The last kilobyte would not fit any more.
        late = C.c_void_p(room.memory.address + room.nbytes - 1024)
        status = run(chn, "hi_mpi_vpc_calc_hist", C.byref(info(source)), late)
        assert status == hi.BAD_ADDRESS
        assert run(chn, "hi_mpi_vpc_calc_hist", C.byref(info(source)), None) == hi.NULL


def pyrdown(
    chn: int,
    source: Canvas,
    levels: list[Canvas],
    weights: np.ndarray | None = None,
    divisor: int = 256,
    border: int = 1,
    count: int | None = None,
) -> int:
    infos = (PicInfo * max(len(levels), 1))(*(info(level) for level in levels))
    table = None if weights is None else weights.astype(np.int8).ctypes.data_as(C.c_void_p)
    rule = hi.MakeBorder(2, 2, 2, 2, border, (C.c_double * 4)(33, 0, 0, 0))
    number = len(levels) if count is None else count
    arguments = (C.byref(info(source)), infos, C.c_uint32(number), table, C.c_uint16(divisor))
    return run(chn, "hi_mpi_vpc_pyrdown", *arguments, rule)


def model(plane: np.ndarray, weights: np.ndarray, divisor: int, border: int) -> np.ndarray:
    padded = cv2.copyMakeBorder(plane, 2, 2, 2, 2, border, value=33).astype(np.int64)
    height, width = plane.shape
    total = np.full(plane.shape, divisor // 2, np.int64)
    for y in range(5):
        for x in range(5):
            total += int(weights[y, x]) * padded[y : y + height, x : x + width]
    return np.clip(total // divisor, 0, 255)[::2, ::2].astype(np.uint8)


@pytest.mark.parametrize("border", [0, 1, 2])
@pytest.mark.parametrize("own", [False, True])
def test_pyramid(chn: int, border: int, own: bool) -> None:
    planes = formats.random_planes(160, 96, GREY)
    weights = np.random.default_rng(1).integers(-20, 60, (5, 5)) if own else DEFAULT
    divisor = 512 if own else 256
    sizes = [(80, 48), (40, 24), (20, 12), (10, 6)]
    levels = [Canvas(*size, GREY) for size in sizes]
    with Canvas(160, 96, GREY).write(planes) as source:
        status = pyrdown(chn, source, levels, weights if own else None, divisor, border)
        assert status == 0
    plane = planes[0]
    for level in levels:
        plane = model(plane, weights, divisor, border)
        np.testing.assert_array_equal(level.read()[0], plane)
        assert level.outside_is_untouched()
        level.__exit__()


def test_wrong_pyramids(chn: int) -> None:
    with (
        Canvas(160, 96, GREY) as source,
        Canvas(80, 48, GREY) as level,
        Canvas(82, 48, GREY) as odd,
        Canvas(160, 96, NV12) as colour,
        Canvas(10, 6, GREY) as small,
    ):
        assert pyrdown(chn, source, [level]) == 0
        assert pyrdown(chn, source, [level], count=0) == hi.ILLEGAL
        assert pyrdown(chn, source, [level], count=5) == hi.ILLEGAL
        assert pyrdown(chn, source, [odd]) == hi.ILLEGAL
        assert pyrdown(chn, colour, [level]) == hi.UNSUPPORTED
        assert pyrdown(chn, small, [level]) == hi.ILLEGAL
        for divisor in (0, 3, 255, 65535):
            assert pyrdown(chn, source, [level], divisor=divisor) == hi.ILLEGAL
        for border, wanted in ((3, hi.UNSUPPORTED), (4, hi.UNSUPPORTED), (9, hi.ILLEGAL)):
            assert pyrdown(chn, source, [level], border=border) == wanted
        assert pyrdown(chn, source, [level]) == 0


class TwiceRegion(C.Structure):
    _fields_ = [
        ("dest", PicInfo),
        ("crop", Crop),
        ("first", Resize),
        ("second", Resize),
        ("top", C.c_uint32),
        ("left", C.c_uint32),
        ("reserved", C.c_uint32 * 2),
    ]


def scaled(planes: formats.Planes, size: tuple[int, int]) -> formats.Planes:
    luma, chroma = card_model.resize_nv12(planes[0], np.stack(planes[1:], -1), size)
    return [luma, chroma[..., 0], chroma[..., 1]]


def test_scaled_twice(chn: int) -> None:
    planes = formats.random_planes(256, 128, NV12)
    name = "hi_mpi_vpc_crop_resize_resize_paste"
    with Canvas(256, 128, NV12).write(planes) as source, Canvas(96, 64, NV12) as target:
        one, two = Resize(100, 60, 0), Resize(48, 32, 0)
        region = TwiceRegion(info(target), Crop(0, 0, 256, 128), one, two, 16, 32)
        assert run(chn, name, C.byref(info(source)), C.byref(region), 1) == 0
        wanted = scaled(scaled(planes, (100, 60)), (48, 32))
        for i, (ours, plane) in enumerate(zip(target.read(), wanted, strict=True)):
            top, left = (8, 16) if i else (16, 32)
            height, width = plane.shape
            np.testing.assert_array_equal(ours[top : top + height, left : left + width], plane)
            ours[top : top + height, left : left + width] = 0xA5
            assert (ours == 0xA5).all()
        for bad in (Resize(2, 60, 0), Resize(101, 60, 0), Resize(1 << 31, 60, 0), Resize(0, 0, 0)):
            region.first = bad
            assert run(chn, name, C.byref(info(source)), C.byref(region), 1) == hi.ILLEGAL
        region.first = Resize(100, 60, 7)
        assert run(chn, name, C.byref(info(source)), C.byref(region), 1) == hi.ILLEGAL


class CscConf(C.Structure):
    _fields_ = [("alpha", C.c_uint32), ("attr", C.c_uint32 * 4)]


def test_alpha(chn: int) -> None:
    planes = formats.random_planes(64, 32, RGB)
    with Canvas(64, 32, RGB).write(planes) as source, Canvas(64, 32, RGBA) as target:
        pictures = (C.byref(info(source)), C.byref(info(target)))
        assert run(chn, "hi_mpi_vpc_convert_color", *pictures) == 0
        assert (target.alpha() == 0).all()
        name = "hi_mpi_vpc_convert_color_v2"
        assert run(chn, name, *pictures, C.byref(CscConf(77))) == 0
        assert (target.alpha() == 77).all()
        for plane, ours in zip(planes, target.read(), strict=True):
            np.testing.assert_array_equal(plane, ours)
        assert run(chn, name, *pictures, C.byref(CscConf(256))) == hi.ILLEGAL
        assert run(chn, name, *pictures, None) == hi.NULL


@pytest.mark.parametrize("pixel_format", [RGB, YUYV, formats.SP440, formats.NV42, formats.YUV444])
def test_to_yuv420(chn: int, pixel_format: int) -> None:
    y, x = np.mgrid[0:32, 0:64]
    planes = [np.clip(60 + 2 * x, 0, 255), 80 + y, 200 - x]
    across, down = formats.subsampling(pixel_format)
    planes = [planes[0], *(p[::down, ::across] for p in planes[1:])]
    planes = [p.astype(np.uint8) for p in planes]
    name = "hi_mpi_vpc_convert_color_to_yuv420"
    with (
        Canvas(64, 32, pixel_format).write(planes) as source,
        Canvas(64, 32, NV12) as target,
        Canvas(64, 32, RGB) as wrong,
    ):
        assert run(chn, name, C.byref(info(source)), C.byref(info(target))) == 0
        wanted = formats.full_size(planes)
        if pixel_format == RGB:
            wanted = formats.to_yuv(wanted, 0)
        assert abs(formats.full_size(target.read()) - wanted.astype(float)).max() <= 3
        status = run(chn, name, C.byref(info(source)), C.byref(info(wrong)))
        assert status == hi.UNSUPPORTED
        status = code(name, chn, C.byref(info(source)), C.byref(info(target)), None, -1)
        assert status == hi.NULL
