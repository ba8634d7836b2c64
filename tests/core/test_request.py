"""Work in flight: what it keeps alive, who may look at it, and in what order it runs."""

from __future__ import annotations

import ctypes
import gc
import os
import weakref

import numpy as np
import psutil
import pytest

import acl_fast as af

from . import models


def identity() -> np.ndarray:
    return np.eye(models.SLOW_SIZE, dtype=np.float32)


def test_asynchronous_result(slow_model: af.Model, stream: af.Stream) -> None:
    x = np.random.default_rng(1).standard_normal(slow_model.inputs[0].shape).astype(np.float32)
    request = slow_model.create_request()
    request.inputs[0].upload(x)
    assert request.run_async(stream) is request
    stream.synchronize()
    np.testing.assert_allclose(request.outputs[0].download(), models.slow_result(x), atol=1e-3)


def test_nothing_is_readable_before_completion(
    device: af.Device, slow_model: af.Model, stream: af.Stream
) -> None:
    own = device.empty(slow_model.outputs[0].shape)
    request = slow_model.create_request(outputs=[own])
    request.run_async(stream)
    assert not request.is_complete
    assert "in flight" in repr(request)
    output, source = request.outputs[0], request.inputs[0]
    for use in (
        output.download,
        lambda: output.array,
        lambda: source.array,
        lambda: source.upload(identity()),
        lambda: output.__dlpack__(),
        own.download,
        lambda: own.array if own.is_host_visible else own.download(),
        own.close,
        lambda: request.set_input(0, own),
        lambda: request.set_output(0, own),
    ):
        with pytest.raises(af.NotReadyError, match="synchronize"):
            use()
    request.synchronize()
    assert request.is_complete
    output.download()
    own.download()


def test_memoryview_of_an_output_in_flight(
    device: af.Device, slow_model: af.Model, stream: af.Stream, unified_only: None
) -> None:
    request = slow_model.create_request()
    request.run_async(stream)
    with pytest.raises(af.NotReadyError):
        memoryview(request.outputs[0].buffer)
    stream.synchronize()
    assert memoryview(request.outputs[0].buffer).nbytes == slow_model.outputs[0].nbytes


def test_deleting_everything_right_after_run_async(device: af.Device, slow_bytes: bytes) -> None:
    """The work finishes on memory that is still there, whatever the order of deletion."""
    for order in ("request first", "stream first", "model first"):
        model, stream = device.load_model(slow_bytes), device.create_stream()
        own = device.empty(model.outputs[0].shape)
        watch = device.from_dlpack(own)
        request = model.create_request(outputs=[own])
        request.inputs[0].upload(identity())
        request.run_async(stream)
        reference = weakref.ref(request)
        if order == "request first":
            del request, model, own, stream
        elif order == "stream first":
            del stream, request, own, model
        else:
            del model, own, request, stream
        gc.collect()
        assert reference() is None
        np.testing.assert_allclose(watch.download(), models.slow_result(identity()), atol=1e-4)


def test_in_flight_requests_are_kept_and_let_go(add_model: af.Model, stream: af.Stream) -> None:
    request = add_model.create_request()
    reference = weakref.ref(request)
    for _ in range(10):
        request.run_async(stream)
    assert stream.in_flight == 1
    del request
    gc.collect()
    stream.synchronize()
    assert reference() is None
    assert stream.in_flight == 0


def test_ten_thousand_requests_do_not_grow(add_model: af.Model, stream: af.Stream) -> None:
    """Create, run, drop: what is in flight stays bounded without any synchronization."""

    def submit(count: int) -> None:
        for _ in range(count):
            add_model.create_request().run_async(stream)

    submit(1000)
    before = psutil.Process().memory_info().rss
    most = 0
    for _ in range(90):
        submit(100)
        most = max(most, stream.in_flight)
    grown = psutil.Process().memory_info().rss - before
    assert most <= 1100
    assert grown < 8 << 20
    stream.synchronize()


