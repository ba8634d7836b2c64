"""acl.himpi, decoders and encoders: files and packets, parameters, and what is refused."""

from __future__ import annotations

import contextlib
import io
import select
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from acl_fast import pyacl as acl
from tests.venc.venc import bikes, decode, psnr, units

himpi: Any = acl.himpi
Struct = dict[str, Any]
VDEC, VENC, PNGD = 0xA0058000, 0xA0088000, 0xA0408000
INVALID_ID, ILLEGAL, EXIST, UNEXIST, NULL = 2, 3, 4, 5, 6
UNSUPPORTED, NOT_PERM, EMPTY, FULL, BAD_ADDRESS = 8, 9, 0xE, 0xF, 0x11
H264, H265, JPEG, PNG, KEEP = 96, 265, 26, 268, 10000
NV12, RGB = 1, 12
CHN, WIDTH, HEIGHT = 5, 160, 128


@pytest.fixture(scope="module", autouse=True)
def initialised() -> Iterator[None]:
    assert himpi.sys_init() == 0
    yield
    assert himpi.sys_exit() == 0


class Room:
    """Media memory, given back at the end of the test."""

    def __init__(self) -> None:
        self.all: list[int] = []

    def __call__(self, size: int) -> int:
        address, ret = himpi.dvpp_malloc(0, size)
        assert ret == 0
        self.all.append(address)
        return int(address)

    def of(self, data: bytes) -> int:
        address = self(len(data))
        assert acl.rt.memcpy(address, len(data), acl.util.bytes_to_ptr(data), len(data), 1) == 0
        return address


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    yield made
    for address in made.all:
        assert himpi.dvpp_free(address) == 0


def host(address: int, size: int) -> np.ndarray:
    data = np.empty(size, np.uint8)
    assert acl.rt.memcpy(acl.util.numpy_to_ptr(data), size, address, size, 2) == 0
    return data


def waves() -> np.ndarray:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    three = [128 + 90 * np.sin(x / 40), 128 + 90 * np.cos(y / 50), 60 + (x + y) / 2]
    return np.stack(three, -1).astype(np.uint8)


def file(kind: str, **options: Any) -> bytes:
    place = io.BytesIO()
    Image.fromarray(waves()).save(place, kind, **options)
    return place.getvalue()


# ---- VDEC ----


def vdec_attr(kind: int = JPEG, **values: Any) -> Struct:
    attr = {
        "type": kind, "mode": 1, "pic_width": 640, "pic_height": 480, "stream_buf_size": 1 << 19,
        "video_attr": {"ref_frame_num": 4, "temporal_mvp_en": 0, "tmv_buf_size": 0},
    }  # fmt: skip
    return attr | values


@contextlib.contextmanager
def decoder(kind: int = JPEG) -> Iterator[None]:
    assert himpi.vdec_create_chn(CHN, vdec_attr(kind)) == 0
    try:
        yield
    finally:
        himpi.vdec_stop_recv_stream(CHN)
        assert himpi.vdec_destroy_chn(CHN) == 0


@pytest.mark.parametrize(("kind", "code"), [(JPEG, 0), (H264, VDEC | ILLEGAL)])
def test_send_mode_left_zero(kind: int, code: int) -> None:
    """Programs that decode JPEG leave the mode 0 (a stream), which matters only for video."""
    assert himpi.vdec_create_chn(CHN, vdec_attr(kind, mode=0)) == code
    assert himpi.vdec_create_chn(CHN, vdec_attr(kind, mode=2)) != 0
    assert (himpi.vdec_destroy_chn(CHN) == 0) == (code == 0)


