"""What is in flight on a stream: in order, kept alive, and known to be over."""

cimport cython
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdint cimport uint64_t
from libc.stdlib cimport free, realloc

from acl_fast cimport abi
from acl_fast.abi cimport (
    aclError,
    aclrtEvent,
    aclrtEventRecordedStatus,
    aclrtStream,
    aclrtStreamStatus,
)
from acl_fast._errors cimport check
from acl_fast._runtime cimport (
    ContextState,
    bind,
    context_release,
    context_retain,
    enter,
    is_dead,
)

from acl_fast import _reactor
from acl_fast.errors import error_from_code

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1

cdef enum:
    UNSUPPORTED = 200006
    API_UNSUPPORTED = 200001
    STREAM_TIMEOUT = 507046
    EVENT_TIMEOUT = 507047
    EVENT_COMPLETE = 1
    STREAM_COMPLETE = 0
    # Waits are cut in slices so that Ctrl-C is noticed; a wait that ends sooner returns at once.
    SLICE_MS = 50
    ENTRIES_PER_MARKER = 16
    # Beyond this many objects in flight the host waits for the device.
    MAX_ENTRIES = 1024
    MAX_FAILURES = 64
    EVENT_SYNC = 1


@cython.final
cdef class Timeline:
    def __dealloc__(self):
        cdef ContextState *context = self.context
        if not is_dead():
            with nogil:
                context_release(context)
        # Entries are left only when the device may still use them: they are leaked then.
        if self.count == 0:
            free(self.entries)

    cdef int reserve(self) except -1:
        cdef Py_ssize_t capacity
        cdef Entry *grown
        if self.count < self.capacity:
            return 0
        capacity = self.capacity * 2 if self.capacity else 16
        grown = <Entry *>realloc(self.entries, capacity * sizeof(Entry))
        if grown == NULL:
            raise MemoryError()
        self.entries = grown
        self.capacity = capacity
        return 0

    cdef int append(self, Work work, uint64_t seq) except -1:
        """Keep ``work`` alive until everything up to its sequence number is over."""
        if self.unmarked >= ENTRIES_PER_MARKER:
            self.mark()
        while self.count >= MAX_ENTRIES and self.marker_count:
            self.wait_oldest()
        self.reserve()
        Py_INCREF(work)
        self.entries[self.count].work = <PyObject *>work
        self.entries[self.count].seq = seq
        self.count += 1
        self.unmarked += 1
        return 0

    cdef int enlist(self, Work work) except -1:
        """Make this the timeline of ``work``, and keep it alive here."""
        cdef Timeline before = work._timeline
        cdef Py_ssize_t i
        if before is not self:
            if work._listed:
                # It stays alive there too, for what it had queued there.
                for i in range(before.count):
                    if before.entries[i].work == <PyObject *>work:
                        before.entries[i].seq = work._seq
            work._seq = 0
            work._listed = False
            work._timeline = self
        self.append(work, 0)
        work._listed = True
        return 0

    cdef int hold(self, object item) except -1:
        """Keep any object alive until what has been queued up to now, and itself, is over."""
        cdef Held held = Held.__new__(Held)
        held.item = item
        self.submitted += 1
        held._timeline = self
        held._seq = self.submitted
        held._listed = True
        return self.append(held, held._seq)

    cdef int advance(self, uint64_t seq) except -1:
        """Note that everything up to ``seq`` is over, and let go of what it kept alive."""
        cdef Py_ssize_t i, kept = 0
        cdef uint64_t last
        cdef Work work
        cdef list dropped
        if seq > self.completed:
            self.completed = seq
        if self.count == 0:
            return 0
        # Dropping a reference may run any code, this method too: first bring the list in order.
        dropped = []
        for i in range(self.count):
            work = <Work>self.entries[i].work
            last = work._seq if work._timeline is self else self.entries[i].seq
            if last <= self.completed:
                if work._timeline is self:
                    work._listed = False
                dropped.append(work)
                Py_DECREF(work)
            else:
                self.entries[kept] = self.entries[i]
                kept += 1
        self.count = kept
        if kept == 0:
            self.unmarked = 0
        work = None
        dropped.clear()
        return 0

    cdef int fail(self, uint64_t seq, aclError code) except -1:
        """Note that some work since the last successful synchronization ended in an error.

        Which one the library does not tell, so none of it counts as done.
        """
        note_failure(self, seq, code, None)
        return self.advance(seq)

    cdef int check_failed(self, uint64_t seq) except -1:
        """Raise the error that the work with this number may have ended in."""
        if self.failures is None:
            return 0
        for first, last, code, why in self.failures:
            if first < seq <= last:
                if not why:
                    why = "the stream's synchronize() raised the cause"
                raise error_from_code(code, "asynchronous work on the stream",
                                      f"its outputs are not valid; {why}")
        return 0

    def raise_failure(self, uint64_t seq):
        """Raise the error that the work with this number may have ended in."""
        self.check_failed(seq)

    cdef int event_done(self, uint64_t seq) except -1:
        """An event with this number has happened.

        Events tell nothing of errors, synchronizing does; it does not wait when the event was the
        last thing queued. With later work on the stream an error shows when that is waited for.
        """
        if seq == self.submitted and self.completed < seq and self.handle != NULL:
            enter(self.context)
            return self.settle(seq)
        return self.advance(seq)

    cdef int poll(self) except -1:
        """Find out, without waiting, how far the device is."""
        cdef aclrtStreamStatus status = <aclrtStreamStatus>1
        cdef uint64_t snapshot = self.submitted
        cdef aclError code
        if self.handle == NULL or self.completed == snapshot:
            return 0
        enter(self.context)
        self.users += 1
        try:
            with nogil:
                code = abi.aclrtStreamQuery(self.handle, &status)
            if code != 0 or <int>status == STREAM_COMPLETE:
                return self.settle(snapshot)
            while self.marker_count and self.marker_happened():
                self.pop_marker()
        finally:
            self.users -= 1
        return 0

    cdef bint marker_happened(self) noexcept:
        cdef aclrtEvent event = self.markers[self.first_marker]
        cdef uint64_t seq = self.marker_seq[self.first_marker]
        cdef aclrtEventRecordedStatus recorded = <aclrtEventRecordedStatus>0
        cdef aclError code
        with nogil:
            code = abi.aclrtQueryEventStatus(event, &recorded)
        # Another thread may have taken the marker away meanwhile.
        return (code == 0 and <int>recorded == EVENT_COMPLETE and self.marker_count > 0
                and self.marker_seq[self.first_marker] == seq)

    cdef int settle(self, uint64_t snapshot) except -1:
        """The stream is idle: synchronizing does not wait, and tells of failed work."""
        cdef aclError code
        cdef const char *text = NULL
        cdef str why = None
        self.users += 1
        with nogil:
            code = abi.aclrtSynchronizeStream(self.handle)
            if code != 0:
                text = abi.aclGetRecentErrMsg()
        self.users -= 1
        if text != NULL:
            why = (<bytes>text).decode("utf-8", "replace").rstrip()
        if code == 0:
            failure = self.take_host_failure()
            if failure is not None:
                code = failure.code
                why = failure.detail or failure.function
        if code != 0:
            note_failure(self, snapshot, code, why)
            return self.advance(snapshot)
        self.verified = max(self.verified, snapshot)
        return self.advance(snapshot)

    cdef object take_host_failure(self):
        """Return the exception of work that lanes did before the stream went idle, or None."""
        cdef HostLane lane
        failure = self.host_failure
        self.host_failure = None
        if failure is None and self.lanes is not None:
            for lane in self.lanes:
                failure = lane.take_failure()
                if failure is not None:
                    break
        return failure

    cdef int halt_lanes(self) except -1:
        cdef HostLane lane
        for lane in list(self.lanes or ()):
            lane.halt()
        return 0

    cdef int pop_marker(self) except -1:
        cdef uint64_t seq = self.marker_seq[self.first_marker]
        self.first_marker = (self.first_marker + 1) % MARKERS
        self.marker_count -= 1
        return self.advance(seq)

    cdef int mark(self) except -1:
        """Record a marker, so that a busy stream still tells how far it is."""
        cdef aclError code = 0
        cdef aclrtEvent event
        cdef uint64_t seq = self.submitted
        cdef int slot
        self.unmarked = 0
        if self.marker_count:
            self.poll()
        if self.marker_count == MARKERS or self.completed == self.submitted:
            return 0
        enter(self.context)
        slot = (self.first_marker + self.marker_count) % MARKERS
        # Claim the slot before the GIL is released; it is not complete before it is recorded.
        event = self.markers[slot]
        self.users += 1
        with nogil:
            if event == NULL:
                code = abi.aclrtCreateEventWithFlag(&event, EVENT_SYNC)
            if code == 0:
                code = abi.aclrtRecordEvent(event, self.handle)
        self.users -= 1
        self.markers[slot] = event
        check(code, b"aclrtRecordEvent")
        self.marker_seq[slot] = seq
        self.marker_count += 1
        return 0

    cdef int wait_oldest(self) except -1:
        cdef aclrtEvent event = self.markers[self.first_marker]
        cdef uint64_t seq = self.marker_seq[self.first_marker]
        self.users += 1
        try:
            wait_event(self.context, event, -1.0)
        finally:
            self.users -= 1
        if self.marker_count and self.marker_seq[self.first_marker] == seq:
            self.pop_marker()
        return 0

    cdef int synchronize(self, double timeout) except -1:
        """Wait, without the GIL, until all that was queued before is over.

        A negative ``timeout`` (seconds) waits for ever.
        """
        cdef uint64_t snapshot = self.submitted
        cdef double deadline = now() + timeout
        cdef double left
        cdef aclError code
        cdef int slice_ms
        if self.handle == NULL:
            return 0
        enter(self.context)
        self.users += 1
        try:
            while True:
                slice_ms = SLICE_MS
                if timeout >= 0:
                    left = (deadline - now()) * 1000
                    slice_ms = <int>min(<double>SLICE_MS, max(1.0, left))
                with nogil:
                    code = synchronize_slice(self.handle, slice_ms, timeout < 0)
                if code != STREAM_TIMEOUT or (timeout >= 0 and now() >= deadline):
                    break
                PyErr_CheckSignals()
        finally:
            self.users -= 1
        if code == 0:
            failure = self.take_host_failure()
            if failure is not None:
                self.fail(snapshot, failure.code)
                raise failure
            self.first_marker = self.marker_count = 0
            self.verified = max(self.verified, snapshot)
            return self.advance(snapshot)
        if code != STREAM_TIMEOUT:
            try:
                check(code, b"aclrtSynchronizeStream")
            finally:
                self.fail(snapshot, code)
        return check(code, b"aclrtSynchronizeStreamWithTimeout")

    cdef int order_after(self, Timeline other) except -1:
        """Let later work here wait, on the device, for what ``other`` has queued up to now."""
        cdef Marker marker
        cdef aclError code
        if other.handle == NULL or other is self or other.completed == other.submitted:
            return 0
        marker = create_marker(self.context)
        self.hold(marker)
        self.users += 1
        other.users += 1
        with nogil:
            code = abi.aclrtRecordEvent(marker.handle, other.handle)
            if code == 0:
                code = abi.aclrtStreamWaitEvent(self.handle, marker.handle)
        self.users -= 1
        other.users -= 1
        return check(code, b"aclrtStreamWaitEvent")

    cdef uint64_t record(self, aclrtEvent event, object keep) except 0:
        """Record an event here, keep ``keep`` alive until it has happened; return its number."""
        cdef aclError code
        cdef uint64_t seq
        enter(self.context)
        # Numbered before the call: what other threads queue after it gets a higher number.
        self.hold(keep)
        seq = self.submitted
        self.users += 1
        with nogil:
            code = abi.aclrtRecordEvent(event, self.handle)
        self.users -= 1
        check(code, b"aclrtRecordEvent")
        return seq


