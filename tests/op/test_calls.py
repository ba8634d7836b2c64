"""The ways to run an operator, and what is refused."""

from __future__ import annotations

import ctypes as C
import threading
from typing import Any

import numpy as np
import pytest

from tests.softnpu_model.acl import (
    INVALID_PARAM,
    LIBRARY,
    UNSUPPORTED,
    Library,
    acl,
    counters,
    new_stream,
)

from .run import (
    ATTRIBUTE_MISMATCH,
    INPUT_MISMATCH,
    NOT_FOUND,
    OUTPUT_MISMATCH,
    Operator,
    array_of,
    attributes,
    make_desc,
)

compiler = Library(LIBRARY.with_name("libacl_op_compiler.so"))
compiler.raw("aclGetCompileoptSize")
F32, I32 = np.float32, np.int32
X = np.arange(12, dtype=F32).reshape(3, 4)
BAD_TYPE = 100026


def add() -> Operator:
    return Operator([X, X + 1], [((3, 4), F32)])


def test_handle_runs_many_times() -> None:
    with add() as call, new_stream() as stream:
        kind, n, descs, inputs, m, out_descs, outputs, *_ = call.arguments("Add", None, None)
        handle = C.c_void_p()
        acl.aclopCreateHandle(kind, n, descs, m, out_descs, None, C.byref(handle))
        for factor in (1, 5):
            call.memory[0].write(X * factor)
            acl.aclopExecWithHandle(handle, n, inputs, m, outputs, stream)
            acl.aclrtSynchronizeStream(stream)
            np.testing.assert_array_equal(call.read()[0], X * factor + X + 1)
        assert acl.code.aclopExecWithHandle(handle, 1, inputs, m, outputs, stream) == INVALID_PARAM
        acl.aclopDestroyHandle(handle)
        acl.aclopDestroyHandle(handle)  # leaves a message, nothing else
        assert acl.code.aclopExecWithHandle(handle, n, inputs, m, outputs, stream) == INVALID_PARAM
        assert acl.code.aclopExecWithHandle(None, n, inputs, m, outputs, None) == INVALID_PARAM


def test_compile_and_execute() -> None:
    with add() as call:
        kind, n, descs, inputs, m, out_descs, outputs, attr, stream = call.arguments(
            "Add", None, None
        )
        how = (0, 0, None)
        compiler.aclopCompile(kind, n, descs, m, out_descs, attr, *how)
        for name in ("aclopCompileAndExecute", "aclopCompileAndExecuteV2"):
            call.results[0].write(np.zeros_like(X))
            function = getattr(compiler, name)
            function(kind, n, descs, inputs, m, out_descs, outputs, attr, *how, stream)
            acl.aclrtSynchronizeStream(None)
            np.testing.assert_array_equal(call.read()[0], 2 * X + 1)
        refused = compiler.code.aclopCompile
        assert refused(kind, n, descs, m, out_descs, attr, 7, 0, None) == INVALID_PARAM
        assert refused(kind, n, descs, m, out_descs, attr, 0, 1, None) == UNSUPPORTED
        assert refused(b"Made up", n, descs, m, out_descs, attr, *how) == NOT_FOUND


def test_compile_options() -> None:
    value = C.create_string_buffer(64)
    assert compiler.code.aclSetCompileopt(0, None) == INVALID_PARAM
    assert compiler.code.aclSetCompileopt(99, b"x") == INVALID_PARAM
    assert compiler.code.aclGetCompileopt(12, value, 64) == INVALID_PARAM
    compiler.aclSetCompileopt(0, b"allow_fp32_to_fp16")
    size = compiler.code.aclGetCompileoptSize(0)
    assert size == len("allow_fp32_to_fp16") + 1
    assert compiler.code.aclGetCompileopt(0, value, size - 1) == INVALID_PARAM
    compiler.aclGetCompileopt(0, value, size)
    assert value.value == b"allow_fp32_to_fp16"
    compiler.aclopSetCompileFlag(1)
    assert compiler.code.aclopSetCompileFlag(5) == INVALID_PARAM


def test_cast_and_its_handle() -> None:
    with Operator([X * 1.5], [((3, 4), I32)]) as call:
        source, target = call.input_descs[0], call.output_descs[0]
        acl.aclopCast(source, call.inputs[0], target, call.outputs[0], C.c_uint8(0), None)
        acl.aclrtSynchronizeStream(None)
        np.testing.assert_array_equal(call.read()[0], (X * 1.5).astype(I32))
        handle = C.c_void_p()
        acl.aclopCreateHandleForCast(source, target, C.c_uint8(0), C.byref(handle))
        call.results[0].write(np.zeros((3, 4), I32))
        acl.aclopExecWithHandle(handle, 1, array_of(call.inputs), 1, array_of(call.outputs), None)
        acl.aclrtSynchronizeStream(None)
        np.testing.assert_array_equal(call.read()[0], (X * 1.5).astype(I32))
        acl.aclopDestroyHandle(handle)


