"""Executions that must not happen, through the C interface."""

from __future__ import annotations

import ctypes as C
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest

import acl_fast as af

from . import networks
from .capi import (
    EVENT_TIMEOUT,
    INVALID_PARAM,
    MODEL_FAILURE,
    MODEL_ID,
    MODEL_PARAM,
    MODEL_SIZE,
    RT_PARAM,
    STREAM_CONTEXT,
    STREAM_TIMEOUT,
    Api,
    Dataset,
    Gate,
    IODims,
)

X = np.arange(6, dtype=np.float32).reshape(2, 3)
NBYTES = X.nbytes
# Where the memory of a tensor is at fault, the device finds out when the work runs.
ADDRESS_CODES = {INVALID_PARAM, 145007, 345104, MODEL_FAILURE}


class Setup(NamedTuple):
    """A loaded affine model with good datasets."""

    api: Api
    model: int
    x: int
    y: int
    inputs: Dataset
    outputs: Dataset
    stream: int

    def run(self) -> None:
        """Synchronous execution with right results."""
        self.api.upload(self.x, X)
        self.api.ok("aclmdlExecute", self.model, self.inputs.handle, self.outputs.handle)
        np.testing.assert_array_equal(self.api.download(self.y, (2, 3)), 2 * X + 1)

    def refused(self, codes: set[int], inputs: Dataset, outputs: Dataset) -> None:
        """Both ways of execution fail, at once or when the stream is synchronised."""
        api = self.api
        for how in ("aclmdlExecute", "aclmdlExecuteAsync"):
            model = api.load(networks.affine())
            api.text()
            if how == "aclmdlExecute":
                code = api.call(how, model, inputs.handle, outputs.handle)
            else:
                code = api.call(how, model, inputs.handle, outputs.handle, self.stream)
                if code == 0:
                    code = api.call("aclrtSynchronizeStream", self.stream)
            text = api.text()
            assert code in codes, f"{how}: {code}: {text}"
            assert "aclmdlExecute" in text, text
            assert "put 0" in text or "dataset" in text or "inputs" in text or "outputs" in text, (
                text
            )
            # The stream and the model go on.
            api.ok("aclrtSynchronizeStream", self.stream)
            api.ok("aclmdlUnload", model)
        self.run()


@pytest.fixture
def setup(api: Api) -> Iterator[Setup]:
    model = api.load(networks.affine())
    x, y = api.malloc(NBYTES), api.malloc(NBYTES)
    made = Setup(
        api,
        model,
        x,
        y,
        api.dataset((x, NBYTES)),
        api.dataset((y, NBYTES)),
        api.out("aclrtCreateStream"),
    )
    yield made
    made.inputs.destroy()
    made.outputs.destroy()
    for address in (x, y):
        api.ok("aclrtFree", address)
    api.ok("aclrtDestroyStream", made.stream)
    api.ok("aclmdlUnload", model)


# ---- arguments ----


def test_null_and_unknown(setup: Setup) -> None:
    """Section 10: a NULL dataset is 100000, an unknown or unloaded id 145003."""
    api, inputs, outputs = setup.api, setup.inputs.handle, setup.outputs.handle
    for function, end in (("aclmdlExecute", ()), ("aclmdlExecuteAsync", (setup.stream,))):
        api.refuse(INVALID_PARAM, function, setup.model, None, outputs, *end)
        api.refuse(INVALID_PARAM, function, setup.model, inputs, None, *end)
        for unknown in (0, 2**31, 2**32 - 1):
            api.refuse(MODEL_ID, function, unknown, inputs, outputs, *end)
    api.refuse(INVALID_PARAM, "aclmdlExecuteV2", setup.model, inputs, outputs, None, None)
    # Section 9.
    api.refuse(INVALID_PARAM, "aclmdlAddDatasetBuffer", inputs, None)
    api.refuse(INVALID_PARAM, "aclmdlAddDatasetBuffer", None, setup.inputs.buffers[0])
    api.refuse(INVALID_PARAM, "aclmdlSetDatasetTensorDesc", inputs, None, 1)
    assert api.call("aclmdlGetDatasetBuffer", inputs, 1) is None
    assert api.call("aclmdlGetDatasetTensorDesc", inputs, 9) is None
    setup.run()


