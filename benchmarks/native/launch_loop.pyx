"""Loops without the GIL: acl_fast's launch from Cython, and the C loop it is compared with."""

from libc.stdint cimport uint32_t, uintptr_t

from acl_fast.abi cimport aclError, aclmdlDataset, aclrtStream
from acl_fast._model cimport Request

cdef extern from "launch.h" nogil:
    double launch_now()
    double launch_loop(void *function, uint32_t model, const aclmdlDataset *inputs,
                       aclmdlDataset *outputs, aclrtStream stream, long count)


def c_loop(Request request not None, uintptr_t function, long count):
    """Seconds of ``count`` calls of the function pointer, with the request's own arguments."""
    cdef double seconds
    cdef uint32_t model = request.model._id
    with nogil:
        seconds = launch_loop(<void *>function, model, request._input_set, request._output_set,
                              request._launch_stream, count)
    if seconds < 0:
        raise RuntimeError("aclmdlExecuteAsync failed")
    return seconds


def nogil_loop(Request request not None, long count):
    """Seconds of ``count`` calls of ``request.launch_nogil()``."""
    cdef double seconds
    cdef aclError code = 0
    cdef long _i
    with nogil:
        seconds = launch_now()
        for _i in range(count):
            code = request.launch_nogil()
            if code != 0:
                break
        seconds = launch_now() - seconds
    if code != 0:
        raise RuntimeError(f"aclmdlExecuteAsync returned {code}")
    return seconds
