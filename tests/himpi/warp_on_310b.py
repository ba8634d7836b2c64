"""Matrices, tables and warps against OpenCV and numpy; run as Ascend310B4."""

from __future__ import annotations

import ctypes as C
import os
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.dvpp import formats
from tests.dvpp.formats import GREY, NV12, NV21, RGB, RGBA, YUYV, Canvas, Planes
from tests.himpi import himpi as hi
from tests.himpi.himpi import PicInfo, code, run
from tests.himpi.test_vpc_filters import info
from tests.vdec.vdec import Memory

SOME = [GREY, NV12, NV21, formats.YUV444, formats.YVU444, RGB, formats.BGR]
SOURCE, TARGET = (94, 62), (70, 78)
NOT_CFG, NOT_PERM = 0xA0078007, 0xA0078009
VALUES = (7, 130, 250)
Floats = NDArray[np.float64]


class Point(C.Structure):
    _fields_ = [("x", C.c_float), ("y", C.c_float)]


class Pairs(C.Structure):
    _fields_ = [
        ("src", Point * 4),
        ("src_count", C.c_uint32),
        ("dest", Point * 4),
        ("dest_count", C.c_uint32),
    ]


class Matrix(C.Structure):
    _fields_ = [("type", C.c_int), ("rows", (C.c_float * 4) * 3)]


class Warp(C.Structure):
    _fields_ = [
        ("src", PicInfo),
        ("dst", PicInfo),
        ("interpolation", C.c_uint32),
        ("border", C.c_int),
        ("value", C.c_double * 4),
    ]


SIZES = ("source_width", "source_height", "target_width", "target_height")


class Lut(C.Structure):
    _fields_ = [
        *((name, C.c_uint32) for name in SIZES),
        ("lut", C.c_void_p),
        ("size", C.c_uint32),
        ("reserved", C.c_uint64),
    ]


class Maps(C.Structure):
    _fields_ = [
        ("map1", C.c_void_p),
        ("map2", C.c_void_p),
        ("size", C.c_uint32),
        *((name, C.c_uint32) for name in SIZES),
        ("reserved", C.c_uint64),
    ]


class Workspace(C.Structure):
    _fields_ = [("func", C.c_int), *((name, C.c_uint32) for name in SIZES),
                ("reserved", C.c_uint64)]  # fmt: skip


@pytest.fixture
def chn() -> Iterator[int]:
    with hi.channel() as made:
        both = (Workspace * 2)(*(Workspace(func, *[128] * 4) for func in (0, 1)))
        assert code("hi_mpi_vpc_set_chn_workspace", made, both, 2) == 0
        yield made


def pairs_of(source: Any, target: Any) -> Pairs:
    made = Pairs(src_count=len(source), dest_count=len(target))
    for i, (a, b) in enumerate(zip(source, target, strict=True)):
        made.src[i], made.dest[i] = Point(*a), Point(*b)
    return made


def lut_size() -> int:
    size = C.c_uint32()
    assert code("hi_mpi_vpc_get_lut_mem_size", *TARGET, C.byref(size)) == 0
    return size.value


@pytest.fixture
def lut() -> Iterator[Lut]:
    memory = Memory(lut_size())
    memory.write(bytes(memory.nbytes))
    yield Lut(*SOURCE, *TARGET, memory.address, memory.nbytes)
    memory.free()


TRIANGLES = [
    ([(5, 5), (80, 10), (20, 55)], [(10, 8), (60, 20), (5, 70)]),
    ([(0, 0), (93, 0), (0, 61)], [(69, 0), (69, 77), (0, 0)]),
    ([(0.5, 0.25), (40, 1), (3, 30)], [(12.5, 20), (50, 33.75), (1, 60)]),
]
QUADS = [
    ([(5, 5), (80, 10), (85, 55), (10, 50)], [(0, 0), (69, 0), (69, 77), (0, 77)]),
    ([(0, 0), (93, 0), (93, 61), (0, 61)], [(10, 10), (60, 5), (50, 70), (20, 60)]),
]


