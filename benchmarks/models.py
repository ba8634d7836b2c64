"""The models that are run, as ONNX files."""

from __future__ import annotations

from pathlib import Path

from benchmarks.native import BUILD


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

    from acl_fast._demo import assets, darknet

    path = BUILD / "yolov3-tiny.onnx"
    if not path.exists():
        cfg, weights = (assets.fetch(f"yolov3-tiny.{kind}") for kind in ("cfg", "weights"))
        _, model = darknet.read_network(cfg, weights)
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, path)
    return path
