"""Wrong calls: the documented code, a message that names the part, and a device that goes on."""

from __future__ import annotations

import ctypes as C
import mmap
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from . import models
from .acl import (
    BAD_ADDRESS,
    BAD_ID,
    BAD_MODEL,
    FAILURE,
    INVALID_PARAM,
    MISALIGNED,
    NO_CONTEXT,
    STREAM_TIMEOUT,
    AclError,
    Dataset,
    Memory,
    Model,
    Run,
    acl,
    new_stream,
)

A = np.arange(6, dtype=np.float32).reshape(2, 3)
DATA = models.binary().SerializeToString()


@pytest.fixture
def model() -> Iterator[Model]:
    with Model(DATA) as model:
        yield model


@pytest.fixture
def run(model: Model) -> Iterator[Run]:
    with Run(model) as run:
        run.write(A, A)
        yield run
        run.write(A, A)
        run.execute()  # whatever went wrong before, the model still works
        np.testing.assert_array_equal(run.read(), A + A)


def failure(run: Run, code: int) -> str:
    with pytest.raises(AclError) as caught:
        run.execute()
    assert caught.value.code == code, caught.value.message
    return caught.value.message


def restore(run: Run) -> None:
    for buffers, memories in ((run.input, run.inputs), (run.output, run.outputs)):
        for handle, memory in zip(buffers.buffers, memories, strict=True):
            acl.aclUpdateDataBuffer(handle, memory.address, memory.nbytes)


def test_null_and_foreign_datasets(run: Run) -> None:
    execute = acl.code.aclmdlExecute
    number = run.model.id
    assert execute(number, None, run.output.handle) == INVALID_PARAM
    assert execute(number, run.input.handle, None) == INVALID_PARAM
    assert execute(number, run.input.buffers[0], run.output.handle) == INVALID_PARAM
    assert execute(number, 0xDEADBEEF, run.output.handle) == INVALID_PARAM
    gone = Dataset()
    gone.destroy()
    assert execute(number, gone.handle, run.output.handle) == INVALID_PARAM
    assert "input dataset" in acl.message()


def test_unknown_and_unloaded_ids(run: Run) -> None:
    execute = acl.code.aclmdlExecute
    assert execute(0, run.input.handle, run.output.handle) == BAD_ID
    assert execute(2**32 - 1, run.input.handle, run.output.handle) == BAD_ID
    other = Model(DATA)
    other.unload()
    assert execute(other.id, run.input.handle, run.output.handle) == BAD_ID
    with new_stream() as stream:
        code = acl.code.aclmdlExecuteAsync(other.id, run.input.handle, run.output.handle, stream)
        assert code == BAD_ID
        acl.aclrtSynchronizeStream(stream)


def test_wrong_number_of_buffers(run: Run) -> None:
    execute = acl.code.aclmdlExecute
    for count in (0, 1, 3):
        data = Dataset(*[(run.inputs[0].address, 24)] * count)
        assert execute(run.model.id, data.handle, run.output.handle) == BAD_MODEL
        assert f"has {count} buffers" in acl.message()
        data.destroy()
    empty = Dataset()
    assert execute(run.model.id, run.input.handle, empty.handle) == BAD_MODEL
    empty.destroy()


def test_destroyed_data_buffer(run: Run) -> None:
    data = Dataset((run.inputs[0].address, 24), (run.inputs[1].address, 24))
    acl.aclDestroyDataBuffer(data.buffers.pop(1))
    code = acl.code.aclmdlExecute(run.model.id, data.handle, run.output.handle)
    assert code == INVALID_PARAM
    assert "input 1" in acl.message()
    data.destroy()


def test_buffer_sizes() -> None:
    proto = models.binary(shape=(64,))
    with Model(proto.SerializeToString()) as model, Run(model) as run:
        for buffers, memories, which in (
            (run.input, run.inputs, "input 0 ('a')"),
            (run.output, run.outputs, "output 0 ('c')"),
        ):
            handle, address = buffers.buffers[0], memories[0].address
            acl.aclUpdateDataBuffer(handle, address, 256 - 65)
            message = failure(run, FAILURE)
            assert which in message
            assert "256 bytes" in message
            assert "191" in message
            # A real device lets 64 bytes be missing; the memory behind must be there all the same.
            acl.aclUpdateDataBuffer(handle, address, 256 - 64)
            run.execute()
            short = Memory(192)
            acl.aclUpdateDataBuffer(handle, short.address, 192)
            message = failure(run, BAD_ADDRESS)
            assert which.split(" (")[0] in message
            short.free()
            restore(run)
        run.execute()


def test_null_addresses(run: Run) -> None:
    for buffers, which in ((run.input, "input 1 ('b'"), (run.output, "output 0 ('c'")):
        acl.aclUpdateDataBuffer(buffers.buffers[-1], None, 24)
        assert which in failure(run, INVALID_PARAM)
        restore(run)


