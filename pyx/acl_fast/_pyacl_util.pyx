# cython: binding=False, always_allow_keywords=False, embedsignature=False
"""acl.util: addresses of Python's memory, and Python's view of addresses."""

import threading
import warnings

from cpython.buffer cimport (
    PyBUF_STRIDES,
    PyBuffer_FillInfo,
    PyBuffer_IsContiguous,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_FromStringAndSize
from libc.stddef cimport size_t
from libc.stdint cimport uint64_t, uintptr_t
from libc.string cimport memcpy

from acl_fast._pyacl_args cimport as_u64

cdef extern from *:
    """
    #include <errno.h>
    #include <sys/uio.h>
    #include <unistd.h>

    /* 0 where reading the first or the last byte would end the process; the kernel looks. A kernel
       that forbids the question says nothing against the address. */
    static int aclfast_host_can_read(const char *address, size_t size) {
        char ends[2];
        struct iovec to = {ends, 2};
        struct iovec from[2] = {{(void *)address, 1}, {(void *)(address + size - 1), 1}};
        ssize_t got = process_vm_readv(getpid(), &to, 1, from, 2, 0);
        return got == 2 || (got < 0 && errno != EFAULT);
    }
    """
    int aclfast_host_can_read(const char *address, size_t size) nogil

__all__ = ["numpy_to_ptr", "numpy_contiguous_to_ptr", "ptr_to_numpy", "bytes_to_ptr",
           "ptr_to_bytes", "start_thread", "stop_thread"]

cdef enum:
    LARGE = 1 << 16     # bytes from which a copy is worth releasing the GIL
    NO_THREAD = 100000

# numpy's type numbers that programs hard-code.
NPY_TYPES = {
    0: "bool", 1: "int8", 2: "uint8", 3: "int16", 4: "uint16", 5: "int32", 6: "uint32",
    7: "int64", 8: "uint64", 9: "longlong", 10: "ulonglong", 11: "float32", 12: "float64",
    14: "complex64", 15: "complex128", 23: "float16",
}

cdef dict threads = {}


cdef class Memory:
    """Memory at an address, which somebody else owns; internal."""
    cdef void *address
    cdef size_t nbytes

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self.address, <Py_ssize_t>self.nbytes, 0, flags)


def numpy_to_ptr(array):
    """numpy_to_ptr(array, /)\n--\n
    numpy_to_ptr(array)

    The address of an array's first element; no copy is made and no reference kept. Warns when the
    array is not contiguous: what is copied from there is not what the array shows. Make it so with
    numpy.ascontiguousarray(), or use numpy_contiguous_to_ptr().
    """
    cdef Py_buffer view
    cdef uintptr_t address
    cdef bint contiguous
    try:
        PyObject_GetBuffer(array, &view, PyBUF_STRIDES)
    except (BufferError, ValueError, TypeError):
        return address_by_interface(array)
    address = <uintptr_t>view.buf
    contiguous = PyBuffer_IsContiguous(&view, b"C")
    PyBuffer_Release(&view)
    if not contiguous:
        warn_about_strides()
    return address


cdef object warn_about_strides():
    warnings.warn(
        "acl.util.numpy_to_ptr(): the array is not contiguous, so memory at its address is in "
        "another order than its elements; use numpy_contiguous_to_ptr()",
        RuntimeWarning, stacklevel=2,
    )


cdef object address_by_interface(object array):
    """Read-only arrays, and types that have no buffer format."""
    interface = getattr(array, "__array_interface__", None)
    if interface is None:
        raise TypeError(f"acl.util.numpy_to_ptr(): array is a numpy array, not "
                        f"{type(array).__name__}")
    if interface.get("strides") is not None:
        warn_about_strides()
    return interface["data"][0]


def numpy_contiguous_to_ptr(array):
    """numpy_contiguous_to_ptr(array, /)\n--\n
    numpy_contiguous_to_ptr(array)

    -> (address, array): the array itself, or its contiguous copy, which the caller holds.
    """
    import numpy
    if not isinstance(array, numpy.ndarray):
        raise TypeError(f"acl.util.numpy_contiguous_to_ptr(): array is a numpy array, not "
                        f"{type(array).__name__}")
    contiguous = numpy.ascontiguousarray(array)
    return contiguous.ctypes.data, contiguous


