"""The command line: syntax, what is printed where, E-codes, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper

from acl_fast._atc.options import OPTIONS

START = "ATC start working now, please wait for a moment."
BASE = {"framework": 5, "soc_version": "Ascend310P3"}

# The 22 options that public command lines use most, with values they use.
COMMONEST = {
    "log": "error",
    "output_type": "FP32",
    "out_nodes": "relu:0",
    "enable_small_channel": "1",
    "precision_mode": "allow_fp32_to_fp16",
    "op_select_implmode": "high_precision",
    "dynamic_batch_size": "1,2,4,8",
    "input_fp16_nodes": "x",
    "optypelist_for_implmode": "Gelu,Sigmoid",
    "save_original_model": "false",
    "input_format": "NCHW",
}


def test_success(conv, atc, tmp_path):
    result = atc(model=conv, output=tmp_path / "m", input_shape="x:1,3,8,8", **BASE)
    lines = result.out.splitlines()
    assert lines[0] == START
    assert lines[-1].startswith("ATC run success")
    assert result.code == 0
    table = [line.split() for line in lines if line.strip().startswith(("input ", "output "))]
    assert table == [
        ["input", "0", "x", "1,3,8,8", "FP32", "NCHW", "768"],
        ["output", "0", "y", "1,5,8,8", "FP32", "NCHW", "1280"],
        ["output", "1", "mean", "1,5,1,1", "FP32", "NCHW", "20"],
    ]


def test_failure_text(fails):
    result = fails("/nowhere/net.onnx")
    lines = result.out.splitlines()
    assert lines[0] == START
    failed = lines.index(
        "ATC run failed, Please check the detail log, Try 'atc --help' for more information"
    )
    assert lines[failed + 1].startswith("E10001: ")
    assert "/nowhere/net.onnx" in lines[failed + 1]
    assert "--model" in lines[failed + 1]
    assert lines[failed + 2].startswith("        Solution: ")
    assert lines[failed + 3] == "        TraceBack (most recent call last):"
    assert "ATC run success" not in result.out


def test_from_a_shell(conv, tmp_path):
    """Exit code, and everything on standard output, as scripts that drive atc expect."""
    line = [sys.executable, "-m", "acl_fast", "atc", f"--model={conv}", "--framework=5"]
    line += [f"--output={tmp_path}/m", "--soc_version=Ascend310", "--input_shape=x:1,3,8,8"]
    good = subprocess.run(line, capture_output=True, text=True)
    assert (good.returncode, good.stderr) == (0, "")
    assert "\nATC run success" in good.stdout
    bad = subprocess.run([*line, "--bogus=1"], capture_output=True, text=True)
    assert (bad.returncode, bad.stderr) == (1, "")
    assert "\nE10001: " in bad.stdout


def test_help_names_every_option(atc):
    result = atc("--help")
    assert result.code == 0
    assert result.out.startswith(START)
    for option in OPTIONS:
        assert f"--{option.name}" in result.out


@pytest.mark.parametrize(
    "shape",
    [
        ["--input_shape=x:1,3,8,8"],
        ["--input_shape", "x:1,3,8,8"],
        ["-input_shape=x:1,3,8,8"],
        ["-input-shape", "x:1,3,8,8"],
        ["--input-shape='x:1,3,8,8'"],
        ['--input_shape="x:1,3,8,8"'],
        ["--input_shape= x : 1, 3, 8, 8 "],
    ],
)
def test_ways_to_write_an_option(conv, atc, tmp_path, shape):
    result = atc(*shape, model=conv, output=tmp_path / "m", **BASE)
    assert result.code == 0, result.out


def test_the_commonest_options_together(conv, atc, tmp_path):
    result = atc(model=conv, output=tmp_path / "m", input_shape="x:-1,3,8,8", **BASE, **COMMONEST)
    assert result.code == 0, result.out
    [note] = [line for line in result.out.splitlines() if "without effect" in line]
    for name in ("precision_mode", "enable_small_channel", "op_select_implmode"):
        assert f"--{name}" in note
    for name in ("out_nodes", "dynamic_batch_size", "log", "output_type"):
        assert f"--{name}" not in note


def test_options_for_a_real_chip_change_nothing(conv, atc, convert, tmp_path):
    plain = convert(conv, input_shape="x:1,3,8,8")
    for option in OPTIONS:
        if option.effect:
            continue
        value = option.choices[0] if option.choices else "text"
        if option.file:
            (tmp_path / "file").write_text("")
            value = str(tmp_path / "file")
        om = convert(
            conv, input_shape="x:1,3,8,8", output=tmp_path / "other" / "m", **{option.name: value}
        )
        assert om.manifest == plain.manifest, option.name


def test_bare_switches(conv, atc, tmp_path):
    result = atc(
        "--enable_small_channel",
        "--display_model_info",
        *("--input_shape", "x:1,3,8,8"),
        model=conv,
        output=tmp_path / "m",
        **BASE,
    )
    assert result.code == 0, result.out
    assert "Display Model Info" in result.out


def test_an_empty_option_is_an_absent_one(conv, atc, tmp_path):
    """Build scripts write --out_nodes=$unset."""
    result = atc(
        "--out_nodes=",
        '--dynamic_batch_size=""',
        model=conv,
        output=tmp_path / "m",
        input_shape="x:1,3,8,8",
        **BASE,
    )
    assert result.code == 0, result.out


@pytest.mark.parametrize("name", ["model", "framework", "output", "soc_version"])
def test_required_options(conv, atc, tmp_path, name):
    options = {"model": conv, "output": tmp_path / "m", "input_shape": "x:1,3,8,8", **BASE}
    del options[name]
    result = atc(**options)
    assert (result.code, result.error) == (1, "E10054")
    assert f"--{name}" in result.out


# Each: options, the E-code, words that say which option, operator or value is at fault.
MISTAKES = [
    ({"modle": "x"}, "E10001", ["--modle", "Did you mean"]),
    ({"framework": 9}, "E10001", ["--framework", "9"]),
    ({"framework": 0}, "E10001", ["Caffe", "ONNX"]),
    ({"framework": 1}, "E10001", ["MindSpore", "ONNX"]),
    ({"framework": 3}, "E10001", ["TensorFlow", "ONNX"]),
    ({"soc_version": "Ascend42"}, "E10001", ["--soc_version", "Ascend42"]),
    ({"soc_version": "310P3"}, "E10001", ["--soc_version", "310P3"]),
    ({"input_format": "NHCW"}, "E10001", ["--input_format", "NHCW"]),
    ({"precision_mode": "fast"}, "E10001", ["--precision_mode", "fast"]),
    ({"op_select_implmode": "high_preformance"}, "E10001", ["high_preformance"]),
    ({"fusion_switch_file": "/nowhere"}, "E10001", ["--fusion_switch_file", "/nowhere"]),
    ({"insert_op_conf": "aipp.cfg"}, "E10052", ["AIPP configuration", "aipp.cfg"]),
    ({"singleop": "add.json"}, "E10009", ["--singleop", "--model"]),
    ({"is_output_adjust_hw_layout": "true"}, "E10001", ["NC1HWC0"]),
    ({"output_type": "FP42"}, "E10001", ["--output_type", "FP42"]),
    ({"output_type": "conv:0:FP16"}, "E10016", ["--output_type", "conv:0"]),
    ({"output_type": "nope:0:FP16"}, "E10016", ["--output_type", "nope:0"]),
    ({"out_nodes": "nope:0"}, "E10016", ["--out_nodes", "nope:0"]),
    ({"out_nodes": "conv:5"}, "E10016", ["conv:5"]),
    ({"out_nodes": "conv:0,relu:0"}, "E10016", ["--out_nodes"]),
    ({"out_nodes": "conv:0;y"}, "E10001", ["--out_nodes", "mixes"]),
    ({"input_fp16_nodes": "z"}, "E10016", ["--input_fp16_nodes", "z", "x"]),
    ({"input_shape": "z:1,3,8,8"}, "E10016", ["--input_shape", "z", "x"]),
    ({"input_shape": "x:1,3,8"}, "E10002", ["--input_shape", "4"]),
    ({"input_shape": "x=1,3,8,8"}, "E10002", ["--input_shape"]),
    ({"input_shape": "x:1,3,8,eight"}, "E10002", ["eight"]),
    ({"input_shape": "x:1,3,8,-2"}, "E10002", ["-2"]),
    ({"input_shape": "x:1,3,8,9~3"}, "E10002", ["9~3"]),
    ({"input_shape": "x:1,3,8,8;x:1,3,8,8"}, "E10002", ["twice"]),
    ({"input_shape": ""}, "E10001", ["--input_shape", "x"]),
    ({"input_shape": "x:1,4,8,8"}, "E19000", ["conv", "1,4,8,8"]),
    ({"precision_mode_v2": "fp16", "precision_mode": "force_fp16"}, "E10009", ["precision_mode"]),
    ({"input_shape_range": "x:[1~2,3,8,8]"}, "E10009", ["--input_shape_range"]),
    ({"input_shape": "", "input_shape_range": "x:1~2,3,8,8"}, "E10002", ["brackets"]),
]
GEAR_MISTAKES = [
    ("x:-1,3,8,8", {"dynamic_batch_size": "4"}, "E10035", ["--dynamic_batch_size", "2"]),
    (
        "x:-1,3,8,8",
        {"dynamic_batch_size": ",".join(map(str, range(1, 102)))},
        "E10036",
        ["101", "100"],
    ),
    ("x:1,3,-1,-1", {"dynamic_image_size": "8,8;8,8,8"}, "E10037", ["--dynamic_image_size"]),
    ("x:-1,3,-1,8", {"dynamic_dims": "1,8;2"}, "E10037", ["--dynamic_dims"]),
    ("x:-1,3,8,8", {"dynamic_batch_size": "1,two"}, "E10038", ["two"]),
    ("x:-1,3,8,8", {"dynamic_batch_size": "0,1"}, "E10038", ["0"]),
    ("x:-1,3,8,8", {"dynamic_batch_size": "1,2,1"}, "E10039", ["[1]"]),
    (
        "x:-1,3,8,8",
        {"dynamic_batch_size": "1,2", "dynamic_dims": "1;2"},
        "E10009",
        ["--dynamic_batch_size", "--dynamic_dims"],
    ),
    ("x:1~9,3,8,8", {"dynamic_batch_size": "1,2"}, "E10009", ["range", "x"]),
    ("x:1,3,8,8", {"dynamic_batch_size": "1,2"}, "E10001", ["-1"]),
    ("x:-1,3,-1,8", {"dynamic_batch_size": "1,2"}, "E10001", ["dimension 2", "[x]"]),
    ("x:-1,3,8,8", {"dynamic_image_size": "8,8;4,4"}, "E10001", ["[x]"]),
    (
        "x:1,3,-1,-1",
        {"dynamic_image_size": "8,8;4,4", "input_format": "ND"},
        "E10001",
        ["--input_format", "ND"],
    ),
    ("x:-1,3,-1,8", {"dynamic_dims": "1;2"}, "E10001", ["1 values", "2 dimensions"]),
]


@pytest.mark.parametrize(("options", "code", "words"), MISTAKES)
def test_mistakes(conv, fails, options, code, words):
    result = fails(conv, **{"input_shape": "x:1,3,8,8", **options})
    assert result.error == code, result.out
    for word in words:
        assert word in result.out


@pytest.mark.parametrize(("shape", "options", "code", "words"), GEAR_MISTAKES)
def test_gear_mistakes(conv, fails, shape, options, code, words):
    result = fails(conv, input_shape=shape, **options)
    assert result.error == code, result.out
    for word in words:
        assert word in result.out


def test_gear_that_the_model_cannot_take(save_onnx, fails):
    path = save_onnx(
        "flat",
        [helper.make_node("Reshape", ["x", "s"], ["y"], name="flatten")],
        [("x", T.FLOAT, ["n", 4])],
        [("y", T.FLOAT, [2, 4])],
        constants={"s": np.array([2, 4])},
    )
    result = fails(path, input_shape="x:-1,4", dynamic_batch_size="2,3")
    assert result.error == "E19000"
    assert "gear [3]" in result.out
    assert "Reshape" in result.out


def test_more_gears_on_the_newest_chips(conv, atc, tmp_path):
    result = atc(
        model=conv,
        output=tmp_path / "m",
        framework=5,
        soc_version="Ascend950PR",
        input_shape="x:-1,3,1,1",
        dynamic_batch_size=",".join(map(str, range(1, 102))),
    )
    assert result.code == 0, result.out


@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("Ascend310", "Ascend310"),
        ("Ascend310P", "Ascend310P1 Ascend310P3 Ascend310P5 Ascend310P7 Ascend710"),
        ("Ascend310B", "Ascend310B Ascend310B1 Ascend310B3 Ascend310B4"),
        ("Ascend910", "Ascend910 Ascend910A Ascend910ProA Ascend910ProB Ascend910PremiumA"),
        ("Ascend910B", "Ascend910B Ascend910B2 Ascend910B2C Ascend910B4"),
        ("Ascend910_93", "Ascend910_9391"),
        ("Ascend950", "Ascend950PR Ascend950DT"),
    ],
)
def test_chip_names(family, names):
    from acl_fast._atc import soc

    assert {soc.family(name) for name in names.split()} == {family}


def test_words_without_an_option(conv, fails):
    result = fails(conv, "x:1,3,8,8")
    assert result.error == "E10054"
    assert "quotes" in result.out


def test_an_option_without_its_value(atc):
    assert atc("--model").error == "E10004"


def test_files_that_are_no_models(fails, tmp_path):
    cases = {
        "empty": b"",
        "text": b"hello, world",
        "zip": b"PK\x03\x04" + bytes(100),
        "om": b"IMOD" + bytes(100),
        "noise": np.random.default_rng(0).bytes(5000),
    }
    for name, data in cases.items():
        path = tmp_path / name
        path.write_bytes(data)
        result = fails(path)
        assert result.error == "E10001", result.out
        assert str(path) in result.out
    assert fails(tmp_path).error == "E10001"


def test_truncated_model(conv, fails, tmp_path):
    data = conv.read_bytes()
    for size in (len(data) // 3, len(data) - 7):
        path = tmp_path / "half.onnx"
        path.write_bytes(data[:size])
        assert fails(path, input_shape="x:1,3,8,8").error in ("E10001", "E19000")


def test_broken_graph_names_the_node(save_onnx, fails):
    path = save_onnx(
        "broken",
        [helper.make_node("Relu", ["ghost"], ["y"], name="lonely")],
        [("x", T.FLOAT, [4])],
        [("y", T.FLOAT, [4])],
    )
    result = fails(path)
    assert result.error == "E19000"
    assert "lonely" in result.out
    assert "ghost" in result.out


def test_missing_external_weights(tmp_path, fails):
    weights = onnx.numpy_helper.from_array(np.ones((64, 64), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", T.FLOAT, [1, 64])],
        [helper.make_tensor_value_info("y", T.FLOAT, [1, 64])],
        [weights],
    )
    path = tmp_path / "net.onnx"
    model = helper.make_model(graph, ir_version=8)
    onnx.save_model(model, str(path), save_as_external_data=True, location="net.data")
    (tmp_path / "net.data").unlink()
    result = fails(path)
    assert result.error == "E19000"
    assert "net.data" in result.out


def test_unknown_operators_are_all_named(save_onnx, fails):
    path = save_onnx(
        "odd",
        [
            helper.make_node("Frobnicate", ["x"], ["a"], name="first"),
            helper.make_node("Wobble", ["a"], ["b"], domain="example.org"),
            helper.make_node("Relu", ["b"], ["y"], name="fine"),
        ],
        [("x", T.FLOAT, [4])],
        [("y", T.FLOAT, [4])],
        opsets={"": 11, "example.org": 2},
    )
    result = fails(path)
    assert result.error == "E19010"
    assert "[first, optype [ai.onnx::11::Frobnicate]]" in result.out
    assert "[Wobble_1, optype [example.org::2::Wobble]]" in result.out
    assert "fine" not in result.out


def test_output_that_cannot_be_written(conv, atc, tmp_path):
    (tmp_path / "file").write_text("")
    options = {"model": conv, "input_shape": "x:1,3,8,8", **BASE}
    result = atc(output=tmp_path / "file" / "m", **options)
    assert (result.code, result.error) == (1, "E19001")
    result = atc(output=f"{tmp_path}/folder/", **options)
    assert (result.code, result.error) == (1, "E10001")


def test_missing_engine_says_what_to_install(conv, tmp_path):
    code = (
        "import sys; sys.modules['openvino'] = None; from acl_fast._atc import main; "
        f"sys.exit(main(['--model={conv}', '--framework=5', '--soc_version=Ascend310', "
        f"'--output={tmp_path}/m', '--input_shape=x:1,3,8,8']))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1
    assert "acl_fast[softnpu]" in result.stdout


# ---- the other modes --------------------------------------------------------------------------


def test_mode_6_shows_an_om(conv, convert, atc):
    om = convert(conv, input_shape="x:-1,3,8,8", dynamic_batch_size="1,4")
    result = atc(mode=6, om=om.path)
    assert result.code == 0
    assert "soc_version[Ascend310P3]" in result.out
    assert "gears (batch, 2): 1; 4" in result.out
    assert atc(mode=6, om=conv).error == "E10001"
    assert atc(mode=6, om="/nowhere.om").error == "E10001"


def test_mode_1_writes_json_of_an_om(conv, convert, atc, tmp_path):
    om = convert(conv, input_shape="x:1,3,8,8")
    target = tmp_path / "deep" / "m.json"
    assert atc(mode=1, om=om.path, json=target).code == 0
    document = json.loads(target.read_text())
    [graph] = document["graph"]
    operators = {entry["name"]: entry for entry in graph["op"]}
    convolution = operators["conv"]
    assert convolution["type"] == "Convolution"
    assert convolution["input"][0] == "x:0"
    assert convolution["input_desc"][0]["shape"]["dim"] == [1, 3, 8, 8]
    assert convolution["output_desc"][0]["dtype"] == "DT_FLOAT"


def test_mode_1_writes_json_of_an_onnx_model(conv, atc, tmp_path):
    target = tmp_path / "m.json"
    assert atc(mode=1, framework=5, om=conv, json=target).code == 0
    document = json.loads(target.read_text())
    assert [node["op_type"] for node in document["graph"]["node"]] == [
        "Conv",
        "Relu",
        "GlobalAveragePool",
    ]
    assert "raw_data" not in document["graph"]["initializer"][0]


def test_mode_3_checks_only(conv, save_onnx, atc, tmp_path):
    report = tmp_path / "report.json"
    options = {"mode": 3, "check_report": report, **BASE}
    result = atc(model=conv, input_shape="x:1,3,8,8", **options)
    assert result.code == 0, result.out
    assert {op["result"] for op in json.loads(report.read_text())["op"]} == {"success"}
    assert not list(tmp_path.glob("*.om"))

    bad = save_onnx(
        "bad",
        [
            helper.make_node("Relu", ["x"], ["a"], name="good"),
            helper.make_node("Frobnicate", ["a"], ["y"], name="odd"),
        ],
        [("x", T.FLOAT, [4])],
        [("y", T.FLOAT, [4])],
    )
    result = atc(model=bad, **options)
    assert (result.code, result.error) == (1, "E19010")
    verdicts = {op["op_name"]: op["result"] for op in json.loads(report.read_text())["op"]}
    assert verdicts == {"good": "success", "odd": "failed"}


def test_mode_5_is_refused(atc):
    result = atc(mode=5, om="x", json="y")
    assert (result.code, result.error) == (1, "E10001")


def test_debug_log_shows_the_python_stack(conv, fails):
    assert "Traceback" not in fails(conv, input_shape="z:1").out
    assert "resolve" in fails(conv, input_shape="z:1", log="debug").out


def test_interrupt_leaves_nothing(conv, tmp_path):
    """Control-C in the middle: exit code 130, no temporary files."""
    code = f"""
import signal, sys
from acl_fast._cli import main
from acl_fast._atc import convert
def interrupt(*arguments): raise KeyboardInterrupt
convert.translate.translate = interrupt
sys.exit(main(["atc", "--model={conv}", "--framework=5", "--soc_version=Ascend310",
               "--output={tmp_path}/out/m", "--input_shape=x:1,3,8,8"]))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 130, result.stderr
    assert os.listdir(tmp_path / "out") == []
