"""Work of the host in the order of a stream.

The stream records an event, which tells the lane's thread to begin, and then waits for a notify,
which the thread records in a stream of its own when the work is over. Callbacks in the stream would
not do: they are not to give work to the device.
"""

cimport cython
from libc.stdint cimport int32_t
from libc.stdlib cimport calloc, free
from libc.string cimport strncpy

from acl_fast cimport abi
from acl_fast._errors cimport check
from acl_fast._runtime cimport (
    ContextState,
    bind,
    context_release,
    context_retain,
    enter,
    is_dead,
)
from acl_fast._sync cimport (
    sync_free,
    sync_is_over,
    sync_join,
    sync_lock,
    sync_new,
    sync_signal,
    sync_start,
    sync_unlock,
    sync_wait,
)
from acl_fast._timeline cimport HostLane, Timeline
from acl_fast.abi cimport aclError, aclrtStream

from acl_fast.errors import error_from_code

cdef enum:
    SLICE_MS = 50
    EVENT_SYNC = 1
    EVENT_TIMEOUT = 507047
    UNSUPPORTED = 200006
    API_UNSUPPORTED = 200001
    FOR_EVER = 0


# ---- the thread ----

cdef Task *next_task(LaneState *lane) noexcept nogil:
    """Wait for a task; NULL when the thread is to end."""
    cdef Task *task = NULL
    sync_lock(lane.sync)
    while not lane.stop and not is_dead():
        task = lane.first
        if task != NULL:
            lane.first = task.next
            if lane.first == NULL:
                lane.last = NULL
            break
        sync_wait(lane.sync)
    sync_unlock(lane.sync)
    return task


cdef bint is_halted(LaneState *lane) noexcept nogil:
    cdef bint halted
    sync_lock(lane.sync)
    halted = lane.halted
    sync_unlock(lane.sync)
    return halted or is_dead()


cdef aclError await_event(LaneState *lane, Task *task) noexcept nogil:
    """Wait until the stream has come to the task."""
    cdef aclError code
    while True:
        code = abi.aclrtSynchronizeEventWithTimeout(task.event, SLICE_MS)
        if code == UNSUPPORTED or code == API_UNSUPPORTED:
            code = abi.aclrtSynchronizeEvent(task.event)
        if code != EVENT_TIMEOUT or is_halted(lane):
            return code


cdef void note_failure(LaneState *lane, int32_t code, const char *function) noexcept nogil:
    """Keep the first failure; the library's words for it are this thread's."""
    cdef const char *why = abi.aclGetRecentErrMsg()
    sync_lock(lane.sync)
    if lane.code == 0:
        lane.code = code
        lane.function = function
        lane.why[0] = 0
        if why != NULL:
            strncpy(lane.why, why, sizeof(lane.why) - 1)
    sync_unlock(lane.sync)


cdef void *run_tasks(void *argument) noexcept nogil:
    cdef LaneState *lane = <LaneState *>argument
    cdef const char *function
    cdef int32_t code
    cdef Task *task
    bind(lane.context)
    while True:
        task = next_task(lane)
        if task == NULL:
            return NULL
        function = b"aclrtSynchronizeEventWithTimeout"
        code = await_event(lane, task)
        if not is_halted(lane):
            if code == 0:
                code = task.work(task.argument, &function)
            if code != 0:
                note_failure(lane, code, function)
        # In any case: the stream would wait for ever.
        code = abi.aclrtRecordNotify(lane.notify, lane.signals)
        if code != 0:
            note_failure(lane, code, b"aclrtRecordNotify")
        free(task.argument)
        sync_lock(lane.sync)
        put_back(lane, task)
        lane.waiting -= 1
        sync_signal(lane.sync)
        sync_unlock(lane.sync)


cdef void put_back(LaneState *lane, Task *task) noexcept nogil:
    task.argument = NULL
    task.next = lane.idle
    lane.idle = task


# ---- its owner ----

cdef void push(LaneState *lane, Task *task, HostWork work, void *argument) noexcept nogil:
    task.next = NULL
    task.work = work
    task.argument = argument
    if lane.last == NULL:
        lane.first = task
    else:
        lane.last.next = task
    lane.last = task
    lane.waiting += 1
    sync_signal(lane.sync)


cdef void state_free(LaneState *lane) noexcept nogil:
    """End the thread and free what the lane has.

    The stream has nothing left to do, unless somebody else aborted it.
    """
    cdef Task *task
    cdef int patience = 40
    while patience > 0 and not sync_is_over(lane.sync, &lane.waiting):
        patience -= 1
    sync_lock(lane.sync)
    lane.halted = 1
    lane.stop = 1
    sync_signal(lane.sync)
    sync_unlock(lane.sync)
    sync_join(lane.sync)
    bind(lane.context)
    while lane.first != NULL:
        task = lane.first
        lane.first = task.next
        free(task.argument)
        put_back(lane, task)
    while lane.idle != NULL:
        task = lane.idle
        lane.idle = task.next
        if task.event != NULL:
            abi.aclrtDestroyEvent(task.event)
        free(task)
    if lane.signals != NULL:
        abi.aclrtSynchronizeStream(lane.signals)
        abi.aclrtDestroyStream(lane.signals)
    if lane.notify != NULL:
        abi.aclrtDestroyNotify(lane.notify)
    sync_free(lane.sync)
    context_release(lane.context)
    free(lane)


