"""Small ONNX models, and .om files of them written without the converter under test elsewhere."""

from __future__ import annotations

import json
import struct
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
Shape = Sequence[int | str] | None


def value(name: str, shape: Shape, dtype: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    weights: dict[str, np.ndarray] | None = None,
    *,
    check: bool = True,
) -> onnx.ModelProto:
    constants = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, constants)
    result = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    result.ir_version = 8
    if check:
        onnx.checker.check_model(result)
    return result


def binary(
    operator: str = "Add",
    shape: Shape = (2, 3),
    dtype: int = FLOAT,
    names: tuple[str, str, str] = ("a", "b", "c"),
) -> onnx.ModelProto:
    """Out = a operator b."""
    a, b, c = names
    return model(
        [helper.make_node(operator, [a, b], [c])],
        [value(a, shape, dtype), value(b, shape, dtype)],
        [value(c, shape, dtype)],
    )


def add_constant(constant: np.ndarray, shape: Shape) -> onnx.ModelProto:
    """Y = x + constant: a model with weights."""
    return model(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        [value("x", shape)],
        [value("y", shape)],
        {"w": constant},
    )


def convolution(shape: Shape = (1, 3, 16, 16), channels: int = 8, seed: int = 0) -> onnx.ModelProto:
    """Y = relu(conv(x)), stride 1, padded."""
    random = np.random.default_rng(seed)
    weights = {
        "w": random.standard_normal((channels, 3, 3, 3)).astype(np.float32),
        "b": random.standard_normal(channels).astype(np.float32),
    }
    out = None if shape is None else [shape[0], channels, shape[2], shape[3]]
    return model(
        [
            helper.make_node("Conv", ["x", "w", "b"], ["h"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["h"], ["y"]),
        ],
        [value("x", shape)],
        [value("y", out)],
        weights,
    )


def matmul(rows: int | str = "n", inner: int = 16, columns: int = 5) -> onnx.ModelProto:
    weights = np.random.default_rng(1).standard_normal((inner, columns)).astype(np.float32)
    return model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [value("x", (rows, inner))],
        [value("y", (rows, columns))],
        {"w": weights},
    )


def two_in_three_out() -> onnx.ModelProto:
    return model(
        [
            helper.make_node("Add", ["a", "b"], ["sum"]),
            helper.make_node("Mul", ["a", "b"], ["product"]),
            helper.make_node("ReduceSum", ["a"], ["total"], keepdims=0),
        ],
        [value("a", (4, 5)), value("b", (4, 5))],
        [value("sum", (4, 5)), value("product", (4, 5)), value("total", ())],
    )


def nonzero() -> onnx.ModelProto:
    """Output shape depends on the data."""
    return model(
        [helper.make_node("NonZero", ["x"], ["y"])],
        [value("x", ("n",))],
        [value("y", (1, "m"), TensorProto.INT64)],
    )


def strings() -> onnx.ModelProto:
    return model(
        [helper.make_node("Identity", ["x"], ["y"])],
        [value("x", (2,), TensorProto.STRING)],
        [value("y", (2,), TensorProto.STRING)],
    )


ACL_DTYPES = {"f32": 0, "f16": 1, "i8": 2, "i32": 3, "u8": 4, "i64": 9}


def bytes_of(dims: Sequence[int], itemsize: int = 4) -> int:
    return int(np.prod(dims, dtype=np.int64)) * itemsize


def ir(proto: onnx.ModelProto, shapes: Sequence[Any] | None = None) -> tuple[bytes, bytes, Any]:
    """Convert to OpenVINO IR; `shapes` are partial shapes of the inputs."""
    import openvino as ov

    network = ov.Core().read_model(proto.SerializeToString(), b"")
    if shapes is not None:
        network.reshape({i: ov.PartialShape(shape) for i, shape in enumerate(shapes)})
    with tempfile.TemporaryDirectory() as folder:
        xml, weights = Path(folder, "m.xml"), Path(folder, "m.bin")
        ov.serialize(network, xml, weights)
        return xml.read_bytes(), weights.read_bytes(), network


def tensor(
    name: str, dims: Sequence[int], size: int, dtype: int = 0, **more: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "dtype": dtype,
        "format": 0 if len(dims) == 4 else 2,
        "dims": list(dims),
        "range": None,
        "size": size,
        **more,
    }


