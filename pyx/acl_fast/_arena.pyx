"""Secondary allocation: many tensors in one allocation."""

cimport cython
from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uintptr_t
from libc.stdlib cimport calloc, free

from acl_fast._atomic cimport atomic_release, atomic_retain
from acl_fast._block cimport (
    Block,
    Releaser,
    block_allocate,
    block_release,
    block_wrap,
    kind_alignment,
    kind_from_name,
    kind_name,
)
from acl_fast._memory cimport buffer_from_block
from acl_fast._runtime cimport ContextState
from acl_fast._tensor cimport MAX_DIMS, DType, dtype_from_object, element_count, parse_shape

from acl_fast.errors import ClosedError


cdef void release_state(ArenaState *state) noexcept nogil:
    if atomic_release(&state.refs) == 0:
        block_release(state.block)
        free(state)


cdef void release_part(void *owner) noexcept nogil:
    cdef ArenaState *state = <ArenaState *>owner
    atomic_release(&state.live)
    release_state(state)


@cython.final
cdef class Arena:
    """One allocation that is cut into tensors.

    Each piece starts on 64 bytes (128 for media memory) and is followed by 32 bytes of padding, as
    the device demands of pieces that are used on their own. The space is used again, from the
    start, once no piece is left.

    Attributes
    ----------
    nbytes : int
        Size of the allocation.
    device : Device
    """

    def __init__(self):
        raise TypeError("arenas are made by Device.arena()")

    def __dealloc__(self):
        cdef ArenaState *state = self.state
        self.state = NULL
        if state != NULL:
            with nogil:
                release_state(state)

    def empty(self, shape, dtype="uint8"):
        """Cut a tensor with undefined contents off the arena.

        Parameters
        ----------
        shape : int or sequence of int
        dtype : optional

        Returns
        -------
        Buffer
            Keeps the arena's memory alive.

        Raises
        ------
        MemoryError
            The arena has no room for the piece.
        """
        cdef int64_t dims[MAX_DIMS]
        cdef const DType *element = dtype_from_object(dtype)
        cdef int ndim = parse_shape(shape, dims)
        cdef size_t wanted = element_count(ndim, dims) * element.itemsize
        cdef size_t start, padded
        cdef Block *part
        self.check_open()
        if self.state.live == 0:
            self.used = 0
        start = self.aligned_start()
        # The piece proper, rounded up to 32, and 32 bytes that the device may touch beyond it.
        padded = ((wanted + 31) & ~<size_t>31) + 32
        if start > self.nbytes or padded > self.nbytes - start:
            raise MemoryError(f"the arena has {self.remaining} of {self.nbytes} bytes left; a "
                              f"piece of {wanted} bytes takes {padded} with its padding")
        part = block_wrap(self.state.block.context,
                          <char *>self.state.block.address + start, wanted,
                          self.state.block.kind, self.state, <Releaser>release_part)
        atomic_retain(&self.state.refs)
        atomic_retain(&self.state.live)
        self.used = start + padded
        return buffer_from_block(part, part.address, self.device, ndim, dims, element)

    cdef size_t aligned_start(self) noexcept:
        cdef size_t alignment = kind_alignment(self.state.block.kind)
        cdef uintptr_t base = <uintptr_t>self.state.block.address
        return ((base + self.used + alignment - 1) & ~(alignment - 1)) - base

    def check_open(self):
        """Raise ClosedError when the arena was closed."""
        if self.state == NULL:
            raise ClosedError("the arena is closed")

    @property
    def remaining(self):
        """Bytes that are not cut off yet, padding included."""
        self.check_open()
        if self.state.live == 0:
            return self.nbytes
        return self.nbytes - min(self.nbytes, self.aligned_start())

    @property
    def pieces(self):
        """Number of pieces in use, by buffers, requests or DLPack views."""
        self.check_open()
        return self.state.live

    @property
    def kind(self):
        """Kind of memory, as of ``Device.empty()``."""
        self.check_open()
        return kind_name(self.state.block.kind)

    @property
    def is_closed(self):
        """Whether the arena was closed."""
        return self.state == NULL

    def close(self):
        """Give the memory back once the last piece is gone. Closing twice is harmless."""
        cdef ArenaState *state = self.state
        self.state = NULL
        if state != NULL:
            with nogil:
                release_state(state)

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __repr__(self):
        if self.state == NULL:
            return "<acl_fast.Arena closed>"
        return (f"<acl_fast.Arena {self.remaining} of {self.nbytes} bytes left, "
                f"kind={self.kind} pieces={self.state.live}>")

    def __reduce__(self):
        raise TypeError("Arena cannot be pickled: it lives on a device")


cdef Arena create_arena(ContextState *context, object device, size_t nbytes, str kind):
    cdef Arena arena = Arena.__new__(Arena)
    cdef int code = kind_from_name(kind)
    arena.state = <ArenaState *>calloc(1, sizeof(ArenaState))
    if arena.state == NULL:
        raise MemoryError()
    arena.state.refs = 1
    try:
        arena.state.block = block_allocate(context, nbytes, code)
    except BaseException:
        free(arena.state)
        arena.state = NULL
        raise
    arena.nbytes = nbytes
    arena.device = device
    return arena
