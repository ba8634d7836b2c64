# Allocations: plain C, reference counted, freed from any thread without the GIL.

from cpython.buffer cimport Py_buffer
from libc.stddef cimport size_t

from acl_fast._runtime cimport ContextState

cdef enum:
    KIND_DEVICE = 0
    KIND_HOST = 1
    KIND_CACHED = 2
    KIND_DVPP = 3
    KIND_HIMPI = 4
    KIND_FOREIGN = 5    # host memory of somebody else

# What releases memory that was not allocated here; called without the GIL.
ctypedef void (*Releaser)(void *owner) noexcept nogil

cdef struct Block:
    int refs
    int kind
    void *address
    size_t nbytes
    ContextState *context
    void *owner
    Releaser release_owner


cdef Block *block_allocate(ContextState *context, size_t nbytes, int kind) except NULL
cdef Block *block_wrap(ContextState *context, void *address, size_t nbytes, int kind,
                       void *owner, Releaser release_owner) except NULL
cdef Block *block_from_view(ContextState *context, const Py_buffer *view) except NULL
cdef Block *block_retain(Block *block) noexcept nogil
cdef void block_release(Block *block) noexcept nogil
cdef int kind_from_name(str name) except -1
cdef str kind_name(int kind)
cdef size_t kind_alignment(int kind) noexcept nogil
# Whether the host may read the memory through its address.
cdef bint is_host_visible(int kind) except -1
