"""Models for the tests, written with onnx.helper, and what they compute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SLOW_SIZE = 768
SLOW_LAYERS = 24


def model_bytes(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: list[onnx.TensorProto] | None = None,
) -> bytes:
    graph = helper.make_graph(nodes, "graph", inputs, outputs, constants or [])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def value(name: str, shape: tuple[object, ...], dtype: int = TensorProto.FLOAT) -> object:
    return helper.make_tensor_value_info(name, dtype, shape)


def add(shape: tuple[int, ...], dtype: int = TensorProto.FLOAT) -> bytes:
    """y = a + b."""
    return model_bytes(
        [helper.make_node("Add", ["a", "b"], ["y"])],
        [value("a", shape, dtype), value("b", shape, dtype)],
        [value("y", shape, dtype)],
    )


def scale(shape: tuple[object, ...], factor: float) -> bytes:
    """y = factor * x."""
    constant = numpy_helper.from_array(np.array(factor, np.float32), "factor")
    return model_bytes(
        [helper.make_node("Mul", ["x", "factor"], ["y"])],
        [value("x", shape)],
        [value("y", shape)],
        [constant],
    )


def split(shape: tuple[int, int]) -> bytes:
    """Two outputs of different types: y = x @ w, top = argmax(y)."""
    w = np.random.default_rng(7).standard_normal((shape[1], 5)).astype(np.float32)
    return model_bytes(
        [
            helper.make_node("MatMul", ["x", "w"], ["y"]),
            helper.make_node("ArgMax", ["y"], ["top"], axis=1, keepdims=0),
        ],
        [value("x", shape)],
        [value("y", (shape[0], 5)), value("top", (shape[0],), TensorProto.INT64)],
        [numpy_helper.from_array(w, "w")],
    )


def slow_weights() -> np.ndarray:
    # Orthogonal, so that a long chain neither grows nor vanishes.
    random = np.random.default_rng(3).standard_normal((SLOW_SIZE, SLOW_SIZE))
    return np.linalg.qr(random)[0].astype(np.float32)


def slow() -> bytes:
    """y = x @ w @ w @ ...: some tenths of a second."""
    nodes = [
        helper.make_node("MatMul", ["x" if i == 0 else f"t{i}", "w"], [f"t{i + 1}"])
        for i in range(SLOW_LAYERS)
    ]
    nodes.append(helper.make_node("Identity", [f"t{SLOW_LAYERS}"], ["y"]))
    shape = (SLOW_SIZE, SLOW_SIZE)
    return model_bytes(
        nodes,
        [value("x", shape)],
        [value("y", shape)],
        [numpy_helper.from_array(slow_weights(), "w")],
    )


def slow_result(x: np.ndarray) -> np.ndarray:
    product = np.linalg.matrix_power(slow_weights().astype(np.float64), SLOW_LAYERS)
    return x.astype(np.float64) @ product


def ranged() -> bytes:
    """y = relu(x) on [n, m], both dynamic."""
    return model_bytes(
        [helper.make_node("Relu", ["x"], ["y"])],
        [value("x", ("n", "m"))],
        [value("y", ("n", "m"))],
    )


def nonzero() -> bytes:
    """Positions of what is not 0: the output's shape depends on the data."""
    return model_bytes(
        [helper.make_node("NonZero", ["x"], ["y"])],
        [value("x", ("n",))],
        [value("y", (1, "k"), TensorProto.INT64)],
    )


def convert(folder: Path, onnx_bytes: bytes, *flags: str) -> Path:
    """Make an om with the package's own atc."""
    from acl_fast._atc import main

    source = folder / "model.onnx"
    source.write_bytes(onnx_bytes)
    target = folder / "model"
    arguments = [f"--model={source}", "--framework=5", f"--output={target}"]
    assert main([*arguments, "--soc_version=Ascend310P3", *flags]) == 0
    return target.with_suffix(".om")


def failing() -> bytes:
    """y = reshape(x[4], s): fails on the device when the shape in s has not 4 elements."""
    return model_bytes(
        [helper.make_node("Reshape", ["x", "s"], ["y"])],
        [value("x", (4,)), value("s", (2,), TensorProto.INT64)],
        [value("y", ("a", "b"))],
    )