def test_synchronous_then_asynchronous_then_synchronous(
    device: af.Device, stream: af.Stream
) -> None:
    """One loaded model cannot mix the two; users never notice."""
    with device.load_model(models.scale((4,), 2.0)) as model:
        request, other = model.create_request(), model.create_request()
        for number in range(3):
            request.inputs[0].upload(np.full(4, number, np.float32))
            request.run()
            assert (request.outputs[0].download() == 2 * number).all()
            other.inputs[0].upload(np.full(4, -number, np.float32))
            other.run_async(stream)
            stream.synchronize()
            assert (other.outputs[0].download() == -2 * number).all()


def test_two_streams_are_serialized_on_the_device(device: af.Device, slow_model: af.Model) -> None:
    first, second = device.create_stream(), device.create_stream()
    requests = [slow_model.create_request() for _ in range(4)]
    for request in requests:
        request.inputs[0].upload(identity())
    for request, stream in zip(requests, (first, second, first, second), strict=True):
        request.run_async(stream)
    second.synchronize()
    # Each waited for the one before, so the last one's end is everybody's end.
    assert all(request.is_complete or first.query() for request in requests)
    first.synchronize()
    for request in requests:
        np.testing.assert_allclose(
            request.outputs[0].download(), models.slow_result(identity()), atol=1e-4
        )


def test_one_request_moves_between_streams(device: af.Device, stream: af.Stream) -> None:
    with device.load_model(models.scale((4,), 3.0)) as model, device.create_stream() as second:
        request = model.create_request()
        request.inputs[0].upload(np.ones(4, np.float32))
        for _ in range(100):
            request.run_async(stream)
            request.run_async(second)
        assert second.in_flight < 1100
        stream.synchronize()
        second.synchronize()
        assert (request.outputs[0].download() == 3).all()


def test_queued_uploads_come_first(device: af.Device, stream: af.Stream) -> None:
    """On the same stream, on another one, and before a synchronous run."""
    with device.load_model(models.scale((1 << 16,), 2.0)) as model:
        request = model.create_request()
        for number in range(1, 20):
            request.inputs[0].upload(np.full(1 << 16, number, np.float32), stream)
            request.run_async(stream)
            stream.synchronize()
            assert (request.outputs[0].download() == 2 * number).all()
        with device.create_stream() as second:
            for number in range(1, 20):
                request.inputs[0].upload(np.full(1 << 16, number, np.float32), stream)
                request.run_async(second)
                second.synchronize()
                assert (request.outputs[0].download() == 2 * number).all()
    with device.load_model(models.scale((1 << 16,), 2.0)) as model:
        request = model.create_request()
        for number in range(1, 20):
            request.inputs[0].upload(np.full(1 << 16, number, np.float32), stream)
            request.run()
            assert (request.outputs[0].download() == 2 * number).all()


def test_chain_of_requests_shares_memory(device: af.Device, stream: af.Stream) -> None:
    """The output of one is the input of the next, without a copy."""
    with (
        device.load_model(models.scale((8,), 2.0)) as double,
        device.load_model(models.scale((8,), 5.0)) as five,
    ):
        middle = device.empty((8,))
        first = double.create_request(outputs=[middle])
        second = five.create_request(inputs=[middle])
        first.inputs[0].upload(np.arange(8, dtype=np.float32))
        first.run_async(stream)
        second.run_async(stream)
        stream.synchronize()
        np.testing.assert_array_equal(second.outputs[0].download(), 10 * np.arange(8))


def test_a_stream_of_another_context_is_refused(device: af.Device, add_model: af.Model) -> None:
    request = add_model.create_request()
    with device.create_context() as context, context.create_stream() as foreign:
        with pytest.raises(ValueError, match="another context"):
            request.run_async(foreign)
        with pytest.raises(ValueError, match="another context"):
            request.bind(foreign)
        with pytest.raises(ValueError, match="another context"):
            add_model.exclusive(foreign)
    with pytest.raises(TypeError):
        request.run_async(None)
    with pytest.raises(TypeError):
        request.run_async(3)


