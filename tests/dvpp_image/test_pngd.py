"""PNGD: every colour type, depth and interlace, against the samples and against Pillow."""

from __future__ import annotations

import ctypes as C
import io

import numpy as np
import pytest
from PIL import Image

from tests.dvpp_image import pngfile, still
from tests.dvpp_image.still import FAILURE, INVALID, NOT_MATCH, NV12, RGB, RGBA, UNKNOWN, Engine
from tests.vdec.vdec import dvpp

KINDS = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (4, 8), (4, 16), (6, 8), (6, 16)]


def expected(samples: np.ndarray, color: int, depth: int) -> np.ndarray:
    """RGBA in 8 bits: the high byte of 16, the whole range of fewer bits."""
    eight = samples >> 8 if depth == 16 else samples * 255 // (2**depth - 1)
    alpha = eight[..., -1:] if color in (4, 6) else np.full((*eight.shape[:2], 1), 255)
    return np.concatenate(
        [np.repeat(eight[..., :1], 3, 2) if color in (0, 4) else eight[..., :3], alpha], 2
    )


@pytest.mark.parametrize("interlaced", [False, True], ids=["plain", "adam7"])
@pytest.mark.parametrize(("color", "depth"), KINDS)
def test_every_kind(engine: Engine, color: int, depth: int, interlaced: bool) -> None:
    samples = pngfile.samples(77, 45, color, depth)
    data = pngfile.encode(samples, color, depth, interlaced)
    want = expected(samples, color, depth)
    result = engine.decode(data, RGB, png=True)
    assert (result.code, result.ret_code) == (0, 0), result.message
    assert (result.width, result.height) == (77, 45)
    assert (result.stride, result.rows) == (128 * 3, 48)
    np.testing.assert_array_equal(result.packed(), want[..., :3])
    own = engine.decode(data, UNKNOWN, png=True)
    has_alpha = color in (4, 6)
    assert own.format == (RGBA if has_alpha else RGB)
    np.testing.assert_array_equal(own.packed(), want if has_alpha else want[..., :3])
    if depth == 8:
        mode = "RGBA" if has_alpha else "RGB"
        np.testing.assert_array_equal(
            own.packed(), np.asarray(Image.open(io.BytesIO(data)).convert(mode))
        )
    alpha = engine.decode(data, RGBA, png=True)
    assert alpha.code == (0 if has_alpha else FAILURE)


def test_pillows_own_files(engine: Engine) -> None:
    """Filtered rows, which the writer of these tests does not make."""
    for mode in ("L", "RGB", "RGBA", "LA"):
        file = io.BytesIO()
        image = Image.fromarray(still.pixels(160, 100)).convert(mode)
        image.save(file, "PNG", optimize=True)
        result = engine.decode(file.getvalue(), RGB, png=True)
        np.testing.assert_array_equal(result.packed(), np.asarray(image.convert("RGB")))


def png(width: int = 77, height: int = 45, color: int = 6, depth: int = 8) -> bytes:
    return pngfile.encode(pngfile.samples(width, height, color, depth), color, depth)


def test_palettes_are_refused(engine: Engine) -> None:
    data = png(color=3)
    result = engine.decode(data, RGB, png=True)
    assert (result.code, result.ret_code) == (FAILURE, 1)
    assert "palette" in result.message
    assert still.predict(data, RGB, "Png")[0] == INVALID


@pytest.mark.parametrize(
    ("strides", "taken"),
    [
        ((128 * 4, 48), True),
        ((256 * 4, 64), True),
        ((0, 0), True),
        ((77 * 4, 48), False),
        ((96 * 4, 48), False),
        ((128 * 3, 48), False),
        ((128 * 5, 48), False),
        ((128 * 4, 45), False),
        ((128 * 4, 32), False),
    ],
)
def test_strides_of_128_pixels_by_16(engine: Engine, strides: tuple[int, int], taken: bool) -> None:
    result = engine.decode(png(), RGBA, strides, png=True)
    assert result.code == (0 if taken else FAILURE), result.message
    assert taken or "stride" in result.message


@pytest.mark.parametrize("size", [(31, 45), (45, 31), (4097, 32), (32, 4097)])
def test_sides_of_32_to_4096(engine: Engine, size: tuple[int, int]) -> None:
    result = engine.decode(png(*size), RGB, png=True)
    assert (result.code, result.ret_code) == (FAILURE, 1)
    assert "32 to 4096" in result.message


def test_memory_of_the_exact_size(engine: Engine) -> None:
    data, room = png(), 128 * 4 * 48
    assert engine.decode(data, RGBA, size=room, png=True).code == 0
    assert engine.decode(data, RGBA, size=room - 1, png=True).code == FAILURE


def test_info_and_prediction() -> None:
    for color, components in ((0, 1), (2, 3), (4, 2), (6, 4)):
        data = png(color=color)
        values = [C.c_uint32(), C.c_uint32(), C.c_int32()]
        dvpp.acldvppPngGetImageInfo(C.c_char_p(data), C.c_uint32(len(data)), *map(C.byref, values))
        assert [value.value for value in values] == [77, 45, components]
        assert still.predict(data, RGB, "Png") == (0, 128 * 48 * 3)
        with_alpha = color in (4, 6)
        assert still.predict(data, UNKNOWN, "Png") == (0, 128 * 48 * (4 if with_alpha else 3))
        want = (0, 128 * 48 * 4) if with_alpha else (NOT_MATCH, 0)
        assert still.predict(data, RGBA, "Png") == want
        assert still.predict(data, NV12, "Png") == (NOT_MATCH, 0)
    assert still.predict(png(4097, 32), RGB, "Png") == (INVALID, 0)
