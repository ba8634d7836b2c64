"""The lock of a model: reentrant, waited for without the GIL, next to free when nobody competes."""

cimport cython

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1


@cython.final
cdef class Lock:
    def __cinit__(self):
        sem_init(&self.gate, 0, 0)

    def __dealloc__(self):
        sem_destroy(&self.gate)

    cdef int acquire(self) except -1:
        cdef unsigned long me = PyThread_get_thread_ident()
        if self.owner != me:
            if self.owner != 0:
                self.acquire_contended()
            self.owner = me
        self.depth += 1
        return 0

    cdef int acquire_contended(self) except -1:
        """Wait until the lock is free; the caller takes it before the GIL can change hands."""
        cdef int interrupted
        while self.owner != 0:
            self.waiters += 1
            with nogil:
                interrupted = sem_wait(&self.gate)
            self.waiters -= 1
            if interrupted:
                PyErr_CheckSignals()
        return 0

    cdef void release(self) noexcept:
        self.depth -= 1
        if self.depth == 0:
            unlock_briefly(self)
