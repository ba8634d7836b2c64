# Video decoding.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t

from acl_fast._channel cimport VideoChannel
from acl_fast._image cimport Image
from acl_fast._pool cimport PicturePool
from acl_fast._worker cimport Job


cdef class VideoDecoder(VideoChannel):
    cdef readonly PicturePool pool
    cdef readonly uint64_t damaged
    cdef bint own_pool
    cdef double quiet_since         # when something was last sent or received

    cdef int fill(self, Job *job, object data) except -1
    cdef int take_memory(self, Job *job, size_t nbytes) except -1
    cdef Image take_picture(self)
    cdef bint holds_all(self) noexcept
