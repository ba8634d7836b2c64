"""The native thread of a video channel, and what it hands over."""

from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

from acl_fast cimport abi
from acl_fast._annexb cimport has_key_picture
from acl_fast._runtime cimport context_release, context_retain, is_unified
from acl_fast._sync cimport (
    flag_load,
    flag_store,
    sync_free,
    sync_is_over,
    sync_join,
    sync_lock,
    sync_new,
    sync_signal,
    sync_start,
    sync_thread,
    sync_unlock,
    sync_wait,
)
from acl_fast.abi cimport aclrtMemcpyKind

cdef enum:
    NO_MEMORY = 1
    DEVICE_TO_HOST = 2


cdef Worker *worker_new(ContextState *context) except NULL:
    cdef bint unified = is_unified()
    cdef Worker *worker = <Worker *>calloc(1, sizeof(Worker))
    if worker == NULL:
        raise MemoryError()
    worker.sync = sync_new()
    if worker.sync == NULL:
        free(worker)
        raise MemoryError()
    worker.context = context_retain(context)
    worker.unified = unified
    worker.channel = -1
    return worker


cdef void worker_free(Worker *worker) noexcept nogil:
    if worker == NULL:
        return
    sync_free(worker.sync)
    context_release(worker.context)
    free(worker)


cdef int worker_start(Worker *worker, void *(*loop)(void *) noexcept nogil) except -1:
    if not sync_start(worker.sync, loop, worker):
        raise MemoryError("no thread could be started for the channel's results")
    return 0


cdef unsigned long worker_thread(Worker *worker) noexcept nogil:
    return sync_thread(worker.sync)


cdef bint worker_stops(Worker *worker) noexcept nogil:
    return flag_load(&worker.stop)


cdef void worker_join(Worker *worker) noexcept nogil:
    flag_store(&worker.stop, 1)
    sync_join(worker.sync)


cdef void worker_sent(Worker *worker) noexcept nogil:
    sync_lock(worker.sync)
    worker.in_flight += 1
    sync_unlock(worker.sync)


cdef void worker_unsent(Worker *worker) noexcept nogil:
    sync_lock(worker.sync)
    worker.in_flight -= 1
    sync_unlock(worker.sync)


cdef void worker_done(Job *job) noexcept nogil:
    cdef Worker *worker = job.owner
    job.next = NULL
    sync_lock(worker.sync)
    if worker.last == NULL:
        worker.first = job
    else:
        worker.last.next = job
    worker.last = job
    worker.in_flight -= 1
    sync_signal(worker.sync)
    sync_unlock(worker.sync)


cdef void worker_copy_packet(Job *job, const void *source, size_t nbytes) noexcept nogil:
    job.nbytes = nbytes
    job.data = <unsigned char *>malloc(nbytes if nbytes else 1)
    if job.data == NULL:
        job.code = NO_MEMORY
    elif job.owner.unified:
        memcpy(job.data, source, nbytes)
    else:
        job.code = <uint32_t>abi.aclrtMemcpy(job.data, nbytes, source, nbytes,
                                             <aclrtMemcpyKind>DEVICE_TO_HOST)
    if job.code == 0:
        job.is_key = has_key_picture(job.data, nbytes, job.owner.hevc)


cdef Job *worker_take(Worker *worker, bint wait) noexcept nogil:
    cdef Job *job
    sync_lock(worker.sync)
    if worker.first == NULL and wait:
        sync_wait(worker.sync)
    job = worker.first
    if job != NULL:
        worker.first = job.next
        if worker.first == NULL:
            worker.last = NULL
        job.taken = True
        worker.taken += 1
    sync_unlock(worker.sync)
    return job


cdef void worker_return(Job *job) noexcept nogil:
    cdef Worker *worker = job.owner
    sync_lock(worker.sync)
    if job.taken:
        job.taken = False
        worker.taken -= 1
    sync_unlock(worker.sync)


cdef bint worker_is_idle(Worker *worker) noexcept nogil:
    return sync_is_over(worker.sync, &worker.in_flight)


cdef bint worker_has_done(Worker *worker) noexcept nogil:
    cdef bint has
    sync_lock(worker.sync)
    has = worker.first != NULL or worker.taken > 0
    sync_unlock(worker.sync)
    return has


cdef void worker_next_lap(Worker *worker) noexcept nogil:
    # Nobody else writes it.
    flag_store(&worker.laps, (worker.laps + 1) & 0xFFFF)


cdef void worker_await_lap(Worker *worker) noexcept nogil:
    cdef int seen = flag_load(&worker.laps)
    while flag_load(&worker.laps) == seen and not worker_is_idle(worker):
        pass
