"""Run by tools/wheels.py with an installed wheel, away from the checkout: does it work there?"""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

import acl_fast as af

FOREIGN = Path(__file__).resolve().parents[1] / "cython_downstream"


def doubling_model() -> bytes:
    """Return an ONNX model that doubles eight numbers."""
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [8]) for n in ("x", "y"))
    node = helper.make_node("Add", ["x", "x"], ["y"])
    graph = helper.make_graph([node], "double", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def run_model(model: af.Model, stream: af.Stream) -> None:
    x = np.arange(8, dtype=np.float32)
    request = model.create_request()
    request.inputs[0].upload(x)
    request.run_async(stream)
    stream.synchronize()
    np.testing.assert_array_equal(request.outputs[0].download(), x * 2)


def run_foreign_package(model: af.Model, stream: af.Stream) -> None:
    """Build the package of tests/cython_downstream against the wheel; it runs without the GIL."""
    with tempfile.TemporaryDirectory() as place:
        source = shutil.copytree(FOREIGN, Path(place, "downstream"))
        build = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
        subprocess.run(build, cwd=source, check=True)
        sys.path.insert(0, str(source))
        downstream = importlib.import_module("downstream")
        assert downstream.run_in_nogil_block(model, stream, 10) == 2 * 8 * sum(range(10))


if __name__ == "__main__":
    assert "site-packages" in af.__file__, af.__file__
    with af.Device(0) as device:
        stream = device.create_stream()
        model = device.load_model(doubling_model())
        run_model(model, stream)
        run_foreign_package(model, stream)
    print(f"{af.__file__} works with {af.info()['backend']}")
