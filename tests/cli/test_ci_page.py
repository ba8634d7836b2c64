"""docs/ci.md: what it tells other projects to run is run, in a folder that is not ours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.core import models

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/ci.md").read_text()
PYTHON = """
import sys
import acl

assert acl.init() == 0 and acl.rt.set_device(0) == 0
model, ret = acl.mdl.load_from_file(sys.argv[1])
assert ret == 0, acl.get_recent_err_msg()
print("python", acl.mdl.unload(model), acl.rt.reset_device(0), acl.finalize())
"""
CPP = """
#include <cstdio>
#include "acl/acl.h"

int main(int, char **arguments) {
    uint32_t model = 0;
    if (aclInit(nullptr) != 0 || aclrtSetDevice(0) != 0) return 1;
    const int loaded = aclmdlLoadFromFile(arguments[1], &model);
    std::printf("cpp %d %d\\n", loaded, aclmdlUnload(model));
    return aclrtResetDevice(0) || aclFinalize();
}
"""


def block(kind: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


def run(lines: list[str], folder: Path) -> str:
    """Run them as one shell would, with the commands of this installation in front."""
    (folder / "model.onnx").write_bytes(models.add((4, 16)))
    (folder / "program.py").write_text(PYTHON)
    (folder / "program.cpp").write_text(CPP)
    keep = ("HOME", "SOFTNPU_OPENVINO", "LANG", "TMPDIR")
    env = {name: os.environ[name] for name in keep if name in os.environ}
    env["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        ["bash", "-ec", "\n".join(lines)],
        cwd=folder, env=env, text=True, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_plain_shell(tmp_path: Path) -> None:
    lines = block("sh").splitlines()
    installing = [line for line in lines if "venv" in line or line.startswith("pip install")]
    assert installing == lines[:2]  # tools/wheels.py tries that
    assert len(lines) <= 10
    said = run(lines[2:], tmp_path)
    assert said.endswith("python 0 0 0\ncpp 0 0\n"), said


def test_github_actions(tmp_path: Path) -> None:
    lines = re.findall(r"^ +- run: (.*)$", block("yaml"), re.MULTILINE)
    assert [line.split()[0] for line in lines] == ["sudo", "pip", "acl-fast", "python"]
    said = run(lines[2:], tmp_path)
    assert said.endswith("python 0 0 0\n"), said
