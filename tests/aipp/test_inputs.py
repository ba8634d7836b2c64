"""Which inputs take pictures: several, of bytes, with gears; and what atc refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import acl_fast as af
from acl_fast._atc import aipp
from acl_fast._atc.convert import Request, convert
from acl_fast._atc.errors import AtcError
from acl_fast._atc.shapes import parse_input_shape
from tests.aipp.aipp_model import Config
from tests.aipp.test_params import params_of
from tests.aipp.test_static import JPEG_TO_RGB, assert_agrees, random_pictures

NV12 = Config("YUV420SP_U8", 32, 24, matrix=JPEG_TO_RGB)
RGB = Config("RGB888_U8", 20, 10, mean=[1, 2, 3, 0])
BOTH = NV12.text() + RGB.text().replace("aipp_mode", "related_input_rank: 2 aipp_mode")


def network(folder: Path, **inputs: tuple[list[int | str], int]) -> Path:
    """Write a network that hands each of its inputs on as float."""
    given = [helper.make_tensor_value_info(n, kind, dims) for n, (dims, kind) in inputs.items()]
    made = [
        helper.make_tensor_value_info(f"{n}_out", TensorProto.FLOAT, dims)
        for n, (dims, _) in inputs.items()
    ]
    nodes = []
    for name in inputs:
        nodes.append(helper.make_node("Cast", [name], [f"{name}_float"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Add", [f"{name}_float", "zero"], [f"{name}_out"]))
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0])
    graph = helper.make_graph(nodes, "on", given, made, [zero])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, folder / "network.onnx")
    return folder / "network.onnx"


def compiled(path: Path, text: str, **more: Any) -> str:
    return str(convert(Request(path, path.with_suffix(""), aipp=aipp.parse(text), **more)).path)


def run(device: af.Device, path: str, *arrays: np.ndarray) -> list[np.ndarray]:
    with device.load_model(path) as model:
        request = model.create_request()
        for binding, array in zip(request.inputs, arrays, strict=True):
            binding.upload(array)
        request.run()
        return [output.download() for output in request.outputs]


def test_several_inputs(device: af.Device, tmp_path: Path) -> None:
    f32 = TensorProto.FLOAT
    path = network(tmp_path, a=([1, 3, 24, 32], f32), b=([2, 2], f32), c=([1, 3, 10, 20], f32))
    first, last = random_pictures(NV12, 1, seed=1), random_pictures(RGB, 1, seed=2)
    plain = np.arange(4, dtype=np.float32).reshape(2, 2)
    results = run(device, compiled(path, BOTH), first, plain, last)
    assert_agrees(results[0], NV12, first, nhwc=False)
    assert (results[1] == plain).all()
    assert_agrees(results[2], RGB, last, nhwc=False)

    text = "".join(
        f"aipp_op {{ aipp_mode: dynamic related_input_rank: {rank} max_src_image_size: 4096 }}\n"
        for rank in (0, 2)
    )
    with device.load_model(compiled(path, BOTH)) as model:
        assert model.picture(0) == ("nv12", NV12.width, NV12.height)
        assert model.picture(1) is None
        assert model.picture(2) == ("rgb", RGB.width, RGB.height)
        with pytest.raises(IndexError, match="input 3"):
            model.picture(3)
    with pytest.raises(af.ClosedError):
        model.picture(0)

    with device.load_model(compiled(path, text)) as model:
        assert model.picture(0) is None, "each execution describes its picture"
        assert [desc.name for desc in model.inputs] == ["a", "b", "c"]
        request = model.create_request()
        for rank, config, picture in ((0, NV12, first), (2, RGB, last)):
            request.set_aipp(rank, params_of(config))
            request.inputs[rank].upload(picture)
        request.inputs[1].upload(plain)
        request.run()
        assert_agrees(request.outputs[0].download(), NV12, first, nhwc=False)
        assert_agrees(request.outputs[2].download(), RGB, last, nhwc=False)


@pytest.mark.parametrize("nhwc", [False, True])
def test_network_of_bytes(device: af.Device, tmp_path: Path, nhwc: bool) -> None:
    config = Config("RGB888_U8", 30, 20, crop=(1, 2, 17, 9), padding=(1, 2, 3, 4),
                    padding_value=200, rbuv=True)  # fmt: skip
    shape: list[int | str] = [1, 16, 20, 3] if nhwc else [1, 3, 16, 20]
    path = network(tmp_path, x=(shape, TensorProto.UINT8))
    pictures = random_pictures(config, 1, seed=3)
    more = {"input_format": "NHWC"} if nhwc else {}
    # Bytes pass by the normalisation.
    text = config.text().replace("mean_chn_0 : 0", "mean_chn_0 : 77")
    (ours,) = run(device, compiled(path, text, **more), pictures)
    assert_agrees(ours, config, pictures, nhwc)


def test_an_input_handed_on(device: af.Device, tmp_path: Path) -> None:
    """An output that is the input itself is what AIPP made of the picture."""
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 3, 24, 32]) for n in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "on", [x], [x, y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "network.onnx")
    pictures = random_pictures(NV12, 1, seed=8)
    for ours in run(device, compiled(tmp_path / "network.onnx", NV12.text()), pictures):
        assert_agrees(ours, NV12, pictures, nhwc=False)


def test_gray_by_a_matrix(device: af.Device, tmp_path: Path) -> None:
    config = Config("RGB888_U8", 16, 12, matrix=[76, 150, 30, 0, 0, 0, 0, 0, 0])
    path = network(tmp_path, x=([1, 1, 12, 16], TensorProto.FLOAT))
    pictures = random_pictures(config, 1, seed=4)
    (ours,) = run(device, compiled(path, config.text()), pictures)
    expected = pictures.astype(np.int64) @ np.array([76, 150, 30]) >> 8
    assert (ours[0] == expected).all()


@pytest.mark.parametrize("kind", ["RGB888_U8", "YUV420SP_U8"])
def test_image_size_gears(device: af.Device, tmp_path: Path, kind: str) -> None:
    path = network(tmp_path, x=([1, 3, "h", "w"], TensorProto.FLOAT))
    om = compiled(
        path,
        f"aipp_op {{ aipp_mode: static, input_format: {kind} }}",
        input_shape=parse_input_shape("x:1,3,-1,-1"),
        gear=("image", "10,16;24,8"),
    )
    with device.load_model(om) as model:
        assert model.picture(0) == ({"RGB888_U8": "rgb"}.get(kind, "nv12"), -1, -1)
        request = model.create_request()
        for height, width in ((10, 16), (24, 8)):
            config = Config(kind, width, height)
            pictures = random_pictures(config, 1, seed=5)
            request.set_image_size(height, width)
            assert request.inputs[0].shape == pictures.shape
            request.inputs[0].upload(pictures)
            request.run()
            assert_agrees(request.outputs[0].download(), config, pictures, nhwc=False)


@pytest.mark.parametrize(
    ("fields", "more", "words"),
    [
        ("", {"fp16_inputs": ("x",)}, "input_fp16_nodes"),
        ("", {"input_shape": "x:1,3,24~48,32"}, "static AIPP needs a fixed one"),
        ("", {"input_shape": "x:1,3,-1,32", "gear": ("dims", "24;48")}, "dynamic_dims"),
        ("crop: true", {"input_shape": "x:1,3,-1,-1", "gear": ("image", "8,8;9,9")}, "the gear"),
    ],
)
def test_refused(tmp_path: Path, fields: str, more: dict[str, Any], words: str) -> None:
    path = network(tmp_path, x=([1, 3, "h", "w"], TensorProto.FLOAT))
    more = {**more, "input_shape": parse_input_shape(more.get("input_shape", "x:1,3,24,32"))}
    with pytest.raises(AtcError, match=words) as caught:
        compiled(path, f"aipp_op {{ aipp_mode: static input_format: RGB888_U8 {fields} }}", **more)
    assert caught.value.code == "E10052"


@pytest.mark.parametrize(
    ("kind", "soc", "value", "words"),
    [
        (TensorProto.UINT8, "Ascend310P3", "256", "0 to 255"),
        (TensorProto.UINT8, "Ascend310P3", "0.5", "0 to 255"),
        (TensorProto.FLOAT, "Ascend310P3", "0", "at most 1080"),
        (TensorProto.FLOAT, "Ascend310B4", "-65504", ""),
    ],
)
def test_padding(tmp_path: Path, kind: int, soc: str, value: str, words: str) -> None:
    path = network(tmp_path, x=([1, 3, 8, 1090], kind))
    config = Config("RGB888_U8", 1080, 8, padding=(10, 0, 0, 0))
    text = config.text().replace("padding_value : 0", f"padding_value : {value}")
    if not words:
        compiled(path, text, soc=soc)
        return
    if kind == TensorProto.UINT8:
        path = network(tmp_path, x=([1, 3, 8, 100], kind))
        text = text.replace("src_image_size_w : 1080", "src_image_size_w : 90")
    with pytest.raises(AtcError, match=words):
        compiled(path, text, soc=soc)
