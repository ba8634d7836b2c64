from __future__ import annotations

import _thread
import gc
import signal
import threading

import numpy as np
import pytest

import acl_fast as af

from . import models


def test_idle_stream(stream: af.Stream) -> None:
    assert stream.query()
    stream.synchronize()
    stream.synchronize(timeout=0.5)
    assert stream.in_flight == 0


def test_events_order_two_streams(device: af.Device, stream: af.Stream) -> None:
    data = np.arange(1 << 18, dtype=np.int32)
    source, middle = device.empty(data.shape, "int32"), device.empty(data.shape, "int32")
    with device.create_stream() as second:
        source.upload(data, stream)
        second.wait(stream.record())
        middle.upload(source, second)
        second.synchronize()
    np.testing.assert_array_equal(middle.download(), data)


def test_copy_on_a_second_stream_waits_by_itself(device: af.Device, stream: af.Stream) -> None:
    data = np.arange(1 << 18, dtype=np.int32)
    source, middle = device.empty(data.shape, "int32"), device.empty(data.shape, "int32")
    with device.create_stream() as second:
        source.upload(data, stream)
        middle.upload(source, second)
        second.synchronize()
    np.testing.assert_array_equal(middle.download(), data)


def test_events_tell_time(slow_model: af.Model, stream: af.Stream) -> None:
    start = stream.record()
    slow_model.create_request().run_async(stream)
    end = stream.record()
    assert not end.query()
    end.synchronize()
    assert end.query()
    assert start.elapsed_time(end) > 0
    assert stream.in_flight == 0


def test_an_event_never_recorded_is_over(device: af.Device) -> None:
    event = device.create_event()
    assert event.query()
    event.synchronize()
    event.close()
    event.close()
    with pytest.raises(af.ClosedError):
        event.query()


def test_timeouts_leave_the_work_running(slow_model: af.Model, stream: af.Stream) -> None:
    request = slow_model.create_request()
    request.run_async(stream)
    event = stream.record()
    with pytest.raises(TimeoutError) as caught:
        stream.synchronize(timeout=0.001)
    assert caught.value.code == 507046
    with pytest.raises(TimeoutError):
        event.synchronize(timeout=0.001)
    with pytest.raises(ValueError, match="negative"):
        stream.synchronize(timeout=-1)
    assert not request.is_complete
    stream.synchronize()
    assert request.is_complete


def test_interrupt_during_synchronize(slow_model: af.Model, stream: af.Stream) -> None:
    """SIGINT raises KeyboardInterrupt, and the stream stays usable."""
    requests = [slow_model.create_request() for _ in range(4)]
    for request in requests:
        request.run_async(stream)
    started = threading.Event()

    def interrupt() -> None:
        started.wait()
        _thread.interrupt_main(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    started.set()
    with pytest.raises(KeyboardInterrupt):
        work_for_ever(stream, requests[0])
    thread.join()
    stream.synchronize()
    requests[0].run_async(stream)
    stream.synchronize()
    assert requests[0].is_complete


def work_for_ever(stream: af.Stream, request: af.Request) -> None:
    while True:
        stream.synchronize()
        request.run_async(stream)


def test_closing(device: af.Device) -> None:
    stream = device.create_stream()
    event = stream.record()
    stream.close()
    stream.close()
    assert stream.is_closed
    assert repr(stream) == "<acl_fast.Stream closed>"
    for use in (stream.synchronize, stream.query, stream.record, lambda: stream.wait(event)):
        with pytest.raises(af.ClosedError):
            use()
    event.synchronize()


def test_close_waits_for_the_work(device: af.Device, slow_model: af.Model) -> None:
    x = np.eye(models.SLOW_SIZE, dtype=np.float32)
    request = slow_model.create_request()
    request.inputs[0].upload(x)
    stream = device.create_stream()
    request.run_async(stream)
    stream.close()
    np.testing.assert_allclose(request.outputs[0].download(), models.slow_result(x), atol=1e-4)


def test_close_waits_for_other_threads(device: af.Device, slow_model: af.Model) -> None:
    stream = device.create_stream()
    requests = [slow_model.create_request() for _ in range(3)]
    for request in requests:
        request.run_async(stream)
    entered, errors = threading.Event(), []

    def wait() -> None:
        entered.set()
        try:
            stream.synchronize()
        except af.ClosedError:
            # close() came first: also fine.
            errors.append("closed")

    thread = threading.Thread(target=wait)
    thread.start()
    entered.wait()
    stream.close()
    thread.join()
    assert stream.is_closed
    assert all(request.is_complete for request in requests)


def test_thousands_of_streams_and_events(device: af.Device) -> None:
    streams = [device.create_stream() for _ in range(1000)]
    events = [stream.record() for stream in streams]
    for event in events:
        event.synchronize()
    del streams, events
    gc.collect()


def test_wrong_types(stream: af.Stream) -> None:
    with pytest.raises(TypeError):
        stream.wait(None)
    with pytest.raises(TypeError):
        stream.record(5)


def test_stream_options(device: af.Device) -> None:
    with device.create_stream(priority=1, fast=True) as stream:
        stream.synchronize()


def test_device_synchronize(device: af.Device, slow_model: af.Model, stream: af.Stream) -> None:
    request = slow_model.create_request()
    request.run_async(stream)
    device.synchronize()
    assert request.is_complete
