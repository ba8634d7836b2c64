"""Video channels of the first media interface: aclvdec* and aclvenc*.

Results are reported to the worker's thread, which loops on aclrtProcessReport.
"""

cimport cython
from libc.stdint cimport uint32_t, uint64_t

from acl_fast cimport abi
from acl_fast.abi cimport (
    aclError,
    acldvppPicDesc,
    acldvppPixelFormat,
    acldvppStreamDesc,
    acldvppStreamFormat,
    aclvdecCallback,
    aclvdecChannelDesc,
    aclvdecFrameConfig,
    aclvencCallback,
    aclvencChannelDesc,
    aclvencFrameConfig,
)
from acl_fast._channel cimport Port, VideoOptions
from acl_fast._errors cimport check
from acl_fast._picdesc cimport PicDesc
from acl_fast._runtime cimport bind, enter, is_dead
from acl_fast._timeline cimport pause
from acl_fast._worker cimport (
    Job,
    Worker,
    worker_copy_packet,
    worker_done,
    worker_join,
    worker_sent,
    worker_start,
    worker_stops,
    worker_thread,
    worker_unsent,
)

cdef enum:
    LARGEST_ID = 255
    SECOND_FIELD = 0x20000      # of an interlaced frame: not an error

cdef extern from *:
    """
    /* Numbers of the decoders that exist. They are taken with the GIL, and given back without: a
       daemon thread that closes a decoder must not ask for the GIL of an interpreter that ended. */
    static char acl_fast_used_ids[256];
    static int acl_fast_take_id(int id) {
        return !__atomic_exchange_n(&acl_fast_used_ids[id], 1, __ATOMIC_ACQUIRE);
    }
    static void acl_fast_give_id(int id) {
        __atomic_store_n(&acl_fast_used_ids[id], 0, __ATOMIC_RELEASE);
    }
    """
    bint take_id "acl_fast_take_id" (int number) noexcept nogil
    void give_id "acl_fast_give_id" (int number) noexcept nogil


cdef int free_id() noexcept nogil:
    """Take the least number that no decoder has; negative when there is none."""
    cdef int number
    for number in range(LARGEST_ID + 1):
        if take_id(number):
            return number
    return -1


cdef void *report_loop(void *argument) noexcept nogil:
    cdef Worker *worker = <Worker *>argument
    bind(worker.context)
    while not worker_stops(worker) and not is_dead():
        # Until the channel subscribes this thread there is nothing to wait for.
        if abi.aclrtProcessReport(100) == abi.ACL_ERROR_RT_THREAD_SUBSCRIBE:
            pause()
    return NULL


cdef void frame_decoded(acldvppStreamDesc *packet, acldvppPicDesc *picture,
                        void *argument) noexcept nogil:
    cdef Job *job = <Job *>argument
    job.code = abi.acldvppGetPicDescRetCode(picture)
    if job.code == SECOND_FIELD:
        job.code = 0
    worker_done(job)


cdef void frame_encoded(acldvppPicDesc *picture, acldvppStreamDesc *packet,
                        void *argument) noexcept nogil:
    """Take the packet out of the library's memory, which lives as long as this call."""
    cdef Job *job = <Job *>argument
    cdef void *source = abi.acldvppGetStreamDescData(packet)
    job.code = abi.acldvppGetStreamDescRetCode(packet)
    if job.code == 0 and source != NULL:
        worker_copy_packet(job, source, abi.acldvppGetStreamDescSize(packet))
    worker_done(job)


