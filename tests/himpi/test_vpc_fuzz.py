"""Random words in the structures of picture operations: an answer, and nothing else written."""

from __future__ import annotations

import ctypes as C
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.dvpp import formats
from tests.dvpp.formats import ALL, GREY, Canvas
from tests.himpi import himpi as hi
from tests.himpi.himpi import Crop, PicInfo, Resize, run
from tests.himpi.test_vpc_filters import CscConf, Histogram, TwiceRegion, info

Build = Callable[[PicInfo, PicInfo], tuple[list[C.Structure], Callable[[], tuple[Any, ...]]]]
WHOLE, HALF = Crop(0, 0, 64, 48), Resize(32, 24, 0)


def regions(kind: Any, *fields: Any) -> Build:
    """An operation on one source and one region."""

    def build(source: PicInfo, target: PicInfo) -> Any:
        region = kind(target, *fields)
        return [source, region], lambda: (C.byref(source), C.byref(region), C.c_uint32(1))

    return build


def pair(*more: Any, by_value: tuple[Any, ...] = ()) -> Build:
    """An operation on a source and a destination."""

    def build(source: PicInfo, target: PicInfo) -> Any:
        pictures = (C.byref(source), C.byref(target))
        structures = [source, target, *more, *by_value]
        return structures, lambda: (*pictures, *(C.byref(m) for m in more), *by_value)

    return build


def pyramid(source: PicInfo, target: PicInfo) -> Any:
    rule = hi.MakeBorder(2, 2, 2, 2, 1, (C.c_double * 4)())
    level = (C.byref(source), C.byref(target), C.c_uint32(1), None, C.c_uint16(256), rule)
    return [source, target, rule], lambda: level


def histogram(source: PicInfo, _: PicInfo) -> Any:
    bins = Histogram()
    return [source], lambda: (C.byref(source), C.byref(bins))


def scaled(source: PicInfo, target: PicInfo) -> Any:
    pictures = (C.byref(source), C.byref(target), C.c_double(0), C.c_double(0), C.c_uint32(0))
    return [source, target], lambda: pictures


BORDER = hi.MakeBorder(4, 4, 8, 8, 1, (C.c_double * 4)(1, 2, 3, 0))
OPERATIONS: dict[str, Build] = {
    "resize": scaled,
    "crop": regions(hi.CropRegion, Crop(0, 0, 32, 24)),
    "crop_resize": regions(hi.CropResizeRegion, WHOLE, HALF),
    "crop_resize_paste": regions(hi.PasteRegion, WHOLE, Resize(16, 12, 0), 4, 16),
    "crop_resize_resize_paste": regions(TwiceRegion, WHOLE, HALF, Resize(16, 12, 0), 4, 16),
    "crop_resize_make_border": regions(hi.BorderRegion, WHOLE, Resize(16, 12, 0), 4, 4, 2),
    "convert_color": pair(),
    "convert_color_to_yuv420": pair(),
    "convert_color_v2": pair(CscConf(1)),
    "copy_make_border": pair(by_value=(BORDER,)),
    "equalize_hist": pair(hi.Lut()),
    "calc_hist": histogram,
    "pyrdown": pyramid,
}
SIZES = {"copy_make_border": (80, 56), "equalize_hist": (64, 48)}
SIZES |= dict.fromkeys(("convert_color", "convert_color_to_yuv420", "convert_color_v2"), (64, 48))
WORDS = (0, 1, 2, 3, 5, 6, 10, 15, 16, 17, 24, 31, 32, 48, 50, 64, 100, 128, 256, 1000, 1001, 4096)
WORDS += (8192, 16384, 1 << 16, 1 << 31, (1 << 32) - 1, (1 << 32) - 16)


def spoil(structure: C.Structure, chance: random.Random) -> None:
    """Another value in one word, but not in the address that a picture begins with."""
    first = 2 if isinstance(getattr(structure, "dest", structure), PicInfo) else 0
    words = (C.c_uint32 * (C.sizeof(structure) // 4)).from_buffer(structure)
    # Most of a table's words mean the same.
    at = chance.randrange(first, min(len(words), 40))
    words[at] = chance.choice(WORDS) if chance.random() < 0.9 else chance.getrandbits(32)


@pytest.mark.parametrize("name", OPERATIONS)
def test_random_words(name: str) -> None:
    chance = random.Random(name)
    codes = {0, hi.ILLEGAL, hi.UNSUPPORTED, hi.BAD_ADDRESS, hi.NULL}
    done = 0
    with hi.channel() as chn, Canvas(64, 48, GREY) as guard:
        for _ in range(120):
            source_format = GREY if name == "pyrdown" else chance.choice(ALL)
            same = name in ("pyrdown", "equalize_hist")
            some = [formats.NV12, formats.NV21] if name.endswith("420") else ALL
            target_format = source_format if same else chance.choice(some)
            size = SIZES.get(name, (32, 24))
            planes = formats.random_planes(64, 48, source_format)
            with (
                Canvas(64, 48, source_format).write(planes) as source,
                Canvas(*size, target_format) as target,
            ):
                structures, arguments = OPERATIONS[name](info(source), info(target))
                kept = [bytes(s) for s in structures]
                for _ in range(chance.randint(0, 2)):
                    spoil(chance.choice(structures), chance)
                status = run(chn, f"hi_mpi_vpc_{name}", *arguments())
                assert status in codes, hex(status)
                done += status == 0
                for structure, before in zip(structures, kept, strict=True):
                    C.memmove(C.addressof(structure), before, len(before))
        np.testing.assert_array_equal(guard.memory.read(guard.nbytes), 0xA5)
    assert done > 5
