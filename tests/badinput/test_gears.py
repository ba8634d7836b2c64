"""Gears that do not exist and shapes that do not fit, through the C interface."""

from __future__ import annotations

import ctypes as C
from typing import NamedTuple

import numpy as np

from . import networks
from .capi import (
    FLOAT,
    GEAR_ADDRESS,
    GEAR_INPUT,
    GEAR_LENGTH,
    GEAR_UNKNOWN,
    INVALID_PARAM,
    MODEL_FAILURE,
    MODEL_ID,
    MODEL_PARAM,
    MODEL_SIZE,
    Api,
    Dataset,
    IODims,
)
from .conftest import Oms
from .test_execute import ADDRESS_CODES, X


class Geared(NamedTuple):
    api: Api
    model: int
    index: int
    inputs: Dataset
    outputs: Dataset
    memory: list[int]

    def close(self) -> None:
        self.inputs.destroy()
        self.outputs.destroy()
        for address in self.memory:
            self.api.ok("aclrtFree", address)
        self.api.ok("aclmdlUnload", self.model)


def geared(api: Api, om: bytes, room: int = 4096) -> Geared:
    model = api.load(om)
    desc = api.make("aclmdlCreateDesc")
    api.ok("aclmdlGetDesc", desc, model)
    index = C.c_size_t(99)
    api.ok("aclmdlGetInputIndexByName", desc, GEAR_INPUT, C.byref(index))
    api.ok("aclmdlDestroyDesc", desc)
    memory = [api.malloc(room) for _ in range(3)]
    x, gear, y = memory
    return Geared(
        api, model, index.value, api.dataset((x, room), (gear, 64)), api.dataset((y, room)), memory
    )


def test_batch_gears(api: Api, oms: Oms) -> None:
    """Section 10: 0 is 100000, no buffer 100000, not listed 145013, too short 145012."""
    g = geared(api, oms.batch.read_bytes())
    name, handle = "aclmdlSetDynamicBatchSize", g.inputs.handle
    # No gear was ever chosen: what is in the memory names none.
    api.upload(g.memory[1], np.full(8, 77, np.int64))
    code = api.call("aclmdlExecute", g.model, handle, g.outputs.handle)
    assert code in (GEAR_UNKNOWN, MODEL_FAILURE), api.text()
    api.refuse(INVALID_PARAM, name, g.model, handle, g.index, 0)
    for batch in (3, 5, 2**32, 2**64 - 1):
        api.refuse(GEAR_UNKNOWN, name, g.model, handle, g.index, batch)
    api.refuse(INVALID_PARAM, name, g.model, None, g.index, 1)
    api.refuse(INVALID_PARAM, name, g.model, handle, 7, 1)
    api.refuse(MODEL_ID, name, 2**31, handle, g.index, 1)
    api.refuse(GEAR_UNKNOWN, "aclmdlSetDynamicHWSize", g.model, handle, g.index, 8, 8)
    gear = g.inputs.buffers[1]
    api.ok("aclUpdateDataBuffer", gear, g.memory[1], 3)
    api.refuse(GEAR_LENGTH, name, g.model, handle, g.index, 1)
    api.ok("aclUpdateDataBuffer", gear, None, 64)
    api.refuse(GEAR_ADDRESS, name, g.model, handle, g.index, 1)
    api.ok("aclUpdateDataBuffer", gear, g.memory[1], 64)
    # The chosen gear decides how much memory the tensors need.
    api.ok(name, g.model, handle, g.index, 4)
    api.upload(g.memory[0], np.ones((4, 3), np.float32))
    api.ok("aclmdlExecute", g.model, handle, g.outputs.handle)
    expected = np.ones((4, 3), np.float32) @ networks.WEIGHTS
    np.testing.assert_array_equal(api.download(g.memory[2], (4, 4)), expected)
    # The dataset of a gear model without its gear input.
    short = api.dataset((g.memory[0], 4096))
    api.refuse(MODEL_PARAM, "aclmdlExecute", g.model, short.handle, g.outputs.handle)
    short.destroy()
    g.close()


def test_image_gears(api: Api, oms: Oms) -> None:
    g = geared(api, oms.image.read_bytes())
    name, handle = "aclmdlSetDynamicHWSize", g.inputs.handle
    for height, width in ((0, 8), (8, 0)):
        api.refuse(INVALID_PARAM, name, g.model, handle, g.index, height, width)
    for height, width in ((8, 16), (12, 16), (2**40, 8)):
        api.refuse(GEAR_UNKNOWN, name, g.model, handle, g.index, height, width)
    api.ok("aclUpdateDataBuffer", g.inputs.buffers[1], g.memory[1], 7)
    api.refuse(GEAR_LENGTH, name, g.model, handle, g.index, 8, 8)
    api.refuse(GEAR_UNKNOWN, "aclmdlSetDynamicBatchSize", g.model, handle, g.index, 1)
    g.close()