@cython.final
cdef class DecoderPortV1(Port):
    """aclvdec*; internal."""
    cdef aclvdecChannelDesc *channel
    cdef aclvdecFrameConfig *config
    cdef bint created
    cdef int channel_id

    def __cinit__(self):
        self.channel_id = -1

    cdef int open(self, const VideoOptions *options) except -1:
        """C function: aclvdecCreateChannel."""
        cdef int stream_format = 3 if not options.hevc else 0
        cdef aclError code
        worker_start(self.worker, report_loop)
        enter(self.worker.context)
        self.channel = abi.aclvdecCreateChannelDesc()
        self.config = abi.aclvdecCreateFrameConfig()
        if self.channel == NULL or self.config == NULL:
            raise MemoryError("aclvdecCreateChannelDesc gave no description")
        self.channel_id = free_id()
        if self.channel_id < 0:
            raise RuntimeError(f"{LARGEST_ID + 1} decoders are open: close one")
        abi.aclvdecSetChannelDescChannelId(self.channel, <uint32_t>self.channel_id)
        abi.aclvdecSetChannelDescThreadId(self.channel, <uint64_t>worker_thread(self.worker))
        abi.aclvdecSetChannelDescCallback(self.channel, <aclvdecCallback>frame_decoded)
        abi.aclvdecSetChannelDescEnType(self.channel, <acldvppStreamFormat>stream_format)
        check(abi.aclvdecSetChannelDescOutPicFormat(self.channel,
                                                    <acldvppPixelFormat>options.format),
              b"aclvdecSetChannelDescOutPicFormat")
        with nogil:
            code = abi.aclvdecCreateChannel(self.channel)
        check(code, b"aclvdecCreateChannel")
        self.created = True
        return 0

    cdef int send_packet(self, Job *job, PicDesc picture) except -1:
        """C function: aclvdecSendFrame."""
        cdef acldvppStreamDesc *packet = <acldvppStreamDesc *>job.desc
        if packet == NULL:
            packet = abi.acldvppCreateStreamDesc()
            if packet == NULL:
                raise MemoryError("acldvppCreateStreamDesc gave no description")
            job.desc = packet
        abi.acldvppSetStreamDescData(packet, job.memory.address)
        abi.acldvppSetStreamDescSize(packet, <uint32_t>job.nbytes)
        return self.send(packet, picture.v1(), job)

    cdef int send(self, acldvppStreamDesc *packet, acldvppPicDesc *picture, Job *job) except -1:
        cdef aclError code
        with nogil:
            if job != NULL:
                worker_sent(self.worker)
            code = abi.aclvdecSendFrame(self.channel, packet, picture, self.config, job)
            if code != 0 and job != NULL:
                worker_unsent(self.worker)
        return check(code, b"aclvdecSendFrame")

    cdef int finish(self) except -1:
        """Send the end of the stream; the call returns when every picture was reported."""
        cdef acldvppStreamDesc *end = abi.acldvppCreateStreamDesc()
        if end == NULL:
            raise MemoryError("acldvppCreateStreamDesc gave no description")
        abi.acldvppSetStreamDescEos(end, 1)
        try:
            self.send(end, NULL, NULL)
        finally:
            abi.acldvppDestroyStreamDesc(end)
        return 0

    cdef void forget(self, Job *job) noexcept nogil:
        abi.acldvppDestroyStreamDesc(<acldvppStreamDesc *>job.desc)
        job.desc = NULL

    cdef void destroy(self) noexcept nogil:
        # Waits for what is in flight; its callbacks still need the thread.
        if self.created:
            abi.aclvdecDestroyChannel(self.channel)
        if self.channel != NULL:
            abi.aclvdecDestroyChannelDesc(self.channel)
        if self.config != NULL:
            abi.aclvdecDestroyFrameConfig(self.config)
        worker_join(self.worker)
        self.created = False
        self.channel = NULL
        self.config = NULL
        if self.channel_id >= 0:
            give_id(self.channel_id)
        self.channel_id = -1


@cython.final
cdef class EncoderPortV1(Port):
    """aclvenc*; internal."""
    cdef aclvencChannelDesc *channel
    cdef aclvencFrameConfig *config
    cdef bint created

    cdef int open(self, const VideoOptions *options) except -1:
        """C function: aclvencCreateChannel."""
        cdef aclError code
        worker_start(self.worker, report_loop)
        enter(self.worker.context)
        self.channel = abi.aclvencCreateChannelDesc()
        self.config = abi.aclvencCreateFrameConfig()
        if self.channel == NULL or self.config == NULL:
            raise MemoryError("aclvencCreateChannelDesc gave no description")
        abi.aclvencSetChannelDescThreadId(self.channel, <uint64_t>worker_thread(self.worker))
        abi.aclvencSetChannelDescCallback(self.channel, <aclvencCallback>frame_encoded)
        abi.aclvencSetChannelDescEnType(
            self.channel, <acldvppStreamFormat>(0 if options.hevc else options.profile + 1))
        abi.aclvencSetChannelDescPicFormat(self.channel, <acldvppPixelFormat>options.format)
        abi.aclvencSetChannelDescPicWidth(self.channel, options.width)
        abi.aclvencSetChannelDescPicHeight(self.channel, options.height)
        abi.aclvencSetChannelDescKeyFrameInterval(self.channel, options.gop)
        check(abi.aclvencSetChannelDescRcMode(self.channel, 2 if options.constant else 1),
              b"aclvencSetChannelDescRcMode")
        abi.aclvencSetChannelDescSrcRate(self.channel, options.rate)
        abi.aclvencSetChannelDescMaxBitRate(self.channel, options.bitrate)
        with nogil:
            code = abi.aclvencCreateChannel(self.channel)
        check(code, b"aclvencCreateChannel")
        self.created = True
        return 0

    cdef int send_picture(self, Job *job, PicDesc picture, bint key) except -1:
        """C function: aclvencSendFrame."""
        abi.aclvencSetFrameConfigForceIFrame(self.config, key)
        return self.send(picture.v1(), job)

    cdef int send(self, acldvppPicDesc *picture, Job *job) except -1:
        cdef aclError code
        with nogil:
            if job != NULL:
                worker_sent(self.worker)
            code = abi.aclvencSendFrame(self.channel, picture, NULL, self.config, job)
            if code != 0 and job != NULL:
                worker_unsent(self.worker)
        return check(code, b"aclvencSendFrame")

    cdef int finish(self) except -1:
        """Send the end of the stream; the call returns when every packet was reported."""
        abi.aclvencSetFrameConfigForceIFrame(self.config, 0)
        abi.aclvencSetFrameConfigEos(self.config, 1)
        try:
            self.send(NULL, NULL)
        finally:
            abi.aclvencSetFrameConfigEos(self.config, 0)
        return 0

    cdef void destroy(self) noexcept nogil:
        # Waits for what is in flight; its callbacks still need the thread.
        if self.created:
            abi.aclvencDestroyChannel(self.channel)
        if self.channel != NULL:
            abi.aclvencDestroyChannelDesc(self.channel)
        if self.config != NULL:
            abi.aclvencDestroyFrameConfig(self.config)
        worker_join(self.worker)
        self.created = False
        self.channel = NULL
        self.config = NULL
