# Loading models and reading what they say of themselves.

from libc.stdint cimport uint32_t

from acl_fast.abi cimport aclmdlDesc
from acl_fast._runtime cimport ContextState

cdef enum:
    GEAR_NONE = 0
    GEAR_BATCH = 1
    GEAR_IMAGE = 2
    GEAR_DIMS = 3


cdef uint32_t load(ContextState *context, object source, object workspace, object weights) except? 0
cdef aclmdlDesc *open_desc(ContextState *context, uint32_t model_id) except NULL
cdef tuple describe_inputs(aclmdlDesc *desc)
cdef tuple describe_outputs(aclmdlDesc *desc)
cdef Py_ssize_t hidden_input(aclmdlDesc *desc) noexcept
cdef tuple read_gears(aclmdlDesc *desc)
