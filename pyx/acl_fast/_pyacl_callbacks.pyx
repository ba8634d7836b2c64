# cython: binding=False, always_allow_keywords=False, embedsignature=False
"""acl.rt and acl.media: calls whose Python functions run later, on the thread that reports.

A callback takes the GIL for its Python function alone; what that raises goes to
sys.unraisablehook and the loop goes on. The function and its user data live until the callback ran,
or until what would call it is gone.

No lock is held while Python runs, so any function of acl may be called inside a callback.
"""

from cpython.exc cimport PyErr_SetObject
from cpython.ref cimport PyObject
from libc.stdint cimport int32_t, uint64_t, uintptr_t

from acl_fast cimport abi
from acl_fast.abi cimport (
    acldvppPicDesc,
    acldvppStreamDesc,
    aclError,
    aclrtCallback,
    aclrtCallbackBlockType,
    aclrtExceptionInfo,
    aclrtExceptionInfoCallback,
    aclrtStream,
    aclvdecCallback,
    aclvdecChannelDesc,
    aclvdecFrameConfig,
    aclvencCallback,
    aclvencChannelDesc,
    aclvencFrameConfig,
)
from acl_fast._pyacl_args cimport as_int, as_u64
from acl_fast._pyacl_models cimport forget_stream
from acl_fast._runtime cimport enter_python, leave_python

cdef extern from "Python.h":
    void PyErr_WriteUnraisable(object) noexcept

__all__ = ["launch_callback", "process_report", "set_exception_info_callback", "destroy_stream",
           "destroy_stream_force", "unsubscribe_report"]

MEDIA = ["vdec_set_channel_desc_callback", "venc_set_channel_desc_callback", "vdec_send_frame",
         "vdec_send_skipped_frame", "venc_send_frame", "vdec_destroy_channel_desc",
         "venc_destroy_channel_desc"]

# A callback may outlive the object that would free it: only the address travels through C, and
# what is not in here any more is not called.
cdef dict waiting = {}          # address of a Call -> Call
cdef dict channel_functions = {}        # channel description -> function
cdef object exception_function = None


cdef class Call:
    """A function that runs later, once, and what it is given; internal."""
    cdef object function
    cdef object data
    cdef uint64_t owner         # stream or channel description


cdef uintptr_t keep(object function, object data, uint64_t owner):
    cdef Call call = Call.__new__(Call)
    call.function = function
    call.data = data
    call.owner = owner
    key = <uintptr_t><PyObject *>call
    waiting[key] = call
    return key


cdef int drop_of(uint64_t owner) except -1:
    """Forget the calls of a stream or channel that is gone."""
    for key, call in list(waiting.items()):
        if (<Call>call).owner == owner:
            waiting.pop(key, None)
    return 0


cdef object require_callable(object function, str where):
    if not callable(function):
        raise TypeError(f"{where}(): the callback is a function, not {type(function).__name__}")
    return function


cdef void run(object function, tuple arguments) noexcept:
    """Call a callback; what it raises goes to sys.unraisablehook, for nobody could catch it."""
    try:
        function(*arguments)
    except BaseException as error:
        PyErr_SetObject(type(error), error)
        PyErr_WriteUnraisable(function)


# ---- acl.rt ----

cdef void run_callback(void *key) noexcept nogil:
    if not enter_python():
        return
    with gil:
        call = waiting.pop(<uintptr_t>key, None)
        if call is not None:
            run((<Call>call).function, ((<Call>call).data,))
    leave_python()


def launch_callback(fn, user_data, block_type, stream):
    """launch_callback(fn, user_data, block_type, stream, /)\n--\n
    launch_callback(fn, user_data, block_type, stream)

    ``fn(user_data)`` runs on the thread that loops on process_report for the stream.
    C function: aclrtLaunchCallback. Releases the GIL.
    """
    cdef int kind = <int>as_int(block_type, -0x80000000, 0x7FFFFFFF,
                                b"acl.rt.launch_callback", b"block_type")
    cdef uint64_t handle = as_u64(stream, b"acl.rt.launch_callback", b"stream")
    cdef uintptr_t key = keep(require_callable(fn, "acl.rt.launch_callback"), user_data, handle)
    cdef aclError ret
    with nogil:
        ret = abi.aclrtLaunchCallback(<aclrtCallback>run_callback, <void *>key,
                                      <aclrtCallbackBlockType>kind, <aclrtStream><uintptr_t>handle)
    if ret != 0:
        waiting.pop(key, None)
    return <int>ret


def process_report(timeout):
    """process_report(timeout, /)\n--\n
    process_report(timeout)

    Wait at most ``timeout`` ms (-1: for ever) for a callback and run it.
    C function: aclrtProcessReport. Releases the GIL.
    """
    cdef int32_t limit = <int32_t>as_int(timeout, -0x80000000, 0x7FFFFFFF,
                                         b"acl.rt.process_report", b"timeout")
    cdef aclError ret
    with nogil:
        ret = abi.aclrtProcessReport(limit)
    return <int>ret


