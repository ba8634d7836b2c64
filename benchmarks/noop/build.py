"""Build the no-op ABI library: noop.c plus a `return 0` for the rest of api/functions.toml."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks import native

HERE = Path(__file__).resolve().parent

# No prototype is needed: in the C calling conventions of x86-64 and AArch64 a function may ignore
# its arguments, and an integer zero is also a null pointer. Weak, so that noop.c overrides.
STUB = '__attribute__((weak, visibility("default"))) long {name}(void) {{ return 0; }}\n'


def required() -> list[str]:
    """Names of the functions that a backend must have."""
    table = (native.ROOT / "api" / "functions.toml").read_text()
    return re.findall(r"^(\w+) = {.*\brequired = true\b", table, re.MULTILINE)


def library() -> Path:
    """Path of the no-op libascendcl.so, built if need be."""
    stubs = native.BUILD / "noop_stubs.c"
    text = "".join(STUB.format(name=name) for name in required())
    if not stubs.exists() or stubs.read_text() != text:
        stubs.parent.mkdir(parents=True, exist_ok=True)
        stubs.write_text(text)
    flags = ["-Wextra", "-Werror", "-fno-builtin", "-Wl,-soname,libascendcl.so"]
    return native.build("libascendcl", [HERE / "noop.c", stubs], flags)
