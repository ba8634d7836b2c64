"""acl.himpi, how encoders refresh, refer and quantise: what FFmpeg and Pillow find of it."""

from __future__ import annotations

import io
import struct
from typing import Any, cast

import av
import numpy as np
import pytest
from PIL import Image

from acl_fast import pyacl as acl
from tests.pyacl.test_table_codecs import (
    CHN,
    H264,
    H265,
    ILLEGAL,
    JPEG,
    NOT_PERM,
    NULL,
    UNEXIST,
    UNSUPPORTED,
    VENC,
    Room,
    Struct,
    encoder,
    fetch,
    frame_of,
    initialised,
    jpeg_attr,
    room,
    still,
    venc_attr,
)  # fmt: skip
from tests.vdec.codec import nv12
from tests.venc.venc import bikes, decode

__all__ = ["initialised", "room"]
himpi: Any = acl.himpi
KINDS = pytest.mark.parametrize("kind", [H264, H265], ids=["h264", "h265"])


def encode(frames: list[np.ndarray], room: Room, rates: Struct | None = None) -> list[bytes]:
    packets = []
    for picture in frames:
        given = {"user_frame": frame_of(picture, room), "user_rc_info": rates or {}}
        assert himpi.venc_send_frame_ex(CHN, given, -1) == 0
        packets.append(fetch()[0])
    return packets


def refused(name: str, good: Struct, wrong: dict[str, list[int]]) -> None:
    put = getattr(himpi, f"venc_set_{name}")
    for key, values in wrong.items():
        for value in values:
            assert put(CHN, good | {key: value}) == VENC | ILLEGAL, (key, value)
    assert put(CHN, None) == VENC | NULL


def recovers(packets: list[bytes], lost: int, hevc: bool) -> bool:
    """Whether the last picture is whole although a packet was lost."""
    decoder = av.CodecContext.create("hevc" if hevc else "h264", "r")
    decoder.thread_count = 1
    decoder.flags |= av.codec.context.Flags.output_corrupt
    found = []
    for data in (*packets[:lost], *packets[lost + 1 :], None):
        found += decoder.decode(av.Packet(data) if data else None)
    whole = decode(packets, hevc=hevc).frames[-1]
    return bool(np.array_equal(whole, nv12(found[-1])))


@KINDS
def test_intra_refresh(room: Room, kind: int) -> None:
    """A lost picture is forgotten once a wave of blocks without reference has passed."""
    frames, hevc = bikes(14).frames, kind == H265
    with encoder(venc_attr(kind)):
        refresh, ret = himpi.venc_get_intra_refresh(CHN)
        rows = 4 if kind == H264 else 1  # of 17 with 16 pixels, of 5 with 64
        assert (refresh, ret) == (
            {"refresh_enable": 0, "intra_refresh_mode": 0, "refresh_num": rows, "req_i_qp": 51}, 0,
        )  # fmt: skip
        usual = encode(frames, room)
        refresh |= {"refresh_enable": 1, "refresh_num": rows + hevc}
        assert himpi.venc_set_intra_refresh(CHN, refresh) == 0
        assert himpi.venc_get_intra_refresh(CHN) == (refresh, 0)
        refreshed = encode(frames, room)
        wrong = {"refresh_enable": [2], "refresh_num": [0], "req_i_qp": [52]}
        refused("intra_refresh", refresh, wrong)
        columns = refresh | {"intra_refresh_mode": 1}
        assert himpi.venc_set_intra_refresh(CHN, columns) == VENC | UNSUPPORTED  # a 310B's
        # The P frames of a group of 4 refresh fewer rows than there are.
        assert himpi.venc_set_chn_attr(CHN, venc_attr(kind) | gop_of(kind, 4)) == 0
        few = refresh | {"refresh_num": 1}
        assert himpi.venc_set_intra_refresh(CHN, few) == VENC | ILLEGAL
        enough = refresh | {"refresh_num": 6}
        assert himpi.venc_set_intra_refresh(CHN, enough) == 0
        keys = decode(encode(frames, room), hevc=hevc).keys
        assert himpi.venc_set_intra_refresh(CHN, few | {"refresh_enable": 0}) == 0
        assert decode(encode(frames, room), hevc=hevc).keys == keys == [0, 4, 8, 12]
    assert decode(refreshed, hevc=hevc).keys == decode(usual, hevc=hevc).keys == [0]
    assert (recovers(refreshed, 2, hevc), recovers(usual, 2, hevc)) == (True, False)