@pytest.mark.parametrize("kind", [H264, H265])
def test_vdec_attributes(kind: int) -> None:
    with decoder(kind):
        attr, ret = himpi.vdec_get_chn_attr(CHN)
        assert ret == 0
        assert attr == vdec_attr(kind) | {k: attr[k] for k in ("frame_buf_size", "frame_buf_cnt")}
        smaller = vdec_attr(kind, pic_width=320, pic_height=240)
        assert himpi.vdec_set_chn_attr(CHN, smaller) == 0
        assert himpi.vdec_get_chn_attr(CHN)[0]["pic_width"] == 320
        other = vdec_attr(H265 if kind == H264 else H264)
        assert himpi.vdec_set_chn_attr(CHN, other) == VDEC | NOT_PERM
        assert himpi.vdec_set_chn_attr(CHN, None) == VDEC | NULL
        assert himpi.vdec_set_chn_attr(CHN + 1, smaller) == VDEC | UNEXIST
        assert himpi.vdec_start_recv_stream(CHN) == 0
        assert himpi.vdec_set_chn_attr(CHN, smaller) == VDEC | NOT_PERM


@pytest.mark.parametrize("kind", [H264, H265])
def test_vdec_parameters(kind: int) -> None:
    with decoder(kind):
        param, ret = himpi.vdec_get_chn_param(CHN)
        assert (param["type"], ret) == (kind, 0)
        given = {"type": kind, "display_frame_num": 4, "video_param": {"dec_mode": 1}}
        assert himpi.vdec_set_chn_param(CHN, given) == 0
        now = himpi.vdec_get_chn_param(CHN)[0]
        assert (now["display_frame_num"], now["video_param"]["dec_mode"]) == (4, 1)
        for bad in ({**given, "video_param": {"dec_mode": 3}}, {**given, "type": JPEG}):
            assert himpi.vdec_set_chn_param(CHN, bad) == VDEC | ILLEGAL
        assert himpi.vdec_set_display_mode(CHN, 1) == 0
        assert himpi.vdec_get_display_mode(CHN) == (1, 0)
        assert himpi.vdec_set_display_mode(CHN, 2) == VDEC | ILLEGAL
        name = "h264_param" if kind == H264 else "h265_param"
        protocol = {"type": kind, name: {"max_sps_num": 2, "max_pps_num": 3}}
        assert himpi.vdec_set_protocol_param(CHN, protocol) == 0
        now, ret = himpi.vdec_get_protocol_param(CHN)
        assert (now["type"], now[name]["max_sps_num"], now[name]["max_pps_num"]) == (kind, 2, 3)
        assert ret == 0
        for call in (himpi.vdec_set_chn_param, himpi.vdec_set_protocol_param):
            assert call(CHN, None) == VDEC | NULL
            assert call(CHN + 1, given) == VDEC | UNEXIST
        assert himpi.vdec_start_recv_stream(CHN) == 0
        assert himpi.vdec_set_protocol_param(CHN, protocol) == VDEC | NOT_PERM
    for call in (himpi.vdec_get_chn_attr, himpi.vdec_get_chn_param, himpi.vdec_get_protocol_param,
                 himpi.vdec_get_display_mode, himpi.vdec_query_status):  # fmt: skip
        assert call(CHN)[1] == VDEC | UNEXIST
        assert call(-1)[1] == VDEC | INVALID_ID
    assert himpi.vdec_reset_chn(CHN) == himpi.vdec_close_fd(CHN) == VDEC | UNEXIST


def packet(data: bytes, address: int) -> Struct:
    return {
        "end_of_frame": True, "need_display": True, "pts": 77, "len": len(data), "addr": address,
    }  # fmt: skip