def container(manifest: dict[str, Any] | bytes, xml: bytes, weights: bytes) -> bytes:
    """Pack the .om of softnpu."""
    text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    body = bytearray()
    spans: list[int] = []
    for section in (text, xml, weights):
        body += bytes(-(72 + len(body)) % 64)
        spans += [72 + len(body), len(section)]
        body += section
    head = struct.pack("<8sII6QII", b"SOFTNPU\0", 1, 72, *spans, zlib.crc32(bytes(body)), 0)
    return head + bytes(body)


def manifest(
    inputs: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
    gear: dict[str, Any] | None = None,
    dynamic: bool = False,
) -> dict[str, Any]:
    return {
        "name": "model",
        "soc": "Ascend310P3",
        "producer": "tests",
        "dynamic": dynamic,
        "gear": gear,
        "inputs": inputs,
        "outputs": outputs,
    }


def static_om(proto: onnx.ModelProto) -> bytes:
    """An .om of a float32 model with fixed shapes."""
    xml, weights, network = ir(proto)
    parts = []
    for ports in (network.inputs, network.outputs):
        rows = []
        for port in ports:
            dims = list(port.shape)
            kind = port.element_type.to_string()
            rows.append(
                tensor(
                    port.any_name, dims, bytes_of(dims, port.element_type.size), ACL_DTYPES[kind]
                )
            )
        parts.append(rows)
    return container(manifest(*parts), xml, weights)


def gear_om(
    proto: onnx.ModelProto,
    kind: str,
    gears: Sequence[Sequence[int]],
    where: Sequence[tuple[int, int]],
    outputs: Sequence[Sequence[Sequence[int]]],
) -> bytes:
    """An .om with gears; `outputs` are the shapes of each output, one per gear."""
    shapes = []
    inputs = []
    for index, info in enumerate(proto.graph.input):
        dims = [d.dim_value or -1 for d in info.type.tensor_type.shape.dim]
        rows = []
        for gear in gears:
            row = list(dims)
            for k, (tensor_index, dim) in enumerate(where):
                if tensor_index == index:
                    row[dim] = gear[k % len(gear)]
            rows.append(row)
        for tensor_index, dim in where:
            if tensor_index == index:
                dims[dim] = -1
        shapes.append(dims)
        inputs.append(tensor(info.name, dims, max(map(bytes_of, rows))))
    results = []
    for info, rows in zip(proto.graph.output, outputs, strict=True):
        dims = [sizes[0] if len(set(sizes)) == 1 else -1 for sizes in zip(*rows, strict=True)]
        size = max(map(bytes_of, rows))
        results.append(tensor(info.name, dims, size, gear_dims=[list(row) for row in rows]))
    xml, weights, _ = ir(proto, shapes)
    gear = {
        "kind": kind,
        "gears": [list(row) for row in gears],
        "where": [list(place) for place in where],
    }
    return container(manifest(inputs, results, gear), xml, weights)


def range_om(proto: onnx.ModelProto, ranges: Sequence[Sequence[tuple[int, int]]]) -> bytes:
    """An .om whose input shapes come with each execution, within limits (-1: none)."""
    shapes = [[f"{lo}..{hi if hi >= 0 else ''}" for lo, hi in row] for row in ranges]
    import openvino as ov

    partial = [ov.PartialShape("[" + ",".join(row) + "]") for row in shapes]
    xml, weights, network = ir(proto, partial)
    parts = []
    for ports in (network.inputs, network.outputs):
        rows = []
        for port in ports:
            dims = [d.get_length() if d.is_static else -1 for d in port.partial_shape]
            limits = [[d.min_length, d.max_length] for d in port.partial_shape]
            rows.append(tensor(port.any_name, dims, 0 if -1 in dims else bytes_of(dims)))
            rows[-1]["range"] = limits
        parts.append(rows)
    return container(manifest(*parts, dynamic=True), xml, weights)


def reference(proto: onnx.ModelProto, *arrays: np.ndarray) -> list[np.ndarray]:
    """The same model on ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
    names = [info.name for info in session.get_inputs()]
    return list(session.run(None, dict(zip(names, arrays, strict=True))))
