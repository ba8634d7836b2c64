# cython: binding=False, always_allow_keywords=False, embedsignature=False
"""Attributes of configs: programs give the value, C wants its address and size."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t, uintptr_t

from acl_fast cimport abi
from acl_fast._pyacl_args cimport as_int, as_u64, text_from

__all__ = ["set_config_opt", "set_exec_config_opt", "set_stream_config_opt"]

# Attributes of four bytes; the others are sizes and addresses.
cdef frozenset LOAD_INTS = frozenset((abi.ACL_MDL_PRIORITY_INT32,))
cdef frozenset EXECUTE_INTS = frozenset((abi.ACL_MDL_STREAM_SYNC_TIMEOUT,
                                         abi.ACL_MDL_EVENT_SYNC_TIMEOUT))
cdef frozenset STREAM_INTS = frozenset((abi.ACL_RT_STREAM_PRIORITY,))


cdef class Option:
    """An attribute and its value as C takes them. With a size, the value is an address already."""
    cdef uint64_t handle
    cdef int64_t attribute
    cdef uint64_t number
    cdef const void *address
    cdef size_t size

    def __cinit__(self, str function, handle, attr, value, size, frozenset ints):
        name = function.encode()
        cdef const char *where = name
        self.handle = as_u64(handle, where, b"handle")
        self.attribute = as_int(attr, -(1 << 31), (1 << 31) - 1, where, b"attr")
        if size is not None:
            self.address = <const void *><uintptr_t>as_u64(value, where, b"attr_value")
            self.size = as_u64(size, where, b"value_size")
            return
        if isinstance(value, (str, bytes)):
            self.number = <uintptr_t>text_from(value, where, b"attr_value")
        else:
            self.number = as_u64(value, where, b"attr_value")
        self.address = &self.number  # its low bytes come first: there an int of four is as well
        self.size = 4 if self.attribute in ints else 8


def set_config_opt(config_handle, attr, attr_value, value_size=None):
    """set_config_opt(config_handle, attr, attr_value, value_size=None, /)\n--\n
    set_config_opt(config_handle, attr, attr_value)

    attr_value: the number, address or path itself. C function: aclmdlSetConfigOpt.
    """
    option = Option("acl.mdl.set_config_opt", config_handle, attr, attr_value, value_size,
                    LOAD_INTS)
    return <int>abi.aclmdlSetConfigOpt(
        <abi.aclmdlConfigHandle *><uintptr_t>option.handle,
        <abi.aclmdlConfigAttr>option.attribute, option.address, option.size)


def set_exec_config_opt(handle, attr, attr_value, value_size=None):
    """set_exec_config_opt(handle, attr, attr_value, value_size=None, /)\n--\n
    set_exec_config_opt(handle, attr, attr_value)

    attr_value: the number or address itself. C function: aclmdlSetExecConfigOpt.
    """
    option = Option("acl.mdl.set_exec_config_opt", handle, attr, attr_value, value_size,
                    EXECUTE_INTS)
    return <int>abi.aclmdlSetExecConfigOpt(
        <abi.aclmdlExecConfigHandle *><uintptr_t>option.handle,
        <abi.aclmdlExecConfigAttr>option.attribute, option.address, option.size)


def set_stream_config_opt(handle, attr, attr_value, value_size=None):
    """set_stream_config_opt(handle, attr, attr_value, value_size=None, /)\n--\n
    set_stream_config_opt(handle, attr, attr_value)

    attr_value: the number or address itself. C function: aclrtSetStreamConfigOpt.
    """
    option = Option("acl.rt.set_stream_config_opt", handle, attr, attr_value, value_size,
                    STREAM_INTS)
    return <int>abi.aclrtSetStreamConfigOpt(
        <abi.aclrtStreamConfigHandle *><uintptr_t>option.handle,
        <abi.aclrtStreamConfigAttr>option.attribute, option.address, option.size)