def gop_of(kind: int, gop: int) -> Struct:
    attr = venc_attr(kind)["rc_attr"]
    name = "h264_cbr" if kind == H264 else "h265_cbr"
    return {"rc_attr": attr | {name: attr[name] | {"gop": gop}}}


def test_references_scenes_and_predictions() -> None:
    with encoder(venc_attr()):
        reference, ret = himpi.venc_get_ref_param(CHN)
        assert (reference, ret) == ({"base": 1, "enhance": 0, "pred_en": 1}, 0)
        refresh = himpi.venc_get_intra_refresh(CHN)[0] | {"refresh_enable": 1}
        assert himpi.venc_set_intra_refresh(CHN, refresh) == 0
        four = {"base": 2, "enhance": 1, "pred_en": 1}
        assert himpi.venc_set_ref_param(CHN, four) == 0
        assert himpi.venc_get_ref_param(CHN) == (four, 0)
        assert himpi.venc_get_intra_refresh(CHN)[0]["refresh_enable"] == 0
        # 25 frames of which every fourth refreshes 4 of 17 rows.
        assert himpi.venc_set_intra_refresh(CHN, refresh) == 0
        assert himpi.venc_set_intra_refresh(CHN, refresh | {"refresh_num": 2}) == VENC | ILLEGAL
        refused("ref_param", four, {"base": [0], "enhance": [256], "pred_en": [2]})
        assert himpi.venc_set_ref_param(CHN, four | {"pred_en": 0}) == 0
        assert himpi.venc_set_intra_refresh(CHN, refresh) == VENC | UNSUPPORTED
        assert himpi.venc_get_scene_mode(CHN) == (0, 0)
        assert himpi.venc_set_scene_mode(CHN, 2) == 0
        assert himpi.venc_get_scene_mode(CHN) == (2, 0)
        assert himpi.venc_set_scene_mode(CHN, 3) == VENC | ILLEGAL
        costs, ret = himpi.venc_get_cu_pred(CHN)
        assert (costs.pop("pred_mode"), set(costs.values()), len(costs), ret) == (0, {8}, 8, 0)
        costs |= {"pred_mode": 1, "intra4_cost": 15}
        assert himpi.venc_set_cu_pred(CHN, costs) == 0
        assert himpi.venc_get_cu_pred(CHN) == (costs, 0)
        refused("cu_pred", costs, {"pred_mode": [2], "inter64_cost": [16]})
        copy = {"copy_en": 1, "copy_interval": 10}
        assert himpi.venc_get_streamcopy_param(CHN) == ({"copy_en": 0, "copy_interval": 0}, 0)
        assert himpi.venc_set_streamcopy_param(CHN, copy) == 0
        assert himpi.venc_get_streamcopy_param(CHN) == (copy, 0)
        refused("streamcopy_param", copy, {"copy_en": [2], "copy_interval": [11]})
    with encoder(jpeg_attr(1 << 21)):
        assert himpi.venc_get_intra_refresh(CHN)[1] == VENC | UNSUPPORTED
        assert himpi.venc_set_scene_mode(CHN, 0) == VENC | UNSUPPORTED
    assert himpi.venc_set_cu_pred(CHN, costs) == VENC | UNEXIST