def unsubscribe_report(thread_id, stream):
    """unsubscribe_report(thread_id, stream, /)\n--\n
    unsubscribe_report(thread_id, stream)

    C function: aclrtUnSubscribeReport. Releases the GIL.
    """
    cdef uint64_t thread = as_u64(thread_id, b"acl.rt.unsubscribe_report", b"thread_id")
    cdef uint64_t handle = as_u64(stream, b"acl.rt.unsubscribe_report", b"stream")
    cdef aclError ret
    with nogil:
        ret = abi.aclrtUnSubscribeReport(thread, <aclrtStream><uintptr_t>handle)
    return <int>ret


cdef int end_stream(object stream, bint force) except? -1:
    cdef uint64_t handle = as_u64(stream, b"acl.rt.destroy_stream", b"stream")
    cdef aclrtStream c_stream = <aclrtStream><uintptr_t>handle
    cdef aclError ret
    with nogil:
        if force:
            ret = abi.aclrtDestroyStreamForce(c_stream)
        else:
            ret = abi.aclrtDestroyStream(c_stream)
    if ret == 0:
        forget_stream(c_stream)
        drop_of(handle)
    return <int>ret


def destroy_stream(stream):
    """destroy_stream(stream, /)\n--\n
    destroy_stream(stream)

    C function: aclrtDestroyStream. Releases the GIL.
    """
    return end_stream(stream, False)


def destroy_stream_force(stream):
    """destroy_stream_force(stream, /)\n--\n
    destroy_stream_force(stream)

    C function: aclrtDestroyStreamForce. Releases the GIL.
    """
    return end_stream(stream, True)


cdef void run_exception_callback(aclrtExceptionInfo *info) noexcept nogil:
    if not enter_python():
        return
    with gil:
        function = exception_function
        if function is not None:
            run(function, (<uintptr_t>info,))
    leave_python()


def set_exception_info_callback(callback):
    """set_exception_info_callback(callback, /)\n--\n
    set_exception_info_callback(callback)

    ``callback(exception_info)`` runs where a task failed; None or 0 takes it back.
    C function: aclrtSetExceptionInfoCallback. Releases the GIL.
    """
    global exception_function
    cdef aclrtExceptionInfoCallback trampoline = NULL
    cdef aclError ret
    if callback is None or callback == 0:
        exception_function = None
    else:
        exception_function = require_callable(callback, "acl.rt.set_exception_info_callback")
        trampoline = <aclrtExceptionInfoCallback>run_exception_callback
    with nogil:
        ret = abi.aclrtSetExceptionInfoCallback(trampoline)
    return <int>ret


# ---- acl.media ----

cdef void run_frame(uintptr_t first, uintptr_t second, void *key) noexcept nogil:
    if not enter_python():
        return
    with gil:
        call = waiting.pop(<uintptr_t>key, None)
        if call is not None:
            run((<Call>call).function, (first, second, (<Call>call).data))
    leave_python()


cdef void decoded(acldvppStreamDesc *packet, acldvppPicDesc *picture, void *key) noexcept nogil:
    run_frame(<uintptr_t>packet, <uintptr_t>picture, key)


cdef void encoded(acldvppPicDesc *picture, acldvppStreamDesc *packet, void *key) noexcept nogil:
    run_frame(<uintptr_t>picture, <uintptr_t>packet, key)


def vdec_set_channel_desc_callback(channel_desc, callback):
    """vdec_set_channel_desc_callback(channel_desc, callback, /)\n--\n
    vdec_set_channel_desc_callback(channel_desc, callback)

    ``callback(input_stream_desc, output_pic_desc, user_data)`` runs for each frame.
    C function: aclvdecSetChannelDescCallback.
    """
    cdef uint64_t desc = as_u64(channel_desc, b"acl.media.vdec_set_channel_desc_callback",
                                b"channel_desc")
    require_callable(callback, "acl.media.vdec_set_channel_desc_callback")
    ret = abi.aclvdecSetChannelDescCallback(<aclvdecChannelDesc *><uintptr_t>desc,
                                            <aclvdecCallback>decoded)
    if ret == 0:
        channel_functions[desc] = callback
    return <int>ret


def venc_set_channel_desc_callback(channel_desc, callback):
    """venc_set_channel_desc_callback(channel_desc, callback, /)\n--\n
    venc_set_channel_desc_callback(channel_desc, callback)

    ``callback(input_pic_desc, output_stream_desc, user_data)`` runs for each frame.
    C function: aclvencSetChannelDescCallback.
    """
    cdef uint64_t desc = as_u64(channel_desc, b"acl.media.venc_set_channel_desc_callback",
                                b"channel_desc")
    require_callable(callback, "acl.media.venc_set_channel_desc_callback")
    ret = abi.aclvencSetChannelDescCallback(<aclvencChannelDesc *><uintptr_t>desc,
                                            <aclvencCallback>encoded)
    if ret == 0:
        channel_functions[desc] = callback
    return <int>ret


def channel_function(desc, address):
    """The function of a channel, or the address that C has for it; internal."""
    return channel_functions.get(desc, address) if address else address


