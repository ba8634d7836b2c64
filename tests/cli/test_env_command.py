"""``acl-fast env`` as users type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from acl_fast._cli import env
from acl_fast._env import layout


def plain_environment(tmp_path: Path) -> dict[str, str]:
    """An environment that knows nothing of CANN or softnpu, only where acl_fast is."""
    package = Path(layout.__file__).resolve().parents[2]
    places = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(package)}
    return {"PATH": "/usr/bin:/bin", **places}


def test_eval_is_enough(tmp_path):
    script = f"""
set -eu
eval "$({sys.executable} -m acl_fast env)"
for name in atc npu-smi acl-fast; do command -v $name; done
atc --help | head -1
printf '#include "acl/acl.h"\\nint main(void) {{ return aclInit(0); }}\\n' > main.c
gcc main.c -I$DDK_PATH/runtime/include -L$NPU_HOST_LIB -lascendcl -o main
./main && echo ran
python3 -c 'import acl_fast; print(acl_fast.__version__)'
"""
    result = subprocess.run(
        ["sh", "-c", script],
        cwd=tmp_path,
        env=plain_environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    root = lines[0].removesuffix("/bin/atc")
    assert Path(root).is_relative_to(tmp_path)
    assert lines[1:3] == [f"{root}/bin/npu-smi", f"{root}/bin/acl-fast"]
    assert lines[3].startswith("ATC start working")
    assert lines[4] == "ran"


def test_prefix_and_json(tmp_path, capsys):
    assert env.main(["--json", "--prefix", str(tmp_path / "there")]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["prefix"] == str(tmp_path / "there")
    assert (tmp_path / "there" / "lib64" / "libascendcl.so").exists()
    assert os.environ.get("ASCEND_HOME_PATH") != document["prefix"]


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """A package folder in which parts are missing."""
    package = tmp_path / "site" / "acl_fast"
    (package / "_env").mkdir(parents=True)
    monkeypatch.setattr(layout, "__file__", str(package / "_env" / "layout.py"))
    return package


def test_without_headers(elsewhere, capsys):
    assert env.main([]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no headers" in captured.err


def test_without_softnpu(elsewhere, capsys):
    (elsewhere / "include" / "acl").mkdir(parents=True)
    (elsewhere / "include" / "acl" / "acl.h").write_text("")
    assert env.main([]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "libascendcl.so is missing" in captured.err
    assert "build_ext" in captured.err


def test_without_an_engine(monkeypatch, tmp_path, capsys):
    """The tree is made all the same: programs may have other uses than models."""
    monkeypatch.setattr(layout, "find_engine", lambda: None)
    assert env.main(["--prefix", str(tmp_path / "there")]) == 0
    captured = capsys.readouterr()
    assert "SOFTNPU_OPENVINO" not in captured.out
    assert "pip install openvino" in captured.err


def test_prefix_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert env.main(["--prefix", str(tmp_path / "file" / "there")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "--prefix" in captured.err
