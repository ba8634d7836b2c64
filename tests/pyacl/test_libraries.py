"""Programs that call C functions through ctypes beside pyACL find the libraries by their names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import ctypes, os, subprocess, sys

core = ctypes.CDLL("libascendcl.so")
for name in ("libacl_dvpp.so", "libacl_dvpp_mpi.so", "libacl_op_compiler.so", "libacl_cblas.so"):
    ctypes.CDLL(name)
os.environ["SOFTNPU_SOC"] = "Ascend310B4"  # nothing of the library's settings was read so far
import acl

assert acl.init() == 0 and acl.rt.set_device(0) == 0 and acl.get_soc_name() == "Ascend310B4"
address = ctypes.c_void_p()
assert core.aclrtMalloc(ctypes.byref(address), ctypes.c_size_t(64), 0) == 0
assert acl.rt.memset(address.value, 64, 1, 64) == acl.rt.free(address.value) == 0
child = "import ctypes; print(ctypes.CDLL('libascendcl.so').aclInit(None))"
subprocess.run([sys.executable, "-c", child], check=True)
"""


def test_by_name(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", "acl_fast.pyacl", str(program)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
