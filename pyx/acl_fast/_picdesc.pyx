"""Picture descriptors and the memory layouts of the pixel formats."""

cimport cython
from libc.stddef cimport size_t
from libc.stdint cimport uint32_t

from acl_fast cimport abi
from acl_fast.abi cimport acldvppPixelFormat
from acl_fast._memory cimport Buffer, alias
from acl_fast._runtime cimport is_dead

# Code of acldvppPixelFormat by the name users write.
FORMATS = {
    "yuv400": 0,
    "nv12": 1,
    "nv21": 2,
    "nv16": 3,
    "nv61": 4,
    "nv24": 5,
    "nv42": 6,
    "yuyv": 7,
    "uyvy": 8,
    "yvyu": 9,
    "vyuy": 10,
    "yuv444": 11,
    "rgb": 12,
    "bgr": 13,
    "argb": 14,
    "abgr": 15,
    "rgba": 16,
    "bgra": 17,
}
cdef dict NAMES = {code: name for name, code in FORMATS.items()}

cdef enum:
    GRAY = 0
    SEMI_420 = 1
    SEMI_422 = 2
    SEMI_444 = 3
    PACKED_2 = 4    # bytes per pixel
    PACKED_3 = 5
    PACKED_4 = 6


cdef int layout_of(int format) except -1:
    if format == 0:
        return GRAY
    if format <= 2:
        return SEMI_420
    if format <= 4:
        return SEMI_422
    if format <= 6:
        return SEMI_444
    if format <= 10:
        return PACKED_2
    if format <= 13:
        return PACKED_3
    if format <= 17:
        return PACKED_4
    raise ValueError(f"pictures of format {format} are not supported; there are "
                     f"{', '.join(FORMATS)}")


cdef int format_from_object(object format) except -1:
    """Take a name ("nv12") or a value of acldvppPixelFormat."""
    cdef int code
    if isinstance(format, str):
        name = format.lower()
        if name not in FORMATS:
            raise ValueError(f"no picture format is called {format!r}; there are "
                             f"{', '.join(FORMATS)}")
        return FORMATS[name]
    code = int(format)
    if code not in NAMES:
        layout_of(99)
    return code


cdef str format_name(int format):
    return NAMES[format]


cdef uint32_t row_bytes(int format, uint32_t width) except? 0:
    """Bytes of one row of the first plane."""
    cdef int layout = layout_of(format)
    if layout >= PACKED_2:
        return width * <uint32_t>(layout - PACKED_2 + 2)
    return width


cdef size_t picture_bytes(int format, size_t stride_width, size_t stride_height) except? 0:
    cdef int layout = layout_of(format)
    cdef size_t plane = stride_width * stride_height
    if layout == SEMI_420:
        return plane * 3 // 2
    if layout == SEMI_422:
        return plane * 2
    if layout == SEMI_444:
        return plane * 3
    return plane


@cython.final
cdef class PicDesc:
    """A picture's memory, size and format; internal."""

    def __init__(self):
        raise TypeError("picture descriptors belong to images")

    def __dealloc__(self):
        cdef abi.acldvppPicDesc *handle = self._v1
        self._v1 = NULL
        if handle != NULL and not is_dead():
            with nogil:
                abi.acldvppDestroyPicDesc(handle)

    cdef abi.acldvppPicDesc *v1(self) except NULL:
        if self._v1 == NULL:
            self._v1 = abi.acldvppCreatePicDesc()
            if self._v1 == NULL:
                raise MemoryError("acldvppCreatePicDesc gave no descriptor")
            describe_v1(self, self._v1)
        return self._v1


cdef void describe_v1(PicDesc desc, abi.acldvppPicDesc *target) noexcept:
    abi.acldvppSetPicDescData(target, desc.buffer.address)
    abi.acldvppSetPicDescSize(target, <uint32_t>desc.buffer.nbytes)
    abi.acldvppSetPicDescFormat(target, <acldvppPixelFormat>desc.format)
    abi.acldvppSetPicDescWidth(target, desc.width)
    abi.acldvppSetPicDescHeight(target, desc.height)
    abi.acldvppSetPicDescWidthStride(target, desc.stride_width)
    abi.acldvppSetPicDescHeightStride(target, desc.stride_height)


cdef PicDesc create_picdesc(Buffer buffer, int format, uint32_t width, uint32_t height,
                            uint32_t stride_width, uint32_t stride_height):
    cdef PicDesc desc = PicDesc.__new__(PicDesc)
    desc.buffer = alias(buffer)
    # The view shares what is known about queued work with the buffer that users see.
    desc.buffer.root = buffer.state()
    desc.format = format
    desc.planes = 2 if 1 <= layout_of(format) <= SEMI_444 else 1
    desc.width = width
    desc.height = height
    desc.stride_width = stride_width
    desc.stride_height = stride_height
    return desc
