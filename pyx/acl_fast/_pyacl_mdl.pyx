# cython: binding=False, always_allow_keywords=False, embedsignature=False
"""acl.mdl: execution, and what has dicts."""

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset, strlen

from acl_fast cimport abi
from acl_fast.abi cimport aclError, aclmdlDataset, aclmdlDesc, aclmdlIODims, aclrtStream
from acl_fast._pyacl_args cimport as_int, as_u64
from acl_fast._pyacl_models cimport (
    EXECUTE_ASYNC,
    EXECUTE_ASYNC_V2,
    EXECUTE_V2,
    Call,
    Lane,
    deliver,
    delivered,
    end_refresh,
    lane_enter,
    lane_leave,
    unloaded,
)
from acl_fast._pyacl_structs cimport read_struct, write_struct

__all__ = ["execute", "execute_async", "execute_v2", "execute_async_v2", "unload",
           "get_input_dims", "get_input_dims_v2", "get_output_dims", "get_cur_output_dims",
           "get_input_dynamic_dims", "set_input_dynamic_dims", "get_dynamic_batch",
           "get_dynamic_hw", "get_first_aipp_info", "get_input_dims_range",
           "create_and_get_op_desc"]

cdef enum:
    MOST_DIMS = 128         # of a tensor, and gears of a model
    NAME_BYTES = 1024
    SYNC_TIMEOUT = 507046


cdef inline uint32_t as_model(object value, const char *where) except? 0xFFFFFFFF:
    return <uint32_t>as_int(value, -(1 << 31), 0xFFFFFFFF, where, b"model_id")


cdef inline int run(Call call, uint32_t model, uint64_t inputs, uint64_t outputs, uint64_t stream,
                    uint64_t config) except? -1:
    cdef Lane *lane = lane_enter(model)
    cdef aclError ret
    with nogil:
        ret = deliver(lane, call, <const aclmdlDataset *><uintptr_t>inputs,
                      <aclmdlDataset *><uintptr_t>outputs, <aclrtStream><uintptr_t>stream,
                      <const abi.aclmdlExecConfigHandle *><uintptr_t>config)
    # What a synchronous execution gave up waiting for still runs.
    if ret == 0 or ret == SYNC_TIMEOUT:
        delivered(lane, <aclrtStream><uintptr_t>stream)
    lane_leave(lane)
    end_refresh(lane, inputs)
    return ret


def execute_async(model_id, input, output, stream):
    """execute_async(model_id, input, output, stream, /)\n--\n
    execute_async(model_id, input, output, stream)

    Deliver one execution; only synchronising makes the result readable. Deliveries of one model id
    are serialised without the GIL, and a stream other than the last one waits, on the device, for
    what that one has. C function: aclmdlExecuteAsync. Releases the GIL.
    """
    return run(EXECUTE_ASYNC, as_model(model_id, b"acl.mdl.execute_async"),
               as_u64(input, b"acl.mdl.execute_async", b"input"),
               as_u64(output, b"acl.mdl.execute_async", b"output"),
               as_u64(stream, b"acl.mdl.execute_async", b"stream"), 0)


def execute(model_id, input, output):
    """execute(model_id, input, output, /)\n--\n
    execute(model_id, input, output)

    Execute and wait. Threads that execute one model id take turns, without the GIL.
    C function: aclmdlExecute. Releases the GIL.
    """
    cdef uint32_t model = as_model(model_id, b"acl.mdl.execute")
    cdef uint64_t inputs = as_u64(input, b"acl.mdl.execute", b"input")
    cdef uint64_t outputs = as_u64(output, b"acl.mdl.execute", b"output")
    cdef Lane *lane = lane_enter(model)
    cdef aclError ret
    with nogil:
        ret = abi.aclmdlExecute(model, <const aclmdlDataset *><uintptr_t>inputs,
                                <aclmdlDataset *><uintptr_t>outputs)
    lane_leave(lane)
    end_refresh(lane, inputs)
    return <int>ret


