from collections.abc import Sequence
from typing import Any

__all__: list[str]
OP: list[str]
PROF: list[str]
HIMPI: list[str]

def app_log(level: int, message: str, *ignored: object) -> None:
    """app_log(level, message)

    Write a line to the device's log. C function: aclAppLog."""

def dump_reg_callback(callback: int, flag: int, /) -> int:
    """dump_reg_callback(callback, flag)

    ``callback`` is the address of a C function. C function: acldumpRegCallback."""

def get_recent_err_msg(ignored: object = None, /) -> str | None:
    """get_recent_err_msg()

    What the latest failing call of this thread broke, in words; None when there is nothing to say.
    Reading clears it. C function: aclGetRecentErrMsg."""

def sys_get_cann_version(name: int, /) -> tuple[dict[str, Any], int]:
    """sys_get_cann_version(name)

    -> (dict of aclCANNPackageVersion, ret). C function: aclsysGetCANNVersion."""

def get_tensor_desc_dim_range(
    desc: int, index: int, dim_range_num: int, /
) -> tuple[list[int], int]:
    """get_tensor_desc_dim_range(desc, index, dim_range_num)

    -> (list of numbers, ret). C function: aclGetTensorDescDimRange."""

def get_cann_attribute_list(ignored: object = None, /) -> tuple[list[int], int]:
    """get_cann_attribute_list()

    -> (list of aclCannAttr, ret). C function: aclGetCannAttributeList."""

def set_tensor_shape_range(*args: Any) -> int:
    """set_tensor_shape_range(desc, dims_range)

    ``dims_range`` is a list of [least, most]. C function: aclSetTensorShapeRange."""

def set_tensor_value_range(*args: Any) -> int:
    """set_tensor_value_range(desc, value_range)

    ``value_range`` is a list of [least, most]. C function: aclSetTensorValueRange."""

def set_attr_list_list_int(attr: int, attr_name: str, values: Sequence[Sequence[int]], /) -> int:
    """set_attr_list_list_int(attr, attr_name, values)

    ``values`` is a list of lists. C function: aclopSetAttrListListInt."""

def set_attr_list_string(attr: int, attr_name: str, values: Sequence[str], /) -> int:
    """set_attr_list_string(attr, attr_name, values)

    C function: aclopSetAttrListString."""

def venc_get_stream(chn: int, milli_sec: int, /) -> tuple[dict[str, Any], int]:
    """venc_get_stream(chn, milli_sec)

    -> (dict of hi_venc_stream with a list of dicts as ``pack``, ret).
    C function: hi_mpi_venc_get_stream. Releases the GIL."""

def venc_release_stream(chn: int, stream: dict[str, Any], /) -> int:
    """venc_release_stream(chn, stream)

    ``stream`` is what venc_get_stream() gave. C function: hi_mpi_venc_release_stream. Releases the
    GIL."""

def sys_wait_epoll(
    epoll_fd: int, max_events: int, timeout: int, /
) -> tuple[list[dict[str, Any]], int, int]:
    """-> (events, their number, ret). C function: hi_mpi_sys_wait_epoll. Releases the GIL."""

def create_subscribe_config(time_info_switch: int, aicore_metrics: int, fd: int, /) -> int:
    """C function: aclprofCreateSubscribeConfig."""

def destroy_subscribe_config(prof_subscribe_config: int, /) -> int:
    """C function: aclprofDestroySubscribeConfig."""

def get_op_type_v2(op_info: int, op_info_len: int, index: int, /) -> tuple[str, int]:
    """get_op_type_v2(op_info, op_info_len, index)

    -> (op_type, ret); needs no length. C functions: aclprofGetOpTypeLen, aclprofGetOpType."""

def get_op_name_v2(op_info: int, op_info_len: int, index: int, /) -> tuple[str, int]:
    """get_op_name_v2(op_info, op_info_len, index)

    -> (op_name, ret); needs no length. C functions: aclprofGetOpNameLen, aclprofGetOpName."""
