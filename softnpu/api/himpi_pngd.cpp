// PNG decoding of the second media interface.
#include "softnpu/api/himpi_pngd.hpp"

#include "softnpu/api/himpi_vpc.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/memory/memory.hpp"

using namespace softnpu;

namespace {

int find_channel(hi_pngd_chn chn, PngChannelRef &channel, bool take = false) {
    SOFTNPU_CHECK(check_pngd_chip());
    return PngChannel::find(chn, channel, take);
}

int check_wait(hi_s32 milliseconds) {
    if (milliseconds >= -1) return 0;
    return fail(pngd_error(HI_ERR_PNGD_ILLEGAL_PARAM),
                "milli_sec %d: want -1 (for ever), 0 (not at all) or more", milliseconds);
}

int take_job(const hi_img_stream *stream, const hi_pic_info *info, PngJob &job) {
    SOFTNPU_CHECK(check_pngd_pointer(stream, "stream"));
    SOFTNPU_CHECK(check_pngd_pointer(info, "png_pic_info"));
    SOFTNPU_CHECK(check_pngd_stream(*stream));
    SOFTNPU_CHECK(
        check_device_memory("stream", stream->addr, stream->len, pngd_error(HI_ERR_PNGD_BAD_ADDR)));
    job.stream = *stream;
    job.info = *info;
    const hi_pixel_format format = info->picture_format;
    if (format != HI_PIXEL_FORMAT_RGB_888 && format != HI_PIXEL_FORMAT_RGBA_8888 &&
        format != HI_PIXEL_FORMAT_UNKNOWN) {
        return fail(pngd_error(HI_ERR_PNGD_NOT_SUPPORT),
                    "picture_format %d: PNG files become RGB_888 (12) or RGBA_8888 (16)",
                    static_cast<int>(format));
    }
    SOFTNPU_CHECK(check_pngd_pointer(info->picture_address, "picture_address"));
    Picture probe;
    probe.data = static_cast<uint8_t *>(info->picture_address);
    probe.size = info->picture_buffer_size;
    const std::string why = check_picture_memory("the picture", probe);
    return why.empty() ? 0 : fail(pngd_error(HI_ERR_PNGD_BAD_ADDR), "%s", why.c_str());
}

}  // namespace

namespace softnpu {

int check_pngd_chip() {
    if (himpi_on_chip()) return 0;
    return fail(pngd_error(HI_ERR_PNGD_NOT_SUPPORT), "%s has no hi_mpi interface; use acldvppPng*",
                config().soc_name.c_str());
}

int check_pngd_pointer(const void *pointer, const char *name) {
    if (pointer != nullptr) return 0;
    return fail(pngd_error(HI_ERR_PNGD_NULL_PTR), "%s is NULL", name);
}

int check_pngd_stream(const hi_img_stream &stream) {
    SOFTNPU_CHECK(check_pngd_pointer(stream.addr, "addr"));
    if (stream.type != HI_PT_PNG) {
        return fail(pngd_error(HI_ERR_PNGD_NOT_SUPPORT), "type %d: want PNG (268)",
                    static_cast<int>(stream.type));
    }
    if (stream.len != 0) return 0;
    return fail(pngd_error(HI_ERR_PNGD_ILLEGAL_PARAM), "len is 0");
}

}  // namespace softnpu

extern "C" {

hi_s32 hi_mpi_pngd_create_chn(hi_pngd_chn chn, const hi_pngd_chn_attr *attr) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_pngd_chip());
        SOFTNPU_CHECK(check_pngd_pointer(attr, "attr"));
        return PngChannel::create(chn, attr->stream_que_cnt);
    });
}

hi_s32 hi_mpi_pngd_destroy_chn(hi_pngd_chn chn) {
    return guarded(__func__, [&] {
        PngChannelRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel, true));
        channel->close();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_pngd_send_stream(hi_pngd_chn chn, const hi_img_stream *stream,
                               hi_pic_info *png_pic_info, hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        PngChannelRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        SOFTNPU_CHECK(check_wait(milli_sec));
        PngJob job;
        SOFTNPU_CHECK(take_job(stream, png_pic_info, job));
        return channel->send(job, milli_sec);
    });
}

hi_s32 hi_mpi_pngd_get_image_data(hi_pngd_chn chn, hi_pic_info *png_pic_info, hi_img_stream *stream,
                                  hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        PngChannelRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        SOFTNPU_CHECK(check_pngd_pointer(png_pic_info, "png_pic_info"));
        SOFTNPU_CHECK(check_pngd_pointer(stream, "stream"));
        SOFTNPU_CHECK(check_wait(milli_sec));
        PngJob job;
        SOFTNPU_CHECK(channel->fetch(job, milli_sec));
        *png_pic_info = job.info;
        *stream = job.stream;
        if (job.why.empty()) return HI_SUCCESS;
        return fail(pngd_error(HI_ERR_PNGD_SYS_ERROR), "%s", job.why.c_str());
    });
}

}  // extern "C"
