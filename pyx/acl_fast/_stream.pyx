"""Streams and events: queues of work on a device, and points in them."""


cimport cython
from libc.stdint cimport uint32_t, uint64_t, uintptr_t

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
from acl_fast._timeline cimport (
    Timeline,
    completion,
    destroy_markers,
    now,
    parse_timeout,
    pause,
    wait_event,
)

from acl_fast import _reactor, _runtime
from acl_fast.errors import ClosedError

cdef enum:
    STREAM_COMPLETE = 0
    EVENT_COMPLETE = 1
    EVENT_SYNC = 1
    EVENT_TIME_LINE = 8
    STREAM_ABORTED = 107023

_streams = _runtime.Living()


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
            failure = timeline.take_host_failure()
            if code == 0 and failure is not None:
                timeline.fail(timeline.submitted, failure.code)
            elif code == 0:
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

    def synchronize_async(self):
        """Return an awaitable of asyncio: until all work queued before this call is over.

        Raises
        ------
        AclError
            Work that was queued before failed.
        """
        self.check_open()
        return completion(None, self._timeline, self._timeline.submitted)

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
            event = create_event(self._context, self.device, EVENT_SYNC | EVENT_TIME_LINE)
        event.check_open()
        if event._context != self._context:
            raise ValueError("the event belongs to another context than the stream")
        event._users += 1
        try:
            event._seq = self._timeline.record(event._handle, event)
        finally:
            event._users -= 1
        event._timeline = self._timeline
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
        self._timeline.halt_lanes()
        self._timeline.fail(snapshot, STREAM_ABORTED)

    def close(self):
        """Wait for the queued work and destroy the stream. C function: aclrtDestroyStream.

        Waits for calls of other threads on this stream, too. The GIL is released. Closing twice is
        harmless.
        """
        if self._handle == NULL:
            return
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
    cdef const char *function = b"aclrtCreateStream"
    cdef aclError code
    stream._timeline = Timeline.__new__(Timeline)
    stream._timeline.context = context_retain(context)
    stream.device = device
    enter(context)
    with nogil:
        if priority == 0 and flags == 0:
            code = abi.aclrtCreateStream(&stream._handle)
        else:
            function = b"aclrtCreateStreamWithConfig"
            code = abi.aclrtCreateStreamWithConfig(&stream._handle, <uint32_t>priority,
                                                   <uint32_t>flags)
    check(code, function)
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
    for item in _streams:
        stream = item
        if stream._handle != NULL and stream._timeline.count:
            try:
                stream._timeline.synchronize(max(0.0, deadline - now()))
            except Exception:
                # Reported where it was awaited, or never asked for; exit must stay quiet.
                pass


_runtime._exit_hooks.append(_finish_streams)
