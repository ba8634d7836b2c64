# Requests.

from libc.stddef cimport size_t

from acl_fast.abi cimport aclError, aclmdlDataset, aclrtStream
from acl_fast._loaded_model cimport Model
from acl_fast._memory cimport Buffer
from acl_fast._runtime cimport ContextState
from acl_fast._stream cimport Stream
from acl_fast._timeline cimport Timeline, Work


cdef class Request(Work):
    cdef readonly Model model
    cdef ContextState *_context     # NULL when closed
    cdef aclmdlDataset *_input_set
    cdef aclmdlDataset *_output_set
    cdef aclrtStream _launch_stream
    cdef Stream _bound
    cdef list _input_buffers        # Buffer per input; None where there is none yet
    cdef list _output_buffers       # Buffer per output; None where the library allocates
    cdef dict _kept                 # (is output, index): alias that keeps the memory
    cdef list _input_shapes         # current shapes: of the gear, or set by set_shape()
    cdef list _output_shapes
    cdef set _library_allocated     # outputs whose memory the library allocated at the last run
    cdef Buffer _gear_buffer
    cdef dict _pictures             # input with dynamic AIPP: (rows, width, bytes), None before
    cdef tuple _gear

    cdef int check_open(self) except -1
    cdef int check_idle(self) except -1
    cdef int queue(self, Stream stream) except -1
    cdef int refuse(self, Stream stream) except -1
    cdef int prepare_locked(self, Timeline timeline, bint locked) except -1
    cdef int prepare(self, Timeline timeline) except -1
    cdef int check_ready(self) except -1
    cdef int settle_inputs(self) except -1
    cdef int execute(self) except -1
    cdef int prepare_run(self) except -1
    cdef int set_buffer(self, bint output, Py_ssize_t index, Buffer buffer, size_t nbytes) except -1
    cdef int fill_sets(self) except -1
    cdef int shape_pictures(self) except -1
    cdef int set_gear(self, int kind, tuple gear) except -1
    cdef int drop_outputs(self) except -1
    cdef int collect_outputs(self) except -1
    cdef void release(self) noexcept

    # Queue the bound execution and return the library's code. For nogil blocks: the caller keeps
    # the request and its stream alive, uses the model on no other stream meanwhile, and
    # synchronizes before it reads the outputs or lets go of anything.
    cdef aclError launch_nogil(self) noexcept nogil
    cdef aclError launch_on_nogil(self, Stream stream) noexcept nogil
