"""Loading: every source, every refusal, sharing and unloading."""

from __future__ import annotations

import ctypes as C
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, external_data_helper, helper, numpy_helper

from . import models
from .acl import (
    BAD_ID,
    BAD_MODEL,
    BAD_PATH,
    BAD_SIZE,
    INVALID_PARAM,
    ROOT,
    UNSUPPORTED,
    AclError,
    Memory,
    Model,
    Run,
    acl,
    infer,
    new_stream,
)

A = np.arange(6, dtype=np.float32).reshape(2, 3)
ADD = models.binary().SerializeToString()


@pytest.fixture(scope="module")
def weighted() -> onnx.ModelProto:
    return models.convolution()


@pytest.fixture(scope="module")
def om(weighted: onnx.ModelProto) -> bytes:
    return models.static_om(weighted)


def refused(data: bytes) -> AclError:
    with pytest.raises(AclError) as caught:
        Model(data)
    return caught.value


@pytest.mark.parametrize("name", ["model.onnx", "model.om", "model", "mödel 1.bin"])
def test_files_are_told_apart_by_content(tmp_path: Path, om: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(ADD)
    with Model(path) as model:
        np.testing.assert_array_equal(infer(model, A, A)[0], A + A)
    path.write_bytes(om)
    with Model(path) as model:
        assert model.input_dims(0) == (1, 3, 16, 16)


def test_ids_count_up_and_are_never_reused() -> None:
    first = Model(ADD)
    second = Model(ADD)
    second.unload()
    third = Model(ADD)
    assert first.id >= 1
    assert (second.id, third.id) == (first.id + 1, first.id + 2)
    first.unload()
    third.unload()


def test_a_failed_load_takes_no_id() -> None:
    with Model(ADD) as first:
        refused(b"nothing")
        with Model(ADD) as second:
            assert second.id == first.id + 1


def test_memory_of_the_model_may_go_after_loading(om: bytes, weighted: onnx.ModelProto) -> None:
    buffer = C.create_string_buffer(om, len(om))
    number = C.c_uint32()
    acl.aclmdlLoadFromMem(C.byref(buffer), len(om), C.byref(number))
    C.memset(buffer, 0xA5, len(om))
    x = np.ones((1, 3, 16, 16), np.float32)
    with Model.adopt(number.value) as model:
        np.testing.assert_allclose(
            infer(model, x)[0], models.reference(weighted, x)[0], rtol=1e-4, atol=1e-4
        )


def test_a_model_in_device_memory() -> None:
    memory = Memory.of(np.frombuffer(ADD, np.uint8))
    number = C.c_uint32()
    acl.aclmdlLoadFromMem(memory.address, len(ADD), C.byref(number))
    with Model.adopt(number.value) as model:
        np.testing.assert_array_equal(infer(model, A, A)[0], A + A)
    beyond = acl.code.aclmdlLoadFromMem(memory.address, 10**6, C.byref(number))
    assert beyond == INVALID_PARAM
    memory.free()
    assert acl.code.aclmdlLoadFromMem(memory.address, len(ADD), C.byref(number)) == INVALID_PARAM


def test_a_file_may_be_overwritten_while_its_model_lives(
    tmp_path: Path, om: bytes, weighted: onnx.ModelProto
) -> None:
    path = tmp_path / "model.om"
    path.write_bytes(om)
    with Model(path) as model:
        path.write_bytes(b"short")
        x = np.ones((1, 3, 16, 16), np.float32)
        np.testing.assert_allclose(
            infer(model, x)[0], models.reference(weighted, x)[0], rtol=1e-4, atol=1e-4
        )


def test_onnx_weights_beside_the_model(tmp_path: Path) -> None:
    weights = np.arange(64, dtype=np.float32).reshape(8, 8)
    proto = models.add_constant(weights, (8, 8))
    external_data_helper.convert_model_to_external_data(
        proto, location="weights.bin", size_threshold=0
    )
    path = tmp_path / "model.om"
    onnx.save(proto, path)
    assert (tmp_path / "weights.bin").stat().st_size >= weights.nbytes
    x = np.ones((8, 8), np.float32)
    with Model(path) as model:
        np.testing.assert_array_equal(infer(model, x)[0], x + weights)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(AclError) as caught:
        Model(path)
    assert caught.value.code == BAD_MODEL
    assert str(path) in caught.value.message


@pytest.mark.parametrize("kind", ["missing", "folder", "empty name", "unreadable parent"])
def test_paths_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("x")
    path = {
        "missing": tmp_path / "none.om",
        "folder": tmp_path,
        "empty name": "",
        "unreadable parent": tmp_path / "file" / "model.om",
    }[kind]
    with pytest.raises(AclError) as caught:
        Model(path)
    assert caught.value.code == BAD_PATH
    assert str(path) in caught.value.message


def test_null_arguments() -> None:
    number = C.c_uint32()
    sizes = C.c_size_t(), C.c_size_t()
    code = acl.code
    assert code.aclmdlLoadFromFile(None, C.byref(number)) == INVALID_PARAM
    assert code.aclmdlLoadFromFile(b"x.om", None) == INVALID_PARAM
    assert code.aclmdlLoadFromMem(None, 10, C.byref(number)) == INVALID_PARAM
    assert code.aclmdlLoadFromMem(ADD, 0, C.byref(number)) == INVALID_PARAM
    assert code.aclmdlLoadFromMem(ADD, len(ADD), None) == INVALID_PARAM
    assert code.aclmdlQuerySize(None, *map(C.byref, sizes)) == INVALID_PARAM
    assert code.aclmdlQuerySize(b"x.om", None, C.byref(sizes[1])) == INVALID_PARAM
    assert code.aclmdlGetDescFromMem(None, ADD, len(ADD)) == INVALID_PARAM


def test_empty_and_foreign_content(tmp_path: Path) -> None:
    (tmp_path / "empty.om").write_bytes(b"")
    with pytest.raises(AclError) as caught:
        Model(tmp_path / "empty.om")
    assert caught.value.code == BAD_SIZE
    assert "is empty" in caught.value.message
    for data in (b"\x89PNG\r\n\x1a\n", b"<?xml version='1.0'?><net/>", bytes(100), b"\x08"):
        error = refused(data)
        assert error.code == BAD_MODEL
        assert "is not a model" in error.message


def test_an_om_of_a_real_npu_is_refused_with_advice() -> None:
    error = refused(b"IMOD" + bytes(252))
    assert error.code == BAD_MODEL
    assert "real NPU" in error.message
    assert "acl-fast atc" in error.message


def test_onnx_cut_short(weighted: onnx.ModelProto) -> None:
    data = weighted.SerializeToString()
    error = refused(data[: len(data) // 2])
    assert error.code == BAD_SIZE
    assert "cut short" in error.message


def test_unknown_operator_is_named() -> None:
    proto = helper.make_model(
        helper.make_graph(
            [helper.make_node("Frobnicate", ["x"], ["y"], domain="nowhere")],
            "graph",
            [models.value("x", (1,))],
            [models.value("y", (1,))],
        ),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("nowhere", 1)],
    )
    error = refused(proto.SerializeToString())
    assert error.code == BAD_MODEL
    assert "Frobnicate" in error.message


def test_string_tensors_are_refused() -> None:
    error = refused(models.strings().SerializeToString())
    assert error.code == 145022
    assert "string" in error.message


def test_om_cut_at_every_length(om: bytes) -> None:
    for size in [*range(0, 200, 7), len(om) // 2, len(om) - 1]:
        if size == 0:
            continue
        error = refused(om[:size])
        assert error.code in (BAD_SIZE, BAD_MODEL), size
        assert error.message


def patched(data: bytes, offset: int, layout: str, *values: Any, seal: bool = False) -> bytes:
    result = bytearray(data)
    struct.pack_into(layout, result, offset, *values)
    if seal:
        struct.pack_into("<I", result, 64, zlib.crc32(bytes(result[72:])))
    return bytes(result)


def test_om_header_fields(om: bytes) -> None:
    cases = {
        "version 7": patched(om, 8, "<I", 7),
        "header size": patched(om, 12, "<I", 80),
        "64-byte boundary": patched(om, 16, "<Q", 129),
        "behind the header": patched(om, 16, "<Q", 0),
        "ends beyond": patched(om, 24, "<Q", 2**63),
        "checksum": patched(om, len(om) - 1, "<B", om[-1] ^ 1),
    }
    for text, data in cases.items():
        error = refused(data)
        assert error.code in (BAD_SIZE, BAD_MODEL)
        assert text in error.message


def test_om_offsets_that_wrap_around(om: bytes) -> None:
    for offset in (16, 32, 48):
        error = refused(patched(om, offset, "<QQ", 2**64 - 64, 128))
        assert error.code == BAD_SIZE


def test_random_damage_never_crashes(om: bytes) -> None:
    """Bytes changed, the checksum made right again: it loads or is refused with a reason."""
    random = np.random.default_rng(11)
    for _ in range(150):
        data = bytearray(om)
        for _ in range(int(random.integers(1, 4))):
            data[int(random.integers(0, len(data)))] = int(random.integers(0, 256))
        data = bytearray(patched(bytes(data), 0, "<8s", b"SOFTNPU\0", seal=True))
        number = C.c_uint32()
        code = acl.code.aclmdlLoadFromMem(bytes(data), len(data), C.byref(number))
        if code == 0:
            acl.aclmdlUnload(number.value)
        else:
            assert 145000 <= code < 146000 or code == 545001
            assert acl.message()


def test_manifest_rules(weighted: onnx.ModelProto) -> None:
    xml, weights, _ = models.ir(weighted)
    x = models.tensor("x", (1, 3, 16, 16), 3072)
    y = models.tensor("y", (1, 8, 16, 16), 8192)
    good = models.manifest([x], [y])
    cases: list[tuple[Any, str]] = [
        (b"{", "not JSON"),
        (b"[1]", "not an object"),
        ({**good, "inputs": []}, "number of inputs"),
        ({**good, "inputs": [{**x, "name": 3}]}, "not a string"),
        ({**good, "inputs": [{**x, "dtype": 13}]}, "not a type of this device"),
        ({**good, "inputs": [{**x, "dtype": 1, "size": 1536}]}, "float16 in the manifest"),
        ({**good, "inputs": [{**x, "dims": [1, 3, 16]}]}, "makes 192"),
        ({**good, "inputs": [{**x, "size": 7}]}, "makes 3072"),
        ({**good, "inputs": [{**x, "dims": [1, 3, 16, -5]}]}, "the dim -5"),
        ({**good, "inputs": [{**x, "dims": [1, 3, 16, -1]}]}, "varies without gears"),
        ({**good, "inputs": [{**x, "dims": [1, 3, 8, 32]}]}, "another shape"),
        ({**good, "inputs": [{**x, "dims": [2**40, 2**40]}]}, "exceeds"),
        ({**good, "outputs": []}, "no outputs"),
        ({**good, "dynamic": 1}, "neither true nor false"),
        ({**good, "gear": {"kind": "odd", "gears": [[1]], "where": []}}, "'odd'"),
        ({**good, "gear": {"kind": "batch", "gears": [], "where": []}}, "empty"),
        ({**good, "gear": {"kind": "batch", "gears": [[1]], "where": [[0, 0]]}}, "does not vary"),
        ({**good, "gear": {"kind": "batch", "gears": [[1], [1]], "where": [[0, 0]]}}, "twice"),
    ]
    for manifest, text in cases:
        error = refused(models.container(manifest, xml, weights))
        assert error.code == BAD_MODEL
        assert text in error.message, manifest


def test_query_size_and_load_with_memory(
    tmp_path: Path, om: bytes, weighted: onnx.ModelProto
) -> None:
    path = tmp_path / "model.om"
    path.write_bytes(om)
    x = np.random.default_rng(0).standard_normal((1, 3, 16, 16)).astype(np.float32)
    work, weight = C.c_size_t(), C.c_size_t()
    acl.aclmdlQuerySize(os.fsencode(path), C.byref(work), C.byref(weight))
    assert work.value > 0
    assert weight.value > 0
    again = C.c_size_t(), C.c_size_t()
    acl.aclmdlQuerySizeFromMem(om, len(om), *map(C.byref, again))
    assert (again[0].value, again[1].value) == (work.value, weight.value)
    spaces = Memory(work.value), Memory(weight.value)
    number = C.c_uint32()
    file_arguments = (os.fsencode(path), C.byref(number))
    memory_arguments = (om, len(om), C.byref(number))
    for load, source in (
        (acl.aclmdlLoadFromFileWithMem, file_arguments),
        (acl.aclmdlLoadFromMemWithMem, memory_arguments),
    ):
        load(*source, spaces[0].address, work.value, spaces[1].address, weight.value)
        with Model.adopt(number.value) as model:
            np.testing.assert_allclose(
                infer(model, x)[0], models.reference(weighted, x)[0], rtol=1e-4, atol=1e-4
            )
        load(*source, None, 0, None, 0)
        acl.aclmdlUnload(number.value)
    code = acl.code.aclmdlLoadFromFileWithMem
    for wrong in (
        (spaces[0].address, work.value - 1, spaces[1].address, weight.value),
        (spaces[0].address, work.value, spaces[1].address, weight.value - 1),
        (spaces[0].address, work.value, 64, weight.value),
    ):
        assert code(*file_arguments, *wrong) == BAD_MODEL
    for space in spaces:
        space.free()


def test_weights_lie_in_the_memory_of_the_caller() -> None:
    weights = np.arange(1, 9, dtype=np.float32)
    om = models.static_om(models.add_constant(weights, (8,)))
    space = Memory(4096)
    space.write(np.zeros(1024, np.float32))
    number = C.c_uint32()
    acl.aclmdlLoadFromMemWithMem(om, len(om), C.byref(number), None, 0, space.address, 4096)
    assert weights.tobytes() in space.read((1024,), np.float32).tobytes()
    with Model.adopt(number.value) as model, Run(model) as run:
        run.write(np.ones(8, np.float32))
        run.execute()
        np.testing.assert_array_equal(run.read(), weights + 1)
        space.free()
        with pytest.raises(AclError, match="has been freed"):
            run.execute()


def test_query_of_a_dynamic_model_leaves_the_work_memory_open() -> None:
    """A public runtime asks for every model, and gives what it has where the answer is 0."""
    data = models.matmul().SerializeToString()
    work, weight = C.c_size_t(1), C.c_size_t()
    acl.aclmdlQuerySizeFromMem(data, len(data), C.byref(work), C.byref(weight))
    assert work.value == 0
    assert weight.value >= 16 * 5 * 4
    number = C.c_uint32()
    spaces = Memory(1 << 20), Memory(weight.value)
    acl.aclmdlLoadFromMemWithMem(
        data,
        len(data),
        C.byref(number),
        spaces[0].address,
        1 << 20,
        spaces[1].address,
        weight.value,
    )
    acl.aclmdlUnload(number)
    for space in spaces:
        space.free()


def test_exe_om_desc_repeats_the_sizes(tmp_path: Path, om: bytes) -> None:
    path = os.fsencode(tmp_path / "model.om")
    (tmp_path / "model.om").write_bytes(om)
    work, weight = C.c_size_t(), C.c_size_t()
    acl.aclmdlQuerySize(path, C.byref(work), C.byref(weight))
    parts = (C.c_size_t * 16)(*[7] * 16)
    acl.aclmdlQueryExeOMDesc(path, C.byref(parts))
    assert list(parts) == [work.value, weight.value, *[0] * 14]


def test_replicas_share_their_weights() -> None:
    """Twenty loads of one 16 MB model must not cost twenty times its memory."""
    nbytes = 2048 * 2048 * 4
    om = models.static_om(models.matmul(1, 2048, 2048))
    first = Model(om)
    before = resident()
    others = [Model(om) for _ in range(20)]
    grown = resident() - before
    for model in [first, *others]:
        model.unload()
    assert grown < 4 * nbytes


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_unload_twice_and_unknown() -> None:
    model = Model(ADD)
    acl.aclmdlUnload(model.id)
    assert acl.code.aclmdlUnload(model.id) == BAD_ID
    assert str(model.id) in acl.message()
    for number in (0, 2**32 - 1):
        assert acl.code.aclmdlUnload(number) == BAD_ID
    # The description is a copy.
    assert model.input_dims(0) == (2, 3)
    acl.aclmdlDestroyDesc(model.desc)


def test_unload_waits_for_work_in_flight() -> None:
    proto = models.convolution((1, 3, 64, 64), 32)
    x = np.ones((1, 3, 64, 64), np.float32)
    with new_stream() as stream:
        model = Model(proto.SerializeToString())
        run = Run(model)
        run.write(x)
        for _ in range(8):
            run.submit(stream)
        model.unload()
        acl.aclrtSynchronizeStream(stream)
        np.testing.assert_allclose(
            run.outputs[0].read((1, 32, 64, 64), np.float32),
            models.reference(proto, x)[0],
            rtol=1e-4,
            atol=1e-4,
        )
        run.close()


RESET = """
import ctypes as C
from tests.softnpu_model import models
from tests.softnpu_model.acl import BAD_ID, acl

content = models.binary().SerializeToString()
number = C.c_uint32()
acl.aclInit(None)
acl.aclrtSetDevice(0)
acl.aclmdlLoadFromMem(content, len(content), C.byref(number))
acl.aclrtResetDevice(0)
acl.aclrtSetDevice(0)
assert acl.code.aclmdlUnload(number.value) == BAD_ID
"""


def test_device_reset_unloads_what_is_left() -> None:
    # In a process of its own: a device stays open while anything else of the process holds it.
    subprocess.run([sys.executable, "-c", RESET], cwd=ROOT, check=True, timeout=60)


def option(handle: int, attribute: int, value: Any, size: int | None = None) -> int:
    return acl.code.aclmdlSetConfigOpt(
        handle, attribute, C.byref(value), C.sizeof(value) if size is None else size
    )


def test_load_with_config(tmp_path: Path, om: bytes) -> None:
    path = tmp_path / "model.om"
    path.write_bytes(om)
    buffer = C.create_string_buffer(om, len(om))
    number = C.c_uint32()
    work, weight = C.c_size_t(), C.c_size_t()
    acl.aclmdlQuerySizeFromMem(om, len(om), C.byref(work), C.byref(weight))
    spaces = Memory(work.value), Memory(weight.value)
    for kind in (1, 2, 3, 4):
        handle = acl.aclmdlCreateConfigHandle()
        load = acl.code.aclmdlLoadWithConfig
        assert load(handle, C.byref(number)) == INVALID_PARAM
        assert option(handle, 1, C.c_size_t(kind)) == 0
        assert load(handle, C.byref(number)) == INVALID_PARAM
        assert option(handle, 0, C.c_int32(3)) == 0
        if kind in (1, 2):
            name = C.create_string_buffer(os.fsencode(path))
            assert option(handle, 2, C.c_void_p(C.addressof(name))) == 0
            C.memset(name, 0, len(name))  # the path was copied
        else:
            assert option(handle, 3, C.c_void_p(C.addressof(buffer))) == 0
            assert load(handle, C.byref(number)) == INVALID_PARAM
            assert option(handle, 4, C.c_size_t(len(om))) == 0
        if kind in (2, 4):
            assert option(handle, 5, C.c_void_p(spaces[1].address)) == 0
            assert option(handle, 6, weight) == 0
            assert option(handle, 7, C.c_void_p(spaces[0].address)) == 0
            assert option(handle, 8, work) == 0
        assert load(handle, C.byref(number)) == 0, acl.message()
        acl.aclmdlDestroyConfigHandle(handle)
        with Model.adopt(number.value) as model:
            assert model.input_dims(0) == (1, 3, 16, 16)
    for space in spaces:
        space.free()


def test_config_attributes_are_checked() -> None:
    handle = acl.aclmdlCreateConfigHandle()
    assert option(handle, 1, C.c_size_t(1), 4) == INVALID_PARAM
    assert "8 bytes" in acl.message()
    assert option(handle, 1, C.c_size_t(9)) == INVALID_PARAM
    assert option(handle, 0, C.c_int32(-1)) == INVALID_PARAM
    assert option(handle, 0, C.c_int32(8)) == INVALID_PARAM
    assert option(handle, 99, C.c_size_t(0)) == INVALID_PARAM
    assert option(handle, 2, C.c_void_p(None)) == INVALID_PARAM
    assert acl.code.aclmdlSetConfigOpt(handle, 1, None, 8) == INVALID_PARAM
    assert acl.code.aclmdlSetConfigOpt(None, 1, C.byref(C.c_size_t(1)), 8) == INVALID_PARAM
    for kind in (5, 6):
        assert option(handle, 1, C.c_size_t(kind)) == 0
        assert acl.code.aclmdlLoadWithConfig(handle, C.byref(C.c_uint32())) == UNSUPPORTED
    acl.aclmdlDestroyConfigHandle(handle)
    assert acl.code.aclmdlDestroyConfigHandle(handle) == INVALID_PARAM
    assert option(handle, 1, C.c_size_t(1)) == INVALID_PARAM


def test_queues_are_unsupported() -> None:
    queues = (C.c_uint32 * 1)(0)
    number = C.c_uint32()
    code = acl.code
    rest = C.byref(number), queues, 1, queues, 1
    assert code.aclmdlLoadFromMemWithQ(ADD, len(ADD), *rest) == UNSUPPORTED
    assert code.aclmdlLoadFromFileWithQ(b"x", *rest) == UNSUPPORTED


def test_bundles(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(ADD)
    bundle, number, count = C.c_uint32(), C.c_uint32(), C.c_size_t()
    acl.aclmdlBundleLoadFromFile(os.fsencode(path), C.byref(bundle))
    acl.aclmdlBundleGetModelNum(bundle.value, C.byref(count))
    assert count.value == 1
    acl.aclmdlBundleGetModelId(bundle.value, 0, C.byref(number))
    assert acl.code.aclmdlBundleGetModelId(bundle.value, 1, C.byref(number)) == INVALID_PARAM
    assert number.value != bundle.value
    model = Model.adopt(number.value)
    np.testing.assert_array_equal(infer(model, A, A)[0], A + A)
    acl.aclmdlDestroyDesc(model.desc)
    assert acl.code.aclmdlUnload(number.value) == INVALID_PARAM
    acl.aclmdlBundleUnload(bundle.value)
    assert acl.code.aclmdlUnload(number.value) == BAD_ID
    assert acl.code.aclmdlBundleUnload(bundle.value) == BAD_ID
    acl.aclmdlBundleLoadFromMem(ADD, len(ADD), C.byref(bundle))
    acl.aclmdlBundleUnload(bundle.value)


def test_an_initializer_that_is_also_an_input_is_no_input() -> None:
    weights = numpy_helper.from_array(np.ones((2, 3), np.float32), "b")
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["c"])],
        "graph",
        [models.value("a", (2, 3)), models.value("b", (2, 3))],
        [models.value("c", (2, 3), TensorProto.FLOAT)],
        [weights],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    proto.ir_version = 8
    with Model(proto.SerializeToString()) as model:
        assert model.inputs == 1
        np.testing.assert_array_equal(infer(model, A)[0], A + 1)
