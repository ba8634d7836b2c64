# Copies between addresses: the one place that calls aclrtMemcpy.

from libc.stddef cimport size_t

from acl_fast._block cimport Block
from acl_fast._runtime cimport ContextState
from acl_fast._stream cimport Stream

# The address of memory, and which side can read it.
cdef struct Place:
    void *address
    size_t nbytes
    bint on_device      # not readable by the host: discrete device memory
    bint pageable       # ordinary host memory, which the device cannot read on its own


cdef int copy_now(ContextState *context, Place dst, Place src, size_t nbytes) except -1
cdef int copy_async(Stream stream, Place dst, Place src, size_t nbytes, object keep) except -1
