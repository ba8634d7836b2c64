"""Converted models compute what ONNX Runtime computes from the ONNX file."""

from __future__ import annotations

import math
import platform

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper

from acl_fast import _atc

FLOAT, FLOAT16, INT32, INT64, BOOL = 0, 1, 3, 9, 12
NCHW, ND = 0, 2


def close(actual, expected, tolerance=1e-5):
    assert [a.shape for a in actual] == [e.shape for e in expected]
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=tolerance, atol=tolerance)


def test_fixed_shape(conv, convert, run_om, run_onnx, random):
    om = convert(conv, input_shape="x:2,3,8,6")
    x = random(2, 3, 8, 6)
    close(run_om(om, x), run_onnx(conv, x))
    manifest = om.manifest
    assert manifest["inputs"] == [
        {
            "name": "x",
            "dtype": FLOAT,
            "format": NCHW,
            "dims": [2, 3, 8, 6],
            "range": None,
            "size": 2 * 3 * 8 * 6 * 4,
        }
    ]
    assert [t["name"] for t in manifest["outputs"]] == ["y", "mean"]
    assert [t["dims"] for t in manifest["outputs"]] == [[2, 5, 8, 6], [2, 5, 1, 1]]
    assert manifest["gear"] is None
    assert manifest["dynamic"] is False
    assert manifest["soc"] == "Ascend310P3"
    assert manifest["name"] == "m"


def test_batch_gears(conv, convert, run_om, run_onnx, random):
    om = convert(conv, input_shape="x:-1,3,8,6", dynamic_batch_size="1,4,2")
    gear = om.manifest["gear"]
    assert gear == {"kind": "batch", "gears": [[1], [4], [2]], "where": [[0, 0]]}
    assert om.path.name == "m.om"
    [x_info] = om.manifest["inputs"]
    assert x_info["dims"] == [-1, 3, 8, 6]
    assert x_info["size"] == 4 * 3 * 8 * 6 * 4
    y_info, mean_info = om.manifest["outputs"]
    assert y_info["dims"] == [-1, 5, 8, 6]
    assert y_info["size"] == 4 * 5 * 8 * 6 * 4
    for i, (batch,) in enumerate(gear["gears"]):
        x = random(batch, 3, 8, 6)
        expected = run_onnx(conv, x)
        close(run_om(om, x), expected)
        assert y_info["gear_dims"][i] == list(expected[0].shape)
        assert mean_info["gear_dims"][i] == list(expected[1].shape)


def test_image_gears(conv, convert, run_om, run_onnx, random):
    om = convert(conv, input_shape="x:2,3,-1,-1", dynamic_image_size="8,6;4,10")
    gear = om.manifest["gear"]
    assert gear == {"kind": "image", "gears": [[8, 6], [4, 10]], "where": [[0, 2], [0, 3]]}
    # 8x6 holds more than 4x10: the largest gear, not the largest height by the largest width.
    assert om.manifest["inputs"][0]["size"] == 2 * 3 * 8 * 6 * 4
    for i, (height, width) in enumerate(gear["gears"]):
        x = random(2, 3, height, width)
        expected = run_onnx(conv, x)
        close(run_om(om, x), expected)
        assert om.manifest["outputs"][0]["gear_dims"][i] == list(expected[0].shape)
    # The mean does not depend on the gear.
    assert om.manifest["outputs"][1]["dims"] == [2, 5, 1, 1]


def test_dims_gears_follow_the_order_of_input_shape(two_inputs, convert, run_om, run_onnx, random):
    om = convert(
        two_inputs,
        input_shape="b:7,-1;a:-1,7",
        input_format="ND",
        dynamic_dims="5,2;3,4;1,9",
    )
    gear = om.manifest["gear"]
    # The first value fills b's dimension 1, because --input_shape names b first.
    assert gear["where"] == [[1, 1], [0, 0]]
    for i, (n, m) in enumerate(gear["gears"]):
        a, b = random(m, 7), random(7, n)
        expected = run_onnx(two_inputs, a, b)
        close(run_om(om, a, b), expected)
        assert om.manifest["outputs"][0]["gear_dims"][i] == [m, n]
    assert [t["format"] for t in om.manifest["inputs"]] == [ND, ND]


def test_dimension_with_one_value_in_all_gears_stays_dynamic(conv, convert):
    om = convert(conv, input_shape="x:-1,3,-1,6", dynamic_dims="1,8;2,8", input_format="ND")
    assert om.manifest["inputs"][0]["dims"] == [-1, 3, -1, 6]


