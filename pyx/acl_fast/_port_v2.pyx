"""Video channels of the second media interface: hi_mpi_vdec_* and hi_mpi_venc_*.

Results are fetched by the worker's thread. A job's address travels as the time stamp of its packet
or picture; packets that only end a stream have none.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport uint32_t, uintptr_t
from libc.string cimport memset

from acl_fast cimport abi
from acl_fast.abi cimport (
    aclError,
    hi_u32,
    hi_vdec_chn_attr,
    hi_vdec_pic_info,
    hi_vdec_stream,
    hi_vdec_supplement_info,
    hi_venc_chn_attr,
    hi_venc_chn_status,
    hi_venc_pack,
    hi_venc_start_param,
    hi_venc_stream,
    hi_video_frame_info,
)
from acl_fast._channel cimport Port, VideoOptions
from acl_fast._errors cimport check
from acl_fast._himpi cimport (
    create_at_free_number,
    create_vdec,
    create_venc,
    fill_frame,
    fill_packet,
    fill_target,
)
from acl_fast._picdesc cimport PicDesc
from acl_fast._runtime cimport bind, enter, is_dead
from acl_fast._timeline cimport pause
from acl_fast._worker cimport (
    Job,
    Worker,
    worker_await_lap,
    worker_copy_packet,
    worker_done,
    worker_is_idle,
    worker_join,
    worker_next_lap,
    worker_sent,
    worker_start,
    worker_stops,
    worker_unsent,
)

cdef enum:
    SLICE_MS = 100              # how long calls wait before they look whether to stop

# ---- decoding ----

cdef void *fetch_frames(void *argument) noexcept nogil:
    cdef Worker *worker = <Worker *>argument
    cdef hi_video_frame_info frame
    cdef hi_vdec_supplement_info supplement
    cdef hi_vdec_stream packet
    cdef int code
    cdef Job *job
    bind(worker.context)
    while not worker_stops(worker) and not is_dead():
        code = abi.hi_mpi_vdec_get_frame(worker.channel, &frame, &supplement, &packet, SLICE_MS)
        if code != 0:
            if <uint32_t>code != abi.HI_ERR_VDEC_BUF_EMPTY:
                pause()
            continue
        job = <Job *><uintptr_t>packet.pts
        abi.hi_mpi_vdec_release_frame(worker.channel, &frame)
        if job != NULL:
            job.code = frame.v_frame.frame_flag
            worker_done(job)
    return NULL


@cython.final
cdef class DecoderPortV2(Port):
    """hi_mpi_vdec_*; internal."""

    cdef int open(self, const VideoOptions *options) except -1:
        """C functions: hi_mpi_vdec_create_chn, hi_mpi_vdec_start_recv_stream."""
        cdef hi_vdec_chn_attr attr
        memset(&attr, 0, sizeof(attr))
        attr.type = abi.HI_PT_H265 if options.hevc else abi.HI_PT_H264
        attr.mode = abi.HI_VDEC_SEND_MODE_FRAME
        attr.pic_width = options.width
        attr.pic_height = options.height
        attr.stream_buf_size = options.width * options.height * 3 // 2
        attr.video_attr.ref_frame_num = 16
        attr.video_attr.temporal_mvp_en = abi.HI_TRUE
        enter(self.worker.context)
        self.worker.channel = create_at_free_number(
            create_vdec, &attr, abi.HI_ERR_VDEC_EXIST, abi.HI_ERR_VDEC_SYS_NOT_READY,
            b"hi_mpi_vdec_create_chn")
        check(<aclError>abi.hi_mpi_vdec_start_recv_stream(self.worker.channel),
              b"hi_mpi_vdec_start_recv_stream")
        worker_start(self.worker, fetch_frames)
        return 0

    cdef int send_packet(self, Job *job, PicDesc picture) except -1:
        cdef hi_vdec_stream packet
        cdef hi_vdec_pic_info target
        fill_packet(&packet, job.memory.address, job.nbytes, <uintptr_t>job)
        fill_target(&target, picture)
        return self.send(&packet, &target, True)

    cdef int send(self, hi_vdec_stream *packet, hi_vdec_pic_info *target,
                  bint counts) except -1:
        """Send a packet, waiting with Ctrl-C seen while the channel is full."""
        cdef int code
        if counts:
            worker_sent(self.worker)
        while True:
            with nogil:
                code = abi.hi_mpi_vdec_send_stream(self.worker.channel, packet, target, SLICE_MS)
            if <uint32_t>code != abi.HI_ERR_VDEC_BUF_FULL:
                break
            PyErr_CheckSignals()
        if code != 0 and counts:
            worker_unsent(self.worker)
        return check(<aclError>code, b"hi_mpi_vdec_send_stream")

    cdef int finish(self) except -1:
        """Send the end of the stream and wait until every packet's frame was fetched."""
        cdef hi_vdec_stream packet
        cdef hi_vdec_pic_info target
        cdef bint idle = False
        memset(&packet, 0, sizeof(packet))
        memset(&target, 0, sizeof(target))
        packet.end_of_frame = abi.HI_TRUE
        packet.end_of_stream = abi.HI_TRUE
        self.send(&packet, &target, False)
        while not idle:
            with nogil:
                idle = worker_is_idle(self.worker)
            PyErr_CheckSignals()
        return 0

    cdef void destroy(self) noexcept nogil:
        worker_join(self.worker)
        if self.worker.channel >= 0:
            abi.hi_mpi_vdec_stop_recv_stream(self.worker.channel)
            abi.hi_mpi_vdec_destroy_chn(self.worker.channel)
        self.worker.channel = -1