def test_misaligned_addresses(run: Run) -> None:
    block = Memory(4096)
    for offset in (1, 4, 32):
        acl.aclUpdateDataBuffer(run.input.buffers[0], block.address + offset, 24)
        message = failure(run, MISALIGNED)
        assert "input 0 ('a'" in message
        assert "64" in message
    restore(run)
    acl.aclUpdateDataBuffer(run.output.buffers[0], block.address + 64, 24)
    run.execute()
    restore(run)
    block.free()


def test_freed_memory(run: Run) -> None:
    memory = Memory(24)
    memory.free()
    for buffers, which in ((run.input, "input 1"), (run.output, "output 0")):
        acl.aclUpdateDataBuffer(buffers.buffers[-1], memory.address, 24)
        message = failure(run, BAD_ADDRESS)
        assert which in message
        assert "freed" in message
        restore(run)


def test_memory_freed_between_executions(run: Run) -> None:
    """An address that was good before is looked at again."""
    memory = Memory.of(A)
    acl.aclUpdateDataBuffer(run.input.buffers[0], memory.address, 24)
    run.execute()
    memory.free()
    failure(run, BAD_ADDRESS)
    restore(run)


def test_memory_beyond_its_allocation(run: Run) -> None:
    block = Memory(128)
    acl.aclUpdateDataBuffer(run.output.buffers[0], block.address + 128 + 64, 24)
    failure(run, BAD_ADDRESS)
    restore(run)
    block.free()


def test_addresses_where_nothing_is(run: Run) -> None:
    for address in (64, 2**40, 2**47 - 4096, 2**63):
        acl.aclUpdateDataBuffer(run.input.buffers[0], address, 24)
        assert "input 0" in failure(run, BAD_ADDRESS)
        restore(run)


def test_memory_without_access(run: Run) -> None:
    closed = mmap.mmap(-1, 4096)
    address = C.addressof(C.c_char.from_buffer(closed))
    library = C.CDLL(None)
    assert library.mprotect(C.c_void_p(address), C.c_size_t(4096), 0) == 0
    acl.aclUpdateDataBuffer(run.input.buffers[0], address, 24)
    assert "input 0" in failure(run, BAD_ADDRESS)
    restore(run)
    assert library.mprotect(C.c_void_p(address), C.c_size_t(4096), 3) == 0


def test_host_memory(run: Run) -> None:
    """Bound in place where host and device share memory, refused where they do not."""
    room = np.zeros(64, np.float32)
    start = (-room.ctypes.data % 64) // 4
    host = room[start : start + 6]
    host[:] = 7
    acl.aclUpdateDataBuffer(run.input.buffers[0], host.ctypes.data, 24)
    if acl.softnpuMode() == 0:
        run.execute()
        np.testing.assert_array_equal(run.read(), A + 7)
    else:
        assert "host memory" in failure(run, BAD_ADDRESS)
    restore(run)


def test_sync_and_async_do_not_mix() -> None:
    with Model(DATA) as model, Run(model) as run, new_stream() as stream:
        run.write(A, A)
        run.execute()
        with pytest.raises(AclError, match="synchronously") as caught:
            run.submit(stream)
        assert caught.value.code == FAILURE
        run.execute()
    with Model(DATA) as model, Run(model) as run, new_stream() as stream:
        run.write(A, A)
        run.submit(stream)
        with pytest.raises(AclError, match="asynchronously") as caught:
            run.execute()
        assert caught.value.code == FAILURE
        run.submit(stream)
        acl.aclrtSynchronizeStream(stream)
        np.testing.assert_array_equal(run.read(), A + A)


def test_v2_handles() -> None:
    config = acl.aclmdlCreateExecConfigHandle()
    with Model(DATA) as model, Run(model) as run, new_stream() as stream:
        arguments = model.id, run.input.handle, run.output.handle, stream
        assert acl.code.aclmdlExecuteV2(*arguments, None) == INVALID_PARAM
        assert acl.code.aclmdlExecuteAsyncV2(*arguments, None) == INVALID_PARAM
        option = acl.code.aclmdlSetExecConfigOpt
        zero, good = C.c_int32(0), C.c_int32(5)
        assert option(config, 0, C.byref(zero), 4) == INVALID_PARAM
        assert option(config, 0, C.byref(good), 8) == INVALID_PARAM
        assert option(config, 0, None, 4) == INVALID_PARAM
        assert option(config, 77, C.byref(good), 4) == INVALID_PARAM
        assert option(None, 0, C.byref(good), 4) == INVALID_PARAM
        assert option(config, 1, C.byref(good), 4) == 0
        acl.aclmdlDestroyExecConfigHandle(config)
        assert acl.code.aclmdlDestroyExecConfigHandle(config) == INVALID_PARAM
        assert acl.code.aclmdlExecuteV2(*arguments, config) == INVALID_PARAM


