"""What one call of aclmdlExecuteAsync costs, when the call itself costs nothing.

All contestants call the same function of the same no-op library: bindings from Python against a
hand-written C extension, and Cython without the GIL against a loop in C.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from benchmarks import native
from benchmarks.harness import Contestant, Row, Settings, Target, contest, flatten, statement
from benchmarks.noop import build

SOURCES = native.HERE / "native"
CALL = "binding.execute_async(model, inputs, outputs, stream)"


def environment() -> dict[str, str]:
    return {"ACL_FAST_LIBRARY": str(build.library()), "ACL_FAST_LAYERS": ""}


def c_extension(library: str) -> Any:
    module = native.extension("execute_async", SOURCES / "execute_async.c")
    module.open_library(library)
    return module


def pybind11_module(library: str) -> Any:
    import pybind11

    include = f"-I{pybind11.get_include()}"
    source = SOURCES / "execute_async_pybind.cpp"
    module = native.extension("execute_async_pybind", source, [include])
    module.open_library(library)
    return module


def ctypes_library(library: str) -> Any:
    function = ctypes.CDLL(library).aclmdlExecuteAsync
    function.argtypes = [ctypes.c_uint32] + [ctypes.c_void_p] * 3
    function.restype = ctypes.c_int
    return SimpleNamespace(execute_async=function)


def from_python(request: Any, stream: Any, settings: Settings) -> list[Row]:
    """Bindings, called from an interpreted loop."""
    library = str(build.library())
    # Integers of the size that addresses have: smaller ones parse faster.
    pointers = {"inputs": 0x7F5A_1000_0040, "outputs": 0x7F5A_1000_0080, "stream": 0x7F5A_1000_00C0}

    def binding(module: Any) -> Callable[[int], float]:
        return statement(CALL, binding=module, model=1, **pointers)

    drain = "stream.synchronize()"
    names = {"request": request, "stream": stream}
    contestants = [
        Contestant("C extension, PyArg_ParseTuple", binding(c_extension(library))),
        Contestant(
            "request.run_async(stream)",
            statement("request.run_async(stream)", drain, **names),
            Target(1.0),
        ),
        Contestant("request.launch()", statement("request.launch()", drain, **names), Target(0.5)),
        Contestant("pybind11", binding(pybind11_module(library))),
        Contestant("ctypes", binding(ctypes_library(library))),
    ]
    return contest("aclmdlExecuteAsync from Python", "ns", contestants, settings)


def from_cython(request: Any, settings: Settings) -> list[Row]:
    """The ``nogil`` twin of ``launch`` against a C loop over the same function pointer."""
    loops = native.extension("launch_loop", SOURCES / "launch_loop.pyx")
    function = ctypes.CDLL(str(build.library())).aclmdlExecuteAsync
    address = ctypes.cast(function, ctypes.c_void_p).value
    contestants = [
        Contestant("C loop", lambda n: float(loops.c_loop(request, address, n))),
        Contestant(
            "Cython request.launch_nogil()",
            lambda n: float(loops.nogil_loop(request, n)),
            Target(15, "+"),
        ),
    ]
    return contest("aclmdlExecuteAsync without the GIL", "ns", contestants, settings)


def measure(settings: Settings) -> list[Row]:
    import acl_fast as af

    device = af.Device(0)
    stream = device.create_stream()
    request = device.load_model(b"any bytes make a model here").create_request()
    request.bind(stream)
    return flatten([from_python(request, stream, settings), from_cython(request, settings)])
