"""The native thread of a video channel, and what it hands over."""

from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

from acl_fast cimport abi
from acl_fast._annexb cimport has_key_picture
from acl_fast._runtime cimport context_release, context_retain, is_unified
from acl_fast.abi cimport aclrtMemcpyKind

cdef extern from *:
    """
    #include <pthread.h>
    #include <stdlib.h>
    #include <time.h>
    typedef struct {
        pthread_mutex_t mutex;
        pthread_cond_t cond;
        pthread_t thread;
        int runs;
    } worker_sync;
    static void *sync_new(void) {
        worker_sync *s = calloc(1, sizeof *s);
        if (s) { pthread_mutex_init(&s->mutex, NULL); pthread_cond_init(&s->cond, NULL); }
        return s;
    }
    static void sync_free(void *p) {
        worker_sync *s = p;
        if (s) { pthread_mutex_destroy(&s->mutex); pthread_cond_destroy(&s->cond); }
        free(p);
    }
    static void sync_lock(void *p) { pthread_mutex_lock(&((worker_sync *)p)->mutex); }
    static void sync_unlock(void *p) { pthread_mutex_unlock(&((worker_sync *)p)->mutex); }
    static void sync_signal(void *p) { pthread_cond_broadcast(&((worker_sync *)p)->cond); }
    static void sync_wait(void *p) {
        worker_sync *s = p;
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_nsec += 50000000;
        if (t.tv_nsec >= 1000000000) { t.tv_nsec -= 1000000000; t.tv_sec += 1; }
        pthread_cond_timedwait(&s->cond, &s->mutex, &t);
    }
    static int sync_start(void *p, void *(*run)(void *), void *arg) {
        worker_sync *s = p;
        s->runs = pthread_create(&s->thread, NULL, run, arg) == 0;
        return s->runs;
    }
    static void sync_join(void *p) {
        worker_sync *s = p;
        if (s->runs) pthread_join(s->thread, NULL);
        s->runs = 0;
    }
    static unsigned long sync_thread(void *p) { return ((worker_sync *)p)->thread; }
    static int flag_load(int *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
    static void flag_store(int *p, int v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
    """
    void *sync_new() noexcept nogil
    void sync_free(void *sync) noexcept nogil
    void sync_lock(void *sync) noexcept nogil
    void sync_unlock(void *sync) noexcept nogil
    void sync_signal(void *sync) noexcept nogil
    void sync_wait(void *sync) noexcept nogil
    int sync_start(void *sync, void *(*run)(void *) noexcept nogil, void *arg) noexcept nogil
    void sync_join(void *sync) noexcept nogil
    unsigned long sync_thread(void *sync) noexcept nogil
    int flag_load(int *flag) noexcept nogil
    void flag_store(int *flag, int value) noexcept nogil

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
    cdef bint idle
    sync_lock(worker.sync)
    if worker.in_flight > 0:
        sync_wait(worker.sync)
    idle = worker.in_flight <= 0
    sync_unlock(worker.sync)
    return idle


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
