"""acl-fast env: make the tree and print the variables that lead a build to it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from acl_fast import _env
from acl_fast._env.layout import owned


def main(argv: list[str]) -> int:
    """Run ``acl-fast env``; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="acl-fast env",
        description="Make softnpu look like an installed CANN. "
        'Use it as: eval "$(acl-fast env)"; then gcc, g++, CMake projects, atc and python '
        "find headers, libraries and tools where they expect CANN's.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of shell lines")
    parser.add_argument("--prefix", type=Path, metavar="DIR", help="where to make the tree")
    options = parser.parse_args(argv)
    try:
        where = _env.installation()
        root = options.prefix or _env.default_prefix(where)
        root = root.expanduser().resolve()
        tree = _env.tree(where, root)
        _env.materialise(root, tree, owned=owned(tree))
    except _env.EnvError as error:
        print(f"acl-fast env: {error}", file=sys.stderr)
        return 1
    if where.engine is None:
        print(
            "acl-fast env: OpenVINO is not installed, so models will not load: "
            "pip install openvino",
            file=sys.stderr,
        )
    sys.stdout.write(
        _env.as_json(where, root) + "\n" if options.json else _env.as_shell(where, root)
    )
    return 0
