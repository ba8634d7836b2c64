"""The folder tree and the shell variables that make a CANN program's build find softnpu."""

from __future__ import annotations

from .layout import Installation, default_prefix, installation, tree
from .shell import as_json, as_shell, variables
from .tree import EnvError, materialise

__all__ = [
    "EnvError",
    "Installation",
    "as_json",
    "as_shell",
    "default_prefix",
    "installation",
    "materialise",
    "tree",
    "variables",
]
