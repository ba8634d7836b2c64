# The function table, for modules that call through it themselves; most use acl_fast.abi instead.
cdef extern from "acl_fast/table.h" nogil:
    ctypedef enum aclfast_status:
        ACLFAST_OK
        ACLFAST_NO_BACKEND
        ACLFAST_BAD_SETTING
    ctypedef struct aclfast_backend:
        const char *kind
        const char *library
        const char *choice
        const char *layers

cdef const void *table

# Load the backend or raise; cheap once loaded.
cdef int ensure() except -1
# Why the latest call of a missing function on this thread failed, or NULL; reading clears it.
cdef const char *last_missing() noexcept nogil
# A function of the loaded core library outside the interface, such as softnpu's own, or NULL.
cdef void *symbol(const char *name) noexcept nogil
