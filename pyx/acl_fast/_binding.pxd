# The inputs and outputs of a request as Python sees them.

from acl_fast._memory cimport Buffer
from acl_fast._request cimport Request


cdef class TensorBinding:
    cdef readonly Request request
    cdef readonly Py_ssize_t index
    cdef bint output

    cdef Buffer current(self)


cdef class Dataset:
    cdef Request request
    cdef bint output
