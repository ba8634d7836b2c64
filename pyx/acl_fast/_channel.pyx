"""What video decoders and encoders share."""

import threading

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport uintptr_t
from libc.stdlib cimport calloc, free

from acl_fast._block cimport block_release
from acl_fast._device cimport Context
from acl_fast._runtime cimport bind, enter, is_dead
from acl_fast._timeline cimport now, pause
from acl_fast._worker cimport (
    worker_free,
    worker_has_done,
    worker_new,
    worker_return,
    worker_take,
)

from acl_fast import _runtime
from acl_fast.errors import ClosedError

# Seconds after which a wait for a result looks whether it is still needed.
SLICE = 0.05

_channels = _runtime.Living()


cdef class Port:
    """A channel of one media interface; internal."""

    cdef int open(self, const VideoOptions *options) except -1:
        raise NotImplementedError

    cdef int send_packet(self, Job *job, PicDesc picture) except -1:
        raise NotImplementedError

    cdef int send_picture(self, Job *job, PicDesc picture, bint key) except -1:
        raise NotImplementedError

    cdef int finish(self) except -1:
        raise NotImplementedError

    cdef void forget(self, Job *job) noexcept nogil:
        pass

    cdef void destroy(self) noexcept nogil:
        pass


@cython.no_gc_clear
cdef class VideoChannel:
    """What VideoDecoder and VideoEncoder have in common.

    Attributes
    ----------
    device : Context
    codec : str
    interface : str
        'v1' (acldvpp, aclvdec, aclvenc) or 'v2' (hi_mpi).
    """

    def __init__(self):
        raise TypeError("open a VideoDecoder or a VideoEncoder")

    cdef int set_up(self, object device, str codec, str interface, bint encodes) except -1:
        """Begin the life of a channel; ``open()`` of the port comes next."""
        cdef Context context = device
        if self.jobs is not None:
            raise TypeError("a channel is set up once")
        self.jobs = []
        self.pending = {}
        self.lock = threading.Lock()
        self.device = device
        self.codec = codec
        self.interface = interface
        self.port = make_port(("encoder " if encodes else "decoder ") + interface)
        self.worker = worker_new(context._state)
        self.port.worker = self.worker
        _channels.add(self)
        return 0

    def __dealloc__(self):
        self.release()

    cdef int release(self) except -1:
        cdef Worker *worker = self.worker
        cdef Port port = self.port
        cdef Job *job
        self.worker = NULL
        # In a forked child the thread does not exist, and late at exit it may still run.
        if worker == NULL or is_dead():
            return 0
        while self.receiving:
            with nogil:
                pause()
        with nogil:
            bind(worker.context)
            port.destroy()
        for address in self.jobs:
            job = <Job *><uintptr_t>address
            with nogil:
                port.forget(job)
                block_release(job.memory)
                free(job.data)
            free(job)
        self.jobs = []
        self.pending = {}
        self.idle = NULL
        with nogil:
            worker_free(worker)
        return 0

    cdef int check_open(self) except -1:
        if self.worker == NULL:
            raise ClosedError(f"the {type(self).__name__} is closed")
        return 0

    cdef Job *take_job(self) except NULL:
        cdef Job *job = self.idle
        if job != NULL:
            self.idle = job.next
            return job
        job = <Job *>calloc(1, sizeof(Job))
        if job == NULL:
            raise MemoryError()
        job.owner = self.worker
        job.index = len(self.jobs)
        self.jobs.append(<uintptr_t>job)
        return job

    cdef int give_back(self, Job *job) except -1:
        self.pending.pop(job.index, None)
        worker_return(job)
        job.next = self.idle
        self.idle = job
        return 0

    cdef Job *next_done(self, double timeout) except? NULL:
        """Take the next finished job; NULL when there is none in time, or none on its way."""
        cdef Worker *worker = self.worker
        cdef double deadline = now() + timeout
        cdef Job *job
        while True:
            self.receiving += 1
            with nogil:
                job = worker_take(worker, timeout != 0)
            self.receiving -= 1
            # Another thread may have closed the channel meanwhile, and waits to free the worker.
            self.check_open()
            if job != NULL:
                return job
            if self.flushed and not worker_has_done(worker):
                self.give_up_rest()
            if timeout == 0 or not self.pending:
                return NULL
            PyErr_CheckSignals()
            self.check_open()
            if timeout >= 0 and now() >= deadline:
                return NULL

    cdef int give_up_rest(self) except -1:
        return 0

    cdef bint must_receive(self):
        return False

    def flush(self):
        """Wait, with the GIL released, until everything that was sent has its result.

        More may be sent after it: to decoders beginning with a key frame; encoders of V1 begin
        with one by themselves.
        """
        with self.lock:
            self.check_open()
            enter(self.worker.context)
            self.port.finish()
            self.flushed = True
            # What another thread has just taken is pending, and not lost.
            if not worker_has_done(self.worker):
                self.give_up_rest()

    def receive(self, timeout=0):
        """Return the next result; None when none is ready in time."""
        raise NotImplementedError

    def reset(self):
        """Finish what is on its way and throw its results away."""
        self.flush()
        while self.receive() is not None:
            pass

    def run(self, items, callback):
        """Send an iterable of packets, or pictures; call ``callback(result)`` for each result.

        What the callback raises ends the work and is raised here; the channel stays usable.
        """
        try:
            for result in self._results(items):
                callback(result)
        except BaseException:
            self.reset()
            raise

    def _send_item(self, item):
        """Send what an iterable gave."""
        raise NotImplementedError

    def _results(self, items):
        """Send what an iterable gives; yield results as they come."""
        for item in items:
            while self.must_receive():
                if (result := self.receive(SLICE)) is not None:
                    yield result
                    result = None
            self._send_item(item)
            item = None
            while (result := self.receive()) is not None:
                yield result
                result = None
        self.flush()
        while (result := self.receive()) is not None:
            yield result
            result = None

    async def _results_async(self, items):
        """Like ``_results()``, in asyncio; what blocks does so in its executor."""
        import asyncio
        loop = asyncio.get_running_loop()
        async for item in each(items):
            while self.must_receive():
                result = await loop.run_in_executor(None, self.receive, SLICE)
                if result is not None:
                    yield result
                    result = None
            await loop.run_in_executor(None, self._send_item, item)
            item = None
            while (result := self.receive()) is not None:
                yield result
                result = None
        await loop.run_in_executor(None, self.flush)
        while (result := self.receive()) is not None:
            yield result
            result = None

    @property
    def in_flight(self):
        """What was sent and not received."""
        return len(self.pending) if self.pending else 0

    @property
    def is_closed(self):
        """Whether the channel was closed."""
        return self.worker == NULL

    def close(self):
        """Wait for what is in flight and destroy the channel. Closing twice is harmless.

        C functions: aclvdecDestroyChannel, aclvencDestroyChannel, hi_mpi_vdec_destroy_chn,
        hi_mpi_venc_destroy_chn. The GIL is released.
        """
        if self.worker == NULL:
            return
        with self.lock:
            self.release()

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __reduce__(self):
        raise TypeError(f"{type(self).__name__} cannot be pickled: it lives on a device")


async def each(items):
    """Iterate over anything iterable, asynchronous or not."""
    if hasattr(items, "__aiter__"):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


def _finish_channels():
    """Close what is open when the interpreter ends: the native threads must be gone by then."""
    for channel in _channels:
        try:
            channel.close()
        except Exception:
            # Nobody is left who could do anything about it, and the others are to be closed too.
            pass


_runtime._exit_hooks.append(_finish_channels)


cdef Port make_port(str kind):
    from acl_fast import _port_v1, _port_v2
    return {
        "decoder v1": _port_v1.DecoderPortV1,
        "encoder v1": _port_v1.EncoderPortV1,
        "decoder v2": _port_v2.DecoderPortV2,
        "encoder v2": _port_v2.EncoderPortV2,
    }[kind]()
