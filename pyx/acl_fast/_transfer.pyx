"""Copies between addresses: the one place that calls aclrtMemcpy."""

cimport cython
from libc.stddef cimport size_t
from libc.string cimport memcpy

from acl_fast cimport abi
from acl_fast.abi cimport aclError, aclrtMemcpyKind
from acl_fast._block cimport (
    KIND_HOST,
    Block,
    block_allocate,
    block_release,
)
from acl_fast._errors cimport check
from acl_fast._runtime cimport ContextState, enter, is_unified
from acl_fast._stream cimport Stream
from acl_fast._timeline cimport Timeline


@cython.final
cdef class Staging:
    """Pinned memory that an asynchronous copy of pageable memory goes through."""

    cdef Block *block

    def __dealloc__(self):
        cdef Block *block = self.block
        if block != NULL:
            with nogil:
                block_release(block)


@cython.final
cdef class Lease:
    """Staging memory in use by one copy; its end hands it to the stream's next copy."""

    cdef Staging staging
    cdef Timeline timeline

    def __dealloc__(self):
        cdef Staging spare
        if self.staging is None or self.timeline.handle == NULL:
            return
        spare = self.timeline.staging
        if spare is None or spare.block.nbytes < self.staging.block.nbytes:
            self.timeline.staging = self.staging


cdef Lease take_staging(Timeline timeline, size_t nbytes):
    cdef Lease lease = Lease.__new__(Lease)
    cdef Staging spare = timeline.staging
    lease.timeline = timeline
    if spare is None or spare.block.nbytes < nbytes:
        lease.staging = Staging.__new__(Staging)
        lease.staging.block = block_allocate(timeline.context, nbytes, KIND_HOST)
    else:
        timeline.staging = None
        lease.staging = spare
    return lease


cdef aclrtMemcpyKind kind_of(Place dst, Place src) except *:
    # Where host and device share memory every copy is one inside the device's memory.
    if is_unified():
        return <aclrtMemcpyKind>3
    if dst.on_device:
        return <aclrtMemcpyKind>(3 if src.on_device else 1)
    return <aclrtMemcpyKind>(2 if src.on_device else 0)


cdef int copy_now(ContextState *context, Place dst, Place src, size_t nbytes) except -1:
    """Copy and wait; waits for no stream. Without a context both places are the host's own."""
    cdef aclrtMemcpyKind kind
    cdef aclError code
    if nbytes == 0 or dst.address == src.address:
        return 0
    if context == NULL:
        with nogil:
            memcpy(dst.address, src.address, nbytes)
        return 0
    kind = kind_of(dst, src)
    enter(context)
    with nogil:
        code = abi.aclrtMemcpy(dst.address, dst.nbytes, src.address, nbytes, kind)
    return check(code, b"aclrtMemcpy")


cdef int copy_async(Stream stream, Place dst, Place src, size_t nbytes, object keep) except -1:
    """Queue a copy; ``keep`` stays alive until it is over.

    Pageable sources go through pinned staging memory, because the library would otherwise wait for
    the whole stream before it copies.
    """
    cdef aclrtMemcpyKind kind
    cdef aclError code
    cdef Lease lease = None
    cdef void *source = src.address
    cdef void *staged
    if nbytes == 0 or dst.address == src.address:
        return 0
    if src.pageable and (dst.on_device or is_unified()):
        lease = take_staging(stream._timeline, nbytes)
        staged = lease.staging.block.address
        with nogil:
            memcpy(staged, source, nbytes)
        source = staged
    kind = kind_of(dst, src)
    if <int>kind == 0:
        # No device engine copies between two host addresses.
        stream._timeline.synchronize(-1.0)
        return copy_now(stream._context, dst, src, nbytes)
    enter(stream._context)
    stream._timeline.users += 1
    with nogil:
        code = abi.aclrtMemcpyAsync(dst.address, dst.nbytes, source, nbytes, kind, stream._handle)
    stream._timeline.users -= 1
    check(code, b"aclrtMemcpyAsync")
    return stream._timeline.hold((keep, lease))
