"""Pools of pictures: memory that comes back when its last user is gone."""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc, free, realloc

from acl_fast._arena cimport Arena
from acl_fast._atomic cimport atomic_release, atomic_retain
from acl_fast._block cimport (
    Block,
    Releaser,
    block_allocate,
    block_release,
    block_retain,
    block_wrap,
    kind_from_name,
)
from acl_fast._device cimport Context
from acl_fast._image cimport Image, checked_kind, image_over
from acl_fast._memory cimport Buffer, buffer_from_block
from acl_fast._picdesc cimport format_from_object, format_name, picture_bytes, row_bytes
from acl_fast._runtime cimport context_release, context_retain
from acl_fast._sync cimport sync_free, sync_lock, sync_new, sync_signal, sync_unlock, sync_wait
from acl_fast._tensor cimport dtype_from_code
from acl_fast._timeline cimport now, parse_timeout

from acl_fast.errors import AclTimeoutError, ClosedError

cdef enum:
    UINT8 = 4
    FIRST_CAPACITY = 16

# One picture that is out: what the releaser of its block is given.
cdef struct Loan:
    PoolState *pool
    Block *block


cdef void release_state(PoolState *state) noexcept nogil:
    if atomic_release(&state.refs) != 0:
        return
    sync_free(state.sync)
    free(state.blocks)
    free(state)


cdef void give_back(void *owner) noexcept nogil:
    """Put a picture's memory back; called by whoever drops its last reference."""
    cdef Loan *loan = <Loan *>owner
    cdef PoolState *state = loan.pool
    cdef Block *surplus = loan.block
    sync_lock(state.sync)
    if not state.closed and state.idle < state.capacity:
        state.blocks[state.idle] = surplus
        state.idle += 1
        surplus = NULL
    else:
        state.total -= 1
    sync_signal(state.sync)
    sync_unlock(state.sync)
    block_release(surplus)
    release_state(state)
    free(loan)


