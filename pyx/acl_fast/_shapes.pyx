"""Gears, dynamic shapes, and the datasets they are written to."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t

from acl_fast cimport abi
from acl_fast.abi cimport (
    aclDataBuffer,
    aclDataType,
    aclError,
    aclFormat,
    aclmdlDataset,
    aclmdlDesc,
    aclmdlIODims,
    aclTensorDesc,
)
from acl_fast._block cimport KIND_DEVICE, Block, block_wrap
from acl_fast._errors cimport check
from acl_fast._loading cimport GEAR_BATCH, GEAR_DIMS, GEAR_IMAGE
from acl_fast._memory cimport Buffer, buffer_from_block, empty
from acl_fast._runtime cimport ContextState
from acl_fast._tensor cimport MAX_DIMS, DType, TensorDesc, dtype_from_code


cdef int add_data_buffer(aclmdlDataset *dataset) except -1:
    """Append an empty data buffer."""
    cdef aclDataBuffer *item = abi.aclCreateDataBuffer(NULL, 0)
    cdef aclError code
    if item == NULL:
        raise MemoryError("aclCreateDataBuffer gave no buffer")
    code = abi.aclmdlAddDatasetBuffer(dataset, item)
    try:
        check(code, b"aclmdlAddDatasetBuffer")
    except BaseException:
        abi.aclDestroyDataBuffer(item)
        raise
    return 0


cdef int update_data_buffer(aclmdlDataset *dataset, size_t index, Buffer buffer,
                            size_t nbytes) except -1:
    """Point a data buffer at memory; None gives it none."""
    cdef aclDataBuffer *item = abi.aclmdlGetDatasetBuffer(dataset, index)
    cdef void *address = NULL if buffer is None else buffer.address
    return check(abi.aclUpdateDataBuffer(item, address, nbytes), b"aclUpdateDataBuffer")


cdef void destroy_dataset(aclmdlDataset *dataset) noexcept nogil:
    cdef aclDataBuffer *item
    cdef size_t i
    if dataset == NULL:
        return
    for i in range(abi.aclmdlGetDatasetNumBuffers(dataset)):
        item = abi.aclmdlGetDatasetBuffer(dataset, i)
        if item != NULL:
            abi.aclDestroyDataBuffer(item)
    abi.aclmdlDestroyDataset(dataset)


cdef Buffer allocate_tensor(ContextState *context, object device, object desc):
    """Allocate device memory for a tensor; flat, of the largest size, if its shape varies."""
    cdef TensorDesc tensor = desc
    if tensor._dtype == NULL:
        return empty(context, device, tensor.nbytes, "uint8", "device")
    if -1 in tensor.shape:
        return empty(context, device, tensor.nbytes // tensor._dtype.itemsize, tensor._code,
                     "device")
    return empty(context, device, tensor.shape, tensor._code, "device")


cdef int set_gear_value(int kind, uint32_t model_id, aclmdlDataset *dataset, size_t index,
                        tuple gear) except -1:
    """Write a gear to the model's hidden input, which is device memory: may wait for a copy."""
    cdef aclmdlIODims dims
    cdef aclError code
    cdef size_t first = gear[0]
    cdef size_t second = gear[1] if kind == GEAR_IMAGE else 0
    cdef size_t i
    if kind == GEAR_BATCH:
        with nogil:
            code = abi.aclmdlSetDynamicBatchSize(model_id, dataset, index, first)
        return check(code, b"aclmdlSetDynamicBatchSize")
    if kind == GEAR_IMAGE:
        with nogil:
            code = abi.aclmdlSetDynamicHWSize(model_id, dataset, index, first, second)
        return check(code, b"aclmdlSetDynamicHWSize")
    dims.name[0] = 0
    dims.dimCount = len(gear)
    for i in range(dims.dimCount):
        dims.dims[i] = gear[i]
    with nogil:
        code = abi.aclmdlSetInputDynamicDims(model_id, dataset, index, &dims)
    return check(code, b"aclmdlSetInputDynamicDims")


cdef tuple expand_dims(tuple inputs, tuple values):
    """Fill the dynamic dimensions of all inputs with ``values``; all dimensions pass unchanged."""
    cdef list dims = [size for desc in inputs for size in desc.shape]
    if len(values) == len(dims):
        return values
    if len(values) != dims.count(-1):
        raise ValueError(f"give the {dims.count(-1)} dynamic dimensions of the inputs, or all "
                         f"{len(dims)}, not {len(values)}")
    source = iter(values)
    return tuple([next(source) if size == -1 else size for size in dims])