def test_batch_gears_of_several_inputs(save_onnx, convert, run_om, run_onnx, random):
    path = save_onnx(
        "sum",
        [helper.make_node("Add", ["a", "b"], ["s"])],
        [("a", T.FLOAT, ["n", 4]), ("b", T.FLOAT, ["n", 4])],
        [("s", T.FLOAT, ["n", 4])],
    )
    om = convert(path, input_shape="a:-1,4;b:-1,4", dynamic_batch_size="2,3")
    assert om.manifest["gear"]["where"] == [[0, 0], [1, 0]]
    a, b = random(3, 4), random(3, 4)
    close(run_om(om, a, b), run_onnx(path, a, b))


@pytest.mark.parametrize(
    "options",
    [
        {"input_shape": "x:1~4,3,8,-1"},
        {"input_shape_range": "x:[1~4,3,8,-1]"},
    ],
)
def test_ranges(conv, convert, run_om, run_onnx, random, options):
    om = convert(conv, **options)
    assert om.path.name == f"m_linux_{platform.machine()}.om"
    assert om.manifest["dynamic"] is True
    assert om.manifest["gear"] is None
    [x_info] = om.manifest["inputs"]
    assert x_info["dims"] == [-1, 3, 8, -1]
    assert x_info["range"] == [[1, 4], [3, 3], [8, 8], [1, -1]]
    assert x_info["size"] == 0
    assert om.manifest["outputs"][1]["range"] == [[1, 4], [5, 5], [1, 1], [1, 1]]
    assert om.manifest["outputs"][1]["size"] == 4 * 5 * 4
    x = random(3, 3, 8, 5)
    close(run_om(om, x), run_onnx(conv, x))


def test_range_model_for_another_host(conv, convert):
    om = convert(conv, input_shape="x:1~4,3,8,8", host_env_os="linux", host_env_cpu="aarch64")
    assert om.path.name == "m_linux_aarch64.om"


def test_bounded_range_has_the_size_of_its_maximum(conv, convert):
    om = convert(conv, input_shape="x:1~4,3,8,2~6")
    assert om.manifest["inputs"][0]["size"] == 4 * 3 * 8 * 6 * 4


def test_out_nodes_by_node_and_index(conv, convert, run_om, run_onnx, random, tmp_path):
    om = convert(conv, input_shape="x:1,3,8,8", out_nodes="relu:0;conv:0")
    assert [t["name"] for t in om.manifest["outputs"]] == ["y", "c"]
    x = random(1, 3, 8, 8)
    y, _ = run_onnx(conv, x)
    actual = run_om(om, x)
    close(actual[:1], [y])
    close([np.maximum(actual[1], 0)], [y])
    assert actual[1].min() < 0


def test_out_nodes_by_tensor_name_with_a_colon(save_onnx, convert):
    path = save_onnx(
        "tf",
        [
            helper.make_node("Relu", ["x:0"], ["mid:0"], name="mid"),
            helper.make_node("Neg", ["mid:0"], ["Identity:0"], name="last"),
        ],
        [("x:0", T.FLOAT, [1, 4])],
        [("Identity:0", T.FLOAT, [1, 4])],
    )
    om = convert(path, out_nodes="mid:0;Identity:0")
    assert [t["name"] for t in om.manifest["outputs"]] == ["mid:0", "Identity:0"]


def test_out_nodes_of_unnamed_nodes(conv, convert):
    om = convert(conv, input_shape="x:1,3,8,8", out_nodes="GlobalAveragePool_2:0")
    assert [t["name"] for t in om.manifest["outputs"]] == ["mean"]


def test_out_nodes_cut_off_what_the_engine_does_not_know(save_onnx, convert, fails):
    path = save_onnx(
        "cut",
        [
            helper.make_node("Relu", ["x"], ["y"], name="relu"),
            helper.make_node("Wobble", ["y"], ["z"], name="wobble", domain="example.org"),
        ],
        [("x", T.FLOAT, [1, 4])],
        [("z", T.FLOAT, [1, 4])],
        opsets={"": 13, "example.org": 1},
    )
    assert fails(path).error == "E19010"
    om = convert(path, out_nodes="relu:0")
    assert [t["name"] for t in om.manifest["outputs"]] == ["y"]


