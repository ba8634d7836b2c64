# Pictures in media memory.

from libc.stdint cimport uint32_t

from acl_fast._memory cimport Buffer
from acl_fast._picdesc cimport PicDesc
from acl_fast._runtime cimport ContextState


cdef class Image:
    cdef PicDesc desc               # None when closed
    cdef Buffer memory
    cdef readonly object device
    cdef readonly int left          # of the region, in the picture that the descriptor describes
    cdef readonly int top
    cdef readonly int width
    cdef readonly int height
    cdef public object pts
    cdef object __weakref__

    cdef int check_open(self) except -1
    cdef bint is_region(self) noexcept
    cdef int refuse_region(self, str use) except -1
    cdef tuple views(self, object flat)


cdef Image image_over(Buffer memory, object device, int format, uint32_t width, uint32_t height,
                      uint32_t stride_width, uint32_t stride_height)
cdef Image new_image(ContextState *context, object device, int format, uint32_t width,
                     uint32_t height, uint32_t align_width, uint32_t align_height, str kind)
# Kind of memory for a picture: as asked, or (None) of the device's media interface.
cdef str checked_kind(device, kind)
