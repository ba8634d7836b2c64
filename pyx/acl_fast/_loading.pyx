"""Loading models and reading what they say of themselves."""

import errno
import os
import stat

from cpython.buffer cimport (
    Py_buffer,
    PyBUF_SIMPLE,
    PyBuffer_Release,
    PyObject_CheckBuffer,
    PyObject_GetBuffer,
)
from libc.stddef cimport size_t
from libc.stdint cimport uint32_t

from acl_fast cimport abi
from acl_fast.abi cimport (
    aclError,
    aclmdlBatch,
    aclmdlDesc,
    aclmdlHW,
    aclmdlIODims,
    aclmdlIODimsRange,
)
from acl_fast._errors cimport check
from acl_fast._memory cimport Buffer
from acl_fast._runtime cimport ContextState, enter
from acl_fast._tensor cimport TensorDesc

from acl_fast import _table

cdef enum:
    MAX_GEARS = 128

# The runtime adds these inputs (a number follows the name where there are several); users set them
# through set_batch() and its siblings, and set_aipp().
cdef tuple HIDDEN = ("ascend_mbatch_shape_data", "ascend_dynamic_aipp_data")


cdef int check_magic(bytes start, str name) except -1:
    """Refuse a model that was made for the other kind of backend, with what to do."""
    softnpu = _table.backend_info()["kind"] == "softnpu"
    if start.startswith(b"IMOD") and softnpu:
        raise ValueError(
            f"{name} was compiled for a real NPU and softnpu cannot run it: convert the ONNX model "
            "with 'acl-fast atc' and the same flags, or load the .onnx file itself"
        )
    if start.startswith(b"SOFTNPU\0") and not softnpu:
        raise ValueError(
            f"{name} was made by 'acl-fast atc' for softnpu and a real NPU cannot run it: convert "
            "the ONNX model with CANN's atc and the same flags"
        )
    if not start:
        raise ValueError(f"{name} is empty: it is not a model")
    return 0


cdef Buffer as_memory(object item, str name):
    if not isinstance(item, Buffer):
        raise TypeError(f"{name} is a Buffer of Device.empty(), not {type(item).__name__}")
    (<Buffer>item).check_open()
    return item


cdef uint32_t load(ContextState *context, object source, object workspace,
                   object weights) except? 0:
    """Load from a path or from memory; ``workspace`` and ``weights`` are Buffers or None."""
    cdef void *work = NULL
    cdef void *weight = NULL
    cdef size_t work_size = 0, weight_size = 0
    cdef bint with_mem = workspace is not None or weights is not None
    cdef Buffer memory
    if workspace is not None:
        memory = as_memory(workspace, "workspace")
        work = memory.address
        work_size = memory.nbytes
    if weights is not None:
        memory = as_memory(weights, "weights")
        weight = memory.address
        weight_size = memory.nbytes
    if PyObject_CheckBuffer(source):
        return load_memory(context, source, with_mem, work, work_size, weight, weight_size)
    return load_file(context, os.fsencode(source), with_mem, work, work_size, weight, weight_size)


cdef uint32_t load_file(ContextState *context, bytes path, bint with_mem, void *work,
                        size_t work_size, void *weight, size_t weight_size) except? 0:
    cdef uint32_t model_id = 0
    cdef const char *c_path = path
    cdef aclError code
    name = os.fsdecode(path)
    if os.path.isdir(name):
        raise IsADirectoryError(errno.EISDIR, "a model is one file, not a folder", name)
    if not stat.S_ISREG(os.stat(name).st_mode):
        raise ValueError(f"{name} is not a regular file: a model cannot be read from it")
    with open(name, "rb") as file:
        check_magic(file.read(8), name)
    enter(context)
    with nogil:
        if with_mem:
            code = abi.aclmdlLoadFromFileWithMem(c_path, &model_id, work, work_size, weight,
                                                 weight_size)
        else:
            code = abi.aclmdlLoadFromFile(c_path, &model_id)
    check(code, b"aclmdlLoadFromFileWithMem" if with_mem else b"aclmdlLoadFromFile")
    return model_id


cdef uint32_t load_memory(ContextState *context, object source, bint with_mem, void *work,
                          size_t work_size, void *weight, size_t weight_size) except? 0:
    cdef uint32_t model_id = 0
    cdef Py_buffer view
    cdef aclError code
    cdef bytes start
    PyObject_GetBuffer(source, &view, PyBUF_SIMPLE)
    try:
        start = (<char *>view.buf)[:min(view.len, 8)]
        check_magic(start, "the model in memory")
        enter(context)
        with nogil:
            if with_mem:
                code = abi.aclmdlLoadFromMemWithMem(view.buf, <size_t>view.len, &model_id, work,
                                                    work_size, weight, weight_size)
            else:
                code = abi.aclmdlLoadFromMem(view.buf, <size_t>view.len, &model_id)
        check(code, b"aclmdlLoadFromMemWithMem" if with_mem else b"aclmdlLoadFromMem")
    finally:
        PyBuffer_Release(&view)
    return model_id


