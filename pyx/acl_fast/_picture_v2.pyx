"""Pictures through the second media interface: hi_mpi_vpc_*, and JPEG and PNG files.

Channels are no part of streams: a task is given to the channel and waited for. A Vpc on a stream
has a lane do that. Else these ports `wait`: their callers see to it that the stream has nothing to
do, and what comes back is done.
"""

cimport cython
from libc.stdint cimport int32_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from acl_fast cimport abi
from acl_fast.abi cimport (
    aclError,
    hi_img_info,
    hi_img_stream,
    hi_pic_info,
    hi_pixel_format,
    hi_pngd_chn_attr,
    hi_u32,
    hi_vdec_chn_attr,
    hi_vdec_pic_info,
    hi_vdec_stream,
    hi_vdec_supplement_info,
    hi_venc_chn_attr,
    hi_venc_jpeg_param,
    hi_venc_pack,
    hi_venc_start_param,
    hi_venc_stream,
    hi_video_frame_info,
    hi_vpc_chn_attr,
    hi_vpc_crop_region,
    hi_vpc_crop_region_info,
    hi_vpc_crop_resize_paste_region,
    hi_vpc_crop_resize_region,
    hi_vpc_pic_info,
)
from acl_fast._block cimport Block
from acl_fast._errors cimport check
from acl_fast._himpi cimport (
    create_at_free_number,
    create_pngd,
    create_vdec,
    create_venc,
    fill_frame,
    fill_packet,
    fill_target,
)
from acl_fast._jpeg cimport StillPort
from acl_fast._lane cimport Lane, open_lane
from acl_fast._picdesc cimport PicDesc
from acl_fast._vpc cimport Area, VpcPort

from acl_fast.errors import error_from_code

cdef enum:
    FOR_EVER = -1
    LARGEST_FILE = 8192         # pixels on a side
    NEAREST = 2                 # in INTERPOLATIONS of the Vpc; hi_mpi's own number is 1


# ---- scaling, cutting, converting ----

cdef hi_vpc_pic_info info_of(PicDesc picture) noexcept:
    cdef hi_vpc_pic_info info
    info.picture_address = picture.buffer.address
    info.picture_buffer_size = <hi_u32>picture.buffer.nbytes
    info.picture_width = picture.width
    info.picture_height = picture.height
    info.picture_width_stride = picture.stride_width
    info.picture_height_stride = picture.stride_height
    info.picture_format = <hi_pixel_format>picture.format
    return info


cdef hi_vpc_crop_region region_of(const Area *area) noexcept:
    cdef hi_vpc_crop_region region
    region.top_offset = area.top
    region.left_offset = area.left
    region.crop_width = area.width
    region.crop_height = area.height
    return region


cdef enum Operation:
    RESIZE
    CROP
    CROP_RESIZE
    PASTE
    CONVERT
    BATCH

# One call with all that it points to, so that another thread can make it later; from calloc().
cdef struct Call:
    Operation operation
    int32_t channel
    hi_vpc_pic_info source
    hi_vpc_pic_info target          # of what has no region
    hi_vpc_crop_resize_paste_region region
    hi_u32 interpolation
    # Of batches; they lie behind the call.
    hi_u32 number
    hi_vpc_pic_info *sources
    const hi_vpc_pic_info **pointers
    hi_vpc_crop_resize_paste_region *regions
    hi_u32 *counts


cdef Call *new_call(Operation operation, int32_t channel, size_t sources,
                    size_t regions) except NULL:
    cdef size_t nbytes = sizeof(Call)
    nbytes += sources * (sizeof(hi_vpc_pic_info) + sizeof(void *) + sizeof(hi_u32))
    nbytes += regions * sizeof(hi_vpc_crop_resize_paste_region)
    cdef Call *call = <Call *>calloc(1, nbytes)
    if call == NULL:
        raise MemoryError()
    call.operation = operation
    call.channel = channel
    call.number = <hi_u32>sources
    # Pointers need the largest alignment: numbers come last.
    call.sources = <hi_vpc_pic_info *>(call + 1)
    call.pointers = <const hi_vpc_pic_info **>(call.sources + sources)
    call.regions = <hi_vpc_crop_resize_paste_region *>(call.pointers + sources)
    call.counts = <hi_u32 *>(call.regions + regions)
    return call


