"""Locks that are waited for without the GIL and are next to free when nobody competes."""

cimport cython
from acl_fast._timeline cimport now

# Seconds after which it is the turn of who waits: many switches of threads, and less than most
# models take.
cdef double LONG_WAIT = 0.001

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1

cdef extern from *:
    """
    #include <semaphore.h>
    #include <time.h>
    /* By the clock that is never set back, where the C library can. */
    #if defined(__GLIBC__) && (__GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 30))
    #define BELL_CLOCK CLOCK_MONOTONIC
    #define BELL_WAIT(bell, until) sem_clockwait(bell, CLOCK_MONOTONIC, until)
    #else
    #define BELL_CLOCK CLOCK_REALTIME
    #define BELL_WAIT(bell, until) sem_timedwait(bell, until)
    #endif
    static int wait_a_while(sem_t *bell) {
        struct timespec until;
        clock_gettime(BELL_CLOCK, &until);
        until.tv_nsec += 50000000;
        if (until.tv_nsec >= 1000000000) { until.tv_nsec -= 1000000000; until.tv_sec += 1; }
        return BELL_WAIT(bell, &until);
    }
    """
    int wait_a_while(sem_t *bell) noexcept nogil


cdef int gate_wait(Gate *gate) except -1:
    cdef double since = now()
    cdef int interrupted
    while gate.owner != 0:
        gate.waiters += 1
        with nogil:
            interrupted = sem_wait(&gate.bell)
        gate.waiters -= 1
        if interrupted:
            check_signals(gate)
            continue
        gate.called = False
        if gate.owner == PASSED_ON:
            gate.owner = 0
        elif gate.owner != 0 and now() - since > LONG_WAIT:
            gate.is_due = True
    return 0


cdef int check_signals(Gate *gate) except -1:
    """Leave the gate free when nobody is left to whom it was passed on."""
    try:
        PyErr_CheckSignals()
    except BaseException:
        if gate.owner == PASSED_ON and gate.waiters == 0:
            gate.owner = 0
        raise
    return 0


cdef int gate_doze(Gate *gate) except -1:
    gate.waiters += 1
    with nogil:
        wait_a_while(&gate.bell)
    gate.waiters -= 1
    PyErr_CheckSignals()
    return 0


@cython.final
cdef class Lock:
    def __cinit__(self):
        sem_init(&self.gate.bell, 0, 0)

    def __dealloc__(self):
        sem_destroy(&self.gate.bell)

    cdef int acquire(self) except -1:
        """Reentrant: every release() gives one acquire() back."""
        cdef unsigned long me = PyThread_get_thread_ident()
        if self.gate.owner != me:
            if self.gate.owner != 0:
                gate_wait(&self.gate)
            self.gate.owner = me
        self.depth += 1
        return 0

    cdef void release(self) noexcept:
        self.depth -= 1
        if self.depth == 0:
            gate_leave(&self.gate)
