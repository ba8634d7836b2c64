"""libascendcl.so through ctypes: the model functions as C programs call them."""

from __future__ import annotations

import contextlib
import ctypes as C
import importlib.util
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = Path(os.environ.get("ACL_FAST_LIBRARY") or ROOT / "acl_fast/softnpu/lib64/libascendcl.so")

# softnpu opens OpenVINO when the first model is loaded.
if "SOFTNPU_OPENVINO" not in os.environ:
    package = importlib.util.find_spec("openvino")
    assert package is not None
    assert package.origin is not None
    os.environ["SOFTNPU_OPENVINO"] = str(Path(package.origin).with_name("libs"))

H2D, D2H = 1, 2
NORMAL = 2
ND = 2
INVALID_PARAM = 100000
FAILURE = 500002
UNSUPPORTED = 200006
API_UNSUPPORTED = 200001
NO_CONTEXT = 107002
BAD_MODEL = 145000
BAD_PATH = 145002
BAD_ID = 145003
BAD_SIZE = 145006
BAD_ADDRESS = 145007
BAD_GEAR_ADDRESS = 145011
BAD_GEAR_LENGTH = 145012
BAD_GEAR = 145013
MISALIGNED = 345104
STREAM_TIMEOUT = 507046
GEAR_INPUT = b"ascend_mbatch_shape_data"

DTYPES = {
    0: np.float32,
    1: np.float16,
    2: np.int8,
    3: np.int32,
    4: np.uint8,
    6: np.int16,
    7: np.uint16,
    8: np.uint32,
    9: np.int64,
    10: np.uint64,
    11: np.float64,
    12: np.bool_,
}
ACL_TYPES = {np.dtype(dtype): code for code, dtype in DTYPES.items()}


class IODims(C.Structure):
    _fields_ = (("name", C.c_char * 128), ("count", C.c_size_t), ("dims", C.c_int64 * 128))

    def shape(self) -> tuple[int, ...]:
        return tuple(self.dims[: self.count])


class IODimsRange(C.Structure):
    _fields_ = (("count", C.c_size_t), ("range", (C.c_int64 * 2) * 128))


class Batch(C.Structure):
    _fields_ = (("count", C.c_size_t), ("batch", C.c_uint64 * 128))


class HW(C.Structure):
    _fields_ = (("count", C.c_size_t), ("hw", (C.c_uint64 * 2) * 128))


class AclError(Exception):
    """A status other than 0, with the library's own message."""

    def __init__(self, function: str, code: int, message: str) -> None:
        super().__init__(f"{function}: {code}: {message}")
        self.code = code
        self.message = message


# Functions whose result is not a status.
RESULTS: dict[str, Any] = {
    "softnpuCounterCount": C.c_size_t,
    "softnpuCounterName": C.c_char_p,
    "softnpuCounterValue": C.c_uint64,
    "softnpuMode": C.c_int,
    "aclGetRecentErrMsg": C.c_char_p,
    "aclCreateDataBuffer": C.c_void_p,
    "aclCreateTensorDesc": C.c_void_p,
    "aclDestroyTensorDesc": None,
    "aclGetDataBufferAddr": C.c_void_p,
    "aclGetDataBufferSizeV2": C.c_size_t,
    "aclGetTensorDescNumDims": C.c_size_t,
    "aclGetTensorDescType": C.c_int,
    "aclGetTensorDescFormat": C.c_int,
    "aclmdlCreateAIPP": C.c_void_p,
    "aclmdlCreateConfigHandle": C.c_void_p,
    "aclmdlCreateDataset": C.c_void_p,
    "aclmdlCreateDesc": C.c_void_p,
    "aclmdlCreateExecConfigHandle": C.c_void_p,
    "aclmdlGetDatasetBuffer": C.c_void_p,
    "aclmdlGetDatasetNumBuffers": C.c_size_t,
    "aclmdlGetDatasetTensorDesc": C.c_void_p,
    "aclmdlGetInputDataType": C.c_int,
    "aclmdlGetInputFormat": C.c_int,
    "aclmdlGetInputNameByIndex": C.c_char_p,
    "aclmdlGetInputSizeByIndex": C.c_size_t,
    "aclmdlGetNumInputs": C.c_size_t,
    "aclmdlGetNumOutputs": C.c_size_t,
    "aclmdlGetOutputDataType": C.c_int,
    "aclmdlGetOutputFormat": C.c_int,
    "aclmdlGetOutputNameByIndex": C.c_char_p,
    "aclmdlGetOutputSizeByIndex": C.c_size_t,
    "aclmdlGetTensorRealName": C.c_char_p,
}


