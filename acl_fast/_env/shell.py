"""The variables, as shell lines and as JSON."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

from .layout import Installation


class Variable(NamedTuple):
    """One exported variable.

    ``mode`` is ``set``, ``prepend`` (a path list that keeps what it held) or ``default`` (only
    when the user has not set it).
    """

    name: str
    value: str
    mode: str = "set"


def variables(where: Installation, root: Path) -> list[Variable]:
    """All variables for the tree at ``root``."""
    base = str(root)
    result = [
        Variable(name, base)
        for name in (
            "ASCEND_HOME_PATH",
            "ASCEND_TOOLKIT_HOME",
            "ASCEND_HOME",
            "DDK_PATH",
            "INSTALL_DIR",
            "install_path",
            "ASCEND_AICPU_PATH",
        )
    ]
    result += [
        Variable("NPU_HOST_LIB", f"{base}/runtime/lib64/stub"),
        Variable("ASCEND_VERSION", "ascend-toolkit/latest"),
        Variable("ARCH_PATTERN", "."),
        Variable("ASCEND_OPP_PATH", f"{base}/opp"),
        Variable("TOOLCHAIN_HOME", f"{base}/toolkit"),
        Variable("CPU_ARCH", platform.machine()),
        Variable("THIRDPART_PATH", f"{base}/thirdpart", "default"),
        # The tree looks like CANN to a search; what lies in it is softnpu.
        Variable("ACL_FAST_BACKEND", "softnpu", "default"),
    ]
    if where.engine:
        result.append(Variable("SOFTNPU_OPENVINO", str(where.engine)))
    commands = [f"{base}/bin"]
    if sys.prefix != sys.base_prefix:
        # The interpreter that has acl_fast, so that python in this shell can import it.
        commands.append(os.path.dirname(where.python))
    result += [
        Variable("PATH", ":".join(commands), "prepend"),
        Variable("LD_LIBRARY_PATH", f"{base}/lib64", "prepend"),
        Variable("PYTHONPATH", f"{base}/python/site-packages", "prepend"),
    ]
    return result


def _line(variable: Variable) -> str:
    name, value, mode = variable
    quoted = shlex.quote(value)
    if mode == "prepend":
        # Once only, however often it is evaluated.
        return (
            f'case ":${{{name}:-}}:" in *:{quoted}:*) ;; '
            f'*) export {name}={quoted}"${{{name}:+:${name}}}" ;; esac'
        )
    if mode == "default":
        return f'[ -n "${{{name}:-}}" ] || export {name}={quoted}'
    return f"export {name}={quoted}"


def as_shell(where: Installation, root: Path) -> str:
    """Lines for ``eval`` in sh, bash, dash and zsh."""
    return "\n".join(_line(variable) for variable in variables(where, root)) + "\n"


def set_env(where: Installation, root: Path) -> str:
    """The ``set_env.sh`` of the tree."""
    return f"# softnpu {where.version}: source this file.\n{as_shell(where, root)}"


def as_json(where: Installation, root: Path) -> str:
    """The variables as they would be in this environment, for tools that start processes."""
    environment: dict[str, str] = {}
    for name, value, mode in variables(where, root):
        old = os.environ.get(name, "")
        if mode == "default" and old:
            value = old
        elif mode == "prepend":
            kept = [entry for entry in old.split(":") if entry and entry not in value.split(":")]
            value = ":".join([value, *kept])
        environment[name] = value
    return json.dumps({"prefix": str(root), "variables": environment}, indent=2)
