"""What happens to things in their order: made, used, misused, destroyed, and used once more.

A row is a call and what it returns; the rows of a life are called one after the other. Codes are
those that the interface documents.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from acl_fast import pyacl as acl
from acl_fast import softnpu
from acl_fast._atc.convert import Request, convert
from acl_fast._atc.shapes import parse_input_shape
from tests.core import models

Row = tuple[Callable[[Any], Any], Any]
NULL, BAD, GONE, NO_CONTEXT, FOREIGN = 100000, 107000, 107000, 107002, 107003
VDEC, VPC = 0xA0058000, 0xA0078000
VIDEO = {
    "type": 96, "mode": 1, "pic_width": 256, "pic_height": 256, "stream_buf_size": 98304,
    "frame_buf_size": 0, "frame_buf_cnt": 0,
    "video_attr": {"ref_frame_num": 4, "temporal_mvp_en": 1, "tmv_buf_size": 0},
}  # fmt: skip
GEARS = "ascend_mbatch_shape_data"


def keep(t: Any, name: str, made: Any) -> Any:
    """Remember a handle, and tell the code that came with it."""
    handle, ret = made if isinstance(made, tuple) else (made, 0 if made else -1)
    setattr(t, name, handle)
    return ret


def nothing(_: object) -> int:
    return 0


rt, media, himpi = acl.rt, acl.media, acl.himpi
LIVES: dict[str, list[Row]] = {
    "context": [
        (lambda t: keep(t, "first", rt.get_context()), 0),
        (lambda t: keep(t, "made", rt.create_context(0)), 0),
        (lambda t: rt.get_context() == (t.made, 0), True),
        (lambda t: keep(t, "stream", rt.create_stream()), 0),
        (lambda t: keep(t, "event", rt.create_event()), 0),
        (lambda t: rt.set_context(t.first), 0),
        (lambda t: rt.record_event(t.event, t.stream), FOREIGN),
        (lambda t: rt.stream_wait_event(t.stream, t.event), FOREIGN),
        (lambda t: rt.synchronize_stream(t.stream), 0),
        (lambda t: rt.destroy_stream(t.stream), FOREIGN),
        (lambda t: rt.set_context(t.made), 0),
        (lambda t: rt.destroy_stream(t.stream), 0),
        (lambda t: rt.destroy_event(t.event), 0),
        (lambda t: rt.destroy_context(t.made), 0),
        (lambda t: rt.destroy_context(t.made), NO_CONTEXT),
        (lambda t: rt.set_context(t.made), GONE),
        (lambda t: rt.set_context(t.first), 0),
        (lambda t: rt.destroy_context(t.first), NO_CONTEXT),
        (lambda t: rt.create_context(99)[1], 107001),
    ],
    "stream": [
        (lambda t: keep(t, "stream", rt.create_stream_with_config(0, 0)), 0),
        (lambda t: rt.stream_query(t.stream), (0, 0)),
        (lambda t: rt.synchronize_stream_with_timeout(t.stream, 0), BAD),
        (lambda t: rt.synchronize_stream_with_timeout(t.stream, -2), BAD),
        (lambda t: rt.synchronize_stream_with_timeout(t.stream, -1), 0),
        (lambda t: rt.destroy_stream(t.stream), 0),
        (lambda t: rt.destroy_stream(t.stream), GONE),
        (lambda t: keep(t, "stream", rt.create_stream()), 0),
        (lambda t: rt.destroy_stream_force(t.stream), 0),
    ],
    "event": [
        (lambda t: keep(t, "a", rt.create_event()), 0),
        (lambda t: keep(t, "b", rt.create_event()), 0),
        (lambda t: rt.synchronize_event(t.a), 0),
        (lambda t: rt.event_elapsed_time(t.a, t.b), (0.0, 107006)),
        (lambda t: rt.record_event(t.a, 0), 0),
        (lambda t: rt.record_event(t.b, 0), 0),
        (lambda t: rt.synchronize_stream(0), 0),
        (lambda t: rt.query_event(t.b), (0, 0)),
        (lambda t: rt.query_event_status(t.b), (1, 0)),
        (lambda t: rt.event_elapsed_time(t.a, t.b)[1], 0),
        (lambda t: keep(t, "ex", rt.create_event_ex_with_flag(1)), 0),
        (lambda t: rt.reset_event(t.ex, 0), 207000),
        (lambda t: rt.query_event(t.ex), (0, 207000)),
        (lambda t: rt.query_event_wait_status(t.ex), (0, 207000)),
        (lambda t: rt.query_event_status(t.ex), (1, 0)),
        (lambda t: [rt.destroy_event(e) for e in (t.a, t.b, t.ex)], [0, 0, 0]),
        (lambda t: rt.destroy_event(t.a), GONE),
    ],
    "memory": [
        (lambda t: keep(t, "device", rt.malloc(64, 0)), 0),
        (lambda t: keep(t, "cached", rt.malloc_cached(64, 2)), 0),
        (lambda t: keep(t, "aligned", rt.malloc_align32(64, 1)), 0),
        (lambda t: keep(t, "host", rt.malloc_host(64)), 0),
        (lambda t: keep(t, "media", media.dvpp_malloc(64)), 0),
        (lambda t: [t.device % 64, t.host % 64, t.media % 128], [0, 0, 0]),
        (lambda t: rt.memcpy(t.device, 64, t.host, 64, -1), NULL),
        (lambda t: [rt.memcpy(t.device, 64, t.host, 64, k) for k in range(5)], [0] * 5),
        (lambda t: rt.memcpy(t.device, 32, t.host, 64, 1), BAD),
        (lambda t: rt.memcpy(t.device, 64, t.device, 64, 3), 0),
        (lambda t: rt.memset(t.device, 32, 0, 64), BAD),
        (lambda t: rt.memset(t.host, 64, 0, 64), 0),
        (lambda t: rt.memcpy2d(t.device, 4, t.host, 8, 8, 1, 1), NULL),
        (lambda t: rt.mem_flush(t.cached, 64), 0),
        (lambda t: rt.mem_invalidate(t.cached, 64), 0),
        (lambda t: rt.free(t.media), BAD),
        (lambda t: rt.free(t.host), BAD),
        (lambda t: [rt.free(p) for p in (t.device, t.cached, t.aligned)], [0, 0, 0]),
        (lambda t: [rt.free_host(t.host), media.dvpp_free(t.media)], [0, 0]),
        (lambda t: rt.free(t.device), GONE),
        (lambda t: media.dvpp_free(t.media), GONE),
    ],
    "report": [
        (lambda t: keep(t, "stream", rt.create_stream()), 0),
        (lambda t: rt.process_report(0), NULL),
        (lambda t: rt.process_report(-2), NULL),
        (lambda t: rt.process_report(5), 107012),
        (lambda t: rt.launch_callback(nothing, 0, 0, t.stream), 107015),
        (lambda t: rt.subscribe_report(threading.get_ident(), t.stream), 0),
        (lambda t: rt.subscribe_report(threading.get_ident(), t.stream), 107011),
        (lambda t: rt.process_report(5), 507012),
        (lambda t: rt.launch_callback(nothing, 0, 5, t.stream), NULL),
        (lambda t: rt.launch_callback(nothing, 0, -1, t.stream), NULL),
        (lambda t: rt.launch_callback(nothing, 0, 1, t.stream), 0),
        (lambda t: rt.process_report(1000), 0),
        (lambda t: rt.synchronize_stream(t.stream), 0),
        (lambda t: rt.unsubscribe_report(threading.get_ident(), t.stream), 0),
        (lambda t: rt.destroy_stream(t.stream), 0),
    ],
    "dvpp": [
        (lambda t: keep(t, "batch", media.dvpp_create_batch_pic_desc(3)), 0),
        (lambda t: [media.dvpp_get_pic_desc(t.batch, i) > 0 for i in range(4)],
         [True, True, True, False]),
        (lambda t: media.dvpp_destroy_batch_pic_desc(t.batch), 0),
        (lambda t: keep(t, "roi", media.dvpp_create_roi_config(0, 63, 0, 47)), 0),
        (lambda t: media.dvpp_set_roi_config(t.roi, 2, 33, 2, 33), 0),
        (lambda t: media.dvpp_set_roi_config(t.roi, 0, 70000, 0, 1), NULL),
        (lambda t: media.dvpp_set_roi_config_top(t.roi, 70000), NULL),
        (lambda t: media.dvpp_destroy_roi_config(t.roi), 0),
        (lambda t: keep(t, "resize", media.dvpp_create_resize_config()), 0),
        (lambda t: [media.dvpp_set_resize_config_interpolation(t.resize, k) for k in range(6)],
         [0, 0, 0, 0, 0, NULL]),
        (lambda t: keep(t, "jpege", media.dvpp_create_jpege_config()), 0),
        (lambda t: [media.dvpp_set_jpege_config_level(t.jpege, k) for k in (0, 1, 100, 101)],
         [0, 0, 0, NULL]),
        (lambda t: keep(t, "channel", media.dvpp_create_channel_desc()), 0),
        (lambda t: keep(t, "pic", media.dvpp_create_pic_desc()), 0),
        (lambda t: media.dvpp_set_pic_desc_data(t.pic, 0), NULL),
        (lambda t: media.dvpp_vpc_resize_async(t.channel, t.pic, t.pic, t.resize, 0), NULL),
        (lambda t: media.dvpp_destroy_channel(t.channel), NULL),
        (lambda t: media.dvpp_create_channel(t.channel), 0),
        (lambda t: media.dvpp_create_channel(t.channel), NULL),
        (lambda t: media.dvpp_destroy_channel(t.channel), 0),
        (lambda t: media.dvpp_destroy_channel(t.channel), NULL),
        (lambda t: [media.dvpp_destroy_pic_desc(t.pic), media.dvpp_destroy_jpege_config(t.jpege),
                    media.dvpp_destroy_resize_config(t.resize),
                    media.dvpp_destroy_channel_desc(t.channel)], [0, 0, 0, 0]),
    ],
    "vpc": [
        (lambda t: himpi.sys_init(), 0),
        (lambda t: himpi.vpc_create_chn(3, {"attr": 0}), 0),
        (lambda t: himpi.vpc_create_chn(3, {}), VPC | 4),
        (lambda t: [himpi.vpc_create_chn(4, {"attr": depth}) for depth in (9, 351)], [VPC | 3] * 2),
        (lambda t: [himpi.vpc_create_chn(n, {}) for n in (-1, 256)], [VPC | 2] * 2),
        (lambda t: himpi.vpc_resize(3, None, None, 0, 0, 0, 0), (0, VPC | 6)),
        (lambda t: himpi.vpc_destroy_chn(3), 0),
        (lambda t: himpi.vpc_destroy_chn(3), VPC | 5),
    ],
    "vdec": [
        (lambda t: himpi.sys_init(), 0),
        (lambda t: himpi.vdec_create_chn(2, VIDEO), 0),
        (lambda t: himpi.vdec_create_chn(2, VIDEO), VDEC | 4),
        (lambda t: himpi.vdec_create_chn(3, {**VIDEO, "pic_width": 0}), VDEC | 3),
        (lambda t: himpi.vdec_create_chn(999, VIDEO), VDEC | 2),
        (lambda t: himpi.vdec_get_chn_attr(2)[0]["pic_width"], 256),
        (lambda t: himpi.vdec_send_stream(2, {"end_of_stream": True}, {}, 0), VDEC | 9),
        (lambda t: himpi.vdec_start_recv_stream(2), 0),
        (lambda t: himpi.vdec_get_frame(2, 0)[3], VDEC | 0xE),
        (lambda t: himpi.vdec_stop_recv_stream(2), 0),
        (lambda t: himpi.vdec_destroy_chn(2), 0),
        (lambda t: himpi.vdec_destroy_chn(2), VDEC | 5),
    ],
}  # fmt: skip


def live() -> dict[str, int]:
    return {k: v for k, v in softnpu.counters().items() if k.startswith("live_")}


def follow(rows: list[Row], t: SimpleNamespace) -> None:
    wrong = {}
    for number, (call, expected) in enumerate(rows):
        result = call(t)
        if result != expected:
            wrong[number] = (result, expected)
    assert not wrong


@pytest.mark.parametrize("life", LIVES)
def test_life(life: str) -> None:
    before = live()
    follow(LIVES[life], SimpleNamespace())
    assert live() == before


def test_gears(tmp_path: Path) -> None:
    path = tmp_path / "scale.onnx"
    path.write_bytes(models.scale(("n", 8), 3.0))
    shape = parse_input_shape("x:-1,8")
    om = convert(Request(path, tmp_path / "x", input_shape=shape, gear=("batch", "1,2,4"))).path
    t = SimpleNamespace(data=acl.mdl.create_dataset(), desc=acl.mdl.create_desc(), out=0)
    mdl = acl.mdl
    buffers: list[int] = []

    def add(_: Any, size: int) -> Any:
        buffers.append(acl.create_data_buffer(t.memory + 256 * len(buffers), size))
        return mdl.add_dataset_buffer(t.data, buffers[-1])[1]

    rows: list[Row] = [
        (lambda t: keep(t, "model", mdl.load_from_file(str(om))), 0),
        (lambda t: keep(t, "memory", rt.malloc(1024, 0)), 0),
        (lambda t: mdl.get_desc(t.desc, t.model), 0),
        (lambda t: mdl.get_dynamic_batch(t.desc), ({"batchCount": 3, "batch": [1, 2, 4]}, 0)),
        (lambda t: mdl.get_input_dims(t.desc, 0)[0]["dims"], [-1, 8]),
        (lambda t: mdl.get_input_size_by_index(t.desc, 0), 4 * 8 * 4),
        (lambda t: mdl.get_cur_output_dims(t.desc, 0)[0]["dims"], [4, 8]),
        (lambda t: keep(t, "index", mdl.get_input_index_by_name(t.desc, GEARS)), 0),
        (lambda t: add(t, 128), 0),
        (lambda t: mdl.set_dynamic_batch_size(t.model, t.data, t.index, 2), NULL),
        (lambda t: add(t, mdl.get_input_size_by_index(t.desc, t.index)), 0),
        (lambda t: mdl.set_dynamic_batch_size(t.model, t.data, t.index, 0), NULL),
        (lambda t: mdl.set_dynamic_batch_size(t.model, t.data, t.index, 3), 145013),
        (lambda t: mdl.set_dynamic_batch_size(424242, t.data, t.index, 2), 145003),
        (lambda t: mdl.set_dynamic_batch_size(t.model, t.data, t.index, 2), 0),
        (lambda t: mdl.get_cur_output_dims(t.desc, 0)[0]["dims"], [2, 8]),
        (lambda t: acl.update_data_buffer(buffers[1], t.memory + 256, 2), 0),
        (lambda t: mdl.set_dynamic_batch_size(t.model, t.data, t.index, 2), 145012),
        (lambda t: mdl.destroy_dataset(t.data), 0),
        (lambda t: [acl.destroy_data_buffer(buffer) for buffer in buffers], [0, 0]),
        (lambda t: mdl.unload(t.model), 0),
        (lambda t: mdl.unload(t.model), 145003),
        # A description outlives its model.
        (lambda t: mdl.get_num_outputs(t.desc), 1),
        (lambda t: mdl.destroy_desc(t.desc), 0),
        (lambda t: rt.free(t.memory), 0),
    ]
    follow(rows, t)


def test_a_thread_without_a_device() -> None:
    found: list[Any] = []

    def work() -> None:
        found.extend([rt.get_device(), rt.create_stream(), rt.malloc(64, 0)])
        found.extend([rt.synchronize_device(), rt.get_context()])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [f[-1] if isinstance(f, tuple) else f for f in found] == [NO_CONTEXT] * 5
