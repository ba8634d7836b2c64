# What AIPP reads, and dynamic AIPP.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t

from acl_fast.abi cimport aclmdlDataset, aclmdlDesc


cdef object picture_input(uint32_t model_id, size_t index, tuple shape)
cdef dict dynamic_inputs(aclmdlDesc *desc, uint32_t model_id, size_t count)
cdef tuple write_params(aclmdlDesc *desc, size_t hidden, uint32_t model_id,
                        aclmdlDataset *dataset, size_t index, object params)
