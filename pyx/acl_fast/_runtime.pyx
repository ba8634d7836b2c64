"""The state of the process: library, init, fork, exit, and the contexts threads are bound to."""

import atexit
import weakref

from libc.stdint cimport int32_t, uint64_t
from libc.stdlib cimport calloc, free

from acl_fast cimport abi
from acl_fast.abi cimport aclError, aclrtContext, aclrtRunMode
from acl_fast._atomic cimport atomic_release, atomic_retain
from acl_fast._errors cimport FORKED, check

from acl_fast import _table
from acl_fast.softnpu import _engine
from acl_fast.errors import ForkError


cdef extern from "pthread.h" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    int pthread_mutex_lock(pthread_mutex_t *)
    int pthread_mutex_unlock(pthread_mutex_t *)
    int pthread_atfork(void (*)() noexcept nogil, void (*)() noexcept nogil,
                       void (*)() noexcept nogil)

cdef extern from "unistd.h" nogil:
    int usleep(unsigned int)

cdef extern from *:
    """
    #include <pthread.h>
    #include <stdint.h>
    /* Serial of the context this thread is bound to; 0 when it is unknown. */
    static __thread uint64_t acl_fast_bound;
    static pthread_mutex_t acl_fast_contexts = PTHREAD_MUTEX_INITIALIZER;
    static inline void acl_fast_set_bound(uint64_t serial) { acl_fast_bound = serial; }
    /* A thread counts itself and then looks at the flag, the exit sets the flag and then looks at
       the count: sequentially consistent, or each could miss the other. */
    static int acl_fast_exiting, acl_fast_inside;
    static inline int acl_fast_is_exiting(void) {
        return __atomic_load_n(&acl_fast_exiting, __ATOMIC_RELAXED);
    }
    static inline int acl_fast_go_inside(void) {
        __atomic_add_fetch(&acl_fast_inside, 1, __ATOMIC_SEQ_CST);
        return !__atomic_load_n(&acl_fast_exiting, __ATOMIC_SEQ_CST);
    }
    static inline void acl_fast_go_outside(void) {
        __atomic_sub_fetch(&acl_fast_inside, 1, __ATOMIC_SEQ_CST);
    }
    static inline int acl_fast_someone_inside(void) {
        return __atomic_load_n(&acl_fast_inside, __ATOMIC_SEQ_CST) != 0;
    }
    static inline void acl_fast_start_exit(void) {
        __atomic_store_n(&acl_fast_exiting, 1, __ATOMIC_SEQ_CST);
    }
    """
    bint is_exiting "acl_fast_is_exiting" () noexcept nogil
    bint go_inside "acl_fast_go_inside" () noexcept nogil
    void go_outside "acl_fast_go_outside" () noexcept nogil
    bint someone_inside "acl_fast_someone_inside" () noexcept nogil
    void start_exit "acl_fast_start_exit" () noexcept nogil
    const uint64_t acl_fast_bound
    void set_bound "acl_fast_set_bound" (uint64_t serial) noexcept nogil
    pthread_mutex_t acl_fast_contexts

cdef enum:
    MAX_DEVICES = 64
    ALREADY_INITIALIZED = 100002
    RUN_MODE_DEVICE = 0

cdef bint initialized = False
cdef bint owns_init = False
cdef bint forked = False
cdef bint recheck = False
cdef int unified = -1
cdef uint64_t next_serial = 1
cdef ContextState *primaries[MAX_DEVICES]
cdef int live_contexts = 0


cdef void on_fork_child() noexcept nogil:
    # Only the forking thread lives on. Forgetting its context sends its next call to the slow
    # path, which sees the flag: the check costs the parent nothing.
    global forked
    if initialized:
        forked = True
        set_bound(0)


pthread_atfork(NULL, NULL, on_fork_child)


cdef int ensure_initialized() except -1:
    """Load the backend and call aclInit once per process."""
    global initialized, owns_init, unified
    if forked:
        raise ForkError()
    if initialized:
        return 0
    _engine.announce()
    _table.load()
    cdef aclError code
    cdef aclrtRunMode mode = <aclrtRunMode>RUN_MODE_DEVICE
    with nogil:
        code = abi.aclInit(NULL)
    # Another library of this process may have called aclInit before us: that is fine.
    if code != ALREADY_INITIALIZED:
        check(code, b"aclInit")
        owns_init = True
    initialized = True
    check(abi.aclrtGetRunMode(&mode), b"aclrtGetRunMode")
    unified = <int>mode == RUN_MODE_DEVICE
    return 0


cdef bint is_unified() except -1:
    """Whether host and device share memory (run mode ACL_DEVICE)."""
    ensure_initialized()
    return unified == 1


cdef bint is_dead() noexcept nogil:
    return forked or is_exiting()


cdef bint enter_python() noexcept nogil:
    if go_inside() and not forked:
        return True
    go_outside()
    return False


cdef void leave_python() noexcept nogil:
    go_outside()


cdef ContextState *context_open(int32_t device, bint primary) except NULL:
    """Open the device's primary context (shared) or a new one of its own."""
    ensure_initialized()
    cdef ContextState *context = NULL
    cdef aclError code = 0
    cdef const char *function = b"aclrtSetDevice"
    with nogil:
        pthread_mutex_lock(&acl_fast_contexts)
        if primary and 0 <= device < MAX_DEVICES and primaries[device] != NULL:
            context = primaries[device]
            atomic_retain(&context.refs)
        else:
            context = create_context(device, primary, &code, &function)
        pthread_mutex_unlock(&acl_fast_contexts)
    if context == NULL:
        if code == 0:
            raise MemoryError()
        check(code, function)
    return context


