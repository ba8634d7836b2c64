"""Cutting and pasting: what is pasted, and that nothing else of the picture changes."""

from __future__ import annotations

import ctypes as C

import numpy as np
import pytest

from tests.dvpp import card_model, formats
from tests.dvpp.formats import ALL, NV12, NV21, SEMIPLANAR, Canvas, Planes
from tests.dvpp.pictures import dvpp, interpolation, roi, synchronize

cv2 = pytest.importorskip("cv2")
Area = tuple[int, int, int, int]  # left, top, width, height
SIZE, RESULT = (96, 64), (112, 80)


def part(planes: Planes, area: Area) -> Planes:
    """The pixels of an area, in each plane's own resolution."""
    height, width = planes[0].shape
    cut = []
    for plane in planes:
        down, across = height // plane.shape[0], width // plane.shape[1]
        left, top, right, bottom = area[0], area[1], area[0] + area[2], area[1] + area[3]
        cut.append(plane[top // down : bottom // down, left // across : right // across])
    return cut


def card(planes: Planes, size: tuple[int, int]) -> Planes:
    """What a card makes of NV12 or NV21."""
    luma, chroma = card_model.resize_nv12(planes[0], np.stack(planes[1:], -1), size)
    return [luma, chroma[..., 0], chroma[..., 1]]


def paste(
    channel: C.c_void_p, name: str, pixel_format: int, areas: tuple[Area, Area], how: int | None
) -> tuple[Planes, Planes, Planes]:
    """Paste between two random pictures; the source, and the target before and after."""
    given = formats.random_planes(*SIZE, pixel_format, seed=3)
    before = formats.random_planes(*RESULT, pixel_format, seed=4)
    with (
        Canvas(*SIZE, pixel_format).write(given) as source,
        Canvas(*RESULT, pixel_format).write(before) as target,
        roi(*areas[0]) as cut,
        roi(*areas[1]) as place,
        interpolation(how or 0) as config,
    ):
        call = getattr(dvpp, f"acldvppVpc{name}Async")
        more = () if how is None else (config,)
        call(channel, source.handle, target.handle, cut, place, *more, None)
        synchronize()
        assert target.outside_is_untouched()
        return given, before, target.read()


def crop(
    channel: C.c_void_p, pixel_format: int, area: Area, size: tuple[int, int]
) -> tuple[Planes, Planes]:
    """Cut an area of a random picture into a target of its own; the source, and the target."""
    given = formats.random_planes(*SIZE, pixel_format, seed=5)
    with (
        Canvas(*SIZE, pixel_format).write(given) as source,
        Canvas(*size, pixel_format) as target,
        roi(*area) as cut,
    ):
        dvpp.acldvppVpcCropAsync(channel, source.handle, target.handle, cut, None)
        synchronize()
        assert target.outside_is_untouched()
        return given, target.read()


def check(after: Planes, before: Planes, place: Area, pasted: Planes, tolerance: int = 0) -> None:
    expected = [plane.copy() for plane in before]
    for view, plane in zip(part(expected, place), pasted, strict=True):
        view[:] = plane
    for ours, wanted in zip(after, expected, strict=True):
        error = np.abs(ours.astype(int) - wanted)
        assert error.max() <= tolerance
        # Outside of the place nothing is near: it is the same.
    for ours, theirs in zip(part(after, place), part(before, place), strict=True):
        ours[:] = theirs
    for ours, theirs in zip(after, before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("pixel_format", ALL)
@pytest.mark.parametrize("name", ["CropAndPaste", "CropResizePaste"])
def test_of_the_same_size_every_format_is_copied(
    channel: C.c_void_p, pixel_format: int, name: str
) -> None:
    areas: tuple[Area, Area] = ((14, 10, 50, 36), (32, 22, 50, 36))
    how = 0 if "Resize" in name else None
    given, before, after = paste(channel, name, pixel_format, areas, how)
    check(after, before, areas[1], part(given, areas[0]))


@pytest.mark.parametrize("pixel_format", [NV12, NV21])
@pytest.mark.parametrize("name", ["CropAndPaste", "CropResizePaste"])
@pytest.mark.parametrize("size", [(40, 24), (80, 58), (24, 60)])
def test_of_another_size_it_is_scaled(
    channel: C.c_void_p, pixel_format: int, name: str, size: tuple[int, int]
) -> None:
    """Bit for bit as measured of a card; what lies left of the area is not part of it here."""
    areas: tuple[Area, Area] = ((0, 8, 56, 40), (16, 12, *size))
    how = 0 if "Resize" in name else None
    given, before, after = paste(channel, name, pixel_format, areas, how)
    check(after, before, areas[1], card(part(given, areas[0]), size))


@pytest.mark.parametrize("pixel_format", [NV12, formats.RGB, formats.NV16])
@pytest.mark.parametrize("how", [1, 2])
def test_named_interpolations(channel: C.c_void_p, pixel_format: int, how: int) -> None:
    areas: tuple[Area, Area] = ((20, 10, 48, 40), (48, 20, 60, 32))
    given, before, after = paste(channel, "CropResizePaste", pixel_format, areas, how)
    kind = {1: cv2.INTER_LINEAR, 2: cv2.INTER_NEAREST}[how]
    wanted = [plane.shape[::-1] for plane in part(before, areas[1])]
    pasted = [
        cv2.resize(np.ascontiguousarray(plane), size, interpolation=kind)
        for plane, size in zip(part(given, areas[0]), wanted, strict=True)
    ]
    check(after, before, areas[1], pasted, 1 if how == 1 else 0)


@pytest.mark.parametrize("pixel_format", [f for f in ALL if f in SEMIPLANAR or f < 7])
def test_a_crop_is_a_copy(channel: C.c_void_p, pixel_format: int) -> None:
    given, ours = crop(channel, pixel_format, (18, 12, 48, 32), (48, 32))
    for plane, wanted in zip(ours, part(given, (18, 12, 48, 32)), strict=True):
        np.testing.assert_array_equal(plane, wanted)


def test_a_crop_of_another_size_is_scaled(channel: C.c_void_p) -> None:
    given, ours = crop(channel, NV12, (0, 4, 64, 56), (32, 48))
    for plane, wanted in zip(ours, card(part(given, (0, 4, 64, 56)), (32, 48)), strict=True):
        np.testing.assert_array_equal(plane, wanted)
