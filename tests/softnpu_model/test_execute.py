"""What models compute, and where."""

from __future__ import annotations

import ctypes as C
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from . import models
from .acl import ACL_TYPES, Memory, Model, Run, acl, counters, infer, new_stream

RANDOM = np.random.default_rng(3)


def onnx_bytes(proto: onnx.ModelProto) -> bytes:
    return proto.SerializeToString()


def test_add_is_exact() -> None:
    a, b = RANDOM.standard_normal((2, 2, 3)).astype(np.float32)
    with Model(onnx_bytes(models.binary())) as model:
        np.testing.assert_array_equal(infer(model, a, b)[0], a + b)


@pytest.mark.parametrize("container", ["onnx", "om"])
def test_convolution_agrees_with_onnxruntime(container: str) -> None:
    proto = models.convolution()
    x = RANDOM.standard_normal((1, 3, 16, 16)).astype(np.float32)
    data = onnx_bytes(proto) if container == "onnx" else models.static_om(proto)
    with Model(data) as model:
        (y,) = infer(model, x)
    np.testing.assert_allclose(y, models.reference(proto, x)[0], rtol=1e-4, atol=1e-4)


def test_several_inputs_and_outputs_keep_their_order() -> None:
    a, b = RANDOM.standard_normal((2, 4, 5)).astype(np.float32)
    with Model(onnx_bytes(models.two_in_three_out())) as model:
        sums, products, total = infer(model, a, b)
    np.testing.assert_array_equal(sums, a + b)
    np.testing.assert_array_equal(products, a * b)
    assert total.shape == ()
    np.testing.assert_allclose(total, a.sum(dtype=np.float64), rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        (TensorProto.FLOAT, np.float32),
        (TensorProto.FLOAT16, np.float16),
        (TensorProto.DOUBLE, np.float64),
        (TensorProto.INT8, np.int8),
        (TensorProto.INT32, np.int32),
        (TensorProto.INT64, np.int64),
        (TensorProto.UINT8, np.uint8),
        (TensorProto.UINT32, np.uint32),
        (TensorProto.UINT64, np.uint64),
    ],
)
def test_element_types(kind: int, dtype: type) -> None:
    a = np.array([1, 2, 3, 100], dtype)
    b = np.array([4, 0, 1, 27], dtype)
    with Model(onnx_bytes(models.binary(shape=(4,), dtype=kind))) as model:
        assert acl.aclmdlGetInputDataType(model.desc, 0) == ACL_TYPES[np.dtype(dtype)]
        assert acl.aclmdlGetOutputDataType(model.desc, 0) == ACL_TYPES[np.dtype(dtype)]
        assert model.input_size(0) == a.nbytes
        np.testing.assert_array_equal(infer(model, a, b)[0], a + b)


def test_booleans() -> None:
    a = np.array([True, True, False, False])
    b = np.array([True, False, True, False])
    with Model(onnx_bytes(models.binary("And", (4,), TensorProto.BOOL))) as model:
        np.testing.assert_array_equal(infer(model, a, b)[0], a & b)


def test_bfloat16() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    a = np.array([1.5, -2.0, 0.25, 8.0], ml_dtypes.bfloat16)
    with Model(onnx_bytes(models.binary(shape=(4,), dtype=TensorProto.BFLOAT16))) as model:
        assert acl.aclmdlGetInputDataType(model.desc, 0) == 27
        with Run(model) as run:
            run.write(a.view(np.uint16), a.view(np.uint16))
            run.execute()
            bits = run.outputs[0].read((4,), np.uint16)
    np.testing.assert_array_equal(bits.view(ml_dtypes.bfloat16), a + a)


def test_scalars() -> None:
    with Model(onnx_bytes(models.binary(shape=()))) as model:
        assert model.input_dims(0) == ()
        assert model.input_size(0) == 4
        assert infer(model, np.float32(2), np.float32(3))[0] == 5


def test_tensors_without_elements() -> None:
    with Model(onnx_bytes(models.binary(shape=(0, 3)))) as model:
        assert model.input_size(0) == 0
        (c,) = infer(model, np.empty((0, 3), np.float32), np.empty((0, 3), np.float32))
        assert c.shape == (0, 3)


@settings(max_examples=25, deadline=None)
@given(
    shape=st.lists(st.integers(1, 7), min_size=1, max_size=5),
    operator=st.sampled_from(["Add", "Sub", "Mul"]),
    seed=st.integers(0, 1000),
)
def test_any_shape(shape: list[int], operator: str, seed: int) -> None:
    a, b = np.random.default_rng(seed).standard_normal((2, *shape)).astype(np.float32)
    with Model(onnx_bytes(models.binary(operator, shape))) as model:
        assert model.input_dims(0) == tuple(shape)
        (c,) = infer(model, a, b)
    expected = {"Add": a + b, "Sub": a - b, "Mul": a * b}[operator]
    np.testing.assert_array_equal(c, expected)


