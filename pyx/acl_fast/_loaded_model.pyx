"""Models: loaded on a device, described, and never run twice at the same time."""

cimport cython
from libc.stdint cimport uint32_t

from acl_fast cimport abi
from acl_fast._aipp cimport picture_input
from acl_fast.abi cimport aclError, aclmdlDesc
from acl_fast._errors cimport check
from acl_fast._loading cimport (
    GEAR_NONE,
    describe_inputs,
    describe_outputs,
    hidden_input,
    load,
    open_desc,
    read_gears,
)
from acl_fast._lock cimport Lock
from acl_fast._memory cimport alias
from acl_fast._runtime cimport ContextState, bind, context_release, context_retain, is_dead
from acl_fast._stream cimport Stream, create_stream
from acl_fast._timeline cimport Timeline

from acl_fast.errors import ClosedError

GEAR_NAMES = (None, "batch", "image", "dims")


@cython.final
@cython.no_gc_clear
cdef class Model:
    """A model loaded on a device.

    Made by ``Device.load_model()``. One model never runs twice at the same time: requests on one
    stream run in order, on several streams the device makes later ones wait for earlier ones. For
    true concurrency use ``replicate()``. Methods may be called from any thread.

    Attributes
    ----------
    inputs, outputs : tuple of TensorDesc
    device : Device
    """

    def __init__(self):
        raise TypeError("models are made by Device.load_model()")

    def __dealloc__(self):
        self.release()

    cdef void release(self) noexcept:
        cdef ContextState *context = self._context
        cdef uint32_t model_id = self._id
        cdef aclmdlDesc *desc = self._desc
        cdef bint loaded = self._loaded
        self._context = NULL
        self._desc = NULL
        self._loaded = False
        if context == NULL or is_dead():
            return
        with nogil:
            if bind(context) == 0:
                if desc != NULL:
                    abi.aclmdlDestroyDesc(desc)
                if loaded:
                    abi.aclmdlUnload(model_id)
            context_release(context)

    cdef int check_open(self) except -1:
        if not self._loaded:
            raise ClosedError("the model is closed")
        return 0

    cdef int wait_idle(self) except -1:
        """Wait, without the GIL, until nothing of this model is in flight."""
        cdef Timeline timeline = self._timeline
        if timeline is None:
            return 0
        timeline.poll()
        if timeline.completed < timeline.submitted:
            timeline.synchronize(-1.0)
        return 0

    cdef int become_async(self, Timeline timeline) except -1:
        """Get ready to be queued on a stream that is not the last one. Called with the lock."""
        self.check_open()
        if self._mode == MODE_SYNC:
            self.reload()
        if self._timeline is not None and self._timeline is not timeline:
            timeline.order_after(self._timeline)
        self._mode = MODE_ASYNC
        self._timeline = timeline
        return 0

    cdef int reload(self) except -1:
        """Load again: a loaded model cannot change between synchronous and queued execution."""
        cdef aclError code
        cdef uint32_t old = self._id
        self._id = load(self._context, self._source, self._workspace, self._weights)
        self._mode = MODE_UNUSED
        with nogil:
            code = abi.aclmdlUnload(old)
        return check(code, b"aclmdlUnload")

    cdef Stream internal_stream(self):
        if self._internal is None:
            self._internal = create_stream(self._context, None, 0, 0)
        return self._internal

    def create_request(self, inputs=None, outputs=None):
        """Make a request: datasets with memory of the right kind, size and alignment.

        Parameters
        ----------
        inputs, outputs : sequence, optional
            Memory to bind instead of allocating it, as for ``Request.set_input()``.

        Returns
        -------
        Request
        """
        from acl_fast import _binding  # it is above this module
        self.check_open()
        return _binding.create_request(self, inputs, outputs)

    def exclusive(self, Stream stream=None):
        """Hold the model for a block, so that input refresh and execution are one unit.

        Entering waits, without the GIL, until no other thread holds the model and nothing of it is
        in flight. Reentrant within a thread. Do not await inside the block.

        Parameters
        ----------
        stream : Stream, optional
            The stream the block will use; must belong to the model's context.

        Examples
        --------
        with model.exclusive(stream):
            request.inputs[0].array[...] = image
            request.run_async(stream)
            stream.synchronize()
        """
        self.check_open()
        if stream is not None:
            stream.check_open()
            if stream._context != self._context:
                raise ValueError("the stream belongs to another context than the model")
        cdef Exclusive block = Exclusive.__new__(Exclusive)
        block.model = self
        return block

    def replicate(self, Py_ssize_t count):
        """Load the model ``count`` more times, for concurrent use; weights may be shared.

        The file or bytes it was loaded from are read again. Blocks; the GIL is released.

        Returns
        -------
        list of Model
        """
        self.check_open()
        if count < 0:
            raise ValueError("count is not negative")
        if self._workspace is not None:
            raise ValueError("a model with caller-owned workspace cannot be replicated: each copy "
                             "needs a workspace of its own, so load it again")
        return [load_model(self._context, self.device, self._source, None, self._weights)
                for _ in range(count)]

    def close(self):
        """Wait for the model's work and unload it. C function: aclmdlUnload.

        The GIL is released. Closing twice is harmless; requests raise ClosedError afterwards.
        """
        if not self._loaded:
            return
        self._lock.acquire()
        try:
            self.wait_idle()
            self.release()
        finally:
            self._lock.release()

    def picture(self, Py_ssize_t index=0):
        """Return the picture that an input reads: format, width and height, for ``media``.

        Parameters
        ----------
        index : int
            Which input.

        Returns
        -------
        PictureInput or None
            None where the model has no static AIPP at that input, so takes tensors, or pictures
            that each execution describes.

        Raises
        ------
        IndexError
            There is no such input.

        Notes
        -----
        Does not wait. C function: aclmdlGetFirstAippInfo.
        """
        self.check_open()
        if not 0 <= index < len(self.inputs):
            raise IndexError(f"input {index}: the model has {len(self.inputs)}")
        check(bind(self._context), b"aclrtSetCurrentContext")
        return picture_input(self._id, index, self.inputs[index].shape)

    @property
    def gears(self):
        """Shapes a gear model was converted for: (kind, list of tuples), or None.

        ``kind`` is 'batch' (one value), 'image' (height, width) or 'dims' (the dimensions of all
        inputs in order).
        """
        if self._gear_kind == GEAR_NONE:
            return None
        return GEAR_NAMES[self._gear_kind], list(self._gears)

    @property
    def model_id(self):
        """The id the C interface knows the model by; it can change when the model is reloaded."""
        self.check_open()
        return self._id

    @property
    def is_closed(self):
        """Whether the model was closed."""
        return not self._loaded

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __repr__(self):
        if not self._loaded:
            return "<acl_fast.Model closed>"
        name = self._source if isinstance(self._source, str) else "memory"
        return (f"<acl_fast.Model {name} id={self._id} inputs={len(self.inputs)} "
                f"outputs={len(self.outputs)}>")

    def __reduce__(self):
        raise TypeError("Model cannot be pickled: send the path and load it in the other process")


@cython.final
cdef class Exclusive:
    """The block of ``Model.exclusive()``."""

    cdef Model model

    def __enter__(self):
        self.model._lock.acquire()
        try:
            self.model.check_open()
            self.model.wait_idle()
        except BaseException:
            self.model._lock.release()
            raise
        return self.model

    def __exit__(self, *exc_info):
        self.model._lock.release()


cdef Model load_model(ContextState *context, object device, object source, object workspace,
                      object weights):
    cdef Model model = Model.__new__(Model)
    model._lock = Lock.__new__(Lock)
    model._id = load(context, source, workspace, weights)
    model._loaded = True
    model._context = context_retain(context)
    model._source = source
    model.device = device
    if workspace is not None:
        model._workspace = alias(workspace)
    if weights is not None:
        model._weights = alias(weights)
    model._desc = open_desc(context, model._id)
    model.inputs = describe_inputs(model._desc)
    model.outputs = describe_outputs(model._desc)
    model._gear_input = hidden_input(model._desc)
    model._gear_kind, model._gears = read_gears(model._desc)
    return model
