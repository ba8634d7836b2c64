"""C and C++ programs written for CANN, built the ways such programs are built, run on softnpu.

Their results are compared with ONNX Runtime, which knows nothing of softnpu.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper

HERE = Path(__file__).resolve().parent
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
MODES = ["unified", "discrete"]


def run(line, **options):
    result = subprocess.run(
        list(map(str, line)), capture_output=True, text=True, timeout=240, **options
    )
    assert result.returncode == 0, f"{line}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def ascend(tmp_path_factory):
    """The variables that ``acl-fast env`` gives, in an environment that has no others of CANN."""
    prefix = tmp_path_factory.mktemp("env") / "tree"
    line = [sys.executable, "-m", "acl_fast", "env", "--json", "--prefix", prefix]
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ASCEND_", "SOFTNPU_", "ACL_FAST_"))
    }
    return {**plain, **json.loads(run(line, env=plain))["variables"]}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small network with two inputs and two outputs."""
    random = np.random.default_rng(5)
    weights = random.standard_normal((4, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "w"], ["c"], pads=[1, 1, 1, 1]),
            helper.make_node("Mul", ["c", "scale"], ["m"]),
            helper.make_node("Relu", ["m"], ["features"]),
            helper.make_node("GlobalAveragePool", ["features"], ["score"]),
        ],
        "net",
        [
            helper.make_tensor_value_info("image", T.FLOAT, ["n", 3, 12, 10]),
            helper.make_tensor_value_info("scale", T.FLOAT, [4, 1, 1]),
        ],
        [
            helper.make_tensor_value_info("features", T.FLOAT, ["n", 4, 12, 10]),
            helper.make_tensor_value_info("score", T.FLOAT, ["n", 4, 1, 1]),
        ],
        [numpy_helper.from_array(weights, "w")],
    )
    path = tmp_path_factory.mktemp("model") / "net.onnx"
    opsets = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    return path


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """One input with a free batch, one output."""
    random = np.random.default_rng(6)
    weights = random.standard_normal((20, 7)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Tanh", ["h"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", T.FLOAT, ["n", 20])],
        [helper.make_tensor_value_info("y", T.FLOAT, ["n", 7])],
        [numpy_helper.from_array(weights, "w")],
    )
    path = tmp_path_factory.mktemp("single") / "net.onnx"
    opsets = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    return path


def convert(ascend, model, *options):
    """Convert with the atc that the environment has on its PATH."""
    atc = shutil.which("atc", path=ascend["PATH"])
    output = model.with_name("converted")
    line = [atc, f"--model={model}", "--framework=5", f"--output={output}"]
    assert "ATC run success" in run([*line, "--soc_version=Ascend310P3", *options], env=ascend)
    return output.with_suffix(".om")


def expected(model, *inputs):
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))


def gcc_c(ascend, target):
    root = ascend["ASCEND_HOME_PATH"]
    line = ["gcc", "-std=c99", *WARNINGS, HERE / "run_model.c", f"-I{root}/include"]
    run([*line, f"-L{root}/lib64", "-lascendcl", "-o", target], env=ascend)


def gcc_split_names(ascend, target):
    """Newer CANN has parts of the core in libraries of their own."""
    root = ascend["ASCEND_HOME_PATH"]
    line = ["gcc", "-std=c99", *WARNINGS, HERE / "run_model.c", f"-I{root}/x86_64-linux/include"]
    run([*line, f"-L{root}/x86_64-linux/lib64", "-lacl_rt", "-lacl_mdl", "-o", target], env=ascend)


def cmake(ascend, target):
    """Configure and build the folder that belongs to a program."""
    folder = HERE / ("old_style" if target.name == "run_model" else "new_style")
    build = target.parent / "build"
    run(["cmake", "-S", folder, "-B", build, "-DCMAKE_BUILD_TYPE=Release"], env=ascend)
    run(["cmake", "--build", build], env=ascend)
    shutil.copy2(build / target.name, target)


def gcc_cxx(ascend, target):
    root = ascend["ASCEND_HOME_PATH"]
    line = ["g++", "-std=c++17", *WARNINGS, HERE / "async_batches.cpp", f"-I{root}/include"]
    run([*line, f"-L{root}/lib64", "-lascendcl", "-lpthread", "-o", target], env=ascend)


@pytest.fixture(scope="module", params=[gcc_c, gcc_split_names, cmake])
def run_model(request, ascend, tmp_path_factory):
    target = tmp_path_factory.mktemp("c") / "run_model"
    request.param(ascend, target)
    return target


