"""JPEGE: what Pillow decodes from its files, at every level, format, stride and odd room."""

from __future__ import annotations

import ctypes as C
import io

import numpy as np
import pytest
from PIL import Image

from tests.dvpp_image import still
from tests.dvpp_image.still import (
    FAILURE,
    INVALID,
    NOT_MATCH,
    NV12,
    NV21,
    RGB,
    SP444,
    UYVY,
    VYUY,
    YUYV,
    YVYU,
    Engine,
    align,
)
from tests.vdec.vdec import dvpp

WIDTH, HEIGHT = 144, 80
MEGABYTES = 2 << 20


def planes(width: int = WIDTH, height: int = HEIGHT) -> list[np.ndarray]:
    """Y, U and V of 4:2:2; every second chroma row makes 4:2:0."""
    full = np.asarray(Image.fromarray(still.pixels(width, height)).convert("YCbCr"))
    return [full[..., 0], full[:, ::2, 1], full[:, ::2, 2]]


def raw(pixel_format: int, width: int = WIDTH, height: int = HEIGHT, rows: int = 0) -> bytes:
    """The picture in rows of 16 bytes' multiple, the padding filled with noise."""
    luma, u, v = planes(width, height)
    noise = np.random.default_rng(3).integers(0, 256, 1 << 20, np.uint8)
    rows = rows or height
    if pixel_format in (NV12, NV21):
        stride = align(width, 16)
        memory = noise[: stride * rows * 3 // 2].reshape(-1, stride)
        memory[:height, :width] = luma
        pairs = [u[::2], v[::2]] if pixel_format == NV12 else [v[::2], u[::2]]
        memory[rows : rows + height // 2, :width] = np.stack(pairs, -1).reshape(-1, width)
        return memory.tobytes()
    stride = align(2 * width, 16)
    memory = noise[: stride * rows].reshape(-1, stride)
    order = {YUYV: (0, 1, 3), UYVY: (1, 0, 2), YVYU: (0, 3, 1), VYUY: (1, 2, 0)}[pixel_format]
    memory[:height, order[0] : 2 * width : 2] = luma
    memory[:height, order[1] : 2 * width : 4] = u
    memory[:height, order[2] : 2 * width : 4] = v
    return memory.tobytes()


def strides(pixel_format: int, width: int = WIDTH, height: int = HEIGHT) -> tuple[int, int]:
    return align(width * (1 if pixel_format in (NV12, NV21) else 2), 16), height


def ycbcr(data: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(data))
    image.draft("YCbCr", None)
    return np.asarray(image).astype(int)


def psnr(got: np.ndarray, want: np.ndarray) -> float:
    error = np.mean((got.astype(float) - want.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


@pytest.mark.parametrize("pixel_format", [NV12, NV21, YUYV, UYVY, YVYU, VYUY])
@pytest.mark.parametrize("width", [WIDTH, 134, 34])
def test_every_format_decodes_elsewhere(engine: Engine, pixel_format: int, width: int) -> None:
    layout = strides(pixel_format, width)
    code, data = engine.encode(raw(pixel_format, width), width, HEIGHT, layout, pixel_format, 95)
    assert code == 0
    got, want = ycbcr(data), planes(width)
    assert got.shape == (HEIGHT, width, 3)
    assert psnr(got[..., 0], want[0]) > 44
    for index in (1, 2):
        chroma = got[..., index].reshape(HEIGHT, -1, 2).mean(2)
        assert psnr(chroma, want[index]) > 38
    image = Image.open(io.BytesIO(data))
    factors = [layer[1:3] for layer in image.layer]  # type: ignore[attr-defined]
    semiplanar = pixel_format in (NV12, NV21)
    assert factors == [(2, 2 if semiplanar else 1), (1, 1), (1, 1)]
    assert "progressive" not in image.info


def test_levels(engine: Engine) -> None:
    picture, sizes, quality = raw(NV12), [], []
    levels = [1, 10, 30, 50, 70, 85, 95, 100]
    for level in levels:
        code, data = engine.encode(picture, WIDTH, HEIGHT, strides(NV12), level=level)
        assert code == 0
        sizes.append(len(data))
        quality.append(psnr(ycbcr(data)[..., 0], planes()[0]))
        same = io.BytesIO()
        Image.fromarray(still.pixels(32, 32)).save(same, "JPEG", quality=level)
        tables = [Image.open(io.BytesIO(d)).quantization for d in (data, same.getvalue())]  # type: ignore[attr-defined]
        assert tables[0] == tables[1]
    assert sizes == sorted(sizes)
    assert quality == sorted(quality)
    assert quality[0] < 30
    assert quality[-1] > 50


def test_level_0_and_none_are_the_best(engine: Engine) -> None:
    files = [
        engine.encode(raw(NV12), WIDTH, HEIGHT, strides(NV12), level=level)[1]
        for level in (0, 100, None)
    ]
    assert files[0] == files[1] == files[2]


def test_height_strides(engine: Engine) -> None:
    want = engine.encode(raw(NV12, 64, 40), 64, 40, (64, 40))
    assert want[0] == 0
    assert engine.encode(raw(NV12, 64, 40, 48), 64, 40, (64, 48)) == want
    for rows in (41, 42, 64):
        assert engine.encode(raw(NV12, 64, 40, 64), 64, 40, (64, rows))[0] == FAILURE


@pytest.mark.parametrize(
    ("width", "height", "stride", "pixel_format", "code"),
    [
        (64, 48, 64, NV12, 0),
        (64, 48, 128, NV12, 0),
        (64, 48, 72, NV12, FAILURE),
        (64, 48, 48, NV12, FAILURE),
        (63, 48, 64, NV12, FAILURE),
        (64, 47, 64, NV12, FAILURE),
        (64, 47, 128, YUYV, 0),
        (63, 48, 128, YUYV, FAILURE),
        (64, 48, 64, YUYV, FAILURE),
        (64, 48, 192, SP444, NOT_MATCH),
        (64, 48, 192, RGB, NOT_MATCH),
        (64, 48, 64, 0, NOT_MATCH),
        (30, 48, 64, NV12, FAILURE),
        (64, 30, 64, NV12, FAILURE),
        (8194, 32, 8208, NV12, FAILURE),
    ],
)
def test_geometry(
    engine: Engine, width: int, height: int, stride: int, pixel_format: int, code: int
) -> None:
    room = bytes(1 << 19)
    got, _ = engine.encode(room, width, height, (stride, height), pixel_format, room=1 << 17)
    assert got == code


@pytest.mark.parametrize("size", [(64, 48), (1920, 1080), (4096, 2160), (8192, 8192)])
def test_predicted_size(engine: Engine, size: tuple[int, int]) -> None:
    for pixel_format, factor in ((NV12, 1.5), (YUYV, 2)):
        engine.describe(Format=pixel_format, Width=size[0], Height=size[1])
        config = C.c_void_p(dvpp.acldvppCreateJpegeConfig())
        got = C.c_uint32()
        dvpp.acldvppJpegPredictEncSize(engine.desc, config, C.byref(got))
        dvpp.acldvppDestroyJpegeConfig(config)
        image = align(size[0], 16) * align(size[1], 16) * factor
        assert got.value == align(int(image) + 640 + 128, MEGABYTES)


def test_prediction_of_nonsense(engine: Engine) -> None:
    config = C.c_void_p(dvpp.acldvppCreateJpegeConfig())
    got = C.c_uint32(7)
    for width, height in ((0, 0), (31, 64), (64, 8193), (0xFFFFFFFF, 0xFFFFFFFF)):
        engine.describe(Format=NV12, Width=width, Height=height)
        code = dvpp.code.acldvppJpegPredictEncSize(engine.desc, config, C.byref(got))
        assert (code, got.value) == (INVALID, 7)
    for level in (101, 0xFFFFFFFF):
        assert dvpp.code.acldvppSetJpegeConfigLevel(config, level) == INVALID
    dvpp.acldvppDestroyJpegeConfig(config)


def test_the_prediction_holds_noise(engine: Engine) -> None:
    noise = np.random.default_rng(5).integers(0, 256, 512 * 384 * 3 // 2, np.uint8)
    code, data = engine.encode(noise.tobytes(), 512, 384, (512, 384), level=100)
    assert code == 0
    assert psnr(ycbcr(data)[..., 0], noise[: 512 * 384].reshape(384, 512)) > 40


@pytest.mark.parametrize("room", [1, 10, 600, 2000])
def test_small_room_is_an_error(engine: Engine, room: int) -> None:
    code, _ = engine.encode(raw(NV12), WIDTH, HEIGHT, strides(NV12), level=100, room=room)
    assert code == FAILURE


def test_what_was_encoded_decodes_here(engine: Engine) -> None:
    code, data = engine.encode(raw(NV12), WIDTH, HEIGHT, strides(NV12), level=98)
    assert code == 0
    result = engine.decode(data, NV12)
    assert psnr(result.luma(), planes()[0]) > 45
