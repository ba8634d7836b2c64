"""Models whose shapes come with each execution."""

from __future__ import annotations

import ctypes as C
from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from . import models
from .acl import (
    API_UNSUPPORTED,
    FAILURE,
    INVALID_PARAM,
    AclError,
    Dataset,
    IODims,
    IODimsRange,
    Memory,
    Model,
    acl,
    counters,
    new_stream,
)

ADD = models.binary(shape=("n", 3))


class DynamicRun:
    """Buffers with room to spare; shapes go with each execution."""

    def __init__(self, model: Model, room: int = 4096, outputs: int | None = None) -> None:
        self.model = model
        self.inputs = [Memory(room) for _ in range(model.inputs)]
        self.outputs = [Memory(room) for _ in range(model.outputs)]
        self.input = Dataset(*((memory.address, room) for memory in self.inputs))
        given = room if outputs is None else outputs
        self.output = Dataset(*((memory.address, given) for memory in self.outputs))

    def set(self, *arrays: np.ndarray) -> None:
        for i, (memory, array) in enumerate(zip(self.inputs, arrays, strict=True)):
            memory.write(array)
            self.input.set_shape(i, array.shape)

    def execute(self) -> None:
        acl.aclmdlExecute(self.model.id, self.input.handle, self.output.handle)

    def read(self, index: int = 0) -> np.ndarray:
        shape = self.output.shape(index)
        return self.outputs[index].read(shape, self.model.output_dtype(index))

    def __enter__(self) -> DynamicRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.input.destroy()
        self.output.destroy()
        for memory in self.inputs + self.outputs:
            memory.free()


def test_description() -> None:
    with Model(ADD.SerializeToString()) as model:
        assert model.inputs == 2
        assert model.input_dims(0) == (-1, 3)
        assert model.output_dims(0) == (-1, 3)
        assert (model.input_size(0), model.output_size(0)) == (0, 0)
        limits = IODimsRange()
        acl.aclmdlGetInputDimsRange(model.desc, 0, C.byref(limits))
        rows = [tuple(limits.range[i]) for i in range(limits.count)]
        assert rows[0][1] == -1
        assert rows[1] == (3, 3)
        dims = IODims()
        code = acl.code.aclmdlGetCurOutputDims(model.desc, 0, C.byref(dims))
        assert code == API_UNSUPPORTED


def test_ranges_of_an_om() -> None:
    om = models.range_om(models.binary(shape=("n", "m")), [[(1, 4), (2, -1)]] * 2)
    with Model(om) as model, DynamicRun(model) as run:
        limits = IODimsRange()
        acl.aclmdlGetInputDimsRange(model.desc, 0, C.byref(limits))
        assert [tuple(limits.range[i]) for i in range(limits.count)] == [(1, 4), (2, -1)]
        for shape in [(1, 2), (4, 50), (2, 7)]:
            x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
            run.set(x, x)
            run.execute()
            np.testing.assert_array_equal(run.read(), x + x)
        first, second = "takes 1 to 4 for dim 0", "takes at least 2 for dim 1"
        for shape, rule in [((5, 2), first), ((1, 1), second), ((0, 2), first)]:
            x = np.zeros(shape, np.float32)
            run.set(x, x)
            with pytest.raises(AclError, match=rule) as caught:
                run.execute()
            assert caught.value.code == INVALID_PARAM


def test_shapes_up_and_down_in_the_same_buffers() -> None:
    with Model(ADD.SerializeToString()) as model, DynamicRun(model) as run:
        before = None
        for rows in [4, 1, 4, 9, 2, 341, 341, 3]:
            x = np.random.default_rng(rows).standard_normal((rows, 3)).astype(np.float32)
            run.set(x, -2 * x)
            before = counters()
            run.execute()
            after = counters()
            assert run.output.shape(0) == (rows, 3)
            np.testing.assert_array_equal(run.read(), x + -2 * x)
            changed = {k: after[k] - before[k] for k in after if after[k] != before[k]}
            changed.pop("live_tensor_descs", None)
            assert changed == {"model_executions": 1}


@settings(max_examples=20, deadline=None)
@given(shapes=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=6))
def test_convolution_of_any_size(shapes: list[tuple[int, int]]) -> None:
    proto = models.convolution((1, 3, "h", "w"), channels=4)
    with Model(proto.SerializeToString()) as model, DynamicRun(model) as run:
        for height, width in shapes:
            x = np.random.default_rng(height).standard_normal((1, 3, height, width))
            x = x.astype(np.float32)
            run.set(x)
            run.execute()
            expected = models.reference(proto, x)[0]
            np.testing.assert_allclose(run.read(), expected, rtol=1e-4, atol=1e-4)


def test_output_memory_of_exactly_the_result() -> None:
    with Model(ADD.SerializeToString()) as model, DynamicRun(model, outputs=48) as run:
        x = np.ones((4, 3), np.float32)
        run.set(x, x)
        run.execute()
        np.testing.assert_array_equal(run.read(), x + x)


