"""What the cases on softnpu share: its environment and the plain C++ program's view of it."""

from __future__ import annotations

import os
from types import ModuleType

from benchmarks import native

THREADS = str(len(os.sched_getaffinity(0)))


def environment() -> dict[str, str]:
    """Unified memory, and as many engine threads as the counterpart gets."""
    return {
        "ACL_FAST_BACKEND": "softnpu",
        "ACL_FAST_LIBRARY": "",
        "ACL_FAST_LAYERS": "",
        "SOFTNPU_MODE": "unified",
        "SOFTNPU_THREADS": THREADS,
    }


def acl_direct() -> ModuleType:
    """The C++ counterpart, on the library that acl_fast has loaded."""
    import pybind11

    import acl_fast as af

    source = native.HERE / "native" / "acl_direct.cpp"
    module = native.extension("acl_direct", source, [f"-I{pybind11.get_include()}"])
    module.open_library(af.info()["library"])
    return module
