"""softnpu's own declarations of OpenVINO's C interface, and how the library is found."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from .acl import ROOT

LOAD = """
from softnpu_model.acl import acl, Model
from softnpu_model import models
acl.aclInit(None)
acl.aclrtSetDevice(0)
Model(models.binary().SerializeToString())
"""


def test_declarations_agree_with_the_headers(tmp_path: Path) -> None:
    spec = find_spec("openvino")
    assert spec is not None
    assert spec.origin is not None
    headers = Path(spec.origin).with_name("include")
    assert (headers / "openvino/c/openvino.h").exists()
    source = ROOT / "tests/cpp/model_openvino_abi.cpp"
    command = ["g++", "-std=c++17", "-fsyntax-only", f"-I{ROOT}", "-isystem", str(headers)]
    result = subprocess.run(
        [*command, str(source)], check=False, text=True, capture_output=True, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("folder", ["missing", "empty", "not a library"])
def test_a_missing_engine_says_where_it_was_looked_for(tmp_path: Path, folder: str) -> None:
    where = tmp_path / "engine"
    if folder != "missing":
        where.mkdir()
    if folder == "not a library":
        (where / "libopenvino_c.so").write_text("no")
    environment = {
        **os.environ,
        "SOFTNPU_OPENVINO": str(where),
        "PYTHONPATH": str(ROOT / "tests"),
    }
    result = subprocess.run(
        [sys.executable, "-c", LOAD],
        check=False,
        text=True,
        capture_output=True,
        env=environment,
    )
    assert result.returncode != 0
    assert "545001" in result.stderr
    assert str(where) in result.stderr
    assert "pip install openvino" in result.stderr
