"""Video decoding through a channel of the first media interface."""

import threading
import weakref

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from acl_fast cimport abi
from acl_fast.abi cimport (
    aclError,
    acldvppPicDesc,
    acldvppPixelFormat,
    acldvppStreamDesc,
    acldvppStreamFormat,
    aclrtMemcpyKind,
    aclvdecCallback,
)
from acl_fast._block cimport KIND_DVPP, Block, block_allocate, block_release
from acl_fast._device cimport Context
from acl_fast._errors cimport check
from acl_fast._image cimport Image
from acl_fast._pool cimport PicturePool
from acl_fast._runtime cimport (
    bind,
    context_release,
    context_retain,
    enter,
    is_dead,
    is_unified,
)
from acl_fast._timeline cimport now, parse_timeout, pause

from acl_fast import _runtime
from acl_fast.errors import ClosedError

cdef extern from *:
    """
    #include <pthread.h>
    #include <stdlib.h>
    #include <time.h>
    typedef struct { pthread_mutex_t mutex; pthread_cond_t cond; pthread_t thread; } vdec_sync;
    static void *vdec_sync_new(void) {
        vdec_sync *s = malloc(sizeof *s);
        if (s) { pthread_mutex_init(&s->mutex, NULL); pthread_cond_init(&s->cond, NULL); }
        return s;
    }
    static void vdec_sync_free(void *p) {
        vdec_sync *s = p;
        if (s) { pthread_mutex_destroy(&s->mutex); pthread_cond_destroy(&s->cond); }
        free(p);
    }
    static void vdec_lock(void *p) { pthread_mutex_lock(&((vdec_sync *)p)->mutex); }
    static void vdec_unlock(void *p) { pthread_mutex_unlock(&((vdec_sync *)p)->mutex); }
    static void vdec_signal(void *p) { pthread_cond_broadcast(&((vdec_sync *)p)->cond); }
    /* At most 50 ms, so that Ctrl-C is seen. */
    static void vdec_wait(void *p) {
        vdec_sync *s = p;
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_nsec += 50000000;
        if (t.tv_nsec >= 1000000000) { t.tv_nsec -= 1000000000; t.tv_sec += 1; }
        pthread_cond_timedwait(&s->cond, &s->mutex, &t);
    }
    static int vdec_start(void *p, void *(*run)(void *), void *arg) {
        return pthread_create(&((vdec_sync *)p)->thread, NULL, run, arg);
    }
    static void vdec_join(void *p) { pthread_join(((vdec_sync *)p)->thread, NULL); }
    static unsigned long vdec_thread(void *p) { return ((vdec_sync *)p)->thread; }
    static int vdec_load(int *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
    static void vdec_store(int *p, int v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
    """
    void *vdec_sync_new() noexcept nogil
    void vdec_sync_free(void *sync) noexcept nogil
    void vdec_lock(void *sync) noexcept nogil
    void vdec_unlock(void *sync) noexcept nogil
    void vdec_signal(void *sync) noexcept nogil
    void vdec_wait(void *sync) noexcept nogil
    int vdec_start(void *sync, void *(*run)(void *) noexcept nogil, void *arg) noexcept nogil
    void vdec_join(void *sync) noexcept nogil
    unsigned long vdec_thread(void *sync) noexcept nogil
    int vdec_load(int *flag) noexcept nogil
    void vdec_store(int *flag, int value) noexcept nogil

CODECS = {"h264": 3, "hevc": 0, "h265": 0}

cdef enum:
    LARGEST_ID = 255
    SECOND_FIELD = 0x20000

cdef set used_ids = set()

_decoders = weakref.WeakSet()


cdef void *report_loop(void *argument) noexcept nogil:
    """Run the callbacks of a channel: the thread that the library reports to."""
    cdef DecoderState *state = <DecoderState *>argument
    bind(state.context)
    while not vdec_load(&state.stop) and not is_dead():
        # Until the channel subscribes this thread there is nothing to wait for.
        if abi.aclrtProcessReport(100) == abi.ACL_ERROR_RT_THREAD_SUBSCRIBE:
            pause()
    return NULL


cdef void frame_done(acldvppStreamDesc *packet, acldvppPicDesc *picture,
                     void *argument) noexcept nogil:
    cdef Job *job = <Job *>argument
    cdef DecoderState *state = job.owner
    job.code = abi.acldvppGetPicDescRetCode(picture)
    job.next = NULL
    vdec_lock(state.mutex)
    if state.last == NULL:
        state.first = job
    else:
        state.last.next = job
    state.last = job
    vdec_signal(state.mutex)
    vdec_unlock(state.mutex)