def rows_of(matrix: Matrix) -> Floats:
    assert matrix.type == 0
    return np.array([list(row) for row in matrix.rows])[:2, :3]


def affine(source: Any, target: Any) -> Matrix:
    matrix = Matrix()
    name = "hi_mpi_vpc_get_affine_transform"
    assert code(name, C.byref(pairs_of(source, target)), C.byref(matrix)) == 0
    return matrix


def rotation(angle: float, scale: float) -> tuple[int, Matrix]:
    matrix, name = Matrix(), "hi_mpi_vpc_get_rotation_matrix"
    return code(
        name, Point(40.5, 30), C.c_double(angle), C.c_double(scale), C.byref(matrix)
    ), matrix


def test_matrices() -> None:
    for source, target in TRIANGLES:
        wanted = cv2.getAffineTransform(np.float32(source), np.float32(target))
        np.testing.assert_allclose(rows_of(affine(source, target)), wanted, 1e-6, 1e-4)
    for angle, scale in ((30, 1), (-200.5, 0.3), (90, 2), (0, 1)):
        status, matrix = rotation(angle, scale)
        assert status == 0
        wanted = cv2.getRotationMatrix2D((40.5, 30), angle, scale)
        np.testing.assert_allclose(rows_of(matrix), wanted, 1e-6, 1e-5)


# ---- what a warp should give: the place of every sample, looked up in numpy ----

Places = Callable[[Floats, Floats], tuple[Floats, Floats]]


def look_up(plane: np.ndarray, x: Floats, y: Floats, value: int | None, nearest: bool) -> Floats:
    """Bilinear or nearest in float; `value` lies beyond the edge, or the edge does for None."""
    height, width = plane.shape

    def at(column: Floats, row: Floats) -> Floats:
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        columns = column.clip(0, width - 1).astype(int)
        found = plane[row.clip(0, height - 1).astype(int), columns].astype(float)
        return found if value is None else np.where(inside, found, value)

    if nearest:
        return at(np.floor(x + 0.5), np.floor(y + 0.5))
    left, top = np.floor(x), np.floor(y)
    right, down = x - left, y - top
    upper = at(left, top) * (1 - right) + at(left + 1, top) * right
    lower = at(left, top + 1) * (1 - right) + at(left + 1, top + 1) * right
    return upper * (1 - down) + lower * down


