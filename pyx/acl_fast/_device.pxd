# Devices and contexts.

from acl_fast._runtime cimport ContextState


cdef class Context:
    cdef ContextState *_state       # NULL when closed
    cdef object __weakref__

    cdef int check_open(self) except -1
    cdef void release(self) noexcept


cdef class Device(Context):
    pass
