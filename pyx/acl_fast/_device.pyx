"""Devices and contexts: where everything else is made."""

cimport cython
from libc.stddef cimport size_t
from libc.stdint cimport INT32_MAX, INT32_MIN, int32_t, uint32_t, uintptr_t

from acl_fast cimport abi
from acl_fast.abi cimport aclError, aclrtMemAttr
from acl_fast._arena cimport create_arena
from acl_fast._dlpack cimport import_tensor
from acl_fast._errors cimport check
from acl_fast._memory cimport empty, from_host
from acl_fast._loaded_model cimport load_model
from acl_fast._runtime cimport (
    ContextState,
    context_open,
    context_release,
    ensure_initialized,
    enter,
    force_bind,
    is_unified,
)
from acl_fast._stream cimport create_event, create_stream

import os

from acl_fast.errors import ClosedError

cdef enum:
    LEAST_PRIORITY = 7      # of a stream
    EVENT_SYNC = 1
    EVENT_TIME_LINE = 8


cdef class Context:
    """A context of a device: streams, events, models and memory are made in it and stay in it.

    Made by ``Device.create_context()``. Objects keep their context alive, so closing it only gives
    up this reference. Any thread may use any object: the context is set for it.
    """

    def __init__(self):
        raise TypeError("contexts are made by Device.create_context()")

    def __dealloc__(self):
        self.release()

    cdef void release(self) noexcept:
        cdef ContextState *state = self._state
        self._state = NULL
        if state != NULL:
            with nogil:
                context_release(state)

    cdef int check_open(self) except -1:
        if self._state == NULL:
            raise ClosedError(f"the {type(self).__name__.lower()} is closed")
        return 0

    @property
    def soc_name(self):
        """Name of the chip, such as 'Ascend310P3'. C function: aclrtGetSocName."""
        cdef const char *name
        self.check_open()
        enter(self._state)
        name = abi.aclrtGetSocName()
        return "" if name == NULL else name.decode("utf-8", "replace")

    def create_stream(self, *, Py_ssize_t priority=0, bint fast=False):
        """Create a stream.

        C functions: aclrtCreateStream, aclrtCreateStreamWithConfig. The GIL is released.

        Parameters
        ----------
        priority : int
            0 is the highest, 7 the lowest.
        fast : bool
            Ask for fast launch and fast synchronization, where the device has them.

        Returns
        -------
        Stream
        """
        self.check_open()
        if not 0 <= priority <= LEAST_PRIORITY:
            raise ValueError(f"priority {priority} is not one of 0 (the highest) to "
                             f"{LEAST_PRIORITY}")
        return create_stream(self._state, self, <int>priority, 3 if fast else 0)

    def create_event(self, *, bint timing=True):
        """Create an event. C function: aclrtCreateEventWithFlag.

        Parameters
        ----------
        timing : bool
            Whether ``elapsed_time()`` will be asked of it.

        Returns
        -------
        Event
        """
        self.check_open()
        return create_event(self._state, self, EVENT_SYNC | (EVENT_TIME_LINE if timing else 0))

    def empty(self, shape, dtype="float32", *, str kind="device"):
        """Allocate a tensor with undefined contents.

        C functions: aclrtMalloc, aclrtMallocHost, aclrtMallocCached, acldvppMalloc,
        hi_mpi_dvpp_malloc. Blocks; the GIL is released.

        Parameters
        ----------
        shape : int or sequence of int
        dtype : optional
            Name, numpy dtype or aclDataType value.
        kind : {'device', 'host', 'cached', 'dvpp', 'himpi'}
            'host' is pinned memory. Aligned to 64 bytes, media memory to 128.

        Returns
        -------
        Buffer
        """
        self.check_open()
        return empty(self._state, self, shape, dtype, kind)

    def arena(self, Py_ssize_t nbytes, *, str kind="device"):
        """Allocate memory to cut tensors off; blocks, the GIL is released.

        Parameters
        ----------
        nbytes : int
            Each piece takes its size rounded up to 32, plus 32, on a multiple of 64 (128).
        kind : str
            As for ``empty()``.

        Returns
        -------
        Arena
        """
        self.check_open()
        if nbytes <= 0:
            raise ValueError(f"an arena of {nbytes} bytes is of no use")
        return create_arena(self._state, self, <size_t>nbytes, kind)

    def load_model(self, source, *, workspace=None, weights=None):
        """Load a model. C functions: aclmdlLoadFromFile, aclmdlLoadFromMem and their ...WithMem.

        Blocks; the GIL is released.

        Parameters
        ----------
        source : path or bytes-like
            An .om file for this backend; with softnpu also an .onnx file. It is read again when the
            model is replicated, or is run with ``run_async()`` after ``run()``: keep the file, or
            the bytes, as they are.
        workspace, weights : Buffer, optional
            Device memory for the model's intermediate results and weights, of at least the sizes
            ``model_memory()`` tells; allocated by the library otherwise.

        Returns
        -------
        Model
        """
        self.check_open()
        if isinstance(source, (str, os.PathLike)):
            source = os.path.abspath(os.fspath(source))
        return load_model(self._state, self, source, workspace, weights)

    def model_memory(self, path):
        """Return (workspace bytes, weight bytes) of a model file. C function: aclmdlQuerySize."""
        cdef bytes encoded = os.fsencode(path)
        cdef const char *c_path = encoded
        cdef size_t work = 0, weight = 0
        cdef aclError code
        self.check_open()
        enter(self._state)
        with nogil:
            code = abi.aclmdlQuerySize(c_path, &work, &weight)
        check(code, b"aclmdlQuerySize")
        return work, weight

    def from_dlpack(self, source):
        """Wrap the memory of an object with ``__dlpack__``, in place, as Buffer.

        Raises
        ------
        BufferError
            The memory is not C-contiguous, or on a device that is not this one.
        """
        self.check_open()
        return import_tensor(self._state, self, source)

    def from_buffer(self, source):
        """Wrap host memory (numpy array, bytearray, ...), in place, as Buffer of kind 'foreign'.

        Raises
        ------
        BufferError
            The memory is not C-contiguous.
        """
        self.check_open()
        return from_host(self._state, self, source, False)

    def make_current(self):
        """Make this context the calling thread's, whatever other code has set there.

        Needed only after foreign code (pyACL, for instance) has changed the context of a thread
        that also uses acl_fast. C function: aclrtSetCurrentContext.
        """
        self.check_open()
        force_bind(self._state)

    def synchronize(self):
        """Wait until all work of the context's device is over. C function: aclrtSynchronizeDevice.

        The GIL is released. Requests learn of it when their own stream is asked.
        """
        cdef aclError code
        self.check_open()
        enter(self._state)
        with nogil:
            code = abi.aclrtSynchronizeDevice()
        check(code, b"aclrtSynchronizeDevice")

    def close(self):
        """Give up the context; it is destroyed when nothing made in it is left.

        Closing twice is harmless.
        """
        self.release()

    @property
    def id(self):
        """Number of the device."""
        self.check_open()
        return self._state.device

    @property
    def handle(self):
        """The aclrtContext as an integer, for other libraries."""
        self.check_open()
        return <uintptr_t>self._state.handle

    @property
    def is_closed(self):
        """Whether the object was closed."""
        return self._state == NULL

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __repr__(self):
        name = f"acl_fast.{type(self).__name__}"
        if self._state == NULL:
            return f"<{name} closed>"
        return f"<{name} {self._state.device} context={<uintptr_t>self._state.handle:#x}>"

    def __reduce__(self):
        raise TypeError(f"{type(self).__name__} cannot be pickled: open the device in the other "
                        "process")