def wanted_of(planes: Planes, places: Places, border: int, nearest: bool) -> list[Floats]:
    result = []
    for index, plane in enumerate(planes):
        down, across = SOURCE[1] // plane.shape[0], SOURCE[0] // plane.shape[1]
        y, x = np.mgrid[: TARGET[1] // down, : TARGET[0] // across].astype(float)
        # A sample of chroma stands in the middle of its pixels.
        from_x, from_y = places(x * across + (across - 1) / 2, y * down + (down - 1) / 2)
        from_x = (from_x - (across - 1) / 2) / across
        from_y = (from_y - (down - 1) / 2) / down
        value = VALUES[index] if border == 0 else None
        result.append(look_up(plane, from_x, from_y, value, nearest))
    return result


def close(ours: Planes, wanted: list[Floats], nearest: bool) -> None:
    """Bilinear within 1; nearest alike but for places halfway between two samples."""
    for mine, plane in zip(ours, wanted, strict=True):
        off = abs(mine.astype(float) - plane)
        if nearest:
            assert (off > 0).mean() < 0.02
        else:
            assert off.max() <= 1


def back(matrix: Floats) -> Places:
    inverse = cv2.invertAffineTransform(matrix.astype(np.float64))

    def places(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        a, b = inverse
        return a[0] * x + a[1] * y + a[2], b[0] * x + b[1] * y + b[2]

    return places


def warp(
    chn: int, name: str, first: Any, formats_of: tuple[int, int], nearest: int, border: int
) -> tuple[Planes, Planes]:
    planes = formats.random_planes(*SOURCE, formats_of[0], seed=5)
    with Canvas(*SOURCE, formats_of[0]).write(planes) as a, Canvas(*TARGET, formats_of[1]) as b:
        parameters = Warp(info(a), info(b), nearest, border, (C.c_double * 4)(*VALUES, 0))
        both = (C.byref(parameters), C.byref(first))
        order = both[::-1] if name == "warp_affine" else both
        assert run(chn, f"hi_mpi_vpc_{name}", *order) == 0
        assert b.outside_is_untouched()
        return planes, b.read()


@pytest.mark.parametrize("pixel_format", SOME)
@pytest.mark.parametrize("border", [0, 1])
@pytest.mark.parametrize("nearest", [0, 1])
def test_affine(chn: int, pixel_format: int, border: int, nearest: int) -> None:
    matrices = [affine(*pair) for pair in TRIANGLES] + [rotation(33, 1.3)[1]]
    for matrix in matrices:
        both = (pixel_format, pixel_format)
        planes, ours = warp(chn, "warp_affine", matrix, both, nearest, border)
        places = back(rows_of(matrix))
        close(ours, wanted_of(planes, places, border, nearest == 1), nearest == 1)


@pytest.mark.parametrize("border", [0, 1])
def test_affine_as_opencv(chn: int, border: int) -> None:
    """OpenCV called directly; it rounds places to 1/32 of a pixel, which noise shows most."""
    for matrix in [affine(*pair) for pair in TRIANGLES] + [rotation(33, 1.3)[1]]:
        planes, ours = warp(chn, "warp_affine", matrix, (GREY, GREY), 0, border)
        wanted = cv2.warpAffine(planes[0], rows_of(matrix), TARGET, flags=cv2.INTER_LINEAR,
                                borderMode=border, borderValue=VALUES[0])  # fmt: skip
        off = abs(ours[0].astype(int) - wanted)
        assert off.max() <= 9
        assert off.mean() < 2


def test_same_place_is_the_same(chn: int) -> None:
    matrix = Matrix(1, ((C.c_float * 4) * 3)((1, 0, 0), (0, 1, 0), (0, 0, 1)))
    planes, ours = warp(chn, "warp_affine", matrix, (NV12, NV12), 0, 1)
    for before, after in zip(planes, ours, strict=True):
        height, width = (min(a, b) for a, b in zip(before.shape, after.shape, strict=True))
        np.testing.assert_array_equal(before[:height, :width], after[:height, :width])


@pytest.mark.parametrize("pair", [(NV12, RGB), (RGB, NV21), (GREY, RGB), (NV21, NV12),
                                  (formats.YUV444, YUYV), (NV12, formats.UYVY),
                                  (formats.BGR, RGB)])  # fmt: skip
def test_other_formats(chn: int, pair: tuple[int, int]) -> None:
    """A warp that moves nothing is a conversion of what both pictures have."""
    matrix = Matrix(0, ((C.c_float * 4) * 3)((1, 0, 0), (0, 1, 0)))
    planes, ours = warp(chn, "warp_affine", matrix, pair, 0, 1)
    with Canvas(*SOURCE, pair[0]).write(planes) as a, Canvas(*SOURCE, pair[1]) as b:
        assert run(chn, "hi_mpi_vpc_convert_color", C.byref(info(a)), C.byref(info(b))) == 0
        wanted = b.read()
    for index, (mine, plane) in enumerate(zip(ours, wanted, strict=True)):
        height, width = (min(a, b) - 4 for a, b in zip(mine.shape, plane.shape, strict=True))
        off = abs(mine[:height, :width].astype(int) - plane[:height, :width])
        if pair == (NV12, formats.UYVY) and index > 0:
            assert off.mean() < 40  # by way of 4:4:4, whose chroma is filtered
        else:
            assert off.max() <= 2


def test_tables(chn: int, lut: Lut) -> None:
    name = "hi_mpi_vpc_get_affine_lut"
    for source, target in TRIANGLES:
        points = pairs_of(source, target)
        assert code(name, C.byref(points), 0, C.byref(lut)) == 0
        places = back(cv2.getAffineTransform(np.float32(source), np.float32(target)))
        for pixel_format in SOME:
            both = (pixel_format, pixel_format)
            planes, ours = warp(chn, "lut_remap", lut, both, 0, 0)
            close(ours, wanted_of(planes, places, 0, False), False)


def test_perspective(chn: int, lut: Lut) -> None:
    name = "hi_mpi_vpc_get_perspective_lut"
    for source, target in QUADS:
        for nearest in (0, 1):
            points = pairs_of(source, target)
            assert code(name, C.byref(points), nearest, C.byref(lut)) == 0
            there = cv2.getPerspectiveTransform(np.float32(source), np.float32(target))
            inverse = np.linalg.inv(there)

            def places(x: Floats, y: Floats, m: Floats = inverse) -> tuple[Floats, Floats]:
                u, v, w = (row[0] * x + row[1] * y + row[2] for row in m)
                return u / w, v / w

            for pixel_format in (GREY, RGB):
                both = (pixel_format, pixel_format)
                planes, ours = warp(chn, "lut_remap", lut, both, nearest, 1)
                close(ours, wanted_of(planes, places, 1, nearest == 1), nearest == 1)
            flags = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
            planes, ours = warp(chn, "lut_remap", lut, (GREY, GREY), nearest, 1)
            direct = cv2.warpPerspective(planes[0], there, TARGET, flags=flags, borderMode=1)
            off = abs(ours[0].astype(int) - direct)
            assert off.mean() < 2
            assert (off > 9).mean() < 0.02


def fisheye() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[: TARGET[1], : TARGET[0]].astype(np.float32)
    u, v = x / TARGET[0] - 0.5, y / TARGET[1] - 0.5
    bend = 0.8 + 1.2 * (u * u + v * v)
    map_x, map_y = (u * bend + 0.5) * SOURCE[0], (v * bend + 0.5) * SOURCE[1]
    map_x[3, 4:7] = np.nan, np.inf, -1e30  # nowhere
    return np.float32(map_x), np.float32(map_y)


@pytest.mark.parametrize("on_device", [False, True])
def test_maps(chn: int, lut: Lut, on_device: bool) -> None:
    map_x, map_y = fisheye()
    memory = [Memory(m.nbytes) for m in (map_x, map_y)]
    for room, values in zip(memory, (map_x, map_y), strict=True):
        room.write(values.tobytes())
    where = [m.address for m in memory] if on_device else [map_x.ctypes.data, map_y.ctypes.data]
    maps = Maps(*where, map_x.nbytes, *SOURCE, *TARGET)
    assert code("hi_mpi_vpc_get_remap_lut", C.byref(maps), C.byref(lut)) == 0
    for room in memory:
        room.free()
    planes, ours = warp(chn, "lut_remap", lut, (RGB, RGB), 0, 0)
    known = np.ones(TARGET[::-1], bool)
    known[3, 4:7] = False
    for mine, plane, value in zip(ours, planes, VALUES, strict=True):
        exact = look_up(
            plane, np.nan_to_num(map_x).clip(-9, 999), map_y.astype(float), value, False
        )
        assert abs(mine - exact)[known].max() <= 1
        assert (mine[~known] == value).all()
        direct = cv2.remap(plane, map_x, map_y, cv2.INTER_LINEAR, borderValue=value)
        assert abs(mine.astype(int) - direct)[known].max() <= 9
    # NV12 too: its chroma is looked up in the middle of four places.
    planes, ours = warp(chn, "lut_remap", lut, (NV12, NV12), 0, 0)
    middle = [m.reshape(TARGET[1] // 2, 2, TARGET[0] // 2, 2).mean((1, 3)) for m in (map_x, map_y)]
    x, y = (m.astype(float) / 2 - 0.25 for m in middle)
    known[2:4, 4:8] = False
    for mine, plane, value in zip(ours[1:], planes[1:], VALUES[1:], strict=True):
        exact = look_up(plane, np.nan_to_num(x).clip(-9, 999), y, value, False)
        assert abs(mine - exact)[known[::2, ::2]].max() <= 1


def test_workspace(lut: Lut) -> None:
    name = "hi_mpi_vpc_set_chn_workspace"
    assert code("hi_mpi_vpc_get_affine_lut", C.byref(pairs_of(*TRIANGLES[0])), 0, C.byref(lut)) == 0

    def remap(made: int, *pair: int) -> int:
        with Canvas(*SOURCE, pair[0]) as a, Canvas(*TARGET, pair[1]) as b:
            parameters = Warp(info(a), info(b))
            return run(made, "hi_mpi_vpc_lut_remap", C.byref(parameters), C.byref(lut))

    with hi.channel() as made:
        # The documentation asks for one; on the 310B only where pictures are NV12, NV21 or differ
        # in format.
        alone = 0 if os.environ["SOFTNPU_SOC"] == "Ascend310B4" else NOT_CFG
        assert remap(made, RGB, RGB) == alone
        for pair in ((NV12, NV12), (NV21, NV21), (RGB, formats.BGR)):
            assert remap(made, *pair) == NOT_CFG
        good = Workspace(0, *SOURCE, *TARGET)
        for wrong in (Workspace(2, *SOURCE, *TARGET), Workspace(0, 9, 62, *TARGET),
                      Workspace(0, *SOURCE, 70, 8193)):  # fmt: skip
            assert code(name, made, C.byref(wrong), 1) == hi.ILLEGAL
        assert code(name, made, None, 1) == hi.NULL
        assert code(name, made, (Workspace * 2)(good, good), 2) == hi.ILLEGAL
        for count in (0, 3):
            assert code(name, made, C.byref(good), count) == hi.ILLEGAL
        assert code(name, 4, C.byref(good), 1) == hi.UNEXIST
        assert code(name, made, C.byref(good), 1) == 0
        assert code(name, made, C.byref(good), 1) == NOT_PERM
        assert remap(made, NV12, NV12) == 0
    with hi.channel() as made:
        assert code(name, made, C.byref(Workspace(0, *SOURCE, 70, 76)), 1) == 0
        assert remap(made, NV12, NV12) == hi.ILLEGAL


def test_matrices_misused() -> None:
    matrix, name = Matrix(), "hi_mpi_vpc_get_affine_transform"
    good = pairs_of(*TRIANGLES[0])
    assert code(name, None, C.byref(matrix)) == hi.NULL
    assert code(name, C.byref(good), None) == hi.NULL
    on_line = [(0, 0), (1, 1), (2, 2)]
    nan = [(0, 0), (float("nan"), 1), (2, 0)]
    for source in (on_line, nan):
        pairs = pairs_of(source, TRIANGLES[0][1])
        assert code(name, C.byref(pairs), C.byref(matrix)) == hi.ILLEGAL
    for counts in ((2, 3), (3, 4), (1 << 31, 3)):
        good.src_count, good.dest_count = counts
        assert code(name, C.byref(good), C.byref(matrix)) == hi.ILLEGAL
    for angle, scale in ((float("inf"), 1), (3, 0), (3, float("nan")), (3, -1)):
        assert rotation(angle, scale)[0] == hi.ILLEGAL
    name = "hi_mpi_vpc_get_lut_mem_size"
    size = C.c_uint32()
    for width, height in ((9, 60), (60, 5), (4097, 60), (60, 8193)):
        assert code(name, width, height, C.byref(size)) == hi.ILLEGAL
    assert code(name, 4096, 8192, C.byref(size)) == 0
    assert code(name, 60, 60, None) == hi.NULL


def test_tables_misused(lut: Lut) -> None:
    good = pairs_of(*QUADS[0])
    name = "hi_mpi_vpc_get_perspective_lut"
    assert code(name, C.byref(good), 2, C.byref(lut)) == hi.ILLEGAL
    assert code(name, C.byref(good), 0, None) == hi.NULL
    assert code(name, None, 0, C.byref(lut)) == hi.NULL
    line = pairs_of([(0, 0), (1, 1), (2, 2), (5, 0)], QUADS[0][1])
    assert code(name, C.byref(line), 0, C.byref(lut)) == hi.ILLEGAL
    assert code("hi_mpi_vpc_get_affine_lut", C.byref(good), 0, C.byref(lut)) == hi.ILLEGAL
    size = TARGET[0] * TARGET[1] * 4
    room = np.zeros(size, np.uint8)
    maps = Maps(room.ctypes.data, room.ctypes.data, size, *SOURCE, *TARGET)
    for changes, wanted in (({"lut": None}, hi.NULL), ({"size": lut.size - 1}, hi.ILLEGAL),
                            ({"lut": 4096}, hi.BAD_ADDRESS), ({"lut": lut.lut + 8}, 0x11),
                            ({"target_width": 9}, hi.ILLEGAL)):  # fmt: skip
        wrong = Lut.from_buffer_copy(lut)
        for field, value in changes.items():
            setattr(wrong, field, value)
        found = code(name, C.byref(good), 0, C.byref(wrong))
        assert found == (hi.BAD_ADDRESS if wanted == 0x11 else wanted), changes
    for change, wanted in (({"map1": None}, hi.NULL), ({"size": size - 4}, hi.ILLEGAL),
                           ({"target_height": 60}, hi.ILLEGAL)):  # fmt: skip
        other = Maps.from_buffer_copy(maps)
        for field, value in change.items():
            setattr(other, field, value)
        assert code("hi_mpi_vpc_get_remap_lut", C.byref(other), C.byref(lut)) == wanted, change


def test_warps_misused(chn: int, lut: Lut) -> None:
    matrix = rotation(30, 1)[1]
    with (
        Canvas(*SOURCE, NV12) as a,
        Canvas(*TARGET, NV12) as b,
        Canvas(*TARGET, RGBA) as alpha,
        Canvas(*SOURCE, YUYV) as yuyv,
    ):

        def status(name: str, first: Any, parameters: Warp) -> int:
            both = [C.byref(parameters), None if first is None else C.byref(first)]
            order = both[::-1] if name == "warp_affine" else both
            return run(chn, f"hi_mpi_vpc_{name}", *order)

        good = Warp(info(a), info(b))
        assert status("lut_remap", lut, good) == hi.ILLEGAL  # never filled
        assert code("hi_mpi_vpc_get_affine_lut", C.byref(pairs_of(*TRIANGLES[0])), 0,
                    C.byref(lut)) == 0  # fmt: skip
        for name, first in (("warp_affine", matrix), ("lut_remap", lut)):
            assert status(name, first, good) == 0
            assert status(name, None, good) == hi.NULL
            assert status(name, first, Warp(info(a), info(alpha))) == hi.UNSUPPORTED
            assert status(name, first, Warp(info(yuyv), info(b))) == hi.UNSUPPORTED
            assert status(name, first, Warp(info(a), info(a))) == hi.ILLEGAL
            assert status(name, first, Warp(info(a), info(b), 2)) == hi.ILLEGAL
            assert status(name, first, Warp(info(a), info(b), 0, 2)) == hi.UNSUPPORTED
            assert status(name, first, Warp(info(a), info(b), 0, 9)) == hi.ILLEGAL
            value = (C.c_double * 4)(float("nan"), 0, 0, 0)
            assert status(name, first, Warp(info(a), info(b), 0, 0, value)) == hi.ILLEGAL
        assert status("lut_remap", lut, Warp(info(b), info(a))) == hi.ILLEGAL
        for kind, rows in ((0, [(1, 1, 0), (1, 1, 0)]), (2, [(1, 0, 0), (0, 1, 0)]),
                           (1, [(1, 0, 0), (0, 1, 0), (0.1, 0, 1)]), (5, []),
                           (0, [(float("nan"), 0, 0), (0, 1, 0)])):  # fmt: skip
            wrong = Matrix(kind, ((C.c_float * 4) * 3)(*rows))
            assert status("warp_affine", wrong, good) == hi.ILLEGAL
