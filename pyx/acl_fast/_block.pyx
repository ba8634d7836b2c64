"""Allocations: plain C, reference counted, freed from any thread without the GIL."""

from cpython.buffer cimport Py_buffer, PyBuffer_Release
from libc.stddef cimport size_t
from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free, malloc

from acl_fast cimport abi
from acl_fast.abi cimport aclError, aclrtMemMallocPolicy
from acl_fast._atomic cimport atomic_release, atomic_retain
from acl_fast._errors cimport raise_error
from acl_fast._runtime cimport (
    ContextState,
    bind,
    context_release,
    context_retain,
    enter,
    enter_python,
    is_dead,
    is_unified,
    leave_python,
)

cdef enum:
    HIMPI_NOT_READY = -1610448880  # 0xA0028010

cdef tuple KIND_NAMES = ("device", "host", "cached", "dvpp", "himpi", "foreign")


cdef int kind_from_name(str name) except -1:
    if name in KIND_NAMES[:5]:
        return KIND_NAMES.index(name)
    raise ValueError(f"kind is one of {', '.join(KIND_NAMES[:5])}, not {name!r}")


cdef str kind_name(int kind):
    return KIND_NAMES[kind]


cdef size_t kind_alignment(int kind) noexcept nogil:
    return 128 if kind == KIND_DVPP or kind == KIND_HIMPI else 64


cdef bint is_host_visible(int kind) except -1:
    return kind == KIND_HOST or kind == KIND_FOREIGN or is_unified()


cdef aclError allocate_himpi(uint32_t device, size_t nbytes, void **address,
                             const char **function) noexcept nogil:
    cdef aclError code
    function[0] = b"hi_mpi_dvpp_malloc"
    code = <aclError>abi.hi_mpi_dvpp_malloc(device, address, nbytes)
    if code != HIMPI_NOT_READY:
        return code
    # The first use of the media interface, which has an init of its own.
    function[0] = b"hi_mpi_sys_init"
    code = <aclError>abi.hi_mpi_sys_init()
    if code != 0:
        return code
    function[0] = b"hi_mpi_dvpp_malloc"
    return <aclError>abi.hi_mpi_dvpp_malloc(device, address, nbytes)


cdef aclError allocate(int kind, int device, size_t nbytes, void **address,
                       const char **function) noexcept nogil:
    if kind == KIND_HOST:
        function[0] = b"aclrtMallocHost"
        return abi.aclrtMallocHost(address, nbytes)
    if kind == KIND_CACHED:
        function[0] = b"aclrtMallocCached"
        return abi.aclrtMallocCached(address, nbytes, <aclrtMemMallocPolicy>0)
    if kind == KIND_DVPP:
        function[0] = b"acldvppMalloc"
        return abi.acldvppMalloc(address, nbytes)
    if kind == KIND_HIMPI:
        return allocate_himpi(<uint32_t>device, nbytes, address, function)
    function[0] = b"aclrtMalloc"
    return abi.aclrtMalloc(address, nbytes, <aclrtMemMallocPolicy>0)


cdef void deallocate(int kind, void *address) noexcept nogil:
    if kind == KIND_HOST:
        abi.aclrtFreeHost(address)
    elif kind == KIND_DVPP:
        abi.acldvppFree(address)
    elif kind == KIND_HIMPI:
        abi.hi_mpi_dvpp_free(address)
    else:
        abi.aclrtFree(address)


cdef Block *block_allocate(ContextState *context, size_t nbytes, int kind) except NULL:
    """Allocate memory of a kind; at least one byte, so that empty tensors have an address."""
    cdef Block *block = <Block *>calloc(1, sizeof(Block))
    cdef const char *function = NULL
    cdef aclError code
    if block == NULL:
        raise MemoryError()
    block.refs = 1
    block.kind = kind
    block.nbytes = nbytes
    try:
        enter(context)
        with nogil:
            code = allocate(kind, context.device, nbytes if nbytes else 1, &block.address,
                            &function)
        if code != 0:
            raise_error(code, function)
    except BaseException:
        free(block)
        raise
    block.context = context_retain(context)
    return block


cdef Block *block_wrap(ContextState *context, void *address, size_t nbytes, int kind,
                       void *owner, Releaser release_owner) except NULL:
    """Describe memory that ``release_owner(owner)`` gives back; without it, by its kind."""
    cdef Block *block = <Block *>calloc(1, sizeof(Block))
    if block == NULL:
        raise MemoryError()
    block.refs = 1
    block.kind = kind
    block.address = address
    block.nbytes = nbytes
    block.owner = owner
    block.release_owner = release_owner
    if context != NULL:
        block.context = context_retain(context)
    return block


cdef void release_view(void *owner) noexcept nogil:
    if not enter_python():
        return
    with gil:
        PyBuffer_Release(<Py_buffer *>owner)
    leave_python()
    free(owner)


cdef Block *block_from_view(ContextState *context, const Py_buffer *view) except NULL:
    """Take over a Py_buffer; it is released, with the GIL, when the block is not used any more."""
    cdef Py_buffer *owned = <Py_buffer *>malloc(sizeof(Py_buffer))
    cdef Block *block
    if owned == NULL:
        raise MemoryError()
    owned[0] = view[0]
    try:
        block = block_wrap(context, owned.buf, <size_t>owned.len, KIND_FOREIGN, owned,
                           <Releaser>release_view)
    except BaseException:
        free(owned)
        raise
    return block


cdef Block *block_retain(Block *block) noexcept nogil:
    atomic_retain(&block.refs)
    return block


cdef void block_release(Block *block) noexcept nogil:
    # Freeing may wait for the device: call it without the GIL.
    if block == NULL or is_dead() or atomic_release(&block.refs) != 0:
        return
    if block.release_owner != NULL:
        block.release_owner(block.owner)
    elif block.context != NULL and bind(block.context) == 0:
        deallocate(block.kind, block.address)
    context_release(block.context)
    free(block)