def test_shapes_of_results() -> None:
    order = np.array([1, 0], np.int64)
    with Operator([X, order], [((4, 3), F32)]) as call:
        kind, n, descs, inputs, m, _, outputs, *_ = call.arguments("Transpose", None, None)
        for dims in ((-1, -1), (-2,)):
            desc = make_desc(dims, F32)
            acl.aclopInferShape(kind, n, descs, inputs, m, array_of([desc]), None)
            value = C.c_int64()
            assert acl.aclGetTensorDescNumDims(desc) == 2
            acl.aclGetTensorDescDimV2(desc, 0, C.byref(value))
            assert value.value == 4
            acl.aclDestroyTensorDesc(desc)
    with add() as call:
        desc = make_desc((-1, 4), F32)
        kind, n, descs, inputs, m, _, outputs, *_ = call.arguments("Add", None, None)
        acl.aclopExecuteV2(kind, n, descs, inputs, m, array_of([desc]), outputs, None, None)
        acl.aclrtSynchronizeStream(None)
        acl.aclGetTensorDescDimV2(desc, 0, C.byref(value))
        assert value.value == 3
        np.testing.assert_array_equal(call.read()[0], 2 * X + 1)
        acl.aclDestroyTensorDesc(desc)


def test_result_over_an_input() -> None:
    x = np.arange(4096, dtype=F32).reshape(64, 64) / 4096
    for kind, expected in (("Mul", x * x), ("MatMul", x @ x), ("Sub", x - x)):
        with Operator([x, x], [((64, 64), F32)]) as call:
            name, n, descs, inputs, m, out_descs, *_ = call.arguments(kind, None, None)
            first = array_of(call.inputs[:1])
            acl.aclopExecuteV2(name, n, descs, inputs, m, out_descs, first, None, None)
            acl.aclrtSynchronizeStream(None)
            np.testing.assert_allclose(call.memory[0].read((64, 64), F32), expected, rtol=1e-5)


def test_nothing_is_copied_and_what_is_queued_comes_first() -> None:
    before = counters()
    with add() as call, new_stream() as stream:
        copied = counters()["bytes_staged"]
        for _ in range(20):
            acl.aclopExecuteV2(*call.arguments("Add", None, stream))
        acl.aclrtSynchronizeStream(stream)
        after = counters()
        assert after["op_executions"] - before["op_executions"] == 20
        assert after["bytes_staged"] == copied