def test_bound_launch(device: af.Device, stream: af.Stream) -> None:
    with device.load_model(models.scale((4,), 2.0)) as model:
        request = model.create_request()
        with pytest.raises(ValueError, match="bind"):
            request.launch()
        request.bind(stream)
        request.inputs[0].upload(np.full(4, 4, np.float32))
        request.launch()
        stream.synchronize()
        assert (request.outputs[0].download() == 8).all()
        request.bind(None)
        with pytest.raises(ValueError, match="bind"):
            request.launch()


def test_closing_a_request(slow_model: af.Model, stream: af.Stream) -> None:
    request = slow_model.create_request()
    request.run_async(stream)
    request.close()
    request.close()
    assert request.is_closed
    assert stream.query()
    for use in (request.run, lambda: request.run_async(stream), lambda: request.inputs[0].array):
        with pytest.raises(af.ClosedError):
            use()
    with slow_model.create_request() as other:
        assert not other.is_closed


def test_dataset(add_model: af.Model) -> None:
    request = add_model.create_request()
    assert isinstance(request.inputs, af.Dataset)
    assert isinstance(request.outputs, af.Dataset)
    assert len(request.inputs) == 2
    assert [binding.name for binding in request.inputs] == ["a", "b"]
    assert request.inputs["b"].index == request.inputs[-1].index == 1
    assert request.inputs[0].shape == (2, 3)
    assert request.inputs[0].dtype == np.float32
    assert "input 0 'a'" in repr(request.inputs)
    with pytest.raises(KeyError, match="there are"):
        request.outputs["nothing"]
    with pytest.raises(IndexError):
        request.outputs[1]


def test_dataset_handle_is_the_c_object(add_model: af.Model) -> None:
    c = ctypes.CDLL(os.path.join(af.softnpu.library_dir(), "libascendcl.so"))
    c.aclmdlGetDatasetNumBuffers.restype = ctypes.c_size_t
    c.aclmdlGetDatasetBuffer.restype = c.aclGetDataBufferAddr.restype = ctypes.c_void_p
    with add_model.create_request() as request:
        for dataset in (request.inputs, request.outputs):
            handle = ctypes.c_void_p(dataset.handle)
            assert c.aclmdlGetDatasetNumBuffers(handle) == len(dataset)
            for index, binding in enumerate(dataset):
                entry = ctypes.c_void_p(c.aclmdlGetDatasetBuffer(handle, ctypes.c_size_t(index)))
                assert c.aclGetDataBufferAddr(entry) == binding.buffer.address_int
        dataset = request.inputs
    with pytest.raises(af.ClosedError):
        dataset.handle


@pytest.mark.parametrize("kind", ["dvpp", "himpi"])
def test_media_memory_is_a_model_input(
    device: af.Device, add_model: af.Model, stream: af.Stream, kind: str
) -> None:
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    with device.empty(4096, "uint8", kind=kind) as memory:
        tensor = memory.view((2, 3), "float32")
        assert tensor.kind == kind
        tensor.upload(a)
        request = add_model.create_request(inputs=[tensor])
        assert request.inputs[0].buffer.address_int == memory.address_int
        request.inputs[1].upload(10 * a)
        request.run_async(stream)
        stream.synchronize()
        np.testing.assert_array_equal(request.outputs[0].download(), 11 * a)
        request.close()
        tensor.close()


def test_abort_marks_requests_as_failed(slow_model: af.Model, stream: af.Stream) -> None:
    requests = [slow_model.create_request() for _ in range(3)]
    for request in requests:
        request.run_async(stream)
    stream.abort()
    with pytest.raises(af.AclError, match="ABORT"):
        requests[-1].outputs[0].download()
    stream.synchronize()
    requests[-1].run_async(stream)
    stream.synchronize()
    requests[-1].outputs[0].download()