cdef int32_t crop(Call *call, hi_u32 *task) noexcept nogil:
    cdef hi_vpc_crop_region_info region
    region.dest_pic_info = call.region.dest_pic_info
    region.crop_region = call.region.crop_region
    return abi.hi_mpi_vpc_crop(call.channel, &call.source, &region, 1, task, FOR_EVER)


cdef int32_t crop_resize(Call *call, hi_u32 *task) noexcept nogil:
    cdef hi_vpc_crop_resize_region region
    region.dest_pic_info = call.region.dest_pic_info
    region.crop_region = call.region.crop_region
    region.resize_info = call.region.resize_info
    return abi.hi_mpi_vpc_crop_resize(call.channel, &call.source, &region, 1, task, FOR_EVER)


cdef int32_t run_call(void *argument, const char **function) noexcept nogil:
    """Give a task to the channel and wait for it."""
    cdef Call *call = <Call *>argument
    cdef hi_u32 task = 0
    cdef int32_t code
    if call.operation == RESIZE:
        function[0] = b"hi_mpi_vpc_resize"
        code = abi.hi_mpi_vpc_resize(call.channel, &call.source, &call.target, 0, 0,
                                     call.interpolation, &task, FOR_EVER)
    elif call.operation == CROP:
        function[0] = b"hi_mpi_vpc_crop"
        code = crop(call, &task)
    elif call.operation == CROP_RESIZE:
        function[0] = b"hi_mpi_vpc_crop_resize"
        code = crop_resize(call, &task)
    elif call.operation == PASTE:
        function[0] = b"hi_mpi_vpc_crop_resize_paste"
        code = abi.hi_mpi_vpc_crop_resize_paste(call.channel, &call.source, &call.region, 1,
                                                &task, FOR_EVER)
    elif call.operation == CONVERT:
        function[0] = b"hi_mpi_vpc_convert_color"
        code = abi.hi_mpi_vpc_convert_color(call.channel, &call.source, &call.target, &task,
                                            FOR_EVER)
    else:
        function[0] = b"hi_mpi_vpc_batch_crop_resize_paste"
        code = abi.hi_mpi_vpc_batch_crop_resize_paste(
            call.channel, call.pointers, call.number, call.regions, call.counts, &task, FOR_EVER)
    if code != 0:
        return code
    return abi.hi_mpi_vpc_get_process_result(call.channel, task, FOR_EVER)


