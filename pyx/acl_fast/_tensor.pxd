# Element types and tensor descriptions.

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t

cdef enum:
    MAX_DIMS = 16

# One element type: its aclDataType code and how the other worlds write it.
cdef struct DType:
    int code
    const char *name        # numpy's name for it
    size_t itemsize
    const char *format      # PEP 3118
    uint8_t dlpack_code
    uint8_t dlpack_bits

cdef const DType *dtype_from_code(int code) noexcept nogil
cdef const DType *dtype_from_object(object dtype) except NULL
cdef const DType *dtype_from_format(const char *format, size_t itemsize) noexcept nogil
cdef const DType *dtype_from_dlpack(uint8_t code, uint8_t bits) noexcept nogil
cdef object raw_bits(object item)
cdef object numpy_dtype(const DType *dtype)
cdef int parse_shape(object shape, int64_t *dims) except -1
cdef size_t element_count(int ndim, const int64_t *dims) except? 0


cdef class TensorDesc:
    cdef readonly str name
    cdef readonly tuple shape
    cdef readonly size_t nbytes
    cdef readonly tuple shape_range
    cdef const DType *_dtype
    cdef int _code
    cdef int _format
