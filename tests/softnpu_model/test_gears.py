"""Models with gears: one input says which of the compiled shapes an execution uses."""

from __future__ import annotations

import ctypes as C
import struct
from collections.abc import Iterator

import numpy as np
import onnx
import pytest

from . import models
from .acl import (
    BAD_GEAR,
    BAD_GEAR_ADDRESS,
    BAD_GEAR_LENGTH,
    BAD_ID,
    BAD_MODEL,
    GEAR_INPUT,
    HW,
    INVALID_PARAM,
    AclError,
    Batch,
    Dataset,
    IODims,
    Memory,
    Model,
    Run,
    acl,
    counters,
    new_stream,
)

BATCHES = [(1,), (4,), (2,)]
SIZES = [(16, 16), (8, 24), (32, 32)]
ALL = 2**64 - 1


def batch_proto() -> onnx.ModelProto:
    return models.matmul("n", 6, 5)


def image_proto() -> onnx.ModelProto:
    return models.convolution((1, 3, "h", "w"))


def dims_proto() -> onnx.ModelProto:
    """Two inputs of which three dims vary."""
    return models.model(
        [
            onnx.helper.make_node("MatMul", ["a", "b"], ["y"]),
            onnx.helper.make_node("Relu", ["b"], ["z"]),
        ],
        [models.value("a", ("m", 4)), models.value("b", (4, "n"))],
        [models.value("y", ("m", "n")), models.value("z", (4, "n"))],
    )


@pytest.fixture
def batch_model() -> Iterator[Model]:
    om = models.gear_om(batch_proto(), "batch", BATCHES, [(0, 0)], [[[b, 5] for (b,) in BATCHES]])
    with Model(om) as model:
        yield model


@pytest.fixture
def image_model() -> Iterator[Model]:
    om = models.gear_om(
        image_proto(), "image", SIZES, [(0, 2), (0, 3)], [[[1, 8, h, w] for h, w in SIZES]]
    )
    with Model(om) as model:
        yield model


DIMS = [(2, 3), (5, 1), (5, 8)]


@pytest.fixture
def dims_model() -> Iterator[Model]:
    om = models.gear_om(
        dims_proto(),
        "dims",
        DIMS,
        [(0, 0), (1, 1)],
        [[[m, n] for m, n in DIMS], [[4, n] for _, n in DIMS]],
    )
    with Model(om) as model:
        yield model


def set_batch(run: Run, batch: int) -> None:
    acl.aclmdlSetDynamicBatchSize(run.model.id, run.input.handle, run.model.gear_index(), batch)


def test_description(batch_model: Model) -> None:
    assert batch_model.inputs == 2
    assert batch_model.gear_index() == 1
    assert acl.aclmdlGetInputNameByIndex(batch_model.desc, 1) == GEAR_INPUT
    assert batch_model.input_dims(0) == (-1, 6)
    assert batch_model.input_dims(1) == (1,)
    assert batch_model.input_size(1) == 8
    assert acl.aclmdlGetInputDataType(batch_model.desc, 1) == 9
    assert batch_model.input_size(0) == 4 * 6 * 4
    assert batch_model.output_size(0) == 4 * 5 * 4
    assert batch_model.output_dims(0) == (4, 5)  # the largest gear, as documented
    batch = Batch()
    acl.aclmdlGetDynamicBatch(batch_model.desc, C.byref(batch))
    assert list(batch.batch[: batch.count]) == [1, 4, 2]
    hw = HW()
    acl.aclmdlGetDynamicHW(batch_model.desc, ALL, C.byref(hw))
    assert hw.count == 0


def test_every_batch(batch_model: Model) -> None:
    assert batch_model.current_output_dims(0) == (4, 5)
    with Run(batch_model) as run:
        for (batch,) in BATCHES + BATCHES[::-1]:
            x = np.random.default_rng(batch).standard_normal((batch, 6)).astype(np.float32)
            run.write(x)
            set_batch(run, batch)
            assert batch_model.current_output_dims(0) == (batch, 5)
            run.execute()
            expected = models.reference(batch_proto(), x)[0]
            np.testing.assert_allclose(run.read(0, (batch, 5)), expected, rtol=1e-5, atol=1e-5)


