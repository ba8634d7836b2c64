# The lock of a model: reentrant, waited for without the GIL, next to free when nobody competes.

cdef extern from "semaphore.h" nogil:
    ctypedef struct sem_t:
        pass
    int sem_init(sem_t *, int, unsigned int)
    int sem_destroy(sem_t *)
    int sem_wait(sem_t *)
    int sem_post(sem_t *)

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident() noexcept nogil

# No thread has this identity: the owner of a lock that is held for the length of one call.
cdef enum:
    BRIEFLY = 1


# The fields change only with the GIL held, which is why they need no atomics. A waiter announces
# itself with the GIL, then sleeps on the semaphore without it.
cdef class Lock:
    cdef unsigned long owner        # 0: free
    cdef int depth                  # of the reentrant owner
    cdef int waiters
    cdef sem_t gate

    cdef int acquire(self) except -1
    cdef void release(self) noexcept
    cdef int acquire_contended(self) except -1


cdef inline bint lock_briefly(Lock lock) except -1:
    """Take the lock for one call; true when unlock_briefly must give it back."""
    if lock.owner == 0:
        lock.owner = BRIEFLY
        return True
    if lock.owner == PyThread_get_thread_ident():
        return False
    lock.acquire_contended()
    lock.owner = BRIEFLY
    return True


cdef inline void unlock_briefly(Lock lock) noexcept:
    lock.owner = 0
    if lock.waiters:
        sem_post(&lock.gate)
