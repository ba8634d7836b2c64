# One execution of a model id at a time, whichever thread or stream it comes from.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t

from acl_fast.abi cimport aclError, aclmdlDataset, aclrtEvent, aclrtStream

cdef extern from "semaphore.h" nogil:
    ctypedef struct sem_t:
        pass

# Guarded by the GIL, which is why entering costs a compare; `last` and `event` belong to whoever is
# inside, who may do without the GIL.
cdef struct Lane:
    Lane *next
    uint32_t model
    int busy
    int waiters
    sem_t gate
    bint used               # `last` is a stream that the model was delivered to
    aclrtStream last
    aclrtEvent event        # what another stream waits for; made at need
    unsigned long thread    # that delivered last

# Memory that a model reads. Who copies into it holds it until it executed: refreshing and executing
# are one unit, also for threads that share the memory without a lock of their own.
cdef struct Input:
    Input *next
    uint64_t address
    Lane *lane
    unsigned long holder    # a thread; 0: free
    uint64_t turn           # how often it was taken
    int waiters
    sem_t gate


# Wait, without the GIL, until nobody executes or unloads the model.
cdef Lane *lane_enter(uint32_t model) except NULL
cdef void lane_leave(Lane *lane) noexcept
# Before a copy to `address`, in a stream or not; cheap when no model reads there.
cdef int begin_refresh(uint64_t address, aclrtStream stream, bint queued) except -1
# After an execution of `lane`: know the memory of its inputs, and let others copy there.
cdef int end_refresh(Lane *lane, uint64_t dataset) except -1
# A buffer joins a dataset: a model may read its memory.
cdef int note_buffer(uint64_t buffer) except -1
# Memory, a dataset, or what a dataset holds, is gone.
cdef void forget_memory(uint64_t address) noexcept
cdef void forget_dataset(uint64_t dataset) noexcept
cdef void datasets_changed() noexcept
# Deliver in order: another stream than the last one waits, on the device, for what that one has.
cdef aclError deliver(Lane *lane, const aclmdlDataset *inputs, aclmdlDataset *outputs,
                      aclrtStream stream) noexcept nogil
cdef aclError unload_in(Lane *lane) noexcept nogil
# A stream goes: nothing waits for it any more.
cdef int forget_stream(aclrtStream stream) except -1
