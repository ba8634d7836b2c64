"""The inputs and outputs of a request, and the rules that memory must meet to be one."""

import operator
import sys

cimport cython
from libc.stdint cimport uintptr_t

from acl_fast._block cimport KIND_FOREIGN, KIND_HOST, kind_name
from acl_fast._dlpack cimport import_tensor
from acl_fast._memory cimport Buffer, from_host
from acl_fast._loaded_model cimport Model
from acl_fast._request cimport Request
from acl_fast._runtime cimport context_retain, enter, is_unified
from acl_fast._shapes cimport allocate_tensor
from acl_fast._stream cimport Stream
from acl_fast._tensor cimport TensorDesc

from acl_fast import _request
from acl_fast.errors import NotReadyError


@cython.final
cdef class TensorBinding:
    """One input or output of a request.

    Attributes
    ----------
    request : Request
    index : int
    """

    def __init__(self):
        raise TypeError("use Request.inputs and Request.outputs")

    cdef Buffer current(self):
        """Return the memory with the current shape; refuse while the request is in flight."""
        cdef Buffer buffer
        self.request.check_idle()
        buffer = self.buffer
        if buffer is None:
            raise NotReadyError("the library allocates this tensor when the request runs" if
                                self.output else "set_shape() or set_input() gives it memory")
        shape = self.shape
        if -1 in shape:
            raise NotReadyError(f"the shape {shape} is not known yet: choose a gear, or run the "
                                "request")
        if shape == buffer.shape:
            return buffer
        return buffer.view(shape, self.desc.dtype)

    @property
    def desc(self):
        """TensorDesc of the model."""
        model = self.request.model
        return (model.outputs if self.output else model.inputs)[self.index]

    @property
    def name(self):
        """Name of the tensor."""
        return self.desc.name

    @property
    def shape(self):
        """Current shape: of the chosen gear, or of the last run; -1 where still unknown."""
        request = self.request
        return (request._output_shapes if self.output else request._input_shapes)[self.index]

    @property
    def dtype(self):
        """Element type as numpy.dtype."""
        return self.desc.dtype

    @property
    def buffer(self):
        """The Buffer that is bound; None before the library has allocated it."""
        self.request.check_open()
        request = self.request
        return (request._output_buffers if self.output else request._input_buffers)[self.index]

    @property
    def array(self):
        """numpy array that aliases the memory.

        Raises
        ------
        NotReadyError
            The request is in flight.
        BufferError
            The memory is not readable by the host (discrete devices): use upload() and download().
        """
        return self.current().array

    def upload(self, source, Stream stream=None):
        """Copy ``source`` into the memory; see ``Buffer.upload()``.

        Shapes may differ as long as dtype and number of elements agree. With a stream the copy is
        queued, also behind an execution in flight on the same stream.
        """
        if stream is None:
            return self.current().upload(source)
        self.request.check_open()
        buffer = self.buffer
        if buffer is None:
            raise NotReadyError("set_shape() or set_input() gives it memory first")
        if self.request.in_flight():
            stream._timeline.order_after(self.request._timeline)
        buffer.view(self.shape, self.desc.dtype).upload(source, stream)

    def download(self, out=None, Stream stream=None):
        """Copy the memory to the host; see ``Buffer.download()``.

        With a stream the copy is queued behind the execution; otherwise the request must have
        completed.
        """
        if stream is None:
            return self.current().download(out)
        self.request.check_open()
        return self.buffer.view(self.shape, self.desc.dtype).download(out, stream)

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        """See ``Buffer.__dlpack__()``."""
        return self.current().__dlpack__(stream=stream, max_version=max_version,
                                         dl_device=dl_device, copy=copy)

    def __dlpack_device__(self):
        """See ``Buffer.__dlpack_device__()``."""
        return self.buffer.__dlpack_device__()

    def __repr__(self):
        side = "output" if self.output else "input"
        return (f"<acl_fast.TensorBinding {side} {self.index} {self.name!r} shape={self.shape} "
                f"dtype={self.dtype}>")


