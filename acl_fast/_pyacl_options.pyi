from collections.abc import Callable
from typing import Any

__all__: list[str]

def set_config_opt(
    config_handle: int, attr: int, attr_value: int | str, value_size: int | None = None, /
) -> int:
    """set_config_opt(config_handle, attr, attr_value)

    attr_value: the number, address or path itself. C function: aclmdlSetConfigOpt."""

def set_exec_config_opt(
    handle: int, attr: int, attr_value: int, value_size: int | None = None, /
) -> int:
    """set_exec_config_opt(handle, attr, attr_value)

    attr_value: the number or address itself. C function: aclmdlSetExecConfigOpt."""

def set_stream_config_opt(
    handle: int, attr: int, attr_value: int, value_size: int | None = None, /
) -> int:
    """set_stream_config_opt(handle, attr, attr_value)

    attr_value: the number or address itself. C function: aclrtSetStreamConfigOpt."""

def dvpp_set_channel_desc_param(
    channel_desc: int, param_type: int, length: int, param: int | None = None, /
) -> int:
    """dvpp_set_channel_desc_param(channel_desc, param_type, param)

    param: the value itself. C function: acldvppSetChannelDescParam."""

def dvpp_get_channel_desc_param(
    channel_desc: int, param_type: int, length: int | None = None, param: int | None = None, /
) -> tuple[Any, int]:
    """dvpp_get_channel_desc_param(channel_desc, param_type)

    -> (value, ret). C function: acldvppGetChannelDescParam."""

def vdec_set_channel_desc_param(
    channel_desc: int,
    param_type: int,
    length: int | Callable[..., Any],
    param: int | None = None,
    /,
) -> int:
    """vdec_set_channel_desc_param(channel_desc, param_type, param)

    param: the value itself, or the function of the callback.
    C function: aclvdecSetChannelDescParam."""

def vdec_get_channel_desc_param(
    channel_desc: int, param_type: int, length: int | None = None, param: int | None = None, /
) -> tuple[Any, int]:
    """vdec_get_channel_desc_param(channel_desc, param_type)

    -> (value, ret). C function: aclvdecGetChannelDescParam."""

def venc_set_channel_desc_param(
    channel_desc: int,
    param_type: int,
    length: int | Callable[..., Any],
    param: int | None = None,
    /,
) -> int:
    """venc_set_channel_desc_param(channel_desc, param_type, param)

    param: the value itself, or the function of the callback.
    C function: aclvencSetChannelDescParam."""

def venc_get_channel_desc_param(
    channel_desc: int, param_type: int, length: int | None = None, param: int | None = None, /
) -> tuple[Any, int]:
    """venc_get_channel_desc_param(channel_desc, param_type)

    -> (value, ret). C function: aclvencGetChannelDescParam."""

def vdec_get_channel_desc_callback(channel_desc: int, /) -> Any:
    """vdec_get_channel_desc_callback(channel_desc)

    -> the function, 0 before one was set. C function: aclvdecGetChannelDescCallback."""

def venc_get_channel_desc_callback(channel_desc: int, /) -> Any:
    """venc_get_channel_desc_callback(channel_desc)

    -> the function, 0 before one was set. C function: aclvencGetChannelDescCallback."""
