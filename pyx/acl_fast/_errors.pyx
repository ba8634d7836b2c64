"""The one place where an error code becomes a Python exception."""

from acl_fast._table cimport last_missing
from acl_fast.abi cimport aclError, aclGetRecentErrMsg

from acl_fast.errors import ForkError, error_from_code

cdef enum:
    FEATURE_UNSUPPORTED = 200006


cdef int raise_error(aclError code, const char *function) except -1 with gil:
    # The message is thread-local and the next call of the library may replace it: copy it first.
    # A forked child must not call the library at all.
    if code == FORKED:
        raise ForkError()
    cdef const char *text = aclGetRecentErrMsg()
    cdef bytes detail = b"" if text == NULL else text
    # The table says which function the backend lacks, and which version brings it. It may still
    # hold an earlier call's words, where a failure was allowed: those are of another function.
    text = last_missing()
    cdef bytes missing = b"" if text == NULL else text
    cdef bytes name = function
    if missing.startswith(name + b":") or (code == FEATURE_UNSUPPORTED and not detail):
        detail = missing
    raise error_from_code(code, name.decode(), detail.decode("utf-8", "replace"))