@cython.final
cdef class Dataset:
    """The inputs, or the outputs, of a request. Stands for the C object aclmdlDataset.

    Holds one data buffer per tensor, in the order of the model's tensors: ``len()`` is their
    number, ``dataset[0]``, ``dataset[-1]`` and ``dataset["images"]`` give the TensorBinding of one,
    and iteration gives all. Made by ``Request.inputs`` and ``Request.outputs``; lives as long as
    the request.
    """

    def __init__(self, Request request not None, bint output):
        self.request = request
        self.output = output

    def __len__(self):
        return len(self.request.model.outputs if self.output else self.request.model.inputs)

    def __getitem__(self, index):
        cdef TensorBinding item = TensorBinding.__new__(TensorBinding)
        item.index = find(self.request.model, self.output, index)
        item.request = self.request
        item.output = self.output
        return item

    def __iter__(self):
        return iter([self[index] for index in range(len(self))])

    @property
    def handle(self):
        """Address of the aclmdlDataset as int, for code that calls the C interface itself.

        Valid until the request is closed. The input of a model with gears that the runtime adds
        (``ascend_mbatch_shape_data``) is a data buffer of it that ``len()`` does not count.

        Raises
        ------
        ClosedError
            The request or its model is closed.
        """
        self.request.check_open()
        return <uintptr_t>(self.request._output_set if self.output else self.request._input_set)

    def __repr__(self):
        return repr(list(self))


cdef Py_ssize_t find(Model model, bint output, object index) except -1:
    """Return the position of a tensor given by position or name."""
    cdef tuple descs = model.outputs if output else model.inputs
    cdef Py_ssize_t position
    if isinstance(index, str):
        names = [desc.name for desc in descs]
        if index in names:
            return names.index(index)
        side = "output" if output else "input"
        raise KeyError(f"no {side} is named {index!r}; there are {names}")
    position = index
    if position < 0:
        position += len(descs)
    if not 0 <= position < len(descs):
        raise IndexError(f"there are {len(descs)} {'outputs' if output else 'inputs'}, no number "
                         f"{index}")
    return position


def fit(Request request not None, bint output, index, item):
    """Check memory against a tensor; return (position, Buffer, shape).

    Raises
    ------
    TypeError, ValueError, BufferError
        The rule that the memory breaks, and what would fit.
    """
    cdef Model model = request.model
    cdef Py_ssize_t position = find(model, output, index)
    cdef TensorDesc desc = (model.outputs if output else model.inputs)[position]
    cdef Buffer buffer
    if output and item is None:
        if not desc.is_dynamic or model.gears is not None:
            raise ValueError(f"output {desc.name!r} has a fixed size: it needs memory")
        return position, None, desc.shape
    # Pictures have strides and a format of their own, which bytes alone do not tell.
    if not output and hasattr(type(item), "__acl_check_input__"):
        item.__acl_check_input__(desc, position in request._pictures)
    buffer = as_buffer(model, item, output)
    check_memory(buffer, desc, output)
    if not output and position in request._pictures:
        check_picture(buffer, desc)
        return position, buffer, desc.shape
    return position, buffer, check_tensor(buffer, desc, model.gears is not None)


def find_input(Model model not None, index):
    """Return the position of an input given by position or name."""
    return find(model, False, index)


cdef int check_picture(Buffer buffer, TensorDesc desc) except -1:
    """Dynamic AIPP reads bytes; how many, is only known with its settings."""
    if buffer._dtype != desc._dtype:
        raise TypeError(f"input {desc.name!r} reads pictures of dtype uint8, the memory has "
                        f"{buffer._dtype.name.decode()}")
    if buffer.nbytes > desc.nbytes:
        raise ValueError(f"input {desc.name!r} takes pictures of at most {desc.nbytes} bytes, "
                         f"the memory has {buffer.nbytes}")
    return 0


cdef Buffer as_buffer(Model model, object item, bint writable):
    """Return foreign memory as a Buffer, in place."""
    cdef Buffer buffer
    # Objects of other modules (images of a decoder) that keep a Buffer say so by this method.
    if hasattr(type(item), "__acl_buffer__"):
        item = item.__acl_buffer__()
    if isinstance(item, Buffer):
        buffer = item
        buffer.check_open()
        return buffer
    if hasattr(item, "__dlpack__") and not hasattr(item, "__array_interface__"):
        return import_tensor(model._context, model.device, item)
    return from_host(model._context, model.device, item, writable)


