"""JPEGD: every sampling and format, sizes, strides; against Pillow and FFmpeg's own decoder."""

from __future__ import annotations

import ctypes as C
import io
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.dvpp_image import still
from tests.dvpp_image.still import (
    FAILURE,
    GREY,
    NOT_MATCH,
    NV12,
    NV21,
    SP422,
    SP440,
    SP444,
    UNKNOWN,
    UNSUPPORTED_JPEG,
    VU422,
    VU440,
    VU444,
    Engine,
    align,
)
from tests.softnpu_model.acl import acl
from tests.vdec.vdec import dvpp

OWN = {"444": (SP444, VU444), "422": (SP422, VU422), "440": (SP440, VU440), "420": (NV12, NV21)}
CSS = {"444": 0, "422": 1, "420": 2, "400": 3, "440": 4}


def ycbcr(data: bytes) -> np.ndarray:
    """What Pillow's libjpeg says before the colour conversion; its chroma is interpolated."""
    image = Image.open(io.BytesIO(data))
    image.draft("YCbCr" if image.mode == "RGB" else "L", None)
    return np.asarray(ImageOps.exif_transpose(image))


def ffmpeg_planes(data: bytes) -> list[np.ndarray]:
    """Y, U and V as coded, by FFmpeg's own decoder."""
    codec = av.CodecContext.create("mjpeg", "r")
    frame = next(iter(codec.decode(av.Packet(data))))
    return [
        np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, -1)[:, : plane.width]
        for plane in frame.planes
    ]


def halve(plane: np.ndarray, across: bool, down: bool) -> np.ndarray:
    """Averages, rounded once, as the documentation's reduction to 4:2:0."""
    wide = plane.astype(int)
    rows = [wide[0::2], wide[1::2]] if down else [wide, wide]
    both = [row[:, i::2] if across else row for row in rows for i in (0, 1)]
    total: np.ndarray = np.sum(both, axis=0)
    return (total + 2) >> 2


@pytest.mark.parametrize("sampling", ["444", "422", "440", "420"])
@pytest.mark.parametrize("swapped", [0, 1])
def test_planes_are_those_of_the_file(engine: Engine, sampling: str, swapped: int) -> None:
    data = still.jpeg(176, 80, sampling)
    result = engine.decode(data, OWN[sampling][swapped])
    assert (result.code, result.ret_code, result.width, result.height) == (0, 0, 176, 80)
    assert (result.stride, result.rows) == (192, 80)
    np.testing.assert_array_equal(result.luma(), ycbcr(data)[..., 0])
    for index, plane in enumerate(ffmpeg_planes(data)[1:]):
        got = result.chroma()[..., index ^ swapped].astype(int)
        assert np.abs(got - plane).max() <= 1  # two implementations of the same transform
    if sampling == "444":
        np.testing.assert_array_equal(
            result.chroma()[..., :: -1 if swapped else 1], ycbcr(data)[..., 1:]
        )


@pytest.mark.parametrize("sampling", ["444", "422", "420"])
def test_ffmpegs_files_with_doubled_factors(engine: Engine, sampling: str) -> None:
    """FFmpeg writes 4:4:4 as 1x2, 1x2, 1x2 and 4:2:2 as 2x2, 1x2, 1x2."""
    codec = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt = 100, 60, f"yuvj{sampling}p"
    codec.time_base = Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(still.pixels(100, 60), "rgb24")
    data = bytes(codec.encode(frame.reformat(format=codec.pix_fmt))[0])
    factors = data[data.index(b"\xff\xc0") + 11 :][:4:3].hex()
    assert factors == {"444": "1212", "422": "2212", "420": "2211"}[sampling]
    assert still.info(data) == (0, (100, 60, 3, CSS[sampling]))
    result = engine.decode(data, OWN[sampling][0])
    assert result.code == 0, result.message
    np.testing.assert_array_equal(result.luma(), ycbcr(data)[..., 0])
    for index, plane in enumerate(ffmpeg_planes(data)[1:]):
        rows, columns = result.chroma().shape[:2]
        difference = result.chroma()[..., index].astype(int) - plane[:rows, :columns]
        assert np.abs(difference).max() <= 1


def test_grey_with_factors(engine: Engine) -> None:
    """They say nothing where there is one component."""
    data = bytearray(still.jpeg(100, 70, "400"))
    data[data.index(b"\xff\xc0") + 11] = 0x22
    result = engine.decode(bytes(data), GREY)
    np.testing.assert_array_equal(result.luma(), ycbcr(bytes(data)))


def test_many_at_once(engine: Engine) -> None:
    """Each thread its own channel and stream."""
    del engine

    def work(seed: int) -> None:
        acl.aclrtSetDevice(0)
        with Engine() as own:
            for _ in range(10):
                width = 64 + 16 * seed
                result = own.decode(still.jpeg(width, 48, "444"), SP444)
                np.testing.assert_array_equal(
                    result.luma(), ycbcr(still.jpeg(width, 48, "444"))[..., 0]
                )
        acl.aclrtResetDevice(0)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))


