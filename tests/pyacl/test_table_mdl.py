"""acl.mdl: the calls that few programs make, their misuses, and what each returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from acl_fast import pyacl as acl
from acl_fast._atc import aipp
from acl_fast._atc.convert import Request, convert
from acl_fast._atc.shapes import parse_input_shape
from tests.aipp.conftest import passing_on
from tests.core import models

Call = Callable[[Any], Any]
INVALID, RT_INVALID, FAILURE, UNSUPPORTED, MIXED = 100000, 107000, 500001, 200006, 500002
TOO_SMALL, NO_FILE, NO_MODEL, CUT_SHORT, NO_AIPP = 145000, 145002, 145003, 145006, 145015
GARBAGE, UNKNOWN, NONE = 12345, 424242, "/none.om"
DYNAMIC = "aipp_op { aipp_mode: dynamic max_src_image_size: 24576 }"
IDENTITY = [256, 0, 0, 0, 256, 0, 0, 0, 256]


@pytest.fixture(scope="module")
def oms(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """y = a + b, and y = x behind dynamic AIPP."""
    folder = tmp_path_factory.mktemp("table")
    (folder / "add.onnx").write_bytes(models.add((4, 16)))
    passing_on(folder / "aipp.onnx", ["n", 3, "h", "w"], "float32")
    shape = parse_input_shape("x:1,3,24,32")
    return (
        convert(Request(folder / "add.onnx", folder / "add")).path,
        convert(
            Request(
                folder / "aipp.onnx",
                folder / "aipp",
                aipp=aipp.parse(DYNAMIC),
                input_shape=shape,
            )
        ).path,
    )


@pytest.fixture(scope="module")
def things(oms: tuple[Path, Path]) -> Iterator[SimpleNamespace]:
    """What the rows use."""
    t = SimpleNamespace(path=str(oms[0]), data=oms[0].read_bytes())
    t.mem, t.size = acl.util.bytes_to_ptr(t.data), len(t.data)
    t.stream, _ = acl.rt.create_stream()
    t.memory, _ = acl.rt.malloc(1 << 18, 0)
    t.work_size, t.weight_size, _ = acl.mdl.query_size(t.path)
    t.work, _ = acl.rt.malloc(t.work_size, 0)
    t.weight, _ = acl.rt.malloc(t.weight_size, 0)
    t.model, _ = acl.mdl.load_from_file(t.path)
    t.queued, _ = acl.mdl.load_from_file(t.path)
    t.desc, t.empty = acl.mdl.create_desc(), acl.mdl.create_desc()
    acl.mdl.get_desc(t.desc, t.model)
    t.bufs = [acl.create_data_buffer(t.memory + 1024 * i, 256) for i in range(3)]
    t.inputs, t.outputs = acl.mdl.create_dataset(), acl.mdl.create_dataset()
    for dataset, buffer in zip((t.inputs, t.inputs, t.outputs), t.bufs, strict=True):
        acl.mdl.add_dataset_buffer(dataset, buffer)
    t.tensor = acl.create_tensor_desc(0, [4, 16], 2)
    t.config, t.exec = acl.mdl.create_config_handle(), acl.mdl.create_exec_config_handle()
    t.seconds = np.array([5000], np.int32)
    acl.mdl.set_exec_config_opt(t.exec, 0, acl.util.numpy_to_ptr(t.seconds), 4)
    t.picture, _ = acl.mdl.load_from_file(str(oms[1]))
    t.bufs += [
        acl.create_data_buffer(t.memory + 65536 * (1 + i), n) for i, n in ((0, 24576), (1, 160))
    ]
    t.pictures = acl.mdl.create_dataset()
    for buffer in t.bufs[3:]:
        acl.mdl.add_dataset_buffer(t.pictures, buffer)
    t.aipp, t.pair = acl.mdl.create_aipp(1), acl.mdl.create_aipp(2)
    for made in (t.aipp, t.pair):
        acl.mdl.set_aipp_input_format(made, 3)
        acl.mdl.set_aipp_src_image_size(made, 32, 24)
    yield t
    for made in (t.aipp, t.pair):
        acl.mdl.destroy_aipp(made)
    acl.mdl.destroy_exec_config_handle(t.exec)
    acl.mdl.destroy_config_handle(t.config)
    for dataset in (t.inputs, t.outputs, t.pictures):
        acl.mdl.destroy_dataset(dataset)
    acl.destroy_tensor_desc(t.tensor)
    for buffer in t.bufs:
        acl.destroy_data_buffer(buffer)
    for desc in (t.desc, t.empty):
        acl.mdl.destroy_desc(desc)
    for model in (t.model, t.queued, t.picture):
        acl.mdl.unload(model)
    for address in (t.memory, t.work, t.weight):
        acl.rt.free(address)
    acl.rt.destroy_stream(t.stream)


def loaded(result: tuple[int, int]) -> tuple[int, ...]:
    """The code, the number of inputs, and the code of unloading."""
    model, code = result
    if code:
        return model, code
    desc = acl.mdl.create_desc()
    acl.mdl.get_desc(desc, model)
    count = acl.mdl.get_num_inputs(desc)
    acl.mdl.destroy_desc(desc)
    return code, count, acl.mdl.unload(model)


def bundle(result: tuple[int, int]) -> list[Any]:
    """All that can be asked of a bundle of one model, and of one that is unloaded."""
    made, code = result
    model, asked = acl.mdl.bundle_get_model_id(made, 0)
    seen = [code, acl.mdl.bundle_get_model_num(made), asked, model != made]
    seen += [acl.mdl.bundle_get_model_id(made, 1), acl.mdl.unload(model)]
    return [*seen, acl.mdl.bundle_unload(made), acl.mdl.bundle_unload(made)]


BUNDLE = [0, (1, 0), 0, True, (0, INVALID), INVALID, 0, NO_MODEL]


def option(handle: int, attribute: int, value: Any, size: int = 0) -> int:
    """Set an attribute by the address of its value."""
    array = np.array([value])
    pointer = acl.util.numpy_to_ptr(array)
    code: int = acl.mdl.set_config_opt(handle, attribute, pointer, size or array.nbytes)
    return code


def execution_option(handle: int, value: int, *, attribute: int = 0, size: int = 4) -> int:
    array = np.array([value, 0], np.int32)
    pointer = acl.util.numpy_to_ptr(array)
    code: int = acl.mdl.set_exec_config_opt(handle, attribute, pointer, size)
    return code


def with_config(kind: int, *parts: tuple[int, Any]) -> tuple[int, ...]:
    """Load by a config of its own; the addresses of its values are passed."""
    made = acl.mdl.create_config_handle()
    assert option(made, 1, np.uint64(kind)) == 0
    for attribute, value in parts:
        assert option(made, attribute, np.uint64(value)) == 0
    result = loaded(acl.mdl.load_with_config(made))
    assert acl.mdl.destroy_config_handle(made) == 0
    return result


def from_path(t: SimpleNamespace) -> tuple[int, ...]:
    text = t.path.encode() + b"\0"
    return with_config(1, (2, acl.util.bytes_to_ptr(text)))


def with_values(t: SimpleNamespace, path: str | bytes) -> list[Any]:
    """Load by a config whose values are passed themselves, as programs do."""
    made = acl.mdl.create_config_handle()
    parts = [(0, 3), (1, 2), (2, path), (5, t.weight), (6, t.weight_size), (7, t.work)]
    parts += [(8, np.int64(t.work_size)), (13, 1)]
    seen = [acl.mdl.set_config_opt(made, *part) for part in parts]
    return [*seen, loaded(acl.mdl.load_with_config(made)), acl.mdl.destroy_config_handle(made)]


WITH_VALUES = [*[0] * 8, (0, 2, 0), 0]


def executed(t: SimpleNamespace, name: str, model: int) -> list[Any]:
    """y = a + b in order with the stream."""
    rows = [np.arange(64, dtype=np.float32) + i for i in range(2)]
    result = np.zeros(64, np.float32)
    for i, row in enumerate(rows):
        acl.rt.memcpy(t.memory + 1024 * i, 256, acl.util.numpy_to_ptr(row), 256, 1)
    code = getattr(acl.mdl, name)(model, t.inputs, t.outputs, t.stream, t.exec)
    code = code or acl.rt.synchronize_stream(t.stream)
    acl.rt.memcpy(acl.util.numpy_to_ptr(result), 256, t.memory + 2048, 256, 2)
    return [code, bool((result == rows[0] + rows[1]).all())]


def tensor_desc(t: SimpleNamespace) -> list[Any]:
    """A desc set on a dataset comes back as another one, and is cleared by NULL."""
    before = acl.mdl.get_dataset_tensor_desc(t.inputs, 1)
    put = [acl.mdl.set_dataset_tensor_desc(t.inputs, t.tensor, 1) == (t.inputs, 0)]
    held = acl.mdl.get_dataset_tensor_desc(t.inputs, 1)
    seen = [held != t.tensor, acl.get_tensor_desc_dim_v2(held, 1)]
    acl.mdl.set_dataset_tensor_desc(t.inputs, 0, 1)
    return [before, *put, *seen, acl.mdl.get_dataset_tensor_desc(t.inputs, 1)]


def described(t: SimpleNamespace, code: int) -> tuple[int, int, str]:
    desc = t.empty
    return code, acl.mdl.get_num_inputs(desc), acl.mdl.get_output_name_by_index(desc, 0)


def header(t: SimpleNamespace) -> list[int]:
    """The parameters as the device reads them: format, batch, width, height."""
    head = np.zeros(64, np.uint8)
    acl.rt.memcpy(acl.util.numpy_to_ptr(head), 64, t.memory + 2 * 65536, 64, 2)
    return [int(head[0]), int(head[4]), *head[8:16].view(np.int32).tolist()]


def parameters(t: SimpleNamespace, call: Callable[..., int], index: int) -> list[Any]:
    acl.rt.memset(t.memory + 2 * 65536, 160, 0, 160)
    return [call(t.picture, t.pictures, index, t.aipp), header(t)]


mdl = acl.mdl
ROWS: list[tuple[str, Call, Any]] = [
    # Bundles
    ("bundle", lambda t: bundle(mdl.bundle_load_from_file(t.path)), BUNDLE),
    ("bundle in memory", lambda t: bundle(mdl.bundle_load_from_mem(t.mem, t.size)), BUNDLE),
    ("bundle missing", lambda t: mdl.bundle_load_from_file(NONE), (0, NO_FILE)),
    ("bundle no path", lambda t: mdl.bundle_load_from_file(None), (0, INVALID)),
    ("bundle NULL", lambda t: mdl.bundle_load_from_mem(0, t.size), (0, INVALID)),
    ("bundle number", lambda t: mdl.bundle_get_model_num(UNKNOWN), (0, NO_MODEL)),
    ("bundle model", lambda t: mdl.bundle_get_model_id(UNKNOWN, 0), (0, NO_MODEL)),
    # Loading
    ("file with mem", lambda t: loaded(mdl.load_from_file_with_mem(
        t.path, t.work, t.work_size, t.weight, t.weight_size)), (0, 2, 0)),
    ("file with NULL", lambda t: loaded(mdl.load_from_file_with_mem(t.path, 0, 0, 0, 0)),
        (0, 2, 0)),
    ("file with little", lambda t: mdl.load_from_file_with_mem(
        t.path, t.work, t.work_size - 1, t.weight, t.weight_size), (0, TOO_SMALL)),
    ("file with mem missing", lambda t: mdl.load_from_file_with_mem(NONE, 0, 0, 0, 0),
        (0, NO_FILE)),
    ("file with mem no path", lambda t: mdl.load_from_file_with_mem(None, 0, 0, 0, 0),
        (0, INVALID)),
    ("mem with mem", lambda t: loaded(mdl.load_from_mem_with_mem(
        t.mem, t.size, t.work, t.work_size, t.weight, t.weight_size)), (0, 2, 0)),
    ("mem with little", lambda t: mdl.load_from_mem_with_mem(
        t.mem, t.size, t.work, t.work_size, t.weight, t.weight_size - 1), (0, TOO_SMALL)),
    ("mem with mem NULL", lambda t: mdl.load_from_mem_with_mem(0, t.size, 0, 0, 0, 0),
        (0, INVALID)),
    ("config of a file", lambda t: from_path(t), (0, 2, 0)),
    ("config of memory", lambda t: with_config(3, (3, t.mem), (4, t.size)), (0, 2, 0)),
    ("config with memory", lambda t: with_config(
        4, (3, t.mem), (4, t.size), (5, t.weight), (6, t.weight_size), (7, t.work),
        (8, t.work_size)), (0, 2, 0)),
    ("config of values", lambda t: with_values(t, t.path), WITH_VALUES),
    ("config of bytes", lambda t: with_values(t, t.path.encode()), WITH_VALUES),
    ("option priority itself", lambda t: mdl.set_config_opt(t.config, 0, 8), INVALID),
    ("option type itself", lambda t: mdl.set_config_opt(t.config, 1, 9), INVALID),
    ("config without size", lambda t: with_config(3, (3, t.mem)), (0, INVALID)),
    ("config without path", lambda t: with_config(1), (0, INVALID)),
    ("config without type", lambda t: mdl.load_with_config(t.config), (0, INVALID)),
    ("config NULL", lambda t: mdl.load_with_config(0), (0, INVALID)),
    ("option priority", lambda t: option(t.config, 0, np.int32(3)), 0),
    ("option priority of none", lambda t: option(t.config, 0, np.int32(8)), INVALID),
    ("option size", lambda t: option(t.config, 1, np.uint64(1), 4), INVALID),
    ("option type", lambda t: option(t.config, 1, np.uint64(9)), INVALID),
    ("option unknown", lambda t: option(t.config, 99, np.uint64(1)), INVALID),
    ("option no value", lambda t: mdl.set_config_opt(t.config, 1, 0, 8), INVALID),
    ("option NULL", lambda t: mdl.set_config_opt(0, 1, t.mem, 8), INVALID),
    ("destroy config NULL", lambda t: mdl.destroy_config_handle(0), INVALID),
    # Sizes
    ("size from mem", lambda t: mdl.query_size_from_mem(t.mem, t.size)
        == (t.work_size, t.weight_size, 0), True),
    ("size from NULL", lambda t: mdl.query_size_from_mem(0, t.size), (0, 0, INVALID)),
    ("size from a part", lambda t: mdl.query_size_from_mem(t.mem, 9), (0, 0, CUT_SHORT)),
    ("exe om", lambda t: [mdl.query_exe_om_desc(t.path)[1],
        mdl.query_exe_om_desc(t.path)[0]["workSize"] == t.work_size,
        mdl.query_exe_om_desc(t.path)[0]["weightSize"] == t.weight_size], [0, True, True]),
    ("exe om missing", lambda t: mdl.query_exe_om_desc(NONE)[1], NO_FILE),
    ("exe om no path", lambda t: mdl.query_exe_om_desc(None)[1], INVALID),
    # Descriptions
    ("desc from file", lambda t: described(t, mdl.get_desc_from_file(t.empty, t.path)),
        (0, 2, "y")),
    ("desc from file missing", lambda t: mdl.get_desc_from_file(t.empty, NONE), NO_FILE),
    ("desc from file no path", lambda t: mdl.get_desc_from_file(t.empty, None), INVALID),
    ("desc from file NULL", lambda t: mdl.get_desc_from_file(0, t.path), INVALID),
    ("desc from mem", lambda t: described(t, mdl.get_desc_from_mem(t.empty, t.mem, t.size)),
        (0, 2, "y")),
    ("desc from a part", lambda t: mdl.get_desc_from_mem(t.empty, t.mem, 10), CUT_SHORT),
    ("desc from NULL", lambda t: mdl.get_desc_from_mem(t.empty, 0, t.size), INVALID),
    ("dims range", lambda t: mdl.get_input_dims_range(t.desc, 0),
        ({"rangeCount": 2, "range": [[4, 4], [16, 16]]}, 0)),
    ("dims range outside", lambda t: mdl.get_input_dims_range(t.desc, 9),
        ({"rangeCount": 0, "range": []}, INVALID)),
    ("dims range NULL", lambda t: mdl.get_input_dims_range(0, 0)[1], INVALID),
    ("output format", lambda t: mdl.get_output_format(t.desc, 0), 2),
    ("output format outside", lambda t: mdl.get_output_format(t.desc, 9), -1),
    ("output format NULL", lambda t: mdl.get_output_format(0, 0), -1),
    ("output name", lambda t: mdl.get_output_name_by_index(t.desc, 0), "y"),
    ("output name outside", lambda t: mdl.get_output_name_by_index(t.desc, 9), ""),
    ("output name NULL", lambda t: mdl.get_output_name_by_index(0, 0), ""),
    ("real name", lambda t: mdl.get_tensor_real_name(t.desc, "a"), "a"),
    ("real name unknown", lambda t: mdl.get_tensor_real_name(t.desc, "no"), None),
    ("real name NULL", lambda t: mdl.get_tensor_real_name(0, "a"), None),
    ("tensor desc", lambda t: tensor_desc(t), [0, True, True, (16, 0), 0]),
    ("tensor desc outside", lambda t: mdl.get_dataset_tensor_desc(t.inputs, 9), 0),
    ("tensor desc NULL", lambda t: mdl.get_dataset_tensor_desc(0, 0), 0),
    # Executing
    ("execute_v2", lambda t: executed(t, "execute_v2", t.model), [0, True]),
    ("execute_v2 no handle", lambda t: mdl.execute_v2(
        t.model, t.inputs, t.outputs, t.stream, 0), INVALID),
    ("execute_v2 unknown", lambda t: mdl.execute_v2(
        UNKNOWN, t.inputs, t.outputs, t.stream, t.exec), NO_MODEL),
    ("execute_v2 NULL", lambda t: mdl.execute_v2(
        t.model, 0, t.outputs, t.stream, t.exec), INVALID),
    ("async_v2", lambda t: executed(t, "execute_async_v2", t.queued), [0, True]),
    ("async_v2 no handle", lambda t: mdl.execute_async_v2(
        t.queued, t.inputs, t.outputs, t.stream, 0), INVALID),
    ("async_v2 unknown", lambda t: mdl.execute_async_v2(
        UNKNOWN, t.inputs, t.outputs, t.stream, t.exec), NO_MODEL),
    ("async_v2 stream", lambda t: mdl.execute_async_v2(
        t.queued, t.inputs, t.outputs, GARBAGE, t.exec), RT_INVALID),
    ("async_v2 then v2", lambda t: [executed(t, "execute_async_v2", t.queued),
        mdl.execute_v2(t.queued, t.inputs, t.outputs, t.stream, t.exec)], [[0, True], MIXED]),
    ("exec option", lambda t: execution_option(t.exec, 5000), 0),
    ("exec option itself", lambda t: [
        mdl.set_exec_config_opt(t.exec, attribute, 5000) for attribute in range(8)], [0] * 8),
    ("exec option itself 0", lambda t: mdl.set_exec_config_opt(t.exec, 0, 0), INVALID),
    ("exec option 0", lambda t: execution_option(t.exec, 0), INVALID),
    ("exec option size", lambda t: execution_option(t.exec, 5000, size=8), INVALID),
    ("exec option unknown", lambda t: execution_option(t.exec, 1, attribute=77), INVALID),
    ("exec option NULL", lambda t: execution_option(0, 5000), INVALID),
    ("exec handle", lambda t: mdl.destroy_exec_config_handle(
        mdl.create_exec_config_handle()), 0),
    ("destroy exec NULL", lambda t: mdl.destroy_exec_config_handle(0), INVALID),
    # AIPP
    ("aipp size", lambda t: mdl.get_aipp_data_size(2), (256, 0)),
    ("aipp size 0", lambda t: mdl.get_aipp_data_size(0), (0, INVALID)),
    ("input aipp", lambda t: parameters(t, mdl.set_input_aipp, 1), [0, [3, 1, 32, 24]]),
    ("input aipp of the image", lambda t: mdl.set_input_aipp(
        t.picture, t.pictures, 0, t.aipp), INVALID),
    ("input aipp unknown", lambda t: mdl.set_input_aipp(UNKNOWN, t.pictures, 1, t.aipp),
        NO_MODEL),
    ("input aipp dataset", lambda t: mdl.set_input_aipp(t.picture, 0, 1, t.aipp), INVALID),
    ("input aipp NULL", lambda t: mdl.set_input_aipp(t.picture, t.pictures, 1, 0), INVALID),
    ("input aipp batch", lambda t: mdl.set_input_aipp(t.picture, t.pictures, 1, t.pair),
        INVALID),
    ("input aipp of none", lambda t: mdl.set_input_aipp(t.model, t.inputs, 0, t.aipp), NO_AIPP),
    ("by index", lambda t: parameters(t, mdl.set_aipp_by_input_index, 0), [0, [3, 1, 32, 24]]),
    ("by index of the parameters", lambda t: mdl.set_aipp_by_input_index(
        t.picture, t.pictures, 1, t.aipp), FAILURE),
    ("by index of none", lambda t: mdl.set_aipp_by_input_index(t.model, t.inputs, 0, t.aipp),
        FAILURE),
    ("by index unknown", lambda t: mdl.set_aipp_by_input_index(UNKNOWN, t.pictures, 0, t.aipp),
        NO_MODEL),
    ("by index NULL", lambda t: mdl.set_aipp_by_input_index(t.picture, t.pictures, 0, 0),
        INVALID),
    ("csc", lambda t: mdl.set_aipp_csc_params(t.pair, 1, *IDENTITY, 0, 0, 0, 0, 128, 128), 0),
    ("csc switch", lambda t: mdl.set_aipp_csc_params(t.pair, 5, *IDENTITY, *[0] * 6), INVALID),
    ("csc NULL", lambda t: mdl.set_aipp_csc_params(0, 1, *IDENTITY, *[0] * 6), INVALID),
    ("padding", lambda t: mdl.set_aipp_padding_params(t.pair, 1, 2, 2, 4, 4, 1), 0),
    ("padding batch", lambda t: mdl.set_aipp_padding_params(t.pair, 1, 0, 0, 0, 0, 2), INVALID),
    ("padding -1", lambda t: mdl.set_aipp_padding_params(t.pair, 1, -1, 0, 0, 0, 0), INVALID),
    ("padding switch", lambda t: mdl.set_aipp_padding_params(t.pair, 5, 0, 0, 0, 0, 0), INVALID),
    ("padding NULL", lambda t: mdl.set_aipp_padding_params(0, 1, 0, 0, 0, 0, 0), INVALID),
    ("scf off", lambda t: mdl.set_aipp_scf_params(t.pair, 0, 0, 0, 0, 0, 0), 0),
    ("scf on", lambda t: mdl.set_aipp_scf_params(t.pair, 1, 32, 24, 64, 48, 0), UNSUPPORTED),
    ("scf small", lambda t: mdl.set_aipp_scf_params(t.pair, 1, 8, 24, 64, 48, 0), INVALID),
    ("scf batch", lambda t: mdl.set_aipp_scf_params(t.pair, 1, 32, 24, 64, 48, 2), INVALID),
    ("scf NULL", lambda t: mdl.set_aipp_scf_params(0, 1, 32, 24, 64, 48, 0), INVALID),
]  # fmt: skip


@pytest.mark.parametrize(("call", "expected"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_call(things: SimpleNamespace, call: Call, expected: Any) -> None:
    assert call(things) == expected
