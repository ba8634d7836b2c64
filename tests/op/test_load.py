"""Files of single operators."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.softnpu_model.acl import INVALID_PARAM, AclError, Memory, acl

from .run import NOT_FOUND, Operator

F32 = np.float32


def container(manifest: dict[str, Any]) -> bytes:
    """An .om of one operator, as `acl-fast atc --singleop` lays it out."""
    text = json.dumps(manifest).encode()
    start = 128
    end = start + len(text)
    last = (end + 63) // 64 * 64
    body = bytes(start - 72) + text + bytes(last - end)
    spans = (start, len(text), last, 0, last, 0)
    return struct.pack("<8sII6QII", b"SOFTNPU\0", 1, 72, *spans, zlib.crc32(body), 0) + body


def tensor(shape: list[int], kind: str = "float", **more: Any) -> dict[str, Any]:
    return {"format": "ND", "shape": shape, "type": kind, **more}


def single(op: str, inputs: Any, outputs: Any, attr: Any = ()) -> bytes:
    described = {"op": op, "input_desc": inputs, "output_desc": outputs, "attr": list(attr)}
    return container({"single_op": described})


ADD = single("Add", [tensor([3, 4]), tensor([3, 4])], [tensor([3, 4])])


def test_folder(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    (tmp_path / "add.om").write_bytes(ADD)
    perm = {"name": "perm", "type": "list_int", "value": [1, 0]}
    (below / "t.om").write_bytes(single("TransposeD", [tensor([3, 4])], [tensor([4, 3])], [perm]))
    order = tensor([2], "int64", is_const=True, const_value=[1, 0])
    (below / "c.om").write_bytes(single("Transpose", [tensor([3, 4]), order], [tensor([4, 3])]))
    (below / "open.om").write_bytes(single("Relu", [tensor([-1, 4])], [tensor([-1, 4])]))
    (below / "chip.om").write_bytes(b"IMOD" + bytes(300))
    acl.aclopSetModelDir(str(tmp_path).encode())
    x = np.arange(12, dtype=F32).reshape(3, 4)
    with Operator([x, x], [((3, 4), F32)]) as call:
        acl.aclopExecuteV2(*call.arguments("Add", None, None))
        acl.aclrtSynchronizeStream(None)
        np.testing.assert_array_equal(call.read()[0], 2 * x)


def test_memory_of_either_side() -> None:
    acl.aclopLoad(ADD, len(ADD))
    memory = Memory.of(np.frombuffer(ADD, np.uint8))
    acl.aclopLoad(memory.address, memory.nbytes)
    memory.free()


BROKEN = {
    "no type": single("Add", [{"shape": [1]}], [tensor([1])]),
    "type": single("Add", [tensor([1], "float7")], [tensor([1])]),
    "attribute": single("Abs", [tensor([1])], [tensor([1])], [{"name": "a", "type": "x"}]),
    "model": container({"name": "m"}),
    "list": container([]),  # type: ignore[arg-type]
    "constant": single(
        "Transpose", [tensor([3, 4]), tensor([2], "int64", const_value=[1])], [tensor([4, 3])]
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files(name: str) -> None:
    data = BROKEN[name]
    assert acl.code.aclopLoad(data, len(data)) == 100013
    assert "operator" in acl.message()


def test_refused(tmp_path: Path) -> None:
    assert acl.code.aclopSetModelDir(None) == INVALID_PARAM
    assert acl.code.aclopSetModelDir(str(tmp_path / "none").encode()) == 100014
    assert acl.code.aclopLoad(None, 8) == INVALID_PARAM
    assert acl.code.aclopLoad(ADD, 0) == INVALID_PARAM
    for data in (ADD[:-5], ADD[:-1] + b"x", b"no operator at all"):
        assert acl.code.aclopLoad(data, len(data)) == 100012
    unknown = single("NoSuchOperator", [tensor([1])], [tensor([1])])
    assert acl.code.aclopLoad(unknown, len(unknown)) == NOT_FOUND
    misfit = single("Add", [tensor([3, 4]), tensor([3, 4])], [tensor([3, 5])])
    assert acl.code.aclopLoad(misfit, len(misfit)) == 100022
    few = single("Add", [tensor([3, 4])], [tensor([3, 4])])
    assert acl.code.aclopLoad(few, len(few)) == 100021
    (tmp_path / "add.om").write_bytes(ADD)
    with pytest.raises(AclError, match="aclopLoad or aclopSetModelDir"):
        acl.aclmdlLoadFromMem(ADD, len(ADD), bytes(4))
    assert acl.code.aclopSetMaxOpQueueNum(0) == INVALID_PARAM
    acl.aclopSetMaxOpQueueNum(20000)