def vdec_send_frame(channel_desc, input, output, config, user_data):
    """vdec_send_frame(channel_desc, input, output, config, user_data, /)\n--\n
    vdec_send_frame(channel_desc, input, output, config, user_data)

    C function: aclvdecSendFrame. Releases the GIL.
    """
    cdef const char *where = b"acl.media.vdec_send_frame"
    cdef uint64_t desc = as_u64(channel_desc, where, b"channel_desc")
    cdef uint64_t packet = as_u64(input, where, b"input")
    cdef uint64_t picture = as_u64(output, where, b"output")
    cdef uint64_t c_config = as_u64(config, where, b"config")
    cdef uintptr_t key = keep(channel_functions.get(desc), user_data, desc)
    cdef bint ends = abi.acldvppGetStreamDescEos(<acldvppStreamDesc *><uintptr_t>packet)
    cdef aclError ret
    with nogil:
        ret = abi.aclvdecSendFrame(<aclvdecChannelDesc *><uintptr_t>desc,
                                   <acldvppStreamDesc *><uintptr_t>packet,
                                   <acldvppPicDesc *><uintptr_t>picture,
                                   <aclvdecFrameConfig *><uintptr_t>c_config, <void *>key)
    # The end of a stream has no callback: the call returns after all others.
    if ret != 0 or ends:
        waiting.pop(key, None)
    return <int>ret


def vdec_send_skipped_frame(channel_desc, input, config, user_data):
    """vdec_send_skipped_frame(channel_desc, input, config, user_data, /)\n--\n
    vdec_send_skipped_frame(channel_desc, input, config, user_data)

    C function: aclvdecSendSkippedFrame. Releases the GIL.
    """
    cdef const char *where = b"acl.media.vdec_send_skipped_frame"
    cdef uint64_t desc = as_u64(channel_desc, where, b"channel_desc")
    cdef uint64_t packet = as_u64(input, where, b"input")
    cdef uint64_t c_config = as_u64(config, where, b"config")
    cdef uintptr_t key = keep(channel_functions.get(desc), user_data, desc)
    cdef aclError ret
    with nogil:
        ret = abi.aclvdecSendSkippedFrame(<aclvdecChannelDesc *><uintptr_t>desc,
                                          <acldvppStreamDesc *><uintptr_t>packet,
                                          <aclvdecFrameConfig *><uintptr_t>c_config, <void *>key)
    if ret != 0:
        waiting.pop(key, None)
    return <int>ret


def venc_send_frame(channel_desc, input, reserve, config, user_data):
    """venc_send_frame(channel_desc, input, reserve, config, user_data, /)\n--\n
    venc_send_frame(channel_desc, input, reserve, config, user_data)

    C function: aclvencSendFrame. Releases the GIL.
    """
    cdef const char *where = b"acl.media.venc_send_frame"
    cdef uint64_t desc = as_u64(channel_desc, where, b"channel_desc")
    cdef uint64_t picture = as_u64(input, where, b"input")
    cdef uint64_t c_reserve = as_u64(0 if reserve is None else reserve, where, b"reserve")
    cdef uint64_t c_config = as_u64(config, where, b"config")
    cdef uintptr_t key = keep(channel_functions.get(desc), user_data, desc)
    cdef aclError ret
    with nogil:
        ret = abi.aclvencSendFrame(<aclvencChannelDesc *><uintptr_t>desc,
                                   <acldvppPicDesc *><uintptr_t>picture, <void *>c_reserve,
                                   <aclvencFrameConfig *><uintptr_t>c_config, <void *>key)
    # Without a picture it is the end, which has no callback.
    if ret != 0 or picture == 0:
        waiting.pop(key, None)
    return <int>ret


def vdec_destroy_channel_desc(channel_desc):
    """vdec_destroy_channel_desc(channel_desc, /)\n--\n
    vdec_destroy_channel_desc(channel_desc)

    C function: aclvdecDestroyChannelDesc. Releases the GIL.
    """
    cdef uint64_t desc = as_u64(channel_desc, b"acl.media.vdec_destroy_channel_desc",
                                b"channel_desc")
    cdef aclError ret
    with nogil:
        ret = abi.aclvdecDestroyChannelDesc(<aclvdecChannelDesc *><uintptr_t>desc)
    if ret == 0:
        channel_functions.pop(desc, None)
        drop_of(desc)
    return <int>ret


def venc_destroy_channel_desc(channel_desc):
    """venc_destroy_channel_desc(channel_desc, /)\n--\n
    venc_destroy_channel_desc(channel_desc)

    C function: aclvencDestroyChannelDesc. Releases the GIL.
    """
    cdef uint64_t desc = as_u64(channel_desc, b"acl.media.venc_destroy_channel_desc",
                                b"channel_desc")
    cdef aclError ret
    with nogil:
        ret = abi.aclvencDestroyChannelDesc(<aclvencChannelDesc *><uintptr_t>desc)
    if ret == 0:
        channel_functions.pop(desc, None)
        drop_of(desc)
    return <int>ret


def callbacks_waiting():
    """How many callbacks are on their way; for tests."""
    return len(waiting)
