"""Gears and dynamic shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import acl_fast as af

from . import models


def test_batch_gears(device: af.Device, stream: af.Stream, tmp_path: Path) -> None:
    om = models.convert(
        tmp_path, models.scale(("n", 3), 2.0), "--input_shape=x:-1,3", "--dynamic_batch_size=1,2,4"
    )
    with device.load_model(om) as model:
        assert model.inputs[0].shape == (-1, 3)
        assert model.inputs[0].is_dynamic
        assert model.gears == ("batch", [(1,), (2,), (4,)])
        assert len(model.inputs) == 1
        request = model.create_request()
        with pytest.raises(ValueError, match="choose one of the model's gears"):
            request.run_async(stream)
        for count in (2, 1, 4):
            request.set_batch(count)
            x = np.arange(3 * count, dtype=np.float32).reshape(count, 3)
            assert request.inputs[0].shape == request.outputs[0].shape == (count, 3)
            request.inputs[0].upload(x)
            request.run_async(stream)
            stream.synchronize()
            np.testing.assert_array_equal(request.outputs[0].download(), 2 * x)
        with pytest.raises(ValueError, match="not a gear"):
            request.set_batch(3)
        with pytest.raises(ValueError, match="batch gears"):
            request.set_image_size(4, 4)
        with pytest.raises(ValueError, match="gears"):
            request.set_shape(0, (4, 3))


def test_image_gears(device: af.Device, tmp_path: Path) -> None:
    om = models.convert(
        tmp_path,
        models.scale((1, 2, "h", "w"), 3.0),
        "--input_format=NCHW",
        "--input_shape=x:1,2,-1,-1",
        "--dynamic_image_size=4,6;8,2",
    )
    with device.load_model(om) as model:
        assert model.gears == ("image", [(4, 6), (8, 2)])
        request = model.create_request()
        for height, width in ((8, 2), (4, 6)):
            request.set_image_size(height, width)
            shape = (1, 2, height, width)
            x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
            request.inputs[0].upload(x)
            request.run()
            assert request.outputs[0].shape == shape
            np.testing.assert_allclose(request.outputs[0].download(), 3 * x, rtol=1e-6)


def test_dims_gears(device: af.Device, tmp_path: Path) -> None:
    om = models.convert(
        tmp_path,
        models.scale(("n", 2, "m"), 2.0),
        "--input_format=ND",
        "--input_shape=x:-1,2,-1",
        "--dynamic_dims=1,5;3,4",
    )
    with device.load_model(om) as model:
        kind, gears = model.gears
        assert (kind, len(gears)) == ("dims", 2)
        request = model.create_request()
        for dims, shape in (((3, 4), (3, 2, 4)), ((1, 2, 5), (1, 2, 5))):
            request.set_dims(dims)
            x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
            request.inputs[0].upload(x)
            request.run()
            np.testing.assert_allclose(request.outputs[0].download(), 2 * x, rtol=1e-6)
        with pytest.raises(ValueError, match="dynamic dimensions"):
            request.set_dims((1,))


def test_range_model(device: af.Device) -> None:
    with device.load_model(models.ranged()) as model:
        assert model.inputs[0].shape == (-1, -1)
        assert model.gears is None
        request = model.create_request()
        with pytest.raises(ValueError, match="set_shape"):
            request.run()
        for shape in ((2, 3), (5, 7), (1, 1)):
            x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
            request.set_shape("x", shape)
            request.inputs[0].upload(x)
            request.run()
            assert request.outputs[0].shape == shape
            np.testing.assert_array_equal(request.outputs[0].download(), np.maximum(x, 0))


def test_earlier_outputs_of_a_range_model_stay(device: af.Device) -> None:
    with device.load_model(models.ranged()) as model:
        request = model.create_request()
        kept = []
        for number in range(1, 6):
            request.set_input(0, upload(device, np.full((number, 2), number, np.float32)))
            request.run()
            kept.append(request.outputs[0].buffer)
        for number, buffer in enumerate(kept, 1):
            assert (buffer.download() == number).all()
            assert buffer.shape == (number, 2)


def upload(device: af.Device, data: np.ndarray) -> af.Buffer:
    buffer = device.empty(data.shape, data.dtype)
    buffer.upload(data)
    return buffer


def test_output_shape_depends_on_the_data(device: af.Device) -> None:
    with device.load_model(models.nonzero()) as model:
        request = model.create_request()
        for x in ([0, 1, 2, 0], [1, 1, 1, 1, 1], [0, 0, 3]):
            data = np.array(x, np.float32)
            request.set_input(0, upload(device, data))
            request.run()
            np.testing.assert_array_equal(request.outputs[0].download(), np.array(np.nonzero(data)))


def test_range_model_with_memory_of_its_own_runs_asynchronously(
    device: af.Device, stream: af.Stream
) -> None:
    with device.load_model(models.ranged()) as model:
        request = model.create_request()
        request.set_input(0, upload(device, np.full((2, 2), -1, np.float32)))
        with pytest.raises(ValueError, match=r"run\(\)"):
            request.run_async(stream)
        request.set_output(0, device.empty((2, 2)))
        request.run_async(stream)
        stream.synchronize()
        assert (request.outputs[0].buffer.download() == 0).all()


@pytest.mark.parametrize("shape", [(2,), (2, 3, 4), (-1, 2), (0, -5)])
def test_shapes_that_do_not_fit(device: af.Device, shape: tuple[int, ...]) -> None:
    with device.load_model(models.ranged()) as model:
        request = model.create_request()
        with pytest.raises(ValueError, match="does not fit"):
            request.set_shape(0, shape)
    with device.load_model(models.add((2, 3))) as model, pytest.raises(ValueError, match="fixed"):
        model.create_request().set_shape(0, shape)
