"""Areas, lines, mosaics and overlays against numpy and OpenCV; run as Ascend310B4."""

from __future__ import annotations

import ctypes as C
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest

from tests.dvpp import formats
from tests.dvpp.formats import GREY, NV12, NV21, RGB, RGBA, YUYV, Canvas, Planes
from tests.himpi import himpi as hi
from tests.himpi.himpi import PicInfo, run
from tests.himpi.test_vpc_filters import info
from tests.vdec.vdec import Memory

SOME = [GREY, NV12, NV21, formats.NV16, YUYV, formats.YUV444, formats.YVU444, RGB, formats.BGR]
SOME += [formats.RGB_PLANAR, formats.BGR_PLANAR]
SIZE = (94, 62)
COLOUR = 0xC83214  # R 200, G 50, B 20
OUTSIDE = [(-6, -4, 20, 12), (80, 50, 100, 100), (-20, 30, 400, 4), (200, 0, 8, 8)]


class Rect(C.Structure):
    _fields_ = [("x", C.c_int32), ("y", C.c_int32), ("width", C.c_uint32), ("height", C.c_uint32)]


class Quad(C.Structure):
    _fields_ = [("solid", C.c_int), ("thick", C.c_uint32), ("points", (C.c_int32 * 2) * 4)]


class Shape(C.Union):
    _fields_ = [("rect", Rect), ("quad", Quad)]


class Cover(C.Structure):
    _fields_ = [("type", C.c_int), ("shape", Shape), ("color", C.c_uint32)]


class Line(C.Structure):
    _fields_ = [("points", (C.c_int32 * 2) * 2), ("thick", C.c_uint32), ("color", C.c_uint32)]


class Mosaic(C.Structure):
    _fields_ = [("size", C.c_int), ("rect", Rect)]


class Osd(C.Structure):
    _fields_ = [
        ("rect", Rect),
        ("format", C.c_int),
        ("address", C.c_void_p),
        ("stride", C.c_uint32),
        ("bg", C.c_uint32),
        ("fg", C.c_uint32),
        ("inverted", C.c_int),
    ]


class Parameters(C.Structure):
    _fields_ = [
        ("src", PicInfo),
        ("dst", PicInfo),
        ("count", C.c_uint32),
        ("things", C.c_void_p),
        ("clut", C.c_uint32 * 16),
    ]


@pytest.fixture
def chn() -> Iterator[int]:
    with hi.channel() as made:
        yield made


def status(chn: int, name: str, source: Canvas, target: Canvas, things: Any, **more: Any) -> int:
    array = (type(things[0]) * len(things))(*things)
    parameters = Parameters(info(source), info(target), len(things), C.addressof(array), **more)
    return run(chn, f"hi_mpi_vpc_draw_{name}", C.byref(parameters))


def draw(
    chn: int, name: str, pixel_format: int, things: Any, *, inside: bool = False, **more: Any
) -> tuple[Planes, Planes]:
    """Draw on a random picture, into another or where it is; its components before and after."""
    planes = formats.random_planes(*SIZE, pixel_format, seed=4)
    with Canvas(*SIZE, pixel_format).write(planes) as source, Canvas(*SIZE, pixel_format) as other:
        target = source if inside else other
        assert status(chn, name, source, target, things, **more) == 0
        assert target.outside_is_untouched()
        return planes, target.read()


