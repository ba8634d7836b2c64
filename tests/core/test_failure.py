"""Work that fails on the device: where it surfaces, and that nothing is lost by it."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

import acl_fast as af

from . import models


def prepare(device: af.Device, model: af.Model, shape: tuple[int, int]) -> af.Request:
    request = model.create_request()
    request.inputs["x"].upload(np.arange(4, dtype=np.float32))
    request.inputs["s"].upload(np.array(shape))
    request.set_output(0, device.empty((2, 2)))
    return request


def test_synchronous_failure(device: af.Device) -> None:
    with device.load_model(models.failing()) as model:
        request = prepare(device, model, (3, 3))
        with pytest.raises(af.AclError, match="aclmdlExecute failed"):
            request.run()
        request.inputs["s"].upload(np.array([2, 2]))
        request.run()
        np.testing.assert_array_equal(request.outputs[0].download(), [[0, 1], [2, 3]])


def test_failure_surfaces_at_synchronize(device: af.Device, stream: af.Stream) -> None:
    with device.load_model(models.failing()) as model:
        bad, good = prepare(device, model, (3, 3)), prepare(device, model, (2, 2))
        bad.run_async(stream)
        with pytest.raises(af.AclError) as caught:
            stream.synchronize()
        assert caught.value.detail
        with pytest.raises(af.AclError):
            bad.outputs[0].download()
        assert stream.in_flight == 0
        good.run_async(stream)
        stream.synchronize()
        np.testing.assert_array_equal(good.outputs[0].buffer.download(), [[0, 1], [2, 3]])


def test_failure_surfaces_at_await(device: af.Device, stream: af.Stream) -> None:
    async def main(request: af.Request) -> None:
        await request.run_async(stream)

    with device.load_model(models.failing()) as model:
        with pytest.raises(af.AclError):
            asyncio.run(main(prepare(device, model, (3, 3))))
        asyncio.run(main(prepare(device, model, (2, 2))))


def test_failure_is_seen_by_polling(device: af.Device, stream: af.Stream) -> None:
    with device.load_model(models.failing()) as model:
        request = prepare(device, model, (3, 3))
        request.run_async(stream)
        stream.record().synchronize()
        assert request.is_complete
        with pytest.raises(af.AclError):
            request.outputs[0].download()