cdef ContextState *create_context(int32_t device, bint primary, aclError *code,
                                  const char **function) noexcept nogil:
    # Called with the mutex held.
    global next_serial, live_contexts
    cdef aclrtContext handle = NULL
    if primary:
        function[0] = b"aclrtSetDevice"
        code[0] = abi.aclrtSetDevice(device)
        if code[0] == 0:
            function[0] = b"aclrtGetCurrentContext"
            code[0] = abi.aclrtGetCurrentContext(&handle)
            if code[0] != 0:
                abi.aclrtResetDevice(device)
    else:
        function[0] = b"aclrtCreateContext"
        code[0] = abi.aclrtCreateContext(&handle, device)
    set_bound(0)
    if code[0] != 0:
        return NULL
    cdef ContextState *context = <ContextState *>calloc(1, sizeof(ContextState))
    if context == NULL:
        return NULL
    context.refs = 1
    context.serial = next_serial
    context.handle = handle
    context.device = device
    context.primary = primary
    next_serial += 1
    live_contexts += 1
    if primary and 0 <= device < MAX_DEVICES:
        primaries[device] = context
    set_bound(context.serial)
    return context


cdef ContextState *context_retain(ContextState *context) noexcept nogil:
    atomic_retain(&context.refs)
    return context


cdef void context_release(ContextState *context) noexcept nogil:
    # May wait for the mutex and for the device: call it without the GIL.
    if context == NULL or is_dead():
        return
    cdef int32_t device = context.device
    cdef bint primary = context.primary and 0 <= device < MAX_DEVICES
    if atomic_release(&context.refs) != 0:
        return
    pthread_mutex_lock(&acl_fast_contexts)
    # context_open may have revived a primary context meanwhile, and its next last user may have
    # destroyed it: only what the table still names, unused, is ours to destroy.
    if not primary or (primaries[device] == context and context.refs == 0):
        destroy_context(context)
    pthread_mutex_unlock(&acl_fast_contexts)


cdef void destroy_context(ContextState *context) noexcept nogil:
    # Called with the mutex held.
    global live_contexts
    if context.primary:
        if 0 <= context.device < MAX_DEVICES:
            primaries[context.device] = NULL
        abi.aclrtResetDevice(context.device)
    else:
        abi.aclrtDestroyContext(context.handle)
    # Both may have taken this thread's current context away.
    set_bound(0)
    live_contexts -= 1
    free(context)


cdef aclError bind(ContextState *context) noexcept nogil:
    if acl_fast_bound == context.serial:
        return 0
    return rebind(context)


cdef aclError rebind(ContextState *context) noexcept nogil:
    if forked:
        return FORKED
    cdef aclError code = abi.aclrtSetCurrentContext(context.handle)
    # With rechecks on, nothing is remembered, so that every call comes here.
    set_bound(context.serial if code == 0 and not recheck else 0)
    return code


cdef int enter(ContextState *context) except -1:
    """Bind the context for the calls that follow on this thread."""
    if acl_fast_bound == context.serial:
        return 0
    return check(rebind(context), b"aclrtSetCurrentContext")


cdef int force_bind(ContextState *context) except -1:
    set_bound(0)
    return enter(context)


cdef void forget_binding() noexcept nogil:
    set_bound(0)


def set_context_recheck(bint enabled):
    """Set the context before every call instead of only when this thread changes it.

    For programs in which other code (pyACL, another wrapper) switches contexts on threads that
    also use acl_fast. It costs one aclrtSetCurrentContext per call. Threads that were bound before
    keep their binding until their next change of context, so call it before starting them.

    Parameters
    ----------
    enabled : bool
    """
    global recheck
    recheck = enabled
    set_bound(0)


def run_mode():
    """Return ``"unified"`` when host and device share memory, else ``"discrete"``.

    C function: aclrtGetRunMode. Does not block.
    """
    return "unified" if is_unified() else "discrete"


def is_initialized():
    """Tell whether the backend was loaded and aclInit was called by this process."""
    return initialized and not forked


class Living:
    """What must be finished before the interpreter goes, held weakly.

    A WeakSet does not allow what happens at exit: other threads add while it is looked through.
    """

    def __init__(self):
        self._refs = set()

    def add(self, item):
        self._refs.add(weakref.ref(item, self._refs.discard))

    def __iter__(self):
        # The copy is made by one C call, which no other thread comes between.
        for ref in list(self._refs):
            item = ref()
            if item is not None:
                yield item


# Filled by the modules above this one: called at exit while the interpreter still works.
_exit_hooks = []


def _shutdown():
    """Let work in flight finish, then stop calling the library.

    Objects that are still alive keep their C handles: the process ends with them. When none is
    left, the library is finalized in order.
    """
    cdef int patience = 1000
    if forked:
        return
    try:
        for hook in reversed(_exit_hooks):
            hook()
        if owns_init and live_contexts == 0:
            with nogil:
                abi.aclFinalize()
    finally:
        # A thread that waits for the GIL when the interpreter ends is unwound through the frames
        # of the library, which aborts: let those that are on their way in come out first. One
        # whose callback never returns is not waited for.
        with nogil:
            start_exit()
            while someone_inside() and patience > 0:
                usleep(1000)
                patience -= 1


atexit.register(_shutdown)
