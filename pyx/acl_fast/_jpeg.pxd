# Still pictures: JPEG both ways, PNG in.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t

from acl_fast.abi cimport aclError, acldvppChannelDesc
from acl_fast._block cimport Block
from acl_fast._image cimport Image
from acl_fast._runtime cimport ContextState
from acl_fast._stream cimport Stream


# A channel with a stream of its own, and memory for compressed data that is used again.
cdef class StillChannel:
    cdef acldvppChannelDesc *channel
    cdef ContextState *context
    cdef readonly object device
    cdef Stream stream
    cdef Block *data
    cdef bint open
    cdef object lock

    cdef int check_open(self) except -1
    cdef int reserve(self, size_t nbytes) except -1
    cdef int put(self, const unsigned char[::1] data) except -1
    cdef int finish(self, aclError code, const char *function) except -1
    cdef Image target(self, object out, int format, uint32_t width, uint32_t height)