def test_output_memory_too_small_is_never_overrun() -> None:
    with Model(ADD.SerializeToString()) as model, DynamicRun(model, outputs=40) as run:
        run.outputs[0].write(np.full(1024, -5, np.float32))
        x = np.ones((4, 3), np.float32)
        run.set(x, x)
        with pytest.raises(AclError, match="48 bytes") as caught:
            run.execute()
        assert caught.value.code == FAILURE
        assert (run.outputs[0].read((1024,), np.float32)[10:] == -5).all()
        x = x[:3]
        run.set(x, x)
        run.execute()
        np.testing.assert_array_equal(run.read(), x + x)


def test_results_that_depend_on_the_data() -> None:
    with Model(models.nonzero().SerializeToString()) as model, DynamicRun(model) as run:
        for x in ([1, 0, 2, 0, 3], [0, 0], [4], [0, 1, 0, 0, 0, 0, 0, 7]):
            array = np.array(x, np.float32)
            run.set(array)
            run.execute()
            np.testing.assert_array_equal(run.read(), np.array(np.nonzero(array)))


def allocated_output(model: Model, *arrays: np.ndarray) -> tuple[Dataset, list[Memory], Dataset]:
    inputs = [Memory.of(array) for array in arrays]
    data = Dataset(*((memory.address, memory.nbytes) for memory in inputs))
    for i, array in enumerate(arrays):
        data.set_shape(i, array.shape)
    return data, inputs, Dataset(*[(None, 0)] * model.outputs)


def test_the_library_allocates_outputs_on_request() -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    with Model(ADD.SerializeToString()) as model:
        data, inputs, output = allocated_output(model, x, x)
        before = counters()
        acl.aclmdlExecute(model.id, data.handle, output.handle)
        after = counters()
        address = acl.aclGetDataBufferAddr(output.buffers[0])
        assert acl.aclGetDataBufferSizeV2(output.buffers[0]) == 24
        result = np.empty((2, 3), np.float32)
        acl.aclrtMemcpy(result.ctypes.data, 24, address, 24, 2)
        np.testing.assert_array_equal(result, x + x)
        assert after["bytes_d2d"] - before["bytes_d2d"] == 24
        assert after["device_allocations"] - before["device_allocations"] == 1
        acl.aclrtFree(address)
        acl.aclUpdateDataBuffer(output.buffers[0], None, 0)
        acl.aclmdlExecute(model.id, data.handle, output.handle)
        acl.aclrtFree(acl.aclGetDataBufferAddr(output.buffers[0]))
        data.destroy()
        output.destroy()
        for memory in inputs:
            memory.free()


def test_only_synchronous_execution_allocates() -> None:
    x = np.ones((2, 3), np.float32)
    with Model(ADD.SerializeToString()) as model, new_stream() as stream:
        data, inputs, output = allocated_output(model, x, x)
        code = acl.code.aclmdlExecuteAsync(model.id, data.handle, output.handle, stream)
        assert code == INVALID_PARAM
        assert "only aclmdlExecute" in acl.message()
        data.destroy()
        output.destroy()
        for memory in inputs:
            memory.free()


def test_async_writes_the_shapes_by_the_time_of_synchronise() -> None:
    x = np.arange(15, dtype=np.float32).reshape(5, 3)
    with Model(ADD.SerializeToString()) as model, DynamicRun(model) as run:
        with new_stream() as stream:
            run.set(x, x)
            acl.aclmdlExecuteAsync(model.id, run.input.handle, run.output.handle, stream)
            acl.aclrtSynchronizeStream(stream)
        np.testing.assert_array_equal(run.read(), x + x)


def test_shapes_are_taken_when_the_execution_is_queued() -> None:
    x = np.arange(30, dtype=np.float32).reshape(10, 3)
    with Model(ADD.SerializeToString()) as model, new_stream() as stream:
        runs = [DynamicRun(model) for _ in range(2)]
        shared = runs[0]
        shared.set(x, x)
        for run, rows in zip(runs, (10, 4), strict=True):
            for i in range(2):
                shared.input.set_shape(i, (rows, 3))
            acl.aclmdlExecuteAsync(model.id, shared.input.handle, run.output.handle, stream)
        acl.aclrtSynchronizeStream(stream)
        np.testing.assert_array_equal(runs[0].read(), x + x)
        np.testing.assert_array_equal(runs[1].read(), (x + x)[:4])
        for run in runs:
            run.__exit__()


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (None, "aclmdlSetDatasetTensorDesc"),
        ((3,), "number of dims"),
        ((2, 4), "takes 3 for dim 1"),
        ((-1, 3), r"\[-1,3\]"),
    ],
)
def test_wrong_shapes(shape: Sequence[int] | None, text: str) -> None:
    with Model(ADD.SerializeToString()) as model, DynamicRun(model) as run:
        if shape is not None:
            run.input.set_shape(0, shape)
        run.input.set_shape(1, (2, 3))
        with pytest.raises(AclError, match=text) as caught:
            run.execute()
        assert caught.value.code == INVALID_PARAM
        assert "input 0 ('a'" in caught.value.message