def test_use_after_unload(setup: Setup) -> None:
    """Section 7: 145003, for every function that takes an id. Ids are not given twice."""
    api = setup.api
    model = api.load(networks.affine())
    api.ok("aclmdlUnload", model)
    inputs, outputs = setup.inputs.handle, setup.outputs.handle
    desc = api.make("aclmdlCreateDesc")
    api.refuse(MODEL_ID, "aclmdlUnload", model)
    api.refuse(MODEL_ID, "aclmdlExecute", model, inputs, outputs)
    api.refuse(MODEL_ID, "aclmdlExecuteAsync", model, inputs, outputs, setup.stream)
    api.refuse(MODEL_ID, "aclmdlGetDesc", desc, model)
    api.refuse(MODEL_ID, "aclmdlSetDynamicBatchSize", model, inputs, 0, 1)
    again = api.load(networks.affine())
    assert again != model
    api.refuse(MODEL_ID, "aclmdlExecute", model, inputs, outputs)
    api.ok("aclmdlUnload", again)
    api.ok("aclmdlDestroyDesc", desc)
    setup.run()


def test_desc_outlives_its_model(api: Api) -> None:
    """Section 7: a desc is a copy."""
    model = api.load(networks.affine())
    desc = api.make("aclmdlCreateDesc")
    api.ok("aclmdlGetDesc", desc, model)
    api.ok("aclmdlUnload", model)
    dims = IODims()
    api.ok("aclmdlGetInputDims", desc, 0, C.byref(dims))
    assert tuple(dims.dims[: dims.count]) == (2, 3)
    api.refuse(INVALID_PARAM, "aclmdlGetInputDims", desc, 1, C.byref(dims))
    api.refuse(INVALID_PARAM, "aclmdlGetInputDims", desc, 0, None)
    api.refuse(INVALID_PARAM, "aclmdlGetInputIndexByName", desc, b"no", C.byref(C.c_size_t(0)))
    api.refuse(INVALID_PARAM, "aclmdlGetDesc", None, model)
    api.ok("aclmdlDestroyDesc", desc)


# ---- datasets ----


@pytest.mark.parametrize("count", [0, 2, 3])
def test_wrong_buffer_count(setup: Setup, count: int) -> None:
    """Section 10: 145000 for a static model."""
    wrong = setup.api.dataset(*[(setup.x, NBYTES)] * count)
    setup.refused({MODEL_PARAM}, wrong, setup.outputs)
    setup.refused({MODEL_PARAM}, setup.inputs, wrong)
    wrong.destroy()


@pytest.mark.parametrize("short", [65, 100, 256])
def test_too_small_buffer(api: Api, short: int) -> None:
    """Section 10: accepted while size + 64 >= needed, else 500002 (145006 on some paths)."""
    shape = (8, 32)
    needed = 8 * 32 * 4
    model = api.load(networks.affine(shape))
    memory = api.malloc(needed)
    good, bad = api.dataset((memory, needed)), api.dataset((memory, needed - short))
    for inputs, outputs in ((bad, good), (good, bad)):
        code = api.call("aclmdlExecute", model, inputs.handle, outputs.handle)
        text = api.text()
        assert code in (MODEL_FAILURE, MODEL_SIZE), text
        assert str(needed) in text
        assert str(needed - short) in text
    api.ok("aclmdlExecute", model, good.handle, good.handle)
    good.destroy()
    bad.destroy()
    api.ok("aclrtFree", memory)
    api.ok("aclmdlUnload", model)


def test_buffer_larger_than_its_memory(api: Api) -> None:
    """The size is the program's word; the device checks it against the allocation."""
    shape = (64, 64)
    model = api.load(networks.affine(shape))
    memory, small = api.malloc(64 * 64 * 4), api.malloc(64)
    good, bad = api.dataset((memory, 64 * 64 * 4)), api.dataset((small, 64 * 64 * 4))
    for inputs, outputs in ((bad, good), (good, bad)):
        code = api.call("aclmdlExecute", model, inputs.handle, outputs.handle)
        assert code in ADDRESS_CODES, api.text()
    good.destroy()
    bad.destroy()
    for address in (memory, small):
        api.ok("aclrtFree", address)
    api.ok("aclmdlUnload", model)


