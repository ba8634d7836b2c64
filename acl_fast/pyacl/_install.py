"""Standing in for ``acl``, and what each of its functions does here."""

from __future__ import annotations

import sys
from types import ModuleType


def install() -> ModuleType:
    """Let ``import acl``, and ``from acl.rt import ...``, find this module.

    Returns
    -------
    module
        What ``import acl`` gives.
    """
    from acl_fast import pyacl

    sys.modules["acl"] = pyacl
    for name in pyacl.SUBMODULES:
        sys.modules[f"acl.{name}"] = getattr(pyacl, name)
    return pyacl


def coverage() -> dict[str, str]:
    """Say of each function of ``acl`` what it does on the device at hand; loads the backend.

    Returns
    -------
    dict
        By name, such as ``acl.rt.malloc``: on softnpu ``"works"``, ``"works: ..."`` with what is
        not as on a card, or ``"unsupported here"``; on an NPU ``"passes through to CANN"``, or
        ``"missing in this CANN"``.
    """
    from acl_fast import _table
    from acl_fast.pyacl._coverage_gen import FUNCTIONS

    _table.load()
    on_softnpu = _table.backend_info()["kind"] == "softnpu"
    result = {}
    for name, (function, state) in FUNCTIONS.items():
        if not on_softnpu:
            known = _table.has(function)
            result[name] = "passes through to CANN" if known else "missing in this CANN"
        elif state == "unsupported":
            result[name] = "unsupported here"
        else:
            result[name] = "works" + state.replace("exact", "").replace("approximate", "")
    return dict(sorted(result.items()))
