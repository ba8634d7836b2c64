"""Flips, turns and filters against OpenCV; run as Ascend310B4 by test_vpc_kernels.py."""

from __future__ import annotations

import ctypes as C
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest

from tests.dvpp import formats
from tests.dvpp.formats import GREY, NV12, NV21, RGB, RGBA, YUYV, Canvas
from tests.himpi import himpi as hi
from tests.himpi.himpi import PicInfo, run
from tests.himpi.test_vpc_filters import info
from tests.softnpu_model.acl import acl

SOME = [GREY, NV12, formats.NV61, YUYV, formats.YUV444, formats.BGR]
NEWER = [formats.YVU444, formats.RGB_PLANAR, formats.BGR_PLANAR]
SIZE, OTHER = (46, 30), (30, 46)
Pair = C.c_uint32 * 2
Point = C.c_int32 * 2
Scalar = C.c_double * 4
pictures = [("src", PicInfo), ("dst", PicInfo)]


class Mode(C.Structure):
    _fields_ = [*pictures, ("mode", C.c_uint32)]


class Blur(C.Structure):
    _fields_ = [
        *pictures,
        ("size", Pair),
        ("shape", C.c_int),
        ("anchor", Point),
        ("iterations", C.c_uint32),
        ("border", C.c_int),
        ("value", Scalar),
    ]


class Gaussian(C.Structure):
    _fields_ = [
        *pictures,
        ("size", Pair),
        ("sigma", C.c_double * 2),
        ("border", C.c_int),
        ("value", Scalar),
        ("reserved", Pair),
    ]


class Filter(C.Structure):
    _fields_ = [
        *pictures,
        ("weights", (C.c_double * 5) * 5),
        ("size", Pair),
        ("anchor", Point),
        ("delta", C.c_double),
        ("border", C.c_int),
        ("value", Scalar),
        ("reserved", Pair),
    ]


@pytest.fixture
def chn() -> Iterator[int]:
    with hi.channel() as made:
        yield made


def apply(
    chn: int, name: str, kind: Any, pixel_format: int, *, turned: bool = False, **fields: Any
) -> tuple[formats.Planes, formats.Planes]:
    """Run an operation on a random picture; its components before and after."""
    planes = formats.random_planes(*SIZE, pixel_format, seed=2)
    with (
        Canvas(*SIZE, pixel_format).write(planes) as source,
        Canvas(*(OTHER if turned else SIZE), pixel_format) as target,
    ):
        parameters = kind(info(source), info(target), **fields)
        assert run(chn, f"hi_mpi_vpc_{name}", C.byref(parameters)) == 0
        assert target.outside_is_untouched()
        for before, after in zip(planes, source.read(), strict=True):
            np.testing.assert_array_equal(before, after)
        return planes, target.read()


@pytest.mark.parametrize("pixel_format", [*SOME, *NEWER, RGBA])
def test_flip(chn: int, pixel_format: int) -> None:
    for mode, code in enumerate((1, 0, -1)):
        planes, ours = apply(chn, "flip", Mode, pixel_format, mode=mode)
        for plane, result in zip(planes, ours, strict=True):
            np.testing.assert_array_equal(result, cv2.flip(plane, code))


def test_flip_where_it_is(chn: int) -> None:
    planes = formats.random_planes(*SIZE, NV12, seed=2)
    with Canvas(*SIZE, NV12).write(planes) as picture:
        both = Mode(info(picture), info(picture), 2)
        assert run(chn, "hi_mpi_vpc_flip", C.byref(both)) == 0
        for plane, result in zip(planes, picture.read(), strict=True):
            np.testing.assert_array_equal(result, cv2.flip(plane, -1))


def test_rotate_where_it_is(chn: int) -> None:
    planes = formats.random_planes(44, 44, RGB, seed=2)
    with Canvas(44, 44, RGB).write(planes) as picture:
        both = Mode(info(picture), info(picture), 0)
        assert run(chn, "hi_mpi_vpc_rotate", C.byref(both)) == 0
        for plane, result in zip(planes, picture.read(), strict=True):
            np.testing.assert_array_equal(result, cv2.rotate(plane, 0))


def test_memory_of_the_runtime(chn: int) -> None:
    """The newer chips take what aclrtMalloc gave, as their documentation says."""
    rows = np.random.default_rng(6).integers(0, 256, (30, 48), np.uint8)
    addresses = [C.c_void_p() for _ in range(2)]
    for address in addresses:
        acl.aclrtMalloc(C.byref(address), rows.nbytes, 0)
    acl.aclrtMemcpy(addresses[0], rows.nbytes, rows.ctypes.data, rows.nbytes, 1)
    infos = [PicInfo(a, rows.nbytes, 46, 30, 48, 30, GREY) for a in addresses]
    assert run(chn, "hi_mpi_vpc_flip", C.byref(Mode(*infos, 1))) == 0
    found = np.empty_like(rows)
    acl.aclrtMemcpy(found.ctypes.data, rows.nbytes, addresses[1], rows.nbytes, 2)
    np.testing.assert_array_equal(found[:, :46], rows[::-1, :46])
    infos[1].size = 4 * rows.nbytes
    assert run(chn, "hi_mpi_vpc_flip", C.byref(Mode(*infos, 1))) == hi.BAD_ADDRESS
    for address in addresses:
        acl.aclrtFree(address)