cdef aclmdlDesc *open_desc(ContextState *context, uint32_t model_id) except NULL:
    cdef aclmdlDesc *desc
    cdef aclError code
    enter(context)
    desc = abi.aclmdlCreateDesc()
    if desc == NULL:
        raise MemoryError("aclmdlCreateDesc gave no description")
    with nogil:
        code = abi.aclmdlGetDesc(desc, model_id)
    try:
        check(code, b"aclmdlGetDesc")
    except BaseException:
        abi.aclmdlDestroyDesc(desc)
        raise
    return desc


cdef str text_of(const char *text):
    return "" if text == NULL else text.decode("utf-8", "replace")


cdef tuple dims_of(const aclmdlIODims *dims):
    return tuple([dims.dims[i] for i in range(min(dims.dimCount, <size_t>128))])


cdef tuple input_range(aclmdlDesc *desc, size_t index, tuple shape):
    """Smallest and largest value per dimension, None where the library does not tell."""
    cdef aclmdlIODimsRange limits
    if -1 not in shape or abi.aclmdlGetInputDimsRange(desc, index, &limits) != 0:
        return None
    return tuple([(limits.range[i][0], limits.range[i][1])
                  for i in range(min(limits.rangeCount, <size_t>128))])


cdef tuple describe_inputs(aclmdlDesc *desc):
    """Describe the inputs that the user fills, in order."""
    cdef aclmdlIODims dims
    cdef size_t i
    cdef list inputs = []
    for i in range(abi.aclmdlGetNumInputs(desc)):
        name = text_of(abi.aclmdlGetInputNameByIndex(desc, i))
        if name.startswith(HIDDEN):
            continue
        check(abi.aclmdlGetInputDims(desc, i, &dims), b"aclmdlGetInputDims")
        shape = dims_of(&dims)
        inputs.append(TensorDesc(name, shape, <int>abi.aclmdlGetInputDataType(desc, i),
                                 <int>abi.aclmdlGetInputFormat(desc, i),
                                 abi.aclmdlGetInputSizeByIndex(desc, i),
                                 input_range(desc, i, shape)))
    return tuple(inputs)


cdef tuple describe_outputs(aclmdlDesc *desc):
    """Describe the outputs, in order."""
    cdef aclmdlIODims dims
    cdef size_t i
    cdef list outputs = []
    for i in range(abi.aclmdlGetNumOutputs(desc)):
        check(abi.aclmdlGetOutputDims(desc, i, &dims), b"aclmdlGetOutputDims")
        outputs.append(TensorDesc(text_of(abi.aclmdlGetOutputNameByIndex(desc, i)),
                                  dims_of(&dims), <int>abi.aclmdlGetOutputDataType(desc, i),
                                  <int>abi.aclmdlGetOutputFormat(desc, i),
                                  abi.aclmdlGetOutputSizeByIndex(desc, i)))
    return tuple(outputs)


cdef Py_ssize_t hidden_input(aclmdlDesc *desc) noexcept:
    """Return the index of the input that carries the gear, or -1."""
    cdef size_t index = 0
    if abi.aclmdlGetInputIndexByName(desc, b"ascend_mbatch_shape_data", &index) != 0:
        return -1
    return <Py_ssize_t>index


cdef tuple read_gears(aclmdlDesc *desc):
    """Return (kind, gears): the shapes a gear model was converted for, as tuples of int."""
    cdef aclmdlBatch batch
    cdef aclmdlHW image
    cdef size_t i, count = 0
    cdef size_t any_input = <size_t>-1
    if hidden_input(desc) < 0:
        return GEAR_NONE, ()
    batch.batchCount = 0
    if abi.aclmdlGetDynamicBatch(desc, &batch) == 0 and batch.batchCount:
        return GEAR_BATCH, tuple([(batch.batch[i],) for i in range(batch.batchCount)])
    image.hwCount = 0
    if abi.aclmdlGetDynamicHW(desc, any_input, &image) == 0 and image.hwCount:
        return GEAR_IMAGE, tuple([(image.hw[i][0], image.hw[i][1]) for i in range(image.hwCount)])
    check(abi.aclmdlGetInputDynamicGearCount(desc, any_input, &count),
          b"aclmdlGetInputDynamicGearCount")
    return GEAR_DIMS, read_dims_gears(desc, any_input, count)


cdef tuple read_dims_gears(aclmdlDesc *desc, size_t any_input, size_t count):
    """Return, per gear, the dimensions of all inputs in order; static ones included."""
    cdef aclmdlIODims gears[MAX_GEARS]
    cdef size_t i
    count = min(count, <size_t>MAX_GEARS)
    check(abi.aclmdlGetInputDynamicDims(desc, any_input, gears, count),
          b"aclmdlGetInputDynamicDims")
    return tuple([dims_of(&gears[i]) for i in range(count)])