cdef int check_memory(Buffer buffer, TensorDesc desc, bint writable) except -1:
    cdef int kind = buffer.block.kind
    if not is_unified() and (kind == KIND_HOST or kind == KIND_FOREIGN):
        raise BufferError(
            f"tensor {desc.name!r} must be in device memory on this device, not in "
            f"{kind_name(kind)} memory: upload() it, or allocate with kind 'device'"
        )
    if <uintptr_t>buffer.address % 64:
        raise BufferError(
            f"tensor {desc.name!r} must start on a multiple of 64 bytes, this memory starts at "
            f"{<uintptr_t>buffer.address:#x}: allocate it with Device.empty(), whose array numpy "
            "can fill, or upload() it"
        )
    if writable and buffer.readonly:
        raise BufferError(f"output {desc.name!r} needs writable memory, this is read-only")
    return 0


cdef tuple check_tensor(Buffer buffer, TensorDesc desc, bint gears):
    """Check dtype, shape and size; return the shape the tensor has with this memory."""
    cdef tuple shape = buffer.shape
    # Bytes of a decoder or of another library: only their number can be checked.
    raw = buffer._dtype.code == 4 and desc._code != 4 and len(shape) == 1
    if not raw and desc._dtype != NULL and buffer._dtype != desc._dtype:
        raise TypeError(f"tensor {desc.name!r} has dtype {desc._dtype.name.decode()}, the memory "
                        f"{buffer._dtype.name.decode()}")
    flat = len(shape) == 1 and (raw or len(desc.shape) != 1)
    if gears or (flat and desc.nbytes):
        if buffer.nbytes < desc.nbytes:
            raise ValueError(f"tensor {desc.name!r} needs {desc.nbytes} bytes (shape "
                             f"{desc.shape}), the memory has {buffer.nbytes}")
        return desc.shape
    if len(shape) != len(desc.shape) or any([want not in (-1, have)
                                             for want, have in zip(desc.shape, shape)]):
        raise ValueError(f"tensor {desc.name!r} has shape {desc.shape}, the memory {shape}")
    check_range(desc, shape)
    return shape


cdef int check_range(TensorDesc desc, tuple shape) except -1:
    for (low, high), size in zip(desc.shape_range or (), shape):
        if size < low or (high >= 0 and size > high):
            raise ValueError(f"{shape} is outside the range of input {desc.name!r}: "
                             f"{desc.shape_range}")
    return 0


def fit_shape(Request request not None, index, shape):
    """Check a real shape against a dynamic input; return (position, shape, bytes)."""
    cdef Model model = request.model
    cdef Py_ssize_t position = find(model, False, index)
    cdef TensorDesc desc = model.inputs[position]
    shape = tuple([operator.index(size) for size in shape])
    if model.gears is not None:
        raise ValueError("the model has gears: choose one with set_batch(), set_image_size() or "
                         "set_dims()")
    if not desc.is_dynamic:
        raise ValueError(f"input {desc.name!r} has the fixed shape {desc.shape}")
    if len(shape) != len(desc.shape) or any([have < 0 or want not in (-1, have)
                                             for want, have in zip(desc.shape, shape)]):
        raise ValueError(f"input {desc.name!r} has shape {desc.shape}, which {shape} does not fit")
    check_range(desc, shape)
    nbytes = desc._dtype.itemsize if desc._dtype != NULL else 1
    for size in shape:
        nbytes *= size
    return position, shape, nbytes


cdef int fill_tensors(Request request, bint output, tuple descs, object given) except -1:
    """Bind what was given, and allocate the rest where the size is known."""
    cdef Model model = request.model
    cdef Buffer buffer
    cdef list items = list(given or ())
    for index, desc in enumerate(descs):
        if index < len(items) and items[index] is not None:
            if output:
                request.set_output(index, items[index])
            else:
                request.set_input(index, items[index])
        elif desc.nbytes:
            buffer = allocate_tensor(model._context, model.device, desc)
            request.set_buffer(output, index, buffer, buffer.nbytes)
    return 0


def create_request(Model model not None, inputs, outputs):
    """Make a request of a model; see ``Model.create_request()``."""
    cdef Request request = Request.__new__(Request)
    enter(model._context)
    request.model = model
    request._context = context_retain(model._context)
    request._kept = {}
    request._library_allocated = set()
    request._pictures = {}
    request._input_shapes = [desc.shape for desc in model.inputs]
    request._output_shapes = [desc.shape for desc in model.outputs]
    request._input_buffers = [None] * len(model.inputs)
    request._output_buffers = [None] * len(model.outputs)
    request.fill_sets()
    fill_tensors(request, False, model.inputs, inputs)
    fill_tensors(request, True, model.outputs, outputs)
    return request


_request.binding = sys.modules[__name__]
