from typing import Any

__all__: list[str]

def execute_async(model_id: int, input: int, output: int, stream: int, /) -> int:
    """execute_async(model_id, input, output, stream)

    Deliver one execution; only synchronising makes the result readable. Deliveries of one model id
    are serialised without the GIL, and a stream other than the last one waits, on the device, for
    what that one has. C function: aclmdlExecuteAsync. Releases the GIL."""

def execute(model_id: int, input: int, output: int, /) -> int:
    """execute(model_id, input, output)

    Execute and wait. Threads that execute one model id take turns, without the GIL.
    C function: aclmdlExecute. Releases the GIL."""

def execute_v2(model_id: int, input: int, output: int, stream: int, handle: int, /) -> int:
    """execute_v2(model_id, input, output, stream, handle)

    C function: aclmdlExecuteV2. Releases the GIL."""

def execute_async_v2(model_id: int, input: int, output: int, stream: int, handle: int, /) -> int:
    """execute_async_v2(model_id, input, output, stream, handle)

    C function: aclmdlExecuteAsyncV2. Releases the GIL."""

def unload(model_id: int, /) -> int:
    """unload(model_id)

    Waits for the execution that another thread has going. C function: aclmdlUnload.
    Releases the GIL."""

def get_input_dims(model_desc: int, index: int, /) -> tuple[dict[str, Any], int]:
    """get_input_dims(model_desc, index)

    -> ({name, dimCount, dims}, ret). C function: aclmdlGetInputDims."""

def get_input_dims_v2(model_desc: int, index: int, /) -> tuple[dict[str, Any], int]:
    """get_input_dims_v2(model_desc, index)

    -> ({name, dimCount, dims}, ret). C function: aclmdlGetInputDimsV2."""

def get_output_dims(model_desc: int, index: int, /) -> tuple[dict[str, Any], int]:
    """get_output_dims(model_desc, index)

    -> ({name, dimCount, dims}, ret). C function: aclmdlGetOutputDims."""

def get_cur_output_dims(model_desc: int, index: int, /) -> tuple[dict[str, Any], int]:
    """get_cur_output_dims(model_desc, index)

    -> ({name, dimCount, dims}, ret). C function: aclmdlGetCurOutputDims."""

def get_input_dynamic_dims(
    model_desc: int, index: int, gear_count: int, /
) -> tuple[list[dict[str, Any]], int]:
    """get_input_dynamic_dims(model_desc, index, gear_count)

    -> (list of {name, dimCount, dims}, ret). C function: aclmdlGetInputDynamicDims."""

def set_input_dynamic_dims(model_id: int, dataset: int, index: int, dims: dict[str, Any], /) -> int:
    """set_input_dynamic_dims(model_id, dataset, index, dims)

    ``dims`` is a dict with dimCount and dims. C function: aclmdlSetInputDynamicDims. Releases the
    GIL."""

def get_input_dims_range(model_desc: int, index: int, /) -> tuple[dict[str, Any], int]:
    """get_input_dims_range(model_desc, index)

    -> ({rangeCount, range: list of [least, most]}, ret). C function: aclmdlGetInputDimsRange."""

def get_dynamic_batch(model_desc: int, /) -> tuple[dict[str, Any], int]:
    """get_dynamic_batch(model_desc)

    -> ({batchCount, batch}, ret). C function: aclmdlGetDynamicBatch."""

def get_dynamic_hw(model_desc: int, index: int, /) -> tuple[dict[str, Any], int]:
    """get_dynamic_hw(model_desc, index)

    -> ({hwCount, hw: list of [height, width]}, ret). C function: aclmdlGetDynamicHW."""

def get_first_aipp_info(model_id: int, index: int, /) -> tuple[dict[str, Any], int]:
    """get_first_aipp_info(model_id, index)

    -> (dict of aclAippInfo, ret). C function: aclmdlGetFirstAippInfo."""

def create_and_get_op_desc(
    device_id: int, stream_id: int, task_id: int, op_name_len: int, /
) -> tuple[str, int, int, int, int, int]:
    """create_and_get_op_desc(device_id, stream_id, task_id, op_name_len)

    -> (op_name, input_desc, num_inputs, output_desc, num_outputs, ret).
    C function: aclmdlCreateAndGetOpDesc."""