def test_jpeg_files(room: Room) -> None:
    """What is asked about a file, its decoding, a descriptor to wait with, and the status."""
    data = file("JPEG", quality=95, subsampling=2)
    asked = packet(data, acl.util.bytes_to_ptr(data))
    raw, ret = himpi.dvpp_get_image_info(JPEG, asked)
    assert (raw["width"], raw["height"], raw["pixel_format"], ret) == (WIDTH, HEIGHT, 2, 0)
    info, ret = himpi.vdec_get_jpegd_output_info(asked, NV12)
    assert (info["width"], info["height"], info["img_pixel_format"], ret) == (160, 128, NV12, 0)
    assert himpi.vdec_get_jpegd_output_info(asked, 12345)[1] == VDEC | UNSUPPORTED
    assert himpi.vdec_get_jpegd_output_info(None, NV12)[1] == VDEC | NULL
    assert himpi.dvpp_get_image_info(H264, asked)[1] == VDEC | UNSUPPORTED
    assert himpi.dvpp_get_image_info(JPEG, None)[1] == VDEC | NULL
    assert himpi.dvpp_get_image_info(JPEG, {**asked, "len": 0})[1] == VDEC | ILLEGAL
    size = info["img_buf_size"]
    target = {
        "width": WIDTH, "height": HEIGHT, "width_stride": info["width_stride"],
        "height_stride": info["height_stride"], "pixel_format": NV12, "vir_addr": room(size),
        "buffer_size": size,
    }  # fmt: skip
    with decoder():
        assert himpi.vdec_close_fd(CHN) == VDEC | NOT_PERM
        descriptor = himpi.vdec_get_fd(CHN)
        assert descriptor == himpi.vdec_get_fd(CHN) < 1 << 20
        assert himpi.vdec_start_recv_stream(CHN) == 0
        assert himpi.vdec_set_jpegd_precision_mode(CHN, 1) == VDEC | NOT_PERM
        assert himpi.vdec_reset_chn(CHN) == VDEC | NOT_PERM
        assert select.select([descriptor], [], [], 0)[0] == []
        assert himpi.vdec_send_stream(CHN, packet(data, room.of(data)), target, -1) == 0
        assert select.select([descriptor], [], [], 5)[0] == [descriptor]
        status, ret = himpi.vdec_query_status(CHN)
        assert (status["type"], status["is_started"], status["left_decoded_frames"]) == (JPEG, 1, 1)
        assert (status["recv_stream_frames"], status["left_stream_frames"], ret) == (1, 0, 0)
        frame, _, _, ret = himpi.vdec_get_frame(CHN, 5000)
        assert (frame["v_frame"]["frame_flag"], frame["v_frame"]["pts"], ret) == (0, 77, 0)
        image = Image.open(io.BytesIO(data))
        image.draft("YCbCr", None)
        until = time.monotonic() + 5
        while himpi.vdec_query_status(CHN)[0]["dec_stream_frames"] != 1:
            assert time.monotonic() < until
        luma = host(target["vir_addr"], size)[: info["width_stride"] * HEIGHT]
        np.testing.assert_array_equal(
            luma.reshape(HEIGHT, -1)[:, :WIDTH], np.asarray(image.convert("YCbCr"))[..., 0]
        )
        assert himpi.vdec_release_frame(CHN, frame) == 0
        assert himpi.vdec_get_frame(CHN, 0)[3] == VDEC | EMPTY
        assert himpi.vdec_stop_recv_stream(CHN) == 0
        for mode, code in ((0, 0), (1, 0), (2, 0), (3, VDEC | ILLEGAL)):
            assert himpi.vdec_set_jpegd_precision_mode(CHN, mode) == code
        assert himpi.vdec_reset_chn(CHN) == 0
        assert himpi.vdec_query_status(CHN)[0]["recv_stream_frames"] == 0
        assert himpi.vdec_close_fd(CHN) == 0
    assert himpi.vdec_set_jpegd_precision_mode(CHN, 0) == VDEC | UNEXIST


def test_sizes() -> None:
    def size(kind: int, **values: int) -> int:
        base = {"width": 100, "height": 50, "pixel_format": NV12}
        return int(himpi.vdec_get_pic_buf_size(kind, base | values))

    assert size(H264, width=1920, height=1080) == 1920 * 1080 * 3 // 2
    assert size(H265) == 112 * 50 * 3 // 2
    assert size(H265, bit_width=1) == 112 * 50 * 3
    assert size(JPEG) == 128 * 64 * 3 // 2
    assert size(JPEG, pixel_format=RGB) == size(1002) == 0
    assert himpi.vdec_get_pic_buf_size(H264, None) == 0
    assert himpi.vdec_get_tmv_buf_size(H265, 1920, 1080) == 30 * 17 * 256
    assert himpi.vdec_get_tmv_buf_size(JPEG, 1920, 1080) == 0


