"""Streams and events: queues of work on a device, and points in them."""

import weakref

cimport cython
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdint cimport uint32_t, uint64_t, uintptr_t
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

from acl_fast import _reactor, _runtime
from acl_fast.errors import ClosedError, error_from_code

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1

cdef extern from *:
    """
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
    """
    double now "acl_fast_now" () noexcept nogil
    void pause "acl_fast_pause" () noexcept nogil

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

_streams = weakref.WeakSet()


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
        if self.failures is None:
            self.failures = []
        self.failures.append((self.verified, seq, code))
        del self.failures[:-MAX_FAILURES]
        self.verified = seq
        return self.advance(seq)

    cdef int check_failed(self, uint64_t seq) except -1:
        """Raise the error that the work with this number may have ended in."""
        if self.failures is None:
            return 0
        for first, last, code in self.failures:
            if first < seq <= last:
                raise error_from_code(code, "asynchronous work on the stream", "its outputs are "
                                      "not valid; the stream's synchronize() raised the cause")
        return 0

    cdef int event_done(self, uint64_t seq) except -1:
        """An event after ``seq`` has happened; events tell nothing of errors, an idle stream does."""
        self.poll()
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
        self.users += 1
        with nogil:
            code = abi.aclrtSynchronizeStream(self.handle)
        self.users -= 1
        if code != 0:
            return self.fail(snapshot, code)
        self.verified = max(self.verified, snapshot)
        return self.advance(snapshot)

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
                code = abi.aclrtCreateEventWithFlag(&event, 1)
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
        cdef aclrtEvent event = NULL
        cdef aclError code
        if other.handle == NULL or other is self or other.completed == other.submitted:
            return 0
        enter(self.context)
        self.users += 1
        other.users += 1
        with nogil:
            code = abi.aclrtCreateEventWithFlag(&event, 1)
            if code == 0:
                code = abi.aclrtRecordEvent(event, other.handle)
            if code == 0:
                code = abi.aclrtStreamWaitEvent(self.handle, event)
        self.users -= 1
        other.users -= 1
        cdef Event holder
        if event != NULL:
            holder = Event.__new__(Event)
            holder._handle = event
            holder._context = context_retain(self.context)
            if code == 0:
                self.hold(holder)
        return check(code, b"aclrtStreamWaitEvent")


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
    if seconds < 0:
        raise ValueError("timeout is in seconds and not negative; None waits for ever")
    return seconds


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


async def completion(owner, Timeline timeline, uint64_t seq):
    """Wait for the end of what ``timeline`` has queued up to ``seq``."""
    cdef Event marker
    if timeline is not None and seq > timeline.completed and timeline.handle != NULL:
        marker = create_event(timeline.context, None, 1)
        record(timeline, marker)
        await _reactor.wait(id(timeline), marker.synchronize)
    if timeline is not None:
        timeline.check_failed(seq)
    return owner


cdef int record(Timeline timeline, Event event) except -1:
    cdef uint64_t seq
    cdef aclError code
    if timeline.context != event._context:
        raise ValueError("the event belongs to another context than the stream")
    enter(timeline.context)
    # Numbered before the call: work of other threads that is queued after it gets a higher number.
    timeline.hold(event)
    seq = timeline.submitted
    timeline.users += 1
    event._users += 1
    with nogil:
        code = abi.aclrtRecordEvent(event._handle, timeline.handle)
    event._users -= 1
    timeline.users -= 1
    check(code, b"aclrtRecordEvent")
    event._timeline = timeline
    event._seq = seq
    return 0