@pytest.mark.parametrize("offset", [1, 4, 16, 32, 63])
def test_misaligned_address(setup: Setup, offset: int) -> None:
    """Section 5: pieces of a block start on 64 bytes."""
    memory = setup.api.malloc(1024)
    wrong = setup.api.dataset((memory + offset, NBYTES))
    setup.refused(ADDRESS_CODES, wrong, setup.outputs)
    setup.refused(ADDRESS_CODES, setup.inputs, wrong)
    wrong.destroy()
    setup.api.ok("aclrtFree", memory)


@pytest.mark.parametrize("address", [None, 64, 0x7FFF_FFFF_F000, 2**64 - 64, 0x4200_0000_0000_0040])
def test_address_of_nothing(setup: Setup, address: int | None) -> None:
    wrong = setup.api.dataset((address, NBYTES))
    setup.refused(ADDRESS_CODES, wrong, setup.outputs)
    setup.refused(ADDRESS_CODES, setup.inputs, wrong)
    wrong.destroy()


def test_freed_address(setup: Setup) -> None:
    memory = setup.api.malloc(NBYTES)
    wrong = setup.api.dataset((memory, NBYTES))
    setup.api.ok("aclrtFree", memory)
    setup.refused(ADDRESS_CODES, wrong, setup.outputs)
    setup.refused(ADDRESS_CODES, setup.inputs, wrong)
    wrong.destroy()


def test_destroyed_data_buffer(setup: Setup) -> None:
    api = setup.api
    inputs = api.dataset((setup.x, NBYTES))
    api.ok("aclDestroyDataBuffer", inputs.buffers.pop())
    setup.refused({INVALID_PARAM}, inputs, setup.outputs)
    setup.refused({INVALID_PARAM}, setup.inputs, inputs)
    inputs.destroy()


def test_host_memory_in_discrete_mode(setup: Setup, device: af.Device) -> None:
    """On a card with memory of its own, an address of the host means nothing to the device."""
    api = setup.api
    pinned = api.out("aclrtMallocHost", NBYTES)
    pinned_set = api.dataset((pinned, NBYTES))
    if device.is_unified:
        np.ctypeslib.as_array((C.c_float * 6).from_address(pinned))[:] = X.ravel()
        api.ok("aclmdlExecute", setup.model, pinned_set.handle, setup.outputs.handle)
        np.testing.assert_array_equal(api.download(setup.y, (2, 3)), 2 * X + 1)
    else:
        setup.refused(ADDRESS_CODES, pinned_set, setup.outputs)
        setup.refused(ADDRESS_CODES, setup.inputs, pinned_set)
    pinned_set.destroy()
    api.ok("aclrtFreeHost", pinned)


# ---- streams, contexts, ways of execution ----


def test_sync_and_async_of_one_model(setup: Setup) -> None:
    """Section 10: may not be mixed, 500002; the first one wins until unload."""
    api, inputs, outputs = setup.api, setup.inputs.handle, setup.outputs.handle
    setup.run()
    api.refuse(MODEL_FAILURE, "aclmdlExecuteAsync", setup.model, inputs, outputs, setup.stream)
    setup.run()
    other = api.load(networks.affine())
    api.ok("aclmdlExecuteAsync", other, inputs, outputs, setup.stream)
    api.ok("aclrtSynchronizeStream", setup.stream)
    api.refuse(MODEL_FAILURE, "aclmdlExecute", other, inputs, outputs)
    api.ok("aclmdlExecuteAsync", other, inputs, outputs, setup.stream)
    api.ok("aclrtSynchronizeStream", setup.stream)
    api.ok("aclmdlUnload", other)