def test_a_shape_that_is_copied_on_its_way_is_known(save_onnx, convert, run_om, run_onnx, random):
    """Paddle's exporter puts an Identity behind most tensors, shapes among them."""
    node = helper.make_node
    path = save_onnx(
        "copied",
        [
            node("Shape", ["x"], ["s"]),
            node("Identity", ["s"], ["same"]),
            node("Slice", ["same", "first", "second"], ["n"]),
            node("Concat", ["n", "rest"], ["shape"], axis=0),
            node("Identity", ["shape"], ["target"]),
            node("Reshape", ["x", "target"], ["r"]),
            node("Identity", ["r"], ["y"]),
        ],
        [("x", T.FLOAT, ["n", 4, "w"])],
        [("y", T.FLOAT, None), ("r", T.FLOAT, None), ("same", T.INT64, [3])],
        constants={"first": np.array([0]), "second": np.array([1]), "rest": np.array([2, -1])},
    )
    om = convert(path, input_shape="x:3,4,6")
    assert [(t["name"], t["dims"]) for t in om.manifest["outputs"]] == [
        ("y", [3, 2, 12]),
        ("r", [3, 2, 12]),
        ("same", [3]),
    ]
    x = random(3, 4, 6)
    close(run_om(om, x), run_onnx(path, x))
    om = convert(path, input_shape="x:-1,4,-1", input_format="ND", dynamic_dims="1,6;3,8")
    for batch, width in ((1, 6), (3, 8)):
        x = random(batch, 4, width)
        close(run_om(om, x), run_onnx(path, x))


def test_out_nodes_keep_what_subgraphs_read(save_onnx, convert, run_om, run_onnx, random):
    def branch(name, kind):
        node = helper.make_node(kind, ["t"], [name])
        return helper.make_graph(
            [node], name, [], [helper.make_tensor_value_info(name, T.FLOAT, [1, 4])]
        )

    path = save_onnx(
        "branches",
        [
            helper.make_node("Neg", ["x"], ["t"], name="neg"),
            helper.make_node(
                "If",
                ["c"],
                ["y"],
                name="if",
                then_branch=branch("p", "Abs"),
                else_branch=branch("q", "Exp"),
            ),
            helper.make_node("Sqrt", ["y"], ["z"], name="sqrt"),
        ],
        [("x", T.FLOAT, [1, 4]), ("c", T.BOOL, [])],
        [("z", T.FLOAT, [1, 4])],
    )
    om = convert(path, out_nodes="if:0")
    assert om.manifest["inputs"][1] == {
        "name": "c",
        "dtype": BOOL,
        "format": ND,
        "dims": [],
        "range": None,
        "size": 1,
    }
    x = random(1, 4)
    for choice in (True, False):
        [z] = run_onnx(path, x, np.array(choice))
        close([np.sqrt(run_om(om, x, np.array(choice))[0])], [z])


def test_output_type_of_all(conv, convert, run_om, run_onnx, random):
    om = convert(conv, input_shape="x:1,3,8,8", output_type="FP16")
    assert [t["dtype"] for t in om.manifest["outputs"]] == [FLOAT16, FLOAT16]
    assert om.manifest["outputs"][0]["size"] == 5 * 8 * 8 * 2
    x = random(1, 3, 8, 8)
    actual = run_om(om, x)
    assert [a.dtype for a in actual] == [np.float16, np.float16]
    close(actual, run_onnx(conv, x), 2e-3)


def test_output_type_per_node(conv, convert):
    om = convert(
        conv, input_shape="x:1,3,8,8", out_nodes="relu:0;conv:0", output_type="conv:0:FP16"
    )
    assert [(t["name"], t["dtype"]) for t in om.manifest["outputs"]] == [("y", 0), ("c", 1)]


def test_fp16_input(conv, convert, run_om, run_onnx, random):
    om = convert(conv, input_shape="x:1,3,8,8", input_fp16_nodes="x")
    assert om.manifest["inputs"][0]["dtype"] == FLOAT16
    assert [t["dtype"] for t in om.manifest["outputs"]] == [FLOAT, FLOAT]
    x = random(1, 3, 8, 8).astype(np.float16)
    # The computation itself stays FP32.
    close(run_om(om, x), run_onnx(conv, x.astype(np.float32)))


def test_element_types_are_those_of_the_model(save_onnx, convert, run_om, run_onnx):
    path = save_onnx(
        "types",
        [
            helper.make_node("Cast", ["i"], ["j"], to=T.INT32),
            helper.make_node("Not", ["b"], ["c"]),
            helper.make_node("Cast", ["h"], ["g"], to=T.DOUBLE),
        ],
        [("i", T.INT64, [3]), ("b", T.BOOL, [2]), ("h", T.FLOAT16, [2])],
        [("j", T.INT32, [3]), ("c", T.BOOL, [2]), ("g", T.DOUBLE, [2])],
    )
    om = convert(path)
    assert [t["dtype"] for t in om.manifest["inputs"]] == [INT64, BOOL, FLOAT16]
    assert [t["dtype"] for t in om.manifest["outputs"]] == [INT32, BOOL, 11]
    inputs = (np.array([1, -2, 3]), np.array([True, False]), np.array([0.5, 2], np.float16))
    for a, e in zip(run_om(om, *inputs), run_onnx(path, *inputs), strict=True):
        assert a.dtype == e.dtype
        np.testing.assert_array_equal(a, e)