def test_parameters_of_all_channels() -> None:
    video = {"one_stream_buf": 1, "mini_buf_mode": 1, "low_power_mode": 0, "vb_src": 2,
             "qp_hist_en": 1, "max_user_data_len": 1024}  # fmt: skip
    for number, name, params in (
        (1, "venc", {"buf_cache": 0, "frame_buf_recycle": 0}), (2, "h264", video),
        (3, "h265", video),
        (4, "jpeg", {"one_stream_buf": 1, "mini_buf_mode": 0, "clear_stream_buf": 1,
                     "dering_mode": 0}),
    ):  # fmt: skip
        told, ret = himpi.venc_get_mod_param({"mod_type": number})
        assert (told["mod_type"], told[f"{name}_mod_param"], ret) == (number, params, 0)
        given = {"mod_type": number, f"{name}_mod_param": params}
        assert himpi.venc_set_mod_param(given) == 0
        given[f"{name}_mod_param"] = {**params, next(iter(params)): 2}
        assert himpi.venc_set_mod_param(given) == VENC | ILLEGAL
    user = {"mod_type": 2, "h264_mod_param": video | {"vb_src": 3}}
    assert himpi.venc_set_mod_param(user) == VENC | UNSUPPORTED
    changed = {"mod_type": 3, "h265_mod_param": video | {"low_power_mode": 2}}
    assert himpi.venc_set_mod_param(changed) == 0
    told = himpi.venc_get_mod_param({"mod_type": 3})[0]
    assert told["h265_mod_param"]["low_power_mode"] == 2
    assert himpi.venc_get_mod_param({"mod_type": 5})[1] == VENC | ILLEGAL
    assert himpi.venc_set_mod_param(None) == VENC | NULL
    with encoder(venc_attr()):
        assert himpi.venc_set_mod_param(changed) == VENC | NOT_PERM
    assert himpi.venc_set_mod_param({"mod_type": 3, "h265_mod_param": video}) == 0


def error(got: list[np.ndarray], want: list[np.ndarray], columns: slice) -> float:
    pairs = zip(got, want, strict=True)
    parts = [(a[:272, columns].astype(float) - b[:272, columns]) ** 2 for a, b in pairs]
    return float(np.mean(parts))


