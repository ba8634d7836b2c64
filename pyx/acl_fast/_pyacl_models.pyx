"""One execution of a model id at a time, whichever thread or stream it comes from.

Programs written for pyACL lean on the GIL as a lock around calls that hold it there and release it
here. Each model id has a lane, which one thread is in at a time; waiting for it never holds the
GIL. The lane remembers the stream that the model was delivered to last: on another one, the next
execution waits for it on the device.

Threads that share the memory of an input refresh and execute as one unit: who copied there holds
the memory until its execution is delivered. The next copy then waits, on the device, for what reads
the memory. A holder that does not execute loses it after a second.

Everything here is guarded by the GIL; no wait holds it.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free

from acl_fast cimport abi
from acl_fast.abi cimport aclError, aclmdlDataset, aclrtStream
from acl_fast._timeline cimport now

cdef extern from "semaphore.h" nogil:
    int sem_init(sem_t *, int, unsigned int)
    int sem_wait(sem_t *)
    int sem_post(sem_t *)

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1
    unsigned long PyThread_get_thread_ident() noexcept nogil

cdef extern from *:
    """
    #include <semaphore.h>
    #include <time.h>
    static int wait_a_while(sem_t *gate) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 50000000;
        if (until.tv_nsec >= 1000000000) { until.tv_nsec -= 1000000000; until.tv_sec += 1; }
        return sem_timedwait(gate, &until);
    }
    """
    int wait_a_while(sem_t *gate) noexcept nogil

cdef enum:
    BUCKETS = 1024      # a power of two

# Seconds after which memory is taken from who does not execute.
cdef double PATIENCE = 1.0

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
        lane.thread = PyThread_get_thread_ident()
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


# ---- refreshing ----

# The inputs of a dataset, as the latest execution found them.
cdef struct Binding:
    Binding *next
    uint64_t dataset
    uint64_t generation     # of all datasets, when this was written
    Lane *lane
    size_t count
    Input *inputs[0]

cdef Input *memories[BUCKETS]
cdef Binding *bindings[BUCKETS]
cdef uint64_t generation = 1


cdef inline size_t bucket_of(uint64_t address) noexcept:
    # Allocations are multiples of 64.
    return (address >> 6 ^ address >> 16) & (BUCKETS - 1)


cdef inline Input *input_at(uint64_t address) noexcept:
    cdef Input *found = memories[bucket_of(address)]
    while found != NULL and found.address != address:
        found = found.next
    return found


cdef int begin_refresh(uint64_t address, aclrtStream stream, bint queued) except -1:
    cdef Input *memory = input_at(address)
    if memory == NULL:
        return 0
    return hold(memory, address, stream, queued)


cdef int hold(Input *memory, uint64_t address, aclrtStream stream, bint queued) except -1:
    cdef unsigned long me = PyThread_get_thread_ident()
    cdef unsigned long holder = 0
    cdef uint64_t turn = 0
    cdef double since = 0
    cdef Lane *lane
    while memory.holder != 0 and memory.holder != me:
        if memory.holder != holder or memory.turn != turn:
            holder, turn, since = memory.holder, memory.turn, now()
        elif now() - since > PATIENCE:
            break
        memory.waiters += 1
        with nogil:
            wait_a_while(&memory.gate)
        memory.waiters -= 1
        PyErr_CheckSignals()
    # Somebody may have freed the memory meanwhile.
    if input_at(address) != memory:
        return 0
    memory.holder = me
    memory.turn += 1
    lane = memory.lane
    if lane == NULL or not lane.used:
        return 0
    # What this very thread has going is its own to wait for, as the documentation says.
    if lane.last == stream if queued else lane.thread == me:
        return 0
    lane = lane_enter(lane.model)
    with nogil:
        if queued:
            order_after_last(lane, stream)
        else:
            wait_for_last(lane)
    lane_leave(lane)
    return 0


cdef void wait_for_last(Lane *lane) noexcept nogil:
    """Wait for what another thread has going: this copy does not go through a stream."""
    if lane.event == NULL and abi.aclrtCreateEvent(&lane.event) != 0:
        return
    if abi.aclrtRecordEvent(lane.event, lane.last) == 0:
        abi.aclrtSynchronizeEvent(lane.event)


cdef int end_refresh(Lane *lane, uint64_t dataset) except -1:
    cdef Binding *binding = bindings[bucket_of(dataset)]
    cdef size_t index
    while binding != NULL and binding.dataset != dataset:
        binding = binding.next
    if binding == NULL or binding.generation != generation or binding.lane != lane:
        binding = bind_dataset(lane, dataset)
    for index in range(binding.count):
        if binding.inputs[index].holder != 0:
            let_go(binding.inputs[index])
    return 0


cdef void let_go(Input *memory) noexcept:
    if memory.holder == PyThread_get_thread_ident():
        memory.holder = 0
        if memory.waiters:
            sem_post(&memory.gate)


cdef Binding *bind_dataset(Lane *lane, uint64_t dataset) except NULL:
    """Find the memory behind a dataset; once per dataset, unless buffers change."""
    cdef const abi.aclmdlDataset *handle = <const abi.aclmdlDataset *><uintptr_t>dataset
    cdef size_t count = abi.aclmdlGetDatasetNumBuffers(handle), index
    cdef Binding *binding = <Binding *>calloc(1, sizeof(Binding) + count * sizeof(Input *))
    cdef uint64_t address
    if binding == NULL:
        raise MemoryError()
    forget_dataset(dataset)
    binding.dataset = dataset
    binding.generation = generation
    binding.lane = lane
    for index in range(count):
        address = <uint64_t><uintptr_t>abi.aclGetDataBufferAddr(
            abi.aclmdlGetDatasetBuffer(handle, index))
        if address != 0:
            binding.inputs[binding.count] = known_input(address)
            binding.inputs[binding.count].lane = lane
            binding.count += 1
    binding.next = bindings[bucket_of(dataset)]
    bindings[bucket_of(dataset)] = binding
    return binding


cdef Input *known_input(uint64_t address) except NULL:
    cdef Input *memory = input_at(address)
    if memory == NULL:
        memory = <Input *>calloc(1, sizeof(Input))
        if memory == NULL:
            raise MemoryError()
        sem_init(&memory.gate, 0, 0)
        memory.address = address
        memory.next = memories[bucket_of(address)]
        memories[bucket_of(address)] = memory
    return memory


cdef int note_buffer(uint64_t buffer) except -1:
    cdef uint64_t address = <uint64_t><uintptr_t>abi.aclGetDataBufferAddr(
        <const abi.aclDataBuffer *><uintptr_t>buffer)
    if address != 0:
        known_input(address)
    datasets_changed()
    return 0


cdef void forget_dataset(uint64_t dataset) noexcept:
    cdef Binding **place = &bindings[bucket_of(dataset)]
    cdef Binding *gone
    while place[0] != NULL:
        if place[0].dataset == dataset:
            gone = place[0]
            place[0] = gone.next
            free(gone)
            return
        place = &place[0].next


cdef void forget_memory(uint64_t address) noexcept:
    cdef Input **place = &memories[bucket_of(address)]
    cdef Input *gone
    if place[0] == NULL:
        return
    while place[0] != NULL:
        if place[0].address == address:
            gone = place[0]
            # Its waiters look again; it is too small to be worth counting them out.
            if gone.waiters:
                sem_post(&gone.gate)
                place[0] = gone.next
            else:
                place[0] = gone.next
                free(gone)
            datasets_changed()
            return
        place = &place[0].next


cdef void datasets_changed() noexcept:
    global generation
    generation += 1
