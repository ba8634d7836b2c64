# Reference counts that may change without the GIL.

cdef extern from *:
    """
    #ifndef ACL_FAST_ATOMIC
    #define ACL_FAST_ATOMIC
    static inline int acl_fast_retain(int *count) {
        return __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
    }
    static inline int acl_fast_release(int *count) {
        return __atomic_sub_fetch(count, 1, __ATOMIC_ACQ_REL);
    }
    #endif
    """
    # Both return the new count.
    int atomic_retain "acl_fast_retain" (int *count) noexcept nogil
    int atomic_release "acl_fast_release" (int *count) noexcept nogil