def test_flip_with_alpha(chn: int) -> None:
    """Alpha moves with its pixel."""
    rng = np.random.default_rng(5)
    with Canvas(*SIZE, RGBA) as source, Canvas(*SIZE, RGBA) as target:
        data = rng.integers(0, 256, source.nbytes, np.uint8)
        source.memory.write(data.tobytes())
        for mode, code in enumerate((1, 0, -1)):
            assert run(chn, "hi_mpi_vpc_flip", C.byref(Mode(info(source), info(target), mode))) == 0
            np.testing.assert_array_equal(target.alpha(), cv2.flip(source.alpha(), code))


@pytest.mark.parametrize("pixel_format", [GREY, NV12, NV21, formats.YUV444, RGB, *NEWER])
def test_rotate(chn: int, pixel_format: int) -> None:
    for angle in range(3):  # 90 degrees clockwise, 180, 270, as OpenCV numbers them
        turned = angle != 1
        planes, ours = apply(chn, "rotate", Mode, pixel_format, turned=turned, mode=angle)
        for plane, result in zip(planes, ours, strict=True):
            np.testing.assert_array_equal(result, cv2.rotate(plane, angle))


VALUES = (7, 130, 250)
# borderValue is what these take in OpenCV; blur and filter2D have no constant of their own.
SIZES = [(3, 3), (5, 5), (1, 3)]


def padded(plane: np.ndarray, border: int, value: int) -> np.ndarray:
    return cv2.copyMakeBorder(plane, 2, 2, 2, 2, border, value=value)


@pytest.mark.parametrize("pixel_format", [*SOME, *NEWER])
@pytest.mark.parametrize("border", [0, 1])
def test_blur(chn: int, pixel_format: int, border: int) -> None:
    common = {"anchor": Point(-1, -1), "iterations": 1, "border": border}
    common["value"] = Scalar(*VALUES, 0)
    for size in SIZES:
        planes, ours = apply(chn, "blur", Blur, pixel_format, size=Pair(*size), **common)
        for plane, result, value in zip(planes, ours, VALUES, strict=False):
            wanted = cv2.blur(padded(plane, border, value), size)[2:-2, 2:-2]
            np.testing.assert_array_equal(result, wanted)


