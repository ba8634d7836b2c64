"""Outputs that are an input, or another output once more, beside ones that are computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from . import models
from .acl import FAILURE, AclError, Dataset, Memory, Model, Run, acl, counters
from .test_dynamic import DynamicRun

RANDOM = np.random.default_rng(5)

# name: nodes, inputs, outputs, how many outputs are the engine's one port with another
CASES: dict[str, tuple[list[tuple[str, str, str]], str, str, int]] = {
    "input alone": ([("Relu", "b", "y")], "xb", "xy", 1),
    "input and reader": ([("Relu", "x", "y")], "x", "yx", 1),
    "input first": ([("Relu", "x", "y")], "x", "xy", 1),
    "inputs swapped": ([("Relu", "x", "y")], "xb", "bxy", 2),
    "identity": ([("Identity", "x", "y")], "x", "y", 0),
    "identity and reader": ([("Identity", "x", "y"), ("Relu", "x", "z")], "x", "yz", 0),
    "identity and input": ([("Identity", "x", "y"), ("Relu", "x", "z")], "x", "yxz", 1),
    "two identities": ([("Identity", "x", "y"), ("Identity", "x", "z")], "x", "yz", 0),
    "cast": ([("Cast", "x", "y"), ("Relu", "x", "z")], "x", "yz", 0),
    "cast and input": ([("Cast", "x", "y"), ("Relu", "x", "z")], "x", "yzx", 1),
    "reshape": ([("Reshape", "x", "y")], "x", "y", 0),
    "reshape and input": ([("Reshape", "x", "y"), ("Relu", "x", "z")], "x", "yzx", 1),
    "squeeze": ([("Unsqueeze", "x", "y"), ("Squeeze", "y", "z")], "x", "yz", 0),
    "no-op dropout": ([("Dropout", "x", "y"), ("Relu", "x", "z")], "x", "yzx", 2),
    "result twice": ([("Relu", "x", "h"), ("Dropout", "h", "y")], "x", "hy", 1),
    "result three times": (
        [("Relu", "x", "h"), ("Dropout", "h", "y"), ("Dropout", "y", "z"), ("Neg", "h", "n")],
        "x",
        "hynz",
        2,
    ),
    "identity of a result": ([("Relu", "x", "h"), ("Identity", "h", "y")], "x", "hy", 0),
    "reshape of a result": ([("Relu", "x", "h"), ("Reshape", "h", "y")], "x", "hy", 0),
}
SECOND = {"Reshape": "flat", "Unsqueeze": "axis", "Squeeze": "axis"}


def build(name: str, rows: int | str) -> onnx.ModelProto:
    nodes, inputs, outputs, _ = CASES[name]
    made = []
    for kind, source, target in nodes:
        sources = [source, SECOND[kind]] if kind in SECOND else [source]
        attributes: dict[str, Any] = {"to": models.FLOAT} if kind == "Cast" else {}
        made.append(helper.make_node(kind, sources, [target], **attributes))
    names = [*"xb", *(node[2] for node in nodes)]
    shapes: dict[str, tuple[int | str, ...]] = dict.fromkeys(names, (rows, 3))
    for kind, _, target in nodes:
        if kind == "Reshape":
            shapes[target] = (rows * 3 if isinstance(rows, int) else "m",)
        if kind == "Unsqueeze":
            shapes[target] = (1, rows, 3)
    used = {SECOND[kind] for kind, _, _ in nodes if kind in SECOND}
    weights = {"flat": np.array([-1]), "axis": np.array([0])}
    return models.model(
        made,
        [models.value(x, shapes[x]) for x in inputs],
        [models.value(x, shapes[x]) for x in outputs],
        {key: weights[key] for key in sorted(used)},
        check=False,
    )


def data(name: str, rows: int) -> list[np.ndarray]:
    return [RANDOM.standard_normal((rows, 3)).astype(np.float32) for _ in CASES[name][1]]


def check(run: Any, outputs: list[np.ndarray], proto: onnx.ModelProto, x: list[np.ndarray]) -> None:
    """The results are those of ONNX Runtime and the inputs are as they were."""
    for result, expected in zip(outputs, models.reference(proto, *x), strict=True):
        np.testing.assert_array_equal(result, expected)
    for memory, array in zip(run.inputs, x, strict=False):
        np.testing.assert_array_equal(memory.read(array.shape, np.float32), array)


@pytest.mark.parametrize("container", ["onnx", "om"])
@pytest.mark.parametrize("name", CASES)
def test_static(name: str, container: str) -> None:
    proto = build(name, 2)
    source = proto.SerializeToString() if container == "onnx" else models.static_om(proto)
    copies = CASES[name][3]
    with Model(source) as model, Run(model) as run:
        for _ in range(3):
            x = data(name, 2)
            run.write(*x)
            before = counters()
            run.execute()
            after = counters()
            changed = {key: after[key] - before[key] for key in after if after[key] != before[key]}
            copied = {"copies_d2d": copies, "bytes_d2d": copies * 24} if copies else {}
            assert changed == {"model_executions": 1} | copied
            check(run, [run.read(i) for i in range(model.outputs)], proto, x)


@pytest.mark.parametrize("name", CASES)
def test_other_memory_at_each_execution(name: str) -> None:
    proto = build(name, 2)
    with Model(proto.SerializeToString()) as model:
        runs = [Run(model) for _ in range(3)]
        x = [data(name, 2) for _ in runs]
        for run, arrays in zip(runs, x, strict=True):
            run.write(*arrays)
            run.execute()
        for run, arrays in zip(runs, x, strict=True):
            check(run, [run.read(i) for i in range(model.outputs)], proto, arrays)
            run.close()


@pytest.mark.parametrize("name", CASES)
def test_gears(name: str) -> None:
    gears = [1, 4, 2]
    proto = build(name, "n")
    fixed = {rows: build(name, rows) for rows in gears}
    shapes = [
        [
            [d.dim_value for d in fixed[rows].graph.output[i].type.tensor_type.shape.dim]
            for rows in gears
        ]
        for i in range(len(proto.graph.output))
    ]
    where = [(i, 0) for i in range(len(CASES[name][1]))]
    om = models.gear_om(proto, "batch", [(rows,) for rows in gears], where, shapes)
    with Model(om) as model, Run(model) as run:
        for rows in [4, 1, 2, 4]:
            x = data(name, rows)
            run.write(*x)
            index = model.gear_index()
            acl.aclmdlSetDynamicBatchSize(model.id, run.input.handle, index, rows)
            run.execute()
            dims = [shapes[i][gears.index(rows)] for i in range(model.outputs)]
            results = [run.read(i, dims[i]) for i in range(model.outputs)]
            check(run, results, fixed[rows], x)


@pytest.mark.parametrize("container", ["onnx", "om"])
@pytest.mark.parametrize("name", CASES)
def test_dynamic(name: str, container: str) -> None:
    proto = build(name, "n")
    limits = [[(1, -1), (3, 3)]] * len(CASES[name][1])
    source = proto.SerializeToString() if container == "onnx" else models.range_om(proto, limits)
    with Model(source) as model, DynamicRun(model) as run:
        for rows in [2, 5, 1]:
            x = data(name, rows)
            run.set(*x)
            run.execute()
            check(run, [run.read(i) for i in range(model.outputs)], proto, x)


@pytest.mark.parametrize("name", ["input and reader", "result twice"])
def test_dynamic_without_memory(name: str) -> None:
    """The device allocates every output, also those that it copies."""
    proto = build(name, "n")
    with Model(proto.SerializeToString()) as model, DynamicRun(model) as run:
        x = data(name, 4)
        run.set(*x)
        output = Dataset((None, 0), (None, 0))
        acl.aclmdlExecute(model.id, run.input.handle, output.handle)
        for i, expected in enumerate(models.reference(proto, *x)):
            made = Memory.__new__(Memory)
            made.address = acl.aclGetDataBufferAddr(output.buffers[i])
            made.nbytes = acl.aclGetDataBufferSizeV2(output.buffers[i])
            assert output.shape(i) == expected.shape
            np.testing.assert_array_equal(made.read(expected.shape, np.float32), expected)
            made.free()
        output.destroy()


@pytest.mark.parametrize("name", ["input and reader", "result twice"])
def test_dynamic_with_too_little_memory(name: str) -> None:
    proto = build(name, "n")
    with Model(proto.SerializeToString()) as model, DynamicRun(model) as run:
        run.set(*data(name, 4))
        acl.aclUpdateDataBuffer(run.output.buffers[1], run.outputs[1].address, 32)
        with pytest.raises(AclError, match="48 bytes; its buffer has 32") as caught:
            run.execute()
        assert caught.value.code == FAILURE


def test_in_place() -> None:
    """The program may give the input's own memory for the output that is the input."""
    proto = build("input and reader", 2)
    with Model(proto.SerializeToString()) as model, Run(model) as run:
        x = data("input and reader", 2)
        run.write(*x)
        acl.aclUpdateDataBuffer(run.output.buffers[1], run.inputs[0].address, 24)
        run.execute()
        results = [run.read(0), run.inputs[0].read((2, 3), np.float32)]
        check(run, results, proto, x)


def test_no_elements() -> None:
    proto = build("input and reader", "n")
    with Model(proto.SerializeToString()) as model, DynamicRun(model) as run:
        run.set(np.empty((0, 3), np.float32))
        run.execute()
        assert [run.output.shape(i) for i in range(2)] == [(0, 3), (0, 3)]
