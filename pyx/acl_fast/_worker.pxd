# The native thread of a video channel, and what it hands over: no Python objects.

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, uint32_t

from acl_fast._block cimport Block
from acl_fast._runtime cimport ContextState

# One packet or picture on its way; reused for later ones.
cdef struct Job:
    Job *next
    Worker *owner
    Py_ssize_t index
    uint32_t code           # what the interface says of it; 0 is success
    void *desc              # V1 decoders: the acldvppStreamDesc
    Block *memory           # decoders: where the packet lies
    unsigned char *data     # encoders: the packet, from malloc()
    size_t nbytes
    bint is_key
    bint taken              # by worker_take() and not returned; guarded by the mutex

cdef struct Worker:
    ContextState *context
    void *sync              # mutex, condition and thread
    bint unified
    bint hevc
    int32_t channel         # V2: the number of the channel
    int stop
    Job *first              # done, in the order of the interface; guarded by the mutex
    Job *last
    Py_ssize_t in_flight    # sent and not done; guarded by the mutex
    Py_ssize_t taken        # done and taken, and not returned; guarded by the mutex
    int laps                # how often the thread began to look for a result


cdef Worker *worker_new(ContextState *context) except NULL
cdef void worker_free(Worker *worker) noexcept nogil
cdef int worker_start(Worker *worker, void *(*loop)(void *) noexcept nogil) except -1
cdef unsigned long worker_thread(Worker *worker) noexcept nogil
cdef bint worker_stops(Worker *worker) noexcept nogil
# Ask the thread to end and wait for it; harmless when there is none.
cdef void worker_join(Worker *worker) noexcept nogil
# A job is with the device from here ...
cdef void worker_sent(Worker *worker) noexcept nogil
cdef void worker_unsent(Worker *worker) noexcept nogil
# ... to here. Called by the native thread.
cdef void worker_done(Job *job) noexcept nogil
# Copy a packet out of the library's memory into the job, before worker_done(); sets its code.
cdef void worker_copy_packet(Job *job, const void *source, size_t nbytes) noexcept nogil
# Take the oldest job that is done; waits at most 50 ms, so that Ctrl-C is seen.
cdef Job *worker_take(Worker *worker, bint wait) noexcept nogil
# What was taken has been dealt with; harmless for a job that was not taken.
cdef void worker_return(Job *job) noexcept nogil
# Whether nothing is with the device; waits at most 50 ms for it.
cdef bint worker_is_idle(Worker *worker) noexcept nogil
# Whether there are jobs that are done and were not returned.
cdef bint worker_has_done(Worker *worker) noexcept nogil
# The thread says that it looks for a result; what it found before has been handed over.
cdef void worker_next_lap(Worker *worker) noexcept nogil
# Return when the thread has begun a new lap, or nothing is with the device; 50 ms are a wait.
cdef void worker_await_lap(Worker *worker) noexcept nogil
