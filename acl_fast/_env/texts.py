"""Texts of the tree's files."""

from __future__ import annotations

import shlex
from pathlib import Path

EMPTY_LIBRARY = """\
/* GNU ld script. Build files name this library, but nothing of it is needed: the C library, which
 * every program links anyway, stands in, because a script may not be empty. */
INPUT ( -lc )
"""

PYTHON_ACL = '''\
"""pyACL on acl_fast: this module is acl_fast.pyacl."""

import sys

import acl_fast.pyacl

sys.modules[__name__] = acl_fast.pyacl
'''


def command(python: str, parent: str, load: str) -> str:
    """A shell command that runs a piece of acl_fast with the interpreter it belongs to.

    The current folder is kept off the module path: it may hold an ``onnx.py``.
    """
    code = (
        "import sys; "
        "sys.path[:] = [entry for entry in sys.path if entry]; "
        f"sys.path += [{parent!r}] * ({parent!r} not in sys.path); "
        f"{load}; sys.exit(main())"
    )
    return f'#!/bin/sh\nexec {shlex.quote(python)} -c {shlex.quote(code)} "$@"\n'


def version_info(cann: str, own: str) -> str:
    """``runtime/version.info``; scripts read the Version line."""
    return f"Version={cann}\nversion_dir={cann}\nproducer=softnpu {own}\n"


def version_cfg(cann: str) -> str:
    """``version.cfg``."""
    return f"# version: 1.0\nruntime_running_version=[{cann}:{cann}]\n"


def install_info(cann: str, architecture: str, root: Path) -> str:
    """``ascend_toolkit_install.info``."""
    return f"package_name=softnpu\nversion={cann}\narch={architecture}\nos=linux\npath={root}\n"


def cann_install_info(root: Path) -> str:
    """``ascend_cann_install.info``; scripts read the Install_Path line."""
    return f"Install_Type=full\nInstall_Path={root}\n"