@pytest.fixture(scope="module", params=[gcc_cxx, cmake])
def async_batches(request, ascend, tmp_path_factory):
    target = tmp_path_factory.mktemp("cxx") / "async_batches"
    request.param(ascend, target)
    return target


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["om", "onnx"])
def test_c_program(run_model, ascend, model, tmp_path, mode, kind):
    random = np.random.default_rng(1)
    image = random.standard_normal((2, 3, 12, 10)).astype(np.float32)
    scale = random.standard_normal((4, 1, 1)).astype(np.float32)
    image.tofile(tmp_path / "image.bin")
    scale.tofile(tmp_path / "scale.bin")
    file = convert(ascend, model, "--input_shape=image:2,3,12,10")
    if kind == "onnx":
        file = fixed(model, tmp_path / "fixed.onnx", 2)
    line = [run_model, file, tmp_path / "out", tmp_path / "image.bin", tmp_path / "scale.bin"]
    out = run(line, env={**ascend, "SOFTNPU_MODE": mode})
    assert f"run mode: {'host' if mode == 'discrete' else 'device'}" in out
    assert "output 0 features: 2 4 12 10, type 0" in out
    features, score = expected(model, image, scale)
    for index, reference in enumerate((features, score)):
        actual = np.fromfile(tmp_path / f"out{index}.bin", np.float32).reshape(reference.shape)
        np.testing.assert_allclose(actual, reference, rtol=1e-4, atol=1e-5)


def fixed(model, path, batch):
    """The ONNX model with its batch fixed: softnpu loads it without a conversion."""
    proto = onnx.load(str(model))
    for info in (*proto.graph.input, *proto.graph.output):
        for dim in info.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_value = batch
    onnx.save(proto, str(path))
    return path


@pytest.mark.parametrize("mode", MODES)
def test_cxx_program(async_batches, ascend, single, tmp_path, mode):
    om = convert(ascend, single, "--input_shape=x:-1,20", "--dynamic_batch_size=1,2,4,8")
    x = np.random.default_rng(2).standard_normal((8, 20)).astype(np.float32)
    x.tofile(tmp_path / "x.bin")
    batches = [4, 1, 8, 2, 8]
    line = [async_batches, om, tmp_path / "x.bin", tmp_path / "y.bin", *batches]
    out = run(line, env={**ascend, "SOFTNPU_MODE": mode})
    assert f"callbacks: {len(batches)}" in out
    [y] = expected(single, x)
    reference = np.concatenate([y[:batch] for batch in batches])
    actual = np.fromfile(tmp_path / "y.bin", np.float32).reshape(reference.shape)
    np.testing.assert_allclose(actual, reference, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_failures_are_reported_and_everything_is_given_back(
    run_model, ascend, model, tmp_path, mode
):
    (tmp_path / "short.bin").write_bytes(b"1234")
    om = convert(ascend, model, "--input_shape=image:1,3,12,10")
    environment = {**ascend, "SOFTNPU_MODE": mode}
    cases = {
        "aclmdlLoadFromFile": [tmp_path / "none.om", tmp_path / "out"],
        "2 inputs, 1 files": [om, tmp_path / "out", tmp_path / "short.bin"],
        "got 4": [om, tmp_path / "out", tmp_path / "short.bin", tmp_path / "short.bin"],
    }
    for words, arguments in cases.items():
        line = [str(run_model), *map(str, arguments)]
        result = subprocess.run(line, capture_output=True, text=True, env=environment, timeout=120)
        assert result.returncode == 1, result.stdout
        assert words in result.stderr


@pytest.mark.parametrize("mode", MODES)
def test_gear_that_the_model_lacks(async_batches, ascend, single, tmp_path, mode):
    om = convert(ascend, single, "--input_shape=x:-1,20", "--dynamic_batch_size=1,2,4,8")
    np.zeros((8, 20), np.float32).tofile(tmp_path / "x.bin")
    line = [str(async_batches), str(om), str(tmp_path / "x.bin"), str(tmp_path / "y.bin"), "3"]
    environment = {**ascend, "SOFTNPU_MODE": mode}
    result = subprocess.run(line, capture_output=True, text=True, env=environment, timeout=120)
    assert result.returncode == 1
    assert "no gear for batch 3" in result.stderr


def test_set_env_is_enough(ascend, model, tmp_path):
    """A shell that sources set_env.sh and knows nothing else: build, convert, run."""
    np.zeros((1, 3, 12, 10), np.float32).tofile(tmp_path / "image.bin")
    np.zeros((4, 1, 1), np.float32).tofile(tmp_path / "scale.bin")
    script = f"""
set -e
. {ascend["ASCEND_HOME_PATH"]}/set_env.sh
atc --model={model} --framework=5 --output=net --soc_version=Ascend310P3 \\
    --input_shape="image:1,3,12,10" | grep "ATC run success"
gcc {HERE}/run_model.c -I$ASCEND_HOME_PATH/include -L$ASCEND_HOME_PATH/lib64 -lascendcl -o app
./app net.om out image.bin scale.bin
"""
    plain = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    out = run(["sh", "-c", script], env=plain, cwd=tmp_path)
    assert "run ok" in out
    assert not np.fromfile(tmp_path / "out1.bin", np.float32).any()
