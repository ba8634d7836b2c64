"""``python -m acl_fast.pyacl program.py arguments``: run a program written for pyACL."""

from __future__ import annotations

import contextlib
import os
import runpy
import sys
from pathlib import Path

from acl_fast import _table
from acl_fast._table import BackendError
from acl_fast.pyacl import coverage, install
from acl_fast.softnpu._conformance_gen import STATES

USAGE = """\
usage: python -m acl_fast.pyacl PROGRAM [ARGUMENTS]
       python -m acl_fast.pyacl -m MODULE [ARGUMENTS]
       python -m acl_fast.pyacl --coverage

Runs a Python program that says "import acl"; --coverage lists what each function does here.
"""


def reach_children() -> None:
    """Let what the program starts find ``acl`` too: multiprocessing hands on ``sys.path`` (spawn,
    forkserver), other Python programs read the environment. Before a real ``acl`` in both.
    """
    folder = str(Path(__file__).with_name("_standin"))
    sys.path.insert(0, folder)
    given = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, given] if given else [folder])


def reach_libraries() -> None:
    """Let the C libraries be found by their names, as CANN's ``set_env.sh`` does: by ctypes in the
    program, which finds what is loaded, and by what it starts.
    """
    with contextlib.suppress(BackendError):  # the program's first call says it
        _table.load()
        backend = _table.backend_info()
        if backend["kind"] != "softnpu":
            return
        one_of_each = {library: function for function, (library, _) in STATES.items()}
        for function in one_of_each.values():
            _table.has(function)  # loads the library
        given = os.environ.get("LD_LIBRARY_PATH")
        folders = [str(Path(backend["library"]).parent), *([given] if given else [])]
        os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(folders)


def main(arguments: list[str]) -> int:
    """Run what the command line names, as ``python`` itself would."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0 if arguments else 2
    if arguments[0] == "--coverage":
        for name, state in coverage().items():
            print(f"{name:60} {state}")
        return 0
    install()
    reach_children()
    reach_libraries()
    if arguments[0] == "-m":
        if len(arguments) < 2:
            print(USAGE, end="", file=sys.stderr)
            return 2
        sys.argv = arguments[1:]
        sys.path.insert(0, "")
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return 0
    program = Path(arguments[0])
    if not program.exists():
        print(f"acl_fast.pyacl: there is no program {program}", file=sys.stderr)
        return 2
    sys.argv = arguments
    sys.path.insert(0, str(program.resolve().parent))
    runpy.run_path(str(program), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
