"""Pictures as inputs of models, in place."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import acl_fast as af
from acl_fast import media
from acl_fast.media import vpc

pytestmark = pytest.mark.usefixtures("chosen")


def reader(dims: tuple[int, ...], dtype: int = TensorProto.UINT8) -> bytes:
    """A model that gives its input back as float32: the bytes as the model reads them."""
    node = helper.make_node("Cast", ["picture"], ["out"], to=TensorProto.FLOAT)
    graph = helper.make_graph(
        [node],
        "reader",
        [helper.make_tensor_value_info("picture", dtype, dims)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, dims)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def test_a_picture_is_read_where_it_lies(device: af.Device, stream: af.Stream) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (72, 64), np.uint8)
    image = media.Image.from_numpy(device, pixels)
    with device.load_model(reader((1, 72, 64, 1))) as model:
        request = model.create_request()
        request.set_input(0, image)
        assert request.inputs[0].buffer.address_int == image.buffer.address_int
        request.run()
        np.testing.assert_array_equal(request.outputs[0].download()[0, :, :, 0], pixels)
        request.close()


def test_work_on_streams_is_ordered(device: af.Device, stream: af.Stream) -> None:
    """The model, on a second stream, waits for the scaled picture."""
    pixels = np.random.default_rng(4).integers(0, 256, (1080, 1280), np.uint8)
    image = media.Image.from_numpy(device, pixels)
    want = vpc.resize(image, 64, 48).to_numpy()
    with device.load_model(reader((1, 72, 64, 1))) as model, device.create_stream() as other:
        request = model.create_request()
        request.set_input(0, vpc.resize(image, 64, 48, stream=stream))
        image.close()
        request.run_async(other)
        other.synchronize()
        np.testing.assert_array_equal(request.outputs[0].download()[0, :, :, 0], want)
        stream.synchronize()
        request.close()


@pytest.mark.parametrize(
    ("size", "format", "message"),
    [
        ((70, 48), "nv12", "nv12 or nv21 of 64x48"),
        ((64, 50), "nv12", "strides"),
        ((64, 48), "yuv400", r"lies in memory as \(1, 48, 64, 1\)"),
        ((64, 72), "rgb", "vpc"),
    ],
)
def test_what_does_not_fit_is_refused(
    device: af.Device, size: tuple[int, int], format: str, message: str
) -> None:
    with device.load_model(reader((1, 72, 64, 1))) as model, model.create_request() as request:
        image = media.Image.empty(device, *size, format)
        with pytest.raises(ValueError, match=message):
            request.set_input(0, image)
        with pytest.raises(ValueError, match="crop view"):
            request.set_input(0, media.Image.empty(device, 640, 360).crop(0, 0, 64, 48))
        image.close()
        with pytest.raises(af.ClosedError):
            request.set_input(0, image)


def test_models_without_preprocessing_take_no_pictures(device: af.Device) -> None:
    with (
        device.load_model(reader((1, 3, 48, 64), TensorProto.FLOAT16)) as model,
        model.create_request() as request,
        pytest.raises(TypeError, match="AIPP"),
    ):
        request.set_input(0, media.Image.empty(device, 64, 48, "rgb"))
