# Models and the requests that run them.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t

from acl_fast.abi cimport aclError, aclmdlDataset, aclmdlDesc, aclrtStream
from acl_fast._lock cimport Lock
from acl_fast._memory cimport Buffer
from acl_fast._runtime cimport ContextState
from acl_fast._stream cimport Stream, Timeline, Work

cdef enum:
    MODE_UNUSED = 0
    MODE_SYNC = 1       # executed with aclmdlExecute since it was loaded
    MODE_ASYNC = 2      # executed with aclmdlExecuteAsync since it was loaded


cdef class Model:
    cdef uint32_t _id
    cdef bint _loaded
    cdef int _mode
    cdef ContextState *_context
    cdef aclmdlDesc *_desc
    cdef Lock _lock
    cdef Timeline _timeline         # of the stream it was last queued on
    cdef Stream _internal           # for run() once the model runs asynchronously
    cdef object _source
    cdef Buffer _workspace          # aliases, which the user cannot close
    cdef Buffer _weights
    cdef readonly object device
    cdef readonly tuple inputs
    cdef readonly tuple outputs
    cdef int _gear_kind
    cdef tuple _gears
    cdef Py_ssize_t _gear_input
    cdef object __weakref__

    cdef int check_open(self) except -1
    cdef int wait_idle(self) except -1
    cdef int become_async(self, Timeline timeline) except -1
    cdef int reload(self) except -1
    cdef Stream internal_stream(self)
    cdef void release(self) noexcept


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
    cdef int set_buffer(self, bint output, Py_ssize_t index, Buffer buffer, size_t nbytes) except -1
    cdef int fill_sets(self) except -1
    cdef int set_gear(self, int kind, tuple gear) except -1
    cdef int drop_outputs(self) except -1
    cdef int collect_outputs(self) except -1
    cdef void release(self) noexcept

    # Queue the bound execution and return the library's code. For nogil blocks: the caller keeps
    # the request and its stream alive, uses the model on no other stream meanwhile, and
    # synchronizes before it reads the outputs or lets go of anything.
    cdef aclError launch_nogil(self) noexcept nogil
    cdef aclError launch_on_nogil(self, Stream stream) noexcept nogil


cdef Model load_model(ContextState *context, object device, object source, object workspace,
                      object weights)