cdef int note_failure(Timeline timeline, uint64_t seq, aclError code, str why) except -1:
    """``why`` is None where an exception tells it."""
    if timeline.failures is None:
        timeline.failures = []
    timeline.failures.append((timeline.verified, seq, code, why))
    del timeline.failures[:-MAX_FAILURES]
    timeline.verified = seq
    return 0


cdef void destroy_markers(Timeline timeline) noexcept nogil:
    cdef int i
    for i in range(MARKERS):
        if timeline.markers[i] != NULL:
            abi.aclrtDestroyEvent(timeline.markers[i])
            timeline.markers[i] = NULL


cdef aclError synchronize_slice(aclrtStream handle, int slice_ms, bint for_ever) noexcept nogil:
    """Wait a little; where the library cannot wait with a limit, wait for all of it or poll."""
    cdef aclrtStreamStatus status = <aclrtStreamStatus>1
    cdef double deadline
    cdef aclError code = abi.aclrtSynchronizeStreamWithTimeout(handle, slice_ms)
    if code != UNSUPPORTED and code != API_UNSUPPORTED:
        return code
    if for_ever:
        return abi.aclrtSynchronizeStream(handle)
    deadline = now() + slice_ms * 1e-3
    while now() < deadline:
        code = abi.aclrtStreamQuery(handle, &status)
        if code != 0:
            return code
        if <int>status == STREAM_COMPLETE:
            return abi.aclrtSynchronizeStream(handle)
        pause()
    return STREAM_TIMEOUT


