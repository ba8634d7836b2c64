# cython: binding=False, always_allow_keywords=False, embedsignature=False
"""acl, acl.op and acl.himpi: what the table does not say about a few functions."""

from libc.stddef cimport size_t
from libc.stdint cimport int8_t, int32_t, int64_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from acl_fast cimport abi
from acl_fast.abi cimport aclLogLevel, aclopAttr, aclTensorDesc, hi_venc_pack, hi_venc_stream
from acl_fast._pyacl_args cimport as_int, as_u64, text_from, text_or_none
from acl_fast._pyacl_structs cimport (
    Pack,
    pack_ints,
    pack_pointers,
    pack_room,
    pack_texts,
    read_struct,
    squeeze,
    write_struct,
)
from acl_fast._table cimport last_missing

__all__ = ["app_log", "dump_reg_callback", "get_recent_err_msg", "sys_get_cann_version",
           "get_tensor_desc_dim_range", "get_cann_attribute_list", "set_tensor_shape_range",
           "set_tensor_value_range"]

PROF = ["create_subscribe_config", "destroy_subscribe_config", "get_op_type_v2",
        "get_op_name_v2"]
OP = ["set_attr_list_list_int", "set_attr_list_string"]
HIMPI = ["sys_wait_epoll", "venc_get_stream", "venc_release_stream"]

cdef enum:
    MOST_PACKS = 64
    MOST_EVENTS = 1024


def app_log(level, message, *ignored):
    """app_log(level, message, *ignored)\n--\n
    app_log(level, message)

    Write a line to the device's log. C function: aclAppLog.
    """
    cdef int c_level = <int>as_int(level, 0, 3, b"acl.app_log", b"level")
    cdef const char *text = text_from(message, b"acl.app_log", b"message")
    if text != NULL:
        abi.aclAppLog(<aclLogLevel>c_level, b"", b"", 0, text)


ctypedef int32_t (*DumpCallback)(const abi.acldumpChunk *, int32_t) noexcept nogil


def dump_reg_callback(callback, flag):
    """dump_reg_callback(callback, flag, /)\n--\n
    dump_reg_callback(callback, flag)

    ``callback`` is the address of a C function. C function: acldumpRegCallback.
    """
    cdef uint64_t address = as_u64(callback, b"acl.dump_reg_callback", b"callback")
    cdef int c_flag = <int>as_int(flag, -(1 << 31), (1 << 31) - 1, b"acl.dump_reg_callback",
                                  b"flag")
    return <int>abi.acldumpRegCallback(<DumpCallback><uintptr_t>address, c_flag)


def get_recent_err_msg(ignored=None):
    """get_recent_err_msg(ignored=None, /)\n--\n
    get_recent_err_msg()

    What the latest failing call of this thread broke, in words; None when there is nothing to say.
    Reading clears it. C function: aclGetRecentErrMsg.
    """
    cdef const char *missing
    message = text_or_none(abi.aclGetRecentErrMsg())
    if message:
        return message
    missing = last_missing()
    return text_or_none(missing) if missing != NULL else message


def sys_get_cann_version(name):
    """sys_get_cann_version(name, /)\n--\n
    sys_get_cann_version(name)

    -> (dict of aclCANNPackageVersion, ret). C function: aclsysGetCANNVersion.
    """
    cdef int c_name = <int>as_int(name, 0, 0x7FFFFFFF, b"acl.sys_get_cann_version", b"name")
    cdef abi.aclCANNPackageVersion version
    memset(&version, 0, sizeof(version))
    ret = abi.aclsysGetCANNVersion(<abi.aclCANNPackageName>c_name, &version)
    return read_struct("aclCANNPackageVersion", &version), <int>ret