def test_the_gear_is_read_from_memory_when_the_execution_begins(batch_model: Model) -> None:
    """Gears that copies in the stream put there count, whatever was set before."""
    x = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
    pinned = C.c_void_p()
    acl.aclrtMallocHost(C.byref(pinned), 16)
    C.memmove(pinned.value, struct.pack("<QQ", 2, 4), 16)
    with Run(batch_model) as run, new_stream() as stream:
        run.write(x)
        set_batch(run, 1)
        second = Memory(4 * 5 * 4)
        second.write(np.full((4, 5), -9, np.float32))
        run.outputs[0].write(np.full((4, 5), -9, np.float32))
        for i, target in enumerate((run.outputs[0], second)):
            acl.aclUpdateDataBuffer(run.output.buffers[0], target.address, target.nbytes)
            gear = run.inputs[1].address
            acl.aclrtMemcpyAsync(gear, 8, pinned.value + 8 * i, 8, 1, stream)
            run.submit(stream)
        acl.aclrtSynchronizeStream(stream)
        expected = models.reference(batch_proto(), x)[0]
        first = run.outputs[0].read((4, 5), np.float32)
        np.testing.assert_allclose(first[:2], expected[:2], rtol=1e-5, atol=1e-5)
        assert (first[2:] == -9).all()
        result = second.read((4, 5), np.float32)
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)
        second.free()
    acl.aclrtFreeHost(pinned.value)


@pytest.mark.parametrize("room", [8, 4])
def test_width_of_the_gear_in_memory(batch_model: Model, room: int) -> None:
    with Run(batch_model) as run:
        acl.aclUpdateDataBuffer(run.input.buffers[1], run.inputs[1].address, room)
        set_batch(run, 2)
        assert run.inputs[1].read((room,), np.uint8).tobytes() == (2).to_bytes(room, "little")
        run.write(np.ones((2, 6), np.float32))
        run.execute()


def test_every_image_size(image_model: Model) -> None:
    assert image_model.input_dims(0) == (1, 3, -1, -1)
    assert image_model.current_output_dims(0) == image_model.output_dims(0) == (1, 8, 32, 32)
    # Public programs give -1, the index of an input, or that of the input with the gear.
    for index in (ALL, 0, image_model.gear_index()):
        hw = HW()
        acl.aclmdlGetDynamicHW(image_model.desc, index, C.byref(hw))
        assert [tuple(hw.hw[i]) for i in range(hw.count)] == SIZES
    with Run(image_model) as run:
        for height, width in SIZES:
            x = np.random.default_rng(width).standard_normal((1, 3, height, width))
            x = x.astype(np.float32)
            run.write(x)
            acl.aclmdlSetDynamicHWSize(
                image_model.id, run.input.handle, image_model.gear_index(), height, width
            )
            run.execute()
            shape = image_model.current_output_dims(0)
            assert shape == (1, 8, height, width)
            expected = models.reference(image_proto(), x)[0]
            np.testing.assert_allclose(run.read(0, shape), expected, rtol=1e-4, atol=1e-4)


def io_dims(*values: int) -> IODims:
    dims = IODims()
    dims.count = len(values)
    dims.dims[: len(values)] = values
    return dims


