// Video and JPEG decoding of the second media interface: packets in, the program's own buffers out.
#include "softnpu/api/himpi_vdec.hpp"

#include <cstring>

#include "softnpu/api/himpi_vpc.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/dvpp/chip.hpp"
#include "softnpu/dvpp/still.hpp"
#include "softnpu/memory/memory.hpp"

using namespace softnpu;

namespace {

int illegal(const char *text, unsigned value) {
    return fail(vdec_error(HI_ERR_VDEC_ILLEGAL_PARAM), text, value);
}

int channel_ids() {
    const bool is_small = chip_is("Ascend310B");
    return is_small ? HimpiDecoder::kChannels / 2 : HimpiDecoder::kChannels;
}

int check_id(hi_vdec_chn chn) {
    if (!himpi_on_chip()) {
        return fail(vdec_error(HI_ERR_VDEC_NOT_SUPPORT), "%s has no hi_mpi interface; use aclvdec*",
                    config().soc_name.c_str());
    }
    if (chn >= 0 && chn < channel_ids()) return 0;
    return fail(vdec_error(HI_ERR_VDEC_INVALID_CHN_ID), "channel %d: want 0 to %d", chn,
                channel_ids() - 1);
}

int check_wait(hi_s32 milliseconds) {
    if (milliseconds >= -1) return 0;
    return fail(vdec_error(HI_ERR_VDEC_ILLEGAL_PARAM),
                "milli_sec %d: want -1 (for ever), 0 (not at all) or more", milliseconds);
}

/// Sizes and strides of 0 are left to the decoder.
int take_video_target(const hi_vdec_pic_info &info, Picture &picture) {
    if ((info.width == 0) != (info.height == 0)) {
        return illegal("width 0 with a height, or the other way round: want both or neither %u",
                       info.width + info.height);
    }
    if (info.width == 0 || info.width_stride == 0 || info.height_stride == 0) return 0;
    const std::string why = check_geometry("the frame", picture);
    return why.empty() ? 0 : fail(vdec_error(HI_ERR_VDEC_ILLEGAL_PARAM), "%s", why.c_str());
}

/// The size is the file's; strides of 0 are left to the decoder.
int take_jpeg_target(const hi_vdec_pic_info &info, Picture &picture) {
    picture.width = picture.height = 0;
    if (info.width_stride % jpegd_row_step() != 0 || info.width_stride > 16384) {
        return illegal("width_stride %u: want a multiple of 64 up to 16384", info.width_stride);
    }
    if (info.height_stride % kStillRows != 0 || info.height_stride > 16384) {
        return illegal("height_stride %u: want a multiple of 16 up to 16384", info.height_stride);
    }
    if (info.offset_top == 0 && info.offset_bottom == 0 && info.offset_left == 0 &&
        info.offset_right == 0) {
        return 0;
    }
    return fail(vdec_error(HI_ERR_VDEC_NOT_SUPPORT),
                "regions of JPEG pictures are not decoded: set the offsets to 0 and crop with "
                "hi_mpi_vpc_crop");
}

int take_target(const HimpiDecoder &channel, const hi_vdec_pic_info &info, Picture &picture) {
    picture = {reinterpret_cast<uint8_t *>(info.vir_addr),
               info.buffer_size,
               static_cast<PixelFormat>(info.pixel_format),
               info.width,
               info.height,
               info.width_stride,
               info.height_stride};
    const bool keeps = channel.is_jpeg() && picture.format == HI_PIXEL_FORMAT_UNKNOWN;
    if (!keeps && format_info(picture.format) == nullptr) {
        return fail(vdec_error(HI_ERR_VDEC_NOT_SUPPORT), "pixel format %d", picture.format);
    }
    SOFTNPU_CHECK(channel.is_jpeg() ? take_jpeg_target(info, picture)
                                    : take_video_target(info, picture));
    Picture probe = picture;
    const std::string why = check_picture_memory("the frame", probe);
    return why.empty() ? 0 : fail(vdec_error(HI_ERR_VDEC_BAD_ADDR), "%s", why.c_str());
}

int take_packet(HimpiDecoder &channel, const hi_vdec_stream *stream, const hi_vdec_pic_info *info,
                VdecPacket &packet) {
    SOFTNPU_CHECK(check_vdec_pointer(stream, "stream"));
    SOFTNPU_CHECK(check_vdec_pointer(info, "vdec_pic_info"));
    packet.stream = *stream;
    packet.info = *info;
    if (stream->len == 0) {
        if (stream->end_of_stream != 0) return 0;
        return illegal("an empty packet needs end_of_stream, which is %u", stream->end_of_stream);
    }
    // A JPEG channel's buffer is none of the stream's: files of any size up to 1 GB come.
    const hi_u32 most = channel.is_jpeg() ? 1u << 30 : channel.attr().stream_buf_size;
    if (stream->len > most) return illegal("%u bytes are more than the buffer holds", stream->len);
    SOFTNPU_CHECK(
        check_device_memory("stream", stream->addr, stream->len, vdec_error(HI_ERR_VDEC_BAD_ADDR)));
    if (stream->need_display == 0 && !channel.is_jpeg()) return 0;
    return take_target(channel, *info, packet.target);
}

void describe(const VdecPacket &packet, bool is_jpeg, hi_video_frame_info &frame) {
    std::memset(&frame, 0, sizeof frame);
    frame.mod_id = is_jpeg ? HI_ID_JPEGD : HI_ID_VDEC;
    hi_video_frame &to = frame.v_frame;
    to.width = packet.info.width;
    to.height = packet.info.height;
    to.field = HI_VIDEO_FIELD_FRAME;
    to.pixel_format = packet.info.pixel_format;
    to.width_stride[0] = to.width_stride[1] = packet.info.width_stride;
    to.height_stride[0] = to.height_stride[1] = packet.info.height_stride;
    to.virt_addr[0] = reinterpret_cast<void *>(packet.info.vir_addr);
    to.pts = packet.stream.pts;
    to.frame_flag = packet.flag;
}

}  // namespace

