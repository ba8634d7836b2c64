from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import numpy as np
import pytest

import acl_fast as af

from . import models


def test_await_a_request(slow_model: af.Model, stream: af.Stream) -> None:
    x = np.eye(models.SLOW_SIZE, dtype=np.float32)

    async def main() -> int:
        request = slow_model.create_request()
        request.inputs[0].upload(x)
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticker = asyncio.create_task(tick())
        assert await request.run_async(stream) is request
        ticker.cancel()
        np.testing.assert_allclose(request.outputs[0].download(), models.slow_result(x), atol=1e-4)
        return ticks

    # The event loop went on while the device worked.
    assert asyncio.run(main()) > 10


def test_many_at_once(device: af.Device) -> None:
    async def one(model: af.Model, stream: af.Stream, number: int) -> bool:
        request = model.create_request()
        request.inputs[0].upload(np.full(4, number, np.float32))
        await request.run_async(stream)
        return bool((request.outputs[0].download() == 2 * number).all())

    async def main() -> list[bool]:
        with device.load_model(models.scale((4,), 2.0)) as model:
            streams = [device.create_stream() for _ in range(3)]
            return await asyncio.gather(
                *(one(model, streams[number % 3], number) for number in range(60))
            )

    assert all(asyncio.run(main()))


def test_awaiting_what_is_over(add_model: af.Model, stream: af.Stream) -> None:
    async def main() -> None:
        request = add_model.create_request()
        await request
        request.run_async(stream)
        stream.synchronize()
        await request
        await stream.synchronize_async()
        await stream.record()

    asyncio.run(main())


def test_await_event_and_stream(slow_model: af.Model, stream: af.Stream) -> None:
    async def main() -> None:
        first, second = slow_model.create_request(), slow_model.create_request()
        first.run_async(stream)
        event = stream.record()
        second.run_async(stream)
        await event
        assert first.is_complete
        await stream.synchronize_async()
        assert second.is_complete

    asyncio.run(main())


def test_cancelled_waits_leave_the_work_alone(slow_model: af.Model, stream: af.Stream) -> None:
    async def main() -> None:
        request = slow_model.create_request()
        task = asyncio.ensure_future(wait(request))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not request.is_complete
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(wait(request), 0.001)
        await request.run_async(stream)
        assert request.is_complete

    async def wait(request: af.Request) -> None:
        await request.run_async(stream)

    asyncio.run(main())


def test_a_loop_may_close_before_the_device_is_done(
    slow_model: af.Model, stream: af.Stream
) -> None:
    async def main() -> weakref.ref[af.Request]:
        request = slow_model.create_request()
        task = asyncio.ensure_future(wait(request))
        await asyncio.sleep(0)
        task.cancel()
        return weakref.ref(request)

    async def wait(request: af.Request) -> None:
        await request.run_async(stream)

    reference = asyncio.run(main())
    stream.synchronize()
    gc.collect()
    # The waiting thread lets go of what it held once its wait is over.
    asyncio.run(asyncio.wait_for(stream.synchronize_async(), 10))
    assert reference() is None


def test_loops_in_two_threads(device: af.Device, add_model: af.Model) -> None:
    results: list[bool] = []

    async def main() -> None:
        with device.create_stream() as stream:
            for number in range(20):
                request = add_model.create_request()
                for index in (0, 1):
                    request.inputs[index].upload(np.full((2, 3), number, np.float32))
                await request.run_async(stream)
                results.append(bool((request.outputs[0].download() == 2 * number).all()))

    threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 60
