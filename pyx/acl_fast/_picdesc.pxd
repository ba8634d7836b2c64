# What a picture is and where it lies, for either media interface.

from libc.stdint cimport uint32_t

from acl_fast.abi cimport acldvppPicDesc
from acl_fast._memory cimport Buffer


# Immutable once made, so that work in flight may hold it while its Image is closed.
cdef class PicDesc:
    cdef acldvppPicDesc *_v1        # made when the first interface is first used
    cdef Buffer buffer
    cdef readonly int format
    cdef int planes
    cdef readonly uint32_t width
    cdef readonly uint32_t height
    cdef readonly uint32_t stride_width     # bytes
    cdef readonly uint32_t stride_height

    # The description of the first interface; a context must be bound to the thread.
    cdef acldvppPicDesc *v1(self) except NULL


cdef PicDesc create_picdesc(Buffer buffer, int format, uint32_t width, uint32_t height,
                            uint32_t stride_width, uint32_t stride_height)
cdef void describe_v1(PicDesc desc, acldvppPicDesc *target) noexcept
cdef int layout_of(int format) except -1
cdef int format_from_object(object format) except -1
cdef str format_name(int format)
cdef uint32_t row_bytes(int format, uint32_t width) except? 0
cdef size_t picture_bytes(int format, size_t stride_width, size_t stride_height) except? 0
