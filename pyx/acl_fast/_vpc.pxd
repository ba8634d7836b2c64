# The picture processor (VPC) of a device.

from libc.stdint cimport uint32_t

from acl_fast._image cimport Image
from acl_fast._picdesc cimport PicDesc
from acl_fast._runtime cimport ContextState
from acl_fast._stream cimport Stream

# A rectangle of pixels.
cdef struct Area:
    uint32_t left
    uint32_t top
    uint32_t width
    uint32_t height


# A channel of one media interface. Methods raise; a context is bound to the thread. Work is queued
# on the stream, and what it uses until the stream has passed it is returned; a port that `waits`,
# which open() decides, is called when the stream has nothing to do, and returns None when the work
# is over.
cdef class VpcPort:
    cdef Stream stream
    cdef bint queues                # others queue work on the stream, too
    cdef bint waits
    cdef const char *function       # of the work that was queued last

    cdef int open(self) except -1
    # `code` is one of INTERPOLATIONS; nothing is in flight.
    cdef int set_interpolation(self, int code) except -1
    # `area` is NULL for the whole picture.
    cdef object resize(self, PicDesc source, const Area *area, PicDesc target)
    cdef object crop(self, PicDesc source, const Area *area, PicDesc target)
    cdef object paste(self, PicDesc source, const Area *area, PicDesc target, const Area *place)
    cdef object convert(self, PicDesc source, PicDesc target)
    # `counts` of the areas belong to each source; one target for each area.
    cdef object batch(self, list sources, list counts, const Area *areas, list targets)
    cdef void close(self) noexcept


cdef class Vpc:
    cdef VpcPort port
    cdef ContextState *context
    cdef readonly object device
    cdef readonly str interface
    cdef Stream stream
    cdef bint own_stream
    cdef bint ordered               # the stream waits for other streams since it was settled
    cdef bint closed
    cdef object lock

    cdef int check_open(self) except -1
    cdef Image target(self, Image source, object width, object height, object format, object out)
    cdef int order(self, Image source, Image out) except -1
    cdef int begin(self) except -1
    cdef int finish(self, object keep, Image out) except -1
    cdef int settle(self) except -1


cdef VpcPort make_vpc_port(str interface)
