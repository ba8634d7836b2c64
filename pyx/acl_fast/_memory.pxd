# Tensors in memory that the device can use.

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t

from acl_fast._block cimport Block
from acl_fast._runtime cimport ContextState
from acl_fast._stream cimport Stream
from acl_fast._timeline cimport Timeline
from acl_fast._tensor cimport DType, MAX_DIMS
from acl_fast._transfer cimport Place


cdef class Buffer:
    cdef Block *block               # NULL when closed
    cdef void *address
    cdef readonly size_t nbytes
    cdef const DType *_dtype
    cdef int ndim
    cdef Py_ssize_t dims[MAX_DIMS]
    cdef Py_ssize_t strides[MAX_DIMS]
    cdef Py_ssize_t exports         # host views that exist right now
    cdef Py_ssize_t bound           # requests that have the address in a dataset
    cdef bint readonly
    cdef readonly object device
    cdef Buffer root                # the buffer this is a view of: it keeps the fields below
    cdef Timeline pending           # of the last queued copy into this memory
    cdef uint64_t pending_seq
    cdef list readers               # weak references to the requests that read here
    cdef list writers               # weak references to the requests that write here
    cdef object __weakref__

    cdef int check_open(self) except -1
    cdef int check_ready(self) except -1
    cdef int check_host(self) except -1
    cdef bint has_cache(self) except -1
    cdef void set_shape(self, int ndim, const int64_t *dims, const DType *dtype) noexcept
    cdef Place place(self) except *
    cdef Buffer state(self)
    cdef int mark_pending(self, Timeline timeline) except -1


cdef Buffer buffer_from_block(Block *block, void *address, object device, int ndim,
                              const int64_t *dims, const DType *dtype)
cdef Buffer empty(ContextState *context, object device, object shape, object dtype, str kind)
cdef Buffer from_host(ContextState *context, object device, object item, bint writable)
cdef ContextState *context_of(Buffer buffer)
cdef Buffer alias(Buffer buffer)
cdef int order_stream(Stream stream, Buffer buffer) except -1
