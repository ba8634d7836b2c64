# Models.

from libc.stdint cimport uint32_t

from acl_fast.abi cimport aclmdlDesc
from acl_fast._lock cimport Lock
from acl_fast._memory cimport Buffer
from acl_fast._runtime cimport ContextState
from acl_fast._stream cimport Stream
from acl_fast._timeline cimport Timeline

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


cdef Model load_model(ContextState *context, object device, object source, object workspace,
                      object weights)