cdef int run_v2(Call call, object model_id, object input, object output, object stream,
                object handle, const char *where) except? -1:
    return run(call, as_model(model_id, where), as_u64(input, where, b"input"),
               as_u64(output, where, b"output"), as_u64(stream, where, b"stream"),
               as_u64(handle, where, b"handle"))


def execute_v2(model_id, input, output, stream, handle):
    """execute_v2(model_id, input, output, stream, handle, /)\n--\n
    execute_v2(model_id, input, output, stream, handle)

    Execute on a stream and wait; in turn, as execute_async(). C function: aclmdlExecuteV2.
    Releases the GIL.
    """
    return run_v2(EXECUTE_V2, model_id, input, output, stream, handle, b"acl.mdl.execute_v2")


def execute_async_v2(model_id, input, output, stream, handle):
    """execute_async_v2(model_id, input, output, stream, handle, /)\n--\n
    execute_async_v2(model_id, input, output, stream, handle)

    Deliver one execution, in turn and in order, as execute_async().
    C function: aclmdlExecuteAsyncV2. Releases the GIL.
    """
    return run_v2(EXECUTE_ASYNC_V2, model_id, input, output, stream, handle,
                  b"acl.mdl.execute_async_v2")


def unload(model_id):
    """unload(model_id, /)\n--\n
    unload(model_id)

    Waits for the execution that another thread has going. C function: aclmdlUnload.
    Releases the GIL.
    """
    cdef uint32_t model = as_model(model_id, b"acl.mdl.unload")
    cdef Lane *lane = lane_enter(model)
    cdef aclError ret
    with nogil:
        ret = abi.aclmdlUnload(model)
    if ret == 0:
        unloaded(lane)
    lane_leave(lane)
    return <int>ret


# ---- dims ----

cdef dict dims_dict(const aclmdlIODims *dims):
    cdef size_t index
    return {
        "name": dims.name[:strlen(dims.name)].decode("utf-8", "replace"),
        "dimCount": dims.dimCount,
        "dims": [dims.dims[index] for index in range(min(dims.dimCount, <size_t>MOST_DIMS))],
    }

ctypedef aclError (*DimsGetter)(const aclmdlDesc *, size_t, aclmdlIODims *) noexcept nogil


cdef tuple dims_by(DimsGetter getter, object desc, object index, const char *where):
    cdef uint64_t c_desc = as_u64(desc, where, b"model_desc")
    cdef uint64_t c_index = as_u64(index, where, b"index")
    cdef aclmdlIODims dims
    memset(&dims, 0, sizeof(dims))
    ret = getter(<const aclmdlDesc *><uintptr_t>c_desc, c_index, &dims)
    return dims_dict(&dims), <int>ret


def get_input_dims(model_desc, index):
    """get_input_dims(model_desc, index, /)\n--\n
    get_input_dims(model_desc, index)

    -> ({name, dimCount, dims}, ret). C function: aclmdlGetInputDims.
    """
    return dims_by(abi.aclmdlGetInputDims, model_desc, index, b"acl.mdl.get_input_dims")


def get_input_dims_v2(model_desc, index):
    """get_input_dims_v2(model_desc, index, /)\n--\n
    get_input_dims_v2(model_desc, index)

    -> ({name, dimCount, dims}, ret). C function: aclmdlGetInputDimsV2.
    """
    return dims_by(abi.aclmdlGetInputDimsV2, model_desc, index, b"acl.mdl.get_input_dims_v2")


def get_output_dims(model_desc, index):
    """get_output_dims(model_desc, index, /)\n--\n
    get_output_dims(model_desc, index)

    -> ({name, dimCount, dims}, ret). C function: aclmdlGetOutputDims.
    """
    return dims_by(abi.aclmdlGetOutputDims, model_desc, index, b"acl.mdl.get_output_dims")


