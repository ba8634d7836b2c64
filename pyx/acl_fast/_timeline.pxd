# What is in flight on a stream: in order, kept alive, and known to be over.

from cpython.ref cimport PyObject
from libc.stdint cimport uint64_t

from acl_fast.abi cimport aclError, aclrtEvent, aclrtStream
from acl_fast._runtime cimport ContextState

cdef enum:
    MARKERS = 8

# Sequence number of work that is being queued right now: greater than every real one.
cdef enum: QUEUEING = -1

cdef struct Entry:
    PyObject *work      # a Work, one reference owned
    uint64_t seq


# The work of one stream in order. It outlives the Stream object, so that a request can still ask
# whether its work is done; it never owns the C stream. All fields are guarded by the GIL.
cdef class Timeline:
    cdef ContextState *context
    cdef aclrtStream handle         # NULL once the stream is destroyed
    cdef uint64_t submitted         # sequence number of the newest work that is queued
    cdef uint64_t completed         # everything up to here is known to be over
    cdef uint64_t verified          # up to here the stream was synchronized, and asked for errors
    cdef list failures              # (after, up to, code, why) of what ended in an error
    cdef int users                  # calls that use the handle without the GIL right now
    # What is in flight and kept alive. Plain C, so that the cycle collector cannot take apart
    # objects that the device is still using.
    cdef Entry *entries
    cdef Py_ssize_t count
    cdef Py_ssize_t capacity
    cdef Py_ssize_t unmarked        # entries since the last marker
    cdef aclrtEvent markers[MARKERS]
    cdef uint64_t marker_seq[MARKERS]
    cdef int first_marker
    cdef int marker_count
    cdef object staging             # pinned memory kept for the next asynchronous copy
    cdef list lanes                 # HostLanes whose work the stream waits for
    cdef object host_failure        # what a lane that is closed leaves behind

    cdef int append(self, Work work, uint64_t seq) except -1
    cdef int enlist(self, Work work) except -1
    cdef int hold(self, object item) except -1
    cdef int reserve(self) except -1
    cdef int advance(self, uint64_t seq) except -1
    cdef int fail(self, uint64_t seq, aclError code) except -1
    cdef int poll(self) except -1
    cdef int settle(self, uint64_t snapshot) except -1
    cdef int pop_marker(self) except -1
    cdef bint marker_happened(self) noexcept
    cdef int mark(self) except -1
    cdef int wait_oldest(self) except -1
    cdef int event_done(self, uint64_t seq) except -1
    cdef int check_failed(self, uint64_t seq) except -1
    cdef int synchronize(self, double timeout) except -1
    cdef object take_host_failure(self)
    cdef int halt_lanes(self) except -1
    cdef int order_after(self, Timeline other) except -1
    cdef uint64_t record(self, aclrtEvent event, object keep) except 0


# Work of the host that a stream waits for on the device; the C library cannot tell of its failures.
cdef class HostLane:
    # The stream was aborted: wait until nothing is done any more.
    cdef int halt(self) except -1
    # The exception that tells of the first failure since the last call, or None.
    cdef object take_failure(self)


# Something queued on a stream: it knows whether it is over, and is kept alive until then.
cdef class Work:
    cdef Timeline _timeline         # of the newest submission; None before the first
    cdef uint64_t _seq
    cdef bint _listed               # in _timeline.entries
    cdef bint _plain                # can run, or be queued on _timeline, with no preparation
    cdef object __weakref__

    cdef bint in_flight(self) except -1


cdef object completion(object owner, Timeline timeline, uint64_t seq)
cdef void destroy_markers(Timeline timeline) noexcept nogil
cdef int wait_event(ContextState *context, aclrtEvent event, double timeout) except -1
# Seconds; -1 for None, which waits for ever.
cdef double parse_timeout(object timeout) except? -2

cdef extern from *:
    """
    #ifndef ACL_FAST_CLOCK
    #define ACL_FAST_CLOCK
    #include <time.h>
    static inline double acl_fast_now(void) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec + 1e-9 * t.tv_nsec;
    }
    static inline void acl_fast_pause(void) {
        struct timespec t = {0, 200000};
        nanosleep(&t, 0);
    }
    #endif
    """
    double now "acl_fast_now" () noexcept nogil
    void pause "acl_fast_pause" () noexcept nogil
