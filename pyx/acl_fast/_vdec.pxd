# Video decoding through a channel of the first media interface.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t

from acl_fast.abi cimport acldvppPicDesc, acldvppStreamDesc, aclvdecChannelDesc, aclvdecFrameConfig
from acl_fast._block cimport Block
from acl_fast._pool cimport PicturePool
from acl_fast._runtime cimport ContextState

# One packet on its way; reused for later packets.
cdef struct Job:
    Job *next
    DecoderState *owner
    acldvppStreamDesc *packet
    Block *memory           # of the packet
    Py_ssize_t index
    uint32_t code

# What the report thread and the callback work on; no Python objects.
cdef struct DecoderState:
    ContextState *context
    void *mutex
    void *changed
    void *thread
    int stop
    Job *first              # frames that are done, in display order
    Job *last
    Job *idle               # guarded by the GIL


cdef class VideoDecoder:
    cdef DecoderState *state        # NULL when closed
    cdef aclvdecChannelDesc *channel
    cdef aclvdecFrameConfig *config
    cdef bint created
    cdef readonly object device
    cdef readonly str codec
    cdef readonly PicturePool pool
    cdef readonly uint64_t damaged
    cdef bint own_pool
    cdef int channel_id
    cdef list jobs                  # addresses
    cdef dict pending               # images by job
    cdef Py_ssize_t receiving       # threads that use `state` without the GIL
    cdef object lock
    cdef object __weakref__

    cdef int check_open(self) except -1
    cdef Job *take_job(self, size_t nbytes) except NULL
    cdef int fill(self, Job *job, object data) except -1
    cdef Job *next_done(self, double timeout) except? NULL
    cdef int send_job(self, Job *job, acldvppPicDesc *picture) except -1
    cdef int start(self, int stream_format, int pixel_format) except -1
    cdef int release(self) except -1
