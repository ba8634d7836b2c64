"""The Python side of softnpu: counters, conformance, libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import acl_fast as af


def test_counters_follow_objects(device: af.Device) -> None:
    before = af.softnpu.counters()
    buffer = device.empty(1000, "uint8")
    during = af.softnpu.counters()
    buffer.close()
    after = af.softnpu.counters()
    assert during["live_device_allocations"] == before["live_device_allocations"] + 1
    assert during["live_device_bytes"] >= before["live_device_bytes"] + 1000
    assert after["live_device_allocations"] == before["live_device_allocations"]
    assert after["device_allocations"] == before["device_allocations"] + 1


def test_counters_follow_copies(device: af.Device) -> None:
    buffer = device.empty(1000, "uint8")
    before = af.softnpu.counters()
    buffer.upload(np.zeros(1000, np.uint8))
    buffer.download()
    after = af.softnpu.counters()
    grown = sum(after[name] - before[name] for name in after if name.startswith("bytes_"))
    assert grown == 2000
    af.softnpu.reset_counters()
    assert af.softnpu.counters()["bytes_h2d"] == 0


def test_reading_nothing_changes_nothing(device: af.Device) -> None:
    assert af.softnpu.counters() == af.softnpu.counters()
    assert af.softnpu.version().count(".") == 2
    assert isinstance(af.softnpu.unsupported_calls(), list)


def test_conformance_speaks_of_every_function() -> None:
    states = af.softnpu.conformance()
    assert len(states) > 700
    assert {state.partition(":")[0] for state in states.values()} <= {
        "exact",
        "approximate",
        "unsupported",
    }
    assert states["aclrtMalloc"] != "unsupported"
    for name in ("aclmdlExecute", "aclmdlExecuteAsync", "aclrtSynchronizeStream"):
        assert states[name] != "unsupported"


def test_library_folder() -> None:
    assert (Path(af.softnpu.library_dir()) / "libascendcl.so").is_file()


def test_headers_are_where_get_include_says() -> None:
    include = Path(af.get_include())
    assert (include / "acl" / "acl.h").is_file()
    assert (include / "acl_fast" / "softnpu.h").is_file()
    assert (Path(af.get_cython_include()) / "acl_fast" / "_model.pxd").is_file()


def test_import_loads_no_backend() -> None:
    """Importing works where there is no library at all, and tells only on first use."""
    code = (
        "import sys, acl_fast as af\n"
        "assert 'numpy' not in sys.modules and 'asyncio' not in sys.modules\n"
        "try: af.Device(0)\n"
        "except ImportError as error:\n"
        "    print(type(error).__name__, 'acl-fast doctor' in str(error))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ACL_FAST_LIBRARY": "/nonexistent/libascendcl.so"},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("BackendError True\n", "")


@pytest.mark.parametrize("name", ["acl_fast", "acl_fast.softnpu", "acl_fast.errors"])
def test_public_names_exist_and_are_documented(name: str) -> None:
    module = sys.modules[name]
    for public in module.__all__:
        item = getattr(module, public)
        assert isinstance(item, str) or item.__doc__, public
