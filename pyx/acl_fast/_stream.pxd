# Streams and events.

from libc.stdint cimport uint64_t

from acl_fast.abi cimport aclError, aclrtEvent, aclrtStream
from acl_fast._runtime cimport ContextState
from acl_fast._timeline cimport Timeline


cdef class Event:
    cdef aclrtEvent _handle
    cdef ContextState *_context
    cdef Timeline _timeline
    cdef uint64_t _seq
    cdef int _users
    cdef readonly object device
    cdef object __weakref__

    cdef int check_open(self) except -1
    cdef void release(self) noexcept
    # The caller keeps the objects alive and has bound the context to the thread.
    cdef aclError synchronize_nogil(self) noexcept nogil


cdef class Stream:
    cdef aclrtStream _handle
    cdef ContextState *_context
    cdef Timeline _timeline
    cdef readonly object device
    cdef object __weakref__

    cdef int check_open(self) except -1
    cdef aclError release(self) noexcept
    # The caller keeps the objects alive.
    cdef aclError synchronize_nogil(self) noexcept nogil
    cdef aclError record_nogil(self, Event event) noexcept nogil
    cdef aclError wait_nogil(self, Event event) noexcept nogil


cdef Stream create_stream(ContextState *context, object device, int priority, int flags)
cdef Event create_event(ContextState *context, object device, int flags)