def get_cur_output_dims(model_desc, index):
    """get_cur_output_dims(model_desc, index, /)\n--\n
    get_cur_output_dims(model_desc, index)

    -> ({name, dimCount, dims}, ret). C function: aclmdlGetCurOutputDims.
    """
    return dims_by(abi.aclmdlGetCurOutputDims, model_desc, index, b"acl.mdl.get_cur_output_dims")


def get_input_dynamic_dims(model_desc, index, gear_count):
    """get_input_dynamic_dims(model_desc, index, gear_count, /)\n--\n
    get_input_dynamic_dims(model_desc, index, gear_count)

    -> (list of {name, dimCount, dims}, ret). C function: aclmdlGetInputDynamicDims.
    """
    cdef const char *where = b"acl.mdl.get_input_dynamic_dims"
    cdef uint64_t desc = as_u64(model_desc, where, b"model_desc")
    cdef uint64_t c_index = as_u64(index, where, b"index")
    cdef uint64_t count = as_u64(gear_count, where, b"gear_count")
    cdef aclmdlIODims *dims
    cdef size_t gear
    if count > MOST_DIMS:
        raise ValueError(f"acl.mdl.get_input_dynamic_dims(): gear_count {gear_count} is more than "
                         f"{MOST_DIMS}")
    dims = <aclmdlIODims *>calloc(count + 1, sizeof(aclmdlIODims))
    if dims == NULL:
        raise MemoryError()
    try:
        ret = abi.aclmdlGetInputDynamicDims(<const aclmdlDesc *><uintptr_t>desc, c_index, dims,
                                            count)
        return [dims_dict(&dims[gear]) for gear in range(count)], <int>ret
    finally:
        free(dims)


def set_input_dynamic_dims(model_id, dataset, index, dims):
    """set_input_dynamic_dims(model_id, dataset, index, dims, /)\n--\n
    set_input_dynamic_dims(model_id, dataset, index, dims)

    ``dims`` is a dict with dimCount and dims. C function: aclmdlSetInputDynamicDims. Releases the
    GIL.
    """
    cdef const char *where = b"acl.mdl.set_input_dynamic_dims"
    cdef uint32_t model = as_model(model_id, where)
    cdef uint64_t c_dataset = as_u64(dataset, where, b"dataset")
    cdef uint64_t c_index = as_u64(index, where, b"index")
    cdef aclmdlIODims local
    cdef aclError ret
    memset(&local, 0, sizeof(local))
    write_struct("aclmdlIODims", dims, &local, where, b"dims")
    if "dimCount" not in dims:
        local.dimCount = len(dims.get("dims", ()))
    with nogil:
        ret = abi.aclmdlSetInputDynamicDims(model, <aclmdlDataset *><uintptr_t>c_dataset, c_index,
                                            &local)
    return <int>ret


def get_input_dims_range(model_desc, index):
    """get_input_dims_range(model_desc, index, /)\n--\n
    get_input_dims_range(model_desc, index)

    -> ({rangeCount, range: list of [least, most]}, ret). C function: aclmdlGetInputDimsRange.
    """
    cdef const char *where = b"acl.mdl.get_input_dims_range"
    cdef uint64_t desc = as_u64(model_desc, where, b"model_desc")
    cdef uint64_t c_index = as_u64(index, where, b"index")
    cdef abi.aclmdlIODimsRange ranges
    cdef size_t place
    memset(&ranges, 0, sizeof(ranges))
    ret = abi.aclmdlGetInputDimsRange(<const aclmdlDesc *><uintptr_t>desc, c_index, &ranges)
    found = [[ranges.range[place][0], ranges.range[place][1]]
             for place in range(min(ranges.rangeCount, <size_t>MOST_DIMS))]
    return {"rangeCount": ranges.rangeCount, "range": found}, <int>ret


# ---- gears and AIPP ----

