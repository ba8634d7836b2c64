"""Encoders and regions of a 310B, given as dicts; run as Ascend310B4 by test_table_himpi.py."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from acl_fast import pyacl as acl
from tests.pyacl.test_table_codecs import (
    CHN,
    H264,
    H265,
    ILLEGAL,
    INVALID_ID,
    NULL,
    UNEXIST,
    UNSUPPORTED,
    VENC,
    Room,
    Struct,
    encoder,
    fetch,
    frame_of,
    host,
    initialised,
    jpeg_attr,
    room,
    still,
    venc_attr,
)
from tests.venc.venc import bikes, decode

__all__ = ["initialised", "room"]
himpi: Any = acl.himpi
rt: Any = acl.rt
RGN, EXIST, NOT_PERM = 0xA0038000, 4, 9
GROUP = {"mod_id": 62, "dev_id": 3, "chn_id": 0}
BITS = {33: 16, 25: 16, 14: 32, 41: 2, 42: 4}


@pytest.mark.parametrize("kind", [H264, H265])
def test_video_without_colours(room: Room, kind: int) -> None:
    picture = bikes(1).frames[0]
    with encoder(venc_attr(kind)):
        param = himpi.venc_get_chn_param(CHN)[0] | {"color_to_grey_en": 1}
        assert himpi.venc_set_chn_param(CHN, param) == 0
        assert himpi.venc_send_frame(CHN, frame_of(picture, room), -1) == 0
        (ours,) = decode([fetch()[0]], hevc=kind == H265).frames
        crop = {"crop_info": {"enable": 1}}
        assert himpi.venc_set_chn_param(CHN, param | crop) == VENC | UNSUPPORTED
    assert np.ptp(picture[272:]) > 20
    assert abs(ours[272:].astype(int) - 128).max() <= 1
    assert abs(ours[:272].astype(int) - picture[:272]).mean() < 2


def test_files_without_colours(room: Room) -> None:
    frame, luma = still(room)
    with encoder(jpeg_attr(1 << 21)):
        param = himpi.venc_get_chn_param(CHN)[0] | {"color_to_grey_en": 1}
        assert himpi.venc_set_chn_param(CHN, param) == 0
        assert himpi.venc_send_frame(CHN, frame, -1) == 0
        image = Image.open(io.BytesIO(fetch()[0]))
    image.draft("YCbCr", None)
    ours = np.asarray(image).astype(int)
    assert abs(ours[..., 1:] - 128).max() == 0
    assert abs(ours[..., 0] - luma).mean() < 1


def test_what_a_310p_has_and_has_not(room: Room) -> None:
    assert himpi.venc_create_chn(128, venc_attr()) == VENC | INVALID_ID
    assert himpi.venc_get_qpmap_stride(640) == himpi.venc_get_qpmap_size(H264, 640, 272) == 0
    with encoder(venc_attr(H265)):
        refresh = himpi.venc_get_intra_refresh(CHN)[0]
        assert refresh["refresh_num"] == 2  # of 9 rows of 32 pixels
        refresh |= {"refresh_enable": 1, "intra_refresh_mode": 1}
        assert himpi.venc_set_intra_refresh(CHN, refresh) == 0  # 20 columns
        assert himpi.venc_get_streamcopy_param(CHN)[1] == VENC | UNSUPPORTED
        assert himpi.venc_set_streamcopy_param(CHN, {"copy_en": 0}) == VENC | UNSUPPORTED
        rates = {"qp_map_valid": 1, "qp_map_phy_addr": room(4096)}
        given = {"user_frame": frame_of(bikes(1).frames[0], room), "user_rc_info": rates}
        assert himpi.venc_send_frame_ex(CHN, given, -1) == VENC | UNSUPPORTED


def overlay(pixel_format: int) -> dict[str, Any]:
    attr = {
        "pixel_format": pixel_format,
        "bg_color": 1,
        "size": {"width": 30, "height": 8},
        "canvas_num": 2,
    }
    return {"type": 2, "attr": {"overlayex": attr}}


unified = pytest.mark.skipif(rt.get_run_mode()[0] != 0, reason="of a program on the device")


@unified
@pytest.mark.parametrize("pixel_format", BITS)
def test_canvases(pixel_format: int) -> None:
    """Both begin with the background; which one the program paints changes with each update."""
    bits = BITS[pixel_format]
    assert himpi.rgn_create(7, overlay(pixel_format)) == 0
    assert himpi.rgn_create(7, overlay(pixel_format)) == RGN | EXIST
    assert himpi.rgn_update_canvas(7) == RGN | NOT_PERM
    seen = []
    for _ in range(3):
        canvas, ret = himpi.rgn_get_canvas_info(7)
        assert (canvas["size"], canvas["pixel_format"], ret) == (
            {"width": 30, "height": 8},
            pixel_format,
            0,
        )
        assert canvas["stride"] == -(-30 * bits // 128) * 16
        data = host(canvas["virt_addr"], canvas["stride"] * 8)
        assert (np.unpackbits(data).reshape(-1, bits).sum(1) == 1).all()
        seen.append(canvas["virt_addr"])
        assert himpi.rgn_update_canvas(7) == 0
    assert seen[0] == seen[2] != seen[1]
    assert himpi.rgn_destroy(7) == 0
    assert himpi.rgn_destroy(7) == himpi.rgn_get_canvas_info(7)[1] == RGN | UNEXIST


@unified
def test_places() -> None:
    shown = {"point": {"x": 2, "y": 4}, "fg_alpha": 255, "bg_alpha": 0, "layer": 7}
    rect = {"x": -2, "y": 4, "width": 16, "height": 8}
    cases: dict[int, tuple[str, Struct, Struct]] = {
        2: ("overlayex_chn", shown, {"layer": 8, "fg_alpha": 256, "point": {"x": 1, "y": 0}}),
        1: (
            "cover_chn",
            {"cover": {"type": 0, "rect": rect, "color": 5}, "layer": 7, "coord": 0},
            {"layer": 8},
        ),
        5: (
            "mosaic_chn",
            {"rect": rect, "blk_size": 1, "layer": 3},
            {"layer": 4, "blk_size": 0, "rect": rect | {"width": 7}},
        ),
    }
    for kind, (member, attr, wrong) in cases.items():
        most = 4 if kind == 5 else 8
        for handle in range(most + 1):
            assert himpi.rgn_create(handle, overlay(14) if kind == 2 else {"type": kind}) == 0
        given = {"is_show": 1, "type": kind, "attr": {member: attr}}
        assert himpi.rgn_get_display_attr(0, GROUP)[1] == RGN | UNEXIST
        assert himpi.rgn_set_display_attr(0, GROUP, given) == RGN | UNEXIST
        for handle in range(most):
            assert himpi.rgn_attach_to_chn(handle, GROUP, given) == 0
        assert himpi.rgn_attach_to_chn(most, GROUP, given) == RGN | NOT_PERM
        hidden = given | {"is_show": 0}
        assert himpi.rgn_attach_to_chn(0, GROUP, hidden) == 0  # which changes nothing
        told, ret = himpi.rgn_get_display_attr(0, GROUP)
        assert (told["is_show"], told["type"], ret) == (1, kind, 0)
        told["attr"][member].get("cover", {}).pop("quad", None)  # of the union
        assert told["attr"][member] == attr
        assert himpi.rgn_set_display_attr(0, GROUP, hidden) == 0
        assert himpi.rgn_get_display_attr(0, GROUP)[0]["is_show"] == 0
        for key, value in wrong.items():
            bad = given | {"attr": {member: attr | {key: value}}}
            assert himpi.rgn_set_display_attr(0, GROUP, bad) == RGN | ILLEGAL, (member, key)
        assert himpi.rgn_set_display_attr(0, GROUP, given | {"type": 3}) == RGN | ILLEGAL
        assert himpi.rgn_attach_to_chn(0, GROUP | {"mod_id": 8}, given) == RGN | UNSUPPORTED
        assert himpi.rgn_attach_to_chn(0, GROUP | {"dev_id": 256}, given) == RGN | ILLEGAL
        second = himpi.rgn_attach_to_chn(0, GROUP | {"chn_id": 1}, given)
        assert second == (0 if kind == 2 else RGN | ILLEGAL)
        assert himpi.rgn_attach_to_chn(0, None, given) == RGN | NULL
        assert himpi.rgn_attach_to_chn(0, GROUP, None) == RGN | NULL
        for _ in range(2):
            assert himpi.rgn_detach_from_chn(0, GROUP) == 0
        assert himpi.rgn_attach_to_chn(most, GROUP, given) == 0
        assert (himpi.rgn_update_canvas(0) == RGN | UNSUPPORTED) is (kind != 2)
        for handle in range(most + 1):
            assert himpi.rgn_destroy(handle) == 0


def test_misuse_of_regions() -> None:
    if rt.get_run_mode()[0] != 0:
        assert himpi.rgn_create(1, {"type": 1}) == RGN | UNSUPPORTED
        return
    for kind in (0, 3, 4, 6, 7):
        assert himpi.rgn_create(1, {"type": kind}) == RGN | UNSUPPORTED
    for wrong in (
        {"pixel_format": 12},
        {"bg_color": 1 << 16},
        {"canvas_num": 3},
        {"size": {"width": 3, "height": 8}},
        {"size": {"width": 8194, "height": 8}},
    ):
        given = overlay(33)
        given["attr"]["overlayex"] |= wrong
        assert himpi.rgn_create(1, given) == RGN | ILLEGAL, wrong
    assert himpi.rgn_create(1, None) == RGN | NULL
    assert himpi.rgn_create(1024, {"type": 1}) == RGN | INVALID_ID
    assert himpi.rgn_detach_from_chn(1, GROUP) == RGN | UNEXIST
