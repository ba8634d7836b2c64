"""Trying things in a process of their own, so that a crash is a finding and not the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

TIMEOUT = 120

# The interpreter's own way to open a library, which resolves every symbol at once: what a later
# call would miss is named now. A library that loads is then refused for having no PyInit function;
# any other complaint is the dynamic linker's.
LOAD = """
import json, os, sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import spec_from_file_location
sys.setdlopenflags(os.RTLD_NOW | os.RTLD_LOCAL)
for path in sys.argv[1:]:
    loader = ExtensionFileLoader("probe", path)
    try:
        loader.create_module(spec_from_file_location("probe", path, loader=loader))
        complaint = ""
    except ImportError as error:
        complaint = "" if "PyInit_probe" in str(error) else str(error)
    print(json.dumps([path, complaint]), flush=True)
"""

BACKEND = """
import json
from importlib import import_module
from pathlib import Path
try:
    import acl_fast
    # Each compiled module has a stub beside it, also where the module itself has got lost.
    for stub in sorted(Path(acl_fast.__file__).parent.glob("*.pyi")):
        import_module("acl_fast." + stub.stem)
    from acl_fast import _table
except ImportError as error:
    print(json.dumps({"import": str(error)}))
    raise SystemExit
result = {}
try:
    _table.load()
except _table.BackendError as error:
    result["cause"] = error.detail
result["log"] = _table.search_log()
result.update(_table.backend_info())
print(json.dumps(result))
"""


class Outcome(NamedTuple):
    """What a process wrote, and how it ended: "" for a normal end."""

    lines: list[str]
    end: str
    errors: str


def run(code: Sequence[str], environment: Mapping[str, str] | None = None) -> Outcome:
    """Run this interpreter with arguments; never raises for what happens inside."""
    package = Path(__file__).resolve().parents[3]
    variables = {**os.environ, **(environment or {})}
    # The same acl_fast in the child, also where it is only on this process's path.
    paths = [entry for entry in variables.get("PYTHONPATH", "").split(os.pathsep) if entry]
    variables["PYTHONPATH"] = os.pathsep.join([*paths, str(package)])
    try:
        result = subprocess.run(
            [sys.executable, *code],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            env=variables,
        )
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
        text = output.decode(errors="replace") if isinstance(output, bytes) else output
        return Outcome(text.splitlines(), f"did not end within {TIMEOUT} s", "")
    end = ""
    if result.returncode < 0:
        end = f"died of {signal.Signals(-result.returncode).name}"
    elif result.returncode > 0:
        end = f"ended with exit code {result.returncode}"
    return Outcome(result.stdout.splitlines(), end, result.stderr.strip())


def load_libraries(paths: Sequence[Path]) -> dict[Path, str]:
    """Load each library; map its path to the loader's complaint, "" where it loads."""
    outcome = run(["-c", LOAD, *map(str, paths)])
    results = {Path(path): text for path, text in map(json.loads, outcome.lines)}
    for path in paths:
        if path not in results:
            results[path] = f"loading it {outcome.end or 'gave no answer'}"
            break
    return results


def load_backend(**environment: str) -> dict[str, Any]:
    """Search and load a backend as acl_fast would.

    Returns
    -------
    dict
        ``kind``, ``library``, ``choice``, ``log`` and, on failure, ``cause``, or only ``import``
        when acl_fast's compiled modules cannot be imported.
    """
    outcome = run(["-c", BACKEND], environment)
    for line in reversed(outcome.lines):
        if line.startswith("{"):
            result: dict[str, Any] = json.loads(line)
            return result
    return {"cause": f"loading the backend {outcome.end}: {outcome.errors}", "log": "", "kind": ""}
