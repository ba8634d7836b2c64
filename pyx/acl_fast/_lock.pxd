# Locks that are waited for without the GIL and are next to free when nobody competes.

cdef extern from "semaphore.h" nogil:
    ctypedef struct sem_t:
        pass
    int sem_init(sem_t *, int, unsigned int)
    int sem_destroy(sem_t *)
    int sem_wait(sem_t *)
    int sem_post(sem_t *)

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident() noexcept nogil

# No thread has this identity: the owner of a gate that is held for the length of one call.
# Nor this one: the gate is passed on to one who waits too long. A thread that leaves and comes back
# keeps the GIL in between, and has the gate whenever it lets the GIL go: nobody else would get it.
# To pass it on each time would cost a switch of threads for each call.
cdef enum:
    BRIEFLY = 1
    PASSED_ON = 2


# The fields change only with the GIL held, which is why they need no atomics. A waiter announces
# itself with the GIL, then sleeps on the semaphore without it.
cdef struct Gate:
    unsigned long owner     # 0: free
    int waiters
    bint called             # one who waits was woken and has not looked yet
    bint is_due             # somebody has waited too long
    sem_t bell


# Wait until the gate is free; the caller takes it before the GIL can change hands.
cdef int gate_wait(Gate *gate) except -1
# Wait for a while only, or until something changed.
cdef int gate_doze(Gate *gate) except -1


cdef inline int gate_enter(Gate *gate) except -1:
    if gate.owner != 0:
        gate_wait(gate)
    gate.owner = BRIEFLY
    return 0


cdef inline void gate_leave(Gate *gate) noexcept:
    gate.owner = 0
    if gate.waiters == 0:
        return
    if gate.is_due:
        gate.is_due = False
        gate.owner = PASSED_ON
    if not gate.called:
        gate.called = True
        sem_post(&gate.bell)


# The same for who dozes: they look whether the gate is free.
cdef inline void gate_open(Gate *gate) noexcept:
    gate.owner = 0
    if gate.waiters:
        sem_post(&gate.bell)


# The lock of a model.
cdef class Lock:
    cdef Gate gate
    cdef int depth                  # of the reentrant owner

    cdef int acquire(self) except -1
    cdef void release(self) noexcept


cdef inline bint lock_briefly(Lock lock) except -1:
    """Take the lock for one call; true when unlock_briefly must give it back."""
    if lock.gate.owner != 0:
        if lock.gate.owner == PyThread_get_thread_ident():
            return False
        gate_wait(&lock.gate)
    lock.gate.owner = BRIEFLY
    return True


cdef inline void unlock_briefly(Lock lock) noexcept:
    gate_leave(&lock.gate)