def test_every_dims_gear(dims_model: Model) -> None:
    count = C.c_size_t()
    acl.aclmdlGetInputDynamicGearCount(dims_model.desc, ALL, C.byref(count))
    assert count.value == 3
    gears = (IODims * 3)()
    acl.aclmdlGetInputDynamicDims(dims_model.desc, ALL, gears, 3)
    assert [gear.shape() for gear in gears] == [(m, 4, 4, n) for m, n in DIMS]
    assert acl.code.aclmdlGetInputDynamicDims(dims_model.desc, ALL, gears, 2) == INVALID_PARAM
    with Run(dims_model) as run:
        for gear, (m, n) in zip(gears, DIMS, strict=True):
            a = np.random.default_rng(m).standard_normal((m, 4)).astype(np.float32)
            b = np.random.default_rng(n).standard_normal((4, n)).astype(np.float32)
            run.write(a, b)
            acl.aclmdlSetInputDynamicDims(
                dims_model.id, run.input.handle, dims_model.gear_index(), C.byref(gear)
            )
            run.execute()
            expected = models.reference(dims_proto(), a, b)
            np.testing.assert_allclose(run.read(0, (m, n)), expected[0], rtol=1e-5, atol=1e-5)
            np.testing.assert_array_equal(run.read(1, (4, n)), expected[1])


def test_wrong_dims(dims_model: Model) -> None:
    with Run(dims_model) as run:
        call = acl.code.aclmdlSetInputDynamicDims
        index = dims_model.gear_index()
        handle = run.input.handle
        assert call(dims_model.id, handle, index, C.byref(io_dims(2, 4, 4))) == BAD_GEAR_LENGTH
        assert call(dims_model.id, handle, index, C.byref(io_dims(3, 4, 4, 3))) == BAD_GEAR
        assert call(dims_model.id, handle, index, C.byref(io_dims(2, 5, 4, 3))) == BAD_GEAR
        assert call(dims_model.id, handle, index, None) == INVALID_PARAM


def test_wrong_gears(batch_model: Model) -> None:
    with Run(batch_model) as run:
        call = acl.code.aclmdlSetDynamicBatchSize
        handle, index = run.input.handle, batch_model.gear_index()
        assert call(batch_model.id, handle, index, 0) == INVALID_PARAM
        assert call(batch_model.id, None, index, 2) == INVALID_PARAM
        assert call(batch_model.id, handle, 5, 2) == INVALID_PARAM
        assert call(batch_model.id, handle, 0, 2) == INVALID_PARAM
        assert GEAR_INPUT.decode() in acl.message()
        assert call(2**30, handle, index, 2) == BAD_ID
        assert call(batch_model.id, handle, index, 3) == BAD_GEAR
        assert "[1] [4] [2]" in acl.message()
        assert acl.code.aclmdlSetDynamicHWSize(batch_model.id, handle, index, 2, 2) == BAD_GEAR
        assert acl.code.aclmdlSetDynamicHWSize(batch_model.id, handle, index, 0, 2) == (
            INVALID_PARAM
        )
        acl.aclUpdateDataBuffer(run.input.buffers[1], run.inputs[1].address, 3)
        assert call(batch_model.id, handle, index, 2) == BAD_GEAR_LENGTH
        acl.aclUpdateDataBuffer(run.input.buffers[1], None, 8)
        assert call(batch_model.id, handle, index, 2) == BAD_GEAR_ADDRESS
        freed = Memory(8)
        freed.free()
        acl.aclUpdateDataBuffer(run.input.buffers[1], freed.address, 8)
        assert call(batch_model.id, handle, index, 2) == BAD_GEAR_ADDRESS
    with Model(models.binary().SerializeToString()) as static, Run(static) as run:
        for i in (0, 1):
            assert call(static.id, run.input.handle, i, 2) == BAD_GEAR
        assert "fixed shape" in acl.message()


def test_hw_needs_eight_bytes(image_model: Model) -> None:
    with Run(image_model) as run:
        acl.aclUpdateDataBuffer(run.input.buffers[1], run.inputs[1].address, 7)
        call = acl.code.aclmdlSetDynamicHWSize
        index = image_model.gear_index()
        assert call(image_model.id, run.input.handle, index, 16, 16) == BAD_GEAR_LENGTH


def test_execution_without_a_gear(batch_model: Model) -> None:
    """Memory that holds no gear of the model: an error, not the results of another gear."""
    with Run(batch_model) as run:
        run.write(np.ones((4, 6), np.float32))
        run.inputs[1].write(np.array([77], np.int64))
        with pytest.raises(AclError, match=r"no gear \[77\]") as caught:
            run.execute()
        assert caught.value.code == BAD_GEAR
        set_batch(run, 4)
        run.execute()


