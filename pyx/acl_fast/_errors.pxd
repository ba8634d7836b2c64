# The one place where an error code becomes a Python exception.

from acl_fast.abi cimport aclError

# A code of our own that no library returns: the process is a forked child.
cdef enum:
    FORKED = -7701

cdef int raise_error(aclError code, const char *function) except -1 with gil


cdef inline int check(aclError code, const char *function) except -1 nogil:
    """Raise the exception that ``code`` stands for; return 0 when it is success.

    Call it right after ``function`` on the same thread: the library's message is per thread and
    the next call may replace it.
    """
    if code == 0:
        return 0
    return raise_error(code, function)