@pytest.mark.parametrize("pixel_format", SOME)
@pytest.mark.parametrize("border", [0, 1])
def test_gaussian(chn: int, pixel_format: int, border: int) -> None:
    common = {"border": border, "value": Scalar(*VALUES, 0)}
    for size, sigma in (((3, 3), (0.8, 1.5)), ((5, 5), (1.2, 0)), ((5, 3), (0, 0))):
        arguments = {"size": Pair(*size), "sigma": (C.c_double * 2)(*sigma)}
        planes, ours = apply(chn, "gaussian_blur", Gaussian, pixel_format, **arguments, **common)
        for plane, result, value in zip(planes, ours, VALUES, strict=False):
            big = padded(plane, border, value)
            wanted = cv2.GaussianBlur(big, size, sigma[0], sigmaY=sigma[1])[2:-2, 2:-2]
            assert abs(result.astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("pixel_format", SOME)
@pytest.mark.parametrize("border", [0, 1])
def test_filter2d(chn: int, pixel_format: int, border: int) -> None:
    rng = np.random.default_rng(3)
    for size in SIZES:
        weights = np.zeros((5, 5))
        weights[: size[1], : size[0]] = rng.normal(0.02, 0.15, size[::-1])
        arguments: dict[str, Any] = {"size": Pair(*size), "anchor": Point(-1, -1), "delta": 40.5}
        arguments["weights"] = ((C.c_double * 5) * 5)(*(tuple(row) for row in weights))
        arguments |= {"border": border, "value": Scalar(*VALUES, 0)}
        planes, ours = apply(chn, "filter2d", Filter, pixel_format, **arguments)
        for plane, result, value in zip(planes, ours, VALUES, strict=False):
            kernel = weights[: size[1], : size[0]]
            wanted = cv2.filter2D(padded(plane, border, value), -1, kernel, delta=40.5)
            assert abs(result.astype(int) - wanted[2:-2, 2:-2]).max() <= 1


class Median(C.Structure):
    _fields_ = [*pictures, ("size", C.c_uint32)]


@pytest.mark.parametrize("pixel_format", [*SOME, *NEWER])
def test_median(chn: int, pixel_format: int) -> None:
    for size in (3, 5):
        planes, ours = apply(chn, "median_blur", Median, pixel_format, size=size)
        for plane, result in zip(planes, ours, strict=True):
            np.testing.assert_array_equal(result, cv2.medianBlur(plane, size))


@pytest.mark.parametrize("pixel_format", [GREY, NV21, RGB])
@pytest.mark.parametrize("name", ["erode", "dilate"])
@pytest.mark.parametrize("border", [0, 1])
def test_morphology(chn: int, pixel_format: int, name: str, border: int) -> None:
    for size in ((5, 5), (3, 1)):
        for shape in range(3):
            for iterations in (1, 3) if shape == 2 else (2,):
                arguments: dict[str, Any] = {"size": Pair(*size), "shape": shape}
                arguments |= {"anchor": Point(-1, -1), "iterations": iterations}
                arguments |= {"border": border, "value": Scalar(*VALUES, 0)}
                planes, ours = apply(chn, name, Blur, pixel_format, **arguments)
                element = cv2.getStructuringElement(shape, size)
                for plane, result, value in zip(planes, ours, VALUES, strict=False):
                    wanted = plane
                    for _ in range(iterations):
                        big = padded(wanted, border, value)
                        wanted = getattr(cv2, name)(big, element)[2:-2, 2:-2]
                    np.testing.assert_array_equal(result, wanted)


@pytest.mark.parametrize("width", [12, 31, 32, 33, 64])
def test_median_of_widths(chn: int, width: int) -> None:
    planes = formats.random_planes(width, 10, GREY, seed=width)
    with Canvas(width, 10, GREY).write(planes) as source, Canvas(width, 10, GREY) as target:
        for size in (3, 5):
            parameters = Median(info(source), info(target), size)
            assert run(chn, "hi_mpi_vpc_median_blur", C.byref(parameters)) == 0
            np.testing.assert_array_equal(target.read()[0], cv2.medianBlur(planes[0], size))
        assert target.outside_is_untouched()


def test_misuse(chn: int) -> None:
    def status(name: str, kind: Any, source: Canvas, target: Canvas, **fields: Any) -> int:
        parameters = kind(info(source), info(target), **fields)
        return run(chn, f"hi_mpi_vpc_{name}", C.byref(parameters))

    good: dict[str, Any] = {"size": Pair(3, 3), "anchor": Point(-1, -1), "iterations": 1}
    good["border"] = 1
    wrong: list[tuple[dict[str, Any], int]] = [
        ({"size": Pair(2, 3)}, hi.ILLEGAL),
        ({"size": Pair(0, 0)}, hi.ILLEGAL),
        ({"size": Pair(7, 7)}, hi.ILLEGAL),
        ({"size": Pair(0xFFFFFFFF, 3)}, hi.ILLEGAL),
        ({"anchor": Point(0, 0)}, hi.ILLEGAL),
        ({"iterations": 0}, hi.ILLEGAL),
        ({"iterations": 101}, hi.ILLEGAL),
        ({"shape": 3}, hi.ILLEGAL),
        ({"border": 2}, hi.UNSUPPORTED),
        ({"border": 4}, hi.UNSUPPORTED),
        ({"border": 5}, hi.ILLEGAL),
        ({"border": 0, "value": Scalar(256, 0, 0, 0)}, hi.ILLEGAL),
    ]
    with (
        Canvas(*SIZE, NV12) as a,
        Canvas(*SIZE, NV12) as b,
        Canvas(*OTHER, NV12) as c,
        Canvas(*SIZE, RGB) as d,
        Canvas(*SIZE, RGBA) as e,
        Canvas(*SIZE, YUYV) as f,
        Canvas(*SIZE, YUYV) as g,
    ):
        assert status("erode", Blur, a, b, **good) == 0
        for change, wanted in wrong:
            assert status("erode", Blur, a, b, **(good | change)) == wanted, change
        assert status("blur", Blur, a, b, **(good | {"iterations": 2})) == hi.ILLEGAL
        assert status("blur", Blur, a, c, **good) == hi.ILLEGAL
        assert status("blur", Blur, a, d, **good) == hi.UNSUPPORTED
        assert status("blur", Blur, e, e, **good) == hi.UNSUPPORTED
        assert status("flip", Mode, a, b, mode=3) == hi.ILLEGAL
        assert status("rotate", Mode, a, b, mode=0) == hi.ILLEGAL
        assert status("rotate", Mode, a, c, mode=3) == hi.ILLEGAL
        assert status("rotate", Mode, f, g, mode=1) == hi.UNSUPPORTED
        assert status("rotate", Mode, e, e, mode=1) == hi.UNSUPPORTED
        for size in (0, 1, 2, 4, 7, 1 << 31):
            assert status("median_blur", Median, a, b, size=size) == hi.ILLEGAL
        sigma = (C.c_double * 2)(float("nan"), 1)
        blur = {"size": Pair(3, 3), "border": 1, "sigma": sigma}
        assert status("gaussian_blur", Gaussian, a, b, **blur) == hi.ILLEGAL
        endless = {"size": Pair(3, 3), "anchor": Point(-1, -1), "border": 1}
        assert status("filter2d", Filter, a, b, delta=float("inf"), **endless) == hi.ILLEGAL
        assert status("filter2d", Filter, a, b, delta=1e300, **endless) == 0
        for name in ("flip", "rotate", "blur", "gaussian_blur", "filter2d", "median_blur"):
            assert run(chn, f"hi_mpi_vpc_{name}", None) == hi.NULL