cdef list gear_shapes(tuple inputs, int kind, tuple gear, tuple gears):
    """Return the shapes the inputs have with a gear."""
    cdef list shapes = []
    source = iter(gear)
    for desc in inputs:
        if -1 not in desc.shape:
            shapes.append(desc.shape)
            if kind == GEAR_DIMS:
                for _ in desc.shape:
                    next(source)
        elif kind == GEAR_BATCH:
            shapes.append(tuple([gear[0] if size == -1 else size for size in desc.shape]))
        elif kind == GEAR_IMAGE:
            shapes.append(image_shape(desc, gear, gears))
        else:
            shapes.append(tuple([next(source) for _ in desc.shape]))
    return shapes


cdef tuple image_shape(TensorDesc desc, tuple gear, tuple gears):
    """Return the shape of an input with an image gear: rows of chroma follow those of luma."""
    cdef list areas = [height * width for height, width in gears]
    pair = iter(gear)
    shape = [next(pair) if size == -1 else size for size in desc.shape]
    rest = desc._dtype.itemsize if desc._dtype != NULL else 1
    for size in desc.shape:
        rest *= 1 if size == -1 else size
    if 2 * desc.nbytes == 3 * rest * max(areas):
        shape[desc.shape.index(-1)] = gear[0] * 3 // 2
    return tuple(shape)


cdef list current_output_shapes(aclmdlDesc *desc, size_t count):
    """Return the shapes the outputs have with the gear that was set last."""
    cdef aclmdlIODims dims
    cdef size_t i
    cdef list shapes = []
    for i in range(count):
        check(abi.aclmdlGetCurOutputDims(desc, i, &dims), b"aclmdlGetCurOutputDims")
        shapes.append(tuple([dims.dims[j] for j in range(dims.dimCount)]))
    return shapes


cdef int set_tensor_desc(aclmdlDataset *dataset, size_t index, object desc, tuple shape) except -1:
    """Tell the real shape of an input of a dynamic-shape model."""
    cdef int64_t dims[MAX_DIMS]
    cdef int i
    cdef aclTensorDesc *tensor
    cdef aclError code
    for i in range(len(shape)):
        dims[i] = shape[i]
    tensor = abi.aclCreateTensorDesc(<aclDataType><int>desc.dtype_code, <int>len(shape), dims,
                                     <aclFormat><int>desc.format_code)
    if tensor == NULL:
        raise MemoryError("aclCreateTensorDesc gave no description")
    # The dataset keeps a copy.
    code = abi.aclmdlSetDatasetTensorDesc(dataset, tensor, index)
    try:
        check(code, b"aclmdlSetDatasetTensorDesc")
    finally:
        abi.aclDestroyTensorDesc(tensor)
    return 0


cdef tuple read_output(ContextState *context, object device, aclmdlDataset *dataset, size_t index,
                       object desc, Buffer bound):
    """Return (shape, buffer) of an output after execution.

    ``bound`` None: take over the memory that the library allocated for it.
    """
    cdef aclTensorDesc *tensor = abi.aclmdlGetDatasetTensorDesc(dataset, index)
    cdef aclDataBuffer *item = abi.aclmdlGetDatasetBuffer(dataset, index)
    cdef const DType *dtype = dtype_from_code(desc.dtype_code)
    cdef int64_t dims[MAX_DIMS]
    cdef int64_t size = 0
    cdef size_t rank = 0, i
    cdef Block *block
    if tensor != NULL:
        rank = abi.aclGetTensorDescNumDims(tensor)
        if rank > MAX_DIMS:
            raise ValueError(f"output {desc.name!r} has {rank} dimensions, at most {MAX_DIMS} are "
                             "supported")
        for i in range(rank):
            check(abi.aclGetTensorDescDimV2(tensor, i, &size), b"aclGetTensorDescDimV2")
            dims[i] = size
    shape = tuple([dims[i] for i in range(rank)]) if tensor != NULL else desc.shape
    if bound is not None:
        return shape, bound
    if abi.aclGetDataBufferAddr(item) == NULL:
        raise ValueError(f"the library allocated no memory for output {desc.name!r}")
    # From here on the memory is ours to free, with aclrtFree like all device memory.
    block = block_wrap(context, abi.aclGetDataBufferAddr(item),
                       abi.aclGetDataBufferSizeV2(item), KIND_DEVICE, NULL, NULL)
    if dtype == NULL or tensor == NULL:
        dtype = dtype_from_code(4)
        rank = 1
        dims[0] = <int64_t>block.nbytes
    return shape, buffer_from_block(block, block.address, device, <int>rank, dims, dtype)


cdef int forget(Buffer state, object request) except -1:
    """Take a request off the buffer's lists."""
    if state.readers is not None:
        state.readers = others(state.readers, request)
    if state.writers is not None:
        state.writers = others(state.writers, request)
    return 0


cdef list others(list references, object request):
    """Return the weak references that are alive and lead to another request."""
    cdef list kept = []
    for reference in references:
        target = reference()
        if target is not None and target is not request:
            kept.append(reference)
    return kept