def _argument(value: Any) -> Any:
    # Handles and sizes take all 64 bits; ctypes would cut a plain int to 32.
    if isinstance(value, bool) or value is None:
        return value
    return C.c_uint64(value & (2**64 - 1)) if isinstance(value, int) else value


class Library:
    """Every function as an attribute; statuses other than 0 raise AclError.

    Prefix a call with ``code.`` to get the status instead: ``acl.code.aclmdlUnload(7)``.
    """

    def __init__(self, path: Path) -> None:
        self._library = C.CDLL(str(path))
        self.code = _Codes(self)

    def raw(self, name: str) -> Any:
        function = getattr(self._library, name)
        function.restype = RESULTS.get(name, C.c_int)
        return function

    def message(self) -> str:
        text = self.raw("aclGetRecentErrMsg")()
        return text.decode() if text else ""

    def __getattr__(self, name: str) -> Any:
        function = self.raw(name)

        def call(*arguments: Any) -> Any:
            result = function(*map(_argument, arguments))
            if name not in RESULTS and result != 0:
                raise AclError(name, result, self.message())
            return result

        setattr(self, name, call)
        return call


class _Codes:
    def __init__(self, library: Library) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        function = self._library.raw(name)
        return lambda *arguments: function(*map(_argument, arguments))


acl = Library(LIBRARY)


def counters() -> dict[str, int]:
    """All counters of the device."""
    return {
        acl.softnpuCounterName(i).decode(): acl.softnpuCounterValue(i)
        for i in range(acl.softnpuCounterCount())
    }


class Memory:
    """Device memory that is filled and read through aclrtMemcpy."""

    def __init__(self, nbytes: int) -> None:
        address = C.c_void_p()
        acl.aclrtMalloc(C.byref(address), max(nbytes, 1), NORMAL)
        assert address.value
        self.address: int = address.value
        self.nbytes = nbytes

    @classmethod
    def of(cls, array: np.ndarray) -> Memory:
        memory = cls(array.nbytes)
        memory.write(array)
        return memory

    def write(self, array: np.ndarray) -> None:
        array = np.ascontiguousarray(array)
        if array.nbytes:
            acl.aclrtMemcpy(self.address, self.nbytes, array.ctypes.data, array.nbytes, H2D)

    def read(self, shape: Sequence[int], dtype: Any) -> np.ndarray:
        array = np.empty(shape, dtype)
        if array.nbytes:
            acl.aclrtMemcpy(array.ctypes.data, array.nbytes, self.address, array.nbytes, D2H)
        return array

    def free(self) -> None:
        acl.aclrtFree(self.address)


class Dataset:
    """A dataset and the data buffers in it; owns neither memory."""

    def __init__(self, *parts: tuple[int | None, int]) -> None:
        self.handle: int = acl.aclmdlCreateDataset()
        self.buffers: list[int] = []
        for address, nbytes in parts:
            self.add(address, nbytes)

    def add(self, address: int | None, nbytes: int) -> None:
        self.buffers.append(acl.aclCreateDataBuffer(address, nbytes))
        acl.aclmdlAddDatasetBuffer(self.handle, self.buffers[-1])

    def set_shape(self, index: int, shape: Sequence[int], dtype: int = 0) -> None:
        dims = (C.c_int64 * max(len(shape), 1))(*shape)
        desc = acl.aclCreateTensorDesc(dtype, len(shape), dims, ND)
        try:
            acl.aclmdlSetDatasetTensorDesc(self.handle, desc, index)
        finally:
            acl.aclDestroyTensorDesc(desc)

    def shape(self, index: int) -> tuple[int, ...]:
        desc = acl.aclmdlGetDatasetTensorDesc(self.handle, index)
        assert desc
        dims = []
        for i in range(acl.aclGetTensorDescNumDims(desc)):
            value = C.c_int64()
            acl.aclGetTensorDescDimV2(desc, i, C.byref(value))
            dims.append(value.value)
        return tuple(dims)

    def destroy(self) -> None:
        acl.aclmdlDestroyDataset(self.handle)
        for buffer in self.buffers:
            acl.aclDestroyDataBuffer(buffer)