def sub(mask: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """A mask of pixels for the samples of a component."""
    down, across = (a // b for a, b in zip(mask.shape, plane.shape, strict=True))
    return mask[::down, ::across]


def values(pixel_format: int) -> list[int]:
    rgb = np.array([200.0, 50.0, 20.0])
    if pixel_format in formats.YUV or pixel_format == formats.YVU444:
        return [int(v) for v in np.floor(formats.to_yuv(rgb, 0) + 0.5)]
    return [200, 50, 20]


def painted(planes: Planes, masks: list[np.ndarray], pixel_format: int) -> Planes:
    result = [plane.copy() for plane in planes]
    for mask in masks:
        for plane, value in zip(result, values(pixel_format), strict=False):
            plane[sub(mask, plane)] = value
    return result


def same(ours: Planes, wanted: Planes, tolerance: int = 0) -> None:
    for mine, plane in zip(ours, wanted, strict=True):
        assert abs(mine.astype(int) - plane).max() <= tolerance


def mask_of(x: int, y: int, width: int, height: int) -> np.ndarray:
    mask = np.zeros(SIZE[::-1], bool)
    mask[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = True
    return mask


@pytest.mark.parametrize("pixel_format", SOME)
def test_rectangles(chn: int, pixel_format: int) -> None:
    rects = [(10, 8, 30, 20), (40, 40, 2, 2), *OUTSIDE]
    covers = [Cover(0, Shape(rect=Rect(*r)), 0xFF000000 | COLOUR) for r in rects]
    for inside in (False, True):
        planes, ours = draw(chn, "cover", pixel_format, covers, inside=inside)
        # The published matrix in float, against ours rounded alike.
        same(ours, painted(planes, [mask_of(*r) for r in rects], pixel_format), 1)


QUADS = [
    [(10, 5), (70, 12), (60, 55), (4, 40)],
    [(10, 5), (60, 55), (70, 12), (4, 40)],  # its sides cross
    [(-30, 20), (40, -50), (130, 30), (40, 90)],
    [(20, 20), (50, 20), (50, 20), (20, 20)],  # a line
    [(5, 5), (40, 30), (5, 55), (15, 30)],  # not convex
]


@pytest.mark.parametrize("pixel_format", [GREY, NV12, RGB])
def test_quadrilaterals(chn: int, pixel_format: int) -> None:
    for points in QUADS:
        quad = Quad(1, 0, ((C.c_int32 * 2) * 4)(*(tuple(p) for p in points)))
        planes, ours = draw(chn, "cover", pixel_format, [Cover(1, Shape(quad=quad), COLOUR)])
        filled = np.zeros(SIZE[::-1], np.uint8)
        cv2.fillPoly(filled, [np.array(points, np.int32)], 1)
        # OpenCV draws the sides a pixel wide, where ours are as thin as they are.
        kernel = np.ones((3, 3), np.uint8)
        sure, never = cv2.erode(filled, kernel) == 1, cv2.dilate(filled, kernel) == 0
        for before, plane, value in zip(planes, ours, values(pixel_format), strict=False):
            assert (plane[sub(never, plane)] == before[sub(never, plane)]).all()
            assert abs(plane[sub(sure, plane)].astype(int) - value).max(initial=0) <= 1
    corners = [QUADS[0], QUADS[1]]
    for points in corners:  # corners belong to it
        quad = Quad(1, 0, ((C.c_int32 * 2) * 4)(*(tuple(p) for p in points)))
        _, ours = draw(chn, "cover", GREY, [Cover(1, Shape(quad=quad), COLOUR)])
        assert all(abs(int(ours[0][y, x]) - values(GREY)[0]) <= 1 for x, y in points)


LINES = [((10, 10), (60, 40), 2), ((80, 2), (80, 60), 4), ((4, 50), (90, 50), 6)]
LINES += [((70, 30), (20, 58), 8), ((-40, -20), (140, 70), 2), ((90, 60), (92, 60), 30)]


def near(start: tuple[int, int], end: tuple[int, int], thick: int) -> np.ndarray:
    """Pixels at most half of `thick` away from a line."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = ((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy)
    along = along.clip(0, 1)
    away = (x - start[0] - along * dx) ** 2 + (y - start[1] - along * dy) ** 2
    result: np.ndarray = away <= (thick / 2) ** 2 + 1e-9
    return result


@pytest.mark.parametrize("pixel_format", SOME)
def test_lines(chn: int, pixel_format: int) -> None:
    lines = [Line(((C.c_int32 * 2) * 2)(a, b), thick, COLOUR) for a, b, thick in LINES]
    planes, ours = draw(chn, "line", pixel_format, lines)
    same(ours, painted(planes, [near(*line) for line in LINES], pixel_format), 1)


def test_lines_as_opencv(chn: int) -> None:
    for start, end, thick in LINES:
        line = Line(((C.c_int32 * 2) * 2)(start, end), thick, 0xFFFFFF)
        with Canvas(*SIZE, GREY).write([np.zeros(SIZE[::-1], np.uint8)]) as source:
            assert status(chn, "line", source, source, [line]) == 0
            ours = source.read()[0] > 0
        wanted = cv2.line(np.zeros(SIZE[::-1], np.uint8), start, end, 1, thick)
        kernel = np.ones((3, 3), np.uint8)
        assert (ours[cv2.erode(wanted, kernel) == 1]).all()
        assert not ours[cv2.dilate(wanted, kernel) == 0].any()


def mosaic(plane: np.ndarray, rect: tuple[int, int, int, int], side: int, down: int,
           across: int) -> None:  # fmt: skip
    """The formula, in place."""
    x0, y0, width, height = rect
    for top in range(y0, y0 + height, side):
        for left in range(x0, x0 + width, side):
            ys = [max(top, 0), min(top + side, y0 + height, SIZE[1])]
            xs = [max(left, 0), min(left + side, x0 + width, SIZE[0])]
            rows, columns = ([-(-v // step) for v in pair] for pair, step in
                             ((ys, down), (xs, across)))  # fmt: skip
            block = plane[rows[0] : max(rows), columns[0] : max(columns)]
            if block.size and ys[0] < ys[1] and xs[0] < xs[1]:
                block[:] = (int(block.sum()) + block.size // 2) // block.size


@pytest.mark.parametrize("pixel_format", SOME)
def test_mosaics(chn: int, pixel_format: int) -> None:
    rects = [(10, 8, 30, 20), (-6, 40, 40, 18), (61, 33, 60, 60), (-50, -50, 20, 20)]
    for size, side in ((1, 8), (2, 16), (3, 32)):
        planes, ours = draw(chn, "mosaic", pixel_format, [Mosaic(size, Rect(*r)) for r in rects])
        for index, plane in enumerate(planes):
            across, down = formats.subsampling(pixel_format) if index else (1, 1)
            for rect in rects:
                mosaic(plane, rect, side, down, across)
        same(ours, planes)


CLUT = [0x80FF0000 + 0x0B0F1311 * i for i in range(16)]


def overlay(kind: int, width: int, height: int) -> tuple[bytes, np.ndarray]:
    """The bytes of an overlay and its A, R, G, B; fg is 200 and bg 40."""
    rng = np.random.default_rng(kind)
    if kind == 14:
        pixels = rng.integers(0, 256, (height, width, 4), np.uint8)
        return pixels.tobytes(), pixels
    if kind in (25, 33):
        words = rng.integers(0, 1 << 16, (height, width)).astype("<u2")
        w = words.astype(int)
        if kind == 25:
            parts = [(w >> shift & 15) * 17 for shift in (12, 8, 4, 0)]
        else:
            parts = [np.where(w >> 15, 200, 40)]
            parts += [(w >> s & 31) << 3 | (w >> s & 31) >> 2 for s in (10, 5, 0)]
        return words.tobytes(), np.stack(parts, -1)
    bits = 2 if kind == 41 else 4
    indices = rng.integers(0, 1 << bits, (height, width))
    groups = indices.reshape(height, -1, 8 // bits)
    packed = sum(groups[..., i] << (8 - bits * (i + 1)) for i in range(8 // bits))
    colours = np.array([[c >> s & 255 for s in (24, 16, 8, 0)] for c in CLUT])
    return np.asarray(packed).astype(np.uint8).tobytes(), colours[indices]


def blended(planes: Planes, pixel_format: int, argb: np.ndarray, x: int, y: int) -> Planes:
    """The formula."""
    colours = argb[..., 1:].astype(float)
    if pixel_format in formats.YUV or pixel_format == formats.YVU444:
        colours = np.moveaxis(formats.to_yuv(np.moveaxis(colours, -1, 0), 0), 0, -1)
    colours = np.floor(colours + 0.5).clip(0, 255)
    height, width = argb.shape[:2]
    whole = np.zeros((*SIZE[::-1], 4))
    ys, xs = slice(max(y, 0), min(y + height, SIZE[1])), slice(max(x, 0), min(x + width, SIZE[0]))
    whole[ys, xs, 0] = argb[ys.start - y : ys.stop - y, xs.start - x : xs.stop - x, 0]
    whole[ys, xs, 1:] = colours[ys.start - y : ys.stop - y, xs.start - x : xs.stop - x]
    result = []
    for index, plane in enumerate(planes):
        alpha, colour = sub(whole[..., 0], plane), sub(whole[..., index + 1], plane)
        result.append(np.floor((alpha * colour + (255 - alpha) * plane) / 255 + 0.5))
    return result


@pytest.mark.parametrize("pixel_format", SOME)
def test_overlays(chn: int, pixel_format: int) -> None:
    width, height = 40, 24
    for kind, bits in ((14, 32), (25, 16), (33, 16), (41, 2), (42, 4)):
        data, argb = overlay(kind, width, height)
        memory = Memory(len(data))
        memory.write(data)
        for x, y, inverted in ((10, 6, 0), (-8, 50, 1), (70, -4, 2), (3, 5, 3)):
            osd = Osd(Rect(x, y, width, height), kind, memory.address, width * bits // 8, 40, 200)
            osd.inverted = inverted
            clut = (C.c_uint32 * 16)(*CLUT)
            planes, ours = draw(chn, "osd", pixel_format, [osd], clut=clut)
            seen = argb.astype(int).copy()
            if inverted & 1:
                seen[..., 1:] = 255 - seen[..., 1:]
            if inverted & 2:
                seen[..., 0] = 255 - seen[..., 0]
            same(ours, blended(planes, pixel_format, seen, x, y), 1)
        memory.free()


def test_misuse(chn: int) -> None:
    good_rect = Rect(2, 2, 20, 20)
    with (
        Canvas(*SIZE, NV12) as a,
        Canvas(*SIZE, NV12) as b,
        Canvas(46, 30, NV12) as small,
        Canvas(*SIZE, RGB) as rgb,
        Canvas(*SIZE, RGBA) as alpha,
        Canvas(*SIZE, formats.UYVY) as uyvy,
    ):
        cover = Cover(0, Shape(rect=good_rect), 0)
        assert status(chn, "cover", a, b, [cover]) == 0
        assert status(chn, "cover", a, b, [cover] * 101) == hi.ILLEGAL
        assert status(chn, "cover", a, small, [cover]) == hi.ILLEGAL
        assert status(chn, "cover", a, rgb, [cover]) == hi.UNSUPPORTED
        for picture in (alpha, uyvy):
            assert status(chn, "cover", picture, picture, [cover]) == hi.UNSUPPORTED
        for rect in ((1, 2, 20, 20), (2, 3, 20, 20), (2, 2, 21, 20), (2, 2, 20, 21), (2, 2, 0, 2)):
            wrong = Cover(0, Shape(rect=Rect(*rect)), 0)
            assert status(chn, "cover", a, b, [cover, wrong]) == hi.ILLEGAL
        quad = Quad(0, 0, ((C.c_int32 * 2) * 4)((0, 0), (20, 0), (20, 20), (0, 20)))
        assert status(chn, "cover", a, b, [Cover(1, Shape(quad=quad), 0)]) == hi.ILLEGAL
        assert status(chn, "cover", a, b, [Cover(2, Shape(rect=good_rect), 0)]) == hi.ILLEGAL
        far = (0, 0), (1 << 30, 0)
        for points, thick in ((((0, 0), (0, 0)), 2), (((0, 0), (8, 8)), 3), (far, 2),
                              (((0, 0), (8, 8)), 0), (((0, 1), (8, 8)), 2)):  # fmt: skip
            line = Line(((C.c_int32 * 2) * 2)(*points), thick, 0)
            assert status(chn, "line", a, b, [line]) == hi.ILLEGAL, (points, thick)
        for size, rect in ((0, good_rect), (4, good_rect), (1, Rect(0, 0, 7, 8))):
            assert status(chn, "mosaic", a, b, [Mosaic(size, rect)]) == hi.ILLEGAL
        overlays_misused(chn, a, b)
        for name in ("cover", "line", "mosaic", "osd"):
            assert run(chn, f"hi_mpi_vpc_draw_{name}", None) == hi.NULL
            nothing = Parameters(info(a), info(b), 1)
            assert run(chn, f"hi_mpi_vpc_draw_{name}", C.byref(nothing)) == hi.NULL
            nothing.count = 0
            assert run(chn, f"hi_mpi_vpc_draw_{name}", C.byref(nothing)) == hi.ILLEGAL


@pytest.mark.parametrize(("size", "code"), [((16, 8192), 0), ((16, 8194), hi.ILLEGAL),
                                            ((4096, 8), 0), ((4098, 8), hi.ILLEGAL)])  # fmt: skip
def test_largest(chn: int, size: tuple[int, int], code: int) -> None:
    for pixel_format in (NV12, RGB):
        with Canvas(*size, pixel_format) as picture:
            cover = Cover(0, Shape(rect=Rect(size[0] - 4, size[1] - 4, 8, 8)), COLOUR)
            assert status(chn, "cover", picture, picture, [cover]) == code
            if code == 0:
                assert abs(int(picture.read()[0][-1, -1]) - values(pixel_format)[0]) <= 1


def overlays_misused(chn: int, a: Canvas, b: Canvas) -> None:
    memory = Memory(16 * 16 * 4)
    good: dict[str, Any] = {"rect": Rect(0, 0, 16, 16), "format": 14, "stride": 64}
    good["address"] = memory.address
    wrong: list[tuple[dict[str, Any], int]] = [
        ({"format": 16}, hi.UNSUPPORTED),
        ({"address": None}, hi.NULL),
        ({"address": 4096}, hi.BAD_ADDRESS),
        ({"rect": Rect(0, 0, 16, 400)}, hi.BAD_ADDRESS),
        ({"rect": Rect(0, 0, 0, 16)}, hi.ILLEGAL),
        ({"rect": Rect(0, 0, 1 << 30, 1)}, hi.ILLEGAL),
        ({"stride": 63}, hi.ILLEGAL),
        ({"inverted": 4}, hi.ILLEGAL),
        ({"format": 33, "stride": 32, "bg": 256}, hi.ILLEGAL),
        ({"format": 41, "rect": Rect(0, 0, 15, 16), "stride": 4}, hi.ILLEGAL),
    ]
    assert status(chn, "osd", a, b, [Osd(**good)]) == 0
    for change, code in wrong:
        assert status(chn, "osd", a, b, [Osd(**(good | change))]) == code, change
    memory.free()
