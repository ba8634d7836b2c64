"""Small networks whose results can be told with numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SHAPE = (2, 3)
SLOW_SIZE, SLOW_LAYERS = 448, 24
SLOW_SHAPE = (SLOW_SIZE, SLOW_SIZE)
WEIGHTS = np.arange(1, 13, dtype=np.float32).reshape(3, 4)


def serialize(nodes: list, inputs: list, outputs: list, constants: list) -> bytes:
    graph = helper.make_graph(nodes, "graph", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def tensor(name: str, shape: tuple, dtype: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def affine(shape: tuple = SHAPE) -> bytes:
    """y = 2 x + 1: small enough to be run after every test."""
    constants = [
        numpy_helper.from_array(np.array(2, np.float32), "two"),
        numpy_helper.from_array(np.array(1, np.float32), "one"),
    ]
    nodes = [
        helper.make_node("Mul", ["x", "two"], ["t"]),
        helper.make_node("Add", ["t", "one"], ["y"]),
    ]
    return serialize(nodes, [tensor("x", shape)], [tensor("y", shape)], constants)


def product(rows: object = 2) -> bytes:
    """y = x @ WEIGHTS for x [rows, 3]: has weights worth corrupting."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    constants = [numpy_helper.from_array(WEIGHTS, "w")]
    return serialize(nodes, [tensor("x", (rows, 3))], [tensor("y", (rows, 4))], constants)


def negate(shape: tuple) -> bytes:
    """y = -x for any shape, dynamic too."""
    nodes = [helper.make_node("Neg", ["x"], ["y"])]
    return serialize(nodes, [tensor("x", shape)], [tensor("y", shape)], [])


def slow_weights() -> np.ndarray:
    # A rotation, so that a long chain neither grows nor vanishes.
    random = np.random.default_rng(5).standard_normal((SLOW_SIZE, SLOW_SIZE))
    return np.linalg.qr(random)[0].astype(np.float32)


def slow_result(x: np.ndarray) -> np.ndarray:
    return x @ np.linalg.matrix_power(slow_weights().astype(np.float64), SLOW_LAYERS)


def slow() -> bytes:
    """y = x @ w @ w ...: long enough to be caught in flight."""
    _size, layers = SLOW_SIZE, SLOW_LAYERS
    w = slow_weights()
    nodes = [
        helper.make_node(
            "MatMul", ["x" if i == 0 else f"t{i}", "w"], ["y" if i == layers - 1 else f"t{i + 1}"]
        )
        for i in range(layers)
    ]
    constants = [numpy_helper.from_array(w, "w")]
    return serialize(nodes, [tensor("x", SLOW_SHAPE)], [tensor("y", SLOW_SHAPE)], constants)


def convert(folder: Path, name: str, model: bytes, **options: str) -> Path:
    """Make an .om with the package's own atc."""
    from acl_fast._atc import main

    source = folder / f"{name}.onnx"
    source.write_bytes(model)
    words = [f"--model={source}", "--framework=5", f"--output={folder / name}"]
    words += ["--soc_version=Ascend310P3", "--log=error"]
    words += [f"--{key}={value}" for key, value in options.items()]
    assert main(words) == 0
    # Where shapes stay open, atc adds the system to the name.
    (made,) = folder.glob(f"{name}*.om")
    return made