namespace softnpu {

int find_vdec(hi_vdec_chn chn, HimpiDecoderRef &channel, bool take) {
    SOFTNPU_CHECK(check_id(chn));
    return HimpiDecoder::find(chn, channel, take);
}

int check_vdec_pointer(const void *pointer, const char *name) {
    if (pointer != nullptr) return 0;
    return fail(vdec_error(HI_ERR_VDEC_NULL_PTR), "%s is NULL", name);
}

int check_vdec_attr(const hi_vdec_chn_attr *attr) {
    SOFTNPU_CHECK(check_vdec_pointer(attr, "attr"));
    const bool is_jpeg = attr->type == HI_PT_JPEG;
    if (!is_jpeg && attr->type != HI_PT_H264 && attr->type != HI_PT_H265) {
        return fail(vdec_error(HI_ERR_VDEC_NOT_SUPPORT),
                    "payload type %d: want H.264 (96), H.265 (265) or JPEG (26)",
                    static_cast<int>(attr->type));
    }
    // A JPEG is a frame whatever the mode says: public programs leave 0 (stream) there.
    const bool is_jpeg_stream = is_jpeg && attr->mode == HI_VDEC_SEND_MODE_STREAM;
    if (attr->mode != HI_VDEC_SEND_MODE_FRAME && !is_jpeg_stream) {
        return illegal("mode %u: want HI_VDEC_SEND_MODE_FRAME (1)", attr->mode);
    }
    const bool is_large = is_jpeg && chip_is("Ascend310B");
    const hi_u32 most = is_large ? 16384 : 8192;
    const uint64_t least = uint64_t{attr->pic_width} * attr->pic_height * 3 / 4;
    if (attr->pic_width == 0 || attr->pic_width > most || attr->pic_height == 0 ||
        attr->pic_height > most) {
        return illegal("pic_width and pic_height: want 1 to %u", most);
    }
    // Programs give JPEG channels no more than their pictures take, which may be less than this.
    if (attr->stream_buf_size > 1u << 30 || (!is_jpeg && attr->stream_buf_size < least)) {
        return illegal("stream_buf_size %u: want width * height * 3/4 to 1 GB",
                       attr->stream_buf_size);
    }
    return 0;
}

}  // namespace softnpu

extern "C" {

hi_s32 hi_mpi_vdec_create_chn(hi_vdec_chn chn, const hi_vdec_chn_attr *attr) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_id(chn));
        SOFTNPU_CHECK(check_vdec_attr(attr));
        return HimpiDecoder::create(chn, *attr);
    });
}

hi_s32 hi_mpi_vdec_destroy_chn(hi_vdec_chn chn) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel, true));
        channel->close();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vdec_start_recv_stream(hi_vdec_chn chn) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        return channel->set_started(true);
    });
}

hi_s32 hi_mpi_vdec_stop_recv_stream(hi_vdec_chn chn) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        return channel->set_started(false);
    });
}

hi_s32 hi_mpi_vdec_send_stream(hi_vdec_chn chn, const hi_vdec_stream *stream,
                               hi_vdec_pic_info *vdec_pic_info, hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        SOFTNPU_CHECK(check_wait(milli_sec));
        VdecPacket packet;
        SOFTNPU_CHECK(take_packet(*channel, stream, vdec_pic_info, packet));
        return channel->send(packet, milli_sec);
    });
}

hi_s32 hi_mpi_vdec_get_frame(hi_vdec_chn chn, hi_video_frame_info *frame_info,
                             hi_vdec_supplement_info *supplement, hi_vdec_stream *stream,
                             hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        SOFTNPU_CHECK(check_vdec_pointer(frame_info, "frame_info"));
        SOFTNPU_CHECK(check_vdec_pointer(stream, "stream"));
        SOFTNPU_CHECK(check_wait(milli_sec));
        VdecPacket packet;
        SOFTNPU_CHECK(channel->fetch(packet, milli_sec));
        describe(packet, channel->is_jpeg(), *frame_info);
        *stream = packet.stream;
        if (supplement != nullptr) {
            std::memset(supplement, 0, sizeof *supplement);
            supplement->type = channel->attr().type;
        }
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vdec_release_frame(hi_vdec_chn chn, const hi_video_frame_info *frame_info) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        SOFTNPU_CHECK(check_vdec_pointer(frame_info, "frame_info"));
        return channel->release_picture(frame_info->v_frame.virt_addr[0]);
    });
}

}  // extern "C"
