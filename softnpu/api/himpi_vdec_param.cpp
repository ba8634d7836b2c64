// Status, parameters and descriptors of the decoder channels of the second media interface.
#include "softnpu/api/himpi_vdec.hpp"

using namespace softnpu;

namespace {

int check_enum(const char *what, int value, int end) {
    if (value >= 0 && value < end) return 0;
    return fail(vdec_error(HI_ERR_VDEC_ILLEGAL_PARAM), "%s %d: want 0 to %d", what, value, end - 1);
}

/// Values of other payload types share their memory: only those of the channel's own are looked at.
int check_param(const hi_vdec_chn_param &param, hi_payload_type type) {
    if (param.type != type) {
        return fail(vdec_error(HI_ERR_VDEC_ILLEGAL_PARAM), "type %d: the channel's is %d",
                    static_cast<int>(param.type), static_cast<int>(type));
    }
    if (type == HI_PT_JPEG) return 0;
    const hi_vdec_video_param &video = param.video_param;
    SOFTNPU_CHECK(check_enum("dec_mode", video.dec_mode, HI_VIDEO_DEC_MODE_BUTT));
    SOFTNPU_CHECK(check_enum("out_order", video.out_order, HI_VIDEO_OUT_ORDER_BUTT));
    SOFTNPU_CHECK(check_enum("compress_mode", video.compress_mode, HI_COMPRESS_MODE_BUTT));
    SOFTNPU_CHECK(check_enum("video_format", video.video_format, HI_VIDEO_FORMAT_BUTT));
    return check_enum("err_threshold", video.err_threshold, 101);
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_vdec_query_status(hi_vdec_chn chn, hi_vdec_chn_status *status) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        SOFTNPU_CHECK(check_vdec_pointer(status, "status"));
        channel->fill_status(*status);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vdec_reset_chn(hi_vdec_chn chn) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        return channel->reset();
    });
}

hi_s32 hi_mpi_vdec_get_chn_attr(hi_vdec_chn chn, hi_vdec_chn_attr *attr) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        SOFTNPU_CHECK(check_vdec_pointer(attr, "attr"));
        *attr = channel->attr();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vdec_set_chn_attr(hi_vdec_chn chn, const hi_vdec_chn_attr *attr) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        SOFTNPU_CHECK(check_vdec_attr(attr));
        return channel->set_attr(*attr);
    });
}

hi_s32 hi_mpi_vdec_get_chn_param(hi_vdec_chn chn, hi_vdec_chn_param *chn_param) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        SOFTNPU_CHECK(check_vdec_pointer(chn_param, "chn_param"));
        *chn_param = channel->param();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vdec_set_chn_param(hi_vdec_chn chn, const hi_vdec_chn_param *chn_param) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        SOFTNPU_CHECK(check_vdec_pointer(chn_param, "chn_param"));
        SOFTNPU_CHECK(check_param(*chn_param, channel->attr().type));
        return channel->set_param(*chn_param);
    });
}

hi_s32 hi_mpi_vdec_get_display_mode(hi_vdec_chn chn, hi_video_display_mode *display_mode) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        SOFTNPU_CHECK(check_vdec_pointer(display_mode, "display_mode"));
        *display_mode = channel->display_mode();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vdec_set_display_mode(hi_vdec_chn chn, hi_video_display_mode display_mode) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        const int end = HI_VIDEO_DISPLAY_MODE_PLAYBACK + 1;
        SOFTNPU_CHECK(check_enum("display_mode", static_cast<int>(display_mode), end));
        channel->set_display_mode(display_mode);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vdec_get_protocol_param(hi_vdec_chn chn, hi_vdec_protocol_param *protocol_param) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        SOFTNPU_CHECK(check_vdec_pointer(protocol_param, "protocol_param"));
        *protocol_param = channel->protocol_param();
        return HI_SUCCESS;
    });
}

/// Documented to have no effect: the decoder takes what memory a stream needs.
hi_s32 hi_mpi_vdec_set_protocol_param(hi_vdec_chn chn,
                                      const hi_vdec_protocol_param *protocol_param) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        SOFTNPU_CHECK(check_vdec_pointer(protocol_param, "protocol_param"));
        return channel->set_protocol_param(*protocol_param);
    });
}

hi_s32 hi_mpi_vdec_set_jpegd_precision_mode(hi_vdec_chn chn, const hi_jpegd_precision_mode mode) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        if (!channel->is_jpeg()) {
            return fail(vdec_error(HI_ERR_VDEC_NOT_SUPPORT), "channel %d decodes video", chn);
        }
        const int end = YUVOUT_ALIGN_DOWN_COMPAT + 1;
        SOFTNPU_CHECK(check_enum("mode", static_cast<int>(mode), end));
        return channel->set_precision_mode(mode);
    });
}

hi_s32 hi_mpi_vdec_get_fd(hi_vdec_chn chn) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        return channel->descriptor();
    });
}

hi_s32 hi_mpi_vdec_close_fd(hi_vdec_chn chn) {
    return guarded(__func__, [&] {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(find_vdec(chn, channel));
        return channel->close_descriptor();
    });
}

}  // extern "C"