def test_inputs_that_contradict_each_other_are_an_engine_failure() -> None:
    with Model(ADD.SerializeToString()) as model, DynamicRun(model) as run:
        run.set(np.ones((2, 3), np.float32), np.ones((5, 3), np.float32))
        with pytest.raises(AclError) as caught:
            run.execute()
        assert caught.value.code == FAILURE
        x = np.ones((2, 3), np.float32)
        run.set(x, x)
        run.execute()
        np.testing.assert_array_equal(run.read(), x + x)


def test_a_shape_larger_than_its_buffer() -> None:
    with Model(ADD.SerializeToString()) as model, DynamicRun(model, room=256) as run:
        for i in range(2):
            run.input.set_shape(i, (1000, 3))
        with pytest.raises(AclError, match="12000 bytes") as caught:
            run.execute()
        assert caught.value.code == FAILURE


def test_number_of_buffers() -> None:
    with Model(ADD.SerializeToString()) as model, DynamicRun(model) as run:
        short = Dataset((run.inputs[0].address, 24))
        code = acl.code.aclmdlExecute(model.id, short.handle, run.output.handle)
        assert code == INVALID_PARAM
        short.destroy()


def test_tensors_without_a_number_of_dims_are_refused() -> None:
    relu = models.model(
        [onnx.helper.make_node("Relu", ["x"], ["y"])],
        [models.value("x", None)],
        [models.value("y", None)],
        check=False,  # it wants what is missing here
    )
    reshape = models.model(
        [onnx.helper.make_node("Reshape", ["x", "shape"], ["y"])],
        [models.value("x", (12,)), models.value("shape", ("rank",), onnx.TensorProto.INT64)],
        [models.value("y", None)],
        check=False,
    )
    for proto, name in ((relu, "input 'x'"), (reshape, "output 'y'")):
        with pytest.raises(AclError, match="number of dims") as caught:
            Model(proto.SerializeToString())
        assert caught.value.code == 145021
        assert name in caught.value.message


def test_memory_where_no_shape_fits_the_room_is_copied_and_counted() -> None:
    """A 3x3 result fits 36 bytes, but within 1..4 x 1..4 no shape has more than 8 elements."""
    om = models.range_om(models.binary(shape=("n", "m")), [[(1, 4), (1, 4)]] * 2)
    with Model(om) as model, DynamicRun(model, outputs=36) as run:
        x = np.arange(9, dtype=np.float32).reshape(3, 3)
        run.set(x, x)
        before = counters()["bytes_d2d"]
        run.execute()
        np.testing.assert_array_equal(run.read(), x + x)
        assert counters()["bytes_d2d"] - before == 36


def test_a_shape_beyond_all_memory() -> None:
    with Model(ADD.SerializeToString()) as model, DynamicRun(model) as run:
        for i in range(2):
            run.input.set_shape(i, (2**62, 3))
        with pytest.raises(AclError, match="exceeds") as caught:
            run.execute()
        assert caught.value.code == 145000


def test_a_failed_execution_leaves_no_memory_behind() -> None:
    """Two outputs to allocate, of which the second does not fit the device any more."""
    proto = models.model(
        [
            onnx.helper.make_node("Identity", ["x"], ["small"]),
            onnx.helper.make_node("Expand", ["x", "shape"], ["large"]),
        ],
        [models.value("x", ("n",)), models.value("shape", (2,), onnx.TensorProto.INT64)],
        [models.value("small", ("n",)), models.value("large", ("a", "b"))],
    )
    x = np.ones(1 << 20, np.float32)
    shape = np.array([64, 1 << 20], np.int64)  # 256 MB
    free, total = C.c_size_t(), C.c_size_t()
    with Model(proto.SerializeToString()) as model:
        data, inputs, output = allocated_output(model, x, shape)
        acl.aclrtGetMemInfo(0, C.byref(free), C.byref(total))
        filler = Memory(free.value - (128 << 20))
        before = counters()["live_device_allocations"]
        with pytest.raises(AclError) as caught:
            acl.aclmdlExecute(model.id, data.handle, output.handle)
        assert caught.value.code == 207001
        assert counters()["live_device_allocations"] == before
        assert acl.aclGetDataBufferAddr(output.buffers[0]) is None
        filler.free()
        acl.aclmdlExecute(model.id, data.handle, output.handle)
        for buffer in output.buffers:
            acl.aclrtFree(acl.aclGetDataBufferAddr(buffer))
        data.destroy()
        output.destroy()
        for memory in inputs:
            memory.free()
