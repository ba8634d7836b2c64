from collections.abc import Callable, Sequence
from typing import Any

from typing_extensions import disjoint_base

__all__: list[str]
NPY_TYPES: dict[int, str]

@disjoint_base
class Memory:
    def __buffer__(self, flags: int, /) -> memoryview: ...

def numpy_to_ptr(array: Any, /) -> int:
    """numpy_to_ptr(array)

    The address of an array's first element; no copy is made and no reference kept. Warns when the
    array is not contiguous: what is copied from there is not what the array shows. Make it so with
    numpy.ascontiguousarray(), or use numpy_contiguous_to_ptr()."""

def numpy_contiguous_to_ptr(array: Any, /) -> tuple[int, Any]:
    """numpy_contiguous_to_ptr(array)

    -> (address, array): the array itself, or its contiguous copy, which the caller holds."""

def ptr_to_numpy(ptr: int, shape: Sequence[int], npy_type: Any, /) -> Any:
    """ptr_to_numpy(ptr, shape, npy_type)

    A writable array over memory at an address, without a copy; it does not own the memory.
    npy_type: the number of a numpy type, or the type."""

def bytes_to_ptr(data: bytes | bytearray | memoryview, /) -> int:
    """bytes_to_ptr(data)

    The address of a bytes object's memory itself: programs also write through it. The caller holds
    the object."""

def ptr_to_bytes(ptr: int, size: int, /) -> bytes:
    """ptr_to_bytes(ptr, size)

    Copy host memory into a new bytes object. Releases the GIL for large ones."""

def start_thread(func: Callable[[Any], object], args: Any, /) -> tuple[int, int]:
    """start_thread(func, args)

    -> (pthread id, ret). ``func`` gets one argument, the list. The id is what
    rt.subscribe_report() wants."""

def stop_thread(thread_id: int, /) -> int:
    """stop_thread(thread_id)

    Wait for a thread of start_thread(). Releases the GIL."""
