"""The default interpolation and RGB to NV12, bit for bit against the measured formulas."""

from __future__ import annotations

import ctypes as C

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dvpp import card_model, formats
from tests.dvpp.formats import Canvas
from tests.dvpp.pictures import (
    BGR,
    NV12,
    NV21,
    RGB,
    Picture,
    dvpp,
    interpolation,
    random_nv12,
    ref,
    roi,
    synchronize,
)
from tests.dvpp.test_operations import matrix, reduced

SIZES = [
    ((1920, 1080), (416, 234)),
    ((1280, 720), (416, 234)),
    ((640, 272), (416, 176)),
    ((416, 416), (416, 416)),
    ((128, 96), (128, 48)),
    ((64, 64), (100, 90)),
    ((1142, 640), (320, 180)),
    ((100, 60), (26, 18)),
    ((1600, 60), (200, 40)),
    ((800, 32), (66, 30)),
]
even = st.integers(3, 90).map(lambda value: 2 * value)
SLOW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def resize(channel: C.c_void_p, source: Picture, target: Picture) -> None:
    with interpolation() as config:
        dvpp.acldvppVpcResizeAsync(channel, ref(source), ref(target), config, None)
        synchronize()
    assert target.get("RetCode") == 0


@pytest.mark.parametrize(("size", "result"), SIZES)
def test_resize(channel: C.c_void_p, size: tuple[int, int], result: tuple[int, int]) -> None:
    source, luma, chroma = random_nv12(*size, seed=1)
    target = Picture(*result, NV12)
    resize(channel, source, target)
    expected = card_model.resize_nv12(luma, chroma, result)
    for ours, theirs in zip(target.read(), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    source.free()
    target.free()


@SLOW
@given(data=st.data())
def test_crop_and_resize(channel: C.c_void_p, data: st.DataObject) -> None:
    width, height = data.draw(even), data.draw(even)
    width, height = max(width, 12), max(height, 8)
    crop_width = 2 * data.draw(st.integers(6, width // 2))
    crop_height = 2 * data.draw(st.integers(4, height // 2))
    left = 2 * data.draw(st.integers(0, (width - crop_width) // 2))
    top = 2 * data.draw(st.integers(0, (height - crop_height) // 2))
    result = (
        2 * data.draw(st.integers(max(6, -(-crop_width // 8)), crop_width)),
        2 * data.draw(st.integers(max(4, -(-crop_height // 8)), crop_height)),
    )
    source, luma, chroma = random_nv12(width, height, seed=data.draw(st.integers(0, 9)))
    target = Picture(*result, NV21)
    with roi(left, top, crop_width, crop_height) as area, interpolation() as config:
        dvpp.acldvppVpcCropResizeAsync(channel, ref(source), ref(target), area, config, None)
        synchronize()
    y, uv = card_model.resize_nv12(
        luma[top : top + crop_height, left : left + crop_width],
        chroma[top // 2 : (top + crop_height) // 2, left // 2 : (left + crop_width) // 2],
        result,
    )
    ours = target.read()
    source.free()
    target.free()
    np.testing.assert_array_equal(ours[0], y)
    np.testing.assert_array_equal(ours[1], uv[..., ::-1])


@pytest.mark.parametrize("pixel_format", [RGB, BGR])
@pytest.mark.parametrize(
    ("left", "result"), [(0, (96, 64)), (40, (96, 64)), (1, (96, 64)), (2, (60, 40)), (0, (30, 22))]
)
def test_rgb_to_nv12(
    channel: C.c_void_p, pixel_format: int, left: int, result: tuple[int, int]
) -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (64, 160, 3), np.uint8)
    source, target = Picture(160, 64, pixel_format), Picture(*result, NV12)
    source.write(rgb if pixel_format == RGB else rgb[..., ::-1])
    with roi(left, 0, 96, 64) as area:
        dvpp.acldvppVpcCropAsync(channel, ref(source), ref(target), area, None)
        synchronize()
    expected = card_model.resize_yuv(*card_model.rgb_to_yuv422(rgb, left, 96), result)
    for ours, theirs in zip(target.read(), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    source.free()
    target.free()


def test_ramps_stay_ramps(channel: C.c_void_p) -> None:
    """A property no formula is needed for: constants stay, and ramps stay monotonic."""
    source, target = Picture(640, 360, NV12), Picture(416, 234, NV12)
    ramp = np.broadcast_to(np.linspace(0, 255, 640).astype(np.uint8), (360, 640))
    source.write(ramp, np.full((180, 320, 2), 77, np.uint8))
    resize(channel, source, target)
    luma, chroma = target.read()
    assert (chroma == 77).all()
    assert (np.diff(luma.astype(int), axis=1) >= 0).all()
    source.free()
    target.free()


def scaled_422(luma: np.ndarray, chroma: np.ndarray, size: tuple[int, int]) -> list[np.ndarray]:
    """4:2:2 to 4:2:2: as 4:2:0, but that all rows of chroma stay."""
    doubled = (
        card_model.resize_yuv(luma, chroma, size)[0],
        card_model.scale_axis(
            card_model.scale_axis(
                chroma.swapaxes(0, 1), size[0] // 2, (luma.shape[1] << 16) // size[0], 4
            ).swapaxes(0, 1),
            size[1],
            (len(luma) << 16) // size[1],
            4,
        ),
    )
    return [doubled[0], doubled[1][..., 0], doubled[1][..., 1]]


@pytest.mark.parametrize("size", [(60, 40), (96, 30), (130, 90)])
def test_other_formats_take_the_same_scaler(channel: C.c_void_p, size: tuple[int, int]) -> None:
    """Packed YUV as source and as target, and YUV to RGB: scaled as the card, then converted."""
    luma, *chroma = formats.random_planes(96, 60, formats.YUYV)
    with (
        Canvas(96, 60, formats.YUYV).write([luma, *chroma]) as packed,
        Canvas(96, 60, formats.NV12).write([luma, chroma[0][::2], chroma[1][::2]]) as nv12,
        Canvas(*size, formats.UYVY) as repacked,
        Canvas(*size, formats.NV12) as planes,
        Canvas(*size, RGB) as colour,
        interpolation() as config,
    ):
        for source, target in ((packed, repacked), (packed, planes), (nv12, colour)):
            arguments = (source.handle, target.handle, config, None)
            dvpp.acldvppVpcResizeAsync(channel, *arguments)
            synchronize()
            assert target.outside_is_untouched()
        wanted = scaled_422(luma, np.stack(chroma, -1), size)
        for ours, theirs in zip(repacked.read(), wanted, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        wanted = [wanted[0], wanted[1][::2], wanted[2][::2]]
        for ours, theirs in zip(planes.read(), wanted, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        small = card_model.resize_nv12(luma, np.stack([c[::2] for c in chroma], -1), size)
        yuv = formats.full_size([small[0], small[1][..., 0], small[1][..., 1]])
        error = abs(np.stack(colour.read()) - formats.to_rgb(yuv, 0))
        assert error.max() <= 1


@pytest.mark.parametrize("number", [1, 2, 5])
def test_other_matrices_take_the_same_scaler(channel: C.c_void_p, number: int) -> None:
    """RGB to NV12 by way of 4:2:2; within 2, for the model rounds once more on the way."""
    planes = formats.random_planes(96, 64, RGB)
    with (
        matrix(channel, number),
        Canvas(96, 64, RGB).write(planes) as source,
        Canvas(40, 30, NV12) as target,
        interpolation() as config,
    ):
        dvpp.acldvppVpcResizeAsync(channel, source.handle, target.handle, config, None)
        synchronize()
        yuv = formats.to_yuv(np.stack(planes).astype(float), number)
        chroma = np.stack([reduced(plane, 2, 1) for plane in yuv[1:]], -1)
        luma, chroma = (np.floor(p + 0.5).clip(0, 255).astype(np.uint8) for p in (yuv[0], chroma))
        wanted, uv = card_model.resize_yuv(luma, chroma, (40, 30))
        for ours, theirs in zip(target.read(), (wanted, uv[..., 0], uv[..., 1]), strict=True):
            assert abs(ours.astype(int) - theirs).max() <= 2