class Model:
    """A loaded model with its description."""

    def __init__(self, source: Path | str | bytes) -> None:
        number = C.c_uint32()
        if isinstance(source, bytes):
            acl.aclmdlLoadFromMem(source, len(source), C.byref(number))
        else:
            acl.aclmdlLoadFromFile(os.fsencode(source), C.byref(number))
        self.id: int = number.value
        self._describe()

    @classmethod
    def adopt(cls, number: int) -> Model:
        model = cls.__new__(cls)
        model.id = number
        model._describe()
        return model

    def _describe(self) -> None:
        self.desc: int = acl.aclmdlCreateDesc()
        acl.aclmdlGetDesc(self.desc, self.id)
        self.inputs: int = acl.aclmdlGetNumInputs(self.desc)
        self.outputs: int = acl.aclmdlGetNumOutputs(self.desc)

    def input_dims(self, index: int) -> tuple[int, ...]:
        dims = IODims()
        acl.aclmdlGetInputDims(self.desc, index, C.byref(dims))
        return dims.shape()

    def output_dims(self, index: int) -> tuple[int, ...]:
        dims = IODims()
        acl.aclmdlGetOutputDims(self.desc, index, C.byref(dims))
        return dims.shape()

    def current_output_dims(self, index: int) -> tuple[int, ...]:
        dims = IODims()
        acl.aclmdlGetCurOutputDims(self.desc, index, C.byref(dims))
        return dims.shape()

    def input_size(self, index: int) -> int:
        return int(acl.aclmdlGetInputSizeByIndex(self.desc, index))

    def output_size(self, index: int) -> int:
        return int(acl.aclmdlGetOutputSizeByIndex(self.desc, index))

    def output_dtype(self, index: int) -> Any:
        return DTYPES[acl.aclmdlGetOutputDataType(self.desc, index)]

    def gear_index(self) -> int:
        index = C.c_size_t()
        acl.aclmdlGetInputIndexByName(self.desc, GEAR_INPUT, C.byref(index))
        return index.value

    def unload(self) -> None:
        acl.aclmdlDestroyDesc(self.desc)
        acl.aclmdlUnload(self.id)

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.unload()


class Run:
    """Device memory and datasets for executions of a model of fixed shapes."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.inputs = [Memory(model.input_size(i)) for i in range(model.inputs)]
        self.outputs = [Memory(model.output_size(i)) for i in range(model.outputs)]
        self.input = Dataset(*((memory.address, memory.nbytes) for memory in self.inputs))
        self.output = Dataset(*((memory.address, memory.nbytes) for memory in self.outputs))

    def write(self, *arrays: np.ndarray) -> None:
        for memory, array in zip(self.inputs, arrays, strict=False):
            memory.write(array)

    def read(self, index: int = 0, shape: Sequence[int] | None = None) -> np.ndarray:
        dims = self.model.output_dims(index) if shape is None else shape
        return self.outputs[index].read(dims, self.model.output_dtype(index))

    def execute(self) -> None:
        acl.aclmdlExecute(self.model.id, self.input.handle, self.output.handle)

    def submit(self, stream: int | None) -> None:
        acl.aclmdlExecuteAsync(self.model.id, self.input.handle, self.output.handle, stream)

    def close(self) -> None:
        self.input.destroy()
        self.output.destroy()
        for memory in self.inputs + self.outputs:
            memory.free()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def new_stream() -> Iterator[int]:
    handle = C.c_void_p()
    acl.aclrtCreateStream(C.byref(handle))
    assert handle.value
    try:
        yield handle.value
    finally:
        acl.aclrtDestroyStream(handle.value)


def infer(model: Model, *arrays: np.ndarray) -> list[np.ndarray]:
    """One synchronous execution of a model of fixed shapes."""
    with Run(model) as run:
        run.write(*arrays)
        run.execute()
        return [run.read(i) for i in range(model.outputs)]
