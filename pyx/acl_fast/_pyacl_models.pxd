# One execution of a model id at a time, whichever thread or stream it comes from.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t

from acl_fast cimport abi
from acl_fast.abi cimport (
    aclError,
    aclmdlDataset,
    aclmdlExecConfigHandle,
    aclrtContext,
    aclrtEvent,
    aclrtStream,
)
from acl_fast._lock cimport Gate, PyThread_get_thread_ident, gate_enter, gate_leave

cdef enum:
    BUCKETS = 1024      # a power of two

# The turn of a model id. All fields but `event` change only with the GIL held, by whoever is in the
# gate; so who holds the GIL may look at any time. `event` belongs to whoever is in the gate, who
# may do without the GIL.
cdef struct Lane:
    Lane *next
    Gate gate
    uint32_t model
    bint used               # `last` is a stream that the model was delivered to
    aclrtStream last
    aclrtContext context    # of `last`
    unsigned long thread    # that delivered last
    aclrtEvent event        # what another stream waits for; made at need
    Binding *binding        # of the dataset executed last

# Memory that a model reads. Who copies into it is the gate's owner until it executed: refreshing
# and executing are one unit, also for threads that share the memory without a lock of their own.
cdef struct Input:
    Input *next
    Gate gate
    uint64_t address
    Lane *lane
    uint64_t turn           # how often it was taken
    # Neighbours in the list of memory that does not begin a block.
    Input *piece_before
    Input *piece_after
    bint is_piece
    bint gone               # freed by the program; who waits last frees this too

# The model was delivered to this very stream: what comes there is in order.
cdef inline bint is_usual(Lane *lane, aclrtStream stream) noexcept nogil:
    # Every context has a stream 0.
    return lane.used and lane.last == stream and stream != NULL


# How a model is delivered.
cdef enum Call:
    EXECUTE_ASYNC
    EXECUTE_ASYNC_V2
    EXECUTE_V2


# The inputs of a dataset, as the latest execution found them.
cdef struct Binding:
    Binding *next
    uint64_t dataset
    uint64_t generation     # of all datasets, when this was written
    Lane *lane
    size_t count
    Input *inputs[0]

# Lanes are never freed: model ids are few, and a thread may be waiting for one.
cdef Lane *lanes[BUCKETS]
cdef uint64_t generation

cdef Lane *lane_of(uint32_t model) except NULL
# Wait, without the GIL, until nobody executes or unloads the model.
cdef inline Lane *lane_enter(uint32_t model) except NULL:
    cdef Lane *lane = lanes[model & (BUCKETS - 1)]
    if lane == NULL or lane.model != model:
        lane = lane_of(model)
    gate_enter(&lane.gate)
    return lane
cdef inline void lane_leave(Lane *lane) noexcept:
    gate_leave(&lane.gate)
# Before a copy to `address`, in a stream or not; cheap when no model reads there.
cdef int begin_refresh(uint64_t address, aclrtStream stream, bint queued) except -1
# After an execution of `lane`: know the memory of its inputs, and let others copy there.
cdef inline int end_refresh(Lane *lane, uint64_t dataset) except -1:
    cdef Binding *binding = lane.binding
    cdef size_t index
    if binding == NULL or binding.dataset != dataset or binding.generation != generation:
        binding = binding_of(lane, dataset)
    for index in range(binding.count):
        if binding.inputs[index].gate.owner != 0:
            let_go(binding.inputs[index])
    return 0
cdef Binding *binding_of(Lane *lane, uint64_t dataset) except NULL
cdef void let_go(Input *memory) noexcept
# Memory was allocated: what lies in it goes when it goes.
cdef int note_block(uint64_t address, uint64_t size) except -1
# A buffer joins a dataset: a model may read its memory.
cdef int note_buffer(uint64_t buffer) except -1
# A block of memory with all that lies in it, a dataset, or what a dataset holds, is gone.
cdef void forget_memory(uint64_t address) noexcept
cdef void forget_dataset(uint64_t dataset) noexcept
cdef void datasets_changed() noexcept
# Deliver in order: another stream than the last one waits, on the device, for what that one has.
cdef inline aclError deliver(Lane *lane, Call call, const aclmdlDataset *inputs,
                             aclmdlDataset *outputs, aclrtStream stream,
                             const aclmdlExecConfigHandle *config) noexcept nogil:
    if not is_usual(lane, stream):
        order_after_last(lane, stream)
    if call == EXECUTE_ASYNC:
        return abi.aclmdlExecuteAsync(lane.model, inputs, outputs, stream)
    if call == EXECUTE_ASYNC_V2:
        return abi.aclmdlExecuteAsyncV2(lane.model, inputs, outputs, stream, config)
    return abi.aclmdlExecuteV2(lane.model, inputs, outputs, stream, config)
cdef void order_after_last(Lane *lane, aclrtStream stream) noexcept nogil
# After a delivery, still in the lane, with the GIL.
cdef inline void delivered(Lane *lane, aclrtStream stream) noexcept:
    lane.thread = PyThread_get_thread_ident()
    if not is_usual(lane, stream):
        delivered_to(lane, stream)
cdef void delivered_to(Lane *lane, aclrtStream stream) noexcept
# After the model was unloaded, in its lane: the id may come again.
cdef void unloaded(Lane *lane) noexcept
# A stream goes: nothing waits for it any more.
cdef int forget_stream(aclrtStream stream) except -1
