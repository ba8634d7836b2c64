"""Every function of pyACL, on a library whose functions note whether their caller has the GIL."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from acl_fast.pyacl import _coverage_gen
from tests.pyacl.calling import find

ROOT = Path(__file__).resolve().parents[2]
HELD, FREE = 1, 2
# The calling conventions let a function ignore its arguments; 0 is success and a null pointer.
FUNCTION = """
long {name}(void) {{
    called[{index}] |= PyGILState_Check() ? {held} : {free};
    return 0;
}}
"""
PROGRAM = """
import ctypes, json, os, sys
from acl_fast.pyacl import _coverage_gen
from tests.pyacl.calling import call_with_nothing

names = json.loads(sys.argv[1])
spy = ctypes.CDLL(os.environ["ACL_FAST_LIBRARY"])
called = (ctypes.c_ubyte * len(names)).in_dll(spy, "called")
seen = {}
for name in _coverage_gen.FUNCTIONS:
    ctypes.memset(called, 0, len(names))
    try:
        call_with_nothing(name)
    except ValueError:  # a length that is not 0
        call_with_nothing(name, 1)
    seen[name] = {names[i]: state for i, state in enumerate(called) if state}
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, int]]:
    """C functions that each function of pyACL called, and how."""
    folder = tmp_path_factory.mktemp("spy")
    names = re.findall(r"^(\w+) = {", (ROOT / "api" / "functions.toml").read_text(), re.MULTILINE)
    lines = [
        "extern int PyGILState_Check(void);",
        f"unsigned char called[{len(names)}];",
        *(
            FUNCTION.format(name=name, index=index, held=HELD, free=FREE)
            for index, name in enumerate(names)
        ),
    ]
    source, library = folder / "spy.c", folder / "libascendcl.so"
    source.write_text("\n".join(lines))
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-w", "-fno-builtin", "-o", library, source], check=True
    )
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PROGRAM, json.dumps(names)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
        env={**os.environ, "ACL_FAST_LIBRARY": str(library), "ACL_FAST_LAYERS": ""},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, dict[str, int]] = json.loads(done.stdout)
    return found


# Whoever keeps the GIL describes, reads or writes objects of the host; nothing of these waits.
QUICK = re.compile(
    r"(get|set|query|create|destroy|add|update)_|data_type_size|float|app_log|sys_get"
)
# subscribe_report: the thread that is subscribed must not run first.
OTHERS = {"dump_reg_callback", "stream_query", "event_elapsed_time", "subscribe_report"}
MEDIA = re.compile(r"(dvpp|vdec|venc)_")
WAITING = re.compile(
    r"(create|destroy)_(channel|chn|stream|context|event|notify)$|_async|set_device"
)
# What others ask for themselves.
ASKED = {
    "aclrtGetCurrentContext",
    "aclGetDataBufferAddr",
    "aclmdlGetDatasetNumBuffers",
    "acldvppGetStreamDescEos",
}


def test_every_function_calls_the_library(seen: dict[str, dict[str, int]]) -> None:
    silent = [name for name, (c, _) in _coverage_gen.FUNCTIONS.items() if c not in seen[name]]
    assert silent == ["acl.app_log"]  # wants texts


def test_only_what_cannot_wait_keeps_the_gil(seen: dict[str, dict[str, int]]) -> None:
    for name, (c_name, _) in _coverage_gen.FUNCTIONS.items():
        held = {called for called, how in seen[name].items() if how & HELD}
        assert held <= {c_name} | ASKED, name
        if c_name in held:
            last = name.rpartition(".")[2]
            assert last in OTHERS or QUICK.match(MEDIA.sub("", last)), name
            assert not WAITING.search(last), name


def test_docstrings_say_who_releases_the_gil(seen: dict[str, dict[str, int]]) -> None:
    for name, (c_name, _) in _coverage_gen.FUNCTIONS.items():
        if c_name in seen[name]:
            says = "Releases the GIL" in " ".join((inspect.getdoc(find(name)) or "").split())
            assert says == (seen[name][c_name] == FREE), name
