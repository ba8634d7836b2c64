"""Random words in what is drawn and warped: an answer, and nothing else written."""

from __future__ import annotations

import ctypes as C
import random
from typing import Any

import numpy as np
import pytest

from tests.dvpp import formats
from tests.dvpp.formats import GREY, NV12, RGB, Canvas
from tests.himpi import himpi as hi
from tests.himpi.draw_on_310b import Cover, Line, Mosaic, Osd, Parameters, Quad, Rect, Shape
from tests.himpi.himpi import code, run
from tests.himpi.test_vpc_filters import info
from tests.himpi.test_vpc_fuzz import WORDS
from tests.himpi.warp_on_310b import Lut, Maps, Matrix, Pairs, Warp, Workspace, pairs_of
from tests.vdec.vdec import Memory

CODES = {0, hi.ILLEGAL, hi.UNSUPPORTED, hi.BAD_ADDRESS, hi.NULL}
NEGATIVE = tuple((1 << 32) - n for n in (1, 2, 8, 30, 64, 100, 40000))
FLOATS = tuple(int(w) for w in np.float32([0.5, -1, 30.25, 1e30, np.nan, np.inf]).view(np.uint32))
SIZE = (64, 48)


def spoil(structure: C.Structure, chance: random.Random, skipped: tuple[int, ...] = ()) -> None:
    """Another value in one word, but not in the addresses of the program's own memory."""
    words = (C.c_uint32 * (C.sizeof(structure) // 4)).from_buffer(structure)
    at = chance.choice([i for i in range(len(words)) if i not in skipped])
    words[at] = chance.choice(WORDS + NEGATIVE + FLOATS)


def thing(name: str, chance: random.Random, osd_at: int) -> Any:
    """Something to draw, here or there."""
    near = tuple(chance.randrange(-40, 90, 2) for _ in range(8))
    rect = Rect(near[0], near[1], chance.randrange(8, 80, 2), chance.randrange(8, 80, 2))
    if name == "line":
        return Line(((C.c_int32 * 2) * 2)(near[:2], near[2:4]), chance.randrange(2, 40, 2), 99)
    if name == "mosaic":
        return Mosaic(chance.choice((1, 2, 3)), rect)
    if name == "osd":
        width = chance.choice((8, 16))
        return Osd(Rect(near[0], near[1], width, 16), 14, osd_at, width * 4)
    if chance.random() < 0.5:
        return Cover(0, Shape(rect=rect), 77)
    points = ((C.c_int32 * 2) * 4)(*(near[i : i + 2] for i in range(0, 8, 2)))
    return Cover(1, Shape(quad=Quad(1, 0, points)), 77)


@pytest.mark.parametrize("name", ["cover", "line", "mosaic", "osd"])
def test_drawing(name: str) -> None:
    chance, done = random.Random(name), 0
    memory = Memory(16 * 16 * 4)
    with hi.channel() as chn, Canvas(*SIZE, GREY) as guard:
        for _ in range(150):
            pixel_format = chance.choice([GREY, NV12, RGB, formats.YUYV, formats.RGB_PLANAR])
            with Canvas(*SIZE, pixel_format) as source, Canvas(*SIZE, pixel_format) as target:
                drawn = thing(name, chance, memory.address)
                parameters = Parameters(info(source), info(target), 1, C.addressof(drawn))
                for _ in range(chance.randint(0, 2)):
                    if chance.random() < 0.6:
                        spoil(drawn, chance)
                    else:
                        spoil(parameters, chance, (0, 1, 8, 9, 16, 18, 19))
                status = run(chn, f"hi_mpi_vpc_draw_{name}", C.byref(parameters))
                assert status in CODES, hex(status)
                done += status == 0
        np.testing.assert_array_equal(guard.memory.read(guard.nbytes), 0xA5)
    memory.free()
    assert done > 40


def test_warping() -> None:
    chance, done = random.Random(5), 0
    corners = [(1, 2), (50, 3), (4, 40), (60, 44)]
    where = np.zeros((48, 64), np.float32)
    memory = Memory(64 + 64 * 48 * 8)
    with hi.channel() as chn, Canvas(*SIZE, GREY) as guard:
        spaces = (Workspace * 2)(Workspace(0, *[64] * 4), Workspace(1, *[64] * 4))
        assert code("hi_mpi_vpc_set_chn_workspace", chn, spaces, 2) == 0
        for _ in range(250):
            pixel_format = chance.choice([GREY, NV12, RGB, formats.YUV444])
            with Canvas(*SIZE, pixel_format) as source, Canvas(*SIZE, pixel_format) as target:
                warp = Warp(info(source), info(target), chance.randint(0, 1), chance.randint(0, 1))
                matrix = Matrix(0, ((C.c_float * 4) * 3)((1, 0.1, 3), (-0.2, 1, 5)))
                lut = Lut(*SIZE, *SIZE, memory.address, memory.nbytes)
                count = chance.choice((3, 4))
                pairs: Pairs = pairs_of(corners[:count], corners[count - 1 :: -1])
                maps = Maps(where.ctypes.data, where.ctypes.data, where.nbytes, *SIZE, *SIZE)
                for _ in range(chance.randint(0, 2)):
                    one, skipped = chance.choice([(warp, (0, 1, 8, 9)), (matrix, ()), (lut, (4, 5)),
                                                  (pairs, ()), (maps, (0, 1, 2, 3))])  # fmt: skip
                    spoil(one, chance, skipped)
                view = ("affine", "perspective")[count - 3]
                statuses = [
                    code(f"hi_mpi_vpc_get_{view}_lut", C.byref(pairs), 0, C.byref(lut)),
                    run(chn, "hi_mpi_vpc_lut_remap", C.byref(warp), C.byref(lut)),
                    code("hi_mpi_vpc_get_remap_lut", C.byref(maps), C.byref(lut)),
                    run(chn, "hi_mpi_vpc_warp_affine", C.byref(matrix), C.byref(warp)),
                ]
                assert set(statuses) <= CODES, [hex(s) for s in statuses]
                done += statuses.count(0)
                # A table is floats of any kind; what they are must not matter.
                noise = np.random.default_rng(done).integers(0, 1 << 32, 64 * 48 * 2, np.uint32)
                data = memory.read(memory.nbytes)
                data[64:] = noise.view(np.uint8)
                memory.write(data.tobytes())
                lut = Lut(*SIZE, *SIZE, memory.address, memory.nbytes)
                good = Warp(info(source), info(target), chance.randint(0, 1), chance.randint(0, 1))
                assert run(chn, "hi_mpi_vpc_lut_remap", C.byref(good), C.byref(lut)) in CODES
        np.testing.assert_array_equal(guard.memory.read(guard.nbytes), 0xA5)
    memory.free()
    assert done > 400