@cython.final
@cython.no_gc_clear
cdef class VpcPortV2(VpcPort):
    """hi_mpi_vpc_*; internal."""
    cdef int32_t channel
    cdef hi_u32 interpolation
    cdef Lane lane                  # None: calls wait

    def __cinit__(self):
        self.channel = -1
        self.waits = True

    cdef int open(self) except -1:
        """C function: hi_mpi_vpc_sys_create_chn."""
        cdef hi_vpc_chn_attr attr
        cdef abi.hi_vpc_chn channel = -1
        cdef int code
        memset(&attr, 0, sizeof(attr))
        with nogil:
            code = abi.hi_mpi_vpc_sys_create_chn(&channel, &attr)
            if <uint32_t>code == abi.HI_ERR_VPC_SYS_NOT_READY and abi.hi_mpi_sys_init() == 0:
                code = abi.hi_mpi_vpc_sys_create_chn(&channel, &attr)
        check(<aclError>code, b"hi_mpi_vpc_sys_create_chn")
        self.channel = channel
        if self.queues:
            self.lane = open_lane(self.stream._context, self.stream._timeline)
            self.waits = self.lane is None
        return 0

    cdef int set_interpolation(self, int code) except -1:
        # 'bilinear' is what it does by default.
        if code > NEAREST:
            raise ValueError("hi_mpi has the interpolations 'bilinear', which is its default, and "
                             "'nearest'")
        self.interpolation = code == NEAREST
        return 0

    cdef Call *call(self, Operation operation, PicDesc source) except NULL:
        cdef Call *call = new_call(operation, self.channel, 0, 0)
        call.source = info_of(source)
        call.interpolation = self.interpolation
        return call

    cdef hi_vpc_crop_resize_paste_region region(self, const Area *area, PicDesc target,
                                                const Area *place) noexcept:
        cdef hi_vpc_crop_resize_paste_region region
        region.dest_pic_info = info_of(target)
        region.crop_region = region_of(area)
        region.resize_info.resize_width = place.width
        region.resize_info.resize_height = place.height
        region.resize_info.interpolation = self.interpolation
        region.dest_top_offset = place.top
        region.dest_left_offset = place.left
        return region

    cdef object finish(self, Call *call, object keep):
        """Make a call here and wait for it, or where the stream is."""
        cdef int32_t code
        if self.lane is not None:
            self.lane.queue(run_call, call)
            return keep, self.lane
        with nogil:
            code = run_call(call, &self.function)
            free(call)
        check(<aclError>code, self.function)

    cdef object resize(self, PicDesc source, const Area *area, PicDesc target):
        cdef Area whole = Area(0, 0, target.width, target.height)
        cdef Call *call = self.call(RESIZE if area == NULL else CROP_RESIZE, source)
        if area == NULL:
            call.target = info_of(target)
        else:
            call.region = self.region(area, target, &whole)
        return self.finish(call, (source, target))

    cdef object crop(self, PicDesc source, const Area *area, PicDesc target):
        cdef Call *call = self.call(CROP, source)
        call.region = self.region(area, target, area)
        return self.finish(call, (source, target))

    cdef object paste(self, PicDesc source, const Area *area, PicDesc target, const Area *place):
        cdef Call *call = self.call(PASTE, source)
        call.region = self.region(area, target, place)
        return self.finish(call, (source, target))

    cdef object convert(self, PicDesc source, PicDesc target):
        cdef Call *call = self.call(CONVERT, source)
        call.target = info_of(target)
        return self.finish(call, (source, target))

    cdef object batch(self, list sources, list counts, const Area *areas, list targets):
        cdef Call *call = new_call(BATCH, self.channel, len(sources), len(targets))
        cdef PicDesc target
        cdef Area whole
        cdef size_t i
        for i in range(<size_t>len(sources)):
            call.sources[i] = info_of(sources[i])
            call.pointers[i] = &call.sources[i]
            call.counts[i] = counts[i]
        for i in range(<size_t>len(targets)):
            target = targets[i]
            whole = Area(0, 0, target.width, target.height)
            call.regions[i] = self.region(&areas[i], target, &whole)
        return self.finish(call, (sources, targets))

    cdef void close(self) noexcept:
        if self.lane is not None:
            self.lane.close()
        self.lane = None
        if self.channel >= 0:
            with nogil:
                abi.hi_mpi_vpc_destroy_chn(self.channel)
        self.channel = -1


# ---- still pictures ----

