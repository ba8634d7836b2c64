"""Tensors in memory that the device can use."""

cimport cython
from cpython.buffer cimport (
    Py_buffer,
    PyBUF_F_CONTIGUOUS,
    PyBUF_FORMAT,
    PyBUF_ND,
    PyBUF_STRIDES,
    PyBUF_WRITABLE,
    PyBuffer_IsContiguous,
    PyBuffer_Release,
    PyObject_CheckBuffer,
    PyObject_GetBuffer,
)
from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uintptr_t
from libc.string cimport memset

from acl_fast cimport abi
from acl_fast.abi cimport aclError
from acl_fast._block cimport (
    KIND_CACHED,
    KIND_FOREIGN,
    Block,
    block_allocate,
    block_from_view,
    block_release,
    block_retain,
    is_host_visible,
    kind_from_name,
    kind_name,
)
from acl_fast._errors cimport check
from acl_fast._runtime cimport ContextState, enter
from acl_fast._stream cimport Stream
from acl_fast._timeline cimport Timeline, Work
from acl_fast._tensor cimport (
    MAX_DIMS,
    DType,
    dtype_from_code,
    dtype_from_format,
    dtype_from_object,
    element_count,
    numpy_dtype,
    parse_shape,
    raw_bits,
)
from acl_fast._transfer cimport Place, copy_async, copy_now

from acl_fast import _strict
from acl_fast.errors import ClosedError, NotReadyError