def test_memory_freed_while_queued_fails_at_synchronise() -> None:
    with Model(DATA) as model, Run(model) as run, new_stream() as stream:
        here = threading.get_ident()
        acl.aclrtSubscribeReport(here, stream)

        @C.CFUNCTYPE(None, C.c_void_p)
        def gate(_: object) -> None:
            pass

        # Holds the stream until aclrtProcessReport.
        acl.aclrtLaunchCallback(gate, None, 1, stream)
        memory = Memory.of(A)
        acl.aclUpdateDataBuffer(run.input.buffers[0], memory.address, 24)
        run.submit(stream)
        memory.free()
        acl.aclrtProcessReport(60_000)
        with pytest.raises(AclError, match="freed") as caught:
            acl.aclrtSynchronizeStream(stream)
        assert caught.value.code == BAD_ADDRESS
        acl.aclrtUnSubscribeReport(here, stream)
        restore(run)
        run.write(A, A)
        run.submit(stream)
        acl.aclrtSynchronizeStream(stream)
        np.testing.assert_array_equal(run.read(), A + A)


def test_v2_gives_up_after_its_timeout() -> None:
    """The execution stays in the stream and is done when the stream goes on."""
    here = threading.get_ident()
    config = acl.aclmdlCreateExecConfigHandle()
    acl.aclmdlSetExecConfigOpt(config, 0, C.byref(C.c_int32(30)), 4)
    with Model(DATA) as model, Run(model) as run, new_stream() as stream:
        run.write(A, A)
        run.outputs[0].write(np.zeros((2, 3), np.float32))
        acl.aclrtSubscribeReport(here, stream)

        @C.CFUNCTYPE(None, C.c_void_p)
        def gate(_: object) -> None:
            pass

        acl.aclrtLaunchCallback(gate, None, 1, stream)
        handles = run.input.handle, run.output.handle
        assert acl.code.aclmdlExecuteV2(model.id, *handles, stream, config) == STREAM_TIMEOUT
        assert not run.read().any()
        acl.aclrtProcessReport(60_000)
        acl.aclrtSynchronizeStream(stream)
        np.testing.assert_array_equal(run.read(), A + A)
        acl.aclrtUnSubscribeReport(here, stream)
    acl.aclmdlDestroyExecConfigHandle(config)


def test_without_a_context() -> None:
    with Model(DATA) as model, Run(model) as run:
        codes = []

        def elsewhere() -> None:
            number = C.c_uint32()
            codes.append(acl.code.aclmdlLoadFromMem(DATA, len(DATA), C.byref(number)))
            handles = run.input.handle, run.output.handle
            codes.append(acl.code.aclmdlExecute(model.id, *handles))
            codes.append(acl.code.aclmdlExecuteAsync(model.id, *handles, None))

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert codes == [NO_CONTEXT] * 3


def test_loaded_in_one_context_executed_in_another() -> None:
    """The documentation forbids it, the interface does not check it: it works, also when the
    first context is gone."""
    original = C.c_void_p()
    acl.aclrtGetCurrentContext(C.byref(original))
    contexts = [C.c_void_p(), C.c_void_p()]
    for context in contexts:
        acl.aclrtCreateContext(C.byref(context), 0)
    acl.aclrtSetCurrentContext(contexts[0].value)
    with Model(DATA) as model, Run(model) as run:
        run.write(A, A)
        acl.aclrtSetCurrentContext(contexts[1].value)
        run.execute()
        np.testing.assert_array_equal(run.read(), A + A)
        acl.aclrtSetCurrentContext(contexts[0].value)
        acl.aclrtDestroyContext(contexts[0].value)
        acl.aclrtSetCurrentContext(contexts[1].value)
        run.execute()
        acl.aclrtDestroyContext(contexts[1].value)
        acl.aclrtSetCurrentContext(original.value)


def test_context_destroyed_under_a_thread() -> None:
    with Model(DATA) as model, Run(model) as run:
        codes = []

        def elsewhere() -> None:
            context = C.c_void_p()
            acl.aclrtCreateContext(C.byref(context), 0)
            acl.aclrtDestroyContext(context.value)
            codes.append(acl.code.aclmdlExecute(model.id, run.input.handle, run.output.handle))

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert codes == [NO_CONTEXT]


def test_stream_of_another_context() -> None:
    original, context = C.c_void_p(), C.c_void_p()
    acl.aclrtGetCurrentContext(C.byref(original))
    with new_stream() as stream, Model(DATA) as model, Run(model) as run:
        acl.aclrtCreateContext(C.byref(context), 0)
        with pytest.raises(AclError) as caught:
            run.submit(stream)
        assert caught.value.code == 107003
        acl.aclrtDestroyContext(context.value)
        acl.aclrtSetCurrentContext(original.value)
        gone = stream
    with Model(DATA) as model, Run(model) as run, pytest.raises(AclError):
        run.submit(gone)