def test_input_that_is_an_output_and_one_that_nobody_reads(save_onnx, convert):
    path = save_onnx(
        "ports",
        [helper.make_node("Relu", ["x"], ["y"])],
        [("x", T.FLOAT, [1, 4]), ("unused", T.INT64, [2])],
        [("y", T.FLOAT, [1, 4]), ("x", T.FLOAT, [1, 4])],
    )
    om = convert(path, input_fp16_nodes="x")
    assert [t["name"] for t in om.manifest["inputs"]] == ["x", "unused"]
    assert [t["name"] for t in om.manifest["outputs"]] == ["y", "x"]
    assert [t["dtype"] for t in om.manifest["outputs"]] == [FLOAT, FLOAT]


def test_initializers_among_the_inputs_are_not_inputs(save_onnx, convert):
    path = save_onnx(
        "old",
        [helper.make_node("Add", ["x", "w"], ["y"])],
        [("x", T.FLOAT, [4]), ("w", T.FLOAT, [4])],
        [("y", T.FLOAT, [4])],
        constants={"w": np.ones(4, np.float32)},
    )
    assert [t["name"] for t in convert(path).manifest["inputs"]] == ["x"]


def test_scalar_input(save_onnx, convert):
    path = save_onnx(
        "scalar",
        [helper.make_node("Add", ["x", "s"], ["y"])],
        [("x", T.FLOAT, ["n"]), ("s", T.FLOAT, [])],
        [("y", T.FLOAT, ["n"])],
    )
    om = convert(path, input_shape="x:4")
    assert om.manifest["inputs"][1]["dims"] == []
    assert om.manifest["inputs"][1]["size"] == 4


def test_external_weights(tmp_path, convert, run_om, run_onnx, random):
    weights = random(64, 64)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["m"], name="mul"),
            helper.make_node("Relu", ["m"], ["y"], name="relu"),
        ],
        "g",
        [helper.make_tensor_value_info("x", T.FLOAT, [1, 64])],
        [helper.make_tensor_value_info("y", T.FLOAT, [1, 64])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    path = tmp_path / "folder" / "big.onnx"
    path.parent.mkdir()
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save_model(model, str(path), save_as_external_data=True, location="big.weights")
    x = random(1, 64)
    close(run_om(convert(path), x), run_onnx(path, x), 1e-4)
    close(run_om(convert(path, out_nodes="mul:0"), x), [x @ weights], 1e-4)


def test_file_needs_no_suffix(conv, convert, tmp_path, run_om, random):
    path = conv.rename(tmp_path / "model")
    assert run_om(convert(path, input_shape="x:1,3,8,8"), random(1, 3, 8, 8))


def test_output_folder_is_made_and_the_suffix_is_not_doubled(conv, convert, tmp_path):
    om = convert(conv, input_shape="x:1,3,8,8", output=tmp_path / "a" / "b" / "net.om")
    assert om.path == tmp_path / "a" / "b" / "net.om"
    assert [path.name for path in om.path.parent.iterdir()] == ["net.om"]


def test_names_are_unique(save_onnx, convert):
    path = save_onnx(
        "twice",
        [helper.make_node("Relu", ["x"], ["y"])],
        [("x", T.FLOAT, [4])],
        [("y", T.FLOAT, [4]), ("y", T.FLOAT, [4])],
    )
    names = [t["name"] for t in convert(path).manifest["outputs"]]
    assert names == ["y", "y_1"]


def test_weights_are_not_held_three_times(save_onnx, tmp_path):
    """Converting must fit beside a large model: its weights are held twice at most."""
    import subprocess
    import sys

    side = 6000
    weights = np.random.default_rng(0).standard_normal((side, side)).astype(np.float32)
    path = save_onnx(
        "large",
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [("x", T.FLOAT, [1, side])],
        [("y", T.FLOAT, [1, side])],
        constants={"w": weights},
    )
    code = f"""
import resource, sys
from acl_fast import _atc
import onnx, openvino, openvino.preprocess
from openvino.frontend import FrontEndManager
FrontEndManager().load_by_framework("onnx")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
code = _atc.main(["--model={path}", "--framework=5", "--soc_version=Ascend310",
                  "--output={tmp_path}/large"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
sys.exit(code)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    grown = int(result.stdout.splitlines()[-1]) * 1024
    assert grown < 2.5 * weights.nbytes, grown / weights.nbytes
    assert math.isclose(_atc.Om(tmp_path / "large.om").size, weights.nbytes, rel_tol=0.01)