# ---- encoding ----

cdef void *fetch_packets(void *argument) noexcept nogil:
    cdef Worker *worker = <Worker *>argument
    cdef hi_venc_stream stream
    cdef hi_venc_pack pack
    cdef int code
    cdef Job *job
    bind(worker.context)
    while not worker_stops(worker) and not is_dead():
        worker_next_lap(worker)
        memset(&stream, 0, sizeof(stream))
        stream.pack = &pack
        stream.pack_cnt = 1
        code = abi.hi_mpi_venc_get_stream(worker.channel, &stream, SLICE_MS)
        if code != 0:
            if <uint32_t>code != abi.HI_ERR_VENC_BUF_EMPTY:
                pause()
            continue
        job = <Job *><uintptr_t>pack.pts
        if job != NULL:
            job.code = 0
            worker_copy_packet(job, pack.addr + pack.offset, pack.len - pack.offset)
        abi.hi_mpi_venc_release_stream(worker.channel, &stream)
        if job != NULL:
            worker_done(job)
    return NULL


@cython.final
cdef class EncoderPortV2(Port):
    """hi_mpi_venc_*; internal."""

    cdef int open(self, const VideoOptions *options) except -1:
        """C functions: hi_mpi_venc_create_chn, hi_mpi_venc_start_chn."""
        cdef hi_venc_chn_attr attr
        cdef hi_venc_start_param start
        memset(&attr, 0, sizeof(attr))
        attr.venc_attr.type = abi.HI_PT_H265 if options.hevc else abi.HI_PT_H264
        attr.venc_attr.max_pic_width = attr.venc_attr.pic_width = options.width
        attr.venc_attr.max_pic_height = attr.venc_attr.pic_height = options.height
        attr.venc_attr.buf_size = options.width * options.height * 2
        attr.venc_attr.profile = 0 if options.hevc else <hi_u32>options.profile
        attr.venc_attr.is_by_frame = abi.HI_TRUE
        if options.constant:
            attr.rc_attr.rc_mode = (abi.HI_VENC_RC_MODE_H265_CBR if options.hevc
                                    else abi.HI_VENC_RC_MODE_H264_CBR)
        else:
            attr.rc_attr.rc_mode = (abi.HI_VENC_RC_MODE_H265_VBR if options.hevc
                                    else abi.HI_VENC_RC_MODE_H264_VBR)
        # All modes share the union's first members.
        attr.rc_attr.h264_vbr.gop = options.gop
        attr.rc_attr.h264_vbr.stats_time = 1
        attr.rc_attr.h264_vbr.src_frame_rate = options.rate
        attr.rc_attr.h264_vbr.dst_frame_rate = options.rate
        attr.rc_attr.h264_vbr.max_bit_rate = options.bitrate
        attr.gop_attr.gop_mode = abi.HI_VENC_GOP_MODE_NORMAL_P
        enter(self.worker.context)
        self.worker.channel = create_at_free_number(
            create_venc, &attr, abi.HI_ERR_VENC_EXIST, abi.HI_ERR_VENC_SYS_NOT_READY,
            b"hi_mpi_venc_create_chn")
        start.recv_pic_num = -1
        check(<aclError>abi.hi_mpi_venc_start_chn(self.worker.channel, &start),
              b"hi_mpi_venc_start_chn")
        worker_start(self.worker, fetch_packets)
        return 0

    cdef int send_picture(self, Job *job, PicDesc picture, bint key) except -1:
        """C functions: hi_mpi_venc_send_frame, hi_mpi_venc_request_idr."""
        cdef hi_video_frame_info frame
        cdef int code
        fill_frame(&frame, picture, <uintptr_t>job)
        if key:
            check(<aclError>abi.hi_mpi_venc_request_idr(self.worker.channel, abi.HI_FALSE),
                  b"hi_mpi_venc_request_idr")
        worker_sent(self.worker)
        while True:
            with nogil:
                code = abi.hi_mpi_venc_send_frame(self.worker.channel, &frame, SLICE_MS)
            if <uint32_t>code != abi.HI_ERR_VENC_BUF_FULL:
                break
            PyErr_CheckSignals()
        if code != 0:
            worker_unsent(self.worker)
        return check(<aclError>code, b"hi_mpi_venc_send_frame")

    cdef int finish(self) except -1:
        """Wait until every packet was fetched; a frame that has none gives up the wait."""
        cdef hi_venc_chn_status status
        cdef bint idle = False
        while not idle:
            with nogil:
                idle = worker_is_idle(self.worker)
            PyErr_CheckSignals()
            if idle or abi.hi_mpi_venc_query_status(self.worker.channel, &status) != 0:
                return 0
            if status.left_pics == 0 and status.left_stream_frames == 0:
                with nogil:
                    # What was fetched last may still be on its way here.
                    worker_await_lap(self.worker)
                return 0
        return 0

    cdef void destroy(self) noexcept nogil:
        worker_join(self.worker)
        if self.worker.channel >= 0:
            abi.hi_mpi_venc_stop_chn(self.worker.channel)
            abi.hi_mpi_venc_destroy_chn(self.worker.channel)
        self.worker.channel = -1
