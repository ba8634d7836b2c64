"""Flips, turns, filters, memory of the runtime; run as Ascend310B4 by test_table_himpi.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest

from acl_fast import pyacl as acl
from tests.dvpp import formats
from tests.dvpp.formats import NV12, Canvas, Planes
from tests.pyacl.test_table_himpi import ILLEGAL, NULL, Struct, info, run, same, scalar

himpi: Any = acl.himpi
SIZE, TURNED = (46, 30), (30, 46)
CONSTANT = {"border_type": 0, "scalar_value": scalar(7, 130, 250)}


@pytest.fixture
def chn() -> Iterator[int]:
    assert himpi.sys_init() == 0
    assert himpi.vpc_create_chn(3, {"attr": 0}) == 0
    yield 3
    assert himpi.vpc_destroy_chn(3) == 0
    assert himpi.sys_exit() == 0


def apply(
    chn: int, name: str, size: tuple[int, int] = SIZE, **fields: Any
) -> tuple[Planes, Planes]:
    """A random picture before and after; NULL is refused first."""
    call, planes = getattr(himpi, f"vpc_{name}"), formats.random_planes(*SIZE, NV12, seed=2)
    assert run(call, chn, None) == NULL
    with Canvas(*SIZE, NV12).write(planes) as source, Canvas(*size, NV12) as target:
        assert run(call, chn, {"src": info(source), "dst": info(target), **fields}) == 0
        assert target.outside_is_untouched()
        return planes, target.read()


def refused(chn: int, name: str, **fields: Any) -> int:
    with Canvas(*SIZE, NV12) as source, Canvas(*SIZE, NV12) as target:
        struct = {"src": info(source), "dst": info(target), **fields}
        return run(getattr(himpi, f"vpc_{name}"), chn, struct)


def test_flip(chn: int) -> None:
    for mode, code in enumerate((1, 0, -1)):
        planes, ours = apply(chn, "flip", flip_mode=mode)
        same(ours, [cv2.flip(plane, code) for plane in planes])
    assert refused(chn, "flip", flip_mode=3) == ILLEGAL


def test_rotate(chn: int) -> None:
    for angle in range(3):
        planes, ours = apply(chn, "rotate", SIZE if angle == 1 else TURNED, angle=angle)
        same(ours, [cv2.rotate(plane, angle) for plane in planes])
    assert refused(chn, "rotate", angle=9) == ILLEGAL


def around(planes: Planes) -> Planes:
    values = (7, 130, 250)
    return [
        cv2.copyMakeBorder(p, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=v)
        for p, v in zip(planes, values, strict=True)
    ]


def inside(planes: Planes) -> Planes:
    return [plane[2:-2, 2:-2] for plane in planes]


def blur(width: int, height: int) -> Struct:
    anchor = {"x": -1, "y": -1}
    kernel = {"width": width, "height": height}
    return {"kernel_size": kernel, "anchor": anchor, "iterations": 1, **CONSTANT}


def test_blur(chn: int) -> None:
    planes, ours = apply(chn, "blur", blur_cfg=blur(5, 3))
    same(ours, inside([cv2.blur(plane, (5, 3)) for plane in around(planes)]))
    assert refused(chn, "blur", blur_cfg=blur(99, 3)) == ILLEGAL


@pytest.mark.parametrize("name", ["dilate", "erode"])
def test_morphology(chn: int, name: str) -> None:
    planes, ours = apply(chn, name, blur_cfg=blur(3, 3))
    kernel = np.ones((3, 3), np.uint8)
    same(ours, inside([getattr(cv2, name)(plane, kernel) for plane in around(planes)]))
    assert refused(chn, name, blur_cfg=blur(99, 3)) == ILLEGAL


def test_gaussian_blur(chn: int) -> None:
    config = {"kernel_size": {"width": 5, "height": 3}, "sigma_x": 1.2, "sigma_y": 0.8, **CONSTANT}
    planes, ours = apply(chn, "gaussian_blur", gaussian_blur_cfg=config)
    wanted = inside([cv2.GaussianBlur(p, (5, 3), 1.2, sigmaY=0.8) for p in around(planes)])
    for mine, plane in zip(ours, wanted, strict=True):
        assert abs(mine.astype(int) - plane).max() <= 1
    wrong = config | {"kernel_size": {"width": 4, "height": 3}}
    assert refused(chn, "gaussian_blur", gaussian_blur_cfg=wrong) == ILLEGAL


def test_filter2d(chn: int) -> None:
    weights = np.zeros((5, 5))
    weights[:3, :3] = np.random.default_rng(3).normal(0.02, 0.15, (3, 3))
    config = {"filter": weights.tolist(), "kernel_size": {"width": 3, "height": 3}, "delta": 40.5}
    config |= {"anchor": {"x": -1, "y": -1}, **CONSTANT}
    planes, ours = apply(chn, "filter2d", filter_2d_cfg=config)
    for mine, plane in zip(ours, around(planes), strict=True):
        sums = cv2.filter2D(plane.astype(float), -1, weights[:3, :3], delta=40.5)[2:-2, 2:-2]
        assert abs(mine - sums.clip(0, 255)).max() <= 1
    wrong = config | {"kernel_size": {"width": 7, "height": 3}}
    assert refused(chn, "filter2d", filter_2d_cfg=wrong) == ILLEGAL


def test_median_blur(chn: int) -> None:
    planes, ours = apply(chn, "median_blur", median_blur_cfg={"kernel_size": 3})
    same(ours, [cv2.medianBlur(plane, 3) for plane in planes])
    assert refused(chn, "median_blur", median_blur_cfg={"kernel_size": 4}) == ILLEGAL


def described(address: int, width: int, height: int) -> int:
    """A description of RGB rows without padding."""
    desc: int = acl.media.dvpp_create_pic_desc()
    fields = {
        "data": address, "size": 3 * width * height, "format": 12, "width": width,
        "height": height, "width_stride": 3 * width, "height_stride": height,
    }  # fmt: skip
    for field, value in fields.items():
        assert getattr(acl.media, f"dvpp_set_pic_desc_{field}")(desc, value) == 0
    return desc


def test_pictures_in_memory_of_the_runtime() -> None:
    """A model's input of acl.rt.malloc is decoded into and scaled from, by acldvpp as well."""
    media, rows = acl.media, np.zeros((128, 128, 3), np.uint8)
    rows[32:, 64:] = 10, 20, 250
    packet = np.frombuffer(cv2.imencode(".png", rows[..., ::-1])[1].tobytes(), np.uint8)
    sizes = packet.nbytes, rows.nbytes, rows.nbytes // 4
    places = [acl.rt.malloc(size, 0)[0] for size in sizes]
    assert acl.rt.memcpy(places[0], sizes[0], acl.util.numpy_to_ptr(packet), sizes[0], 1) == 0
    channel, (stream, _) = media.dvpp_create_channel_desc(), acl.rt.create_stream()
    assert media.dvpp_set_channel_desc_mode(channel, 1 | 8) == 0
    assert media.dvpp_create_channel(channel) == 0
    whole, half = described(places[1], 128, 128), described(places[2], 64, 64)
    how = media.dvpp_create_resize_config()
    assert media.dvpp_png_decode_async(channel, places[0], packet.nbytes, whole, stream) == 0
    assert media.dvpp_vpc_resize_async(channel, whole, half, how, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    found = np.empty((64, 64, 3), np.uint8)
    assert acl.rt.memcpy(found.ctypes.data, sizes[2], places[2], sizes[2], 2) == 0
    inner = np.ix_(np.r_[:12, 20:64], np.r_[:28, 36:64])  # away from the edge
    np.testing.assert_array_equal(found[inner], rows[::2, ::2][inner])
    for desc in (whole, half):
        assert media.dvpp_destroy_pic_desc(desc) == 0
    assert media.dvpp_destroy_resize_config(how) == media.dvpp_destroy_channel(channel) == 0
    assert media.dvpp_destroy_channel_desc(channel) == acl.rt.destroy_stream(stream) == 0
    assert [acl.rt.free(place) for place in places] == [0, 0, 0]