cdef int wait_event(ContextState *context, aclrtEvent event, double timeout) except -1:
    """Wait for an event in slices without the GIL; negative ``timeout`` waits for ever."""
    cdef double deadline = now() + timeout
    cdef aclError code
    cdef int slice_ms = SLICE_MS
    enter(context)
    while True:
        if timeout >= 0:
            slice_ms = <int>min(<double>SLICE_MS, max(1.0, (deadline - now()) * 1000))
        with nogil:
            code = abi.aclrtSynchronizeEventWithTimeout(event, slice_ms)
            if code == UNSUPPORTED or code == API_UNSUPPORTED:
                code = abi.aclrtSynchronizeEvent(event)
        if code != EVENT_TIMEOUT or (timeout >= 0 and now() >= deadline):
            return check(code, b"aclrtSynchronizeEventWithTimeout")
        PyErr_CheckSignals()


cdef double parse_timeout(object timeout) except? -2:
    if timeout is None:
        return -1.0
    cdef double seconds = timeout
    # Not "seconds < 0", which would let nan wait for ever.
    if not seconds >= 0:
        raise ValueError("timeout is in seconds and not negative; None waits for ever")
    return seconds


cdef class HostLane:
    """Work of the host that a stream waits for."""

    cdef int halt(self) except -1:
        raise NotImplementedError

    cdef object take_failure(self):
        raise NotImplementedError


