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
from acl_fast._lock cimport (
    PyThread_get_thread_ident,
    gate_doze,
    gate_enter,
    gate_leave,
    gate_open,
    sem_destroy,
    sem_init,
    sem_post,
)
from acl_fast._timeline cimport now
from acl_fast.abi cimport aclError, aclmdlDataset, aclrtContext, aclrtStream

# Seconds after which memory is taken from who does not execute.
cdef double PATIENCE = 1.0


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
    sem_init(&lane.gate.bell, 0, 0)
    lane.next = lanes[model & (BUCKETS - 1)]
    lanes[model & (BUCKETS - 1)] = lane
    return lane


cdef bint is_in_order(Lane *lane, aclrtStream stream) noexcept nogil:
    """Whether work on ``stream`` comes after the model's in any case."""
    cdef aclrtContext context = NULL
    if not lane.used:
        return True
    return (lane.last == stream and abi.aclrtGetCurrentContext(&context) == 0
            and context == lane.context)


cdef aclError record_last(Lane *lane) noexcept nogil:
    """Record the lane's event where the model runs, which may be another context's stream."""
    cdef aclrtContext context = NULL
    cdef aclError code = abi.aclrtGetCurrentContext(&context)
    cdef bint elsewhere
    if code != 0:
        return code
    elsewhere = context != lane.context
    if elsewhere:
        code = abi.aclrtSetCurrentContext(lane.context)
    if code == 0 and (lane.event == NULL or abi.aclrtRecordEvent(lane.event, lane.last) != 0):
        # The first time, or the event went with the context it was made in.
        drop_event(lane)
        code = abi.aclrtCreateEvent(&lane.event)
        if code == 0:
            code = abi.aclrtRecordEvent(lane.event, lane.last)
    if elsewhere:
        abi.aclrtSetCurrentContext(context)
    return code


cdef void drop_event(Lane *lane) noexcept nogil:
    if lane.event != NULL:
        abi.aclrtDestroyEvent(lane.event)
        lane.event = NULL


cdef void order_after_last(Lane *lane, aclrtStream stream) noexcept nogil:
    """Let ``stream`` wait for what the model has going on another one.

    There is no code to return: a stream that cannot wait is none that the caller may use, which the
    caller's own call then says in its own name.
    """
    # When recording fails, the stream went with its context or device: there is nothing to wait
    # for.
    if is_in_order(lane, stream) or record_last(lane) != 0:
        return
    if abi.aclrtStreamWaitEvent(stream, lane.event) != 0:
        abi.aclrtSynchronizeEvent(lane.event)
        # A program that errs should not find an event more on the device than it made.
        drop_event(lane)


cdef void delivered_to(Lane *lane, aclrtStream stream) noexcept:
    lane.last = stream
    lane.context = NULL
    lane.used = abi.aclrtGetCurrentContext(&lane.context) == 0


cdef void unloaded(Lane *lane) noexcept:
    lane.used = False
    drop_event(lane)


cdef int forget_stream(aclrtStream stream) except -1:
    cdef Lane *lane
    cdef int bucket
    for bucket in range(BUCKETS):
        lane = lanes[bucket]
        while lane != NULL:
            if lane.used and lane.last == stream:
                gate_enter(&lane.gate)
                if lane.last == stream:
                    lane.used = False
                gate_leave(&lane.gate)
            lane = lane.next
    return 0


# ---- refreshing ----

cdef Input *memories[BUCKETS]
cdef Binding *bindings[BUCKETS]
generation = 1


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
    cdef Lane *lane
    while memory != NULL and not hold(memory):
        # Freed meanwhile; the address may mean other memory by now.
        memory = input_at(address)
    if memory == NULL:
        return 0
    lane = memory.lane
    if lane == NULL or not lane.used:
        return 0
    # Nobody is in the lane, and what it has going is in order: the usual case.
    if lane.gate.owner == 0 and (
            is_usual(lane, stream) or is_in_order(lane, stream) if queued else is_mine(lane)):
        return 0
    gate_enter(&lane.gate)
    with nogil:
        if queued:
            order_after_last(lane, stream)
        else:
            wait_for_last(lane)
    gate_leave(&lane.gate)
    return 0


cdef bint hold(Input *memory) except -1:
    """Wait until nobody else is between copy and execution; false when the memory is gone."""
    cdef unsigned long me = PyThread_get_thread_ident()
    cdef unsigned long holder = 0
    cdef uint64_t turn = 0
    cdef double since = 0
    while memory.gate.owner != 0 and memory.gate.owner != me:
        if memory.gate.owner != holder or memory.turn != turn:
            holder, turn, since = memory.gate.owner, memory.turn, now()
        elif now() - since > PATIENCE:
            break
        gate_doze(&memory.gate)
    if memory.gone:
        if memory.gate.waiters == 0:
            free_input(memory)
        return False
    memory.gate.owner = me
    memory.turn += 1
    return True