def quantisers_of(packet: bytes) -> np.ndarray:
    """Return what FFmpeg finds in the blocks of a key frame of H.264."""
    decoder = av.CodecContext.create("h264", "r")
    decoder.options = {"export_side_data": "venc_params"}
    (frame,) = [*decoder.decode(av.Packet(packet)), *decoder.decode(None)]
    told = bytes(cast("Any", frame).side_data["VIDEO_ENC_PARAMS"])
    count, start, size, _, middle = struct.unpack_from("<I4xQQii", told)
    found = np.zeros((17, 40), int)
    for i in range(count):
        x, y, _, _, delta = struct.unpack_from("<5i", told, start + i * size)
        found[y // 16, x // 16] = middle + delta
    return found


@KINDS
def test_maps_of_quantisers(room: Room, kind: int) -> None:
    """Halves with quantisers of 20 and 40 come out like those of pictures of 20 and of 40."""
    frames, hevc = bikes(3).frames, kind == H265
    stride = himpi.venc_get_qpmap_stride(640)
    size = himpi.venc_get_qpmap_size(kind, 640, 272)
    assert (stride, size) == (64, 64 * 17)
    assert himpi.venc_get_qpmap_size(JPEG, 640, 272) == himpi.venc_get_qpmap_stride(8192) == 0
    halves = slice(0, 320), slice(320, 640)
    member = ("h265" if hevc else "h264") + "_cbr_param"
    errors = {}
    for wishes in ((0x40 | 20, 0x40 | 40), (0x40 | 20,) * 2, (0x40 | 40,) * 2, (0x3A, 6)):
        table = np.zeros((17, stride), np.uint8)
        table[:, :20], table[:, 20:40] = wishes
        rates = {"qp_map_valid": 1, "blk_start_qp": 30, "qp_map_phy_addr": room.of(table.tobytes())}
        with encoder(venc_attr(kind)):
            param, ret = himpi.venc_get_rc_param(CHN)
            param[member]["qpmap_en"] = 1
            assert himpi.venc_set_rc_param(CHN, param) == ret == 0
            packets = encode(frames, room, rates)
            got = decode(packets, hevc=hevc).frames
            errors[wishes] = [error(got, frames, half) for half in halves]
            if kind == H264 and wishes[0] & 0x40:
                # A block without coefficients has the quantiser of the one before it.
                wanted = np.repeat(np.array(wishes) & 0x3F, 20)
                assert (quantisers_of(packets[0]) == wanted).mean() > 0.9
    apart, fine, coarse, differences = errors.values()
    assert apart[0] == pytest.approx(fine[0], rel=0.5)
    assert apart[1] == pytest.approx(coarse[1], rel=0.5)
    assert coarse[0] > 3 * fine[0]
    assert differences[1] > 1.5 * differences[0]
    with encoder(venc_attr(kind)):
        given = {"user_frame": frame_of(frames[0], room), "user_rc_info": rates}
        for bad, code in (({"blk_start_qp": 52}, ILLEGAL), ({"qp_map_phy_addr": 0}, NULL),
                          ({"skip_weight_valid": 1}, UNSUPPORTED)):  # fmt: skip
            wrong = given | {"user_rc_info": rates | bad}
            assert himpi.venc_send_frame_ex(CHN, wrong, 0) == VENC | code
        ignored = encode(frames[:1], room, rates)
    with encoder(venc_attr(kind)):
        assert encode(frames[:1], room) == ignored  # without qpmap_en


@KINDS
def test_key_frames_are_better(room: Room, kind: int) -> None:
    """By ip_qp_delta steps, as long as the rate is below its limit."""
    frames, name = bikes(6).frames, "h265" if kind == H265 else "h264"
    rates = {"gop": 5, "stats_time": 1, "src_frame_rate": 25, "dst_frame_rate": 25}
    vbr = {f"{name}_vbr": rates | {"max_bit_rate": 3000}, "rc_mode": 12 if kind == H265 else 2}
    found = {}
    for delta in (0, 10):
        attr = venc_attr(kind) | {"gop_attr": {"normal_p": {"ip_qp_delta": delta}}, "rc_attr": vbr}
        quantisers = []
        with encoder(attr):
            for picture in frames:
                assert himpi.venc_send_frame(CHN, frame_of(picture, room), -1) == 0
                quantisers.append(fetch()[1][f"{name}_info"]["start_qp"])
        found[delta] = np.array(quantisers)
    assert list(found[0] - found[10]) == [10, 0, 0, 0, 0, 10]
    for wrong in (-11, 31):
        attr = venc_attr(kind) | {"gop_attr": {"normal_p": {"ip_qp_delta": wrong}}}
        assert himpi.venc_create_chn(CHN, attr) == VENC | ILLEGAL
    for wrong in (64 << 10 | 32, 16 << 10):
        assert himpi.venc_create_chn(CHN, venc_attr(kind, buf_size=wrong)) == VENC | ILLEGAL


@KINDS
def test_what_a_stream_tells_by_itself(room: Room, kind: int) -> None:
    with encoder(venc_attr(kind)):
        data = encode(bikes(1).frames, room)[0]
    decoder = av.CodecContext.create("hevc" if kind == H265 else "h264", "r")
    list(decoder.decode(av.Packet(data)))
    assert (decoder.color_primaries, decoder.color_trc, decoder.colorspace) == (1, 1, 1)


def test_regions_with_a_fixed_quantiser(room: Room) -> None:
    fixed = {"gop": 25, "src_frame_rate": 25, "dst_frame_rate": 25, "i_qp": 30, "p_qp": 30}
    attr = venc_attr() | {"rc_attr": {"rc_mode": 6, "h264_fixqp": fixed}}
    rect = {"x": 320, "y": 0, "width": 320, "height": 272}
    with encoder(attr):
        region = {"idx": 0, "enable": 1, "is_abs_qp": 1, "qp": 22, "rect": rect}
        assert himpi.venc_set_roi_attr(CHN, region) == 0
        assert himpi.venc_send_frame(CHN, frame_of(bikes(1).frames[0], room), -1) == 0
        packet, stream = fetch()
    assert (stream["h264_info"]["start_qp"], stream["h264_info"]["mean_qp"]) == (30, 30)
    assert (quantisers_of(packet) == np.repeat([30, 22], 20)).mean() > 0.9


def tables_of(data: bytes) -> tuple[dict[int, bytes], dict[int, bytes], list[int]]:
    """Return Huffman tables and quantisers by number, and which codes the components use."""
    codes: dict[int, bytes] = {}
    quantisers: dict[int, bytes] = {}
    place = 2
    while data[place + 1] != 0xDA:
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        part = data[place + 4 : place + 2 + length]
        while data[place + 1] == 0xC4 and part:
            end = 17 + sum(part[1:17])
            codes[part[0]], part = part[1:end], part[end:]
        while data[place + 1] == 0xDB and part:
            quantisers[part[0]], part = part[1:65], part[65:]
        place += 2 + length
    return codes, quantisers, [data[place + 6 + 2 * i] for i in range(3)]


def pillow_tables(optimise: bool = False) -> dict[int, bytes]:
    place = io.BytesIO()
    Image.new("RGB", (64, 64)).save(place, "JPEG", optimize=optimise)
    return tables_of(place.getvalue())[0]


def huffman(luma: tuple[bytes, bytes], chroma: tuple[bytes, bytes]) -> Struct:
    """DC and AC tables, each its counts and its values."""

    def split(table: bytes, name: str, room: int) -> Struct:
        values = table[16:].ljust(room, b"\0")
        return {f"{name}_bits": list(table[:16]), f"{name}_value": list(values)}

    return {
        "dc_tables": [split(t[0], "dc", 12) for t in (luma, chroma, chroma)],
        "ac_tables": [split(t[1], "ac", 162) for t in (luma, chroma, chroma)],
        "reserved": [0, 0],
    }


def test_huffman_tables(room: Room) -> None:
    frame, _ = still(room)
    usual = pillow_tables()
    standard = (usual[0], usual[0x10]), (usual[1], usual[0x11])
    with encoder(jpeg_attr(1 << 21)):
        assert himpi.venc_get_jpeg_huffman_param(CHN) == (huffman(*standard), 0)
        files = []
        for given, compact in ((None, 0), (huffman(standard[1], standard[0]), 0),
                               (huffman(standard[1], standard[1]), 1)):  # fmt: skip
            if given:
                assert himpi.venc_set_jpeg_huffman_param(CHN, given) == 0
                assert himpi.venc_get_jpeg_huffman_param(CHN) == (given, 0)
            assert himpi.venc_compact_jpeg_tables(CHN, 0, compact) == 0
            assert himpi.venc_send_frame(CHN, frame, -1) == 0
            files.append(fetch()[0])
        good = huffman(*standard)
        for name, place, value in (
            ("dc_tables", "dc_bits", [2, *[0] * 15]), ("dc_tables", "dc_bits", [0] * 16),
            ("dc_tables", "dc_value", [12] * 12), ("dc_tables", "dc_value", [1] * 12),
            ("ac_tables", "ac_bits", [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 200]),
        ):  # fmt: skip
            first = good[name][0] | {place: value}
            bad = good | {name: [first, *good[name][1:]]}
            assert himpi.venc_set_jpeg_huffman_param(CHN, bad) == VENC | ILLEGAL, (place, value)
        apart = good | {"dc_tables": [*good["dc_tables"][:2], good["dc_tables"][0]]}
        assert himpi.venc_set_jpeg_huffman_param(CHN, apart) == VENC | ILLEGAL
        assert himpi.venc_set_jpeg_huffman_param(CHN, None) == VENC | NULL
        assert himpi.venc_compact_jpeg_tables(CHN, 1, 1) == VENC | ILLEGAL
    swapped = {0: usual[1], 1: usual[0], 0x10: usual[0x11], 0x11: usual[0x10]}
    assert tables_of(files[0])[0] == usual
    assert tables_of(files[1])[0] == swapped
    assert tables_of(files[2])[0] == {0: usual[1], 0x10: usual[0x11]}
    assert [len(tables_of(data)[1]) for data in files] == [2, 2, 1]  # all quantisers are 1
    pictures = [np.asarray(Image.open(io.BytesIO(data))) for data in files]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    np.testing.assert_array_equal(pictures[0], pictures[2])
    with encoder(venc_attr()):
        assert himpi.venc_get_jpeg_huffman_param(CHN)[1] == VENC | UNSUPPORTED
        assert himpi.venc_compact_jpeg_tables(CHN, 0, 1) == VENC | UNSUPPORTED


def test_a_table_that_lacks_a_code(room: Room) -> None:
    """Optimised for another picture: the file is left out, and the channel goes on."""
    frame, _ = still(room)
    own = pillow_tables(optimise=True)
    few = huffman((own[0], own[0x10]), (own[1], own[0x11]))
    with encoder(jpeg_attr(1 << 21)):
        usual = himpi.venc_get_jpeg_huffman_param(CHN)[0]
        assert himpi.venc_set_jpeg_huffman_param(CHN, few) == 0
        assert himpi.venc_send_frame(CHN, frame, -1) == 0
        assert himpi.venc_set_jpeg_huffman_param(CHN, usual) == 0
        assert himpi.venc_send_frame(CHN, frame, -1) == 0
        data, stream = fetch()
        assert stream["seq"] == 0
        assert Image.open(io.BytesIO(data)).size == (160, 128)