def test_dims_gears(api: Api, oms: Oms) -> None:
    g = geared(api, oms.dims.read_bytes())
    name, handle = "aclmdlSetInputDynamicDims", g.inputs.handle

    def dims(*values: int, count: int | None = None) -> IODims:
        made = IODims()
        made.count = len(values) if count is None else count
        made.dims[: len(values)] = values
        return made

    api.refuse(INVALID_PARAM, name, g.model, handle, g.index, None)
    for wrong in (dims(2, 5), dims(3, 2), dims(-1, 3), dims(0, 0)):
        api.refuse(GEAR_UNKNOWN, name, g.model, handle, g.index, C.byref(wrong))
    for wrong in (dims(2), dims(2, 3, 4), dims(), dims(2, 3, count=2**63), dims(2, 3, count=129)):
        code = api.call(name, g.model, handle, g.index, C.byref(wrong))
        assert code in (GEAR_LENGTH, GEAR_UNKNOWN, INVALID_PARAM), api.text()
    right = dims(4, 5)
    api.ok(name, g.model, handle, g.index, C.byref(right))
    x = np.arange(20, dtype=np.float32).reshape(4, 5)
    api.upload(g.memory[0], x)
    api.ok("aclmdlExecute", g.model, handle, g.outputs.handle)
    np.testing.assert_array_equal(api.download(g.memory[2], (4, 5)), -x)
    g.close()


def test_gear_memory_too_small_for_the_gear(api: Api, oms: Oms) -> None:
    """Section 10: sizes are not checked for gear models; the device must check what it touches."""
    model = api.load(oms.image.read_bytes())
    small, gear, out = api.malloc(64), api.malloc(64), api.malloc(4096)
    inputs, outputs = api.dataset((small, 64), (gear, 16)), api.dataset((out, 4096))
    api.ok("aclmdlSetDynamicHWSize", model, inputs.handle, 1, 16, 12)
    code = api.call("aclmdlExecute", model, inputs.handle, outputs.handle)
    assert code in ADDRESS_CODES, api.text()
    inputs.destroy()
    outputs.destroy()
    for address in (small, gear, out):
        api.ok("aclrtFree", address)
    api.ok("aclmdlUnload", model)


def test_dynamic_shapes(api: Api, oms: Oms) -> None:
    """Section 10: fewer inputs than needed, or a shape outside the range, is 100000."""
    model = api.load(oms.ranged.read_bytes())
    x, y = api.malloc(256), api.malloc(256)
    inputs, outputs, none = api.dataset((x, 256)), api.dataset((y, 256)), api.dataset()
    run = ("aclmdlExecute", model, inputs.handle, outputs.handle)
    api.refuse(INVALID_PARAM, "aclmdlExecute", model, none.handle, outputs.handle)
    # No shape was said.
    api.refuse(INVALID_PARAM, *run)
    for shape in ((5, 3), (0, 3), (2, 4), (2,), (2, 3, 1), (-1, 3), (2**62, 3)):
        values = (C.c_int64 * len(shape))(*shape)
        desc = api.make("aclCreateTensorDesc", FLOAT, len(shape), values, 2)
        api.ok("aclmdlSetDatasetTensorDesc", inputs.handle, desc, 0)
        api.call("aclDestroyTensorDesc", desc)
        api.refuse(INVALID_PARAM, *run)
    values = (C.c_int64 * 2)(2, 3)
    desc = api.make("aclCreateTensorDesc", FLOAT, 2, values, 2)
    api.refuse(INVALID_PARAM, "aclmdlSetDatasetTensorDesc", inputs.handle, desc, 1)
    api.refuse(INVALID_PARAM, "aclmdlSetDatasetTensorDesc", inputs.handle, 0x123, 0)
    api.ok("aclmdlSetDatasetTensorDesc", inputs.handle, desc, 0)
    api.call("aclDestroyTensorDesc", desc)
    api.upload(x, X)
    api.ok(*run)
    np.testing.assert_array_equal(api.download(y, (2, 3)), -X)
    # The result must fit the output's memory.
    api.ok("aclUpdateDataBuffer", outputs.buffers[0], y, 8)
    assert api.call(*run) in (MODEL_FAILURE, INVALID_PARAM, MODEL_SIZE), api.text()
    for item in (inputs, outputs, none):
        item.destroy()
    api.ok("aclrtFree", x)
    api.ok("aclrtFree", y)
    api.ok("aclmdlUnload", model)