# ---- PNGD ----


def test_png_files(room: Room) -> None:
    data = file("PNG")
    asked = {"type": PNG, "addr": acl.util.bytes_to_ptr(data), "len": len(data)}
    info, ret = himpi.png_get_image_info(asked)
    assert (info["width"], info["height"], info["png_pixel_format"], ret) == (WIDTH, HEIGHT, 2, 0)
    assert himpi.png_get_image_info(None)[1] == PNGD | NULL
    text = b"no picture" * 9
    rubbish = {"type": PNG, "addr": acl.util.bytes_to_ptr(text), "len": len(text)}
    assert himpi.png_get_image_info(rubbish)[1] == PNGD | ILLEGAL
    size, stride = info["img_buf_size"], info["width_stride"]
    target = {
        "picture_address": room(size), "picture_buffer_size": size, "picture_format": RGB,
        "picture_width_stride": stride,
    }  # fmt: skip
    stream = {"type": PNG, "addr": room.of(data), "len": len(data), "pts": 5}
    assert himpi.pngd_create_chn(3, {"stream_que_cnt": 4}) == 0
    assert himpi.pngd_create_chn(3, {}) == PNGD | EXIST
    assert himpi.pngd_create_chn(4, None) == PNGD | NULL
    assert himpi.pngd_create_chn(128, {}) == PNGD | INVALID_ID
    assert himpi.pngd_create_chn(4, {"stream_que_cnt": 5000}) == PNGD | ILLEGAL
    assert himpi.pngd_get_image_data(3, 0)[2] == PNGD | EMPTY
    assert himpi.pngd_send_stream(3, stream, target, -1) == 0
    picture, back, ret = himpi.pngd_get_image_data(3, 5000)
    assert (back["addr"], back["pts"], ret) == (stream["addr"], 5, 0)
    assert (picture["picture_width"], picture["picture_height"]) == (WIDTH, HEIGHT)
    rows = host(picture["picture_address"], size).reshape(-1, stride)[:HEIGHT, : 3 * WIDTH]
    np.testing.assert_array_equal(rows.reshape(HEIGHT, WIDTH, 3), waves())
    for changes, code in (
        ({"type": JPEG}, UNSUPPORTED), ({"addr": 0}, NULL), ({"len": 0}, ILLEGAL),
        ({"addr": 0x1000}, BAD_ADDRESS),
    ):  # fmt: skip
        assert himpi.pngd_send_stream(3, stream | changes, target, -1) == PNGD | code
    for wrong, code in (({"picture_format": NV12}, UNSUPPORTED), ({"picture_address": 0}, NULL)):
        assert himpi.pngd_send_stream(3, stream, target | wrong, -1) == PNGD | code
    assert himpi.pngd_send_stream(3, stream, target, -2) == PNGD | ILLEGAL
    assert himpi.pngd_destroy_chn(3) == 0
    assert himpi.pngd_destroy_chn(3) == himpi.pngd_get_image_data(3, 0)[2] == PNGD | UNEXIST
    assert himpi.pngd_send_stream(3, stream, target, 0) == PNGD | UNEXIST


# ---- VENC ----


def venc_attr(kind: int = H264, rate: int = 2000, **values: int) -> Struct:
    first = {
        "type": kind, "max_pic_width": 1920, "max_pic_height": 1088, "buf_size": 1 << 21,
        "profile": 2 if kind == H264 else 0, "is_by_frame": 1, "pic_width": 640, "pic_height": 272,
    }  # fmt: skip
    cbr = {"gop": 25, "stats_time": 1, "src_frame_rate": 25, "dst_frame_rate": 25, "bit_rate": rate}
    name, mode = {H264: ("h264_cbr", 1), H265: ("h265_cbr", 11), JPEG: ("mjpeg_cbr", 0)}[kind]
    return {"venc_attr": first | values, "rc_attr": {"rc_mode": mode, name: cbr}, "gop_attr": {}}


