# What decoders and encoders share: jobs, results, closing. Which media interface does the work is
# the port's matter.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t

from acl_fast._image cimport Image
from acl_fast._picdesc cimport PicDesc
from acl_fast._worker cimport Job, Worker

# What a channel is made for.
cdef struct VideoOptions:
    bint hevc
    int profile             # H.264: 0 baseline, 1 main, 2 high
    int format              # of pictures, acldvppPixelFormat
    uint32_t width          # of decoders: the stream's, at most
    uint32_t height
    uint32_t rate           # encoders: frames per second
    uint32_t gop
    uint32_t bitrate        # kbit/s
    bint constant           # bit rate


# A channel of one media interface. Methods raise; `worker` is what results go to.
cdef class Port:
    cdef Worker *worker

    cdef int open(self, const VideoOptions *options) except -1
    # Decoders: the packet in `job.memory`, and the picture it becomes.
    cdef int send_packet(self, Job *job, PicDesc picture) except -1
    # Encoders.
    cdef int send_picture(self, Job *job, PicDesc picture, bint key) except -1
    # Return when everything that was sent is done.
    cdef int finish(self) except -1
    # Free what the interface keeps for a job.
    cdef void forget(self, Job *job) noexcept nogil
    # End the channel and the worker's thread; waits for what is in flight.
    cdef void destroy(self) noexcept nogil


cdef class VideoChannel:
    cdef Worker *worker             # NULL when closed
    cdef Port port
    cdef readonly object device
    cdef readonly str codec
    cdef readonly str interface
    cdef Job *idle                  # guarded by the GIL
    cdef list jobs                  # addresses
    cdef dict pending               # what each job in flight keeps alive, by its index
    cdef Py_ssize_t receiving       # threads that use `worker` without the GIL
    cdef bint flushed               # nothing was sent since the last flush(); guarded by the GIL
    cdef object lock
    cdef object __weakref__

    cdef int set_up(self, object device, str codec, str interface, bint encodes) except -1
    cdef int check_open(self) except -1
    cdef Job *take_job(self) except NULL
    cdef int give_back(self, Job *job) except -1
    cdef Job *next_done(self, double timeout) except? NULL
    # Give up what is pending though everything is done: the interface leaves out what failed.
    cdef int give_up_rest(self) except -1
    # Whether something must be received before more can be sent.
    cdef bint must_receive(self)
    cdef int release(self) except -1


cdef Port make_port(str interface)
