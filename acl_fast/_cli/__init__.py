"""The ``acl-fast`` command: finds a sub-command and runs it.

A sub-command is a module of this package with ``main(argv) -> int``. Nothing of it is imported
before it is asked for, so ``acl-fast --help`` answers at once and needs no driver, no engine and
no compiled module.
"""

from __future__ import annotations

import importlib
import os
import sys
from difflib import get_close_matches
from pathlib import Path

# name: (module of this package, one line for the help)
COMMANDS = {
    "info": ("info", "backend, versions, devices, memory and engines"),
    "doctor": ("doctor", "what is missing or broken, and the line that mends it"),
    "env": ("env", "shell variables that make a CANN program's build find softnpu"),
    "atc": ("atc", "convert an ONNX model to .om, with the options of CANN's atc"),
    "run": ("run", "run a model on random or given inputs and time it"),
    "demo": ("demo", "detect objects in a street video"),
    "bench": ("bench", "measure against the layers below"),
    "trace": ("trace", "run a program and list its calls of the C interface"),
}


def available() -> dict[str, str]:
    """Sub-commands of this installation, with their one-line descriptions."""
    folder = Path(__file__).parent
    return {
        name: text
        for name, (module, text) in COMMANDS.items()
        if (folder / f"{module}.py").exists()
    }


def usage() -> str:
    """The text of ``acl-fast --help``."""
    lines = ["usage: acl-fast COMMAND [options]", "", "commands:"]
    lines += [f"  {name:<8} {text}" for name, text in available().items()]
    lines += ["", "acl-fast COMMAND --help says more about one of them."]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Run ``acl-fast`` with a command line; return the exit code.

    Parameters
    ----------
    argv : list of str, optional
        Words after the program's name; ``sys.argv`` by default.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        code = _run(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone. Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if words else 2
    name, rest = words[0], words[1:]
    if name in ("-V", "--version"):
        from acl_fast._version import __version__

        print(f"acl_fast {__version__}")
        return 0
    if name not in available():
        near = get_close_matches(name, available(), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        print(f"acl-fast: no command {name!r}{hint}\n\n{usage()}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"{__name__}.{COMMANDS[name][0]}")
    return int(module.main(rest))
