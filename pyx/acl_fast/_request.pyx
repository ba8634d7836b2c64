"""Requests: one execution of a model each, with its inputs and outputs."""

import weakref

cimport cython
from libc.stdint cimport uint32_t, uint64_t

from acl_fast cimport abi
from acl_fast.abi cimport aclError
from acl_fast._aipp cimport dynamic_inputs, write_params
from acl_fast._errors cimport check
from acl_fast._loaded_model cimport MODE_ASYNC, MODE_SYNC, Model
from acl_fast._loading cimport GEAR_BATCH, GEAR_DIMS, GEAR_IMAGE, GEAR_NONE
from acl_fast._lock cimport lock_briefly, unlock_briefly
from acl_fast._memory cimport Buffer, alias, empty
from acl_fast._runtime cimport (
    ContextState,
    bind,
    context_release,
    enter,
    is_dead,
)
from acl_fast._shapes cimport (
    add_data_buffer,
    current_output_shapes,
    destroy_dataset,
    expand_dims,
    forget,
    gear_shapes,
    others,
    read_output,
    set_gear_value,
    set_tensor_desc,
    update_data_buffer,
)
from acl_fast._stream cimport Stream
from acl_fast._timeline cimport QUEUEING, Timeline, Work

from acl_fast import _loaded_model
from acl_fast.errors import ClosedError, NotReadyError

# acl_fast._binding, which makes requests: what Request.inputs is made of, and the rules that memory
# must meet to be bound. It is above this module, and puts itself here.
binding = None


