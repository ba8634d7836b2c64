"""The one place where an error code becomes a Python exception."""

from acl_fast._table cimport last_missing
from acl_fast.abi cimport aclError, aclGetRecentErrMsg

from acl_fast.errors import ForkError, error_from_code


cdef int raise_error(aclError code, const char *function) except -1 with gil:
    # The message is thread-local and the next call of the library may replace it: copy it first.
    # A forked child must not call the library at all.
    if code == FORKED:
        raise ForkError()
    cdef const char *text = aclGetRecentErrMsg()
    # A function that the backend lacks says so itself, with the version that brings it.
    cdef const char *missing = last_missing()
    if missing != NULL:
        text = missing
    cdef bytes detail = b"" if text == NULL else text
    raise error_from_code(code, function.decode(), detail.decode("utf-8", "replace"))
