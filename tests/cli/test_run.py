"""``acl-fast run`` and ``acl-fast info`` on softnpu, against ONNX Runtime."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper


def acl_fast(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "acl_fast", *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=240,
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """Two inputs of which one has a free batch and width; two outputs."""
    random = np.random.default_rng(8)
    weights = random.standard_normal((4, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
            helper.make_node("Mul", ["c", "scale"], ["net/features:0"]),
            helper.make_node("ReduceMax", ["net/features:0"], ["top"], axes=[1, 2, 3], keepdims=0),
        ],
        "net",
        [
            helper.make_tensor_value_info("x", T.FLOAT, ["n", 3, 6, "w"]),
            helper.make_tensor_value_info("scale", T.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("net/features:0", T.FLOAT, ["n", 4, 6, "w"]),
            helper.make_tensor_value_info("top", T.FLOAT, ["n"]),
        ],
        [numpy_helper.from_array(weights, "w")],
    )
    path = tmp_path_factory.mktemp("model") / "net.onnx"
    opsets = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    return path


def convert(model: Path, folder: Path, *options: str) -> Path:
    line = [f"--model={model}", "--framework=5", "--soc_version=Ascend310P3"]
    result = acl_fast("atc", *line, f"--output={folder}/net", *options)
    assert result.returncode == 0, result.stdout
    return next(folder.glob("*.om"))


def inputs(folder: Path, *shape: int) -> tuple[list[str], list[np.ndarray]]:
    """Two input files: .npy and raw."""
    random = np.random.default_rng(9)
    x = random.standard_normal(shape).astype(np.float32)
    scale = np.array([0.25], np.float32)
    np.save(folder / "x.npy", x)
    scale.tofile(folder / "scale.bin")
    return ["--input", f"{folder}/x.npy", "--input", f"{folder}/scale.bin"], [x, scale]


def check(model: Path, folder: Path, arrays: list[np.ndarray]) -> None:
    """The written outputs are ONNX Runtime's."""
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    expected = session.run(None, dict(zip(("x", "scale"), arrays, strict=True)))
    files = [folder / "0_net_features_0.npy", folder / "1_top.npy"]
    for file, reference in zip(files, expected, strict=True):
        actual = np.load(file)
        assert actual.shape == reference.shape
        np.testing.assert_allclose(actual, reference, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["unified", "discrete"])
@pytest.mark.parametrize(
    ("options", "words", "shape"),
    [
        (["--input_shape=x:2,3,6,5"], [], (2, 3, 6, 5)),
        (["--input_shape=x:-1,3,6,5", "--dynamic_batch_size=1,2,4"], ["--gear", "2"], (2, 3, 6, 5)),
        (
            ["--input_shape=x:2,3,-1,-1", "--dynamic_image_size=6,5;6,8"],
            ["--gear", "6,8"],
            (2, 3, 6, 8),
        ),
        (
            ["--input_shape=x:-1,3,6,-1", "--dynamic_dims=1,5;3,7"],
            ["--gear", "3,7"],
            (3, 3, 6, 7),
        ),
        (["--input_shape=x:1~4,3,6,-1"], [], (3, 3, 6, 7)),
    ],
    ids=["static", "batch", "image", "dims", "range"],
)
def test_outputs(model, tmp_path, mode, options, words, shape):
    om = convert(model, tmp_path, *options)
    files, arrays = inputs(tmp_path, *shape)
    out = tmp_path / "deep" / "out"
    result = acl_fast("run", om, *files, *words, "--loops", 3, "--output", out, SOFTNPU_MODE=mode)
    assert result.returncode == 0, result.stderr
    assert "x".join(map(str, shape)) in result.stdout
    assert "3 runs: median" in result.stdout
    check(model, out, arrays)


def test_onnx_directly_with_random_data(model, tmp_path):
    """The same seed gives the same data, another one another."""
    results = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        out = tmp_path / name
        words = ["--shape", "x:1,3,6,4", "--seed", seed, "--loops", 1, "--output", out]
        result = acl_fast("run", model, *words)
        assert result.returncode == 0, result.stderr
        results.append(np.load(out / "1_top.npy"))
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_largest_gear_is_the_default(model, tmp_path):
    om = convert(model, tmp_path, "--input_shape=x:-1,3,6,5", "--dynamic_batch_size=1,8,2")
    result = acl_fast("run", om, "--loops", 1)
    assert "gears (batch): 1; 8; 2" in result.stdout
    assert "8x3x6x5" in result.stdout


def test_mistakes(model, tmp_path):
    om = convert(model, tmp_path, "--input_shape=x:2,3,6,5")
    files, _ = inputs(tmp_path, 2, 3, 6, 4)
    np.save(tmp_path / "wide.npy", np.zeros((2, 3, 6, 5)))
    cases = {
        "/nowhere.om": ["/nowhere.om"],
        "takes shape (2, 3, 6, 5)": [om, *files],
        "1 files are given, the model has 2 inputs": [om, *files[:2]],
        "only 2 inputs": [om, *files, *files],
        "takes float32": [om, "--input", tmp_path / "wide.npy", *files[2:]],
        "no gears": [om, "--gear", "2"],
        "--shape names 'z'": [om, "--shape", "z:1"],
        "NAME:1,3,224,224": [om, "--shape", "x"],
    }
    for words, arguments in cases.items():
        result = acl_fast("run", *arguments)
        assert result.returncode == 1, arguments
        assert words in result.stderr
        assert "Traceback" not in result.stderr
    assert acl_fast("run", om, "--loops", 0).returncode == 2


def test_unknown_gear_lists_the_gears(model, tmp_path):
    om = convert(model, tmp_path, "--input_shape=x:-1,3,6,5", "--dynamic_batch_size=1,8,2")
    result = acl_fast("run", om, "--gear", "3")
    assert result.returncode == 1
    assert "1; 8; 2" in result.stderr


def test_info():
    result = acl_fast("info", "--json", SOFTNPU_DEVICES="2", SOFTNPU_SOC="Ascend310B4")
    data = json.loads(result.stdout)
    assert data["backend"] == "softnpu"
    assert [device["soc"] for device in data["devices"]] == ["Ascend310B4"] * 2
    text = acl_fast("info", SOFTNPU_DEVICES="2", SOFTNPU_SOC="Ascend310B4").stdout
    assert "Ascend310B4" in text
    assert "devices[1]" in text
    assert data["library"] in text


def test_info_without_a_backend():
    result = acl_fast("info", ACL_FAST_LIBRARY="/nowhere.so")
    assert result.returncode == 1
    assert "/nowhere.so" in result.stderr
    assert "acl-fast doctor" in result.stderr