@contextlib.contextmanager
def encoder(attr: Struct, start: bool = True) -> Iterator[None]:
    assert himpi.venc_create_chn(CHN, attr) == 0
    try:
        assert not start or himpi.venc_start_chn(CHN, {"recv_pic_num": -1}) == 0
        yield
    finally:
        assert himpi.venc_destroy_chn(CHN) == 0


def frame_of(picture: np.ndarray, room: Room, pts: int = 0) -> Struct:
    rows, width = picture.shape[0] * 2 // 3, picture.shape[1]
    v_frame = {
        "width": width, "height": rows, "pixel_format": NV12, "pts": pts,
        "width_stride": [width], "height_stride": [rows],
        "virt_addr": [room.of(picture.tobytes())],
    }  # fmt: skip
    return {"v_frame": v_frame}


def fetch() -> tuple[bytes, Struct]:
    stream, ret = himpi.venc_get_stream(CHN, 5000)
    assert ret == 0
    data = b"".join(host(p["addr"], p["len"]).tobytes() for p in stream["pack"] if p["len"])
    assert himpi.venc_release_stream(CHN, stream) == 0
    assert himpi.venc_release_stream(CHN, stream) == VENC | ILLEGAL
    return data, stream


@pytest.mark.parametrize("kind", [H264, H265], ids=["h264", "h265"])
def test_encoded_pictures_come_back(room: Room, kind: int) -> None:
    frames, hevc = bikes(6).frames, kind == H265
    packets = []
    with encoder(venc_attr(kind)):
        for number, picture in enumerate(frames):
            if number == 3:
                assert himpi.venc_request_idr(CHN, 1) == 0
            given = frame_of(picture, room, pts=number * 40)
            if number % 2:
                assert himpi.venc_send_frame_ex(CHN, {"user_frame": given}, -1) == 0
            else:
                assert himpi.venc_send_frame(CHN, given, -1) == 0
            data, stream = fetch()
            (pack,) = stream["pack"]
            assert (pack["pts"], pack["len"], stream["pack_cnt"]) == (number * 40, len(data), 1)
            info = stream["h265_info" if hevc else "h264_info"]
            assert info["pic_bytes"] == len(data)
            packets.append(data)
        status, ret = himpi.venc_query_status(CHN)
        assert (status["left_pics"], status["left_stream_frames"], ret) == (0, 0, 0)
        assert himpi.venc_get_stream(CHN, 0)[1] == VENC | EMPTY
        assert himpi.venc_get_stream(CHN, -2)[1] == VENC | ILLEGAL
    decoded = decode(packets, hevc=hevc)
    assert min(map(psnr, decoded.frames, frames)) > 30
    assert (len(decoded.frames), decoded.keys) == (6, [0, 3])


def test_venc_descriptor(room: Room) -> None:
    with encoder(venc_attr()):
        assert himpi.venc_close_fd(CHN) == VENC | NOT_PERM
        descriptor = himpi.venc_get_fd(CHN)
        assert descriptor == himpi.venc_get_fd(CHN) < 1 << 20
        assert select.select([descriptor], [], [], 0)[0] == []
        assert himpi.venc_send_frame(CHN, frame_of(bikes(1).frames[0], room), -1) == 0
        assert select.select([descriptor], [], [], 5)[0] == [descriptor]
        assert himpi.venc_query_status(CHN)[0]["left_stream_frames"] == 1
        fetch()
        assert select.select([descriptor], [], [], 0)[0] == []
        assert himpi.venc_close_fd(CHN) == 0
    assert himpi.venc_get_fd(CHN) & 0xFFFFFFFF == VENC | UNEXIST


