"""Exceptions, without softnpu."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

import acl_fast as af
from acl_fast.errors import error_from_code

ROOT = Path(__file__).resolve().parents[2]

# An old library: no memory to be had, and none of the functions that are not required.
OLD_CANN = """
int aclrtGetDeviceCount(unsigned *count) { *count = 1; return 0; }
int aclrtGetCurrentContext(void **context) { *context = (void *)64; return 0; }
int aclrtCreateStream(void **stream) { *stream = (void *)64; return 0; }
int aclrtMalloc(void **address, unsigned long size, int policy) { return 207001; }
const char *aclGetRecentErrMsg(void) { return "the vendor's words"; }
"""


@pytest.mark.parametrize(
    ("code", "cls", "builtin", "name"),
    [
        (100000, af.AclValueError, ValueError, "ACL_ERROR_INVALID_PARAM"),
        (107001, af.AclIndexError, IndexError, "ACL_ERROR_RT_INVALID_DEVICEID"),
        (145002, af.AclModelError, ValueError, "ACL_ERROR_GE_EXEC_MODEL_PATH_INVALID"),
        (200006, af.UnsupportedError, NotImplementedError, "ACL_ERROR_FEATURE_UNSUPPORTED"),
        (207001, af.AclMemoryError, MemoryError, "ACL_ERROR_RT_MEMORY_ALLOCATION"),
        (507046, af.AclTimeoutError, TimeoutError, "ACL_ERROR_RT_STREAM_SYNC_TIMEOUT"),
        (507011, af.AclError, RuntimeError, "ACL_ERROR_RT_MODEL_EXECUTE"),
    ],
)
def test_class_name_and_text(code: int, cls: type, builtin: type, name: str) -> None:
    error = error_from_code(code, "aclrtSomething", "the vendor's words")
    assert type(error) is cls
    assert isinstance(error, builtin)
    assert (error.code, error.name, error.function) == (code, name, "aclrtSomething")
    for part in ("aclrtSomething", name, str(code), "the vendor's words"):
        assert part in str(error)


def test_unknown_codes_still_format() -> None:
    error = error_from_code(987654, "f")
    assert error.name == "ACL_ERROR_987654"
    assert "f failed" in str(error)


def test_errors_survive_pickle() -> None:
    for code in (100000, 145002, 200006, 207001, 507046, 1):
        error = error_from_code(code, "aclrtMalloc", "why")
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert (copy.code, copy.detail) == (code, "why")


def test_fork_error_says_spawn() -> None:
    assert "spawn" in str(af.ForkError())
    assert "spawn" in str(pickle.loads(pickle.dumps(af.ForkError())))


@pytest.fixture(scope="module")
def old_cann(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = (ROOT / "api" / "functions.toml").read_text()
    names = re.findall(r'^(\w+) = .*library = "ascendcl",.*required = true', rows, re.M)
    rest = [f"int {name}(void) {{ return 0; }}\n" for name in names if f" {name}(" not in OLD_CANN]
    path = tmp_path_factory.mktemp("old") / "libascendcl.so"
    line = ["gcc", "-shared", "-fPIC", "-w", "-x", "c", "-", "-o", str(path)]
    subprocess.run(line, input=OLD_CANN + "".join(rest), text=True, check=True)
    return path


def test_a_function_that_the_library_lacks(old_cann: Path) -> None:
    code = """
import acl_fast as af
device = af.Device(0)
try:
    device.create_stream().abort()
except af.UnsupportedError as error:
    print(error.function, error.code, error.detail)
device.soc_name  # lacking as well, which is no error: nothing later may be blamed on it
try:
    device.empty(4)
except af.AclMemoryError as error:
    print(error.function, error.detail)
"""
    variables = {**os.environ, "ACL_FAST_BACKEND": "cann", "ACL_FAST_LIBRARY": str(old_cann)}
    variables["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        f"aclrtStreamAbort 200006 aclrtStreamAbort: not in {old_cann}; it came with CANN 8.1.RC1",
        "aclrtMalloc the vendor's words",
    ]
