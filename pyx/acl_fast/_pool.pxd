# Pools of pictures: memory that comes back when its last user is gone.

from libc.stdint cimport uint32_t

from acl_fast._arena cimport Arena
from acl_fast._block cimport Block
from acl_fast._image cimport Image
from acl_fast._runtime cimport ContextState

# Shared by the pool and by the pictures that are out; guarded by its mutex, never by the GIL.
cdef struct PoolState:
    int refs
    int closed
    int total           # pictures that exist
    int idle            # of them, in `blocks`
    int capacity        # of `blocks`
    Block **blocks
    void *sync          # mutex, and condition: a picture came back


cdef class PicturePool:
    cdef PoolState *state           # NULL when closed
    cdef ContextState *context
    cdef readonly object device
    cdef int _format
    cdef int kind
    cdef readonly int width
    cdef readonly int height
    cdef uint32_t stride_width
    cdef uint32_t stride_height
    cdef readonly str exhausted
    cdef Arena arena                # None: each picture is allocated for itself
    cdef object __weakref__

    cdef int check_open(self) except -1
    cdef Image take(self, double timeout)
    cdef Block *new_block(self) except NULL
    cdef Block *take_block(self, double timeout) except NULL