def get_dynamic_batch(model_desc):
    """get_dynamic_batch(model_desc, /)\n--\n
    get_dynamic_batch(model_desc)

    -> ({batchCount, batch}, ret). C function: aclmdlGetDynamicBatch.
    """
    cdef uint64_t desc = as_u64(model_desc, b"acl.mdl.get_dynamic_batch", b"model_desc")
    cdef abi.aclmdlBatch batch
    cdef size_t index
    memset(&batch, 0, sizeof(batch))
    ret = abi.aclmdlGetDynamicBatch(<const aclmdlDesc *><uintptr_t>desc, &batch)
    found = [batch.batch[index] for index in range(min(batch.batchCount, <size_t>MOST_DIMS))]
    return {"batchCount": batch.batchCount, "batch": found}, <int>ret


def get_dynamic_hw(model_desc, index):
    """get_dynamic_hw(model_desc, index, /)\n--\n
    get_dynamic_hw(model_desc, index)

    -> ({hwCount, hw: list of [height, width]}, ret). C function: aclmdlGetDynamicHW.
    """
    cdef const char *where = b"acl.mdl.get_dynamic_hw"
    cdef uint64_t desc = as_u64(model_desc, where, b"model_desc")
    cdef uint64_t c_index = as_u64(index, where, b"index")
    cdef abi.aclmdlHW sizes
    cdef size_t gear
    memset(&sizes, 0, sizeof(sizes))
    ret = abi.aclmdlGetDynamicHW(<const aclmdlDesc *><uintptr_t>desc, c_index, &sizes)
    found = [[sizes.hw[gear][0], sizes.hw[gear][1]]
             for gear in range(min(sizes.hwCount, <size_t>MOST_DIMS))]
    return {"hwCount": sizes.hwCount, "hw": found}, <int>ret


def get_first_aipp_info(model_id, index):
    """get_first_aipp_info(model_id, index, /)\n--\n
    get_first_aipp_info(model_id, index)

    -> (dict of aclAippInfo, ret). C function: aclmdlGetFirstAippInfo.
    """
    cdef const char *where = b"acl.mdl.get_first_aipp_info"
    cdef uint32_t model = as_model(model_id, where)
    cdef uint64_t c_index = as_u64(index, where, b"index")
    cdef abi.aclAippInfo info
    memset(&info, 0, sizeof(info))
    ret = abi.aclmdlGetFirstAippInfo(model, c_index, &info)
    result = read_struct("aclAippInfo", &info)
    result["outDims"] = result["outDims"][:info.shapeCount]
    for dims in result["outDims"]:
        for side in dims.values():
            if isinstance(side, dict) and "dims" in side:
                side["dims"] = side["dims"][:side["dimCount"]]
    return result, <int>ret


def create_and_get_op_desc(device_id, stream_id, task_id, op_name_len):
    """create_and_get_op_desc(device_id, stream_id, task_id, op_name_len, /)\n--\n
    create_and_get_op_desc(device_id, stream_id, task_id, op_name_len)

    -> (op_name, input_desc, num_inputs, output_desc, num_outputs, ret).
    C function: aclmdlCreateAndGetOpDesc.
    """
    cdef const char *where = b"acl.mdl.create_and_get_op_desc"
    cdef uint32_t device = <uint32_t>as_int(device_id, 0, 0xFFFFFFFF, where, b"device_id")
    cdef uint32_t stream = <uint32_t>as_int(stream_id, 0, 0xFFFFFFFF, where, b"stream_id")
    cdef uint32_t task = <uint32_t>as_int(task_id, 0, 0xFFFFFFFF, where, b"task_id")
    cdef size_t length = <size_t>as_int(op_name_len, 1, NAME_BYTES, where, b"op_name_len")
    cdef char name[NAME_BYTES + 1]
    cdef abi.aclTensorDesc *inputs = NULL
    cdef abi.aclTensorDesc *outputs = NULL
    cdef size_t input_count = 0, output_count = 0
    memset(name, 0, sizeof(name))
    ret = abi.aclmdlCreateAndGetOpDesc(device, stream, task, name, length, &inputs, &input_count,
                                       &outputs, &output_count)
    return (name[:strlen(name)].decode("utf-8", "replace"), <uintptr_t>inputs, input_count,
            <uintptr_t>outputs, output_count, <int>ret)
