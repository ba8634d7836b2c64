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