@cython.final
cdef class StillPortV2(StillPort):
    """hi_mpi_vdec_* and hi_mpi_venc_* of JPEG files, hi_mpi_pngd_*; internal."""
    cdef int32_t decoder            # -1: there is none
    cdef int32_t encoder
    cdef int32_t png                # made when the first PNG file comes
    cdef int quality                # that the encoder is set to

    def __cinit__(self):
        self.decoder = self.encoder = self.png = -1
        self.waits = True

    cdef int open(self, bint encodes) except -1:
        return self.open_encoder() if encodes else self.open_decoder()

    cdef int open_decoder(self) except -1:
        """C functions: hi_mpi_vdec_create_chn, hi_mpi_vdec_start_recv_stream."""
        cdef hi_vdec_chn_attr attr
        memset(&attr, 0, sizeof(attr))
        attr.type = abi.HI_PT_JPEG
        attr.mode = abi.HI_VDEC_SEND_MODE_FRAME
        attr.pic_width = attr.pic_height = LARGEST_FILE
        # The least that is documented; files may be larger.
        attr.stream_buf_size = LARGEST_FILE * LARGEST_FILE * 3 // 4
        self.decoder = create_at_free_number(
            create_vdec, &attr, abi.HI_ERR_VDEC_EXIST, abi.HI_ERR_VDEC_SYS_NOT_READY,
            b"hi_mpi_vdec_create_chn")
        return check(<aclError>abi.hi_mpi_vdec_start_recv_stream(self.decoder),
                     b"hi_mpi_vdec_start_recv_stream")

    cdef int open_encoder(self) except -1:
        """C functions: hi_mpi_venc_create_chn, hi_mpi_venc_start_chn."""
        cdef hi_venc_chn_attr attr
        cdef hi_venc_start_param start
        memset(&attr, 0, sizeof(attr))
        # Without a buffer of the channel's own, files go straight into the caller's memory.
        attr.venc_attr.type = abi.HI_PT_JPEG
        attr.venc_attr.max_pic_width = attr.venc_attr.pic_width = LARGEST_FILE
        attr.venc_attr.max_pic_height = attr.venc_attr.pic_height = LARGEST_FILE
        attr.venc_attr.is_by_frame = abi.HI_TRUE
        self.encoder = create_at_free_number(
            create_venc, &attr, abi.HI_ERR_VENC_EXIST, abi.HI_ERR_VENC_SYS_NOT_READY,
            b"hi_mpi_venc_create_chn")
        start.recv_pic_num = -1
        return check(<aclError>abi.hi_mpi_venc_start_chn(self.encoder, &start),
                     b"hi_mpi_venc_start_chn")

    cdef int open_png(self) except -1:
        """C function: hi_mpi_pngd_create_chn."""
        cdef hi_pngd_chn_attr attr
        if self.png < 0:
            memset(&attr, 0, sizeof(attr))
            self.png = create_at_free_number(
                create_pngd, &attr, abi.HI_ERR_PNGD_EXIST, abi.HI_ERR_PNGD_SYS_NOT_READY,
                b"hi_mpi_pngd_create_chn")
        return 0

    cdef int jpeg_size(self, const unsigned char *data, uint32_t nbytes, int format,
                       uint32_t *width, uint32_t *height) except -1:
        cdef hi_vdec_stream file
        cdef hi_img_info info
        fill_packet(&file, <void *>data, nbytes, 0)
        memset(&info, 0, sizeof(info))
        check(<aclError>abi.hi_mpi_vdec_get_jpegd_output_info(&file, <hi_pixel_format>format,
                                                              &info),
              b"hi_mpi_vdec_get_jpegd_output_info")
        width[0] = info.width
        height[0] = info.height
        return 0

    cdef int png_size(self, const unsigned char *data, uint32_t nbytes, uint32_t *width,
                      uint32_t *height) except -1:
        cdef hi_img_stream file = image_file(abi.HI_PT_PNG, <void *>data, nbytes)
        cdef hi_img_info info
        self.open_png()
        memset(&info, 0, sizeof(info))
        check(<aclError>abi.hi_mpi_png_get_image_info(&file, &info), b"hi_mpi_png_get_image_info")
        width[0] = info.width
        height[0] = info.height
        return 0

    cdef int decode_jpeg(self, Block *data, uint32_t nbytes, PicDesc target) except -1:
        cdef hi_vdec_stream file
        cdef hi_vdec_pic_info picture
        cdef hi_video_frame_info frame
        cdef hi_vdec_supplement_info supplement
        cdef int code
        fill_packet(&file, data.address, nbytes, 0)
        fill_target(&picture, target)
        with nogil:
            code = abi.hi_mpi_vdec_send_stream(self.decoder, &file, &picture, FOR_EVER)
        check(<aclError>code, b"hi_mpi_vdec_send_stream")
        with nogil:
            code = abi.hi_mpi_vdec_get_frame(self.decoder, &frame, &supplement, &file, FOR_EVER)
            if code == 0:
                abi.hi_mpi_vdec_release_frame(self.decoder, &frame)
        check(<aclError>code, b"hi_mpi_vdec_get_frame")
        if frame.v_frame.frame_flag != 0:
            raise error_from_code(
                <int32_t>abi.HI_ERR_VDEC_SYS_ERROR, "hi_mpi_vdec_get_frame",
                f"the file was not decoded (frame_flag {frame.v_frame.frame_flag})")
        return 0

    cdef int decode_png(self, Block *data, uint32_t nbytes, PicDesc target) except -1:
        cdef hi_img_stream file = image_file(abi.HI_PT_PNG, data.address, nbytes)
        cdef hi_pic_info picture
        cdef int code
        picture.picture_address = target.buffer.address
        picture.picture_buffer_size = <hi_u32>target.buffer.nbytes
        picture.picture_width = target.width
        picture.picture_height = target.height
        picture.picture_width_stride = target.stride_width
        picture.picture_height_stride = target.stride_height
        picture.picture_format = <hi_pixel_format>target.format
        with nogil:
            code = abi.hi_mpi_pngd_send_stream(self.png, &file, &picture, FOR_EVER)
        check(<aclError>code, b"hi_mpi_pngd_send_stream")
        with nogil:
            code = abi.hi_mpi_pngd_get_image_data(self.png, &picture, &file, FOR_EVER)
        return check(<aclError>code, b"hi_mpi_pngd_get_image_data")

    cdef uint32_t predict(self, PicDesc picture, int quality) except? 0:
        cdef hi_video_frame_info frame
        cdef hi_venc_jpeg_param param
        cdef hi_u32 size = 0
        fill_frame(&frame, picture, 0)
        check(<aclError>abi.hi_mpi_venc_get_jpeg_param(self.encoder, &param),
              b"hi_mpi_venc_get_jpeg_param")
        if self.quality != quality:
            param.qfactor = <hi_u32>quality
            check(<aclError>abi.hi_mpi_venc_set_jpeg_param(self.encoder, &param),
                  b"hi_mpi_venc_set_jpeg_param")
            self.quality = quality
        check(<aclError>abi.hi_mpi_venc_get_jpege_predicted_size(&frame, &param, &size),
              b"hi_mpi_venc_get_jpege_predicted_size")
        return size

    cdef uint32_t encode_jpeg(self, PicDesc picture, int quality, Block *data) except? 0:
        cdef hi_img_stream file = image_file(abi.HI_PT_JPEG, data.address, <uint32_t>data.nbytes)
        cdef hi_video_frame_info frame
        cdef hi_venc_stream stream
        cdef hi_venc_pack pack
        cdef int code
        fill_frame(&frame, picture, 0)
        memset(&stream, 0, sizeof(stream))
        stream.pack = &pack
        stream.pack_cnt = 1
        with nogil:
            code = abi.hi_mpi_venc_send_jpege_frame(self.encoder, &frame, &file, FOR_EVER)
        check(<aclError>code, b"hi_mpi_venc_send_jpege_frame")
        with nogil:
            code = abi.hi_mpi_venc_get_stream(self.encoder, &stream, FOR_EVER)
            if code == 0:
                abi.hi_mpi_venc_release_stream(self.encoder, &stream)
        check(<aclError>code, b"hi_mpi_venc_get_stream")
        return pack.len

    cdef void close(self) noexcept nogil:
        if self.decoder >= 0:
            abi.hi_mpi_vdec_stop_recv_stream(self.decoder)
            abi.hi_mpi_vdec_destroy_chn(self.decoder)
        if self.encoder >= 0:
            abi.hi_mpi_venc_stop_chn(self.encoder)
            abi.hi_mpi_venc_destroy_chn(self.encoder)
        if self.png >= 0:
            abi.hi_mpi_pngd_destroy_chn(self.png)
        self.decoder = self.encoder = self.png = -1


cdef hi_img_stream image_file(abi.hi_payload_type type, void *address, uint32_t nbytes) noexcept:
    cdef hi_img_stream file
    memset(&file, 0, sizeof(file))
    file.type = type
    file.addr = <abi.hi_u8 *>address
    file.len = <hi_u32>nbytes
    return file
