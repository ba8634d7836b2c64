"""Single operators through ctypes, as C programs call them."""

from __future__ import annotations

import contextlib
import ctypes as C
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tests.softnpu_model.acl import ACL_TYPES, ND, RESULTS, Memory, acl

RESULTS.update(
    {
        "aclopCreateAttr": C.c_void_p,
        "aclopDestroyAttr": None,
        "aclopDestroyHandle": None,
    }
)
HOST = 1
NCHW, NHWC = 0, 1
NOT_FOUND = 100024
INPUT_MISMATCH, OUTPUT_MISMATCH, ATTRIBUTE_MISMATCH = 100021, 100022, 100023


def array_of(handles: Sequence[int | None]) -> Any:
    return (C.c_void_p * max(len(handles), 1))(*handles)


def make_desc(shape: Sequence[int], dtype: Any, layout: int = ND) -> int:
    dims = (C.c_int64 * max(len(shape), 1))(*shape)
    handle = acl.aclCreateTensorDesc(ACL_TYPES[np.dtype(dtype)], len(shape), dims, layout)
    assert handle
    return int(handle)


def set_attribute(attr: int, name: str, value: Any) -> None:
    key = name.encode()
    if isinstance(value, bool):
        acl.aclopSetAttrBool(attr, key, C.c_uint8(value))
    elif isinstance(value, int):
        acl.aclopSetAttrInt(attr, key, value)
    elif isinstance(value, float):
        acl.aclopSetAttrFloat(attr, key, C.c_float(value))
    elif isinstance(value, str):
        acl.aclopSetAttrString(attr, key, value.encode())
    elif value and isinstance(value[0], (list, tuple)):
        rows = [(C.c_int64 * len(row))(*row) for row in value]
        counts = (C.c_int * len(rows))(*map(len, value))
        pointers = (C.c_void_p * len(rows))(*(C.addressof(row) for row in rows))
        acl.aclopSetAttrListListInt(attr, key, len(rows), counts, pointers)
    else:
        acl.aclopSetAttrListInt(attr, key, len(value), (C.c_int64 * max(len(value), 1))(*value))


@contextlib.contextmanager
def attributes(values: Mapping[str, Any]) -> Iterator[int]:
    attr = acl.aclopCreateAttr()
    try:
        for name, value in values.items():
            set_attribute(attr, name, value)
        yield attr
    finally:
        acl.aclopDestroyAttr(attr)


class Operator:
    """Descs, device memory and data buffers for one call."""

    def __init__(
        self,
        inputs: Sequence[np.ndarray],
        outputs: Sequence[tuple[Sequence[int], Any]],
        *,
        layout: int = ND,
        host: Sequence[int] = (),
        constant: Sequence[int] = (),
    ) -> None:
        self.arrays = [np.array(array, order="C") for array in inputs]
        self.shapes = outputs
        self.memory = [Memory.of(array) for array in self.arrays]
        self.results = [
            Memory(int(np.prod(shape)) * np.dtype(dtype).itemsize) for shape, dtype in outputs
        ]
        self.input_descs = [make_desc(a.shape, a.dtype, layout) for a in self.arrays]
        self.output_descs = [make_desc(shape, dtype, layout) for shape, dtype in outputs]
        places = [(memory.address, memory.nbytes) for memory in self.memory]
        for i in host:
            acl.aclSetTensorPlaceMent(self.input_descs[i], HOST)
            places[i] = (self.arrays[i].ctypes.data, self.arrays[i].nbytes)
        for i in constant:
            data = self.arrays[i]
            acl.aclSetTensorConst(self.input_descs[i], data.ctypes.data, data.nbytes)
        self.inputs = [acl.aclCreateDataBuffer(*place) for place in places]
        self.outputs = [acl.aclCreateDataBuffer(m.address, m.nbytes) for m in self.results]

    def arguments(self, kind: str, attr: int | None, stream: int | None) -> tuple[Any, ...]:
        return (
            kind.encode(),
            len(self.inputs),
            array_of(self.input_descs),
            array_of(self.inputs),
            len(self.outputs),
            array_of(self.output_descs),
            array_of(self.outputs),
            attr,
            stream,
        )

    def read(self) -> list[np.ndarray]:
        return [
            memory.read(shape, dtype)
            for memory, (shape, dtype) in zip(self.results, self.shapes, strict=True)
        ]

    def close(self) -> None:
        for desc in self.input_descs + self.output_descs:
            acl.aclDestroyTensorDesc(desc)
        for buffer in self.inputs + self.outputs:
            acl.aclDestroyDataBuffer(buffer)
        for memory in self.memory + self.results:
            memory.free()

    def __enter__(self) -> Operator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run(
    kind: str,
    inputs: Sequence[np.ndarray],
    outputs: Sequence[tuple[Sequence[int], Any]],
    values: Mapping[str, Any] | None = None,
    **options: Any,
) -> list[np.ndarray]:
    """Execute one operator on the default stream and return its results."""
    with Operator(inputs, outputs, **options) as call, attributes(values or {}) as attr:
        acl.aclopExecuteV2(*call.arguments(kind, attr, None))
        acl.aclrtSynchronizeStream(None)
        return call.read()