@cython.final
cdef class Event:
    """A point in the work of a stream.

    Made by ``Device.create_event()`` or ``Stream.record()``. Closing it twice is harmless.
    """

    def __init__(self):
        raise TypeError("events are made by Device.create_event() and Stream.record()")

    def __dealloc__(self):
        self.release()

    cdef int check_open(self) except -1:
        if self._handle == NULL:
            raise ClosedError("the event is closed")
        return 0

    cdef void release(self) noexcept:
        cdef aclrtEvent handle = self._handle
        cdef ContextState *context = self._context
        self._handle = NULL
        self._context = NULL
        if context == NULL or is_dead():
            return
        with nogil:
            if handle != NULL and bind(context) == 0:
                abi.aclrtDestroyEvent(handle)
            context_release(context)

    cdef aclError synchronize_nogil(self) noexcept nogil:
        return abi.aclrtSynchronizeEvent(self._handle)

    def query(self):
        """Tell whether the event has happened. True if it was never recorded.

        C function: aclrtQueryEventStatus. Does not wait.
        """
        cdef aclrtEventRecordedStatus status = <aclrtEventRecordedStatus>0
        cdef aclError code
        self.check_open()
        if self._timeline is None:
            return True
        enter(self._context)
        with nogil:
            code = abi.aclrtQueryEventStatus(self._handle, &status)
        check(code, b"aclrtQueryEventStatus")
        if <int>status != EVENT_COMPLETE:
            return False
        self._timeline.event_done(self._seq)
        return True

    def synchronize(self, timeout=None):
        """Wait until the event has happened; at once if it was never recorded.

        C function: aclrtSynchronizeEventWithTimeout. The GIL is released; Ctrl-C works.

        Parameters
        ----------
        timeout : float, optional
            Seconds; None waits for ever.

        Raises
        ------
        AclTimeoutError
            The time was over first.
        """
        cdef uint64_t seq = self._seq
        cdef Timeline timeline = self._timeline
        self.check_open()
        if timeline is None:
            return
        self._users += 1
        try:
            wait_event(self._context, self._handle, parse_timeout(timeout))
        finally:
            self._users -= 1
        timeline.event_done(seq)

    def elapsed_time(self, Event end not None):
        """Return the milliseconds from this event to ``end``; both must have happened.

        C function: aclrtEventElapsedTime.
        """
        cdef float milliseconds = 0
        cdef aclError code
        self.check_open()
        end.check_open()
        enter(self._context)
        with nogil:
            code = abi.aclrtEventElapsedTime(&milliseconds, self._handle, end._handle)
        check(code, b"aclrtEventElapsedTime")
        return milliseconds

    def close(self):
        """Destroy the event. C function: aclrtDestroyEvent."""
        if self._users:
            raise RuntimeError("the event is in use by another thread")
        self.release()

    @property
    def is_closed(self):
        """Whether the event was closed."""
        return self._handle == NULL

    @property
    def handle(self):
        """The aclrtEvent as an integer."""
        self.check_open()
        return <uintptr_t>self._handle

    def __await__(self):
        """Wait in asyncio until the event has happened."""
        self.check_open()
        key = id(self._timeline) if self._timeline is not None else id(self)
        return _reactor.wait(key, self.synchronize).__await__()

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __repr__(self):
        if self._handle == NULL:
            return "<acl_fast.Event closed>"
        return f"<acl_fast.Event {<uintptr_t>self._handle:#x}>"

    def __reduce__(self):
        raise TypeError("Event cannot be pickled: it lives on a device")


