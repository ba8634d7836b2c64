"""The right calls, their documented misuses, and what each returns."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from acl_fast import pyacl as acl
from acl_fast._atc.convert import Request, convert
from tests.core import models

Call = Callable[[Any], Any]
INVALID, UNSUPPORTED_FORMAT, NO_EVENT = 100000, 100027, 107003
HOST = 0x7000_0000_0000


@pytest.fixture(scope="module")
def om(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    path = folder / "add.onnx"
    path.write_bytes(models.add((4, 16)))
    return convert(Request(path, folder / "add")).path


@pytest.fixture(scope="module")
def things(om: Path) -> Iterator[SimpleNamespace]:
    """What the rows use."""
    t = SimpleNamespace(path=str(om), data=om.read_bytes())
    t.stream, _ = acl.rt.create_stream()
    t.event, _ = acl.rt.create_event()
    t.memory, _ = acl.rt.malloc(4096, 0)
    t.host, _ = acl.rt.malloc_host(4096)
    t.media, _ = acl.media.dvpp_malloc(1 << 16)
    t.model, _ = acl.mdl.load_from_file(t.path)
    t.desc = acl.mdl.create_desc()
    acl.mdl.get_desc(t.desc, t.model)
    t.buffer = acl.create_data_buffer(t.memory, 256)
    t.inputs, t.outputs = acl.mdl.create_dataset(), acl.mdl.create_dataset()
    acl.mdl.add_dataset_buffer(t.inputs, t.buffer)
    acl.mdl.add_dataset_buffer(t.inputs, t.buffer)
    t.result = acl.create_data_buffer(t.memory + 1024, 256)
    acl.mdl.add_dataset_buffer(t.outputs, t.result)
    t.tensor = acl.create_tensor_desc(0, [2, 3, 4], 0)
    t.pic = acl.media.dvpp_create_pic_desc()
    t.channel = acl.media.dvpp_create_channel_desc()
    acl.media.dvpp_create_channel(t.channel)
    t.attr = acl.op.create_attr()
    t.aipp = acl.mdl.create_aipp(2)
    file = io.BytesIO()
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(file, "JPEG")
    t.jpeg = file.getvalue()
    file = io.BytesIO()
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(file, "PNG")
    t.png = file.getvalue()
    yield t
    acl.mdl.destroy_aipp(t.aipp)
    acl.op.destroy_attr(t.attr)
    acl.media.dvpp_destroy_channel(t.channel)
    acl.media.dvpp_destroy_channel_desc(t.channel)
    acl.media.dvpp_destroy_pic_desc(t.pic)
    acl.destroy_tensor_desc(t.tensor)
    for dataset in (t.inputs, t.outputs):
        acl.mdl.destroy_dataset(dataset)
    for buffer in (t.buffer, t.result):
        acl.destroy_data_buffer(buffer)
    acl.mdl.destroy_desc(t.desc)
    acl.mdl.unload(t.model)
    acl.media.dvpp_free(t.media)
    acl.rt.free_host(t.host)
    acl.rt.free(t.memory)
    acl.rt.destroy_event(t.event)
    acl.rt.destroy_stream(t.stream)


class Fails:
    """A code other than 0, as all of the result or as its last part."""

    def __eq__(self, other: object) -> bool:
        last = other[-1] if isinstance(other, tuple) else other
        return isinstance(last, int) and last != 0

    def __repr__(self) -> str:
        return "a code other than 0"

    __hash__ = None  # type: ignore[assignment]


FAILS = Fails()

ROWS: list[tuple[str, Call, Any]] = [
    # acl
    ("data_type_size", lambda t: acl.data_type_size(0), 4),
    ("data_type_size half", lambda t: acl.data_type_size(1), 2),
    ("data_type_size unknown", lambda t: acl.data_type_size(99), 0),
    ("float16", lambda t: acl.float16_to_float(acl.float_to_float16(1.5)), 1.5),
    ("get_soc_name", lambda t: acl.get_soc_name(), "Ascend310P3"),
    ("get_version", lambda t: acl.get_version()[0::3], (1, 0)),
    ("init twice", lambda t: acl.init(), 100002),
    ("get_tensor_desc_type", lambda t: acl.get_tensor_desc_type(t.tensor), 0),
    ("get_tensor_desc_format", lambda t: acl.get_tensor_desc_format(t.tensor), 0),
    ("get_tensor_desc_size", lambda t: acl.get_tensor_desc_size(t.tensor), 96),
    ("element_count", lambda t: acl.get_tensor_desc_element_count(t.tensor), 24),
    ("num_dims", lambda t: acl.get_tensor_desc_num_dims(t.tensor), 3),
    ("dim", lambda t: acl.get_tensor_desc_dim(t.tensor, 2), 4),
    ("dim_v2", lambda t: acl.get_tensor_desc_dim_v2(t.tensor, 2), (4, 0)),
    ("dim_v2 outside", lambda t: acl.get_tensor_desc_dim_v2(t.tensor, 3), FAILS),
    ("name", lambda t: acl.set_tensor_desc_name(t.tensor, "x"), None),
    ("name back", lambda t: acl.get_tensor_desc_name(t.tensor), "x"),
    ("set_tensor_format", lambda t: acl.set_tensor_format(t.tensor, 2), 0),
    ("set_tensor_shape", lambda t: acl.set_tensor_shape(t.tensor, [2, 3, 4]), 0),
    ("shape_range", lambda t: acl.set_tensor_shape_range(t.tensor, [[1, 2]] * 3), 0),
    ("dim_range", lambda t: acl.get_tensor_desc_dim_range(t.tensor, 1, 2), ([1, 2], 0)),
    ("place_ment", lambda t: acl.set_tensor_place_ment(t.tensor, 0), 0),
    ("tensor NULL", lambda t: acl.get_tensor_desc_size(0), 0),
    ("buffer addr", lambda t: acl.get_data_buffer_addr(t.buffer) == t.memory, True),
    ("buffer size", lambda t: acl.get_data_buffer_size(t.buffer), 256),
    ("buffer size v2", lambda t: acl.get_data_buffer_size_v2(t.buffer), 256),
    ("buffer NULL", lambda t: acl.get_data_buffer_addr(0), 0),
    ("destroy_data_buffer NULL", lambda t: acl.destroy_data_buffer(0), INVALID),
    # acl.rt
    ("get_device", lambda t: acl.rt.get_device(), (0, 0)),
    ("get_device with argument", lambda t: acl.rt.get_device(0), (0, 0)),
    ("get_device_count", lambda t: acl.rt.get_device_count(), (1, 0)),
    ("get_run_mode", lambda t: acl.rt.get_run_mode()[1], 0),
    ("set_device unknown", lambda t: acl.rt.set_device(99), 107001),
    ("get_context", lambda t: acl.rt.get_context()[1], 0),
    ("set_context NULL", lambda t: acl.rt.set_context(0), INVALID),
    ("set_context garbage", lambda t: acl.rt.set_context(12345), FAILS),
    ("malloc 0", lambda t: acl.rt.malloc(0, 0), (0, INVALID)),
    ("malloc too much", lambda t: acl.rt.malloc(1 << 50, 0), (0, 207001)),
    ("malloc_host 0", lambda t: acl.rt.malloc_host(0), (0, INVALID)),
    ("free NULL", lambda t: acl.rt.free(0), INVALID),
    ("free host memory", lambda t: acl.rt.free(t.host), FAILS),
    ("free_host NULL", lambda t: acl.rt.free_host(0), INVALID),
    ("memcpy", lambda t: acl.rt.memcpy(t.memory, 64, t.host, 64, 1), 0),
    ("memcpy too long", lambda t: acl.rt.memcpy(t.memory, 32, t.host, 64, 1), FAILS),
    ("memcpy NULL", lambda t: acl.rt.memcpy(0, 64, t.host, 64, 1), INVALID),
    ("memcpy kind", lambda t: acl.rt.memcpy(t.memory, 64, t.host, 64, 77), FAILS),
    ("memset", lambda t: acl.rt.memset(t.memory, 64, 0, 64), 0),
    ("memset too long", lambda t: acl.rt.memset(t.memory, 32, 0, 64), FAILS),
    ("memset NULL", lambda t: acl.rt.memset(0, 64, 0, 64), INVALID),
    ("memset_async", lambda t: acl.rt.memset_async(t.memory, 64, 0, 64, t.stream), 0),
    ("memcpy_async", lambda t: acl.rt.memcpy_async(t.memory, 8, t.host, 8, 1, t.stream), 0),
    ("memcpy_async NULL", lambda t: acl.rt.memcpy_async(0, 8, t.host, 8, 1, t.stream), INVALID),
    ("memory info", lambda t: acl.rt.get_mem_info(1)[2], 0),
    ("record_event", lambda t: acl.rt.record_event(t.event, t.stream), 0),
    ("record_event NULL", lambda t: acl.rt.record_event(0, t.stream), FAILS),
    ("stream_wait_event", lambda t: acl.rt.stream_wait_event(t.stream, t.event), 0),
    ("synchronize_event", lambda t: acl.rt.synchronize_event(t.event), 0),
    ("query_event", lambda t: acl.rt.query_event(t.event), (0, 0)),
    ("event_elapsed_time", lambda t: acl.rt.event_elapsed_time(t.event, t.event), (0.0, 0)),
    ("elapsed NULL", lambda t: acl.rt.event_elapsed_time(0, t.event)[1], FAILS),
    ("synchronize_stream", lambda t: acl.rt.synchronize_stream(t.stream), 0),
    ("synchronize default", lambda t: acl.rt.synchronize_stream(0), 0),
    ("synchronize garbage", lambda t: acl.rt.synchronize_stream(12345), FAILS),
    ("with_timeout", lambda t: acl.rt.synchronize_stream_with_timeout(t.stream, 100), 0),
    ("synchronize_device", lambda t: acl.rt.synchronize_device(), 0),
    ("synchronize_device extra", lambda t: acl.rt.synchronize_device(0), 0),
    ("stream_query", lambda t: acl.rt.stream_query(t.stream), (0, 0)),
    ("stream_get_id", lambda t: acl.rt.stream_get_id(t.stream)[1], 0),
    ("destroy_stream NULL", lambda t: acl.rt.destroy_stream(0), INVALID),
    ("destroy_event NULL", lambda t: acl.rt.destroy_event(0), INVALID),
    ("subscribe NULL stream", lambda t: acl.rt.subscribe_report(1, 12345), FAILS),
    ("unsubscribe unknown", lambda t: acl.rt.unsubscribe_report(1, t.stream), FAILS),
    ("process_report without", lambda t: acl.rt.process_report(10), FAILS),
    # acl.mdl
    ("get_num_inputs", lambda t: acl.mdl.get_num_inputs(t.desc), 2),
    ("get_num_outputs", lambda t: acl.mdl.get_num_outputs(t.desc), 1),
    ("get_num_inputs NULL", lambda t: acl.mdl.get_num_inputs(0), 0),
    ("input size", lambda t: acl.mdl.get_input_size_by_index(t.desc, 0), 256),
    ("input size outside", lambda t: acl.mdl.get_input_size_by_index(t.desc, 9), 0),
    ("output size", lambda t: acl.mdl.get_output_size_by_index(t.desc, 0), 256),
    ("input name", lambda t: acl.mdl.get_input_name_by_index(t.desc, 1), "b"),
    ("input index", lambda t: acl.mdl.get_input_index_by_name(t.desc, "b"), (1, 0)),
    ("input index unknown", lambda t: acl.mdl.get_input_index_by_name(t.desc, "no"), FAILS),
    ("output index", lambda t: acl.mdl.get_output_index_by_name(t.desc, "no")[1], FAILS),
    ("input type", lambda t: acl.mdl.get_input_data_type(t.desc, 0), 0),
    ("output type", lambda t: acl.mdl.get_output_data_type(t.desc, 0), 0),
    ("input format", lambda t: acl.mdl.get_input_format(t.desc, 0), 2),
    ("input dims", lambda t: acl.mdl.get_input_dims(t.desc, 0)[0]["dims"], [4, 16]),
    ("input dims name", lambda t: acl.mdl.get_input_dims(t.desc, 0)[0]["name"], "a"),
    ("input dims v2", lambda t: acl.mdl.get_input_dims_v2(t.desc, 0)[0]["dimCount"], 2),
    ("input dims outside", lambda t: acl.mdl.get_input_dims(t.desc, 9), FAILS),
    ("output dims", lambda t: acl.mdl.get_output_dims(t.desc, 0)[0]["dims"], [4, 16]),
    ("current dims", lambda t: acl.mdl.get_cur_output_dims(t.desc, 0)[0]["dims"], [4, 16]),
    ("dynamic batch", lambda t: acl.mdl.get_dynamic_batch(t.desc)[0]["batch"], []),
    ("dynamic hw", lambda t: acl.mdl.get_dynamic_hw(t.desc, -1)[0], {"hwCount": 0, "hw": []}),
    ("gear count", lambda t: acl.mdl.get_input_dynamic_gear_count(t.desc, -1), (0, 0)),
    ("query_size", lambda t: acl.mdl.query_size(t.path)[2], 0),
    ("query_size missing", lambda t: acl.mdl.query_size("/none.om")[2], FAILS),
    ("load missing", lambda t: acl.mdl.load_from_file("/none.om"), FAILS),
    ("load NULL", lambda t: acl.mdl.load_from_file(None), FAILS),
    ("load rubbish", lambda t: acl.mdl.load_from_mem(acl.util.bytes_to_ptr(t.jpeg), 64), FAILS),
    ("unload unknown", lambda t: acl.mdl.unload(424242), FAILS),
    ("get_desc unknown", lambda t: acl.mdl.get_desc(t.desc, 424242), FAILS),
    ("num buffers", lambda t: acl.mdl.get_dataset_num_buffers(t.inputs), 2),
    ("num buffers NULL", lambda t: acl.mdl.get_dataset_num_buffers(0), 0),
    ("dataset buffer", lambda t: acl.mdl.get_dataset_buffer(t.outputs, 0) == t.result, True),
    ("dataset buffer outside", lambda t: acl.mdl.get_dataset_buffer(t.outputs, 5), 0),
    ("add NULL", lambda t: acl.mdl.add_dataset_buffer(t.inputs, 0), FAILS),
    ("destroy dataset NULL", lambda t: acl.mdl.destroy_dataset(0), INVALID),
    ("execute_async", lambda t: acl.mdl.execute_async(t.model, t.inputs, t.outputs, t.stream), 0),
    ("and synchronise", lambda t: acl.rt.synchronize_stream(t.stream), 0),
    ("unknown model", lambda t: acl.mdl.execute_async(77, t.inputs, t.outputs, t.stream), FAILS),
    ("execute_async NULL", lambda t: acl.mdl.execute_async(t.model, 0, t.outputs, t.stream), FAILS),
    ("execute swapped", lambda t: acl.mdl.execute(t.model, t.outputs, t.inputs), FAILS),
    ("aipp type", lambda t: acl.mdl.get_aipp_type(t.model, 0)[0::2], (0, 0)),
    ("aipp info of none", lambda t: acl.mdl.get_first_aipp_info(t.model, 0), FAILS),
    ("create_aipp 0", lambda t: acl.mdl.create_aipp(0), 0),
    ("aipp format", lambda t: acl.mdl.set_aipp_input_format(t.aipp, 1), 0),
    ("aipp format unknown", lambda t: acl.mdl.set_aipp_input_format(t.aipp, 9), INVALID),
    ("aipp size", lambda t: acl.mdl.set_aipp_src_image_size(t.aipp, 64, 48), 0),
    ("aipp size odd", lambda t: acl.mdl.set_aipp_src_image_size(t.aipp, 63, 48), INVALID),
    ("aipp mean", lambda t: acl.mdl.set_aipp_dtc_pixel_mean(t.aipp, 1, 2, 3, 0, 1), 0),
    ("aipp mean batch", lambda t: acl.mdl.set_aipp_dtc_pixel_mean(t.aipp, 1, 2, 3, 0, 2), FAILS),
    ("aipp min", lambda t: acl.mdl.set_aipp_dtc_pixel_min(t.aipp, 1.5, 0, 0, 0, 0), 0),
    ("aipp reciprocal", lambda t: acl.mdl.set_aipp_pixel_var_reci(t.aipp, 0.5, 1, 1, 1, 0), 0),
    ("aipp crop", lambda t: acl.mdl.set_aipp_crop_params(t.aipp, 1, 0, 0, 32, 32, 0), 0),
    ("aipp swap", lambda t: acl.mdl.set_aipp_rbuv_swap_switch(t.aipp, 1), 0),
    ("aipp ax", lambda t: acl.mdl.set_aipp_ax_swap_switch(t.aipp, 2), FAILS),
    # acl.media
    ("dvpp_malloc 0", lambda t: acl.media.dvpp_malloc(0)[1], FAILS),
    ("dvpp_free NULL", lambda t: acl.media.dvpp_free(0), INVALID),
    ("roi", lambda t: acl.media.dvpp_destroy_roi_config(
        acl.media.dvpp_create_roi_config(0, 63, 0, 47)), 0),
    ("roi too large", lambda t: acl.media.dvpp_create_roi_config(0, 70000, 0, 47), 0),
    ("destroy_pic_desc NULL", lambda t: acl.media.dvpp_destroy_pic_desc(0), 0),
    ("jpeg info", lambda t: acl.media.dvpp_jpeg_get_image_info(
        acl.util.bytes_to_ptr(t.jpeg), len(t.jpeg)), (64, 48, 3, 0)),
    ("jpeg info of rubbish", lambda t: acl.media.dvpp_jpeg_get_image_info(
        acl.util.bytes_to_ptr(t.data), 256), FAILS),
    ("jpeg dec size", lambda t: acl.media.dvpp_jpeg_predict_dec_size(
        acl.util.bytes_to_ptr(t.jpeg), len(t.jpeg), 1)[1], 0),
    ("jpeg dec size format", lambda t: acl.media.dvpp_jpeg_predict_dec_size(
        acl.util.bytes_to_ptr(t.jpeg), len(t.jpeg), 14)[1], UNSUPPORTED_FORMAT),
    ("png info", lambda t: acl.media.dvpp_png_get_image_info(
        acl.util.bytes_to_ptr(t.png), len(t.png)), (64, 48, 3, 0)),
    ("png info short", lambda t: acl.media.dvpp_png_get_image_info(
        acl.util.bytes_to_ptr(t.png), 20)[3], INVALID),
    ("resize NULL", lambda t: acl.media.dvpp_vpc_resize_async(t.channel, 0, t.pic, 0, 0), INVALID),
    ("channel open", lambda t: acl.media.dvpp_create_channel(t.channel), FAILS),
    ("jpeg decode NULL", lambda t: acl.media.dvpp_jpeg_decode_async(
        t.channel, 0, 8, t.pic, t.stream), INVALID),
    # acl.himpi
    ("sys_init", lambda t: acl.himpi.sys_init(), 0),
    ("version", lambda t: acl.himpi.dvpp_get_version()[3], 0),
    ("himpi malloc 0", lambda t: acl.himpi.dvpp_malloc(0, 0)[1] >= 0xA0000000, True),
    ("vpc NULL attr", lambda t: acl.himpi.vpc_create_chn(0, None), 0xA0078006),
    ("vpc id", lambda t: acl.himpi.vpc_create_chn(999, {}), 0xA0078002),
    ("vpc unknown", lambda t: acl.himpi.vpc_destroy_chn(9), 0xA0078005),
    ("vdec NULL attr", lambda t: acl.himpi.vdec_create_chn(0, None), 0xA0058006),
    ("vdec id", lambda t: acl.himpi.vdec_create_chn(-1, {"type": 96}), 0xA0058002),
    ("vdec unknown", lambda t: acl.himpi.vdec_get_frame(9, 0)[3], 0xA0058005),
    ("venc unknown", lambda t: acl.himpi.venc_get_stream(9, 0)[1], 0xA0088005),
    # acl.op
    ("attr bool", lambda t: acl.op.set_attr_bool(t.attr, "b", True), 0),
    ("attr int", lambda t: acl.op.set_attr_int(t.attr, "i", -5), 0),
    ("attr float", lambda t: acl.op.set_attr_float(t.attr, "f", 0.5), 0),
    ("attr string", lambda t: acl.op.set_attr_string(t.attr, "s", "text"), 0),
    ("attr list int", lambda t: acl.op.set_attr_list_int(t.attr, "li", [1, 2]), 0),
    ("attr list int by numpy", lambda t: acl.op.set_attr_list_int(
        t.attr, "ln", np.array([1, 2])), 0),
    ("attr lists", lambda t: acl.op.set_attr_list_list_int(t.attr, "ll", [[1], [2, 3]]), 0),
    ("attr strings", lambda t: acl.op.set_attr_list_string(t.attr, "ls", ["a", "b"]), 0),
    ("attr again", lambda t: acl.op.set_attr_int(t.attr, "i", 1), 0),
    ("attr NULL", lambda t: acl.op.set_attr_int(0, "i", 1), FAILS),
    ("execute unknown", lambda t: acl.op.execute_v2(
        "NoSuchOperator", [t.tensor], [t.buffer], [t.tensor], [t.result], t.attr, 0), FAILS),
    ("model dir missing", lambda t: acl.op.set_model_dir("/none"), FAILS),
    # acl.prof, acl.blas
    ("prof stop without", lambda t: acl.prof.stop(0), FAILS),
    ("prof op size", lambda t: acl.prof.get_op_desc_size()[1], 0),
    ("subscribe unknown", lambda t: acl.prof.model_subscribe(77, 0), FAILS),
    ("gemm NULL", lambda t: acl.blas.hgemm(
        0, 0, 0, 2, 2, 2, 0, 0, 2, 0, 2, 0, 0, 2, 0, t.stream), FAILS),
]  # fmt: skip


@pytest.mark.parametrize(("call", "expected"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_call(things: SimpleNamespace, call: Call, expected: Any) -> None:
    assert expected == call(things)


# Descriptions by how they are made, and the values that their attributes take.
KINDS = {
    "dvpp_pic_desc": {"data": "media", "size": 4096, "format": 1, "ret_code": 3, "": 64},
    "dvpp_stream_desc": {"data": "media", "format": 3, "eos": 1, "": 77},
    "dvpp_resize_config": {"interpolation": 2},
    "dvpp_jpege_config": {"level": 80},
    "dvpp_border_config": {"border_type": 2, "": 8},
    "vdec_channel_desc": {
        "channel_id": 9, "entype": 3, "out_pic_format": 1, "out_mode": 1, "bit_depth": 1,
        "ref_frame_num": 8, "thread_id": 12345, "": 640,
    },
    "venc_channel_desc": {
        "entype": 2, "pic_format": 1, "rc_mode": 2, "buf_addr": "media", "thread_id": 12345,
        "": 640,
    },
    "venc_frame_config": {"": 1},
}  # fmt: skip


def pairs(kind: str) -> list[tuple[str, str]]:
    """Setter and getter of each plain attribute."""
    family, _, rest = kind.partition("_")
    found = []
    for name in dir(acl.media):
        prefix = f"{family}_set_{rest}_"
        getter = name.replace("_set_", "_get_", 1)
        if name.startswith(prefix) and hasattr(acl.media, getter):
            found.append((name, getter))
    return [p for p in found if not p[0].endswith(("_param", "_callback", "_value"))]


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_round_trip(things: SimpleNamespace, kind: str) -> None:
    family, _, rest = kind.partition("_")
    handle = getattr(acl.media, f"{family}_create_{rest}")()
    assert handle
    checked = pairs(kind)
    assert checked
    for setter, getter in checked:
        attribute = setter.removeprefix(f"{family}_set_{rest}_")
        value = KINDS[kind].get(attribute, KINDS[kind].get("", 1))
        value = getattr(things, value) if isinstance(value, str) else value
        assert getattr(acl.media, setter)(handle, value) == 0, setter
        assert getattr(acl.media, getter)(handle) == value, getter
        assert getattr(acl.media, setter)(0, value) == INVALID, setter
        assert getattr(acl.media, getter)(0) == 0, getter
    assert getattr(acl.media, f"{family}_destroy_{rest}")(handle) == 0
    assert getattr(acl.media, f"{family}_destroy_{rest}")(0) == 0


def test_host_is_no_device(things: SimpleNamespace) -> None:
    """An address that nobody allocated is refused before anything is read."""
    buffer = acl.create_data_buffer(HOST, 256)
    dataset = acl.mdl.create_dataset()
    acl.mdl.add_dataset_buffer(dataset, buffer)
    acl.mdl.add_dataset_buffer(dataset, buffer)
    code = acl.mdl.execute_async(things.model, dataset, things.outputs, things.stream)
    assert (code or acl.rt.synchronize_stream(things.stream)) == FAILS
    acl.mdl.destroy_dataset(dataset)
    acl.destroy_data_buffer(buffer)
