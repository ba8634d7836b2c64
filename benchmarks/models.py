"""The models that are run, as files."""

from __future__ import annotations

from pathlib import Path

from acl_fast._demo import assets
from benchmarks.native import BUILD

RAPIDOCR = assets.Archive(
    "rapidocr-onnxruntime",
    "1.4.4",
    "rapidocr_onnxruntime-1.4.4-py3-none-any.whl",
    "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
)
assets.register(
    assets.Asset(
        "text_detection.onnx",
        RAPIDOCR,
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
        "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
    ),
    assets.Asset(
        "text_direction.onnx",
        RAPIDOCR,
        "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
    ),
    assets.Asset(
        "text_recognition.onnx",
        RAPIDOCR,
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
        "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
    ),
)


def add() -> Path:
    """One Add of a constant on float[1, 8]: nothing but the cost of getting there and back."""
    import onnx
    from onnx import TensorProto, helper

    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    node = helper.make_node("Add", ["x", "one"], ["y"])
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8]) for name in "xy"]
    graph = helper.make_graph([node], "add", ports[:1], ports[1:], [one])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = BUILD / "add.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path


def yolo() -> Path:
    """YOLOv3-tiny with its trained weights, as the demonstration converts it."""
    import onnx

    from acl_fast._demo import darknet

    path = BUILD / "yolov3-tiny.onnx"
    if not path.exists():
        cfg, weights = (assets.fetch(f"yolov3-tiny.{kind}") for kind in ("cfg", "weights"))
        _, model = darknet.read_network(cfg, weights)
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, path)
    return path


def text_direction() -> Path:
    """PP-OCR's network that tells which way up a line of text is, converted for one line."""
    from acl_fast._atc.convert import Request, convert
    from acl_fast._atc.shapes import parse_input_shape

    path = BUILD / "text-direction.om"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = parse_input_shape("x:1,3,48,192")
        convert(
            Request(assets.fetch("text_direction.onnx"), path.with_suffix(""), input_shape=shape)
        )
    return path
