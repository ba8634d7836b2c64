# A mutex, a condition and a thread of plain C, for threads that run without the GIL.

cdef extern from *:
    """
    #ifndef ACL_FAST_SYNC
    #define ACL_FAST_SYNC
    #include <pthread.h>
    #include <stdlib.h>
    #include <time.h>
    typedef struct {
        pthread_mutex_t mutex;
        pthread_cond_t cond;
        pthread_t thread;
        int runs;
    } acl_fast_sync;
    static inline void *sync_new(void) {
        acl_fast_sync *s = calloc(1, sizeof *s);
        pthread_condattr_t attributes;
        if (s == NULL) return NULL;
        pthread_mutex_init(&s->mutex, NULL);
        /* The wall clock may be set back, and a wait would last until it has caught up. */
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&s->cond, &attributes);
        pthread_condattr_destroy(&attributes);
        return s;
    }
    static inline void sync_free(void *p) {
        acl_fast_sync *s = p;
        if (s) { pthread_mutex_destroy(&s->mutex); pthread_cond_destroy(&s->cond); }
        free(p);
    }
    static inline void sync_lock(void *p) { pthread_mutex_lock(&((acl_fast_sync *)p)->mutex); }
    static inline void sync_unlock(void *p) { pthread_mutex_unlock(&((acl_fast_sync *)p)->mutex); }
    static inline void sync_signal(void *p) { pthread_cond_broadcast(&((acl_fast_sync *)p)->cond); }
    /* At most 50 ms, so that Ctrl-C is seen. */
    static inline void sync_wait(void *p) {
        acl_fast_sync *s = p;
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_nsec += 50000000;
        if (t.tv_nsec >= 1000000000) { t.tv_nsec -= 1000000000; t.tv_sec += 1; }
        pthread_cond_timedwait(&s->cond, &s->mutex, &t);
    }
    static inline int sync_is_over(void *p, const Py_ssize_t *left) {
        sync_lock(p);
        if (*left > 0) sync_wait(p);
        int over = *left <= 0;
        sync_unlock(p);
        return over;
    }
    static inline int sync_start(void *p, void *(*run)(void *), void *arg) {
        acl_fast_sync *s = p;
        s->runs = pthread_create(&s->thread, NULL, run, arg) == 0;
        return s->runs;
    }
    static inline void sync_join(void *p) {
        acl_fast_sync *s = p;
        if (s->runs) pthread_join(s->thread, NULL);
        s->runs = 0;
    }
    static inline unsigned long sync_thread(void *p) { return ((acl_fast_sync *)p)->thread; }
    static inline int flag_load(int *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
    static inline void flag_store(int *p, int v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
    #endif
    """
    void *sync_new() noexcept nogil
    void sync_free(void *sync) noexcept nogil
    void sync_lock(void *sync) noexcept nogil
    void sync_unlock(void *sync) noexcept nogil
    void sync_signal(void *sync) noexcept nogil
    void sync_wait(void *sync) noexcept nogil
    # Whether nothing is left of what the mutex guards; waits once for that.
    bint sync_is_over(void *sync, const Py_ssize_t *left) noexcept nogil
    int sync_start(void *sync, void *(*run)(void *) noexcept nogil, void *arg) noexcept nogil
    void sync_join(void *sync) noexcept nogil
    unsigned long sync_thread(void *sync) noexcept nogil
    int flag_load(int *flag) noexcept nogil
    void flag_store(int *flag, int value) noexcept nogil