def test_execution_without_the_gear_input(batch_model: Model) -> None:
    with Run(batch_model) as run:
        memory = Memory(4 * 6 * 4)
        short = Dataset((memory.address, memory.nbytes))
        with pytest.raises(AclError, match="carries the gear") as caught:
            acl.aclmdlExecute(batch_model.id, short.handle, run.output.handle)
        assert caught.value.code == BAD_MODEL
        short.destroy()
        memory.free()


def test_the_memory_of_a_small_gear_may_be_small(batch_model: Model) -> None:
    """Sizes are checked for the gear in use, against the memory that is there."""
    with Run(batch_model) as run:
        small = Memory(1 * 6 * 4)
        small.write(np.ones((1, 6), np.float32))
        acl.aclUpdateDataBuffer(run.input.buffers[0], small.address, small.nbytes)
        set_batch(run, 1)
        run.execute()
        set_batch(run, 4)
        with pytest.raises(AclError, match="input 0") as caught:
            run.execute()
        assert caught.value.code == 145007
        small.free()


def test_gear_switches_copy_nothing(batch_model: Model) -> None:
    with Run(batch_model) as run:
        run.write(np.ones((4, 6), np.float32))
        for (batch,) in BATCHES:
            set_batch(run, batch)
            run.execute()
        before = counters()
        for (batch,) in BATCHES * 3:
            set_batch(run, batch)
            run.execute()
        after = counters()
    changed = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert changed == {"model_executions": 9}


def test_static_models_have_no_gears() -> None:
    with Model(models.binary().SerializeToString()) as model:
        batch, hw, count = Batch(count=5), HW(count=5), C.c_size_t(5)
        acl.aclmdlGetDynamicBatch(model.desc, C.byref(batch))
        acl.aclmdlGetDynamicHW(model.desc, ALL, C.byref(hw))
        acl.aclmdlGetInputDynamicGearCount(model.desc, ALL, C.byref(count))
        assert (batch.count, hw.count, count.value) == (0, 0, 0)
        assert acl.code.aclmdlGetDynamicHW(None, ALL, C.byref(hw)) == INVALID_PARAM
        assert acl.code.aclmdlGetInputDynamicGearCount(model.desc, 0, C.byref(count)) == (
            INVALID_PARAM
        )
        assert acl.code.aclmdlGetDynamicBatch(None, C.byref(batch)) == INVALID_PARAM
        assert acl.code.aclmdlGetDynamicBatch(model.desc, None) == INVALID_PARAM


def test_more_than_128_gears_do_not_fit_the_answer() -> None:
    batches = [(b,) for b in range(1, 131)]
    om = models.gear_om(batch_proto(), "batch", batches, [(0, 0)], [[[b, 5] for (b,) in batches]])
    with Model(om) as model, Run(model) as run:
        assert acl.code.aclmdlGetDynamicBatch(model.desc, C.byref(Batch())) == 300000
        run.write(np.ones((130, 6), np.float32))
        set_batch(run, 129)
        run.execute()


def test_gears_in_the_order_of_image_pairs() -> None:
    """Two image inputs follow the same height and width."""
    proto = models.binary(shape=(1, 1, "h", "w"))
    sizes = [(2, 3), (4, 2)]
    om = models.gear_om(
        proto,
        "image",
        sizes,
        [(0, 2), (0, 3), (1, 2), (1, 3)],
        [[[1, 1, h, w] for h, w in sizes]],
    )
    with Model(om) as model, Run(model) as run:
        for h, w in sizes:
            x = np.arange(h * w, dtype=np.float32).reshape(1, 1, h, w)
            run.write(x, x)
            acl.aclmdlSetDynamicHWSize(model.id, run.input.handle, model.gear_index(), h, w)
            run.execute()
            np.testing.assert_array_equal(run.read(0, (1, 1, h, w)), x + x)
