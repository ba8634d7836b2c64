"""What the plain functions of acl_fast.pyacl cost, when the calls themselves cost nothing.

Each is held against the same function of a C extension written by hand with PyArg_ParseTuple, which
releases the GIL; both call one no-op library. The import is held against numpy's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from benchmarks import native
from benchmarks.harness import (
    UNITS,
    Contestant,
    Row,
    Settings,
    Spread,
    Target,
    contest,
    flatten,
    statement,
)
from benchmarks.noop import build

POINTERS = {"a": 0x7F5A_1000_0040, "stream": 0x7F5A_1000_00C0}

# Module of pyACL, function, arguments.
CALLS = [
    ("mdl", "execute_async", "1, inputs, inputs, stream"),
    ("rt", "memcpy_async", "room, 8, room, 8, 1, stream"),
    ("", "get_data_buffer_addr", "buffer"),
    ("", "get_data_buffer_size_v2", "buffer"),
    ("", "create_data_buffer", "a, 4096"),
    ("mdl", "create_dataset", ""),
    ("rt", "synchronize_stream", "stream"),
    ("rt", "set_context", "a"),
]

PROGRAM = """
from time import perf_counter as now
start = now(); import numpy; middle = now(); import acl_fast.pyacl; end = now()
print(middle - start, end - middle)
"""


def environment() -> dict[str, str]:
    return {"ACL_FAST_LIBRARY": str(build.library()), "ACL_FAST_LAYERS": ""}


def counterpart() -> Any:
    module = native.extension("pyacl_plain", native.HERE / "native" / "pyacl_plain.c")
    module.open_library(str(build.library()))
    return module


def one_call(module: str, function: str, arguments: str, settings: Settings) -> list[Row]:
    from acl_fast import pyacl

    by_hand = counterpart()
    ours = getattr(pyacl, module) if module else pyacl
    room, _ = pyacl.rt.malloc(4096, 0)
    buffer, inputs = pyacl.create_data_buffer(room, 4096), pyacl.mdl.create_dataset()
    pyacl.mdl.add_dataset_buffer(inputs, buffer)
    names = {**POINTERS, "room": room, "buffer": buffer, "inputs": inputs}
    call = f"f({arguments})"
    contestants = [
        Contestant(
            "C extension, PyArg_ParseTuple",
            statement(call, f=getattr(by_hand, function), **names),
        ),
        Contestant(
            f"acl.{module + '.' if module else ''}{function}()",
            statement(call, f=getattr(ours, function), **names),
            Target(0.6),
        ),
    ]
    return contest(f"pyACL {function}", "ns", contestants, settings)


def imports(settings: Settings) -> list[Row]:
    cached = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    samples = []
    for _ in range(settings.fewer(8).rounds + 1):
        command = [sys.executable, "-c", PROGRAM]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=cached)
        samples.append([float(text) * UNITS["ms"] for text in done.stdout.split()])
    del samples[0]  # fills the file cache
    numpy, own = ([sample[column] for sample in samples] for column in (0, 1))
    return [
        Row("pyACL import", "numpy", "ms", Spread.of(numpy), samples=numpy),
        Row("pyACL import", "acl_fast.pyacl after numpy", "ms", Spread.of(own), samples=own),
    ]


def measure(settings: Settings) -> list[Row]:
    from acl_fast import pyacl

    pyacl.init()
    rows = [one_call(*call, settings) for call in CALLS]
    return flatten([*rows, imports(settings)])
