# The state of the process (library, init, fork, exit) and the contexts threads are bound to.

from libc.stdint cimport int32_t, uint64_t

from acl_fast.abi cimport aclError


# A context of the C interface, counted by everything that lives in it. Plain C, so that deleters
# which run without the GIL can release it.
cdef struct ContextState:
    int refs
    uint64_t serial     # never 0, never used twice: what a thread remembers as its current one
    void *handle
    int32_t device
    bint primary        # the device's default context, opened by aclrtSetDevice


cdef int ensure_initialized() except -1
cdef ContextState *context_open(int32_t device, bint primary) except NULL
cdef ContextState *context_retain(ContextState *context) noexcept nogil
cdef void context_release(ContextState *context) noexcept nogil

# Make `context` current on this thread; one compare when it already is.
cdef aclError bind(ContextState *context) noexcept nogil
cdef int enter(ContextState *context) except -1
cdef int force_bind(ContextState *context) except -1
cdef void forget_binding() noexcept nogil

# True when the C library must not be called any more: forked child, or the interpreter is gone.
cdef bint is_dead() noexcept nogil

# Around `with gil` on a thread that the library calls from. False: the interpreter ends, do not
# take the GIL and do not leave.
cdef bint enter_python() noexcept nogil
cdef void leave_python() noexcept nogil
cdef bint is_unified() except -1