@cython.final
@cython.no_gc_clear
cdef class Lane(HostLane):
    def __dealloc__(self):
        cdef LaneState *state = self.state
        self.state = NULL
        if state != NULL and not is_dead():
            with nogil:
                state_free(state)

    cdef int queue(self, HostWork work, void *argument) except -1:
        cdef LaneState *lane = self.state
        cdef aclrtStream stream = self.timeline.handle
        cdef const char *function = b"aclrtCreateEventWithFlag"
        cdef aclError code = 0
        cdef Task *task
        with nogil:
            sync_lock(lane.sync)
            task = lane.idle
            if task != NULL:
                lane.idle = task.next
            sync_unlock(lane.sync)
        if task == NULL:
            task = <Task *>calloc(1, sizeof(Task))
            if task == NULL:
                free(argument)
                raise MemoryError()
        self.timeline.users += 1
        with nogil:
            if task.event == NULL:
                code = abi.aclrtCreateEventWithFlag(&task.event, EVENT_SYNC)
            if code == 0:
                function = b"aclrtRecordEvent"
                code = abi.aclrtRecordEvent(task.event, stream)
            if code == 0:
                function = b"aclrtWaitAndResetNotify"
                code = abi.aclrtWaitAndResetNotify(lane.notify, stream, FOR_EVER)
            sync_lock(lane.sync)
            if code != 0:
                free(argument)
                put_back(lane, task)
            else:
                push(lane, task, work, argument)
            sync_unlock(lane.sync)
        self.timeline.users -= 1
        return check(code, function)

    cdef int halt(self) except -1:
        """The stream was aborted: end what runs, drop the rest, and wait until that is done.

        Nothing waits for the notify any more; one that was recorded in vain must not let a later
        task pass.
        """
        cdef LaneState *lane = self.state
        cdef aclError code = 0
        cdef bint over = False
        if lane == NULL:
            return 0
        sync_lock(lane.sync)
        lane.halted = 1
        sync_unlock(lane.sync)
        # What runs ends by itself, and the rest is told: this is no wait for the stream.
        while not over:
            with nogil:
                over = sync_is_over(lane.sync, &lane.waiting)
        enter(lane.context)
        with nogil:
            abi.aclrtSynchronizeStream(lane.signals)
            abi.aclrtDestroyNotify(lane.notify)
            lane.notify = NULL
            code = abi.aclrtCreateNotify(&lane.notify, abi.ACL_NOTIFY_DEFAULT)
        sync_lock(lane.sync)
        lane.halted = 0
        sync_unlock(lane.sync)
        return check(code, b"aclrtCreateNotify")

    cdef object take_failure(self):
        """Return the exception that tells of the first failure since the last call, or None."""
        cdef LaneState *lane = self.state
        cdef bytes why
        if lane == NULL:
            return None
        sync_lock(lane.sync)
        code, why = lane.code, lane.why
        function = lane.function if lane.code != 0 else b""
        lane.code = 0
        sync_unlock(lane.sync)
        if code == 0:
            return None
        return error_from_code(code, function.decode(), why.decode("utf-8", "replace"))

    cdef int close(self) except -1:
        cdef LaneState *state = self.state
        if state == NULL:
            return 0
        failure = self.take_failure()
        if self.timeline.host_failure is None:
            self.timeline.host_failure = failure
        if self.timeline.lanes is not None and self in self.timeline.lanes:
            self.timeline.lanes.remove(self)
        self.state = NULL
        with nogil:
            state_free(state)
        return 0


cdef Lane open_lane(ContextState *context, Timeline timeline):
    cdef LaneState *state = <LaneState *>calloc(1, sizeof(LaneState))
    cdef Lane lane
    cdef aclError code = 0
    if state == NULL:
        raise MemoryError()
    state.sync = sync_new()
    if state.sync == NULL:
        free(state)
        raise MemoryError()
    state.context = context_retain(context)
    enter(context)
    with nogil:
        code = abi.aclrtCreateNotify(&state.notify, abi.ACL_NOTIFY_DEFAULT)
        if code == 0:
            code = abi.aclrtCreateStream(&state.signals)
        if code != 0 or not sync_start(state.sync, run_tasks, state):
            state_free(state)
            state = NULL
    if state == NULL:
        return None
    lane = Lane.__new__(Lane)
    lane.state = state
    lane.timeline = timeline
    if timeline.lanes is None:
        timeline.lanes = []
    timeline.lanes.append(lane)
    return lane
