"""One execution of a model id at a time, whichever thread or stream it comes from.

Programs written for pyACL lean on the GIL as a lock around calls that hold it there and release it
here. Each model id has a lane, which one thread is in at a time; waiting for it never holds the
GIL. The lane remembers the stream that the model was delivered to last: on another one, the next
execution waits for it on the device.
"""

from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc

from acl_fast cimport abi
from acl_fast.abi cimport aclError, aclmdlDataset, aclrtStream

cdef extern from "semaphore.h" nogil:
    int sem_init(sem_t *, int, unsigned int)
    int sem_wait(sem_t *)
    int sem_post(sem_t *)

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1

cdef enum:
    BUCKETS = 1024      # a power of two

# Lanes are never freed: model ids are few, and a thread may be waiting for one.
cdef Lane *lanes[BUCKETS]


cdef Lane *lane_of(uint32_t model) except NULL:
    cdef Lane *lane = lanes[model & (BUCKETS - 1)]
    while lane != NULL:
        if lane.model == model:
            return lane
        lane = lane.next
    lane = <Lane *>calloc(1, sizeof(Lane))
    if lane == NULL:
        raise MemoryError()
    lane.model = model
    sem_init(&lane.gate, 0, 0)
    lane.next = lanes[model & (BUCKETS - 1)]
    lanes[model & (BUCKETS - 1)] = lane
    return lane


cdef Lane *lane_enter(uint32_t model) except NULL:
    cdef Lane *lane = lane_of(model)
    cdef int interrupted
    while lane.busy:
        lane.waiters += 1
        with nogil:
            interrupted = sem_wait(&lane.gate)
        lane.waiters -= 1
        if interrupted:
            PyErr_CheckSignals()
    lane.busy = 1
    return lane


cdef void lane_leave(Lane *lane) noexcept:
    lane.busy = 0
    if lane.waiters:
        sem_post(&lane.gate)


cdef aclError order_after_last(Lane *lane, aclrtStream stream) noexcept nogil:
    """Let ``stream`` wait for the stream that the model runs on."""
    cdef aclError code
    if lane.event == NULL:
        code = abi.aclrtCreateEvent(&lane.event)
        if code != 0:
            return code
    # A stream of an ended device has nothing left to wait for.
    if abi.aclrtRecordEvent(lane.event, lane.last) != 0:
        abi.aclrtDestroyEvent(lane.event)
        lane.event = NULL
        lane.used = False
        return 0
    return abi.aclrtStreamWaitEvent(stream, lane.event)


cdef aclError deliver(Lane *lane, const aclmdlDataset *inputs, aclmdlDataset *outputs,
                      aclrtStream stream) noexcept nogil:
    cdef aclError code = 0
    if lane.used and lane.last != stream:
        code = order_after_last(lane, stream)
    if code == 0:
        code = abi.aclmdlExecuteAsync(lane.model, inputs, outputs, stream)
    if code == 0:
        lane.last = stream
        lane.used = True
    return code


cdef aclError unload_in(Lane *lane) noexcept nogil:
    cdef aclError code = abi.aclmdlUnload(lane.model)
    if code == 0:
        # The id may come again.
        lane.used = False
        if lane.event != NULL:
            abi.aclrtDestroyEvent(lane.event)
            lane.event = NULL
    return code


cdef int forget_stream(aclrtStream stream) except -1:
    cdef Lane *lane
    cdef int bucket
    for bucket in range(BUCKETS):
        lane = lanes[bucket]
        while lane != NULL:
            if lane.used and lane.last == stream:
                lane_enter(lane.model)
                if lane.last == stream:
                    lane.used = False
                lane_leave(lane)
            lane = lane.next
    return 0