def get_tensor_desc_dim_range(desc, index, dim_range_num):
    """get_tensor_desc_dim_range(desc, index, dim_range_num, /)\n--\n
    get_tensor_desc_dim_range(desc, index, dim_range_num)

    -> (list of numbers, ret). C function: aclGetTensorDescDimRange.
    """
    cdef const char *where = b"acl.get_tensor_desc_dim_range"
    cdef uint64_t c_desc = as_u64(desc, where, b"desc")
    cdef uint64_t c_index = as_u64(index, where, b"index")
    cdef Py_ssize_t count = <Py_ssize_t>as_int(dim_range_num, 0, 1 << 16, where, b"dim_range_num")
    cdef Py_ssize_t place
    cdef int64_t *numbers = <int64_t *>calloc(<size_t>max(count, 2), sizeof(int64_t))
    if numbers == NULL:
        raise MemoryError()
    try:
        ret = abi.aclGetTensorDescDimRange(<const aclTensorDesc *><uintptr_t>c_desc, c_index,
                                           <size_t>count, numbers)
        return [numbers[place] for place in range(count)], <int>ret
    finally:
        free(numbers)


def get_cann_attribute_list(ignored=None):
    """get_cann_attribute_list(ignored=None, /)\n--\n
    get_cann_attribute_list()

    -> (list of aclCannAttr, ret). C function: aclGetCannAttributeList.
    """
    cdef const abi.aclCannAttr *attributes = NULL
    cdef size_t count = 0, index
    ret = abi.aclGetCannAttributeList(&attributes, &count)
    found = [<int>attributes[index] for index in range(count)] if attributes != NULL else []
    return found, <int>ret


cdef object need_list(object values, const char *where, const char *name, str what):
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
        raise TypeError(f"{where.decode()}(): {name.decode()} is a list{what}, not "
                        f"{type(values).__name__}")
    return values


cdef Pack pack_ranges(object ranges, const char *where, const char *name):
    numbers = []
    for pair in need_list(ranges, where, name, ""):
        if len(need_list(pair, where, name, " of pairs")) != 2:
            raise ValueError(f"{where.decode()}(): {name.decode()} has pairs of numbers")
        numbers.extend(pair)
    return pack_ints(numbers, 8, where, name)


ctypedef abi.aclError (*RangeSetter)(aclTensorDesc *, size_t, int64_t (*)[2]) noexcept nogil


