"""Video decoded, boxes of its frames cut into the batch of a second model: all in one arena."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl_fast as af
from acl_fast import media
from acl_fast._atc import aipp
from acl_fast._atc.convert import Request, convert
from acl_fast._atc.shapes import parse_input_shape
from tests.aipp import aipp_model
from tests.aipp.aipp_model import Config
from tests.chain.chain import (
    assert_only_compressed_data_and_results,
    counted,
    decoded,
    encoded,
)
from tests.dvpp import card_model
from tests.vdec.codec import nv12

SIDE, MOST, COUNT = 64, 4, 40
PICTURE = SIDE * SIDE * 3 // 2
VIDEO_TO_RGB = [256, 0, 359, 256, -88, -183, 256, 454, 0]
# The boxes of a frame change with it: 1 to 4, of other sizes, some beside the last ones.
BOXES = [(16, 8, 96, 64), (200, 40, 180, 160), (420, 100, 64, 64), (300, 20, 250, 60)]


def boxes_of(number: int) -> list[tuple[int, int, int, int]]:
    shift = 2 * (number % 20)
    return [(x + shift, y + shift, w, h) for x, y, w, h in BOXES[: 1 + number % MOST]]


def network(path: Path) -> Path:
    """Two convolutions, so that every pixel of a crop counts."""
    random = np.random.default_rng(11)

    def weight(name: str, *shape: int) -> onnx.TensorProto:
        values = random.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape)
        return numpy_helper.from_array(values.astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["x", "a"], ["y"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["y"], ["z"]),
        helper.make_node("Conv", ["z", "b"], ["w"], strides=[4, 4], pads=[1, 1, 1, 1]),
        helper.make_node("Flatten", ["w"], ["out"]),
    ]
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "second",
        [tensor("x", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [tensor("out", TensorProto.FLOAT, ["n", 8 * 8 * 8])],
        [weight("a", 8, 3, 3, 3), weight("b", 8, 8, 3, 3)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def cut(frame: np.ndarray, height: int, box: tuple[int, int, int, int]) -> np.ndarray:
    """What a card makes of a box of an NV12 frame, as AIPP reads it."""
    x, y, across, down = box
    chroma = frame[height:].reshape(height // 2, -1, 2)
    luma, uv = card_model.resize_nv12(
        frame[:height][y : y + down, x : x + across],
        chroma[y // 2 : (y + down) // 2, x // 2 : (x + across) // 2],
        (SIDE, SIDE),
    )
    return np.concatenate([luma, uv.reshape(-1, SIDE)])[..., None]


@pytest.mark.parametrize(("interface", "codec"), [("v1", "libx264"), ("v2", "libx265")])
def test_boxes_of_video(
    device: af.Device, tmp_path: Path, codec: str, interface: str, unified: bool
) -> None:
    config = Config("YUV420SP_U8", SIDE, SIDE, matrix=VIDEO_TO_RGB, reciprocal=[1 / 255] * 4)
    onnx_path = network(tmp_path / "second.onnx")
    path = convert(
        Request(
            onnx_path,
            tmp_path / "second",
            input_shape=parse_input_shape(f"x:-1,3,{SIDE},{SIDE}"),
            gear=("batch", "1,2,3,4"),
            aipp=aipp.parse(config.text()),
        )
    ).path
    clip = encoded(tmp_path, codec)
    kind = {"v1": "dvpp", "v2": "himpi"}[interface]
    found = []
    with (
        media.open_video(clip) as video,
        device.arena(24 * (video.width * video.height * 3 // 2 + 256), kind=kind) as arena,
        media.PicturePool(device, video.width, video.height, count=20, arena=arena) as pool,
        media.VideoDecoder(device, video.codec, pool=pool, interface=interface) as decoder,
        device.create_stream() as stream,
        media.Vpc(device, stream, interface=interface) as vpc,
        device.load_model(str(path)) as model,
        model.create_request() as request,
        arena.empty((MOST, SIDE * 3 // 2, SIDE, 1)) as batch,
    ):
        crops = [media.Image.over(batch, SIDE, SIDE, index=index) for index in range(MOST)]
        request.set_input(0, batch)
        before = af.softnpu.counters()
        with counted() as copies:
            for number, image in enumerate(decoder.decode(video)):
                boxes = boxes_of(number)
                vpc.batch_crop_resize(image, boxes, out=crops[: len(boxes)])
                image.close()
                request.set_batch(len(boxes))
                request.run_async(stream)
                stream.synchronize()
                found.append(request.outputs[0].download())
        after = af.softnpu.counters()
        assert decoder.damaged == 0
        # All pictures lie in the one allocation: beside it there are packets alone.
        assert (pool.total, arena.pieces) == (20, 21)
        live = f"live_{kind}_bytes"
        assert after[live] - before[live] <= 2 * clip.stat().st_size
        for crop in crops:
            crop.close()
    results = sum(result.nbytes for result in found)
    assert_only_compressed_data_and_results(copies, unified, 2 * clip.stat().st_size, results)
    assert len(found) == COUNT
    # Each box is cut once and read by AIPP once.
    boxes = sum(len(boxes_of(number)) for number in range(COUNT))
    made = copies.moved
    assert (made["frames_decoded"], made["images_processed"]) == (COUNT, 2 * boxes)
    session = onnxruntime.InferenceSession(str(onnx_path), providers=["CPUExecutionProvider"])
    for number, (frame, result) in enumerate(zip(decoded(clip), found, strict=True)):
        if number % 5:
            continue  # still one, two, three and four boxes
        pixels = nv12(frame)
        inputs = [
            aipp_model.run(config, cut(pixels, frame.height, box)) for box in boxes_of(number)
        ]
        (expected,) = session.run(None, {"x": np.stack(inputs).astype(np.float32)})
        # OpenVINO and ONNX Runtime add in another order.
        np.testing.assert_allclose(result, expected, atol=2e-4)