@cython.final
@cython.no_gc_clear
cdef class Stream:
    """A queue of work that the device does in order.

    Made by ``Device.create_stream()``. Objects with work in flight are kept alive until the work is
    over; dropping the last reference to a stream waits for its work. Methods may be called from
    any thread.
    """

    def __init__(self):
        raise TypeError("streams are made by Device.create_stream()")

    def __dealloc__(self):
        self.release()

    cdef int check_open(self) except -1:
        if self._handle == NULL:
            raise ClosedError("the stream is closed")
        return 0

    cdef aclError release(self) noexcept:
        cdef aclrtStream handle = self._handle
        cdef ContextState *context = self._context
        cdef Timeline timeline = self._timeline
        cdef aclError code = 0
        self._handle = NULL
        self._context = NULL
        # Without a context creation has failed half way: there is nothing to destroy.
        if context == NULL or is_dead():
            return 0
        # The work may be let go only once it is over, and the handle only once no other thread
        # orders a stream of its own after this one.
        with nogil:
            code = bind(context)
            if code == 0:
                code = abi.aclrtSynchronizeStream(handle)
        while timeline.users:
            with nogil:
                pause()
        timeline.handle = NULL
        timeline.marker_count = 0
        timeline.staging = None
        try:
            if code == 0:
                timeline.advance(timeline.submitted)
            else:
                timeline.fail(timeline.submitted, code)
        except MemoryError:
            # What could not be let go is leaked.
            pass
        # Requests keep the timeline; without a stream it needs no context any more.
        timeline.context = NULL
        with nogil:
            if bind(context) == 0:
                destroy_markers(timeline)
                code = abi.aclrtDestroyStream(handle)
            context_release(context)
            context_release(context)
        return code

    cdef aclError synchronize_nogil(self) noexcept nogil:
        cdef aclError code = bind(self._context)
        return code if code != 0 else abi.aclrtSynchronizeStream(self._handle)

    cdef aclError record_nogil(self, Event event) noexcept nogil:
        cdef aclError code = bind(self._context)
        return code if code != 0 else abi.aclrtRecordEvent(event._handle, self._handle)

    cdef aclError wait_nogil(self, Event event) noexcept nogil:
        cdef aclError code = bind(self._context)
        return code if code != 0 else abi.aclrtStreamWaitEvent(self._handle, event._handle)

    def synchronize(self, timeout=None):
        """Wait until all queued work is over.

        C function: aclrtSynchronizeStreamWithTimeout (aclrtSynchronizeStream where it is missing).
        The GIL is released; Ctrl-C raises KeyboardInterrupt and leaves the stream usable.

        Parameters
        ----------
        timeout : float, optional
            Seconds; None waits for ever.

        Raises
        ------
        AclTimeoutError
            The time was over first; the work goes on.
        AclError
            Work that was queued before failed.
        """
        self.check_open()
        self._timeline.synchronize(parse_timeout(timeout))

    async def synchronize_async(self):
        """Wait in asyncio until all work queued before this call is over.

        Raises
        ------
        AclError
            Work that was queued before failed.
        """
        self.check_open()
        await completion(self, self._timeline, self._timeline.submitted)

    def query(self):
        """Tell whether all queued work is over. C function: aclrtStreamQuery. Does not wait."""
        cdef aclrtStreamStatus status = <aclrtStreamStatus>1
        cdef uint64_t snapshot = self._timeline.submitted
        cdef aclError code
        self.check_open()
        enter(self._context)
        self._timeline.users += 1
        with nogil:
            code = abi.aclrtStreamQuery(self._handle, &status)
        self._timeline.users -= 1
        check(code, b"aclrtStreamQuery")
        if <int>status != STREAM_COMPLETE:
            return False
        self._timeline.settle(snapshot)
        return True

    def record(self, Event event=None):
        """Record an event after the work queued so far.

        C function: aclrtRecordEvent.

        Parameters
        ----------
        event : Event, optional
            A new one by default.

        Returns
        -------
        Event
        """
        self.check_open()
        if event is None:
            event = create_event(self._context, self.device, 9)
        event.check_open()
        record(self._timeline, event)
        return event

    def wait(self, Event event not None):
        """Let later work of this stream wait, on the device, for the event.

        C function: aclrtStreamWaitEvent. Does not block the caller.
        """
        cdef aclError code
        self.check_open()
        event.check_open()
        enter(self._context)
        self._timeline.users += 1
        event._users += 1
        with nogil:
            code = abi.aclrtStreamWaitEvent(self._handle, event._handle)
        event._users -= 1
        self._timeline.users -= 1
        check(code, b"aclrtStreamWaitEvent")
        self._timeline.hold(event)

    def abort(self):
        """Stop the work in progress and drop what is queued. C function: aclrtStreamAbort.

        Requests that were in flight count as failed. Blocks until the device has stopped; the GIL
        is released.
        """
        cdef aclError code
        cdef uint64_t snapshot
        self.check_open()
        enter(self._context)
        snapshot = self._timeline.submitted
        self._timeline.users += 1
        with nogil:
            code = abi.aclrtStreamAbort(self._handle)
        self._timeline.users -= 1
        check(code, b"aclrtStreamAbort")
        self._timeline.fail(snapshot, 107023)

    def close(self):
        """Wait for the queued work and destroy the stream. C function: aclrtDestroyStream.

        The GIL is released. Closing twice is harmless.

        Raises
        ------
        RuntimeError
            Another thread is in a call on this stream.
        """
        if self._handle == NULL:
            return
        if self._timeline.users:
            raise RuntimeError("the stream is in use by another thread: join it first")
        check(self.release(), b"aclrtDestroyStream")

    @property
    def is_closed(self):
        """Whether the stream was closed."""
        return self._handle == NULL

    @property
    def handle(self):
        """The aclrtStream as an integer, for other libraries."""
        self.check_open()
        return <uintptr_t>self._handle

    @property
    def in_flight(self):
        """Number of objects kept alive because their work is not known to be over."""
        return self._timeline.count

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __repr__(self):
        if self._handle == NULL:
            return "<acl_fast.Stream closed>"
        return f"<acl_fast.Stream {<uintptr_t>self._handle:#x} in_flight={self._timeline.count}>"

    def __reduce__(self):
        raise TypeError("Stream cannot be pickled: it lives on a device")


cdef Stream create_stream(ContextState *context, object device, int priority, int flags):
    cdef Stream stream = Stream.__new__(Stream)
    cdef aclError code
    stream._timeline = Timeline.__new__(Timeline)
    stream._timeline.context = context_retain(context)
    stream.device = device
    enter(context)
    with nogil:
        if priority == 0 and flags == 0:
            code = abi.aclrtCreateStream(&stream._handle)
        else:
            code = abi.aclrtCreateStreamWithConfig(&stream._handle, <uint32_t>priority,
                                                   <uint32_t>flags)
    check(code, b"aclrtCreateStream")
    stream._context = context_retain(context)
    stream._timeline.handle = stream._handle
    _streams.add(stream)
    return stream


cdef Event create_event(ContextState *context, object device, int flags):
    cdef Event event = Event.__new__(Event)
    cdef aclError code
    enter(context)
    with nogil:
        code = abi.aclrtCreateEventWithFlag(&event._handle, <uint32_t>flags)
    check(code, b"aclrtCreateEventWithFlag")
    event._context = context_retain(context)
    event.device = device
    return event


def _finish_streams():
    """Give work in flight a limited time to finish, so that its memory can go at exit."""
    cdef Stream stream
    cdef double deadline = now() + 10.0
    for item in list(_streams):
        stream = item
        if stream._handle != NULL and stream._timeline.count:
            try:
                stream._timeline.synchronize(max(0.0, deadline - now()))
            except Exception:
                # Reported where it was awaited, or never asked for; exit must stay quiet.
                pass


_runtime._exit_hooks.append(_finish_streams)
