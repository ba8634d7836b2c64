"""Shapes of calls that public programs use, each as short as it can be."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest

from acl_fast import pyacl as acl
from tests.softnpu_model import models
from tests.vdec import codec
from tests.venc.venc import decode, psnr

INVALID = 100000
media = acl.media


def nothing(*_: Any) -> None:
    """A callback."""


# What programs pass is the value itself, or the function.
@pytest.mark.parametrize(("kind", "number", "value"), [
    ("venc", 0, 1 << 40), ("venc", 2, 1), ("venc", 11, 2000), ("vdec", 2, 1 << 40), ("vdec", 4, 7),
    ("vdec", 6, np.int32(2)), ("dvpp", 1, 4), ("venc", 1, nothing), ("vdec", 3, nothing),
])  # fmt: skip
def test_channel_parameters_themselves(kind: str, number: int, value: Any) -> None:
    desc = getattr(media, f"{kind}_create_channel_desc")()
    put = getattr(media, f"{kind}_set_channel_desc_param")
    get = getattr(media, f"{kind}_get_channel_desc_param")
    assert get(desc, number)[1] == 0
    assert put(desc, number, value) == 0
    assert get(desc, number) == (value, 0)
    if callable(value):
        assert getattr(media, f"{kind}_get_channel_desc_callback")(desc) is value
    assert put(0, number, value) == get(0, number)[1] == INVALID
    assert put(desc, 99, 1) == get(desc, 99)[1] == INVALID
    with pytest.raises(TypeError, match=f"{kind}_set_channel_desc_param"):
        put(desc, number, "1")
    assert getattr(media, f"{kind}_destroy_channel_desc")(desc) == 0


def test_numpy_types_as_such() -> None:
    values = np.arange(6, dtype=np.float16)
    for kind in (np.float16, np.dtype("float16"), 23):
        view = acl.util.ptr_to_numpy(acl.util.numpy_to_ptr(values), (2, 3), kind)
        assert view.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_parameters_of_an_operator_are_updated_first(stream: int) -> None:
    """Programs call update_params, then execute_v2."""
    size = 24
    descs = [acl.create_tensor_desc(0, [2, 3], 2) for _ in range(3)]
    places = [acl.rt.malloc(size, 0)[0] for _ in range(3)]
    buffers = [acl.create_data_buffer(place, size) for place in places]
    values = np.arange(6, dtype=np.float32)
    for place in places[:2]:
        assert acl.rt.memcpy(place, size, acl.util.numpy_to_ptr(values), size, 1) == 0
    attr = acl.op.create_attr()
    assert acl.op.update_params("Add", descs[:2], descs[2:], attr) == 0
    assert acl.op.update_params("Add", descs[:1], descs[2:], attr) != 0
    assert acl.op.update_params(None, descs[:2], descs[2:], attr) != 0
    arguments = descs[:2], buffers[:2], descs[2:], buffers[2:], attr, stream
    assert acl.op.execute_v2("Add", *arguments) == acl.rt.synchronize_stream(stream) == 0
    result = np.empty_like(values)
    assert acl.rt.memcpy(acl.util.numpy_to_ptr(result), size, places[2], size, 2) == 0
    assert result.tolist() == (2 * values).tolist()
    acl.op.destroy_attr(attr)
    for desc, place, buffer in zip(descs, places, buffers, strict=True):
        assert acl.destroy_data_buffer(buffer) == acl.rt.free(place) == 0
        acl.destroy_tensor_desc(desc)


def test_gear_models_tell_their_largest_outputs() -> None:
    """Programs view output memory by get_output_dims: there is no -1 in it."""
    y = models.value("y", ("n", 4))
    proto = models.model(
        [models.helper.make_node("Relu", ["x"], ["y"])], [models.value("x", ("n", 4))], [y]
    )
    data = models.gear_om(proto, "batch", [[1], [2], [8]], [(0, 0)], [[[n, 4] for n in (1, 2, 8)]])
    address = acl.util.bytes_to_ptr(data)
    model_id, ret = acl.mdl.load_from_mem(address, len(data))
    assert ret == 0
    desc = acl.mdl.create_desc()
    assert acl.mdl.get_desc(desc, model_id) == 0
    assert acl.mdl.get_input_dims(desc, 0)[0]["dims"] == [-1, 4]
    shown, ret = acl.mdl.get_output_dims(desc, 0)
    assert (shown["dims"], ret) == ([8, 4], 0)
    assert acl.mdl.get_output_size_by_index(desc, 0) == 8 * 4 * 4
    assert acl.mdl.get_cur_output_dims(desc, 0)[0]["dims"] == [8, 4]
    assert acl.mdl.destroy_desc(desc) == acl.mdl.unload(model_id) == 0


def decode_packets(
    stream: codec.Stream, packets: list[bytes]
) -> tuple[list[tuple[int, int]], list[np.ndarray]]:
    """Decode as the samples' wrapper does: each packet is written to the same memory, and nothing
    is waited for before the next is. Returns the user data and code of each callback, pictures."""
    context, _ = acl.rt.get_context()
    running, pictures, codes = [True], [], []
    size = stream.width * stream.height * 3 // 2

    def report(_: Any) -> None:
        acl.rt.set_context(context)
        while running:
            acl.rt.process_report(50)

    def decoded(packet: int, picture: int, user: list[int]) -> None:
        code, place = (
            getattr(media, f"dvpp_get_pic_desc_{name}")(picture) for name in ("ret_code", "data")
        )
        codes.append((user[1], code))
        if code == 0:
            seen = np.empty((stream.height * 3 // 2, stream.width), np.uint8)
            assert acl.rt.memcpy(acl.util.numpy_to_ptr(seen), size, place, size, 2) == 0
            pictures.append(seen)
        assert media.dvpp_free(place) == media.dvpp_destroy_pic_desc(picture) == 0
        assert media.dvpp_destroy_stream_desc(packet) == 0

    thread, _ = acl.util.start_thread(report, [])
    channel = media.vdec_create_channel_desc()
    for name, value in (
        ("channel_id", 7), ("thread_id", thread), ("callback", decoded), ("entype", 3),
        ("out_pic_format", 1), ("out_mode", media.vdec_get_channel_desc_out_mode(channel)),
    ):  # fmt: skip
        assert getattr(media, f"vdec_set_channel_desc_{name}")(channel, value) == 0
    assert media.vdec_create_channel(channel) == 0
    config, (room, _) = media.vdec_create_frame_config(), media.dvpp_malloc(1 << 20)
    for number, data in enumerate(packets):
        assert acl.rt.memcpy(room, len(data), acl.util.bytes_to_ptr(data), len(data), 1) == 0
        packet, picture = media.dvpp_create_stream_desc(), media.dvpp_create_pic_desc()
        media.dvpp_set_stream_desc_size(packet, len(data))
        media.dvpp_set_stream_desc_data(packet, room)
        media.dvpp_set_pic_desc_data(picture, media.dvpp_malloc(size)[0])
        media.dvpp_set_pic_desc_size(picture, size)
        media.dvpp_set_pic_desc_format(picture, 1)
        assert media.vdec_send_frame(channel, packet, picture, config, [7, number]) == 0
    assert media.dvpp_free(room) == 0  # the packets are in the card's own buffer
    assert media.vdec_destroy_channel(channel) == 0
    running.clear()
    assert acl.util.stop_thread(thread) == 0
    assert media.vdec_destroy_channel_desc(channel) == 0
    assert media.vdec_destroy_frame_config(config) == 0
    return codes, pictures


def test_one_input_buffer_for_all_packets() -> None:
    stream = codec.bikes(24)
    codes, pictures = decode_packets(stream, stream.packets)
    assert codes == [(number, 0) for number in stream.order]
    np.testing.assert_array_equal(pictures, stream.frames)


def test_pictures_freed_as_soon_as_they_are_sent() -> None:
    """Programs wrap a picture in an object, send it and drop it; the memory goes to the next one.
    Their report thread has a context of its own."""
    width, height, count = 256, 128, 12
    noise = np.random.default_rng(3).integers(0, 256, (height * 3 // 16, width // 8), np.uint8)
    base = noise.repeat(8, 0).repeat(8, 1)
    pictures = [np.roll(base, 16 * number, 1) for number in range(count)]
    running, packets = [True], []

    def report(_: Any) -> None:
        own, _ = acl.rt.create_context(0)
        while running:
            acl.rt.process_report(50)
        acl.rt.destroy_context(own)

    def encoded(picture: int, stream: int, user: Any) -> None:
        size = media.dvpp_get_stream_desc_size(stream)
        data, place = bytes(size), media.dvpp_get_stream_desc_data(stream)
        assert acl.rt.memcpy(acl.util.bytes_to_ptr(data), size, place, size, 2) == 0
        packets.append((media.dvpp_get_stream_desc_ret_code(stream), data))

    thread, _ = acl.util.start_thread(report, [])
    channel, config = media.venc_create_channel_desc(), media.venc_create_frame_config()
    for name, value in (
        ("thread_id", thread), ("callback", encoded), ("entype", 2), ("pic_format", 1),
        ("pic_width", width), ("pic_height", height), ("key_frame_interval", 16),
    ):  # fmt: skip
        assert getattr(media, f"venc_set_channel_desc_{name}")(channel, value) == 0
    assert media.venc_create_channel(channel) == 0
    for picture in pictures:
        desc = media.dvpp_create_pic_desc()
        place, _ = media.dvpp_malloc(picture.nbytes)
        pointer = acl.util.numpy_to_ptr(picture)
        assert acl.rt.memcpy(place, picture.nbytes, pointer, picture.nbytes, 1) == 0
        media.dvpp_set_pic_desc_data(desc, place)
        media.dvpp_set_pic_desc_size(desc, picture.nbytes)
        assert media.venc_send_frame(channel, desc, 0, config, None) == 0, acl.get_recent_err_msg()
        assert media.dvpp_free(place) == media.dvpp_destroy_pic_desc(desc) == 0
    media.venc_set_frame_config_eos(config, 1)
    assert media.venc_send_frame(channel, 0, 0, config, None) == 0
    running.clear()
    assert acl.util.stop_thread(thread) == media.venc_destroy_channel(channel) == 0
    assert media.venc_destroy_channel_desc(channel) == 0
    assert media.venc_destroy_frame_config(config) == 0
    assert [code for code, _ in packets] == [0] * count
    frames = decode([data for _, data in packets], hevc=False).frames
    assert len(frames) == count
    assert min(psnr(frame, picture) for frame, picture in zip(frames, pictures, strict=True)) > 30


def test_headers_sent_as_packets_of_their_own() -> None:
    """Programs that take a camera's packets apart send parameter sets alone; those give no picture
    and fail as frames, and the pictures behind them come as they should."""
    stream = codec.bikes(12)
    starts = [found.start() for found in re.finditer(b"\0\0\0\1|\0\0\1", stream.packets[0])]
    units = [stream.packets[0][a:b] for a, b in itertools.pairwise([*starts, None])]
    kinds = [unit.lstrip(b"\0")[1] & 31 for unit in units]
    alone = [unit for unit, kind in zip(units, kinds, strict=True) if kind in (7, 8)]
    rest = b"".join(unit for unit, kind in zip(units, kinds, strict=True) if kind not in (7, 8))
    assert len(alone) == 2
    users, pictures = decode_packets(stream, [*alone, rest, *stream.packets[1:]])
    assert sorted(user for user, code in users if code != 0) == [0, 1]
    assert {code for _, code in users if code != 0} == {1}
    np.testing.assert_array_equal(pictures, stream.frames)
