# Still pictures: JPEG both ways, PNG in.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t

from acl_fast._block cimport Block
from acl_fast._image cimport Image
from acl_fast._picdesc cimport PicDesc
from acl_fast._runtime cimport ContextState
from acl_fast._stream cimport Stream


# A channel of one media interface. Methods raise and wait for their result; a context is bound to
# the thread. A port that `waits` is called when the stream has nothing to do.
cdef class StillPort:
    cdef Stream stream
    cdef bint waits

    cdef int open(self, bint encodes) except -1
    # What the file at `data`, in host memory, becomes when it is decoded to `format`.
    cdef int jpeg_size(self, const unsigned char *data, uint32_t nbytes, int format,
                       uint32_t *width, uint32_t *height) except -1
    cdef int png_size(self, const unsigned char *data, uint32_t nbytes, uint32_t *width,
                      uint32_t *height) except -1
    cdef int decode_jpeg(self, Block *data, uint32_t nbytes, PicDesc target) except -1
    cdef int decode_png(self, Block *data, uint32_t nbytes, PicDesc target) except -1
    # Bytes that hold the file of a picture; encode_jpeg() of the same comes next.
    cdef uint32_t predict(self, PicDesc picture, int quality) except? 0
    # Return the bytes written.
    cdef uint32_t encode_jpeg(self, PicDesc picture, int quality, Block *data) except? 0
    cdef void close(self) noexcept nogil


# A channel with a stream of its own, and memory for compressed data that is used again.
cdef class StillChannel:
    cdef StillPort port             # None when closed
    cdef ContextState *context
    cdef readonly object device
    cdef readonly str interface
    cdef Stream stream
    cdef Block *data
    cdef object lock

    cdef int check_open(self) except -1
    cdef int reserve(self, size_t nbytes) except -1
    cdef int put(self, const unsigned char[::1] data) except -1
    cdef int begin(self, Image image) except -1
    cdef Image target(self, object out, int format, uint32_t width, uint32_t height)


cdef StillPort make_still_port(str interface)


cdef class JpegDecoder(StillChannel):
    pass


cdef class JpegEncoder(StillChannel):
    pass
