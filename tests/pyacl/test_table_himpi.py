"""acl.himpi, system and pictures: against numpy and OpenCV; what is returned; what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from acl_fast import pyacl as acl
from tests.dvpp import card_model, formats
from tests.dvpp.formats import GREY, NV12, RGB, RGBA, YUYV, Canvas, Planes
from tests.softnpu_model.acl import ROOT

himpi: Any = acl.himpi
WIDTH, HEIGHT = 64, 48
VPC = 7
INVALID_ID, ILLEGAL, UNEXIST, NULL, UNSUPPORTED = (0xA0078000 + i for i in (2, 3, 5, 6, 8))
BAD_ADDRESS = 0xA0078011
SYS_ILLEGAL, SYS_EXIST, SYS_UNEXIST, SYS_NULL, SYS_UNSUPPORTED = (
    0xA0028000 + i for i in (3, 4, 5, 6, 8)
)
Struct = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def initialised() -> Iterator[None]:
    assert himpi.sys_init() == 0
    yield
    assert himpi.sys_exit() == 0


# ---- system ----


def test_binding_is_not_of_cards() -> None:
    one, two = ({"mod_id": m, "dev_id": 0, "chn_id": 0} for m in (5, 7))
    for call in (himpi.sys_bind, himpi.sys_unbind):
        assert call(one, two) == call(None, None) == SYS_UNSUPPORTED
    assert himpi.sys_full_init() == SYS_UNSUPPORTED


def test_pools_are_not_of_cards() -> None:
    config = {"blk_size": 4096, "blk_cnt": 2, "remap_mode": 0, "mmz_name": ""}
    assert himpi.vb_create_pool(config) == himpi.vb_create_pool(None) == 0xFFFFFFFF
    assert himpi.vb_get_block(1, 100, None) == himpi.vb_get_block(1, 100, "x") == 0xFFFFFFFF
    assert himpi.vb_handle_to_addr(1) == 0
    for name in ("destroy_pool", "release_block", "block_copyref"):
        assert getattr(himpi, f"vb_{name}")(1) == SYS_UNSUPPORTED


IN, ADD, MODIFY, DELETE = 1, 1, 2, 3


def test_waiting() -> None:
    instance, ret = himpi.sys_create_epoll(10)
    assert ret == 0
    attr = {"type": 26, "mode": 1, "pic_width": 640, "pic_height": 480, "stream_buf_size": 1 << 19}
    assert himpi.vdec_create_chn(5, attr) == 0
    descriptor = himpi.vdec_get_fd(5)
    event = {"events": IN, "data": 42}
    assert himpi.sys_ctl_epoll(instance, MODIFY, descriptor, event) == SYS_UNEXIST
    assert himpi.sys_ctl_epoll(instance, ADD, descriptor, None) == SYS_NULL
    assert himpi.sys_ctl_epoll(instance, ADD, descriptor, event) == 0
    assert himpi.sys_ctl_epoll(instance, ADD, descriptor, event) == SYS_EXIST
    assert himpi.sys_ctl_epoll(instance, 4, descriptor, event) == SYS_ILLEGAL
    assert himpi.sys_ctl_epoll(instance, ADD, 9999, event) == SYS_ILLEGAL
    assert himpi.sys_wait_epoll(instance, 4, 0) == ([], 0, 0)
    started = time.monotonic()
    assert himpi.sys_wait_epoll(instance, 4, 30) == ([], 0, 0)
    assert time.monotonic() - started >= 0.03
    assert himpi.vdec_start_recv_stream(5) == 0
    end = {"end_of_frame": True, "end_of_stream": True, "len": 0}
    assert himpi.vdec_send_stream(5, end, {}, -1) == 0
    assert himpi.sys_wait_epoll(instance, 4, 5000) == ([event], 1, 0)
    assert himpi.sys_ctl_epoll(instance, DELETE, descriptor, None) == 0
    assert himpi.sys_ctl_epoll(instance, DELETE, descriptor, None) == SYS_UNEXIST
    assert himpi.sys_wait_epoll(instance, 0, 0) == ([], 0, SYS_ILLEGAL)
    assert himpi.sys_wait_epoll(instance, 4, -2) == ([], 0, SYS_ILLEGAL)
    assert himpi.vdec_stop_recv_stream(5) == himpi.vdec_destroy_chn(5) == 0
    assert himpi.sys_close_epoll(instance) == 0
    assert himpi.sys_close_epoll(instance) == SYS_UNEXIST
    assert himpi.sys_wait_epoll(instance, 4, 0) == ([], 0, SYS_UNEXIST)
    assert himpi.sys_create_epoll(0)[1] == SYS_ILLEGAL


def test_strides_for_several_engines() -> None:
    get, base = himpi.sys_get_image_align_info, {"width": 200, "height": 100, "pixel_format": NV12}
    for modules, stride, rows in (([0], 208, 100), ([0, 4], 256, 112), ([100], 256, 112)):
        info, ret = get(modules, base)
        assert ret == 0
        found = (info["width_stride"], info["height_stride"], info["img_buf_size"])
        assert found == (stride, rows, stride * rows * 3 // 2)
        assert get(modules, len(modules), base) == (info, 0)  # as in C
    assert get([9], base)[1] == get([], base)[1] == SYS_ILLEGAL
    assert get([1], {"width": 640, "height": 480, "pixel_format": RGB})[1] == SYS_UNSUPPORTED
    assert get([0], None)[1] == get(None, base)[1] == SYS_NULL


# ---- pictures ----


@pytest.fixture
def chn() -> Iterator[int]:
    assert himpi.vpc_create_chn(3, {"attr": 0}) == 0
    yield 3
    assert himpi.vpc_destroy_chn(3) == 0


@pytest.fixture
def t(chn: int) -> Iterator[SimpleNamespace]:
    planes = formats.random_planes(WIDTH, HEIGHT, NV12)
    with (
        Canvas(WIDTH, HEIGHT, NV12).write(planes) as source,
        Canvas(WIDTH, HEIGHT, NV12) as target,
    ):
        yield SimpleNamespace(
            chn=chn, planes=planes, source=source, target=target, s=info(source), d=info(target)
        )


def info(canvas: Canvas) -> Struct:
    return {
        "picture_address": canvas.memory.address,
        "picture_buffer_size": canvas.nbytes,
        "picture_width": canvas.width,
        "picture_height": canvas.height,
        "picture_width_stride": canvas.stride,
        "picture_height_stride": canvas.rows,
        "picture_format": canvas.format,
    }


def run(call: Callable[..., Any], chn: int, *arguments: Any) -> int:
    """Queue, wait; (task, ret) comes back."""
    task, ret = call(chn, *arguments, -1)
    return ret or himpi.vpc_get_process_result(chn, task, -1)  # type: ignore[no-any-return]


def area(left: int, top: int, width: int, height: int) -> Struct:
    return {
        "left_offset": left, "top_offset": top, "crop_width": width, "crop_height": height,
    }  # fmt: skip


def size(width: int, height: int) -> Struct:
    return {"resize_width": width, "resize_height": height, "interpolation": 0}


def cut(planes: Planes, left: int, top: int, width: int, height: int) -> Planes:
    return [
        plane[top // n : (top + height) // n, left // n : (left + width) // n]
        for plane, n in zip(planes, (1, 2, 2), strict=True)
    ]


def scaled(planes: Planes, width: int, height: int) -> Planes:
    luma, chroma = card_model.resize_nv12(planes[0], np.stack(planes[1:], -1), (width, height))
    return [luma, chroma[..., 0], chroma[..., 1]]


def same(ours: Planes, wanted: Planes) -> None:
    for mine, plane in zip(ours, wanted, strict=True):
        np.testing.assert_array_equal(mine, plane)


def scalar(*values: float) -> Struct:
    return {"val": [*values, *[0] * (4 - len(values))]}


def lies_at(ours: Planes, left: int, top: int, wanted: Planes) -> None:
    """All else is as it was."""
    height, width = wanted[0].shape
    same(cut(ours, left, top, width, height), wanted)
    for plane, n in zip(ours, (1, 2, 2), strict=True):
        plane[top // n : (top + height) // n, left // n : (left + width) // n] = 0xA5
        assert (plane == 0xA5).all()


def test_matrices(chn: int) -> None:
    get, put = himpi.sys_get_chn_csc_matrix, himpi.sys_set_chn_csc_matrix
    number, coefficients, ret = get(VPC, chn)
    assert (number, ret) == (0, 0)
    assert set(coefficients) == {"yuv_to_rgb_coefficient", "rgb_to_yuv_coefficient"}
    for matrix in range(6):
        assert put(VPC, chn, matrix, None) == put(VPC, chn, matrix, {}) == 0
        assert get(VPC, chn)[0::2] == (matrix, 0)
    assert put(VPC, chn, 6, None) == SYS_ILLEGAL
    coefficients["yuv_to_rgb_coefficient"]["csc_bias_r1"] = 100.5
    assert put(VPC, chn, 100, coefficients) == 0
    assert get(VPC, chn) == (100, coefficients, 0)
    assert put(6, chn, 0, None) == SYS_UNSUPPORTED
    assert put(VPC, chn, 100, None) == SYS_NULL
    assert get(VPC, 99)[2] == put(VPC, 99, 0, None) == UNEXIST


def test_crop_resize(t: SimpleNamespace) -> None:
    run_it = himpi.vpc_crop_resize
    with Canvas(32, 24, NV12) as small:
        regions = [
            {
                "dest_pic_info": info(target),
                "crop_region": area(16, 8, 32, 24),
                "resize_info": size(target.width, target.height),
            }
            for target in (small, t.target)
        ]
        assert run(run_it, t.chn, t.s, regions) == 0
        piece = cut(t.planes, 16, 8, 32, 24)
        same(small.read(), piece)
        same(t.target.read(), scaled(piece, WIDTH, HEIGHT))
        assert run(run_it, t.chn, t.s, regions, 2) == 0
    bad = {**regions[1], "resize_info": size(32, 24)}
    assert run(run_it, t.chn, t.s, [bad]) == ILLEGAL
    bad = {**regions[1], "crop_region": area(48, 8, 32, 24)}
    assert run(run_it, t.chn, t.s, [bad]) == ILLEGAL
    assert run(run_it, t.chn, t.s, []) == ILLEGAL
    assert run(run_it, t.chn, t.s, None) == NULL
    assert run(run_it, t.chn, None, regions[1:]) == NULL
    assert run_it(99, t.s, regions[1:], -1)[1] == UNEXIST


def paste(t: SimpleNamespace, left: int = 32, top: int = 16) -> Struct:
    return {
        "dest_pic_info": t.d,
        "crop_region": area(0, 0, WIDTH, HEIGHT),
        "resize_info": size(32, 24),
        "dest_top_offset": top,
        "dest_left_offset": left,
    }


def test_crop_resize_paste(t: SimpleNamespace) -> None:
    assert run(himpi.vpc_crop_resize_paste, t.chn, t.s, [paste(t)]) == 0
    lies_at(t.target.read(), 32, 16, scaled(t.planes, 32, 24))
    assert run(himpi.vpc_crop_resize_paste, t.chn, t.s, [paste(t, left=48)]) == ILLEGAL
    assert run(himpi.vpc_crop_resize_paste, t.chn, None, [paste(t)]) == NULL


def test_crop_resize_resize_paste(t: SimpleNamespace) -> None:
    region = {
        **paste(t), "resize_info1": size(48, 36), "resize_info2": size(32, 24),
    }  # fmt: skip
    call = himpi.vpc_crop_resize_resize_paste
    assert run(call, t.chn, t.s, [region]) == 0
    lies_at(t.target.read(), 32, 16, scaled(scaled(t.planes, 48, 36), 32, 24))
    assert run(call, t.chn, t.s, [{**region, "resize_info1": size(47, 36)}]) == ILLEGAL
    assert run(call, t.chn, None, [region]) == NULL


def border(t: SimpleNamespace) -> Struct:
    """The picture at half its size, in the middle of 64x48, in a frame of one colour."""
    return {
        **paste(t, 16, 12), "border_type": 0, "scalar_value": scalar(11, 22, 33),
    }  # fmt: skip


def is_framed(ours: Planes, wanted: Planes) -> None:
    for mine, plane, value, n in zip(ours, wanted, (11, 22, 33), (1, 2, 2), strict=True):
        y, x = 12 // n, 16 // n
        framed = cv2.copyMakeBorder(plane, y, y, x, x, cv2.BORDER_CONSTANT, value=value)
        np.testing.assert_array_equal(mine, framed)


def test_crop_resize_make_border(t: SimpleNamespace) -> None:
    call = himpi.vpc_crop_resize_make_border
    assert run(call, t.chn, t.s, [border(t)]) == 0
    is_framed(t.target.read(), scaled(t.planes, 32, 24))
    assert run(call, t.chn, t.s, [{**border(t), "border_type": 9}]) == ILLEGAL
    assert run(call, t.chn, None, [border(t)]) == NULL


@pytest.mark.parametrize("kind", ["paste", "make_border"])
def test_batches(t: SimpleNamespace, kind: str) -> None:
    """Of two pictures, one region each."""
    call = getattr(himpi, f"vpc_batch_crop_resize_{kind}")
    make = paste if kind == "paste" else border
    planes = formats.random_planes(WIDTH, HEIGHT, NV12, seed=9)
    with (
        Canvas(WIDTH, HEIGHT, NV12).write(planes) as other,
        Canvas(WIDTH, HEIGHT, NV12) as second,
    ):
        regions = [make(t), {**make(t), "dest_pic_info": info(second)}]
        sources = [t.s, info(other)]
        assert run(call, t.chn, sources, regions, [1, 1]) == 0
        for source, target in ((t.planes, t.target), (planes, second)):
            small = scaled(source, 32, 24)
            if kind == "paste":
                lies_at(target.read(), 32, 16, small)
            else:
                is_framed(target.read(), small)
        bad = {**regions[0], "crop_region": area(2, 0, WIDTH, HEIGHT)}
        assert run(call, t.chn, sources, [bad, regions[1]], [1, 1]) == ILLEGAL
        assert run(call, t.chn, sources, [], [0, 0]) == ILLEGAL


def test_make_border(t: SimpleNamespace) -> None:
    call = himpi.vpc_copy_make_border
    rule = {"top": 12, "bottom": 12, "left": 16, "right": 16, "border_type": 0}
    rule["scalar_value"] = scalar(11, 22, 33)
    with Canvas(32, 24, NV12).write(cut(t.planes, 0, 0, 32, 24)) as small:
        assert run(call, t.chn, info(small), t.d, rule) == 0
        is_framed(t.target.read(), cut(t.planes, 0, 0, 32, 24))
        assert run(call, t.chn, info(small), t.d, {**rule, "border_type": 9}) == ILLEGAL
        assert run(call, t.chn, info(small), t.d, {**rule, "top": 14}) == ILLEGAL
        with pytest.raises(TypeError, match="make_border_info is a dict"):  # by value in C
            call(t.chn, info(small), t.d, None, -1)
        assert run(call, t.chn, None, t.d, rule) == NULL


def test_colours(t: SimpleNamespace) -> None:
    with Canvas(WIDTH, HEIGHT, RGB) as rgb, Canvas(WIDTH, HEIGHT, RGBA) as alpha:
        assert run(himpi.vpc_convert_color, t.chn, t.s, info(rgb)) == 0
        wanted = formats.to_rgb(formats.full_size(t.planes), 0)
        assert abs(np.stack(rgb.read()) - wanted).max() <= 1
        assert run(himpi.vpc_convert_color, t.chn, t.s, None) == NULL
        call = himpi.vpc_convert_color_v2
        assert run(call, t.chn, info(rgb), info(alpha), {"alpha": 77}) == 0
        assert (alpha.alpha() == 77).all()
        same(alpha.read(), rgb.read())
        assert run(call, t.chn, info(rgb), info(alpha), {"alpha": 256}) == ILLEGAL
        assert run(call, t.chn, info(rgb), info(alpha), None) == NULL
        # What the host reads is the picture: dicts need all of it to be right.
        wrong = {**t.s, "picture_address": 0x1000}
        assert run(himpi.vpc_convert_color, t.chn, wrong, info(rgb)) == BAD_ADDRESS


def test_to_yuv420(t: SimpleNamespace) -> None:
    call, planes = himpi.vpc_convert_color_to_yuv420, formats.random_planes(WIDTH, HEIGHT, YUYV)
    with Canvas(WIDTH, HEIGHT, YUYV).write(planes) as source, Canvas(WIDTH, HEIGHT, RGB) as wrong:
        assert run(call, t.chn, info(source), t.d) == 0
        np.testing.assert_array_equal(t.target.read()[0], planes[0])
        assert run(call, t.chn, info(source), info(wrong)) == UNSUPPORTED
        assert run(call, t.chn, None, t.d) == NULL


def test_histogram(t: SimpleNamespace) -> None:
    """It is written when the task ran: into memory of the program."""
    bins = np.zeros((3, 256), np.uint32)
    assert run(himpi.vpc_calc_hist, t.chn, t.s, acl.util.numpy_to_ptr(bins)) == 0
    for plane, counts in zip(t.planes, bins, strict=True):
        np.testing.assert_array_equal(counts, np.bincount(plane.ravel(), minlength=256))
    assert run(himpi.vpc_calc_hist, t.chn, t.s, 0) == NULL
    assert run(himpi.vpc_calc_hist, t.chn, None, acl.util.numpy_to_ptr(bins)) == NULL


def test_table(t: SimpleNamespace) -> None:
    maps = np.random.default_rng(4).integers(0, 256, (3, 256))
    names = ("map_value_y_or_r", "map_value_u_or_g", "map_value_v_or_b")
    table = {name: one.tolist() for name, one in zip(names, maps, strict=True)}
    assert run(himpi.vpc_equalize_hist, t.chn, t.s, t.d, table) == 0
    same(t.target.read(), [maps[i][plane] for i, plane in enumerate(t.planes)])
    assert run(himpi.vpc_equalize_hist, t.chn, t.s, t.d, None) == NULL
    with Canvas(32, 24, NV12) as small:
        assert run(himpi.vpc_equalize_hist, t.chn, t.s, info(small), table) == ILLEGAL


def test_pyramid(chn: int) -> None:
    planes, call = formats.random_planes(160, 96, GREY), himpi.vpc_pyrdown
    rule = {"top": 2, "bottom": 2, "left": 2, "right": 2, "border_type": 1}
    with (
        Canvas(160, 96, GREY).write(planes) as source,
        Canvas(80, 48, GREY) as one,
        Canvas(40, 24, GREY) as two,
    ):
        levels = [info(one), info(two)]
        assert run(call, chn, info(source), levels, 2, None, 256, rule) == 0
        plane = planes[0]
        kernel = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])
        for level in (one, two):
            around = cv2.copyMakeBorder(plane, 2, 2, 2, 2, cv2.BORDER_REPLICATE).astype(float)
            sums = cv2.filter2D(around, -1, kernel.astype(float))[2:-2, 2:-2]
            plane = ((sums + 128) // 256)[::2, ::2].astype(np.uint8)
            np.testing.assert_array_equal(level.read()[0], plane)
        good = (info(source), levels, 2, None, 256, rule)
        for place, value, wanted in ((2, 0, ILLEGAL), (2, 5, ILLEGAL), (4, 3, ILLEGAL),
                                     (0, None, NULL)):  # fmt: skip
            arguments = [*good[:place], value, *good[place + 1 :]]
            assert run(call, chn, *arguments) == wanted, place
        assert run(call, chn, *good[:5], {**rule, "border_type": 9}) == ILLEGAL


KERNELS = ["blur", "dilate", "erode", "filter2d", "flip", "gaussian_blur", "median_blur", "rotate"]


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_are_of_another_chip(t: SimpleNamespace, name: str) -> None:
    """The chip that softnpu plays here has none of them."""
    call = getattr(himpi, f"vpc_{name}")
    assert run(call, t.chn, {"src": t.s, "dst": t.d}) == UNSUPPORTED
    assert (np.stack(t.target.read()[1:]) == 0xA5).all()
    with pytest.raises(TypeError, match=f"vpc_{name}"):
        call(t.chn, 3.5, -1)


FILES = ["kernels", "draw", "png", "venc"]


def test_kernels_on_310b() -> None:
    """Their tests, in a process that plays another chip."""
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            *(f"tests/pyacl/{name}_on_310b.py" for name in FILES),
        ],
        cwd=ROOT,
        env=os.environ | {"SOFTNPU_SOC": "Ascend310B4", "PYTHONPATH": str(ROOT)},
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stdout[-4000:]