@cython.final
@cython.no_gc_clear
cdef class VideoDecoder:
    """Decodes H.264 or H.265 packets into pictures, in display order.

    Packets are complete frames with start codes (Annex B). Results are reported to a native thread
    that never needs the GIL.

    Parameters
    ----------
    device : Device or Context
    codec : {'h264', 'h265', 'hevc'}
    width, height : int, optional
        Of the pictures: the stream's size, or another one to scale to. Needed without a pool.
    format : {'nv12', 'nv21', 'rgb', 'bgr'}
    pool : PicturePool, optional
        Where pictures come from; one that grows by default. A pool that blocks limits how many
        pictures exist, and must have more than the stream reorders.

    Attributes
    ----------
    device : Context
    codec : str
    pool : PicturePool
    damaged : int
        Packets that gave no whole picture, and were left out.
    """

    def __init__(self, Context device not None, str codec="h264", *, width=None, height=None,
                 format="nv12", PicturePool pool=None):
        if self.state != NULL or self.jobs is not None:
            raise TypeError("a decoder is set up once")
        device.check_open()
        if codec not in CODECS:
            raise ValueError(f"codec is one of {', '.join(CODECS)}, not {codec!r}")
        self.channel_id = -1
        self.jobs = []
        self.pending = {}
        self.lock = threading.Lock()
        self.device = device
        self.codec = codec
        self.own_pool = pool is None
        if pool is None:
            if width is None or height is None:
                raise ValueError("give width and height of the pictures, or a pool")
            pool = PicturePool(device, width, height, format, count=0, exhausted="grow")
        pool.check_open()
        self.pool = pool
        self.state = <DecoderState *>calloc(1, sizeof(DecoderState))
        if self.state == NULL:
            raise MemoryError()
        self.state.context = context_retain(device._state)
        try:
            self.start(CODECS[codec], pool._format)
        except BaseException:
            self.close()
            raise

    cdef int start(self, int stream_format, int pixel_format) except -1:
        """Start the report thread and create the channel. C function: aclvdecCreateChannel."""
        cdef DecoderState *state = self.state
        cdef aclError code
        state.mutex = vdec_sync_new()
        if state.mutex == NULL:
            raise MemoryError()
        if vdec_start(state.mutex, report_loop, state) != 0:
            raise MemoryError("no thread could be started for the decoder's reports")
        state.thread = state.mutex
        enter(state.context)
        self.channel = abi.aclvdecCreateChannelDesc()
        self.config = abi.aclvdecCreateFrameConfig()
        if self.channel == NULL or self.config == NULL:
            raise MemoryError("aclvdecCreateChannelDesc gave no description")
        self.channel_id = min(set(range(LARGEST_ID + 1)) - used_ids, default=-1)
        if self.channel_id < 0:
            raise RuntimeError(f"{LARGEST_ID + 1} decoders are open: close one")
        used_ids.add(self.channel_id)
        abi.aclvdecSetChannelDescChannelId(self.channel, <uint32_t>self.channel_id)
        abi.aclvdecSetChannelDescThreadId(self.channel, <uint64_t>vdec_thread(state.thread))
        abi.aclvdecSetChannelDescCallback(self.channel, <aclvdecCallback>frame_done)
        abi.aclvdecSetChannelDescEnType(self.channel, <acldvppStreamFormat>stream_format)
        check(abi.aclvdecSetChannelDescOutPicFormat(self.channel,
                                                    <acldvppPixelFormat>pixel_format),
              b"aclvdecSetChannelDescOutPicFormat")
        with nogil:
            code = abi.aclvdecCreateChannel(self.channel)
        check(code, b"aclvdecCreateChannel")
        self.created = True
        _decoders.add(self)
        return 0

    def __dealloc__(self):
        self.release()

    cdef int release(self) except -1:
        cdef DecoderState *state = self.state
        cdef Job *job
        self.state = NULL
        if state == NULL:
            return 0
        while self.receiving:
            with nogil:
                pause()
        with nogil:
            if not is_dead() and bind(state.context) == 0:
                # Waits for what is in flight; its callbacks still need the thread.
                if self.created:
                    abi.aclvdecDestroyChannel(self.channel)
                if self.channel != NULL:
                    abi.aclvdecDestroyChannelDesc(self.channel)
                if self.config != NULL:
                    abi.aclvdecDestroyFrameConfig(self.config)
            vdec_store(&state.stop, 1)
            if state.thread != NULL:
                vdec_join(state.thread)
        self.channel = NULL
        self.config = NULL
        self.created = False
        for address in self.jobs:
            job = <Job *><uintptr_t>address
            if job.packet != NULL and not is_dead():
                abi.acldvppDestroyStreamDesc(job.packet)
            with nogil:
                block_release(job.memory)
            free(job)
        self.jobs = []
        self.pending = {}
        used_ids.discard(self.channel_id)
        vdec_sync_free(state.mutex)
        with nogil:
            context_release(state.context)
        free(state)
        return 0

    cdef int check_open(self) except -1:
        if self.state == NULL:
            raise ClosedError("the decoder is closed")
        return 0

    cdef Job *take_job(self, size_t nbytes) except NULL:
        """Return a job whose packet memory holds ``nbytes``."""
        cdef Job *job = self.state.idle
        cdef Block *old
        if job == NULL:
            job = <Job *>calloc(1, sizeof(Job))
            if job == NULL:
                raise MemoryError()
            job.owner = self.state
            job.index = len(self.jobs)
            job.packet = abi.acldvppCreateStreamDesc()
            if job.packet == NULL:
                free(job)
                raise MemoryError("acldvppCreateStreamDesc gave no description")
            self.jobs.append(<uintptr_t>job)
        else:
            self.state.idle = job.next
        if nbytes and (job.memory == NULL or job.memory.nbytes < nbytes):
            old = job.memory
            job.memory = NULL
            with nogil:
                block_release(old)
            job.memory = block_allocate(self.state.context, nbytes + nbytes // 2, KIND_DVPP)
        return job

    cdef int fill(self, Job *job, object data) except -1:
        """Bring a packet into device memory; compressed, this is the only copy there is."""
        cdef const unsigned char[::1] packet = data
        cdef size_t nbytes = <size_t>packet.shape[0]
        cdef const void *source = &packet[0]
        cdef bint unified = is_unified()
        cdef aclError code = 0
        with nogil:
            if unified:
                memcpy(job.memory.address, source, nbytes)
            else:
                code = abi.aclrtMemcpy(job.memory.address, job.memory.nbytes, <void *>source,
                                       nbytes, <aclrtMemcpyKind>1)
        check(code, b"aclrtMemcpy")
        abi.acldvppSetStreamDescData(job.packet, job.memory.address)
        abi.acldvppSetStreamDescSize(job.packet, <uint32_t>nbytes)
        abi.acldvppSetStreamDescEos(job.packet, 0)
        return 0

    cdef int send_job(self, Job *job, acldvppPicDesc *picture) except -1:
        cdef aclError code
        with nogil:
            code = abi.aclvdecSendFrame(self.channel, job.packet, picture, self.config, job)
        return check(code, b"aclvdecSendFrame")

    def send(self, packet, pts=None):
        """Queue one packet; blocks, with the GIL released, while the channel is full.

        C function: aclvdecSendFrame.

        Parameters
        ----------
        packet : bytes-like
            One complete frame in Annex B.
        pts : object, optional
            Given to the picture.
        """
        cdef Image image
        cdef Job *job
        view = memoryview(packet).cast("B")
        if not len(view):
            raise ValueError("the packet is empty: flush() ends the stream")
        self.check_open()
        image = self.pool.take(-1.0)
        image.pts = pts
        with self.lock:
            self.check_open()
            enter(self.state.context)
            job = self.take_job(<size_t>len(view))
            try:
                self.fill(job, view)
                self.pending[job.index] = image
                self.send_job(job, image.desc.handle)
            except BaseException:
                self.pending.pop(job.index, None)
                job.next = self.state.idle
                self.state.idle = job
                raise

    def flush(self):
        """End the stream: wait, with the GIL released, until every packet has its picture.

        Packets may be sent after it, beginning with a key frame.
        """
        cdef Job *job
        with self.lock:
            self.check_open()
            enter(self.state.context)
            job = self.take_job(0)
            abi.acldvppSetStreamDescData(job.packet, NULL)
            abi.acldvppSetStreamDescSize(job.packet, 0)
            abi.acldvppSetStreamDescEos(job.packet, 1)
            try:
                self.send_job(job, NULL)
            finally:
                job.next = self.state.idle
                self.state.idle = job

    cdef Job *next_done(self, double timeout) except? NULL:
        """Take the next finished job; NULL when there is none in time, or none on its way."""
        cdef DecoderState *state = self.state
        cdef double deadline = now() + timeout
        cdef Job *job
        while True:
            self.receiving += 1
            with nogil:
                vdec_lock(state.mutex)
                if state.first == NULL and timeout != 0:
                    vdec_wait(state.mutex)
                job = state.first
                if job != NULL:
                    state.first = job.next
                    if state.first == NULL:
                        state.last = NULL
                vdec_unlock(state.mutex)
            self.receiving -= 1
            # Another thread may have closed the decoder meanwhile, and waits to free the state.
            self.check_open()
            if job != NULL or timeout == 0 or not self.pending:
                return job
            PyErr_CheckSignals()
            self.check_open()
            if timeout >= 0 and now() >= deadline:
                return NULL

    def receive(self, timeout=0):
        """Return the next picture in display order; None when none is ready in time.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait, with the GIL released; None waits for ever, if anything is on its way.

        Returns
        -------
        Image or None
        """
        cdef Job *job
        cdef uint32_t code
        cdef double seconds = parse_timeout(timeout)
        while True:
            self.check_open()
            job = self.next_done(seconds)
            if job == NULL:
                return None
            code = job.code
            image = self.pending.pop(job.index)
            job.next = self.state.idle
            self.state.idle = job
            if code == 0 or code == SECOND_FIELD:
                return image
            self.damaged += 1

    def decode(self, packets):
        """Decode an iterable of packets; yield pictures in display order.

        Parameters
        ----------
        packets : iterable
            bytes-like packets, or pairs (packet, pts), as ``media.open_video()`` gives them.

        Yields
        ------
        Image
        """
        for item in packets:
            packet, pts = item if isinstance(item, tuple) else (item, None)
            # A pool that is used up gets pictures back from the consumer only.
            while self.pool.exhausted != "grow" and self.pool.idle == 0 \
                    and (image := self.receive(0.5)) is not None:
                yield image
                image = None
            self.send(packet, pts)
            while (image := self.receive()) is not None:
                yield image
                image = None
        self.flush()
        while (image := self.receive()) is not None:
            yield image

    def run(self, packets, callback):
        """Decode an iterable of packets; call ``callback(image)`` for each picture.

        What the callback raises ends the decoding and is raised here; the decoder stays usable.
        """
        try:
            for image in self.decode(packets):
                callback(image)
        except BaseException:
            self.reset()
            raise

    def reset(self):
        """Finish what is on its way and throw its pictures away."""
        self.flush()
        while self.receive() is not None:
            pass

    async def decode_async(self, packets):
        """Decode in asyncio: an asynchronous iterator of pictures; ``packets`` may be one, too."""
        import asyncio
        loop = asyncio.get_running_loop()
        if hasattr(packets, "__aiter__"):
            async for item in packets:
                packet, pts = item if isinstance(item, tuple) else (item, None)
                await loop.run_in_executor(None, self.send, packet, pts)
                while (image := self.receive()) is not None:
                    yield image
        else:
            for item in packets:
                packet, pts = item if isinstance(item, tuple) else (item, None)
                await loop.run_in_executor(None, self.send, packet, pts)
                while (image := self.receive()) is not None:
                    yield image
        await loop.run_in_executor(None, self.flush)
        while (image := self.receive()) is not None:
            yield image

    @property
    def in_flight(self):
        """Packets sent whose pictures were not received."""
        return len(self.pending)

    @property
    def is_closed(self):
        """Whether the decoder was closed."""
        return self.state == NULL

    def close(self):
        """Wait for what is in flight and destroy the channel. Closing twice is harmless.

        C function: aclvdecDestroyChannel. The GIL is released.
        """
        if self.state == NULL:
            return
        with self.lock:
            self.release()
        if self.own_pool and self.pool is not None:
            self.pool.close()

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __repr__(self):
        if self.state == NULL:
            return "<acl_fast.media.VideoDecoder closed>"
        return (f"<acl_fast.media.VideoDecoder {self.codec} {self.pool.width}x{self.pool.height} "
                f"{len(self.pending)} in flight>")

    def __reduce__(self):
        raise TypeError("VideoDecoder cannot be pickled: it lives on a device")


def _finish_decoders():
    """Close what is open when the interpreter ends: the report threads must be gone by then."""
    for decoder in list(_decoders):
        decoder.close()


_runtime._exit_hooks.append(_finish_decoders)
