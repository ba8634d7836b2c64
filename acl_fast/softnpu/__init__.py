"""softnpu, the CPU device: its counters, what it can do, and where its libraries are."""

from __future__ import annotations

import os

from acl_fast._softnpu import counters, reset_counters, unsupported_calls, version

__all__ = [
    "conformance",
    "counters",
    "library_dir",
    "reset_counters",
    "unsupported_calls",
    "version",
]


def conformance() -> dict[str, str]:
    """Return what softnpu makes of each function of the C interface.

    Returns
    -------
    dict of str to str
        ``"exact"``, ``"approximate: <how it differs>"`` or ``"unsupported"``, by function.
    """
    from acl_fast.softnpu._conformance_gen import STATES

    return {name: state for name, (_, state) in STATES.items()}


def library_dir() -> str:
    """Return the folder with libascendcl.so and its siblings, for compilers and loaders."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib64")
