# What the ports of the second media interface (hi_mpi) have in common.

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, uint32_t, uint64_t

from acl_fast.abi cimport hi_vdec_pic_info, hi_vdec_stream, hi_video_frame_info
from acl_fast._picdesc cimport PicDesc

ctypedef int (*Creator)(int channel, const void *attr) noexcept nogil

cdef int create_vdec(int channel, const void *attr) noexcept nogil
cdef int create_venc(int channel, const void *attr) noexcept nogil
cdef int create_pngd(int channel, const void *attr) noexcept nogil
# Create a channel under the first number that nobody in the process has, and return the number;
# a context is bound to the thread. `exists` and `not_ready` are codes of the interface.
cdef int32_t create_at_free_number(Creator create, const void *attr, uint32_t exists,
                                   uint32_t not_ready, const char *function) except -1
# One complete packet or file, and where its picture goes; `pts` comes back with it.
cdef void fill_packet(hi_vdec_stream *packet, void *address, size_t nbytes, uint64_t pts) noexcept
cdef void fill_target(hi_vdec_pic_info *target, PicDesc picture) noexcept
# A picture to encode.
cdef void fill_frame(hi_video_frame_info *frame, PicDesc picture, uint64_t pts) noexcept