def ptr_to_numpy(ptr, shape, npy_type):
    """ptr_to_numpy(ptr, shape, npy_type, /)\n--\n
    ptr_to_numpy(ptr, shape, npy_type)

    A writable array over memory at an address, without a copy; it does not own the memory.
    npy_type: the number of a numpy type, or the type.
    """
    import numpy
    if isinstance(npy_type, (type, numpy.dtype)):
        npy_type = numpy.dtype(npy_type).num
    cdef Memory memory
    cdef uint64_t address = as_u64(ptr, b"acl.util.ptr_to_numpy", b"ptr")
    if npy_type not in NPY_TYPES:
        raise ValueError(f"acl.util.ptr_to_numpy(): npy_type {npy_type} is none of "
                         f"{', '.join(map(str, NPY_TYPES))}")
    if isinstance(shape, int):
        shape = (shape,)
    dtype = numpy.dtype(NPY_TYPES[npy_type])
    count = 1
    for side in shape:
        if side < 0:
            raise ValueError(f"acl.util.ptr_to_numpy(): shape {tuple(shape)} has a negative side")
        count *= int(side)
    if count and not address:
        raise ValueError("acl.util.ptr_to_numpy(): ptr is NULL")
    if not count:
        return numpy.empty(shape, dtype)
    memory = Memory.__new__(Memory)
    memory.address = <void *><uintptr_t>address
    memory.nbytes = count * dtype.itemsize
    return numpy.ndarray(tuple(shape), dtype, memory)


def bytes_to_ptr(data):
    """bytes_to_ptr(data, /)\n--\n
    bytes_to_ptr(data)

    The address of a bytes object's memory itself: programs also write through it. The caller holds
    the object.
    """
    cdef Py_buffer view
    cdef uintptr_t address
    if PyBytes_Check(data):
        return <uintptr_t>PyBytes_AS_STRING(data)
    try:
        PyObject_GetBuffer(data, &view, 0)
    except (BufferError, TypeError):
        raise TypeError(f"acl.util.bytes_to_ptr(): data is bytes, not "
                        f"{type(data).__name__}") from None
    address = <uintptr_t>view.buf
    PyBuffer_Release(&view)
    return address


def ptr_to_bytes(ptr, size):
    """ptr_to_bytes(ptr, size, /)\n--\n
    ptr_to_bytes(ptr, size)

    Copy host memory into a new bytes object. Releases the GIL for large ones.
    """
    cdef uint64_t address = as_u64(ptr, b"acl.util.ptr_to_bytes", b"ptr")
    cdef uint64_t nbytes = as_u64(size, b"acl.util.ptr_to_bytes", b"size")
    cdef void *target
    if nbytes and not address:
        raise ValueError("acl.util.ptr_to_bytes(): ptr is NULL")
    if nbytes >= <uint64_t>1 << 62:
        raise ValueError(f"acl.util.ptr_to_bytes(): size {size} is out of range")
    if nbytes and not aclfast_host_can_read(<const char *><uintptr_t>address, nbytes):
        raise ValueError(f"acl.util.ptr_to_bytes(): the host cannot read {nbytes} bytes at "
                         f"{address:#x}; copy device memory to the host with acl.rt.memcpy")
    result = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>nbytes)
    target = PyBytes_AS_STRING(result)
    if nbytes >= LARGE:
        with nogil:
            memcpy(target, <void *><uintptr_t>address, nbytes)
    else:
        memcpy(target, <void *><uintptr_t>address, nbytes)
    return result


def run_behind(gate, func, args):
    # Thread.start() hands the GIL over, and a C thread would not: programs rely on what stands
    # right behind start_thread() (the id, a flag, subscribe_report) having been done.
    with gate:
        pass
    func(args)


def start_thread(func, args):
    """start_thread(func, args, /)\n--\n
    start_thread(func, args)

    -> (pthread id, ret). ``func`` gets one argument, the list. The id is what
    rt.subscribe_report() wants.
    """
    if not callable(func):
        raise TypeError(f"acl.util.start_thread(): func is a function, not {type(func).__name__}")
    gate = threading.Lock()
    gate.acquire()
    thread = threading.Thread(target=run_behind, args=(gate, func, args), daemon=True)
    thread.start()
    threads[thread.ident] = thread
    gate.release()
    return thread.ident, 0


def stop_thread(thread_id):
    """stop_thread(thread_id, /)\n--\n
    stop_thread(thread_id)

    Wait for a thread of start_thread(). Releases the GIL.
    """
    thread = threads.get(thread_id)
    if thread is None:
        return <int>NO_THREAD
    thread.join()
    threads.pop(thread_id, None)
    return 0
