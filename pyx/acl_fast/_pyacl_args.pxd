# How pyACL's arguments become C values. Plain ints take one C call; whatever has __index__ is taken
# too, and what cannot be meant raises with the function and the argument named.

from cpython.float cimport PyFloat_AsDouble
from libc.stdint cimport int64_t, uint64_t

cdef extern from "Python.h":
    int PyFloat_Check(object) noexcept


# Slow paths, and everything that raises.
cdef uint64_t u64_from(object value, const char *where, const char *name) except? 0xFFFFFFFFFFFFFFFF
cdef int64_t i64_from(object value, const char *where, const char *name) except? -1
cdef int refuse_range(object value, const char *where, const char *name, int64_t low,
                      int64_t high) except -1
cdef double double_from(object value, const char *where, const char *name) except? -1
# Text as UTF-8; None and 0 are NULL. The memory is the argument's own.
cdef const char *text_from(object value, const char *where, const char *name) except? NULL
cdef object text_or_none(const char *text)

cdef extern from *:
    """
    /* The value of an int without a call, from its digits of 30 bits. `bad`: it is no int, or one
     * that wants a second look. */
    #if PY_VERSION_HEX >= 0x030C0000
    #define ACL_FAST_DIGITS(v) ((PyLongObject *)(v))->long_value.ob_digit
    #define ACL_FAST_COUNT(v) (Py_ssize_t)(((PyLongObject *)(v))->long_value.lv_tag >> 3)
    #define ACL_FAST_NEGATIVE(v) ((((PyLongObject *)(v))->long_value.lv_tag & 3) == 2)
    #else
    #define ACL_FAST_DIGITS(v) ((PyLongObject *)(v))->ob_digit
    #define ACL_FAST_COUNT(v) (Py_SIZE(v) < 0 ? -Py_SIZE(v) : Py_SIZE(v))
    #define ACL_FAST_NEGATIVE(v) (Py_SIZE(v) < 0)
    #endif
    #if PyLong_SHIFT != 30
    #error "ints have digits of 30 bits on every 64-bit machine"
    #endif
    static inline unsigned long long acl_fast_u64(PyObject *value, int *bad) {
        if (PyLong_CheckExact(value) && !ACL_FAST_NEGATIVE(value)) {
            const digit *digits = ACL_FAST_DIGITS(value);
            switch (ACL_FAST_COUNT(value)) {
                case 0: return 0;
                case 1: return digits[0];
                case 2: return digits[0] | (unsigned long long)digits[1] << 30;
                case 3:
                    if (digits[2] < 16) {
                        return digits[0] | (unsigned long long)digits[1] << 30 |
                               (unsigned long long)digits[2] << 60;
                    }
            }
        }
        *bad = 1;
        return 0;
    }
    static inline long long acl_fast_i64(PyObject *value, int *bad) {
        if (PyLong_CheckExact(value)) {
            const digit *digits = ACL_FAST_DIGITS(value);
            long long sign = ACL_FAST_NEGATIVE(value) ? -1 : 1;
            switch (ACL_FAST_COUNT(value)) {
                case 0: return 0;
                case 1: return sign * (long long)digits[0];
                case 2: return sign * (long long)(digits[0] | (unsigned long long)digits[1] << 30);
            }
        }
        *bad = 1;
        return 0;
    }
    """
    uint64_t acl_fast_u64(object value, int *bad) noexcept
    int64_t acl_fast_i64(object value, int *bad) noexcept


# Handles, addresses, sizes: -1 is the largest, as programs mean it.
cdef inline uint64_t as_u64(object value, const char *where,
                            const char *name) except? 0xFFFFFFFFFFFFFFFF:
    cdef int bad = 0
    cdef uint64_t result = acl_fast_u64(value, &bad)
    if bad:
        return u64_from(value, where, name)
    return result


cdef inline int64_t as_i64(object value, const char *where, const char *name) except? -1:
    cdef int bad = 0
    cdef int64_t result = acl_fast_i64(value, &bad)
    if bad:
        return i64_from(value, where, name)
    return result


# Numbers of fewer bits; those that may be unsigned take negative ones as C does.
cdef inline int64_t as_int(object value, int64_t low, int64_t high, const char *where,
                           const char *name) except? -1:
    cdef int64_t result = as_i64(value, where, name)
    if not low <= result <= high:
        refuse_range(value, where, name, low, high)
    return result


cdef inline double as_double(object value, const char *where, const char *name) except? -1:
    if PyFloat_Check(value):
        return PyFloat_AsDouble(value)
    return double_from(value, where, name)