cdef bint is_mine(Lane *lane) noexcept nogil:
    """Whether this very thread waits for what is going, as the documentation says."""
    return not lane.used or lane.thread == PyThread_get_thread_ident()


cdef void wait_for_last(Lane *lane) noexcept nogil:
    """Wait for what another thread has going: this copy does not go through a stream."""
    if not is_mine(lane) and record_last(lane) == 0:
        abi.aclrtSynchronizeEvent(lane.event)


cdef void let_go(Input *memory) noexcept:
    if memory.gate.owner == PyThread_get_thread_ident():
        gate_open(&memory.gate)


cdef Binding *binding_of(Lane *lane, uint64_t dataset) except NULL:
    cdef Binding *binding = bindings[bucket_of(dataset)]
    while binding != NULL and binding.dataset != dataset:
        binding = binding.next
    if binding == NULL or binding.generation != generation or binding.lane != lane:
        binding = bind_dataset(lane, dataset)
    lane.binding = binding
    return binding


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
        sem_init(&memory.gate.bell, 0, 0)
        memory.address = address
        memory.next = memories[bucket_of(address)]
        memories[bucket_of(address)] = memory
        if block_at(address)[0] == NULL:
            add_piece(memory)
    return memory


cdef void free_input(Input *memory) noexcept:
    sem_destroy(&memory.gate.bell)
    free(memory)


# ---- blocks and pieces of them ----

# Programs cut blocks into pieces: when a block is freed, what lies in it is gone.
cdef struct Block:
    Block *next
    uint64_t address
    uint64_t size

cdef Block *blocks[BUCKETS]
cdef Input *pieces


cdef Block **block_at(uint64_t address) noexcept:
    cdef Block **place = &blocks[bucket_of(address)]
    while place[0] != NULL and place[0].address != address:
        place = &place[0].next
    return place


cdef int note_block(uint64_t address, uint64_t size) except -1:
    cdef Block **place
    cdef Block *block
    if address == 0:
        return 0
    place = block_at(address)
    block = place[0]
    if block == NULL:
        block = <Block *>calloc(1, sizeof(Block))
        if block == NULL:
            raise MemoryError()
        block.address = address
        place[0] = block
    block.size = size
    return 0


cdef void add_piece(Input *memory) noexcept:
    global pieces
    memory.is_piece = True
    memory.piece_after = pieces
    if pieces != NULL:
        pieces.piece_before = memory
    pieces = memory


cdef void drop_piece(Input *memory) noexcept:
    global pieces
    if memory.piece_before != NULL:
        memory.piece_before.piece_after = memory.piece_after
    else:
        pieces = memory.piece_after
    if memory.piece_after != NULL:
        memory.piece_after.piece_before = memory.piece_before


cdef void forget_memory(uint64_t address) noexcept:
    cdef Block **place = block_at(address)
    cdef Block *block = place[0]
    cdef Input *piece
    cdef Input *after
    forget_input(address)
    if block == NULL:
        return
    piece = pieces
    while piece != NULL:
        after = piece.piece_after
        if piece.address - address < block.size:
            forget_input(piece.address)
        piece = after
    place[0] = block.next
    free(block)


cdef void forget_input(uint64_t address) noexcept:
    cdef Input **place = &memories[bucket_of(address)]
    cdef Input *gone
    cdef int _waiter
    while place[0] != NULL and place[0].address != address:
        place = &place[0].next
    gone = place[0]
    if gone == NULL:
        return
    place[0] = gone.next
    if gone.is_piece:
        drop_piece(gone)
    datasets_changed()
    if gone.gate.waiters == 0:
        free_input(gone)
        return
    # Who waits for it looks again, and the last one frees it.
    gone.gone = True
    gone.gate.owner = 0
    for _waiter in range(gone.gate.waiters):
        sem_post(&gone.gate.bell)


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
            if gone.lane.binding == gone:
                gone.lane.binding = NULL
            free(gone)
            return
        place = &place[0].next


cdef void datasets_changed() noexcept:
    global generation
    generation += 1


def remembered():
    """How many inputs, and blocks of memory, are known; for tests."""
    cdef Input *memory
    cdef Block *block
    cdef int bucket, inputs = 0, known = 0
    for bucket in range(BUCKETS):
        memory = memories[bucket]
        while memory != NULL:
            inputs += 1
            memory = memory.next
        block = blocks[bucket]
        while block != NULL:
            known += 1
            block = block.next
    return inputs, known
