# Work of the host in the order of a stream.

from libc.stdint cimport int32_t

from acl_fast._runtime cimport ContextState
from acl_fast._timeline cimport HostLane, Timeline
from acl_fast.abi cimport aclrtEvent, aclrtNotify, aclrtStream

# Does the work and returns the interface's code; `function` becomes the name of what failed.
ctypedef int32_t (*HostWork)(void *argument, const char **function) noexcept nogil

cdef struct Task:
    Task *next
    aclrtEvent event        # the stream has come to the task
    HostWork work
    void *argument          # from malloc()

cdef struct LaneState:
    ContextState *context
    void *sync
    aclrtNotify notify      # the work is over, and the stream goes on
    aclrtStream signals     # where the notify is recorded
    Task *first             # queued; guarded by the mutex, as all below
    Task *last
    Task *idle
    Py_ssize_t waiting      # queued and not over
    int stop
    int halted              # what is queued is not to be done any more
    int32_t code            # of the first failure
    const char *function
    char why[512]


# A thread that works where a stream stands, while the stream waits on the device: for interfaces
# whose calls wait and know no streams.
cdef class Lane(HostLane):
    cdef LaneState *state           # NULL when closed
    cdef Timeline timeline

    # Queue `work`; frees `argument` when it is over, or could not be queued. A context is bound.
    cdef int queue(self, HostWork work, void *argument) except -1
    # The stream has nothing left to do.
    cdef int close(self) except -1


# None where the device has no notifies (they came with CANN 8.5), or none left.
cdef Lane open_lane(ContextState *context, Timeline timeline)
