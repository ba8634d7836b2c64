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


# docs/pyacl.md, "Moving hot loops": the habit of public programs, and the step away from it.
def frame(settings: Settings) -> list[Row]:
    """A 1080p frame to the device and back, on the host alone: the library's copies do nothing."""
    import numpy as np

    from acl_fast import pyacl

    array = np.zeros((1620, 1920), np.uint8)
    room, _ = pyacl.rt.malloc(array.nbytes, 0)
    host, _ = pyacl.rt.malloc_host(array.nbytes)

    def with_bytes() -> None:
        data = array.tobytes()
        pyacl.rt.memcpy(room, len(data), pyacl.util.bytes_to_ptr(data), len(data), 1)
        pyacl.rt.memcpy(host, len(data), room, len(data), 2)
        np.frombuffer(pyacl.util.ptr_to_bytes(host, len(data)), np.uint8).reshape(array.shape)

    def with_views() -> None:
        pyacl.rt.memcpy(room, array.nbytes, pyacl.util.numpy_to_ptr(array), array.nbytes, 1)
        pyacl.rt.memcpy(host, array.nbytes, room, array.nbytes, 2)
        pyacl.util.ptr_to_numpy(host, array.shape, 2)

    contestants = [
        Contestant("tobytes, bytes_to_ptr, ptr_to_bytes", statement("f()", f=with_bytes)),
        Contestant("numpy_to_ptr, ptr_to_numpy", statement("f()", f=with_views)),
    ]
    rows = contest("pyACL frame in and out", "us", contestants, settings)
    pyacl.rt.free(room)
    pyacl.rt.free_host(host)
    return rows


def inference(settings: Settings) -> list[Row]:
    """One inference with datasets made each time, with kept ones, and with a Request."""
    import acl_fast as af
    from acl_fast import pyacl

    device = af.Device(0)
    stream = device.create_stream()
    request = device.load_model(b"any bytes make a model here").create_request()
    request.bind(stream)
    mdl, room = pyacl.mdl, pyacl.rt.malloc(4096, 0)[0]

    def dataset() -> int:
        made: int = mdl.create_dataset()
        mdl.add_dataset_buffer(made, pyacl.create_data_buffer(room, 4096))
        return made

    def destroy(made: int) -> None:
        pyacl.destroy_data_buffer(mdl.get_dataset_buffer(made, 0))
        mdl.destroy_dataset(made)

    def made_anew() -> None:
        inputs, outputs = dataset(), dataset()
        mdl.execute_async(1, inputs, outputs, POINTERS["stream"])
        destroy(inputs)
        destroy(outputs)

    kept = {"f": mdl.execute_async, "i": dataset(), "o": dataset(), "s": POINTERS["stream"]}
    drain = "stream.synchronize()"
    contestants = [
        Contestant("datasets made for each", statement("f()", f=made_anew)),
        Contestant("datasets kept", statement("f(1, i, o, s)", **kept)),
        Contestant(
            "request.launch()", statement("launch()", drain, launch=request.launch, stream=stream)
        ),
    ]
    return contest("pyACL inference, host", "ns", contestants, settings)


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
    return flatten([*rows, frame(settings), inference(settings), imports(settings)])
