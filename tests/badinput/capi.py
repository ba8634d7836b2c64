"""The C interface through ctypes, on the very library that acl_fast has loaded.

``refuse()`` is what most tests are made of: a call must return exactly the documented code, and the
message must name the function.
"""

from __future__ import annotations

import ctypes as C
import threading
from typing import Any

import numpy as np

# Codes of the C interface, by the rule they stand for.
INVALID_PARAM = 100000
INIT_REPEATED = 100002
FINALIZE_REPEATED = 100037
API_UNSUPPORTED = 200001
RT_PARAM = 107000
BAD_DEVICE = 107001
NO_CONTEXT = 107002
STREAM_CONTEXT = 107003
NOT_RECORDED = 107006
NOT_SUBSCRIBED = 107015
RT_UNSUPPORTED = 207000
OUT_OF_MEMORY = 207001
STREAM_TIMEOUT = 507046
EVENT_TIMEOUT = 507047
RESET_TOO_OFTEN = 507007
MODEL_PARAM = 145000
MODEL_PATH = 145002
MODEL_ID = 145003
MODEL_SIZE = 145006
GEAR_ADDRESS = 145011
GEAR_LENGTH = 145012
GEAR_UNKNOWN = 145013
MODEL_FAILURE = 500002

H2D, D2H, D2D = 1, 2, 3
FLOAT, ND = 0, 2
NORMAL_PAGES = 2
GEAR_INPUT = b"ascend_mbatch_shape_data"

POINTERS = [
    "aclCreateDataBuffer",
    "aclCreateTensorDesc",
    "aclmdlCreateConfigHandle",
    "aclmdlCreateDataset",
    "aclmdlCreateDesc",
    "aclmdlCreateExecConfigHandle",
    "aclmdlGetDatasetBuffer",
    "aclmdlGetDatasetTensorDesc",
    "aclGetDataBufferAddr",
]


class IODims(C.Structure):
    _fields_ = (("name", C.c_char * 128), ("count", C.c_size_t), ("dims", C.c_int64 * 128))


def argument(value: Any) -> Any:
    # Handles and sizes take 64 bits, which ctypes would cut to 32.
    return C.c_uint64(value & (2**64 - 1)) if type(value) is int else value


class Api:
    """Functions of a libascendcl.so by name."""

    def __init__(self, path: str) -> None:
        self.library = C.CDLL(path)
        self.library.aclGetRecentErrMsg.restype = C.c_char_p
        self.library.softnpuCounterName.restype = C.c_char_p
        self.library.softnpuCounterName.argtypes = [C.c_size_t]
        self.library.softnpuCounterValue.restype = C.c_uint64
        self.library.softnpuCounterValue.argtypes = [C.c_size_t]
        self.library.softnpuCounterCount.restype = C.c_size_t
        for name in POINTERS:
            getattr(self.library, name).restype = C.c_void_p

    def call(self, name: str, *arguments: Any) -> Any:
        """The plain result: a code, or the integer value of a pointer (None for NULL)."""
        return getattr(self.library, name)(*map(argument, arguments))

    def text(self) -> str:
        message = self.library.aclGetRecentErrMsg()
        return message.decode() if message else ""

    def ok(self, name: str, *arguments: Any) -> None:
        code = self.call(name, *arguments)
        assert code == 0, f"{name}: {code}: {self.text()}"

    def refuse(self, expected: int, name: str, *arguments: Any, says: tuple[str, ...] = ()) -> str:
        """Call a function that must fail with ``expected`` and say why."""
        self.text()
        code = self.call(name, *arguments)
        text = self.text()
        assert code == expected, f"{name} returned {code}, not {expected}: {text}"
        assert name in text, f"{name} failed without naming itself: {text!r}"
        for word in says:
            assert word in text, text
        return text

    def make(self, name: str, *arguments: Any) -> int:
        """A handle that is the return value."""
        handle = self.call(name, *arguments)
        assert handle, f"{name}: {self.text()}"
        return int(handle)

    def out(self, name: str, *arguments: Any) -> int:
        """A handle or address that is written to the first argument."""
        value = C.c_uint64(0)
        self.ok(name, C.byref(value), *arguments)
        return value.value

    def live(self) -> dict[str, int]:
        """What exists on the device, by kind."""
        names = [
            self.library.softnpuCounterName(i).decode()
            for i in range(self.library.softnpuCounterCount())
        ]
        return {
            name: self.library.softnpuCounterValue(i)
            for i, name in enumerate(names)
            if name.startswith("live_")
        }

    # ---- memory, datasets, models ----

    def upload(self, address: int, array: np.ndarray) -> None:
        array = np.ascontiguousarray(array)
        self.ok("aclrtMemcpy", address, array.nbytes, array.ctypes.data, array.nbytes, H2D)

    def download(self, address: int, shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
        array = np.empty(shape, dtype)
        self.ok("aclrtMemcpy", array.ctypes.data, array.nbytes, address, array.nbytes, D2H)
        return array

    def malloc(self, nbytes: int) -> int:
        return self.out("aclrtMalloc", nbytes, NORMAL_PAGES)

    def dataset(self, *parts: tuple[int | None, int]) -> Dataset:
        return Dataset(self, parts)

    def load(self, model: bytes) -> int:
        """Load from memory; the id."""
        value = C.c_uint32(0)
        self.ok("aclmdlLoadFromMem", model, len(model), C.byref(value))
        return value.value

    def load_code(self, model: bytes) -> int:
        value = C.c_uint32(0)
        return int(self.call("aclmdlLoadFromMem", model, len(model), C.byref(value)))


class Dataset:
    """A dataset of data buffers over (address, bytes) pairs; destroy() frees no memory."""

    def __init__(self, api: Api, parts: tuple[tuple[int | None, int], ...]) -> None:
        self.api = api
        self.handle = api.make("aclmdlCreateDataset")
        self.buffers = [api.make("aclCreateDataBuffer", *part) for part in parts]
        for buffer in self.buffers:
            api.ok("aclmdlAddDatasetBuffer", self.handle, buffer)

    def destroy(self) -> None:
        for buffer in self.buffers:
            self.api.ok("aclDestroyDataBuffer", buffer)
        self.api.ok("aclmdlDestroyDataset", self.handle)


class Gate:
    """Holds a stream up until this thread opens it, so that work is surely in flight."""

    def __init__(self, api: Api, stream: int) -> None:
        self.api, self.stream = api, stream
        self.thread = threading.get_ident()
        self.callback = C.CFUNCTYPE(None, C.c_void_p)(lambda _: None)
        api.ok("aclrtSubscribeReport", self.thread, stream)
        api.ok("aclrtLaunchCallback", self.callback, None, 1, stream)

    def open(self) -> None:
        self.api.ok("aclrtProcessReport", 10_000)

    def remove(self) -> None:
        self.api.ok("aclrtUnSubscribeReport", self.thread, self.stream)
