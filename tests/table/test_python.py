"""The backend as Python sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def python(tmp_path: Path):
    """Run a piece of Python that has `table` in a fresh process; lines of its output."""

    def run(code: str, **environment: str) -> list[str]:
        own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment}
        result = subprocess.run(
            [sys.executable, "-c", f"from acl_fast import _table as table\n{code}"],
            cwd=ROOT,
            env=own,
            text=True,
            capture_output=True,
            timeout=60,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()

    return run


def test_import_loads_nothing(python, library) -> None:
    path = library()
    code = """
import acl_fast
from acl_fast import abi
print(table.backend_info()["kind"] == "", "libascendcl" in open("/proc/self/maps").read())
"""
    assert python(code, ACL_FAST_LIBRARY=str(path)) == ["True False"]


def test_load_is_said_once(python, library) -> None:
    path = library()
    code = """
import logging, sys
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(name)s %(message)s")
table.load(); table.load()
print(table.backend_info())
"""
    assert python(code, ACL_FAST_LIBRARY=str(path)) == [
        f"acl_fast backend cann (named by ACL_FAST_LIBRARY): {path}",
        str({
            "kind": "cann",
            "library": str(path),
            "choice": "named by ACL_FAST_LIBRARY",
            "layers": "",
        }),
    ]  # fmt: skip


def test_has(python, library) -> None:
    path = library(without=("aclmdlExecuteAsyncV2",))
    code = """
print(table.has("aclrtMalloc"), table.has("aclmdlExecuteAsyncV2"))
try:
    table.has("aclrtMaloc")
except ValueError as error:
    print(error)
"""
    assert python(code, ACL_FAST_LIBRARY=str(path)) == [
        "True False",
        "'aclrtMaloc' is not a function of the AscendCL interface",
    ]


def test_failure_is_an_import_error_with_the_first_cause_and_every_place(python, tmp_path) -> None:
    path = tmp_path / "libascendcl.so"
    path.write_text("no library")
    code = """
import pickle
for _ in range(2):
    try:
        table.load()
    except ImportError as error:
        again = pickle.loads(pickle.dumps(error))
        print(str(error).splitlines()[0])
        print(again.search_log == error.search_log, "file too short" in error.search_log)
"""
    lines = python(code, ACL_FAST_LIBRARY=str(path))
    cause = f"no AscendCL library could be loaded: {path}: file too short"
    assert lines == [cause, "True True"] * 2
