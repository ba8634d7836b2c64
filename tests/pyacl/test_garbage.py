"""Garbage as arguments: codes, None, TypeError or ValueError, and never a crash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What ends the device for everybody comes last.
PROGRAM = """
import random, sys
from acl_fast import pyacl as acl, softnpu
from acl_fast.pyacl import _coverage_gen
from tests.pyacl.calling import find, parameters

ENDING = [
    "acl.init", "acl.rt.set_device", "acl.rt.create_context", "acl.rt.process_report",
    "acl.prof.init", "acl.prof.finalize", "acl.himpi.sys_exit", "acl.rt.device_task_abort",
    "acl.rt.reset_device", "acl.rt.reset_device_force", "acl.finalize_reference", "acl.finalize",
]
UTIL = [f"acl.util.{name}" for name in dir(acl.util) if not name.startswith("_")]

def live():
    return {k: v for k, v in softnpu.counters().items() if k.startswith("live_")}

mode, seed = sys.argv[1], int(sys.argv[2])
random.seed(seed)
assert acl.init() == 0 and acl.rt.set_device(0) == 0
assert acl.himpi.sys_init() == 0
GARBAGE = [0, 1, -1, 7, 0xDEAD_BEEF, 1 << 63, (1 << 64) - 1, 0x7F00_0000_1000, 12345678901234]
TEXTS = ["text", 1.5, [1, 2], {}, None, object(), b"x", [None], (0,)]
counts = {"calls": 0, "raised": 0}

def attempts(name):
    # Calls a function with garbage; yields the arguments and the result of each call.
    function = find(name)
    names = parameters(function)
    for _ in range(6):
        arguments = []
        for parameter in names:
            if parameter in ("milli_sec", "timeout"):
                arguments.append(0)
            elif mode == "types" or mode == "both" and random.random() < 0.3:
                arguments.append(random.choice(TEXTS))
            elif parameter.endswith(("_info", "_attr", "_param", "pic", "frame", "stream")) and (
                "himpi" in name
            ):
                arguments.append(random.choice([{}, None, {"width": -1, "len": 1 << 40}]))
            else:
                arguments.append(random.choice(GARBAGE))
        try:
            result = function(*arguments)
        except (TypeError, ValueError, OverflowError, MemoryError):
            counts["raised"] += 1
            continue
        counts["calls"] += 1
        yield arguments, result

before = live()
todo = [name for name in [*_coverage_gen.FUNCTIONS, *UTIL] if name not in ENDING]
for name in todo:
    creates = "create" in name or "malloc" in name or "float" in name
    for arguments, result in attempts(name):
        if name == "acl.rt.subscribe_report":
            if result == 0:
                acl.rt.unsubscribe_report(*arguments)
        elif name == "acl.rt.reserve_mem_address":
            if result[1] == 0:
                acl.rt.release_mem_address(result[0])
        elif name == "acl.himpi.vpc_sys_create_chn":
            if result[1] == 0:
                acl.himpi.vpc_destroy_chn(result[0])
        elif creates and name.endswith("_create_chn"):
            if result == 0:
                find(name.replace("create", "destroy"))(arguments[0])
        elif creates:
            # What came into being by accident goes again.
            made = result[0] if isinstance(result, tuple) else result
            ret = result[-1] if isinstance(result, tuple) else 0
            if ret == 0 and isinstance(made, int) and made and "float" not in name:
                base, _, tail = name.rpartition(".")
                undo = tail.replace("create", "destroy")
                for suffix in ("_ex_with_flag", "_with_flag", "_with_config", "_v2", "_for_cast"):
                    undo = undo.removesuffix(suffix)
                if "malloc" in tail:
                    undo = "dvpp_free" if "dvpp" in tail else (
                        "free_host" if "host" in tail else "free")
                if "create_handle_for" in tail:
                    base, undo = "acl.op", "destroy_handle"
                owner = find(base)
                if hasattr(owner, undo):
                    getattr(owner, undo)(made)
    if acl.rt.get_device() != (0, 0):
        acl.rt.set_device(0)
assert live() == before, (before, live())
stream, ret = acl.rt.create_stream()
assert ret == 0, (ret, acl.get_recent_err_msg())
memory, ret = acl.rt.malloc(1024, 0)
assert ret == 0
assert acl.rt.memset_async(memory, 1024, 7, 1024, stream) == 0
assert acl.rt.synchronize_stream(stream) == 0
assert acl.rt.free(memory) == 0 and acl.rt.destroy_stream(stream) == 0
for name in ENDING:
    for _ in attempts(name):
        pass
print("done", counts["calls"], counts["raised"])
"""


@pytest.mark.parametrize("mode", ["numbers", "types", "both"])
@pytest.mark.parametrize("seed", [1, 2])
def test_garbage_never_crashes(mode: str, seed: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PROGRAM, mode, str(seed)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,  # acl.prof.init("text") makes a folder
        env={**os.environ, "SOFTNPU_MEMORY": "1G", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    word, calls, raised = done.stdout.split()
    assert word == "done"
    assert int(calls) + int(raised) > 2000
