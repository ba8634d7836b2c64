"""Models that hand on what AIPP gives them, so that a test sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import acl_fast as af
from acl_fast._atc import aipp
from acl_fast._atc.convert import Request, convert
from tests.aipp.aipp_model import Config

TYPES = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "uint8": TensorProto.UINT8,
}


@pytest.fixture(scope="session")
def device() -> Iterator[af.Device]:
    with af.Device(0) as opened:
        yield opened


def passing_on(path: Path, shape: Sequence[int | str], dtype: str) -> Path:
    """Write a network whose output is its input, added to 0."""
    kind = TYPES[dtype]
    x = helper.make_tensor_value_info("x", kind, shape)
    y = helper.make_tensor_value_info("y", kind, shape)
    zero = helper.make_tensor("zero", kind, [1], np.zeros(1, dtype).tobytes(), raw=True)
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "zero"], ["y"])], "on", [x, y][:1], [y], [zero]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path


Compile = Callable[..., Path]


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    """Compile a network behind a configuration; return the .om."""

    def make(config: Config, *, batch: int = 1, nhwc: bool = False, dtype: str = "float32") -> Path:
        width, height = config.result_size()
        count = 1 if config.input_format == "YUV400_U8" else 3
        shape = [batch, height, width, count] if nhwc else [batch, count, height, width]
        path = passing_on(tmp_path / "network.onnx", shape, dtype)
        request = Request(
            path,
            tmp_path / "network",
            input_format="NHWC" if nhwc else "NCHW",
            aipp=aipp.parse(config.text()),
        )
        return convert(request).path

    return make
