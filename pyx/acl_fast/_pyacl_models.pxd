# One execution of a model id at a time, whichever thread or stream it comes from.

from libc.stdint cimport uint32_t

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


# Wait, without the GIL, until nobody executes or unloads the model.
cdef Lane *lane_enter(uint32_t model) except NULL
cdef void lane_leave(Lane *lane) noexcept
# Deliver in order: another stream than the last one waits, on the device, for what that one has.
cdef aclError deliver(Lane *lane, const aclmdlDataset *inputs, aclmdlDataset *outputs,
                      aclrtStream stream) noexcept nogil
cdef aclError unload_in(Lane *lane) noexcept nogil
# A stream goes: nothing waits for it any more.
cdef int forget_stream(aclrtStream stream) except -1