def test_venc_attributes_and_parameters() -> None:
    with encoder(venc_attr()):
        attr, ret = himpi.venc_get_chn_attr(CHN)
        assert ret == 0
        given = venc_attr()
        assert attr["venc_attr"] == attr["venc_attr"] | given["venc_attr"]
        assert attr["rc_attr"]["h264_cbr"] == given["rc_attr"]["h264_cbr"]
        assert himpi.venc_set_chn_attr(CHN, venc_attr(rate=300)) == 0
        assert himpi.venc_get_chn_attr(CHN)[0]["rc_attr"]["h264_cbr"]["bit_rate"] == 300
        assert himpi.venc_set_chn_attr(CHN, venc_attr(pic_width=320)) == VENC | NOT_PERM
        param, ret = himpi.venc_get_chn_param(CHN)
        assert ret == 0
        param |= {"priority": 1, "max_stream_cnt": 10, "poll_wake_up_frame_cnt": 2}
        assert himpi.venc_set_chn_param(CHN, param) == 0
        assert himpi.venc_get_chn_param(CHN) == (param, 0)
        assert himpi.venc_set_chn_param(CHN, {**param, "color_to_grey_en": 1}) == VENC | UNSUPPORTED
        for name in ("chn_attr", "chn_param", "rc_param", "roi_attr", "slice_split", "h264_vui"):
            assert getattr(himpi, f"venc_set_{name}")(CHN, None) == VENC | NULL, name


@pytest.mark.parametrize("kind", [H264, H265], ids=["h264", "h265"])
def test_venc_rates_and_signals(kind: int) -> None:
    mine, other = ("h264", "h265") if kind == H264 else ("h265", "h264")
    with encoder(venc_attr(kind)):
        param, ret = himpi.venc_get_rc_param(CHN)
        assert (param["direction"], param["first_frame_start_qp"], ret) == (8, -1, 0)
        # Of the union only the member of this mode is given back.
        chosen = param[f"{mine}_cbr_param"] | {"min_qp": 40, "min_i_qp": 40}
        given = {k: v for k, v in param.items() if not k.endswith("_param")}
        given[f"{mine}_cbr_param"] = chosen
        assert himpi.venc_set_rc_param(CHN, given) == 0
        assert himpi.venc_get_rc_param(CHN)[0][f"{mine}_cbr_param"] == chosen
        for bad in ({"direction": 17}, {"first_frame_start_qp": -2},
                    {f"{mine}_cbr_param": chosen | {"min_qp": 52}}):  # fmt: skip
            assert himpi.venc_set_rc_param(CHN, given | bad) == VENC | ILLEGAL
        # So that programs may: change what was read, and give all of it back.
        param, ret = himpi.venc_get_rc_param(CHN)
        param[f"{mine}_cbr_param"]["min_qp"] = 12
        assert himpi.venc_set_rc_param(CHN, param) == 0
        assert himpi.venc_get_rc_param(CHN)[0][f"{mine}_cbr_param"]["min_qp"] == 12
        get, put = (getattr(himpi, f"venc_{verb}_{mine}_vui") for verb in ("get", "set"))
        vui, ret = get(CHN)
        assert (vui["vui_time_info"]["time_scale"], ret) == (60, 0)
        vui["vui_video_signal"]["video_full_range_flag"] = 1
        vui["vui_time_info"]["time_scale"] = 50
        assert put(CHN, vui) == 0
        assert get(CHN) == (vui, 0)
        vui["vui_video_signal"]["video_format"] = 8
        assert put(CHN, vui) == VENC | ILLEGAL
        assert getattr(himpi, f"venc_get_{other}_vui")(CHN)[1] == VENC | UNSUPPORTED
        assert getattr(himpi, f"venc_set_{other}_vui")(CHN, {}) == VENC | UNSUPPORTED


def test_venc_regions() -> None:
    rect = {"x": 16, "y": 32, "width": 64, "height": 64}
    region = {"idx": 3, "enable": 1, "is_abs_qp": 1, "qp": 20, "rect": rect}
    with encoder(venc_attr()):
        assert himpi.venc_set_roi_attr(CHN, region) == 0
        assert himpi.venc_get_roi_attr(CHN, 3) == (region, 0)
        for bad in ({"idx": 8}, {"qp": 52}, {"rect": rect | {"x": 8}}, {"rect": rect | {"x": 640}}):
            assert himpi.venc_set_roi_attr(CHN, region | bad) == VENC | ILLEGAL
        assert himpi.venc_get_roi_attr(CHN, 8)[1] == VENC | ILLEGAL
    assert himpi.venc_get_roi_attr(CHN, 3)[1] == VENC | UNEXIST


