# cython: binding=False, always_allow_keywords=False, embedsignature=False
"""Attributes of configs and channels: programs give the value, C wants its address and size."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t, uintptr_t

from acl_fast cimport abi
from acl_fast._pyacl_args cimport as_int, as_u64, text_from
from acl_fast._pyacl_callbacks import (
    channel_function,
    vdec_set_channel_desc_callback,
    venc_set_channel_desc_callback,
)

__all__ = ["set_config_opt", "set_exec_config_opt", "set_stream_config_opt"]

MEDIA = ["dvpp_set_channel_desc_param", "dvpp_get_channel_desc_param",
         "vdec_set_channel_desc_param", "vdec_get_channel_desc_param",
         "venc_set_channel_desc_param", "venc_get_channel_desc_param",
         "vdec_get_channel_desc_callback", "venc_get_channel_desc_callback"]

# Attributes of four bytes; the others are sizes and addresses.
cdef frozenset LOAD_INTS = frozenset((abi.ACL_MDL_PRIORITY_INT32,))
cdef frozenset EXECUTE_INTS = frozenset((abi.ACL_MDL_STREAM_SYNC_TIMEOUT,
                                         abi.ACL_MDL_EVENT_SYNC_TIMEOUT))
cdef frozenset STREAM_INTS = frozenset((abi.ACL_RT_STREAM_PRIORITY,))
# Of channels the other way round.
cdef frozenset DVPP_WIDE = frozenset((abi.ACL_DVPP_CHANNEL_ID_UINT64,))
cdef frozenset VDEC_WIDE = frozenset((abi.ACL_VDEC_THREAD_ID_UINT64, abi.ACL_VDEC_CALLBACK_PTR))
cdef frozenset VENC_WIDE = frozenset((abi.ACL_VENC_THREAD_ID_UINT64, abi.ACL_VENC_CALLBACK_PTR,
                                      abi.ACL_VENC_BUF_ADDR_PTR))


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


# ---- channels of acl.media ----

cdef class Parameter:
    """A parameter of a channel: its own value, or as C has it a length and the value's address."""
    cdef uint64_t desc
    cdef int64_t type
    cdef uint64_t number
    cdef void *address
    cdef size_t size

    def __cinit__(self, str function, desc, type, frozenset wide, length, param):
        name = function.encode()
        cdef const char *where = name
        self.desc = as_u64(desc, where, b"channel_desc")
        self.type = as_int(type, -(1 << 31), (1 << 31) - 1, where, b"param_type")
        if length is None:
            self.address = &self.number
            self.size = 8 if self.type in wide else 4
            return
        self.address = <void *><uintptr_t>as_u64(param, where, b"param")
        self.size = as_u64(length, where, b"length")


cdef Parameter to_set(str function, desc, type, frozenset wide, length, param):
    """As C has it, or with the value itself in the place of the length."""
    cdef Parameter asked
    if param is not None:
        return Parameter(function, desc, type, wide, length, param)
    asked = Parameter(function, desc, type, wide, None, None)
    name = function.encode()
    asked.number = as_u64(length, name, b"param")
    return asked


def dvpp_set_channel_desc_param(channel_desc, param_type, length, param=None):
    """dvpp_set_channel_desc_param(channel_desc, param_type, length, param=None, /)\n--\n
    dvpp_set_channel_desc_param(channel_desc, param_type, param)

    param: the value itself. C function: acldvppSetChannelDescParam.
    """
    cdef Parameter asked = to_set("acl.media.dvpp_set_channel_desc_param", channel_desc,
                                  param_type, DVPP_WIDE, length, param)
    return <int>abi.acldvppSetChannelDescParam(
        <abi.acldvppChannelDesc *><uintptr_t>asked.desc,
        <abi.acldvppChannelDescParamType>asked.type, asked.size, asked.address)


def dvpp_get_channel_desc_param(channel_desc, param_type, length=None, param=None):
    """dvpp_get_channel_desc_param(channel_desc, param_type, length=None, param=None, /)\n--\n
    dvpp_get_channel_desc_param(channel_desc, param_type)

    -> (value, ret). C function: acldvppGetChannelDescParam.
    """
    cdef size_t written = 0
    asked = Parameter("acl.media.dvpp_get_channel_desc_param", channel_desc, param_type,
                      DVPP_WIDE, length, param)
    ret = abi.acldvppGetChannelDescParam(
        <const abi.acldvppChannelDesc *><uintptr_t>asked.desc,
        <abi.acldvppChannelDescParamType>asked.type, asked.size, &written, asked.address)
    if length is not None:
        return written, <int>ret
    return asked.number, <int>ret


