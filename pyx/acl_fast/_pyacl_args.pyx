"""How pyACL's arguments become C values."""

import operator

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport int64_t, uint64_t

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8(object) except NULL


cdef object index_of(object value, const char *where, const char *name):
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{where.decode()}(): {name.decode()} is an int, not "
                        f"{type(value).__name__}") from None


cdef object out_of_range(object number, const char *where, const char *name, low, high):
    return ValueError(f"{where.decode()}(): {name.decode()} {number} is not within {low} and "
                      f"{high}")


cdef uint64_t u64_from(object value, const char *where,
                       const char *name) except? 0xFFFFFFFFFFFFFFFF:
    number = index_of(value, where, name)
    if not -(1 << 63) <= number < 1 << 64:
        raise out_of_range(number, where, name, "-2**63", "2**64 - 1")
    return <uint64_t>(number & 0xFFFFFFFFFFFFFFFF)


cdef int64_t i64_from(object value, const char *where, const char *name) except? -1:
    number = index_of(value, where, name)
    if not -(1 << 63) <= number < 1 << 63:
        raise out_of_range(number, where, name, "-2**63", "2**63 - 1")
    return <int64_t>number


cdef int refuse_range(object value, const char *where, const char *name, int64_t low,
                      int64_t high) except -1:
    raise out_of_range(value, where, name, low, high)


cdef double double_from(object value, const char *where, const char *name) except? -1:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{where.decode()}(): {name.decode()} is a float, not "
                        f"{type(value).__name__}") from None


cdef const char *text_from(object value, const char *where, const char *name) except? NULL:
    if isinstance(value, str):
        return PyUnicode_AsUTF8(value)
    if isinstance(value, bytes):
        return PyBytes_AS_STRING(value)
    if value is None or (isinstance(value, int) and value == 0):
        return NULL
    raise TypeError(f"{where.decode()}(): {name.decode()} is a str, not {type(value).__name__}")


cdef object text_or_none(const char *text):
    return None if text == NULL else text.decode("utf-8", "replace")