def test_venc_slices(room: Room) -> None:
    """17 rows of blocks, 6 in a slice, are 3 slices."""
    split = {"split_enable": 1, "split_mode": 1, "split_size": 6, "slice_output_en": 0}
    with encoder(venc_attr()):
        assert himpi.venc_set_slice_split(CHN, split) == 0
        now, ret = himpi.venc_get_slice_split(CHN)
        assert (now | split, ret) == (now, 0)
        assert himpi.venc_send_frame(CHN, frame_of(bikes(1).frames[0], room), -1) == 0
        assert sum(kind in (1, 5) for kind in units(fetch()[0])) == 3
        for bad in ({"split_size": 0}, {"split_size": 18}, {"split_mode": 2}):
            assert himpi.venc_set_slice_split(CHN, split | bad) == VENC | ILLEGAL
        late = split | {"slice_output_en": 1}
        assert himpi.venc_set_slice_split(CHN, late) == VENC | UNSUPPORTED
    with encoder(venc_attr(H265)):
        assert himpi.venc_set_slice_split(CHN, split) == VENC | UNSUPPORTED


def still(room: Room) -> tuple[Struct, np.ndarray]:
    yuv = np.asarray(Image.fromarray(waves()).convert("YCbCr"))
    chroma = yuv[::2, ::2, 1:].reshape(HEIGHT // 2, WIDTH)
    return frame_of(np.concatenate([yuv[..., 0], chroma]), room), yuv[..., 0]


def jpeg_attr(buf_size: int) -> Struct:
    return venc_attr(JPEG, buf_size=buf_size, profile=0)


def holds(data: bytes, luma: np.ndarray) -> None:
    image = Image.open(io.BytesIO(data))
    image.draft("YCbCr", None)
    ours = np.asarray(image.convert("YCbCr"))[..., 0].astype(int)
    assert abs(ours - luma).mean() < 1


def test_jpeg_quality(room: Room) -> None:
    frame, luma = still(room)
    with encoder(jpeg_attr(1 << 21)):
        param, ret = himpi.venc_get_jpeg_param(CHN)
        assert (param["qfactor"], ret) == (100, 0)
        sizes = []
        for quality in (20, 100):
            param["qfactor"] = quality
            assert himpi.venc_set_jpeg_param(CHN, param) == 0
            assert himpi.venc_get_jpeg_param(CHN)[0]["qfactor"] == quality
            assert himpi.venc_send_frame(CHN, frame, -1) == 0
            data, stream = fetch()
            assert stream["jpeg_info"]["pic_bytes"] == len(data)
            sizes.append(len(data))
        assert 2 * sizes[0] < sizes[1]
        holds(data, luma)
        assert himpi.venc_set_jpeg_param(CHN, param | {"qfactor": 101}) == VENC | ILLEGAL
        assert himpi.venc_set_jpeg_param(CHN, None) == VENC | NULL
        assert himpi.venc_get_rc_param(CHN)[1] == VENC | UNSUPPORTED
        own = {"type": JPEG, "addr": room(4096), "len": 4096}
        assert himpi.venc_send_jpege_frame(CHN, frame, own, -1) == VENC | UNSUPPORTED
    assert himpi.venc_get_jpeg_param(CHN)[1] == VENC | UNEXIST


def test_jpeg_into_own_memory(room: Room) -> None:
    frame, luma = still(room)
    size, ret = himpi.venc_get_jpege_predicted_size(frame, None)
    assert ret == 0
    assert size > WIDTH * HEIGHT
    assert himpi.venc_get_jpege_predicted_size(None, None)[1] == VENC | NULL
    wrong = {"v_frame": frame["v_frame"] | {"pixel_format": RGB}}
    assert himpi.venc_get_jpege_predicted_size(wrong, None)[1] == VENC | ILLEGAL
    own = {"type": JPEG, "addr": room(size), "len": size}
    with encoder(jpeg_attr(0)):
        assert himpi.venc_send_frame(CHN, frame, -1) == VENC | UNSUPPORTED
        assert himpi.venc_send_jpege_frame(CHN, frame, own, -1) == 0
        data, stream = fetch()
        assert stream["pack"][0]["addr"] == own["addr"]
        holds(data, luma)
        for bad, code in (({"len": 0}, ILLEGAL), ({"addr": 0x1000}, BAD_ADDRESS)):
            assert himpi.venc_send_jpege_frame(CHN, frame, own | bad, -1) == VENC | code
        assert himpi.venc_send_jpege_frame(CHN, None, own, -1) == VENC | NULL
        assert himpi.venc_send_jpege_frame(CHN, frame, None, -1) == VENC | NULL


BAD_ATTRS = [
    ({"pic_width": 126}, ILLEGAL), ({"pic_width": 641}, ILLEGAL), ({"max_pic_width": 639}, ILLEGAL),
    ({"buf_size": 0}, ILLEGAL), ({"profile": 3}, ILLEGAL), ({"type": 1002}, UNSUPPORTED),
]  # fmt: skip


@pytest.mark.parametrize(("values", "code"), BAD_ATTRS)
def test_venc_bad_attributes(values: dict[str, int], code: int) -> None:
    attr = venc_attr()
    attr["venc_attr"] |= values
    assert himpi.venc_create_chn(CHN, attr) == VENC | code


def test_venc_misuse(room: Room) -> None:
    frame = frame_of(bikes(1).frames[0], room)
    assert himpi.venc_create_chn(CHN, None) == VENC | NULL
    assert himpi.venc_create_chn(256, venc_attr()) == VENC | INVALID_ID
    for name in ("get_chn_attr", "get_chn_param", "query_status", "get_slice_split"):
        assert getattr(himpi, f"venc_{name}")(CHN)[1] == VENC | UNEXIST, name
    for name in ("stop_chn", "destroy_chn", "close_fd"):
        assert getattr(himpi, f"venc_{name}")(CHN) == VENC | UNEXIST, name
    assert himpi.venc_start_chn(CHN, {"recv_pic_num": -1}) == VENC | UNEXIST
    assert himpi.venc_request_idr(CHN, 1) == VENC | UNEXIST
    for send in (himpi.venc_send_frame, himpi.venc_send_frame_ex):
        assert send(CHN, {}, 0) == VENC | UNEXIST
    with encoder(venc_attr(), start=False):
        assert himpi.venc_create_chn(CHN, venc_attr()) == VENC | EXIST
        assert himpi.venc_send_frame(CHN, frame, -1) == VENC | NOT_PERM
        for number in (0, -2):
            assert himpi.venc_start_chn(CHN, {"recv_pic_num": number}) == VENC | ILLEGAL
        assert himpi.venc_start_chn(CHN, None) == VENC | NULL
        assert himpi.venc_start_chn(CHN, {"recv_pic_num": 1}) == 0
        assert himpi.venc_send_frame(CHN, None, -1) == VENC | NULL
        assert himpi.venc_send_frame_ex(CHN, None, -1) == VENC | NULL
        assert himpi.venc_send_frame(CHN, frame, -2) == VENC | ILLEGAL
        for bad, code in (
            ({"width": 638}, ILLEGAL), ({"pixel_format": RGB}, ILLEGAL),
            ({"width_stride": [632]}, ILLEGAL), ({"virt_addr": [0]}, NULL),
            ({"width_stride": [656]}, BAD_ADDRESS),
        ):  # fmt: skip
            wrong = {"v_frame": frame["v_frame"] | bad}
            assert himpi.venc_send_frame(CHN, wrong, -1) == VENC | code, bad
            assert himpi.venc_send_frame_ex(CHN, {"user_frame": wrong}, -1) == VENC | code, bad
        assert himpi.venc_send_frame(CHN, frame, -1) == 0
        assert himpi.venc_send_frame(CHN, frame, -1) == VENC | NOT_PERM  # it was started for one
        fetch()
        assert himpi.venc_stop_chn(CHN) == 0
        assert himpi.venc_send_frame(CHN, frame, -1) == VENC | NOT_PERM