def test_threads_share_a_kernel() -> None:
    failures: list[str] = []

    def work(seed: int) -> None:
        acl.aclrtSetDevice(0)
        x = np.full((64, 64), seed, F32)
        with Operator([x, x], [((64, 64), F32)]) as call, new_stream() as stream:
            for _ in range(30):
                acl.aclopExecuteV2(*call.arguments("MatMul", None, stream))
                acl.aclrtSynchronizeStream(stream)
                if not np.all(call.read()[0] == 64 * seed * seed):
                    failures.append(f"thread {seed}")
        acl.aclrtResetDevice(0)

    threads = [threading.Thread(target=work, args=(i + 1,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_more_kernels_than_are_kept() -> None:
    for size in range(1, 150):
        x = np.ones((size,), F32)
        with Operator([x], [((size,), F32)]) as call:
            acl.aclopExecuteV2(*call.arguments("Identity", None, None))
            acl.aclrtSynchronizeStream(None)
            np.testing.assert_array_equal(call.read()[0], x)


def refused(call: Operator, kind: str, values: dict[str, Any] | None = None) -> int:
    with attributes(values or {}) as attr:
        return int(acl.code.aclopExecuteV2(*call.arguments(kind, attr, None)))


def test_what_does_not_fit_is_refused_by_the_call() -> None:
    with add() as call:
        assert refused(call, "NoSuchOperator") == NOT_FOUND
        assert "softnpu has Abs, " in acl.message()
        assert refused(call, "Abs") == INPUT_MISMATCH
        assert refused(call, "TopK") == OUTPUT_MISMATCH
        assert refused(call, "MatMul") == INPUT_MISMATCH
    with Operator([X, X[:2]], [((3, 4), F32)]) as call:
        assert refused(call, "Add") == INPUT_MISMATCH
    with Operator([X, X.astype(I32)], [((3, 4), F32)]) as call:
        assert refused(call, "Add") == INPUT_MISMATCH
    with Operator([X], [((4, 4), F32)]) as call:
        assert refused(call, "Relu") == OUTPUT_MISMATCH
    with Operator([X], [((3, 4), I32)]) as call:
        assert refused(call, "Relu") == OUTPUT_MISMATCH
        assert refused(call, "Cast", {"dst_type": 0}) == ATTRIBUTE_MISMATCH
    with Operator([X], [((4, 3), F32)]) as call:
        assert refused(call, "TransposeD") == ATTRIBUTE_MISMATCH
        assert refused(call, "TransposeD", {"perm": "1 0"}) == ATTRIBUTE_MISMATCH
        assert refused(call, "SoftmaxV2", {"axes": [7]}) == ATTRIBUTE_MISMATCH


def test_handles_and_memory_are_checked() -> None:
    with add() as call:
        kind, n, descs, inputs, m, out_descs, outputs, attr, stream = call.arguments(
            "Add", None, None
        )
        run = acl.code.aclopExecuteV2
        rest = (m, out_descs, outputs, attr, stream)
        assert run(None, n, descs, inputs, *rest) == INVALID_PARAM
        assert run(kind, -1, descs, inputs, *rest) == INVALID_PARAM
        assert run(kind, n, None, inputs, *rest) == INVALID_PARAM
        assert run(kind, n, descs, None, *rest) == INVALID_PARAM
        assert run(kind, n, inputs, inputs, *rest) == INVALID_PARAM
        assert run(kind, n, descs, descs, *rest) == INVALID_PARAM
        assert run(kind, n, descs, array_of([0, 0]), *rest) == INVALID_PARAM
        assert run(kind, n, descs, inputs, m, None, outputs, attr, stream) == INVALID_PARAM
        assert run(kind, n, descs, inputs, m, out_descs, None, attr, stream) == INVALID_PARAM
        assert run(kind, n, descs, inputs, m, out_descs, outputs, 12345, stream) == INVALID_PARAM
        assert run(kind, n, descs, inputs, m, out_descs, outputs, attr, 12345) == 107000
        acl.aclUpdateDataBuffer(call.outputs[0], call.results[0].address, 47)
        assert run(kind, n, descs, inputs, *rest) == INVALID_PARAM
        assert "needs 48 bytes" in acl.message()
        acl.aclUpdateDataBuffer(call.outputs[0], None, 48)
        assert run(kind, n, descs, inputs, *rest) == INVALID_PARAM
        acl.aclUpdateDataBuffer(call.outputs[0], call.results[0].address + 2**20, 48)
        assert run(kind, n, descs, inputs, *rest) == 107000
        acl.aclUpdateDataBuffer(call.outputs[0], 4096, 48)
        assert run(kind, n, descs, inputs, *rest) == INVALID_PARAM
    order = np.array([1, 0], np.int64)
    with Operator([X, order], [((4, 3), F32)], host=[0, 1]) as call:
        for i in (1, 0):
            acl.aclUpdateDataBuffer(call.inputs[i], 4096, 48)
            assert refused(call, "Transpose") == INVALID_PARAM
            acl.aclUpdateDataBuffer(call.inputs[i], call.arrays[i].ctypes.data, 48)
    with Operator([X], [((3, 4), F32)], host=[0]) as call:
        acl.aclUpdateDataBuffer(call.inputs[0], call.memory[0].address, 48)
        assert refused(call, "Relu") == INVALID_PARAM


def test_attributes_misused() -> None:
    attr = acl.aclopCreateAttr()
    values = (C.c_int64 * 1)(1)
    assert acl.code.aclopSetAttrInt(None, b"n", 1) == INVALID_PARAM
    assert acl.code.aclopSetAttrInt(attr, None, 1) == INVALID_PARAM
    assert acl.code.aclopSetAttrString(attr, b"n", None) == INVALID_PARAM
    assert acl.code.aclopSetAttrListInt(attr, b"n", 1, None) == INVALID_PARAM
    assert acl.code.aclopSetAttrListInt(attr, b"n", -1, values) == INVALID_PARAM
    assert acl.code.aclopSetAttrListListInt(attr, b"n", 1, None, None) == INVALID_PARAM
    acl.aclopSetAttrListFloat(attr, b"n", 1, (C.c_float * 1)(1))
    acl.aclopSetAttrListBool(attr, b"n", 1, (C.c_uint8 * 1)(1))
    acl.aclopSetAttrListDataType(attr, b"n", 1, (C.c_int * 1)(1))
    acl.aclopSetAttrListString(attr, b"n", 1, (C.c_char_p * 1)(b"text"))
    acl.aclopSetAttrDataType(attr, b"n", 1)
    assert counters()["live_op_attrs"] == 1
    acl.aclopDestroyAttr(attr)
    acl.aclopDestroyAttr(None)
    assert acl.code.aclopSetAttrInt(attr, b"n", 1) == INVALID_PARAM


@pytest.mark.parametrize("kind", ["TopK", "Transpose"])
def test_values_that_are_wrong_on_the_device_surface_at_synchronise(kind: str) -> None:
    value = np.array(99 if kind == "TopK" else [7, 7], I32)
    outputs: Any = [((3, 2), F32), ((3, 2), I32)][: 2 if kind == "TopK" else 1]
    with Operator([X, value], outputs) as call:
        assert refused(call, kind) == 0
        assert acl.code.aclrtSynchronizeStream(None) == INPUT_MISMATCH
