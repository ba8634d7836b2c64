# The picture processor (VPC) of a device.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t

from acl_fast.abi cimport (
    aclError,
    acldvppBatchPicDesc,
    acldvppChannelDesc,
    acldvppResizeConfig,
    acldvppRoiConfig,
)
from acl_fast._image cimport Image
from acl_fast._runtime cimport ContextState
from acl_fast._stream cimport Stream


# A region of interest on loan from a Vpc, to which it returns when the work that uses it is over.
cdef class Roi:
    cdef acldvppRoiConfig *handle
    cdef Vpc home


cdef class Vpc:
    cdef acldvppChannelDesc *channel
    cdef acldvppResizeConfig *config
    cdef ContextState *context
    cdef readonly object device
    cdef Stream stream              # NULL handle: closed
    cdef bint own_stream
    cdef bint closed
    cdef object lock
    cdef list idle                  # addresses of ROI configurations

    cdef int check_open(self) except -1
    cdef Roi roi(self, uint32_t left, uint32_t top, uint32_t width, uint32_t height)
    cdef Image target(self, Image source, object width, object height, object format, object out)
    cdef int order(self, Image source, Image out) except -1
    cdef int finish(self, aclError code, const char *function, Image out, object keep) except -1
    cdef int settle(self) except -1