@cython.final
cdef class Buffer:
    """A C-contiguous tensor in device, pinned or media memory.

    Made by ``Device.empty()``, ``Arena.empty()``, ``acl_fast.from_dlpack()`` and
    ``acl_fast.from_buffer()``. Where the host can read the memory, a buffer supports the buffer
    protocol (typed memoryviews, ``memoryview``, ``numpy.asarray``) without a copy.

    Attributes
    ----------
    nbytes : int
    device : Device
    """

    def __cinit__(self):
        # Never NULL, so that even an object nobody has set up can be asked for its type.
        self._dtype = dtype_from_code(4)

    def __init__(self):
        raise TypeError("buffers are made by Device.empty(), Arena.empty(), from_dlpack() and "
                        "from_buffer()")

    def __dealloc__(self):
        cdef Block *block = self.block
        self.block = NULL
        if block != NULL:
            with nogil:
                block_release(block)

    cdef int check_open(self) except -1:
        if self.block == NULL:
            raise ClosedError("the buffer is closed")
        return 0

    cdef Buffer state(self):
        """Return the buffer that knows about work on this memory."""
        return self if self.root is None else self.root

    cdef int mark_pending(self, Timeline timeline) except -1:
        """Note that the newest work of a stream writes here."""
        cdef Buffer state = self.state()
        cdef Work reader
        state.pending = timeline
        state.pending_seq = timeline.submitted
        for reference in state.readers or ():
            reader = reference()
            if reader is not None:
                reader._plain = False
        return 0

    cdef int check_ready(self) except -1:
        """Refuse access while the device may still write here."""
        cdef Buffer state = self.state()
        cdef Timeline pending = state.pending
        cdef Work writer
        if pending is not None:
            if state.pending_seq > pending.completed:
                pending.poll()
            if state.pending_seq > pending.completed:
                raise NotReadyError("a copy into this buffer has not completed: synchronize its "
                                    "stream first")
            pending.check_failed(state.pending_seq)
            state.pending = None
        for reference in state.writers or ():
            writer = reference()
            if writer is not None and writer.in_flight():
                raise NotReadyError("the request that writes this buffer has not completed: "
                                    "synchronize its stream or await it first")
        return 0

    cdef int check_host(self) except -1:
        if not is_host_visible(self.block.kind):
            raise BufferError(
                f"{kind_name(self.block.kind)} memory is not readable by the host on this device: "
                "use upload() and download(), or memory of kind 'host'"
            )
        return 0

    cdef void set_shape(self, int ndim, const int64_t *dims, const DType *dtype) noexcept:
        cdef Py_ssize_t stride = <Py_ssize_t>dtype.itemsize
        cdef int i
        self.ndim = ndim
        self._dtype = dtype
        for i in range(ndim - 1, -1, -1):
            self.dims[i] = dims[i]
            self.strides[i] = stride
            stride *= dims[i]
        self.nbytes = dtype.itemsize
        for i in range(ndim):
            self.nbytes *= <size_t>dims[i]

    cdef Place place(self) except *:
        cdef Place place
        place.address = self.address
        place.nbytes = self.nbytes
        place.on_device = not is_host_visible(self.block.kind)
        place.pageable = self.block.kind == KIND_FOREIGN
        return place

    def __getbuffer__(self, Py_buffer *view, int flags):
        self.check_open()
        self.check_host()
        self.check_ready()
        if self.readonly and flags & PyBUF_WRITABLE == PyBUF_WRITABLE:
            raise BufferError("the buffer wraps read-only memory")
        if flags & PyBUF_F_CONTIGUOUS == PyBUF_F_CONTIGUOUS and self.ndim > 1:
            raise BufferError("the buffer is C-contiguous, not Fortran-contiguous")
        view.buf = self.address
        view.obj = self
        view.len = <Py_ssize_t>self.nbytes
        view.readonly = self.readonly
        view.itemsize = <Py_ssize_t>self._dtype.itemsize
        view.format = <char *>self._dtype.format if flags & PyBUF_FORMAT else NULL
        view.ndim = self.ndim
        view.shape = self.dims if flags & PyBUF_ND else NULL
        view.strides = self.strides if flags & PyBUF_STRIDES == PyBUF_STRIDES else NULL
        view.suboffsets = NULL
        view.internal = NULL
        self.exports += 1

    def __releasebuffer__(self, Py_buffer *view):
        self.exports -= 1

    @property
    def array(self):
        """numpy array that aliases the memory; bfloat16 needs ml_dtypes (raw uint16 without).

        Raises
        ------
        BufferError
            The memory is not readable by the host (discrete devices).
        NotReadyError
            Work that writes the memory has not completed.
        """
        import numpy
        return numpy.asarray(memoryview(self)).view(numpy_dtype(self._dtype))

    def upload(self, source, Stream stream=None):
        """Copy ``source`` into this buffer.

        Without a stream the copy is done when the call returns. With one it is queued: pageable
        sources are first copied to pinned memory, pinned buffers are read when the copy runs.
        C functions: aclrtMemcpy, aclrtMemcpyAsync. The GIL is released.

        Parameters
        ----------
        source : Buffer or array_like
            Same dtype and number of elements. A source that is not C-contiguous is copied once
            more, with a CopyWarning.
        stream : Stream, optional
        """
        self.check_open()
        if self.readonly:
            raise BufferError("the buffer wraps read-only memory")
        cdef Buffer src = as_source(source, self)
        if src._dtype != self._dtype:
            raise TypeError(f"the source has dtype {src._dtype.name.decode()}, the buffer "
                            f"{self._dtype.name.decode()}: convert it with .astype()")
        transfer(self, src, stream)

    def download(self, out=None, Stream stream=None):
        """Copy this buffer to the host.

        C functions: aclrtMemcpy, aclrtMemcpyAsync. The GIL is released.

        Parameters
        ----------
        out : Buffer or writable array, optional
            Same dtype and number of elements; a new numpy array by default.
        stream : Stream, optional
            Queue the copy there. ``out`` must be a Buffer then, which refuses to be read before
            the copy is done.

        Returns
        -------
        numpy.ndarray or Buffer
            ``out``, or the new array.
        """
        cdef Buffer dst
        self.check_open()
        if out is None:
            if stream is not None:
                raise ValueError("with a stream, give a Buffer of kind 'host' as out")
            import numpy
            out = numpy.empty(self.shape, self.dtype)
        if isinstance(out, Buffer):
            dst = out
            dst.check_open()
        else:
            if stream is not None:
                raise TypeError("with a stream, out must be a Buffer: an array could be read "
                                "before the copy is done")
            dst = from_host(NULL, self.device, out, True)
        if dst._dtype != self._dtype:
            raise TypeError(f"out has dtype {dst._dtype.name.decode()}, the buffer "
                            f"{self._dtype.name.decode()}")
        transfer(dst, self, stream)
        return out

    def fill_bytes(self, Py_ssize_t value=0, Stream stream=None):
        """Set every byte. C functions: aclrtMemset, aclrtMemsetAsync. The GIL is released.

        Parameters
        ----------
        value : int
            0 to 255.
        stream : Stream, optional
        """
        cdef aclError code
        self.check_open()
        if not 0 <= value <= 255:
            raise ValueError(f"{value} does not fit a byte")
        if self.nbytes == 0:
            return
        if stream is not None:
            stream.check_open()
            enter(stream._context)
            stream._timeline.users += 1
            with nogil:
                code = abi.aclrtMemsetAsync(self.address, self.nbytes, <int>value, self.nbytes,
                                            stream._handle)
            stream._timeline.users -= 1
            check(code, b"aclrtMemsetAsync")
            stream._timeline.hold(self)
            self.mark_pending(stream._timeline)
            return
        self.check_ready()
        if self.block.kind == KIND_FOREIGN:
            memset(self.address, <int>value, self.nbytes)
            return
        enter(self.block.context)
        with nogil:
            code = abi.aclrtMemset(self.address, self.nbytes, <int>value, self.nbytes)
        check(code, b"aclrtMemset")

    def view(self, shape=None, dtype=None):
        """Return a buffer over the same memory with another shape or dtype, without a copy.

        Parameters
        ----------
        shape : int or sequence of int, optional
            At most as many bytes as this buffer; by default this shape, or, with ``dtype``, one
            dimension with all bytes.
        dtype : optional
        """
        cdef int64_t dims[MAX_DIMS]
        cdef const DType *element = self._dtype
        cdef int ndim
        cdef Buffer other
        self.check_open()
        if dtype is not None:
            element = dtype_from_object(dtype)
            if shape is None and element != self._dtype:
                shape = (self.nbytes // element.itemsize,)
        ndim = parse_shape(self.shape if shape is None else shape, dims)
        if element_count(ndim, dims) * element.itemsize > self.nbytes:
            raise ValueError(f"shape {shape} needs more than the {self.nbytes} bytes of the buffer")
        other = buffer_from_block(block_retain(self.block), self.address, self.device, ndim, dims,
                                  element)
        other.readonly = self.readonly
        other.root = self.state()
        return other

    def resize(self, shape, dtype=None):
        """Change the shape; allocate anew, with undefined contents, when it does not fit.

        Raises
        ------
        BufferError
            A host view of the memory exists, or a request uses it.
        """
        cdef int64_t dims[MAX_DIMS]
        cdef const DType *element = self._dtype
        cdef int ndim
        cdef Block *old
        cdef size_t needed
        self.check_open()
        if dtype is not None:
            element = dtype_from_object(dtype)
        ndim = parse_shape(shape, dims)
        self.check_unused("resized")
        needed = element_count(ndim, dims) * element.itemsize
        if needed > self.block.nbytes - (<char *>self.address - <char *>self.block.address):
            old = self.block
            if old.kind == KIND_FOREIGN or old.release_owner != NULL:
                raise BufferError("memory that belongs to somebody else cannot grow")
            self.block = block_allocate(old.context, needed, old.kind)
            self.address = self.block.address
            with nogil:
                block_release(old)
        self.set_shape(ndim, dims, element)

    def flush(self):
        """Write the CPU's cache back to memory of kind 'cached'. C function: aclrtMemFlush."""
        cdef aclError code
        if self.has_cache():
            with nogil:
                code = abi.aclrtMemFlush(self.address, self.nbytes)
            check(code, b"aclrtMemFlush")

    def invalidate(self):
        """Drop the CPU's cache of memory of kind 'cached'. C function: aclrtMemInvalidate."""
        cdef aclError code
        if self.has_cache():
            with nogil:
                code = abi.aclrtMemInvalidate(self.address, self.nbytes)
            check(code, b"aclrtMemInvalidate")

    cdef bint has_cache(self) except -1:
        self.check_open()
        if self.block.kind != KIND_CACHED or self.nbytes == 0:
            return False
        enter(self.block.context)
        return True

    def check_unused(self, str action):
        """Raise BufferError when the memory cannot be ``action`` because somebody uses it."""
        if self.exports:
            raise BufferError(f"a buffer with {self.exports} live host view(s) cannot be {action}: "
                              "delete the arrays and memoryviews first")
        if self.bound and action != "closed":
            raise BufferError(f"a buffer that is bound to a request cannot be {action}")

    def close(self):
        """Give the memory back. Requests and DLPack views that use it keep it alive.

        The GIL is released. Closing twice is harmless.

        Raises
        ------
        BufferError
            A numpy array or memoryview of the memory exists.
        """
        cdef Block *block = self.block
        if block == NULL:
            return
        self.check_unused("closed")
        self.check_ready()
        self.block = NULL
        self.address = NULL
        with nogil:
            block_release(block)

    @property
    def is_closed(self):
        """Whether the buffer was closed."""
        return self.block == NULL

    @property
    def shape(self):
        return tuple([self.dims[i] for i in range(self.ndim)])

    @property
    def dtype(self):
        """Element type as numpy.dtype (bfloat16: ml_dtypes, or uint16 without it)."""
        return numpy_dtype(self._dtype)

    @property
    def dtype_code(self):
        """Element type as aclDataType value."""
        return self._dtype.code

    @property
    def kind(self):
        """'device', 'host', 'cached', 'dvpp', 'himpi', or 'foreign' for wrapped host memory."""
        self.check_open()
        return kind_name(self.block.kind)

    @property
    def address_int(self):
        """The address as an integer, for other libraries; the host may not be able to read it."""
        self.check_open()
        return <uintptr_t>self.address

    @property
    def is_host_visible(self):
        """Whether the host can read the memory in place."""
        self.check_open()
        return is_host_visible(self.block.kind)

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        """Export as DLPack capsule; the view stays valid after this buffer is closed.

        Parameters
        ----------
        stream : optional
            Ignored: work that writes the buffer must be complete.
        max_version : tuple of (int, int), optional
            From major version 1 the capsule is a versioned one.
        dl_device : tuple of (int, int), optional
        copy : bool, optional
            True is refused: exporting never copies.
        """
        from acl_fast import _dlpack
        return _dlpack.export(self, max_version, dl_device, copy)

    def __dlpack_device__(self):
        """(1, 0) where the host can read the memory, else (12, device id): kDLExtDev."""
        self.check_open()
        if is_host_visible(self.block.kind):
            return (1, 0)
        return (12, self.block.context.device)

    def __len__(self):
        if self.ndim == 0:
            raise TypeError("a buffer without dimensions has no length")
        return self.dims[0]

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __repr__(self):
        if self.block == NULL:
            return "<acl_fast.Buffer closed>"
        return (f"<acl_fast.Buffer shape={self.shape} dtype={self._dtype.name.decode()} "
                f"kind={kind_name(self.block.kind)} address={<uintptr_t>self.address:#x}>")

    def __reduce__(self):
        raise TypeError("Buffer cannot be pickled: pickle buffer.download()")


cdef Buffer buffer_from_block(Block *block, void *address, object device, int ndim,
                              const int64_t *dims, const DType *dtype):
    """Make a buffer that takes over one reference to ``block``."""
    cdef Buffer buffer = Buffer.__new__(Buffer)
    buffer.block = block
    buffer.address = address
    buffer.device = device
    buffer.set_shape(ndim, dims, dtype)
    return buffer


cdef Buffer empty(ContextState *context, object device, object shape, object dtype, str kind):
    cdef int64_t dims[MAX_DIMS]
    cdef const DType *element = dtype_from_object(dtype)
    cdef int code = kind_from_name(kind)
    cdef int ndim = parse_shape(shape, dims)
    cdef Block *block = block_allocate(context, element_count(ndim, dims) * element.itemsize, code)
    return buffer_from_block(block, block.address, device, ndim, dims, element)


cdef Buffer from_host(ContextState *context, object device, object item, bint writable):
    """Wrap host memory in place; ``context`` NULL: only to copy from or to."""
    cdef Py_buffer view
    cdef const DType *dtype
    cdef Block *block
    cdef Buffer buffer
    cdef int64_t dims[MAX_DIMS]
    cdef int i
    item, name = raw_bits(item)
    if not PyObject_CheckBuffer(item):
        raise TypeError(f"{type(item).__name__} has no memory to share: give a Buffer, a numpy "
                        "array or another object with the buffer protocol")
    PyObject_GetBuffer(item, &view, PyBUF_FORMAT | PyBUF_STRIDES)
    try:
        if writable and view.readonly:
            raise BufferError("the memory is read-only and the device would write to it")
        if not PyBuffer_IsContiguous(&view, c"C"):
            raise BufferError("the memory is not C-contiguous: pass numpy.ascontiguousarray(x), "
                              "or upload() it")
        if view.ndim > MAX_DIMS:
            raise BufferError(f"a tensor has at most {MAX_DIMS} dimensions, not {view.ndim}")
        dtype = dtype_from_format(view.format, <size_t>view.itemsize)
        if name is not None:
            dtype = dtype_from_object(name)
        if dtype == NULL:
            raise TypeError(f"elements of format {view.format.decode()!r} fit no tensor type")
        for i in range(view.ndim):
            dims[i] = view.shape[i]
        block = block_from_view(context, &view)
    except BaseException:
        PyBuffer_Release(&view)
        raise
    buffer = buffer_from_block(block, block.address, device, view.ndim, dims, dtype)
    buffer.readonly = view.readonly
    return buffer


cdef Buffer as_source(object source, Buffer like):
    """Return ``source`` as a buffer to copy from."""
    if isinstance(source, Buffer):
        (<Buffer>source).check_open()
        return source
    import numpy
    if not PyObject_CheckBuffer(source) and not hasattr(source, "__array__"):
        source = numpy.asarray(source, dtype=like.dtype)
    array = numpy.asarray(source)
    if not array.flags.c_contiguous:
        _strict.copied(array.nbytes, "upload() of an array that is not C-contiguous")
        array = numpy.ascontiguousarray(array)
    return from_host(NULL, None, array, False)


cdef int transfer(Buffer dst, Buffer src, Stream stream) except -1:
    """Copy between two buffers of one size, now or on a stream."""
    cdef ContextState *context
    if src.nbytes != dst.nbytes:
        raise ValueError(f"the source has {src.nbytes} bytes (shape {src.shape}), the destination "
                         f"{dst.nbytes} (shape {dst.shape})")
    if stream is None:
        src.check_ready()
        dst.check_ready()
        context = context_of(dst)
        if context == NULL:
            context = context_of(src)
        return copy_now(context, dst.place(), src.place(), src.nbytes)
    stream.check_open()
    order_stream(stream, src)
    order_stream(stream, dst)
    # Private aliases: the memory stays even if the caller closes the buffers.
    copy_async(stream, dst.place(), src.place(), src.nbytes, (alias(dst), alias(src)))
    return dst.mark_pending(stream._timeline)


cdef int order_stream(Stream stream, Buffer buffer) except -1:
    """Let the stream wait for the work of other streams that writes the buffer."""
    cdef Buffer state = buffer.state()
    cdef Work writer
    if state.pending is not None:
        stream._timeline.order_after(state.pending)
    for reference in state.writers or ():
        writer = reference()
        if writer is not None and writer.in_flight():
            stream._timeline.order_after(writer._timeline)
    return 0


cdef ContextState *context_of(Buffer buffer):
    return buffer.block.context if buffer.block != NULL else NULL


cdef Buffer alias(Buffer buffer):
    """Return another owner of the same memory, which outlives ``buffer.close()``."""
    cdef Buffer other = Buffer.__new__(Buffer)
    buffer.check_open()
    other.block = block_retain(buffer.block)
    other.address = buffer.address
    other.nbytes = buffer.nbytes
    other._dtype = buffer._dtype
    other.readonly = buffer.readonly
    return other