@pytest.mark.parametrize("sampling", ["444", "422", "440"])
def test_reduced_to_420(engine: Engine, sampling: str) -> None:
    data = still.jpeg(96, 64, sampling)
    own = engine.decode(data, OWN[sampling][0]).chroma()
    result = engine.decode(data, NV21)
    for index in range(2):
        want = halve(own[..., index], sampling in ("444", "440"), sampling in ("444", "422"))
        np.testing.assert_array_equal(result.chroma()[..., 1 - index], want)


def test_grey(engine: Engine) -> None:
    data = still.jpeg(100, 70, "400")
    for pixel_format in (GREY, NV12, UNKNOWN):
        result = engine.decode(data, pixel_format)
        np.testing.assert_array_equal(result.luma(), ycbcr(data))
    assert result.format == GREY
    assert (engine.decode(data, NV12).chroma() == 0x80).all()


@pytest.mark.parametrize("sampling", ["444", "422", "440", "420"])
def test_unknown_keeps_the_sampling_with_v_first(engine: Engine, sampling: str) -> None:
    data = still.jpeg(64, 64, sampling)
    result = engine.decode(data, UNKNOWN)
    assert result.format == OWN[sampling][1]
    again = engine.decode(data, result.format)
    np.testing.assert_array_equal(result.chroma(), again.chroma())


def test_only_its_own_sampling_and_420(engine: Engine) -> None:
    for sampling in CSS:
        own = {*OWN.get(sampling, (GREY,)), NV12, NV21}
        data = still.jpeg(64, 48, sampling)
        for pixel_format in (GREY, *(f for pair in OWN.values() for f in pair)):
            result = engine.decode(data, pixel_format)
            code, _ = still.predict(data, pixel_format)
            if pixel_format in own:
                assert (result.code, code) == (0, 0)
            else:
                assert (result.code, result.ret_code, code) == (FAILURE, 1, NOT_MATCH)
                assert "its own sampling" in result.message


@pytest.mark.parametrize("size", [(33, 35), (47, 32), (65, 49), (129, 113)])
def test_odd_sizes_are_rounded_down(engine: Engine, size: tuple[int, int]) -> None:
    width, height = size
    shown = {"420": (1, 1), "422": (1, 0), "440": (0, 1), "444": (0, 0)}
    for sampling, (across, down) in shown.items():
        data = still.jpeg(width, height, sampling)
        result = engine.decode(data, OWN[sampling][0])
        assert result.code == 0, result.message
        assert (result.width, result.height) == (width >> across << across, height >> down << down)
        want = ycbcr(data)[: result.height, : result.width, 0]
        np.testing.assert_array_equal(result.luma(), want)


def test_odd_sizes_are_rounded_up_when_the_channel_says_so(engine: Engine) -> None:
    align_up = C.c_uint32(1)
    dvpp.acldvppSetChannelDescParam(engine.channel, 5, 4, C.byref(align_up))
    data = still.jpeg(65, 49)
    result = engine.decode(data, NV12)
    assert (result.code, result.width, result.height) == (0, 66, 50)
    np.testing.assert_array_equal(result.luma()[:49, :65], ycbcr(data)[..., 0])
    data = still.jpeg(65, 49, "420", 6)
    turned = engine.decode(data, NV12)
    assert (turned.code, turned.width, turned.height) == (0, 50, 66)
    want = np.pad(ycbcr(data)[..., 0], ((0, 1), (0, 1)), "edge")
    np.testing.assert_array_equal(turned.luma(), want)


@pytest.mark.parametrize(
    ("strides", "taken"),
    [
        ((128, 64), True),
        ((192, 80), True),
        ((0, 0), True),
        ((64, 64), False),
        ((112, 64), False),
        ((144, 64), False),
        ((128, 50), False),
        ((128, 48), False),
        ((128, 72), False),
    ],
)
def test_strides_of_64_by_16(engine: Engine, strides: tuple[int, int], taken: bool) -> None:
    result = engine.decode(still.jpeg(100, 50), NV12, strides)
    assert result.code == (0 if taken else FAILURE), result.message
    assert taken or "stride" in result.message


