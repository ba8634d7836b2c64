"""Drawing and warping given as dicts; run as Ascend310B4 by test_table_himpi.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest

from acl_fast import pyacl as acl
from tests.dvpp import formats
from tests.dvpp.formats import GREY, NV12, RGB, Canvas
from tests.pyacl.kernels_on_310b import chn as chn
from tests.pyacl.test_table_himpi import ILLEGAL, NULL, Struct, info, run
from tests.vdec.vdec import Memory

himpi: Any = acl.himpi
SIZE = (46, 30)
RECT = {"x": 4, "y": 6, "width": 20, "height": 10}
NOT_PERM = 0xA0078009


@pytest.fixture
def pictures() -> Iterator[tuple[Canvas, Canvas, np.ndarray]]:
    planes = formats.random_planes(*SIZE, RGB, seed=2)
    with Canvas(*SIZE, RGB).write(planes) as source, Canvas(*SIZE, RGB) as target:
        yield source, target, np.dstack(planes)


def draw(chn: int, name: str, pictures: Any, member: str, things: Any, **more: Any) -> np.ndarray:
    source, target, _ = pictures
    call = getattr(himpi, f"vpc_draw_{name}")
    struct = {"src": info(source), "dst": info(target), "count": len(things), member: things}
    assert run(call, chn, struct | more) == 0
    assert run(call, chn, None) == NULL
    assert run(call, chn, struct | more | {"count": 0}) == ILLEGAL
    assert run(call, chn, struct | more | {member: None}) == NULL
    with pytest.raises(ValueError, match="count"):
        run(call, chn, struct | more | {"count": len(things) + 1})
    with pytest.raises(TypeError, match=f"vpc_draw_{name}"):
        run(call, chn, struct | more | {member: [3] * len(things)})
    return np.dstack(target.read())


def test_cover(chn: int, pictures: Any) -> None:
    points = [{"x": x, "y": y} for x, y in ((30, 2), (40, 2), (40, 12), (30, 12))]
    covers: list[Struct] = [
        {"type": 0, "rect": RECT, "color": 0x102030},
        {"type": 1, "quad": {"is_solid": 1, "point": points}, "color": 0xFF0001},
    ]
    ours, wanted = draw(chn, "cover", pictures, "cover", covers), pictures[2].copy()
    wanted[6:16, 4:24] = 0x10, 0x20, 0x30
    wanted[2:13, 30:41] = 0xFF, 0, 1
    np.testing.assert_array_equal(ours, wanted)


def test_line(chn: int, pictures: Any) -> None:
    line = {"start_point": {"x": 5, "y": 10}, "end_point": {"x": 40, "y": 10}, "thick": 2}
    ours = draw(chn, "line", pictures, "line", [line | {"color": 0x00FF00}])
    wanted = pictures[2].copy()
    wanted[9:12, 5:41] = wanted[10, 4] = wanted[10, 41] = 0, 255, 0
    np.testing.assert_array_equal(ours, wanted)


def test_mosaic(chn: int, pictures: Any) -> None:
    rect = {"x": 8, "y": 8, "width": 16, "height": 16}
    ours = draw(chn, "mosaic", pictures, "mosaic", [{"blk_size": 1, "rect": rect}])
    wanted = pictures[2].copy()
    blocks = wanted[8:24, 8:24].reshape(2, 8, 2, 8, 3).astype(int).sum((1, 3))
    wanted[8:24, 8:24] = ((blocks + 32) // 64).repeat(8, 0).repeat(8, 1)
    np.testing.assert_array_equal(ours, wanted)


def test_osd(chn: int, pictures: Any) -> None:
    memory = Memory(20 * 10 // 2)
    memory.write(bytes([0x12] * memory.nbytes))
    osd = {"rect": RECT, "pixel_format": 42, "picture_address": memory.address, "stride": 10}
    clut = [0, 0xFF0A141E, 0x80FFFFFF]
    ours = draw(chn, "osd", pictures, "osd", [osd], clut=clut)
    memory.free()
    wanted = pictures[2].copy()
    part = wanted[6:16, 4:24]
    part[:, ::2] = 10, 20, 30
    part[:, 1::2] = (128 * 255 + 127 * part[:, 1::2].astype(int) + 127) // 255
    np.testing.assert_array_equal(ours, wanted)


def point(x: float, y: float) -> Struct:
    return {"x": x, "y": y}


FROM, TO = [(4, 4), (40, 6), (8, 26)], [(0, 0), (45, 0), (0, 29)]


def pairs(count: int = 3) -> Struct:
    return {
        "src_point": [point(*p) for p in FROM] + [point(42, 28)] * (count - 3),
        "dest_point": [point(*p) for p in TO] + [point(45, 29)] * (count - 3),
        "src_point_count": count,
        "dest_point_count": count,
    }


def transform(source: Canvas, target: Canvas) -> Struct:
    config = {"interpolation": 0, "border_type": 1}
    return {"src": info(source), "dst": info(target), "transform_config": config}


def close(target: Canvas, wanted: np.ndarray) -> None:
    assert abs(np.dstack(target.read()).astype(int) - wanted).max() <= 9  # OpenCV's places


def test_warp_affine(chn: int, pictures: Any) -> None:
    source, target, pixels = pictures
    matrix, ret = himpi.vpc_get_affine_transform(pairs())
    there = cv2.getAffineTransform(np.float32(FROM), np.float32(TO))
    assert (ret, matrix["matrix_type"]) == (0, 0)
    np.testing.assert_allclose(np.reshape(matrix["matrix"], (3, 4))[:2, :3], there, 1e-5, 1e-4)
    assert run(himpi.vpc_warp_affine, chn, matrix, transform(source, target)) == 0
    close(target, cv2.warpAffine(pixels, there, SIZE, borderMode=cv2.BORDER_REPLICATE))
    turn, ret = himpi.vpc_get_rotation_matrix(point(20, 15), 30.0, 1.5)
    assert ret == 0
    there = cv2.getRotationMatrix2D((20, 15), 30, 1.5)
    np.testing.assert_allclose(np.reshape(turn["matrix"], (3, 4))[:2, :3], there, 1e-5, 1e-5)
    assert run(himpi.vpc_warp_affine, chn, turn, transform(source, target)) == 0
    close(target, cv2.warpAffine(pixels, there, SIZE, borderMode=cv2.BORDER_REPLICATE))
    assert run(himpi.vpc_warp_affine, chn, None, transform(source, target)) == NULL
    assert himpi.vpc_get_affine_transform(pairs() | {"src_point_count": 2})[1] == ILLEGAL
    assert himpi.vpc_get_rotation_matrix(point(20, 15), 30.0, 0.0)[1] == ILLEGAL


def test_lut_remap(chn: int, pictures: Any) -> None:
    source, target, pixels = pictures
    size, ret = himpi.vpc_get_lut_mem_size(*SIZE)
    assert (ret, himpi.vpc_get_lut_mem_size(1, 1)[1]) == (0, ILLEGAL)
    memory = Memory(size)
    lut = {"src_pic_width": 46, "src_pic_height": 30, "dest_pic_width": 46, "dest_pic_height": 30}
    lut |= {"lut": memory.address, "lut_size": size}
    border = {"borderMode": cv2.BORDER_REPLICATE}

    def remapped(made: Struct, ret: int, wanted: np.ndarray) -> None:
        assert ret == 0
        assert {name: made[name] for name in lut} == lut
        assert run(himpi.vpc_lut_remap, chn, transform(source, target), made) == 0
        close(target, wanted)

    there = cv2.getAffineTransform(np.float32(FROM), np.float32(TO))
    remapped(
        *himpi.vpc_get_affine_lut(pairs(), 0, lut), cv2.warpAffine(pixels, there, SIZE, **border)
    )
    corners = (np.float32([*FROM, (42, 28)]), np.float32([*TO, (45, 29)]))
    view = cv2.getPerspectiveTransform(*corners)
    remapped(*himpi.vpc_get_perspective_lut(pairs(4), 0, lut),
             cv2.warpPerspective(pixels, view, SIZE, **border))  # fmt: skip
    y, x = np.mgrid[:30, :46].astype(np.float32)
    maps = [np.ascontiguousarray(45 - x), np.ascontiguousarray(y * 0.5 + 3)]
    param = {name: lut[name] for name in lut if name.endswith(("width", "height"))}
    param |= {"map1": maps[0].ctypes.data, "map2": maps[1].ctypes.data, "map_size": maps[0].nbytes}
    remapped(*himpi.vpc_get_remap_lut(param, lut), cv2.remap(pixels, *maps, cv2.INTER_LINEAR))
    for call, arguments in ((himpi.vpc_get_affine_lut, (pairs(), 0)),
                            (himpi.vpc_get_perspective_lut, (pairs(4), 0)),
                            (himpi.vpc_get_remap_lut, (param,))):  # fmt: skip
        assert call(*arguments, None)[1] == NULL
        assert call(*arguments, lut | {"lut_size": size - 1})[1] == ILLEGAL
    assert run(himpi.vpc_lut_remap, chn, transform(source, target), None) == NULL
    memory.free()


def test_workspace(chn: int) -> None:
    sides = dict.fromkeys(("max_source_pic_width", "max_source_pic_height", "max_dest_pic_width",
                           "max_dest_pic_height"), 64)  # fmt: skip
    both = [{"func": 0, **sides}, {"func": 1, **sides}]
    assert himpi.vpc_set_chn_workspace(chn, None, 0) == NULL
    assert himpi.vpc_set_chn_workspace(chn, [], 0) == ILLEGAL
    assert himpi.vpc_set_chn_workspace(chn, [{"func": 7, **sides}], 1) == ILLEGAL
    assert himpi.vpc_set_chn_workspace(chn, both, 2) == 0
    assert himpi.vpc_set_chn_workspace(chn, both) == NOT_PERM
    with pytest.raises(TypeError, match="vpc_set_chn_workspace"):
        himpi.vpc_set_chn_workspace(chn, 3, 1)


def test_refused(chn: int) -> None:
    """No card has these."""
    unsupported = 0xA0078008
    assert himpi.vpc_set_chn_opt_attr(chn, {}) == unsupported
    assert himpi.vpc_set_roundview_stitching_param(chn, {}) == unsupported
    assert himpi.vpc_get_roundview_stitching_param(chn)[-1] == unsupported
    assert himpi.vpc_roundview_stitching(chn, {}, 0)[-1] == unsupported


def test_grey_and_nv12(chn: int) -> None:
    for pixel_format in (GREY, NV12):
        planes = formats.random_planes(*SIZE, pixel_format, seed=3)
        with Canvas(*SIZE, pixel_format).write(planes) as canvas:
            struct = {"src": info(canvas), "dst": info(canvas), "count": 1}
            cover = {"type": 0, "rect": RECT, "color": 0xFFFFFF}
            assert run(himpi.vpc_draw_cover, chn, struct | {"cover": [cover]}) == 0
            assert (canvas.read()[0][6:16, 4:24] == 255).all()