cdef int set_ranges(RangeSetter setter, tuple args, const char *where, const char *name) except? -1:
    """(desc, ranges); also with the number of ranges between, as other functions with lists."""
    desc, ranges = squeeze(args, 2, (1,), where)
    cdef uint64_t c_desc = as_u64(desc, where, b"desc")
    cdef Pack pack = pack_ranges(ranges, where, name)
    return setter(<aclTensorDesc *><uintptr_t>c_desc, pack.count // 2, <int64_t (*)[2]>pack.data)


def set_tensor_shape_range(*args):
    """set_tensor_shape_range(*args)\n--\n
    set_tensor_shape_range(desc, dims_range)

    ``dims_range`` is a list of [least, most]. C function: aclSetTensorShapeRange.
    """
    return set_ranges(abi.aclSetTensorShapeRange, args, b"acl.set_tensor_shape_range",
                      b"dims_range")


def set_tensor_value_range(*args):
    """set_tensor_value_range(*args)\n--\n
    set_tensor_value_range(desc, value_range)

    ``value_range`` is a list of [least, most]. C function: aclSetTensorValueRange.
    """
    return set_ranges(abi.aclSetTensorValueRange, args, b"acl.set_tensor_value_range",
                      b"value_range")


# ---- acl.op ----

def set_attr_list_list_int(attr, attr_name, values):
    """set_attr_list_list_int(attr, attr_name, values, /)\n--\n
    set_attr_list_list_int(attr, attr_name, values)

    ``values`` is a list of lists. C function: aclopSetAttrListListInt.
    """
    cdef const char *where = b"acl.op.set_attr_list_list_int"
    cdef uint64_t c_attr = as_u64(attr, where, b"attr")
    cdef const char *name = text_from(attr_name, where, b"attr_name")
    rows = [pack_ints(row, 8, where, b"values")
            for row in need_list(values, where, b"values", "")]
    cdef Pack counts = pack_ints([(<Pack>row).count for row in rows], 4, where, b"values")
    cdef Pack places = pack_pointers([<uintptr_t>(<Pack>row).data for row in rows], where,
                                     b"values")
    ret = abi.aclopSetAttrListListInt(<aclopAttr *><uintptr_t>c_attr, name, <int>counts.count,
                                      <int *>counts.data, <int64_t **>places.data)
    return <int>ret


def set_attr_list_string(attr, attr_name, values):
    """set_attr_list_string(attr, attr_name, values, /)\n--\n
    set_attr_list_string(attr, attr_name, values)

    C function: aclopSetAttrListString.
    """
    cdef const char *where = b"acl.op.set_attr_list_string"
    cdef uint64_t c_attr = as_u64(attr, where, b"attr")
    cdef const char *name = text_from(attr_name, where, b"attr_name")
    cdef Pack pack = pack_texts(values, where, b"values")
    ret = abi.aclopSetAttrListString(<aclopAttr *><uintptr_t>c_attr, name, <int>pack.count,
                                     <const char **>pack.data)
    return <int>ret


# ---- acl.prof ----

# The library is given the address of a descriptor, which must last as long as the configuration.
cdef dict descriptors = {}


def create_subscribe_config(time_info_switch, aicore_metrics, fd):
    """create_subscribe_config(time_info_switch, aicore_metrics, fd, /)\n--\n
    create_subscribe_config(time_info_switch, aicore_metrics, fd)

    ``fd`` is a file descriptor that records are written to. C function:
    aclprofCreateSubscribeConfig.
    """
    cdef const char *where = b"acl.prof.create_subscribe_config"
    cdef int switch = <int>as_int(time_info_switch, 0, 1, where, b"time_info_switch")
    cdef int metrics = <int>as_int(aicore_metrics, -(1 << 31), (1 << 31) - 1, where,
                                   b"aicore_metrics")
    cdef Pack room = pack_ints([as_int(fd, 0, 0x7FFFFFFF, where, b"fd")], 4, where, b"fd")
    config = <uintptr_t>abi.aclprofCreateSubscribeConfig(
        <int8_t>switch, <abi.aclprofAicoreMetrics>metrics, room.data)
    if config:
        descriptors[config] = room
    return config


def destroy_subscribe_config(prof_subscribe_config):
    """destroy_subscribe_config(prof_subscribe_config, /)\n--\n
    destroy_subscribe_config(prof_subscribe_config)

    C function: aclprofDestroySubscribeConfig.
    """
    cdef uint64_t config = as_u64(prof_subscribe_config, b"acl.prof.destroy_subscribe_config",
                                  b"prof_subscribe_config")
    ret = abi.aclprofDestroySubscribeConfig(
        <const abi.aclprofSubscribeConfig *><uintptr_t>config)
    if ret == 0:
        descriptors.pop(config, None)
    return <int>ret


cdef object op_text(object op_info, object op_info_len, object index, const char *where,
                    bint is_type):
    """(the type or name of an operator, ret), whatever its length."""
    cdef const void *info = <const void *><uintptr_t>as_u64(op_info, where, b"op_info")
    cdef size_t length = as_u64(op_info_len, where, b"op_info_len")
    cdef uint32_t place = <uint32_t>as_int(index, 0, 0xFFFFFFFF, where, b"index")
    cdef size_t room = 0
    ret = (abi.aclprofGetOpTypeLen(info, length, place, &room) if is_type else
           abi.aclprofGetOpNameLen(info, length, place, &room))
    if ret != 0:
        return "", <int>ret
    cdef Pack text = pack_room(room + 1)
    ret = (abi.aclprofGetOpType(info, length, place, <char *>text.data, room + 1) if is_type else
           abi.aclprofGetOpName(info, length, place, <char *>text.data, room + 1))
    return (<char *>text.data).decode("utf-8", "replace"), <int>ret


def get_op_type_v2(op_info, op_info_len, index):
    """get_op_type_v2(op_info, op_info_len, index, /)\n--\n
    get_op_type_v2(op_info, op_info_len, index)

    -> (op_type, ret); needs no length. C functions: aclprofGetOpTypeLen, aclprofGetOpType.
    """
    return op_text(op_info, op_info_len, index, b"acl.prof.get_op_type_v2", True)


def get_op_name_v2(op_info, op_info_len, index):
    """get_op_name_v2(op_info, op_info_len, index, /)\n--\n
    get_op_name_v2(op_info, op_info_len, index)

    -> (op_name, ret); needs no length. C functions: aclprofGetOpNameLen, aclprofGetOpName.
    """
    return op_text(op_info, op_info_len, index, b"acl.prof.get_op_name_v2", False)


# ---- acl.himpi ----

def sys_wait_epoll(epoll_fd, max_events, timeout):
    """sys_wait_epoll(epoll_fd, max_events, timeout, /)\n--\n
    sys_wait_epoll(epoll_fd, max_events, timeout)

    -> (list of dicts of hi_dvpp_epoll_event, their number, ret). C function:
    hi_mpi_sys_wait_epoll. Releases the GIL.
    """
    cdef const char *where = b"acl.himpi.sys_wait_epoll"
    cdef int32_t fd = <int32_t>as_int(epoll_fd, -(1 << 31), (1 << 31) - 1, where, b"epoll_fd")
    cdef int32_t most = <int32_t>as_int(max_events, -(1 << 31), MOST_EVENTS, where, b"max_events")
    cdef int32_t limit = <int32_t>as_int(timeout, -(1 << 31), (1 << 31) - 1, where, b"timeout")
    cdef abi.hi_dvpp_epoll_event[MOST_EVENTS] events
    cdef abi.hi_s32 count = 0
    cdef int ret, index
    memset(events, 0, sizeof(events))
    with nogil:
        ret = abi.hi_mpi_sys_wait_epoll(fd, events, most, limit, &count)
    found = [read_struct("hi_dvpp_epoll_event", &events[index])
             for index in range(min(count, most) if ret == 0 else 0)]
    return found, len(found), <uint32_t>ret


def venc_get_stream(chn, milli_sec):
    """venc_get_stream(chn, milli_sec, /)\n--\n
    venc_get_stream(chn, milli_sec)

    -> (dict of hi_venc_stream with a list of dicts as ``pack``, ret).
    C function: hi_mpi_venc_get_stream. Releases the GIL.
    """
    cdef int32_t c_chn = <int32_t>as_int(chn, -(1 << 31), (1 << 31) - 1,
                                         b"acl.himpi.venc_get_stream", b"chn")
    cdef int32_t limit = <int32_t>as_int(milli_sec, -(1 << 31), (1 << 31) - 1,
                                         b"acl.himpi.venc_get_stream", b"milli_sec")
    cdef hi_venc_stream stream
    cdef hi_venc_pack *packs = <hi_venc_pack *>calloc(MOST_PACKS, sizeof(hi_venc_pack))
    cdef uint32_t index
    cdef int ret
    if packs == NULL:
        raise MemoryError()
    memset(&stream, 0, sizeof(stream))
    stream.pack = packs
    stream.pack_cnt = MOST_PACKS
    try:
        with nogil:
            ret = abi.hi_mpi_venc_get_stream(c_chn, &stream, limit)
        result = read_struct("hi_venc_stream", &stream)
        count = stream.pack_cnt if ret == 0 else 0
        result["pack_cnt"] = count
        result["pack"] = [read_struct("hi_venc_pack", &packs[index]) for index in range(count)]
        return result, <uint32_t>ret
    finally:
        free(packs)


def venc_release_stream(chn, stream):
    """venc_release_stream(chn, stream, /)\n--\n
    venc_release_stream(chn, stream)

    ``stream`` is what venc_get_stream() gave. C function: hi_mpi_venc_release_stream. Releases the
    GIL.
    """
    cdef const char *where = b"acl.himpi.venc_release_stream"
    cdef int32_t c_chn = <int32_t>as_int(chn, -(1 << 31), (1 << 31) - 1, where, b"chn")
    cdef hi_venc_stream c_stream
    cdef hi_venc_pack packs[MOST_PACKS]
    cdef int index
    cdef int ret
    memset(&c_stream, 0, sizeof(c_stream))
    memset(packs, 0, sizeof(packs))
    if not isinstance(stream, dict):
        raise TypeError("acl.himpi.venc_release_stream(): stream is a dict, not "
                        f"{type(stream).__name__}")
    given = stream.get("pack", [])[:MOST_PACKS]
    write_struct("hi_venc_stream", {**stream, "pack": 0}, &c_stream, where, b"stream")
    for index, pack in enumerate(given):
        write_struct("hi_venc_pack", pack, &packs[index], where, b"stream")
    c_stream.pack = packs
    c_stream.pack_cnt = <uint32_t>len(given)
    with nogil:
        ret = abi.hi_mpi_venc_release_stream(c_chn, &c_stream)
    return <uint32_t>ret