@cython.final
cdef class PicturePool:
    """Pictures of one size and format whose memory is used again and again.

    A picture's memory comes back when the last image, view, request or queued task that uses it
    is gone.

    Parameters
    ----------
    device : Device or Context
    width, height : int
    format : str or int
    count : int
        Pictures to allocate now; with ``exhausted='grow'`` more follow when they are needed.
    exhausted : {'block', 'raise', 'grow'}
        What ``get()`` does when all pictures are out.
    align : (int, int)
        What the width in pixels and the height are rounded up to in memory.
    kind : {'dvpp', 'himpi'}, optional
        Memory of acldvppMalloc or of hi_mpi_dvpp_malloc; by default that of the media interface
        that the device is used with.
    arena : Arena, optional
        Cut the pictures off this memory of such a kind, whose room also ends the growth.

    Attributes
    ----------
    device : Context
    width, height : int
    exhausted : str
    """

    def __init__(self, Context device not None, int width, int height, format="nv12", *,
                 int count=8, str exhausted="block", align=(16, 2), kind=None,
                 Arena arena=None):
        if self.context != NULL:
            raise TypeError("a pool is set up once")
        device.check_open()
        if exhausted not in ("block", "raise", "grow"):
            raise ValueError(f"exhausted is 'block', 'raise' or 'grow', not {exhausted!r}")
        if count < 0 or (count == 0 and exhausted != "grow"):
            raise ValueError(f"a pool of {count} pictures could give none")
        if width < 1 or height < 1 or width > 16384 or height > 16384:
            raise ValueError(f"there are no pictures of {width}x{height}")
        if arena is not None:
            if kind not in (None, arena.kind):
                raise ValueError(f"the arena has memory of kind {arena.kind!r}, not {kind!r}")
            kind = arena.kind
        self.arena = arena
        self.kind = kind_from_name(checked_kind(device, kind))
        self._format = format_from_object(format)
        if self._format in (1, 2) and (width % 2 or height % 2):
            raise ValueError(f"{format_name(self._format)} pictures have even sizes, not "
                             f"{width}x{height}")
        self.width = width
        self.height = height
        self.device = device
        self.exhausted = exhausted
        self.stride_width = max(row_bytes(self._format,
                                          <uint32_t>(-(-width // align[0]) * align[0])), 32)
        self.stride_height = <uint32_t>(-(-height // align[1]) * align[1])
        self.context = context_retain(device._state)
        self.state = <PoolState *>calloc(1, sizeof(PoolState))
        if self.state == NULL:
            raise MemoryError()
        self.state.refs = 1
        self.state.sync = sync_new()
        self.state.capacity = max(count, <int>FIRST_CAPACITY)
        self.state.blocks = <Block **>calloc(<size_t>self.state.capacity, sizeof(Block *))
        if self.state.sync == NULL or self.state.blocks == NULL:
            raise MemoryError()
        for _ in range(count):
            self.state.blocks[self.state.idle] = self.new_block()
            self.state.idle += 1
            self.state.total += 1

    def __dealloc__(self):
        self.close()
        if self.context != NULL:
            with nogil:
                context_release(self.context)
            self.context = NULL

    cdef int check_open(self) except -1:
        if self.state == NULL:
            raise ClosedError("the picture pool is closed")
        return 0

    def picture_size(self):
        """Bytes of one picture in memory."""
        return picture_bytes(self._format, self.stride_width, self.stride_height)

    def get(self, timeout=None):
        """Take a picture with undefined contents.

        Blocks, with the GIL released, while all pictures are out and the pool is to block.

        Parameters
        ----------
        timeout : float, optional
            Seconds to block; None waits for ever.

        Returns
        -------
        Image

        Raises
        ------
        AclTimeoutError
            No picture came back in time.
        MemoryError
            All pictures are out and the pool is to raise.
        """
        return self.take(parse_timeout(timeout))

    cdef Image take(self, double timeout):
        cdef Block *block
        cdef Block *inner
        cdef Loan *loan
        cdef int64_t dims[1]
        cdef Buffer buffer
        self.check_open()
        inner = self.take_block(timeout)
        loan = <Loan *>calloc(1, sizeof(Loan))
        if loan == NULL:
            raise MemoryError()
        loan.pool = self.state
        loan.block = inner
        atomic_retain(&self.state.refs)
        block = block_wrap(self.context, inner.address, inner.nbytes, self.kind, loan,
                           <Releaser>give_back)
        dims[0] = <int64_t>inner.nbytes
        buffer = buffer_from_block(block, block.address, self.device, 1, dims,
                                   dtype_from_code(UINT8))
        return image_over(buffer, self.device, self._format, <uint32_t>self.width,
                          <uint32_t>self.height, self.stride_width, self.stride_height)

    cdef Block *new_block(self) except NULL:
        cdef Buffer piece
        if self.arena is None:
            return block_allocate(self.context, self.picture_size(), self.kind)
        piece = self.arena.empty(self.picture_size())
        return block_retain(piece.block)

    cdef Block *take_block(self, double timeout) except NULL:
        """Take an idle block, or do what the pool does when there is none."""
        cdef PoolState *state = self.state
        cdef Block *block = NULL
        cdef double deadline = now() + timeout
        cdef bint waits = self.exhausted == "block"
        atomic_retain(&state.refs)
        try:
            while True:
                with nogil:
                    sync_lock(state.sync)
                    if waits and state.idle == 0 and not state.closed:
                        sync_wait(state.sync)
                    if state.idle > 0 and not state.closed:
                        state.idle -= 1
                        block = state.blocks[state.idle]
                    sync_unlock(state.sync)
                if block != NULL:
                    return block
                self.check_open()
                if self.exhausted == "grow":
                    block = self.new_block()
                    self.added()
                    return block
                if not waits:
                    raise MemoryError(f"all {state.total} pictures of the pool are in use: close "
                                      "images, or make it with exhausted='block' or 'grow'")
                PyErr_CheckSignals()
                if timeout >= 0 and now() >= deadline:
                    raise AclTimeoutError(107019, "PicturePool.get",
                                          f"all {state.total} pictures are in use")
        finally:
            release_state(state)

    def added(self):
        """Count a picture that was allocated, and make room for its return; internal."""
        cdef PoolState *state = self.state
        cdef Block **larger
        sync_lock(state.sync)
        state.total += 1
        if state.total > state.capacity:
            larger = <Block **>realloc(state.blocks, 2 * <size_t>state.capacity * sizeof(Block *))
            # Without room the picture is freed instead of kept when it comes back.
            if larger != NULL:
                state.blocks = larger
                state.capacity *= 2
        sync_unlock(state.sync)

    @property
    def format(self):
        """Name of the pixel format."""
        return format_name(self._format)

    @property
    def total(self):
        """Pictures that exist: idle and out."""
        self.check_open()
        return self.state.total

    @property
    def idle(self):
        """Pictures that can be taken without waiting."""
        self.check_open()
        return self.state.idle

    @property
    def is_closed(self):
        """Whether the pool was closed."""
        return self.state == NULL

    def close(self):
        """Free the idle pictures; those that are out stay valid. Closing twice is harmless."""
        cdef PoolState *state = self.state
        cdef Block *block
        self.state = NULL
        if state == NULL:
            return
        with nogil:
            if state.sync != NULL:
                sync_lock(state.sync)
                state.closed = 1
                sync_unlock(state.sync)
            # Nobody puts anything back from here on.
            while state.idle > 0:
                state.idle -= 1
                block = state.blocks[state.idle]
                block_release(block)
            release_state(state)

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __repr__(self):
        if self.state == NULL:
            return "<acl_fast.media.PicturePool closed>"
        return (f"<acl_fast.media.PicturePool {self.format} {self.width}x{self.height} "
                f"{self.state.idle} of {self.state.total} idle>")

    def __reduce__(self):
        raise TypeError("PicturePool cannot be pickled: it lives on a device")
