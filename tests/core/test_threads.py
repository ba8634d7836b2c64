"""The GIL is free while the device works, and threads share objects without set_device calls."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import acl_fast as af

from . import models


class Progress:
    """A Python thread that counts, and can only count while it holds the GIL."""

    def __init__(self) -> None:
        self.count = 0
        self.stop = False


@contextmanager
def other_thread() -> Iterator[Progress]:
    progress = Progress()

    def work() -> None:
        while not progress.stop:
            progress.count += 1
            # Gives the GIL back by itself: nobody else would take it away.
            time.sleep(0)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield progress
    finally:
        progress.stop = True
        thread.join()


@pytest.fixture
def long_slices() -> Iterator[None]:
    """Python never takes the GIL away by itself, so progress proves that it was released."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(before)


def releases_gil(prepare: Callable[[], Any], call: Callable[[Any], object]) -> bool:
    """Whether the other thread advances during ``call``.

    With endless time slices it can only do so if the call itself lets the GIL go. A short call may
    be over before the other thread is awake, so it gets some chances.
    """
    with other_thread() as progress:
        for _ in range(4000):
            argument = prepare()
            before = progress.count
            call(argument)
            if progress.count > before:
                return True
    return False


def test_calls_that_wait_release_the_gil(
    device: af.Device, slow_bytes: bytes, slow_model: af.Model, stream: af.Stream, long_slices: None
) -> None:
    size = 16 << 20
    request, data = slow_model.create_request(), np.zeros(size, np.uint8)
    small = models.scale((4,), 2.0)
    buffer = device.empty(size, "uint8")
    other = device.empty(size, "uint8")

    def started(on: af.Stream) -> af.Stream:
        request.run_async(on)
        return on

    calls: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
        "load": (lambda: None, lambda _: device.load_model(small)),
        "unload": (lambda: device.load_model(small), lambda model: model.close()),
        "malloc": (lambda: None, lambda _: device.empty(size, "uint8")),
        "upload": (lambda: None, lambda _: buffer.upload(data)),
        "download": (lambda: None, lambda _: buffer.download(data)),
        "copy": (lambda: None, lambda _: af.copy(buffer, other)),
        "memset": (lambda: None, lambda _: buffer.fill_bytes(1)),
        "execute": (lambda: None, lambda _: request.run()),
        "synchronize": (lambda: started(stream), lambda busy: busy.synchronize()),
        "event": (lambda: started(stream).record(), lambda event: event.synchronize()),
        "close a busy stream": (
            lambda: started(device.create_stream()),
            lambda busy: busy.close(),
        ),
    }
    stuck = [name for name, (prepare, call) in calls.items() if not releases_gil(prepare, call)]
    assert not stuck


def test_the_gil_test_can_fail(long_slices: None) -> None:
    """A call that keeps the GIL is seen as such."""
    data = bytes(1 << 16)
    assert not releases_gil(lambda: None, lambda _: data.count(b"x"))


def test_eight_threads_and_four_models(device: af.Device) -> None:
    """Shared models, own requests, own streams, results checked."""
    factors = (2.0, 3.0, 5.0, 7.0)
    loaded = [device.load_model(models.scale((16,), factor)) for factor in factors]

    def work(seed: int) -> bool:
        random = np.random.default_rng(seed)
        with device.create_stream() as stream:
            requests = [model.create_request() for model in loaded]
            for _ in range(40):
                x = random.standard_normal((4, 16)).astype(np.float32)
                for row, request in enumerate(requests):
                    request.inputs[0].upload(x[row])
                    request.run_async(stream)
                stream.synchronize()
                for row, request in enumerate(requests):
                    if not np.array_equal(request.outputs[0].download(), factors[row] * x[row]):
                        return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
    for model in loaded:
        model.close()


def test_synchronous_runs_from_many_threads(device: af.Device) -> None:
    with device.load_model(models.scale((16,), 2.0)) as model:

        def work(number: int) -> bool:
            request = model.create_request()
            request.inputs[0].upload(np.full(16, number, np.float32))
            request.run()
            return bool((request.outputs[0].download() == 2 * number).all())

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(200)))


def test_mixed_ways_of_running_from_many_threads(device: af.Device) -> None:
    """Half of the threads run synchronously, half queue: one model, every result right."""
    with device.load_model(models.scale((16,), 2.0)) as model:

        def work(number: int) -> bool:
            request = model.create_request()
            request.inputs[0].upload(np.full(16, number, np.float32))
            if number % 2:
                request.run()
            else:
                with device.create_stream() as stream:
                    request.run_async(stream)
            return bool((request.outputs[0].download() == 2 * number).all())

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(200)))


def test_allocation_from_many_threads(device: af.Device) -> None:
    def work(number: int) -> int:
        buffers = [device.empty(100, "int32") for _ in range(20)]
        for buffer in buffers:
            buffer.upload(np.full(100, number, np.int32))
        return sum(int(buffer.download().sum()) for buffer in buffers)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(40))) == [number * 2000 for number in range(40)]