def test_one_model_on_two_streams(api: Api, slow_bytes: bytes) -> None:
    """Section 10: it must not run concurrently. softnpu runs one after the other, rightly."""
    size = networks.SLOW_SIZE**2 * 4
    model = api.load(slow_bytes)
    chance = np.random.default_rng(1)
    streams = [api.out("aclrtCreateStream") for _ in range(2)]
    memory = [api.malloc(size) for _ in range(4)]
    sets = [api.dataset((address, size)) for address in memory]
    xs = [chance.standard_normal(networks.SLOW_SHAPE).astype(np.float32) for _ in range(2)]
    for x, address in zip(xs, memory[:2], strict=True):
        api.upload(address, x)
    for i, stream in enumerate(streams):
        api.ok("aclmdlExecuteAsync", model, sets[i].handle, sets[2 + i].handle, stream)
    for stream in streams:
        api.ok("aclrtSynchronizeStream", stream)
    for i, x in enumerate(xs):
        y = api.download(memory[2 + i], networks.SLOW_SHAPE)
        np.testing.assert_allclose(y, networks.slow_result(x), atol=1e-2)
    for item in sets:
        item.destroy()
    for address in memory:
        api.ok("aclrtFree", address)
    for stream in streams:
        api.ok("aclrtDestroyStream", stream)
    api.ok("aclmdlUnload", model)


def test_stream_of_another_context(setup: Setup) -> None:
    """Section 4: the stream must belong to the current context, else 107003."""
    api = setup.api
    own = api.out("aclrtCreateContext", 0)
    inputs, outputs = setup.inputs.handle, setup.outputs.handle
    api.refuse(STREAM_CONTEXT, "aclmdlExecuteAsync", setup.model, inputs, outputs, setup.stream)
    event = api.out("aclrtCreateEventWithFlag", 1)
    api.refuse(STREAM_CONTEXT, "aclrtRecordEvent", event, setup.stream)
    api.refuse(STREAM_CONTEXT, "aclrtStreamWaitEvent", setup.stream, event)
    api.refuse(STREAM_CONTEXT, "aclrtDestroyStream", setup.stream)
    api.refuse(
        STREAM_CONTEXT,
        "aclrtMemcpyAsync",
        setup.x,
        NBYTES,
        setup.y,
        NBYTES,
        3,
        setup.stream,
    )
    # Synchronising works from everywhere.
    api.ok("aclrtSynchronizeStream", setup.stream)
    api.ok("aclrtDestroyEvent", event)
    api.ok("aclrtDestroyContext", own)
    setup.run()


def test_load_in_one_context_execute_in_another(setup: Setup) -> None:
    """Sections 5 and 7: documentation asks for one context, the library does not check it."""
    api = setup.api
    own = api.out("aclrtCreateContext", 0)
    setup.run()
    model = api.load(networks.affine())
    api.ok("aclrtDestroyContext", own)
    api.ok("aclmdlExecute", model, setup.inputs.handle, setup.outputs.handle)
    np.testing.assert_array_equal(api.download(setup.y, (2, 3)), 2 * X + 1)
    api.ok("aclmdlUnload", model)


def test_one_model_from_many_threads(setup: Setup) -> None:
    """Not allowed on a card; here it must neither crash nor mix up memory."""
    api = setup.api
    context = api.out("aclrtGetCurrentContext")

    def work(seed: int) -> None:
        api.ok("aclrtSetCurrentContext", context)
        x = np.random.default_rng(seed).standard_normal((2, 3)).astype(np.float32)
        a, b = api.malloc(NBYTES), api.malloc(NBYTES)
        inputs, outputs = api.dataset((a, NBYTES)), api.dataset((b, NBYTES))
        api.upload(a, x)
        for _ in range(50):
            api.ok("aclmdlExecute", setup.model, inputs.handle, outputs.handle)
            np.testing.assert_allclose(api.download(b, (2, 3)), 2 * x + 1, rtol=1e-6)
        inputs.destroy()
        outputs.destroy()
        api.ok("aclrtFree", a)
        api.ok("aclrtFree", b)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))