def test_memory_of_the_exact_size(engine: Engine) -> None:
    data = still.jpeg(100, 50)
    assert engine.decode(data, NV12, (128, 64), 128 * 64 * 3 // 2).code == 0
    result = engine.decode(data, NV12, (128, 64), 128 * 64 * 3 // 2 - 1)
    assert (result.code, result.ret_code) == (FAILURE, 1)
    assert "too small" in result.message


@pytest.mark.parametrize("size", [(31, 64), (64, 31), (16, 16), (8193, 32), (32, 8200)])
def test_sides_of_32_to_8192(engine: Engine, size: tuple[int, int]) -> None:
    result = engine.decode(still.jpeg(*size), NV12)
    assert (result.code, result.ret_code) == (FAILURE, 1)
    assert "32 to 8192" in result.message


def test_largest_side(engine: Engine) -> None:
    data = still.jpeg(8192, 32, "400")
    np.testing.assert_array_equal(engine.decode(data, GREY).luma(), ycbcr(data))


@pytest.mark.parametrize("sampling", CSS)
def test_info_and_prediction(sampling: str) -> None:
    data = still.jpeg(150, 90, sampling)
    grey = sampling == "400"
    assert still.info(data) == (0, (150, 90, 1 if grey else 3, CSS[sampling]))
    room = align(150, 128) * align(90, 16)
    factor = {"444": 3, "422": 2, "440": 2, "420": 1.5, "400": 1}[sampling]
    assert still.predict(data, UNKNOWN) == (0, room * factor)
    assert still.predict(data, NV12) == (0, room * 3 // 2)


def saved(**options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(still.pixels(64, 48)).save(file, "JPEG", **options)
    return file.getvalue()


def arithmetic() -> bytes:
    """The header is all that is read of it."""
    return still.jpeg(64, 48).replace(b"\xff\xc0", b"\xff\xc9")


def cmyk() -> bytes:
    file = io.BytesIO()
    Image.fromarray(still.pixels(64, 48)).convert("CMYK").save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (saved(progressive=True), "progressive"),
        (arithmetic(), "arithmetic"),
        (saved(keep_rgb=True), "not Y, Cb and Cr"),
        (cmyk(), "neither one nor three"),
    ],
    ids=["progressive", "arithmetic", "rgb", "cmyk"],
)
def test_files_of_other_kinds_are_refused(engine: Engine, data: bytes, why: str) -> None:
    result = engine.decode(data)
    assert (result.code, result.ret_code) == (FAILURE, 1)
    assert why in result.message
    assert still.info(data)[0] == UNSUPPORTED_JPEG
    assert still.predict(data, NV12)[0] == UNSUPPORTED_JPEG


def test_stray_bytes_and_restarts_do_no_harm(engine: Engine) -> None:
    data = still.jpeg(64, 48)
    want = engine.decode(data).data
    quantisers = data.index(b"\xff\xdb")
    stray = data[:quantisers] + b"\x00\x01\x02" + data[quantisers:] + b"behind the end"
    result = engine.decode(stray)
    assert result.code == 0, result.message
    np.testing.assert_array_equal(result.data, want)
    assert engine.decode(saved(restart_marker_blocks=2)).code == 0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("sampling", ["444", "422", "440", "420", "400"])
@pytest.mark.parametrize("size", [(96, 64), (71, 53)])
def test_orientation(
    engine: Engine, orientation: int, sampling: str, size: tuple[int, int]
) -> None:
    data = still.jpeg(*size, sampling, orientation)
    want = ycbcr(data)
    turned = size[::-1] if orientation >= 5 else size
    assert still.info(data)[1][:2] == turned
    room = align(turned[0], 128) * align(turned[1], 16)
    assert still.predict(data, NV12) == (0, room * 3 // 2)
    strides = (align(turned[0], 64), align(turned[1], 16))
    result = engine.decode(data, GREY if sampling == "400" else OWN[sampling][0], strides)
    assert result.code == 0, result.message
    luma = want if sampling == "400" else want[..., 0]
    assert result.width in (turned[0], turned[0] - 1)
    np.testing.assert_array_equal(result.luma(), luma[: result.height, : result.width])
    if sampling == "444":
        np.testing.assert_array_equal(result.chroma(), want[..., 1:])
    elif sampling != "400":
        # Pillow interpolates chroma, and turned 4:2:2 is sampled again: near, not equal.
        across, down = still.SHIFTS[result.format]
        rows, columns = result.chroma().shape[:2]
        near = want[:: 1 << down, :: 1 << across, 1:][:rows, :columns].astype(int)
        assert np.abs(result.chroma() - near).mean() < 2.5


def test_turned_420_equals_turned_planes(engine: Engine) -> None:
    upright = engine.decode(still.jpeg(96, 64), NV12).chroma()
    quarter = engine.decode(still.jpeg(96, 64, "420", 6), NV12).chroma()
    np.testing.assert_array_equal(quarter, np.rot90(upright, -1))
    half = engine.decode(still.jpeg(96, 64, "420", 3), NV12).chroma()
    np.testing.assert_array_equal(half, np.rot90(upright, 2))


@pytest.mark.parametrize("body", [b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"XX*\0\x08\0\0\0" * 9])
def test_broken_exif_is_no_orientation(engine: Engine, body: bytes) -> None:
    data = still.jpeg(64, 48)
    body = b"Exif\0\0" + body
    marked = data[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]
    np.testing.assert_array_equal(engine.decode(marked).data, engine.decode(data).data)
