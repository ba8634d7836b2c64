"""Run by tools/wheels.py with an installed wheel, away from the checkout: does it work there?"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

import acl_fast as af

HERE = Path(__file__).resolve().parent


def small_model() -> bytes:
    """Return an ONNX model that adds its two inputs."""
    names = ("a", "b", "sum")
    a, b, total = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [3, 4]) for n in names)
    graph = helper.make_graph(
        [helper.make_node("Add", names[:2], names[2:])], "sum", [a, b], [total]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def run_model() -> None:
    a = np.arange(12, dtype=np.float32).reshape(3, 4)
    with af.Device(0) as device:
        stream = device.create_stream()
        model = device.load_model(small_model())
        request = model.create_request()
        request.inputs[0].upload(a)
        request.inputs[1].upload(a * 2)
        request.run_async(stream)
        stream.synchronize()
        np.testing.assert_array_equal(request.outputs[0].download(), a * 3)


def build_foreign_package() -> None:
    """Build the package of tests/cython_downstream against the wheel and let it run a model."""
    source = HERE.parent / "cython_downstream"
    with tempfile.TemporaryDirectory() as place:
        build = [sys.executable, "setup.py", "-q", "build", "--build-base", place]
        subprocess.run([*build, "--build-lib", f"{place}/lib"], cwd=source, check=True)
        check = "import sys; sys.path.insert(0, sys.argv[1]); import downstream; downstream.main()"
        subprocess.run([sys.executable, "-c", check, f"{place}/lib"], cwd=place, check=True)


if __name__ == "__main__":
    assert "site-packages" in af.__file__, af.__file__
    run_model()
    build_foreign_package()
    print(f"{af.__file__} works with {af.info()['backend']}")