def test_time_limit(setup: Setup) -> None:
    """Section 4: 107000 for 0 and below -1, 507046 when the time is over; the work goes on."""
    api, stream = setup.api, setup.stream
    event = api.out("aclrtCreateEventWithFlag", 1)
    gate = Gate(api, stream)
    api.upload(setup.x, X)
    inputs, outputs = setup.inputs.handle, setup.outputs.handle
    api.ok("aclmdlExecuteAsync", setup.model, inputs, outputs, stream)
    api.ok("aclrtRecordEvent", event, stream)
    for bad in (0, -2, -1000):
        api.refuse(RT_PARAM, "aclrtSynchronizeStreamWithTimeout", stream, bad)
        api.refuse(RT_PARAM, "aclrtSynchronizeEventWithTimeout", event, bad)
    for wait in (1, 60):
        api.refuse(STREAM_TIMEOUT, "aclrtSynchronizeStreamWithTimeout", stream, wait)
        api.refuse(EVENT_TIMEOUT, "aclrtSynchronizeEventWithTimeout", event, wait)
    gate.open()
    api.ok("aclrtSynchronizeStreamWithTimeout", stream, -1)
    np.testing.assert_array_equal(api.download(setup.y, (2, 3)), 2 * X + 1)
    gate.remove()
    api.ok("aclrtDestroyEvent", event)


def test_time_limit_while_work_is_done(api: Api, slow_bytes: bytes) -> None:
    """A thread that waits must not be drawn into work that takes longer than its time."""
    size = networks.SLOW_SIZE**2 * 4
    model = api.load(slow_bytes)
    stream = api.out("aclrtCreateStream")
    x, y = api.malloc(size), api.malloc(size)
    inputs, outputs = api.dataset((x, size)), api.dataset((y, size))
    api.upload(x, np.ones(networks.SLOW_SHAPE, np.float32))
    for _ in range(20):
        api.ok("aclmdlExecuteAsync", model, inputs.handle, outputs.handle, stream)
    api.refuse(STREAM_TIMEOUT, "aclrtSynchronizeStreamWithTimeout", stream, 25)
    api.ok("aclrtSynchronizeStream", stream)
    expected = networks.slow_result(np.ones(networks.SLOW_SHAPE, np.float32))
    np.testing.assert_allclose(api.download(y, networks.SLOW_SHAPE), expected, atol=1e-2)
    inputs.destroy()
    outputs.destroy()
    api.ok("aclrtFree", x)
    api.ok("aclrtFree", y)
    api.ok("aclrtDestroyStream", stream)
    api.ok("aclmdlUnload", model)


@pytest.mark.parametrize("what", ["model", "memory", "buffers", "datasets"])
def test_taken_away_while_queued(api: Api, slow_bytes: bytes, what: str) -> None:
    """Section 10: all of it must live until the stream is synchronised. Whatever is taken away
    early, the answer is an error or the right end of the work, never a crash."""
    size = networks.SLOW_SIZE**2 * 4
    model = api.load(slow_bytes)
    stream = api.out("aclrtCreateStream")
    memory = [api.malloc(size) for _ in range(2)]
    sets = [api.dataset((address, size)) for address in memory]
    api.upload(memory[0], np.zeros(networks.SLOW_SHAPE, np.float32))
    for _ in range(3):
        api.ok("aclmdlExecuteAsync", model, sets[0].handle, sets[1].handle, stream)
    if what == "model":
        api.ok("aclmdlUnload", model)
    elif what == "memory":
        for address in memory:
            api.ok("aclrtFree", address)
    elif what == "buffers":
        for item in sets:
            api.ok("aclDestroyDataBuffer", item.buffers.pop())
    else:
        for item in sets:
            item.destroy()
    code = api.call("aclrtSynchronizeStream", stream)
    text = api.text()
    assert code in {0, INVALID_PARAM, MODEL_ID, RT_PARAM, MODEL_PARAM, *ADDRESS_CODES}, text
    if what == "memory":
        assert code != 0
        assert "freed" in text or "memory" in text
    api.ok("aclrtSynchronizeStream", stream)
    if what != "datasets":
        for item in sets:
            item.destroy()
    if what != "memory":
        for address in memory:
            api.ok("aclrtFree", address)
    if what != "model":
        api.ok("aclmdlUnload", model)
    api.ok("aclrtDestroyStream", stream)
