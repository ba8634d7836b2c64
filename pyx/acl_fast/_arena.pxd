# Secondary allocation: many tensors in one allocation.

from libc.stddef cimport size_t

from acl_fast._block cimport Block
from acl_fast._runtime cimport ContextState

# Outlives the Arena object while parts of it are in use. `live` changes without the GIL.
cdef struct ArenaState:
    int refs
    int live
    Block *block


cdef class Arena:
    cdef ArenaState *state
    cdef size_t used
    cdef readonly size_t nbytes
    cdef readonly object device
    cdef object __weakref__

    cdef size_t aligned_start(self) noexcept


cdef Arena create_arena(ContextState *context, object device, size_t nbytes, str kind)