cdef class Work:
    """Something that was queued on a stream and is kept alive until it is over."""

    def __init__(self):
        raise TypeError(f"{type(self).__name__} objects are made by the methods that queue work")

    cdef bint in_flight(self) except -1:
        if self._timeline is None or self._seq <= self._timeline.completed:
            return False
        if self._seq != <uint64_t>QUEUEING:
            self._timeline.poll()
        return self._seq > self._timeline.completed and self._timeline.handle != NULL

    @property
    def is_complete(self):
        """Whether all that was queued for this object is over. Does not wait."""
        return not self.in_flight()

    def synchronize(self, timeout=None):
        """Wait until what was queued for this object is over.

        Waits for everything queued on its stream up to now. The GIL is released; Ctrl-C works.

        Parameters
        ----------
        timeout : float, optional
            Seconds; None waits for ever.

        Raises
        ------
        AclTimeoutError
            The time was over first; the work goes on.
        AclError
            The work failed.
        """
        if self.in_flight():
            self._timeline.synchronize(parse_timeout(timeout))
        if self._timeline is not None:
            self._timeline.check_failed(self._seq)

    def __await__(self):
        """Wait in asyncio, without blocking the event loop, until the work is over."""
        return completion(self, self._timeline, self._seq).__await__()

    def __reduce__(self):
        raise TypeError(f"{type(self).__name__} cannot be pickled: it lives on a device")


@cython.final
cdef class Held(Work):
    cdef object item


@cython.final
cdef class Marker:
    """An event of the package's own."""

    cdef aclrtEvent handle
    cdef ContextState *context
    cdef Timeline timeline
    cdef uint64_t seq

    def __dealloc__(self):
        cdef aclrtEvent handle = self.handle
        cdef ContextState *context = self.context
        if context == NULL or is_dead():
            return
        with nogil:
            if bind(context) == 0:
                abi.aclrtDestroyEvent(handle)
            context_release(context)

    def synchronize(self):
        """Wait until it has happened."""
        wait_event(self.context, self.handle, -1.0)
        self.timeline.event_done(self.seq)


cdef Marker create_marker(ContextState *context):
    cdef Marker marker = Marker.__new__(Marker)
    cdef aclError code
    enter(context)
    with nogil:
        code = abi.aclrtCreateEventWithFlag(&marker.handle, EVENT_SYNC)
    check(code, b"aclrtCreateEventWithFlag")
    marker.context = context_retain(context)
    return marker


cdef object completion(object owner, Timeline timeline, uint64_t seq):
    """Return a coroutine that ends with what ``timeline`` has queued up to ``seq``."""
    cdef Marker marker = None
    if timeline is not None and seq > timeline.completed and timeline.handle != NULL:
        marker = create_marker(timeline.context)
        marker.timeline = timeline
        marker.seq = timeline.record(marker.handle, marker)
        return _reactor.completion(owner, id(timeline), marker.synchronize, timeline, seq)
    return _reactor.completion(owner, 0, None, timeline, seq)
