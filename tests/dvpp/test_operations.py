"""Borders, pyramids, histograms, tables and colours of every format, against OpenCV and numpy."""

from __future__ import annotations

import contextlib
import ctypes as C
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from tests.dvpp import formats
from tests.dvpp.formats import ALL, GREY, NV12, NV21, PAIRS, RGB, RGBA, YUV, YUV444, Canvas
from tests.dvpp.pictures import dvpp, interpolation, synchronize
from tests.softnpu_model import acl as base

base.RESULTS |= {"acldvppGetHistRetCode": C.c_uint32, "acldvppGetHistDims": C.c_uint32}
KINDS = [cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT, cv2.BORDER_REFLECT_101]
NO_ALPHA = [f for f in ALL if f <= formats.BGR or f >= formats.SP440]


@contextlib.contextmanager
def border(kind: int, sides: tuple[int, ...], values: tuple[int, ...]) -> Iterator[C.c_void_p]:
    config = C.c_void_p(dvpp.acldvppCreateBorderConfig())
    dvpp.acldvppSetBorderConfigBorderType(config, kind)
    for name, size in zip(("Top", "Bottom", "Left", "Right"), sides, strict=True):
        getattr(dvpp, f"acldvppSetBorderConfig{name}")(config, size)
    for i, value in enumerate(values):
        dvpp.acldvppSetBorderConfigValue(config, i, C.c_double(value))
    yield config
    dvpp.acldvppDestroyBorderConfig(config)


