# Video encoding.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t

from acl_fast._channel cimport Job, VideoChannel, VideoOptions
from acl_fast._image cimport Image


# A compressed frame; the memory is the host's and the packet's own.
cdef class Packet:
    cdef unsigned char *data
    cdef readonly size_t nbytes
    cdef readonly bint is_key
    cdef readonly object pts


cdef class VideoEncoder(VideoChannel):
    cdef VideoOptions options
    cdef readonly uint64_t lost

    cdef int check_picture(self, Image image) except -1
    cdef Packet packet_of(self, Job *job)
    cdef int count_lost(self, Py_ssize_t until) except -1