def vdec_set_channel_desc_param(channel_desc, param_type, length, param=None):
    """vdec_set_channel_desc_param(channel_desc, param_type, length, param=None, /)\n--\n
    vdec_set_channel_desc_param(channel_desc, param_type, param)

    param: the value itself, or the function of the callback.
    C function: aclvdecSetChannelDescParam.
    """
    cdef Parameter asked
    if param is None and callable(length) and param_type == abi.ACL_VDEC_CALLBACK_PTR:
        return vdec_set_channel_desc_callback(channel_desc, length)
    asked = to_set("acl.media.vdec_set_channel_desc_param", channel_desc, param_type, VDEC_WIDE,
                   length, param)
    return <int>abi.aclvdecSetChannelDescParam(
        <abi.aclvdecChannelDesc *><uintptr_t>asked.desc,
        <abi.aclvdecChannelDescParamType>asked.type, asked.size, asked.address)


def vdec_get_channel_desc_param(channel_desc, param_type, length=None, param=None):
    """vdec_get_channel_desc_param(channel_desc, param_type, length=None, param=None, /)\n--\n
    vdec_get_channel_desc_param(channel_desc, param_type)

    -> (value, ret). C function: aclvdecGetChannelDescParam.
    """
    cdef size_t written = 0
    asked = Parameter("acl.media.vdec_get_channel_desc_param", channel_desc, param_type,
                      VDEC_WIDE, length, param)
    ret = abi.aclvdecGetChannelDescParam(
        <const abi.aclvdecChannelDesc *><uintptr_t>asked.desc,
        <abi.aclvdecChannelDescParamType>asked.type, asked.size, &written, asked.address)
    if length is not None:
        return written, <int>ret
    if asked.type == abi.ACL_VDEC_CALLBACK_PTR:
        return channel_function(asked.desc, asked.number), <int>ret
    return asked.number, <int>ret


def venc_set_channel_desc_param(channel_desc, param_type, length, param=None):
    """venc_set_channel_desc_param(channel_desc, param_type, length, param=None, /)\n--\n
    venc_set_channel_desc_param(channel_desc, param_type, param)

    param: the value itself, or the function of the callback.
    C function: aclvencSetChannelDescParam.
    """
    cdef Parameter asked
    if param is None and callable(length) and param_type == abi.ACL_VENC_CALLBACK_PTR:
        return venc_set_channel_desc_callback(channel_desc, length)
    asked = to_set("acl.media.venc_set_channel_desc_param", channel_desc, param_type, VENC_WIDE,
                   length, param)
    return <int>abi.aclvencSetChannelDescParam(
        <abi.aclvencChannelDesc *><uintptr_t>asked.desc,
        <abi.aclvencChannelDescParamType>asked.type, asked.size, asked.address)


def venc_get_channel_desc_param(channel_desc, param_type, length=None, param=None):
    """venc_get_channel_desc_param(channel_desc, param_type, length=None, param=None, /)\n--\n
    venc_get_channel_desc_param(channel_desc, param_type)

    -> (value, ret). C function: aclvencGetChannelDescParam.
    """
    cdef size_t written = 0
    asked = Parameter("acl.media.venc_get_channel_desc_param", channel_desc, param_type,
                      VENC_WIDE, length, param)
    ret = abi.aclvencGetChannelDescParam(
        <const abi.aclvencChannelDesc *><uintptr_t>asked.desc,
        <abi.aclvencChannelDescParamType>asked.type, asked.size, &written, asked.address)
    if length is not None:
        return written, <int>ret
    if asked.type == abi.ACL_VENC_CALLBACK_PTR:
        return channel_function(asked.desc, asked.number), <int>ret
    return asked.number, <int>ret


def vdec_get_channel_desc_callback(channel_desc):
    """vdec_get_channel_desc_callback(channel_desc, /)\n--\n
    vdec_get_channel_desc_callback(channel_desc)

    -> the function, 0 before one was set. C function: aclvdecGetChannelDescCallback.
    """
    cdef uint64_t desc = as_u64(channel_desc, b"acl.media.vdec_get_channel_desc_callback",
                                b"channel_desc")
    address = abi.aclvdecGetChannelDescCallback(<abi.aclvdecChannelDesc *><uintptr_t>desc)
    return channel_function(desc, <uintptr_t>address)


def venc_get_channel_desc_callback(channel_desc):
    """venc_get_channel_desc_callback(channel_desc, /)\n--\n
    venc_get_channel_desc_callback(channel_desc)

    -> the function, 0 before one was set. C function: aclvencGetChannelDescCallback.
    """
    cdef uint64_t desc = as_u64(channel_desc, b"acl.media.venc_get_channel_desc_callback",
                                b"channel_desc")
    address = abi.aclvencGetChannelDescCallback(<abi.aclvencChannelDesc *><uintptr_t>desc)
    return channel_function(desc, <uintptr_t>address)