@pytest.mark.parametrize("pixel_format", ALL)
def test_borders(channel: C.c_void_p, pixel_format: int) -> None:
    planes = formats.random_planes(48, 32, pixel_format)
    across, down = formats.subsampling(pixel_format)
    sides, values = (6, 10, 8, 14), (10, 90, 200)
    for number, kind in enumerate(KINDS):
        with (
            Canvas(48, 32, pixel_format).write(planes) as source,
            Canvas(70, 48, pixel_format) as target,
            border(number, sides, values) as config,
        ):
            dvpp.acldvppVpcMakeBorderAsync(channel, source.handle, target.handle, config, None)
            synchronize()
            for i, (plane, ours) in enumerate(zip(planes, target.read(), strict=True)):
                x, y = (across, down) if i else (1, 1)
                edges = (6 // y, 10 // y, 8 // x, 14 // x)
                wanted = cv2.copyMakeBorder(plane, *edges, kind, value=values[i])
                np.testing.assert_array_equal(ours, wanted)
            assert target.outside_is_untouched()
            if pixel_format in (formats.ARGB, RGBA):
                assert (target.alpha() == 0).all()


def test_margins_wider_than_the_picture(channel: C.c_void_p) -> None:
    """Reflections go back and forth."""
    planes = formats.random_planes(10, 6, GREY)
    for number, kind in enumerate(KINDS):
        with (
            Canvas(10, 6, GREY).write(planes) as source,
            Canvas(70, 40, GREY) as target,
            border(number, (15, 19, 27, 33), (9,)) as config,
        ):
            dvpp.acldvppVpcMakeBorderAsync(channel, source.handle, target.handle, config, None)
            synchronize()
            wanted = cv2.copyMakeBorder(planes[0], 15, 19, 27, 33, kind, value=9)
            np.testing.assert_array_equal(target.read()[0], wanted)


def test_a_border_around_rgb_is_given_as_rgb(channel: C.c_void_p) -> None:
    planes = formats.random_planes(48, 32, RGB)
    with (
        Canvas(48, 32, RGB).write(planes) as source,
        Canvas(64, 48, NV12) as target,
        border(0, (8, 8, 16, 0), (255, 0, 0)) as config,
    ):
        dvpp.acldvppVpcMakeBorderAsync(channel, source.handle, target.handle, config, None)
        synchronize()
        red = np.round(formats.to_yuv(np.array([255.0, 0, 0]), 0)).clip(0, 255)
        for wanted, plane in zip(red, target.read(), strict=True):
            assert (abs(plane[0].astype(int) - wanted) <= 1).all()


@pytest.mark.parametrize("pixel_format", [f for f in NO_ALPHA if f not in PAIRS])
def test_pyramid(channel: C.c_void_p, pixel_format: int) -> None:
    """cv2.pyrDown of every component, bit for bit."""
    planes = formats.random_planes(96, 64, pixel_format)
    with (
        Canvas(96, 64, pixel_format).write(planes) as source,
        Canvas(48, 32, pixel_format) as target,
    ):
        dvpp.acldvppVpcPyrDownAsync(channel, source.handle, target.handle, None, None)
        synchronize()
        for plane, ours in zip(planes, target.read(), strict=True):
            np.testing.assert_array_equal(ours, cv2.pyrDown(plane))
        assert target.outside_is_untouched()


@pytest.mark.parametrize("pixel_format", NO_ALPHA)
def test_histogram_and_table(channel: C.c_void_p, pixel_format: int) -> None:
    planes = formats.random_planes(64, 34, pixel_format, seed=3)
    hist = C.c_void_p(dvpp.acldvppCreateHist())
    table = C.c_void_p(dvpp.acldvppCreateLutMap())
    maps = np.random.default_rng(4).integers(0, 256, (3, 256), np.uint8)
    with (
        Canvas(64, 34, pixel_format).write(planes) as source,
        Canvas(64, 34, pixel_format) as target,
    ):
        dvpp.acldvppVpcCalcHistAsync(channel, source.handle, hist, None, None)
        synchronize()
        assert dvpp.acldvppGetHistRetCode(hist) == 0
        assert dvpp.acldvppGetHistDims(hist) == len(planes)
        data, length = C.POINTER(C.c_uint32)(), C.c_uint16()
        for i, plane in enumerate(planes):
            dvpp.acldvppGetHistData(hist, i, C.byref(data), C.byref(length))
            wanted = cv2.calcHist([plane], [0], None, [256], [0, 256]).ravel()
            np.testing.assert_array_equal(data[: length.value], wanted)
        entries, size = C.POINTER(C.c_uint8)(), C.c_uint32()
        for i in range(3):
            dvpp.acldvppGetLutMapData(table, i, C.byref(entries), C.byref(size))
            C.memmove(entries, maps[i].ctypes.data, size.value)
        dvpp.acldvppVpcEqualizeHistAsync(channel, source.handle, target.handle, table, None)
        synchronize()
        for plane, ours, one in zip(planes, target.read(), maps, strict=False):
            np.testing.assert_array_equal(ours, cv2.LUT(plane, one))
        assert target.outside_is_untouched()
    dvpp.acldvppDestroyHist(hist)
    dvpp.acldvppDestroyLutMap(table)


def equalised(plane: np.ndarray) -> np.ndarray:
    """The table that cv2.equalizeHist uses."""
    counts = np.bincount(plane.ravel(), minlength=256)
    first = int(np.flatnonzero(counts)[0])
    total = np.cumsum(counts) - counts[first]
    return np.rint(total * 255.0 / max(plane.size - counts[first], 1)).clip(0, 255).astype(np.uint8)


def test_equalised_by_its_own_histogram(channel: C.c_void_p) -> None:
    plane = (np.random.default_rng(5).normal(90, 20, (64, 96))).clip(0, 255).astype(np.uint8)
    table = C.c_void_p(dvpp.acldvppCreateLutMap())
    entries, size = C.POINTER(C.c_uint8)(), C.c_uint32()
    dvpp.acldvppGetLutMapData(table, 0, C.byref(entries), C.byref(size))
    with Canvas(96, 64, GREY).write([plane]) as source, Canvas(96, 64, GREY) as target:
        C.memmove(entries, equalised(plane).ctypes.data, 256)
        dvpp.acldvppVpcEqualizeHistAsync(channel, source.handle, target.handle, table, None)
        synchronize()
        np.testing.assert_array_equal(target.read()[0], cv2.equalizeHist(plane))
    dvpp.acldvppDestroyLutMap(table)


# ---- colours ----


@contextlib.contextmanager
def matrix(channel: C.c_void_p, number: int) -> Iterator[None]:
    word = C.c_uint32(number)
    dvpp.acldvppSetChannelDescParam(channel, 0, 4, C.byref(word))
    yield
    dvpp.acldvppSetChannelDescParam(channel, 0, 4, C.byref(C.c_uint32(0)))


def smooth(width: int, height: int) -> np.ndarray:
    """Colours in which neighbours resemble each other: chroma filters then hardly matter."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([40 + 170 * x / width, 50 + 150 * y / height, 210 - 80 * (x + y) / 192])


def convert(channel: C.c_void_p, source: Canvas, target: Canvas) -> None:
    dvpp.acldvppVpcConvertColorAsync(channel, source.handle, target.handle, None)
    synchronize()
    assert target.outside_is_untouched()


def reduced(plane: np.ndarray, across: int, down: int) -> np.ndarray:
    """Chroma as the card makes less of it: a filter across, every second row dropped."""
    plane = plane[::down]
    if across == 1:
        return plane
    padded = np.pad(plane, ((0, 0), (2, 2)), "reflect")
    taps = (13, 65, 100, 65, 13)
    width = plane.shape[1]
    return sum(t * padded[:, k : k + width] for k, t in enumerate(taps))[:, ::2] / 256


PAIRINGS = [
    (formats.NV24, RGB),
    (YUV444, formats.BGR),
    (NV12, RGBA),
    (formats.NV16, formats.ABGR),
    (formats.SP440, RGB),
    (formats.VYUY, RGB),
    (GREY, RGB),
    (RGB, formats.NV42),
    (formats.BGRA, YUV444),
    (RGB, formats.NV61),
    (formats.BGR, NV21),
    (RGB, formats.UYVY),
    (formats.ARGB, GREY),
    (formats.NV24, NV12),
    (YUV444, formats.YVYU),
    (NV12, formats.NV24),
    (formats.YUYV, NV21),
    (NV21, formats.VYUY),
    (GREY, NV12),
    (NV12, GREY),
    (RGB, formats.ABGR),
]


@pytest.mark.parametrize(("source_format", "target_format"), PAIRINGS)
def test_matrices(channel: C.c_void_p, source_format: int, target_format: int) -> None:
    """The published formula on random pictures, rounded; 1 where float and double disagree."""
    to_card = source_format not in YUV and target_format in (NV12, NV21, formats.NV61, GREY)
    planes = formats.random_planes(96, 64, source_format, seed=9)
    full = formats.full_size(planes).astype(float)
    # The default matrix has integer formulas of its own to these: test_card.py.
    for number in range(1 if to_card else 0, 6):
        if (source_format in YUV) == (target_format in YUV):
            wanted = full
        elif target_format in YUV:
            wanted = formats.to_yuv(full, number)
        else:
            wanted = formats.to_rgb(full, number)
        # Chroma that is subsampled on both sides only loses rows.
        across, down = formats.subsampling(target_format)
        kept = formats.subsampling(source_format)[0] > 1 and across > 1
        chroma = [
            plane[::down, ::across] if kept else reduced(plane, across, down)
            for plane in wanted[1:]
        ]
        with (
            matrix(channel, number),
            Canvas(96, 64, source_format).write(planes) as source,
            Canvas(96, 64, target_format) as target,
        ):
            convert(channel, source, target)
            for ours, plane in zip(target.read(), [wanted[0], *chroma], strict=False):
                error = abs(ours - np.floor(plane + 0.5).clip(0, 255))
                assert error.max() <= 1
                assert error.mean() < 0.01


@pytest.mark.parametrize("pixel_format", [f for f in ALL if f not in (GREY,)])
def test_to_nv12_and_back(channel: C.c_void_p, pixel_format: int) -> None:
    """What a format holds arrives, whichever way its components lie."""
    rgb = smooth(96, 64)
    colours = formats.to_yuv(rgb, 0) if pixel_format in YUV else rgb
    across, down = formats.subsampling(pixel_format)
    planes = [colours[0]] + [p[::down, ::across] for p in colours[1:]]
    planes = [p.round().astype(np.uint8) for p in planes]
    with (
        Canvas(96, 64, pixel_format).write(planes) as source,
        Canvas(96, 64, NV21) as middle,
        Canvas(96, 64, pixel_format) as back,
    ):
        convert(channel, source, middle)
        got = formats.full_size(middle.read())
        assert abs(got - formats.to_yuv(rgb, 0)).max() <= 3
        convert(channel, middle, back)
        returned = formats.full_size(back.read()).astype(float)
        assert abs(returned - formats.full_size(planes)).max() <= 6
        if pixel_format in range(formats.ARGB, formats.BGRA + 1):
            assert (back.alpha() == 0).all()


# ---- interpolations that have a name ----


def positions(size: int, result: int) -> np.ndarray:
    return np.arange(result) * size / result


def tensorflow_bilinear(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """No half pixel, corners not aligned."""
    rows, columns = positions(plane.shape[0], size[1]), positions(plane.shape[1], size[0])
    y, x = rows.astype(int), columns.astype(int)
    fy, fx = (rows - y)[:, None], (columns - x)[None]
    below, right = np.minimum(y + 1, len(plane) - 1), np.minimum(x + 1, plane.shape[1] - 1)
    top = plane[y][:, x] * (1 - fx) + plane[y][:, right] * fx
    bottom = plane[below][:, x] * (1 - fx) + plane[below][:, right] * fx
    return top * (1 - fy) + bottom * fy


@pytest.mark.parametrize("pixel_format", [GREY, NV12, NV21, formats.NV16, YUV444, RGB, RGBA])
@pytest.mark.parametrize("size", [(36, 24), (150, 100), (96, 32), (58, 90)])
def test_interpolations(channel: C.c_void_p, pixel_format: int, size: tuple[int, int]) -> None:
    planes = formats.random_planes(96, 64, pixel_format, seed=7)
    for kind in (1, 2, 3, 4):
        with (
            Canvas(96, 64, pixel_format).write(planes) as source,
            Canvas(*size, pixel_format) as target,
            interpolation(kind) as config,
        ):
            dvpp.acldvppVpcResizeAsync(channel, source.handle, target.handle, config, None)
            synchronize()
            for plane, ours in zip(planes, target.read(), strict=True):
                result = ours.shape[::-1]
                if kind == 1:
                    wanted = cv2.resize(plane, result, interpolation=cv2.INTER_LINEAR)
                elif kind == 3:
                    wanted = tensorflow_bilinear(plane.astype(float), result)
                else:
                    rows = positions(plane.shape[0], result[1]).astype(int)
                    columns = positions(plane.shape[1], result[0]).astype(int)
                    wanted = plane[rows][:, columns]
                error = abs(ours - wanted.astype(float)).max()
                assert error <= (1 if kind % 2 else 0)
            assert target.outside_is_untouched()
