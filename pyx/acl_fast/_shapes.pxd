# Gears, dynamic shapes, and the datasets they are written to.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t

from acl_fast.abi cimport aclmdlDataset, aclmdlDesc
from acl_fast._memory cimport Buffer
from acl_fast._runtime cimport ContextState

cdef int add_data_buffer(aclmdlDataset *dataset) except -1
cdef int update_data_buffer(aclmdlDataset *dataset, size_t index, Buffer buffer,
                            size_t nbytes) except -1
cdef void destroy_dataset(aclmdlDataset *dataset) noexcept nogil
cdef Buffer allocate_tensor(ContextState *context, object device, object desc)
cdef int set_gear_value(int kind, uint32_t model_id, aclmdlDataset *dataset, size_t index,
                        tuple gear) except -1
cdef tuple expand_dims(tuple inputs, tuple values)
cdef list gear_shapes(tuple inputs, int kind, tuple gear, tuple gears)
cdef list current_output_shapes(aclmdlDesc *desc, size_t count)
cdef int set_tensor_desc(aclmdlDataset *dataset, size_t index, object desc, tuple shape) except -1
cdef tuple read_output(ContextState *context, object device, aclmdlDataset *dataset, size_t index,
                       object desc, Buffer bound)

# The requests that a buffer is bound to, as weak references.
cdef int forget(Buffer state, object request) except -1
cdef list others(list references, object request)