@cython.final
@cython.no_gc_clear
cdef class Request(Work):
    """One execution of a model: its inputs, its outputs, and whether it is running.

    Made by ``Model.create_request()``. Several requests of one model may be queued at once.
    """

    def __dealloc__(self):
        self.release()

    cdef void release(self) noexcept:
        cdef aclmdlDataset *input_set = self._input_set
        cdef aclmdlDataset *output_set = self._output_set
        cdef ContextState *context = self._context
        cdef Buffer buffer
        self._input_set = self._output_set = NULL
        self._launch_stream = NULL
        self._context = NULL
        for buffers in (self._input_buffers, self._output_buffers):
            for buffer in buffers or ():
                if buffer is not None:
                    buffer.bound -= 1
        self._input_buffers = self._output_buffers = None
        if context == NULL or is_dead():
            return
        with nogil:
            if bind(context) == 0:
                destroy_dataset(input_set)
                destroy_dataset(output_set)
            context_release(context)

    cdef int check_open(self) except -1:
        if self._context == NULL:
            raise ClosedError("the request is closed")
        return self.model.check_open()

    cdef int check_idle(self) except -1:
        """Refuse to touch memory that the device is working on, or that failed work left."""
        if self._context == NULL:
            raise ClosedError("the request is closed")
        if self.in_flight():
            raise NotReadyError("the request has not completed: synchronize its stream, or await "
                                "it, before touching its memory")
        if self._timeline is not None:
            self._timeline.check_failed(self._seq)
        return 0

    def run_async(self, Stream stream not None):
        """Queue one execution on a stream and return at once.

        The request, its model and its memory stay alive until the work is over. Returns the
        request itself, which can be awaited.

        C function: aclmdlExecuteAsync. The GIL is released. On a second stream the device waits for
        the model's work on the first. A model that ran synchronously before is loaded again once.

        Raises
        ------
        ClosedError, ValueError
            The stream is closed, or belongs to another context than the model.
        """
        self.queue(stream)
        return self

    cdef int queue(self, Stream stream) except -1:
        cdef Timeline timeline = stream._timeline
        cdef Model model = self.model
        cdef ContextState *context = self._context
        cdef uint64_t before
        cdef bint locked
        cdef aclError code
        if stream._context != context or context == NULL:
            return self.refuse(stream)
        locked = lock_briefly(model._lock)
        if not (self._plain and self._listed and self._timeline is timeline
                and model._timeline is timeline and model._loaded and model._mode == MODE_ASYNC):
            self.prepare_locked(timeline, locked)
        # The number is given after the call: whoever sees it knows that the work is in the queue.
        before = self._seq
        self._seq = <uint64_t>QUEUEING
        timeline.users += 1
        with nogil:
            code = bind(context)
            if code == 0:
                code = abi.aclmdlExecuteAsync(model._id, self._input_set, self._output_set,
                                              timeline.handle)
        timeline.users -= 1
        if code == 0:
            timeline.submitted += 1
            self._seq = timeline.submitted
        else:
            self._seq = before
        if locked:
            unlock_briefly(model._lock)
        return check(code, b"aclmdlExecuteAsync")

    cdef int refuse(self, Stream stream) except -1:
        self.check_open()
        stream.check_open()
        raise ValueError("the stream belongs to another context than the model: make both from "
                         "one device")

    cdef int prepare_locked(self, Timeline timeline, bint locked) except -1:
        try:
            self.check_open()
            self.prepare(timeline)
            if not self._listed or self._timeline is not timeline:
                timeline.enlist(self)
        except BaseException:
            if locked:
                unlock_briefly(self.model._lock)
            raise
        return 0

    cdef int prepare(self, Timeline timeline) except -1:
        """The rarer part of queueing: first use on a stream, pending copies, dynamic shapes."""
        cdef Buffer buffer
        self.check_ready()
        for buffer in self._output_buffers:
            if buffer is None:
                raise ValueError("an output of this model is allocated by the library, which only "
                                 "run() can do: set_output() gives it memory of your own")
        self.model.become_async(timeline)
        for buffer in self._input_buffers:
            buffer = buffer.state()
            if buffer.pending is not None and buffer.pending is not timeline:
                timeline.order_after(buffer.pending)
        self._plain = True
        return 0

    cdef int check_ready(self) except -1:
        """Refuse to run before dynamic inputs have their shapes."""
        if self._gear_buffer is not None and self._gear is None:
            raise ValueError(f"choose one of the model's gears first: {self.model.gears}")
        for position, picture in self._pictures.items():
            if picture is None:
                raise ValueError(f"input {self.model.inputs[position].name!r} reads pictures of "
                                 "any kind: say which with set_aipp() first")
        for desc, buffer, shape in zip(self.model.inputs, self._input_buffers, self._input_shapes):
            if buffer is None or -1 in shape:
                raise ValueError(f"input {desc.name!r} has shape {desc.shape}: give its real shape "
                                 "with set_shape() or set_input() first")
        return 0

    def run(self):
        """Execute and wait. C function: aclmdlExecute.

        Waits, with the GIL released, for other executions of the model and for queued copies into
        the inputs. Once the model has been used with ``run_async()`` it is queued on a stream of
        its own and synchronized instead, because a loaded model cannot change its way of execution.

        Returns
        -------
        Request
            This one, for chaining.
        """
        cdef Model model = self.model
        cdef Stream stream
        self.check_open()
        model._lock.acquire()
        try:
            if model._mode == MODE_ASYNC:
                stream = model.internal_stream()
                self.queue(stream)
                stream._timeline.synchronize(-1.0)
            else:
                self.execute()
        finally:
            model._lock.release()
        return self

    cdef int execute(self) except -1:
        cdef ContextState *context = self._context
        cdef uint32_t model_id
        cdef aclError code
        self.check_open()
        if not self._plain:
            self.prepare_run()
        model_id = self.model._id
        self.model._mode = MODE_SYNC
        with nogil:
            code = bind(context)
            if code == 0:
                code = abi.aclmdlExecute(model_id, self._input_set, self._output_set)
        check(code, b"aclmdlExecute")
        if not self._plain:
            self.collect_outputs()
        return 0

    cdef int prepare_run(self) except -1:
        """What a synchronous execution needs the first time, and each time if shapes vary."""
        self.check_ready()
        self.settle_inputs()
        self.drop_outputs()
        self._plain = True
        if self.model._gear_kind == GEAR_NONE:
            for desc in self.model.outputs:
                if -1 in desc.shape:
                    self._plain = False
        return 0

    cdef int settle_inputs(self) except -1:
        """Wait for queued copies into the inputs: synchronous execution follows no stream."""
        cdef Buffer buffer
        for buffer in self._input_buffers:
            buffer = buffer.state()
            if buffer.pending is not None:
                if buffer.pending_seq > buffer.pending.completed:
                    buffer.pending.synchronize(-1.0)
                buffer.pending = None
        return 0

    def bind(self, Stream stream):
        """Choose the stream of ``launch()``; None undoes it.

        Runs nothing. Orders the stream after earlier work of the model.
        """
        self.check_open()
        self._launch_stream = NULL
        self._bound = None
        if stream is None:
            return
        stream.check_open()
        if stream._context != self._context:
            raise ValueError("the stream belongs to another context than the model")
        self.model._lock.acquire()
        try:
            self.prepare(stream._timeline)
        finally:
            self.model._lock.release()
        self._bound = stream
        self._launch_stream = stream._handle

    @cython.binding(False)
    def launch(self):
        """Queue the bound execution: the bare call, for loops that count nanoseconds.

        The caller promises what ``run_async()`` sees to: request, memory and stream stay alive and
        open until the stream is synchronized, no other thread runs the model meanwhile, and
        outputs are read only after that. C function: aclmdlExecuteAsync. The GIL is released.
        """
        cdef aclError code
        with nogil:
            code = self.launch_nogil()
        if code != 0:
            self.check_open()
            if self._bound is None:
                raise ValueError("bind(stream) the request first")
            check(code, b"aclmdlExecuteAsync")

    cdef aclError launch_nogil(self) noexcept nogil:
        cdef aclError code
        if self._launch_stream == NULL:
            return abi.ACL_ERROR_INVALID_PARAM
        code = bind(self._context)
        if code != 0:
            return code
        return abi.aclmdlExecuteAsync(self.model._id, self._input_set, self._output_set,
                                      self._launch_stream)

    cdef aclError launch_on_nogil(self, Stream stream) noexcept nogil:
        cdef aclError code = bind(self._context)
        if code != 0:
            return code
        return abi.aclmdlExecuteAsync(self.model._id, self._input_set, self._output_set,
                                      stream._handle)

    cdef int fill_sets(self) except -1:
        """Create both datasets, with memory for every tensor of known size."""
        cdef Model model = self.model
        cdef Buffer buffer
        cdef size_t index
        self._input_set = abi.aclmdlCreateDataset()
        self._output_set = abi.aclmdlCreateDataset()
        if self._input_set == NULL or self._output_set == NULL:
            raise MemoryError("aclmdlCreateDataset gave no dataset")
        for _ in range(abi.aclmdlGetNumInputs(model._desc)):
            add_data_buffer(self._input_set)
        for _ in model.outputs:
            add_data_buffer(self._output_set)
        for position, hidden in dynamic_inputs(model._desc, model._id, len(model.inputs)).items():
            self._pictures[position] = None
            buffer = empty(model._context, model.device,
                           abi.aclmdlGetInputSizeByIndex(model._desc, hidden), "uint8", "device")
            update_data_buffer(self._input_set, hidden, buffer, buffer.nbytes)
            self._kept["aipp", position] = (hidden, buffer)
        if model._gear_input >= 0:
            index = <size_t>model._gear_input
            self._gear_buffer = empty(model._context, model.device,
                                      abi.aclmdlGetInputSizeByIndex(model._desc, index), "uint8",
                                      "device")
            update_data_buffer(self._input_set, index, self._gear_buffer, self._gear_buffer.nbytes)
        return 0

    cdef int set_buffer(self, bint output, Py_ssize_t index, Buffer buffer,
                        size_t nbytes) except -1:
        """Put a checked buffer (None: the library allocates) in its dataset."""
        cdef list buffers = self._output_buffers if output else self._input_buffers
        cdef Buffer old = buffers[index]
        cdef Buffer state
        kept = None if buffer is None else alias(buffer)
        update_data_buffer(self._output_set if output else self._input_set, <size_t>index, buffer,
                           nbytes)
        self._kept[output, index] = kept
        self._plain = False
        if old is not None:
            old.bound -= 1
            forget(old.state(), self)
        buffers[index] = buffer
        if buffer is not None:
            buffer.bound += 1
            state = buffer.state()
            if output:
                state.writers = [*others(state.writers or [], self), weakref.ref(self)]
            else:
                state.readers = [*others(state.readers or [], self), weakref.ref(self)]
        return 0

    def set_input(self, index, item):
        """Bind memory as an input, in place.

        Parameters
        ----------
        index : int or str
            Position or name.
        item : Buffer, media.Image, array or object with ``__dlpack__``
            dtype, shape and size of the tensor, C-contiguous, on 64 bytes; on a discrete device
            device memory. Pictures: the format and strides that the model's preprocessing reads.
            What does not fit is refused with the rule it breaks, never copied.

        Raises
        ------
        NotReadyError
            The request is in flight.
        """
        cdef Buffer buffer
        self.check_open()
        self.check_idle()
        position, buffer, shape = binding.fit(self, False, index, item)
        self.set_buffer(False, position, buffer, buffer.nbytes)
        if -1 in self.model.inputs[position].shape and self.model._gear_kind == GEAR_NONE:
            set_tensor_desc(self._input_set, <size_t>position, self.model.inputs[position], shape)
            self._input_shapes[position] = shape

    def set_output(self, index, item):
        """Bind writable memory as an output, in place; see ``set_input()``.

        None lets the library allocate it, which dynamic-shape models run with ``run()`` allow.
        """
        cdef Buffer buffer
        self.check_open()
        self.check_idle()
        position, buffer, _ = binding.fit(self, True, index, item)
        self.set_buffer(True, position, buffer, 0 if buffer is None else buffer.nbytes)

    def set_batch(self, Py_ssize_t count):
        """Choose the batch gear of the next executions. C function: aclmdlSetDynamicBatchSize."""
        self.set_gear(GEAR_BATCH, (count,))

    def set_image_size(self, Py_ssize_t height, Py_ssize_t width):
        """Choose the image gear. C function: aclmdlSetDynamicHWSize."""
        self.set_gear(GEAR_IMAGE, (height, width))

    def set_dims(self, dims):
        """Choose the dims gear. C function: aclmdlSetInputDynamicDims.

        Parameters
        ----------
        dims : sequence of int
            The dynamic dimensions of all inputs in order, or all dimensions.
        """
        self.check_open()
        self.set_gear(GEAR_DIMS, expand_dims(self.model.inputs, tuple(dims)))

    def set_aipp(self, index, params):
        """Say what an input's pictures are and what dynamic AIPP does to them, from now on.

        Gives the input their shape. C function: aclmdlSetAIPPByInputIndex.

        Parameters
        ----------
        index : int or str
            Position or name of an input that was converted with ``aipp_mode: dynamic``.
        params : AippParams or sequence of AippParams
            For all images of the batch, or one for each image of the largest batch. A model whose
            number of images has a range reads one image, or as many as there are in the sequence.
        """
        cdef Model model = self.model
        cdef Py_ssize_t position
        self.check_open()
        self.check_idle()
        position = binding.find_input(model, index)
        if position not in self._pictures:
            raise ValueError(f"input {model.inputs[position].name!r} has no dynamic AIPP: convert "
                             "the model with aipp_mode: dynamic in atc's --insert_op_conf")
        model._lock.acquire()
        try:
            enter(self._context)
            hidden = self._kept["aipp", position][0]
            self._pictures[position] = write_params(model._desc, hidden, model._id,
                                                    self._input_set, <size_t>position, params)
        finally:
            model._lock.release()
        self.shape_pictures()

    cdef int shape_pictures(self) except -1:
        """Give inputs with dynamic AIPP the shape of their pictures, of the chosen batch."""
        for position, picture in self._pictures.items():
            if picture is None:
                continue
            count, *rest = picture
            if self.model._gear_kind == GEAR_BATCH and self._gear is not None:
                count = self._gear[0]
            self._input_shapes[position] = (count, *rest)
        return 0

    cdef int set_gear(self, int kind, tuple gear) except -1:
        cdef Model model = self.model
        self.check_open()
        self.check_idle()
        if model._gear_kind != kind:
            names = _loaded_model.GEAR_NAMES
            raise ValueError(f"the model has {names[model._gear_kind] or 'no'} gears, not "
                             f"{names[kind]} gears")
        if gear not in model._gears:
            raise ValueError(f"{gear} is not a gear of the model; there are {list(model._gears)}")
        model._lock.acquire()
        try:
            enter(self._context)
            set_gear_value(kind, model._id, self._input_set, <size_t>model._gear_input, gear)
            self._input_shapes = gear_shapes(model.inputs, kind, gear, model._gears)
            self._output_shapes = current_output_shapes(model._desc, len(model.outputs))
        finally:
            model._lock.release()
        self._gear = gear
        return self.shape_pictures()

    def set_shape(self, index, shape):
        """Give the real shape of an input of a dynamic-shape model.

        C function: aclmdlSetDatasetTensorDesc. Memory that is too small is replaced by new memory
        of the request's own.

        Parameters
        ----------
        index : int or str
        shape : sequence of int
        """
        cdef Buffer buffer
        self.check_open()
        self.check_idle()
        position, shape, nbytes = binding.fit_shape(self, index, shape)
        desc = self.model.inputs[position]
        buffer = self._input_buffers[position]
        if buffer is None or buffer.nbytes < nbytes:
            buffer = empty(self._context, self.model.device, shape, desc.dtype_code, "device")
        set_tensor_desc(self._input_set, <size_t>position, desc, shape)
        self.set_buffer(False, position, buffer, nbytes)
        self._input_shapes[position] = shape

    cdef int drop_outputs(self) except -1:
        """Let the library allocate unbounded outputs anew; views keep the old memory alive."""
        cdef Py_ssize_t i
        if self.model._gear_kind == GEAR_NONE:
            for i, desc in enumerate(self.model.outputs):
                if desc.nbytes == 0 and i in self._library_allocated:
                    self.set_buffer(True, i, None, 0)
        return 0

    cdef int collect_outputs(self) except -1:
        """Take over what the library allocated, and read the real shapes."""
        cdef Py_ssize_t i
        cdef Buffer buffer
        if self.model._gear_kind != GEAR_NONE:
            return 0
        for i, desc in enumerate(self.model.outputs):
            if -1 not in desc.shape:
                continue
            shape, buffer = read_output(self._context, self.model.device, self._output_set,
                                        <size_t>i, desc, self._output_buffers[i])
            self._output_shapes[i] = shape
            if self._output_buffers[i] is None:
                self.set_buffer(True, i, buffer, buffer.nbytes)
                self._library_allocated.add(i)
        return 0

    @property
    def inputs(self):
        """Dataset of the inputs: each has ``array``, ``upload()``, ``buffer`` and ``desc``."""
        return binding.Dataset(self, False)

    @property
    def outputs(self):
        """Dataset of the outputs: each has ``array``, ``download()``, ``buffer`` and ``desc``."""
        return binding.Dataset(self, True)

    def close(self):
        """Wait for the request's work and destroy its datasets. Closing twice is harmless."""
        if self._context == NULL:
            return
        if self.in_flight():
            self._timeline.synchronize(-1.0)
        self.release()
        self._kept = None
        self._bound = None

    @property
    def is_closed(self):
        """Whether the request was closed."""
        return self._context == NULL

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __repr__(self):
        if self._context == NULL:
            return "<acl_fast.Request closed>"
        state = "in flight" if self.in_flight() else "idle"
        return f"<acl_fast.Request of {self.model!r} {state}>"