def test_results_follow_the_buffers(tmp_path: Path) -> None:
    """Other memory in the same dataset is read and written at the next execution."""
    a, b = RANDOM.standard_normal((2, 2, 3)).astype(np.float32)
    with Model(onnx_bytes(models.binary())) as model, Run(model) as run:
        run.write(a, a)
        run.execute()
        other_in, other_out = Memory.of(b), Memory(24)
        acl.aclUpdateDataBuffer(run.input.buffers[1], other_in.address, 24)
        acl.aclUpdateDataBuffer(run.output.buffers[0], other_out.address, 24)
        run.execute()
        np.testing.assert_array_equal(run.read(), a + a)
        np.testing.assert_array_equal(other_out.read((2, 3), np.float32), a + b)
        other_in.free()
        other_out.free()


def test_nothing_is_copied() -> None:
    x = RANDOM.standard_normal((1, 3, 16, 16)).astype(np.float32)
    with Model(onnx_bytes(models.convolution())) as model, Run(model) as run:
        run.write(x)
        run.execute()
        before = counters()
        for _ in range(5):
            run.execute()
        after = counters()
    changed = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert changed == {"model_executions": 5}


def test_larger_buffers_are_accepted() -> None:
    a = np.ones((2, 3), np.float32)
    with Model(onnx_bytes(models.binary())) as model, Run(model) as run:
        run.write(a, a)
        wide = Memory(4096)
        acl.aclUpdateDataBuffer(run.output.buffers[0], wide.address, 4096)
        run.execute()
        np.testing.assert_array_equal(wide.read((2, 3), np.float32), a + a)
        wide.free()


def test_async_results_are_there_after_synchronise() -> None:
    x = RANDOM.standard_normal((1, 3, 16, 16)).astype(np.float32)
    proto = models.convolution()
    with Model(onnx_bytes(proto)) as model, Run(model) as run, new_stream() as stream:
        run.write(x)
        run.submit(stream)
        acl.aclrtSynchronizeStream(stream)
        np.testing.assert_allclose(run.read(), models.reference(proto, x)[0], rtol=1e-4, atol=1e-4)


def test_async_executions_run_in_order_with_copies() -> None:
    """Input, execution, result, again with other data: all queued before anything is waited for."""
    rounds = 20
    shape = (2, 3)
    data = RANDOM.standard_normal((rounds, *shape)).astype(np.float32)
    with Model(onnx_bytes(models.binary())) as model, Run(model) as run, new_stream() as stream:
        pinned = [C.c_void_p(), C.c_void_p()]
        for pointer in pinned:
            acl.aclrtMallocHost(C.byref(pointer), data.nbytes)
        C.memmove(pinned[0].value, data.ctypes.data, data.nbytes)
        for i in range(rounds):
            source, target = (pointer.value + i * 24 for pointer in pinned)
            for memory in run.inputs:
                acl.aclrtMemcpyAsync(memory.address, 24, source, 24, 1, stream)
            run.submit(stream)
            acl.aclrtMemcpyAsync(target, 24, run.outputs[0].address, 24, 2, stream)
        acl.aclrtSynchronizeStream(stream)
        results = np.empty_like(data)
        C.memmove(results.ctypes.data, pinned[1].value, data.nbytes)
        for pointer in pinned:
            acl.aclrtFreeHost(pointer.value)
    np.testing.assert_array_equal(results, data + data)


def test_datasets_may_go_before_the_stream_is_synchronised() -> None:
    a, b = RANDOM.standard_normal((2, 2, 3)).astype(np.float32)
    with Model(onnx_bytes(models.binary())) as model, new_stream() as stream:
        run = Run(model)
        run.write(a, b)
        run.submit(stream)
        run.input.destroy()
        run.output.destroy()
        acl.aclrtSynchronizeStream(stream)
        np.testing.assert_array_equal(run.read(), a + b)
        for memory in run.inputs + run.outputs:
            memory.free()


def test_v2_runs_in_order_with_its_stream() -> None:
    a = np.ones((2, 3), np.float32)
    config = acl.aclmdlCreateExecConfigHandle()
    with Model(onnx_bytes(models.binary())) as model, Run(model) as run, new_stream() as stream:
        run.write(a, a)
        timeout = C.c_int32(60_000)
        acl.aclmdlSetExecConfigOpt(config, 0, C.byref(timeout), 4)
        for used in (stream, None):
            acl.aclmdlExecuteV2(model.id, run.input.handle, run.output.handle, used, config)
            np.testing.assert_array_equal(run.read(), a + a)
    with Model(onnx_bytes(models.binary())) as model, Run(model) as run, new_stream() as stream:
        run.write(a, a)
        acl.aclmdlExecuteAsyncV2(model.id, run.input.handle, run.output.handle, stream, config)
        acl.aclrtSynchronizeStream(stream)
        np.testing.assert_array_equal(run.read(), a + a)
    acl.aclmdlDestroyExecConfigHandle(config)


def test_a_chain_of_models_needs_no_copy_between() -> None:
    """The output of one model is the input of the next, in place."""
    a = np.full((2, 3), 1.5, np.float32)
    with (
        Model(onnx_bytes(models.binary())) as add,
        Model(onnx_bytes(models.binary("Mul"))) as mul,
        Run(add) as first,
        Run(mul) as second,
    ):
        first.write(a, a)
        for i in range(2):
            acl.aclUpdateDataBuffer(second.input.buffers[i], first.outputs[0].address, 24)
        before = counters()
        first.execute()
        second.execute()
        after = counters()
        assert all(after[k] == before[k] for k in after if k.startswith(("bytes", "copies")))
        np.testing.assert_array_equal(second.read(), (a + a) ** 2)
