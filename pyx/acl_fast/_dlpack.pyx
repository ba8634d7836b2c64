"""DLPack both ways: memory shared with other libraries without a copy."""

from cpython.pycapsule cimport (
    PyCapsule_GetPointer,
    PyCapsule_IsValid,
    PyCapsule_New,
    PyCapsule_SetName,
)
from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from acl_fast._block cimport (
    KIND_DEVICE,
    KIND_FOREIGN,
    Block,
    Releaser,
    block_release,
    block_retain,
    block_wrap,
    is_host_visible,
)
from acl_fast._memory cimport Buffer, buffer_from_block
from acl_fast._runtime cimport ContextState
from acl_fast._tensor cimport MAX_DIMS, DType, dtype_from_dlpack

# The structures of DLPack 1.x, from its specification.
ctypedef struct DLDevice:
    int32_t device_type
    int32_t device_id

ctypedef struct DLDataType:
    uint8_t code
    uint8_t bits
    uint16_t lanes

ctypedef struct DLTensor:
    void *data
    DLDevice device
    int32_t ndim
    DLDataType dtype
    int64_t *shape
    int64_t *strides
    uint64_t byte_offset

ctypedef struct DLManagedTensor:
    DLTensor tensor
    void *manager
    void (*deleter)(DLManagedTensor *) noexcept nogil

ctypedef struct DLManagedTensorVersioned:
    uint32_t major
    uint32_t minor
    void *manager
    void (*deleter)(DLManagedTensorVersioned *) noexcept nogil
    uint64_t flags
    DLTensor tensor

cdef enum:
    DEVICE_CPU = 1
    DEVICE_EXT = 12
    FLAG_READ_ONLY = 1
    FLAG_IS_COPIED = 2

# One allocation holds the managed tensor, its shape and its strides.
ctypedef struct Export:
    DLManagedTensor managed
    int64_t shape[MAX_DIMS]
    int64_t strides[MAX_DIMS]

ctypedef struct ExportVersioned:
    DLManagedTensorVersioned managed
    int64_t shape[MAX_DIMS]
    int64_t strides[MAX_DIMS]


# Consumers call the deleters from any thread, without the GIL, even after the interpreter is gone:
# they touch nothing but the counted allocation.
cdef void delete_export(DLManagedTensor *managed) noexcept nogil:
    block_release(<Block *>managed.manager)
    free(managed)


cdef void delete_export_versioned(DLManagedTensorVersioned *managed) noexcept nogil:
    block_release(<Block *>managed.manager)
    free(managed)


cdef void drop_capsule(object capsule) noexcept:
    # A consumer renames the capsule when it takes the tensor; only an unconsumed one is ours.
    cdef DLManagedTensor *managed
    if PyCapsule_IsValid(capsule, b"dltensor"):
        managed = <DLManagedTensor *>PyCapsule_GetPointer(capsule, b"dltensor")
        managed.deleter(managed)


cdef void drop_capsule_versioned(object capsule) noexcept:
    cdef DLManagedTensorVersioned *managed
    if PyCapsule_IsValid(capsule, b"dltensor_versioned"):
        managed = <DLManagedTensorVersioned *>PyCapsule_GetPointer(capsule, b"dltensor_versioned")
        managed.deleter(managed)


cdef int describe(Buffer buffer, DLTensor *tensor, int64_t *shape, int64_t *strides) except -1:
    cdef int i
    for i in range(buffer.ndim):
        shape[i] = buffer.dims[i]
        # Elements, where PEP 3118 counts bytes.
        strides[i] = buffer.strides[i] // <Py_ssize_t>buffer._dtype.itemsize
    tensor.data = buffer.address
    if is_host_visible(buffer.block.kind):
        tensor.device.device_type = DEVICE_CPU
    else:
        tensor.device.device_type = DEVICE_EXT
        tensor.device.device_id = buffer.block.context.device
    tensor.ndim = buffer.ndim
    tensor.dtype.code = buffer._dtype.dlpack_code
    tensor.dtype.bits = buffer._dtype.dlpack_bits
    tensor.dtype.lanes = 1
    tensor.shape = shape
    tensor.strides = strides
    return 0


