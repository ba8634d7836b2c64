# cython: binding=False, always_allow_keywords=False, embedsignature=False
"""acl.rt: copies, which may refresh what a model reads."""

from libc.stdint cimport uint64_t, uintptr_t

from acl_fast cimport abi
from acl_fast.abi cimport aclError, aclrtMemcpyKind, aclrtStream
from acl_fast._pyacl_args cimport as_int, as_u64
from acl_fast._pyacl_models cimport begin_refresh

__all__ = ["memcpy", "memcpy_async"]


def memcpy(dst, dest_max, src, count, kind):
    """memcpy(dst, dest_max, src, count, kind, /)\n--\n
    memcpy(dst, dest_max, src, count, kind)

    Copy and wait. Into memory that a model reads: first wait, without the GIL, for the thread that
    copied there and has not executed. C function: aclrtMemcpy. Releases the GIL.
    """
    cdef uint64_t target = as_u64(dst, b"acl.rt.memcpy", b"dst")
    cdef uint64_t room = as_u64(dest_max, b"acl.rt.memcpy", b"dest_max")
    cdef uint64_t source = as_u64(src, b"acl.rt.memcpy", b"src")
    cdef uint64_t nbytes = as_u64(count, b"acl.rt.memcpy", b"count")
    cdef int direction = <int>as_int(kind, -(1 << 31), (1 << 31) - 1, b"acl.rt.memcpy", b"kind")
    cdef aclError ret
    begin_refresh(target, NULL, False)
    with nogil:
        ret = abi.aclrtMemcpy(<void *><uintptr_t>target, room, <const void *><uintptr_t>source,
                              nbytes, <aclrtMemcpyKind>direction)
    return <int>ret


def memcpy_async(dst, dest_max, src, count, kind, stream):
    """memcpy_async(dst, dest_max, src, count, kind, stream, /)\n--\n
    memcpy_async(dst, dest_max, src, count, kind, stream)

    Queue a copy; the memory on both sides must live until the stream is synchronised. Into memory
    that a model reads: first wait, without the GIL, for the thread that copied there and has not
    executed; on the device the copy waits for what reads there on another stream.
    C function: aclrtMemcpyAsync. Releases the GIL.
    """
    cdef uint64_t target = as_u64(dst, b"acl.rt.memcpy_async", b"dst")
    cdef uint64_t room = as_u64(dest_max, b"acl.rt.memcpy_async", b"dest_max")
    cdef uint64_t source = as_u64(src, b"acl.rt.memcpy_async", b"src")
    cdef uint64_t nbytes = as_u64(count, b"acl.rt.memcpy_async", b"count")
    cdef int direction = <int>as_int(kind, -(1 << 31), (1 << 31) - 1, b"acl.rt.memcpy_async",
                                     b"kind")
    cdef uint64_t handle = as_u64(stream, b"acl.rt.memcpy_async", b"stream")
    cdef aclError ret
    begin_refresh(target, <aclrtStream><uintptr_t>handle, True)
    with nogil:
        ret = abi.aclrtMemcpyAsync(<void *><uintptr_t>target, room,
                                   <const void *><uintptr_t>source, nbytes,
                                   <aclrtMemcpyKind>direction, <aclrtStream><uintptr_t>handle)
    return <int>ret
