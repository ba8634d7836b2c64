"""Video decoding."""

cimport cython
from libc.stddef cimport size_t
from libc.string cimport memcpy

from acl_fast cimport abi
from acl_fast.abi cimport aclError, aclrtMemcpyKind
from acl_fast._block cimport KIND_DVPP, KIND_HIMPI, Block, block_allocate, block_release
from acl_fast._channel cimport Job, VideoChannel, VideoOptions
from acl_fast._device cimport Context
from acl_fast._errors cimport check
from acl_fast._image cimport Image
from acl_fast._pool cimport PicturePool
from acl_fast._runtime cimport enter
from acl_fast._timeline cimport now, parse_timeout
from acl_fast._worker cimport worker_has_done

from acl_fast._media_interface import choose_interface, memory_kind
from acl_fast.errors import AclTimeoutError

CODECS = {"h264": False, "hevc": True, "h265": True}

# Seconds without any result after which a decoder that holds its whole pool will never go on.
STARVED_AFTER = 2.0


@cython.final
@cython.no_gc_clear
cdef class VideoDecoder(VideoChannel):
    """Decodes H.264 or H.265 packets into pictures, in display order.

    Packets are complete frames with start codes (Annex B). Results come to a native thread that
    never needs the GIL.

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
    interface : {'v1', 'v2'}, optional
        acldvpp or hi_mpi; by default what the device has, V1 where it has both.
    source_size : (int, int), optional
        Largest frames of the stream, for which V2 reserves memory; by default the pictures' size.

    Attributes
    ----------
    device : Context
    codec : str
    interface : str
        'v1' or 'v2'.
    pool : PicturePool
    damaged : int
        Packets that gave no whole picture, and were left out.
    """

    def __init__(self, Context device not None, str codec="h264", *, width=None, height=None,
                 format="nv12", PicturePool pool=None, interface=None, source_size=None):
        cdef VideoOptions options
        if self.jobs is not None:
            raise TypeError("a decoder is set up once")
        device.check_open()
        if codec not in CODECS:
            raise ValueError(f"codec is one of {', '.join(CODECS)}, not {codec!r}")
        interface = choose_interface(device, interface, "aclvdecCreateChannel")
        self.own_pool = pool is None
        if pool is None:
            if width is None or height is None:
                raise ValueError("give width and height of the pictures, or a pool")
            pool = PicturePool(device, width, height, format, count=0, exhausted="grow",
                               kind=memory_kind(interface))
        pool.check_open()
        self.pool = pool
        options.hevc = CODECS[codec]
        options.format = pool._format
        options.width, options.height = source_size or (pool.width, pool.height)
        self.set_up(device, codec, interface, False)
        try:
            self.port.open(&options)
        except BaseException:
            self.close()
            raise

    cdef int take_memory(self, Job *job, size_t nbytes) except -1:
        """Give the job room for a packet."""
        cdef Block *old = job.memory
        if old != NULL and old.nbytes >= nbytes:
            return 0
        job.memory = NULL
        with nogil:
            block_release(old)
        job.memory = block_allocate(self.worker.context, nbytes + nbytes // 2,
                                    KIND_HIMPI if self.interface == "v2" else KIND_DVPP)
        return 0

    cdef int fill(self, Job *job, object data) except -1:
        """Bring a packet into device memory; compressed, this is the only copy there is."""
        cdef const unsigned char[::1] packet = data
        cdef const void *source = &packet[0]
        cdef bint unified = self.worker.unified
        cdef aclError code = 0
        job.nbytes = <size_t>packet.shape[0]
        self.take_memory(job, job.nbytes)
        with nogil:
            if unified:
                memcpy(job.memory.address, source, job.nbytes)
            else:
                code = abi.aclrtMemcpy(job.memory.address, job.memory.nbytes, <void *>source,
                                       job.nbytes, <aclrtMemcpyKind>1)
        return check(code, b"aclrtMemcpy")

    cdef bint holds_all(self) noexcept:
        """Whether the pictures of the pool are all on their way through this channel."""
        return len(self.pending) == self.pool.state.total and not worker_has_done(self.worker)

    cdef Image take_picture(self):
        """Take a picture of the pool; refuse to wait for one that this decoder holds itself."""
        if self.pool.exhausted != "block":
            return self.pool.take(-1.0)
        while True:
            try:
                return self.pool.take(0.1)
            except AclTimeoutError:
                self.check_open()
                if not self.holds_all():
                    self.quiet_since = now()
                elif now() - self.quiet_since > STARVED_AFTER:
                    raise RuntimeError(
                        f"the decoder holds all {self.pool.total} pictures of its pool and needs "
                        "more to put the frames of this stream in order: make a larger pool, or "
                        "one with exhausted='grow'"
                    ) from None

    def send(self, packet, pts=None):
        """Queue one packet; blocks, with the GIL released, while the channel is full.

        C functions: aclvdecSendFrame, hi_mpi_vdec_send_stream.

        Parameters
        ----------
        packet : bytes-like
            One complete frame in Annex B.
        pts : object, optional
            Given to the picture.

        Raises
        ------
        RuntimeError
            The pool blocks and has too few pictures for the order of the stream's frames.
        """
        cdef Image image
        cdef Job *job
        view = memoryview(packet).cast("B")
        if not len(view):
            raise ValueError("the packet is empty: flush() ends the stream")
        self.check_open()
        image = self.take_picture()
        image.pts = pts
        with self.lock:
            self.check_open()
            enter(self.worker.context)
            job = self.take_job()
            try:
                self.fill(job, view)
                self.pending[job.index] = image
                self.flushed = False
                self.port.send_packet(job, image.desc)
                self.quiet_since = now()
            except BaseException:
                self.give_back(job)
                raise

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
        cdef double seconds = parse_timeout(timeout)
        while True:
            self.check_open()
            job = self.next_done(seconds)
            if job == NULL:
                return None
            failed = job.code != 0
            image = self.pending[job.index]
            self.give_back(job)
            self.quiet_since = now()
            if not failed:
                return image
            self.damaged += 1

    def decode(self, packets):
        """Decode an iterable of packets; yield pictures in display order.

        Parameters
        ----------
        packets : iterable
            bytes-like packets, pairs (packet, pts), as ``media.open_video()`` gives them, or what
            a ``VideoEncoder`` makes.

        Yields
        ------
        Image
        """
        return self._results(packets)

    def decode_async(self, packets):
        """Decode in asyncio: an asynchronous iterator of pictures; ``packets`` may be one, too."""
        return self._results_async(packets)

    def _send_item(self, item):
        packet, pts = with_time(item)
        self.send(packet, pts)

    cdef bint must_receive(self):
        # A pool that is used up gets pictures back from the consumer only. When the channel gives
        # nothing either, send() says what is wrong.
        return (self.pool.exhausted != "grow" and self.pool.idle == 0 and len(self.pending) > 0
                and (worker_has_done(self.worker) or now() - self.quiet_since < STARVED_AFTER))

    def close(self):
        """Wait for what is in flight and destroy the channel. Closing twice is harmless.

        C functions: aclvdecDestroyChannel, hi_mpi_vdec_destroy_chn. The GIL is released.
        """
        VideoChannel.close(self)
        if self.own_pool and self.pool is not None:
            self.pool.close()

    def __repr__(self):
        if self.worker == NULL:
            return "<acl_fast.media.VideoDecoder closed>"
        return (f"<acl_fast.media.VideoDecoder {self.codec} {self.pool.width}x{self.pool.height} "
                f"{len(self.pending)} in flight>")


cdef tuple with_time(object item):
    """(packet, pts) of what an iterable of packets gives."""
    return item if isinstance(item, tuple) else (item, getattr(item, "pts", None))