def export(Buffer buffer not None, max_version, dl_device, copy):
    """Return a DLPack capsule of the buffer's memory; see ``Buffer.__dlpack__``."""
    cdef ExportVersioned *versioned
    cdef Export *legacy
    buffer.check_open()
    buffer.check_ready()
    if copy:
        raise BufferError("exporting never copies: use download() or acl_fast.copy()")
    if dl_device is not None and tuple(dl_device) != buffer.__dlpack_device__():
        raise BufferError(f"the memory is on DLPack device {buffer.__dlpack_device__()}, not on "
                          f"{tuple(dl_device)}: use download() or acl_fast.copy()")
    if max_version is not None and max_version[0] >= 1:
        versioned = <ExportVersioned *>calloc(1, sizeof(ExportVersioned))
        if versioned == NULL:
            raise MemoryError()
        describe(buffer, &versioned.managed.tensor, versioned.shape, versioned.strides)
        versioned.managed.major = 1
        versioned.managed.flags = FLAG_READ_ONLY if buffer.readonly else 0
        versioned.managed.manager = block_retain(buffer.block)
        versioned.managed.deleter = delete_export_versioned
        try:
            return PyCapsule_New(&versioned.managed, b"dltensor_versioned", drop_capsule_versioned)
        except BaseException:
            delete_export_versioned(&versioned.managed)
            raise
    if buffer.readonly:
        raise BufferError("the buffer wraps read-only memory, which only DLPack 1.0 and newer can "
                          "express")
    legacy = <Export *>calloc(1, sizeof(Export))
    if legacy == NULL:
        raise MemoryError()
    describe(buffer, &legacy.managed.tensor, legacy.shape, legacy.strides)
    legacy.managed.manager = block_retain(buffer.block)
    legacy.managed.deleter = delete_export
    try:
        return PyCapsule_New(&legacy.managed, b"dltensor", drop_capsule)
    except BaseException:
        delete_export(&legacy.managed)
        raise


cdef void release_foreign(void *owner) noexcept nogil:
    cdef DLManagedTensor *managed = <DLManagedTensor *>owner
    if managed.deleter != NULL:
        managed.deleter(managed)


cdef void release_foreign_versioned(void *owner) noexcept nogil:
    cdef DLManagedTensorVersioned *managed = <DLManagedTensorVersioned *>owner
    if managed.deleter != NULL:
        managed.deleter(managed)


cdef object request_capsule(object source):
    try:
        return source.__dlpack__(max_version=(1, 0))
    except TypeError:
        # A producer from before DLPack 1.0.
        return source.__dlpack__()


cdef Buffer import_tensor(ContextState *context, object device, object source):
    """Wrap the memory of an object with ``__dlpack__`` in place."""
    cdef DLManagedTensor *legacy
    cdef DLManagedTensorVersioned *versioned
    capsule = request_capsule(source)
    if PyCapsule_IsValid(capsule, b"dltensor_versioned"):
        versioned = <DLManagedTensorVersioned *>PyCapsule_GetPointer(capsule, b"dltensor_versioned")
        if versioned.major != 1:
            raise BufferError(f"DLPack {versioned.major}.{versioned.minor} is not understood, only "
                              "1.x is")
        return adopt(context, device, capsule, b"used_dltensor_versioned", &versioned.tensor,
                     versioned, <Releaser>release_foreign_versioned,
                     versioned.flags & FLAG_READ_ONLY)
    legacy = <DLManagedTensor *>PyCapsule_GetPointer(capsule, b"dltensor")
    return adopt(context, device, capsule, b"used_dltensor", &legacy.tensor, legacy,
                 <Releaser>release_foreign, False)


cdef bint is_contiguous(const DLTensor *tensor) noexcept:
    cdef int64_t expected = 1
    cdef int i
    if tensor.strides == NULL:
        return True
    for i in range(tensor.ndim - 1, -1, -1):
        if tensor.shape[i] > 1 and tensor.strides[i] != expected:
            return False
        expected *= tensor.shape[i]
    return True


cdef Buffer adopt(ContextState *context, object device, object capsule, const char *used_name,
                  const DLTensor *tensor, void *owner, Releaser release, bint readonly):
    """Check the tensor; only when it fits, take it out of the capsule."""
    cdef int64_t expected = 1
    cdef size_t nbytes
    cdef int i
    cdef int kind = KIND_FOREIGN
    cdef const DType *dtype = dtype_from_dlpack(tensor.dtype.code, tensor.dtype.bits)
    cdef Block *block
    cdef void *address = <char *>tensor.data + tensor.byte_offset
    if dtype == NULL or tensor.dtype.lanes != 1:
        raise TypeError(f"no tensor type has DLPack code {tensor.dtype.code} with "
                        f"{tensor.dtype.bits} bits and {tensor.dtype.lanes} lanes")
    if tensor.ndim > MAX_DIMS:
        raise BufferError(f"a tensor has at most {MAX_DIMS} dimensions, not {tensor.ndim}")
    if tensor.device.device_type == DEVICE_EXT and context != NULL:
        if tensor.device.device_id != context.device:
            raise BufferError(f"the memory is on device {tensor.device.device_id}, not "
                              f"{context.device}")
        kind = KIND_DEVICE
    elif tensor.device.device_type != DEVICE_CPU:
        raise BufferError(f"memory of DLPack device type {tensor.device.device_type} cannot be "
                          "used in place: copy it to host memory first")
    for i in range(tensor.ndim):
        expected *= tensor.shape[i]
    if expected != 0 and not is_contiguous(tensor):
        raise BufferError("the memory is not C-contiguous: make a contiguous copy first, or "
                          "upload() it")
    nbytes = <size_t>expected * dtype.itemsize
    block = block_wrap(context, address, nbytes, kind, owner, release)
    PyCapsule_SetName(capsule, used_name)
    cdef Buffer buffer = buffer_from_block(block, address, device, tensor.ndim, tensor.shape, dtype)
    buffer.readonly = readonly
    return buffer