@cython.final
cdef class Device(Context):
    """A device, with its default context, which all users of the process share.

    Opening initializes the library on first use. Each object counts: the device is reset when the
    last object of it, and all that was made from it, is gone.

    C functions: aclInit, aclrtSetDevice, aclrtResetDevice. Blocks; the GIL is released.

    Parameters
    ----------
    id : int
        0 to ``Device.count() - 1``.
    """

    def __init__(self, Py_ssize_t id=0):
        if self._state != NULL:
            raise RuntimeError("the device is open already")
        if not INT32_MIN <= id <= INT32_MAX:
            raise OverflowError(f"{id} cannot be the number of a device")
        self._state = context_open(<int32_t>id, True)

    @staticmethod
    def count():
        """Return the number of devices. C function: aclrtGetDeviceCount. Does not open one."""
        cdef uint32_t number = 0
        cdef aclError code
        ensure_initialized()
        with nogil:
            code = abi.aclrtGetDeviceCount(&number)
        check(code, b"aclrtGetDeviceCount")
        return number

    def create_context(self):
        """Create a context of its own on this device. C function: aclrtCreateContext.

        Returns
        -------
        Context
        """
        cdef Context context = Context.__new__(Context)
        self.check_open()
        context._state = context_open(self._state.device, False)
        return context

    @property
    def is_unified(self):
        """Whether host and device share memory, so that the host can read device memory."""
        self.check_open()
        return is_unified()

    @property
    def memory_mode(self):
        """'unified' where host and device share memory, else 'discrete'."""
        return "unified" if self.is_unified else "discrete"

    def memory_info(self):
        """Return (free bytes, total bytes). C function: aclrtGetMemInfo.

        Reads HBM where the chip has it, DDR otherwise.
        """
        cdef size_t free = 0, total = 0
        cdef aclError code
        cdef int attribute
        self.check_open()
        enter(self._state)
        for attribute in (1, 0):
            with nogil:
                code = abi.aclrtGetMemInfo(<aclrtMemAttr>attribute, &free, &total)
            if code == 0 and total:
                break
        check(code, b"aclrtGetMemInfo")
        return free, total
