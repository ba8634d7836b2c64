"""From the JSON of --singleop to an operator that runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acl_fast import _atc
from tests.softnpu_model.acl import acl

from .run import NOT_FOUND, Operator, attributes

F32 = np.float32
ADD = {
    "op": "Add",
    "input_desc": [{"format": "ND", "shape": [8, 16], "type": "int32"}] * 2,
    "output_desc": [{"format": "ND", "shape": [8, 16], "type": "int32"}],
}
TRANSPOSE = {
    "op": "TransposeD",
    "name": "turned",
    "input_desc": [{"format": "ND", "shape": [3, 4], "type": "float"}],
    "output_desc": [{"format": "ND", "shape": [4, 3], "type": "float"}],
    "attr": [{"name": "perm", "type": "list_int", "value": [1, 0]}],
}


def compile_file(folder: Path, content: Any) -> int:
    source = folder / "ops.json"
    source.write_text(content if isinstance(content, str) else json.dumps(content))
    out = folder / "out"
    return _atc.main([f"--singleop={source}", f"--output={out}", "--soc_version=Ascend310P3"])


def test_compiled_operators_load_and_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compile_file(tmp_path, [ADD, TRANSPOSE]) == 0
    out = tmp_path / "out"
    names = {path.name for path in out.iterdir()}
    assert names == {"0_Add_int32_8_16_int32_8_16_int32_8_16.om", "turned.om"}
    assert "ATC run success" in capsys.readouterr().out
    acl.aclopSetModelDir(str(out).encode())
    x = np.arange(12, dtype=F32).reshape(3, 4)
    with Operator([x], [((4, 3), F32)]) as call, attributes({"perm": [1, 0]}) as attr:
        acl.aclopExecuteV2(*call.arguments("TransposeD", attr, None))
        acl.aclrtSynchronizeStream(None)
        np.testing.assert_array_equal(call.read()[0], x.T)


def test_an_operator_that_is_not_here_is_named_when_it_is_loaded(tmp_path: Path) -> None:
    assert compile_file(tmp_path, [{**ADD, "op": "MyOwn"}]) == 0
    assert acl.code.aclopSetModelDir(str(tmp_path / "out").encode()) == NOT_FOUND
    assert "MyOwn" in acl.message()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "no JSON"),
        ("{}", "no list"),
        ([], "no list"),
        ([3], "no object"),
        ([{}], '"op"'),
        ([{"op": "Add", "output_desc": []}], '"input_desc"'),
        ([{**ADD, "name": "a/b"}], "no name"),
        ([{**ADD, "name": "a"}, {**ADD, "name": "a"}], "two operators"),
        ([{**ADD, "input_desc": [{"shape": [1], "type": "int12"}]}], "int12"),
        ([{**ADD, "input_desc": [{"shape": "1", "type": "int8"}]}], '"shape"'),
        ([{**ADD, "input_desc": [{"shape": [1], "type": "int8", "format": "NZ"}]}], "[NZ]"),
        ([{**ADD, "attr": [{"name": "a", "type": "tensor", "value": 1}]}], "tensor"),
        ([{**ADD, "attr": [{"name": "a", "type": "int"}]}], '"value"'),
    ],
)
def test_mistakes(
    content: Any, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compile_file(tmp_path, content) == 1
    text = capsys.readouterr().out
    assert "E10001" in text
    assert words in text
    assert not (tmp_path / "out").exists()


def test_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = f"--singleop={tmp_path / 'none.json'}"
    soc = "--soc_version=Ascend310P3"
    assert _atc.main([missing, f"--output={tmp_path}", soc]) == 1
    assert "E10024" in capsys.readouterr().out
    assert _atc.main([missing, soc]) == 1
    assert "E10054" in capsys.readouterr().out
    (tmp_path / "ok").mkdir()
    assert compile_file(tmp_path / "ok", [ADD]) == 0
    (file,) = (tmp_path / "ok" / "out").iterdir()
    with pytest.raises(_atc.OmError, match="single operator"):
        _atc.Om(file)
