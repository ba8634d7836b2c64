// Rate control, usability and regions of the second media interface's video channels.
#include <cstring>

#include "softnpu/api/himpi_venc.hpp"
#include "softnpu/dvpp/himpi_venc_extra.hpp"

using namespace softnpu;

namespace {

template <class Rate>
int check_limits(const Rate &rate) {
    SOFTNPU_CHECK(check_venc_range("max_i_proportion", rate.max_i_proportion, 1, 100));
    SOFTNPU_CHECK(check_venc_range("max_reencode_times", rate.max_reencode_times, 0, 3));
    SOFTNPU_CHECK(check_venc_range("max_qp", rate.max_qp, 0, 51));
    SOFTNPU_CHECK(check_venc_range("min_qp", rate.min_qp, 0, rate.max_qp));
    SOFTNPU_CHECK(check_venc_range("max_i_qp", rate.max_i_qp, 0, 51));
    return check_venc_range("min_i_qp", rate.min_i_qp, 0, rate.max_i_qp);
}

int check_rate(hi_venc_rc_mode mode, const hi_venc_rc_param &param) {
    for (int i = 0; i < HI_VENC_TEXTURE_THRESHOLD_SIZE; ++i) {
        SOFTNPU_CHECK(check_venc_range("threshold_i", param.threshold_i[i], 0, 255));
        SOFTNPU_CHECK(check_venc_range("threshold_p", param.threshold_p[i], 0, 255));
        SOFTNPU_CHECK(check_venc_range("threshold_b", param.threshold_b[i], 0, 255));
    }
    SOFTNPU_CHECK(check_venc_range("direction", param.direction, 0, 16));
    SOFTNPU_CHECK(check_venc_range("row_qp_delta", param.row_qp_delta, 0, 10));
    SOFTNPU_CHECK(check_venc_range("first_frame_start_qp", param.first_frame_start_qp, -1, 51));
    int code = 0;
    visit_rate(mode, param, [&](const auto &rate) { code = check_limits(rate); });
    return code;
}

/// Only signal and timing are the program's; the rest is documented to stay as it is.
template <class Vui>
int check_vui(const Vui &vui, const Vui &now, int most_format) {
    const hi_venc_vui_video_signal &signal = vui.vui_video_signal;
    SOFTNPU_CHECK(check_venc_range("video_signal_type_present_flag",
                                   signal.video_signal_type_present_flag, 0, 1));
    SOFTNPU_CHECK(check_venc_range("video_format", signal.video_format, 0, most_format));
    SOFTNPU_CHECK(check_venc_range("video_full_range_flag", signal.video_full_range_flag, 0, 1));
    SOFTNPU_CHECK(check_venc_range("timing_info_present_flag",
                                   vui.vui_time_info.timing_info_present_flag, 0, 1));
    if (vui.vui_time_info.timing_info_present_flag != 0) {
        SOFTNPU_CHECK(check_venc_range("num_units_in_tick", vui.vui_time_info.num_units_in_tick, 1,
                                       INT32_MAX));
        SOFTNPU_CHECK(check_venc_range("time_scale", vui.vui_time_info.time_scale, 1, INT32_MAX));
    }
    const bool same = std::memcmp(&vui.vui_aspect_ratio, &now.vui_aspect_ratio,
                                  sizeof vui.vui_aspect_ratio) == 0 &&
                      vui.vui_bitstream_restric.bitstream_restriction_flag ==
                          now.vui_bitstream_restric.bitstream_restriction_flag;
    if (same) return 0;
    return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                "vui_aspect_ratio and vui_bitstream_restric are reserved: leave them as they are");
}

int check_region(const EncoderOptions &options, const hi_venc_roi_attr &region) {
    SOFTNPU_CHECK(check_venc_range("idx", region.idx, 0, HimpiEncoder::kRegions - 1));
    SOFTNPU_CHECK(check_venc_range("qp", region.qp, region.is_abs_qp != 0 ? 0 : -51, 51));
    if (region.enable == 0) return 0;
    const hi_rect &rect = region.rect;
    const long long width = options.width, height = options.height;
    SOFTNPU_CHECK(check_venc_range("rect.width", rect.width, 16, width));
    SOFTNPU_CHECK(check_venc_range("rect.height", rect.height, 16, height));
    SOFTNPU_CHECK(check_venc_range("rect.x", rect.x, 0, width - rect.width));
    SOFTNPU_CHECK(check_venc_range("rect.y", rect.y, 0, height - rect.height));
    if (rect.x % 16 == 0 && rect.y % 16 == 0 && rect.width % 16 == 0 && rect.height % 16 == 0) {
        return 0;
    }
    return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM), "rect: want multiples of 16");
}

int check_slices(const EncoderOptions &options, const hi_venc_slice_split &split) {
    SOFTNPU_CHECK(check_venc_range("split_enable", split.split_enable, 0, 1));
    if (split.split_enable == 0) return 0;
    SOFTNPU_CHECK(check_venc_range("split_mode", split.split_mode, kSlicesOfRows, kSlicesOfRows));
    if (split.slice_output_en != 0) {
        return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                    "slice_output_en: a picture's slices come together");
    }
    if (options.codec == Codec::h265) {
        return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                    "split_enable: the encoder does not split pictures of H.265");
    }
    return check_venc_range("split_size", split.split_size, 1, (options.height + 15) / 16);
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_venc_get_rc_param(hi_venc_chn chn, hi_venc_rc_param *rc_param) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc_video(chn, HI_PT_BUTT, channel));
        SOFTNPU_CHECK(check_venc_pointer(rc_param, "rc_param"));
        *rc_param = channel->rate_param();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_set_rc_param(hi_venc_chn chn, const hi_venc_rc_param *rc_param) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc_video(chn, HI_PT_BUTT, channel));
        SOFTNPU_CHECK(check_venc_pointer(rc_param, "rc_param"));
        SOFTNPU_CHECK(check_rate(channel->attr().rc_attr.rc_mode, *rc_param));
        channel->set_rate_param(*rc_param);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_get_h264_vui(hi_venc_chn chn, hi_venc_h264_vui *h264_vui) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc_video(chn, HI_PT_H264, channel));
        SOFTNPU_CHECK(check_venc_pointer(h264_vui, "h264_vui"));
        *h264_vui = channel->h264_vui();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_set_h264_vui(hi_venc_chn chn, const hi_venc_h264_vui *h264_vui) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc_video(chn, HI_PT_H264, channel));
        SOFTNPU_CHECK(check_venc_pointer(h264_vui, "h264_vui"));
        SOFTNPU_CHECK(check_vui(*h264_vui, channel->h264_vui(), 7));
        channel->set_vui(*h264_vui);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_get_h265_vui(hi_venc_chn chn, hi_venc_h265_vui *h265_vui) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc_video(chn, HI_PT_H265, channel));
        SOFTNPU_CHECK(check_venc_pointer(h265_vui, "h265_vui"));
        *h265_vui = channel->h265_vui();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_set_h265_vui(hi_venc_chn chn, const hi_venc_h265_vui *h265_vui) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc_video(chn, HI_PT_H265, channel));
        SOFTNPU_CHECK(check_venc_pointer(h265_vui, "h265_vui"));
        SOFTNPU_CHECK(check_vui(*h265_vui, channel->h265_vui(), 5));
        channel->set_vui(*h265_vui);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_get_roi_attr(hi_venc_chn chn, hi_u32 idx, hi_venc_roi_attr *roi_attr) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc_video(chn, HI_PT_BUTT, channel));
        SOFTNPU_CHECK(check_venc_pointer(roi_attr, "roi_attr"));
        SOFTNPU_CHECK(check_venc_range("idx", idx, 0, HimpiEncoder::kRegions - 1));
        *roi_attr = channel->region(idx);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_set_roi_attr(hi_venc_chn chn, const hi_venc_roi_attr *roi_attr) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc_video(chn, HI_PT_BUTT, channel));
        SOFTNPU_CHECK(check_venc_pointer(roi_attr, "roi_attr"));
        SOFTNPU_CHECK(check_region(channel->options(), *roi_attr));
        channel->set_region(*roi_attr);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_get_slice_split(hi_venc_chn chn, hi_venc_slice_split *slice_split) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc_video(chn, HI_PT_BUTT, channel));
        SOFTNPU_CHECK(check_venc_pointer(slice_split, "slice_split"));
        *slice_split = channel->slices();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_set_slice_split(hi_venc_chn chn, const hi_venc_slice_split *slice_split) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc_video(chn, HI_PT_BUTT, channel));
        SOFTNPU_CHECK(check_venc_pointer(slice_split, "slice_split"));
        SOFTNPU_CHECK(check_slices(channel->options(), *slice_split));
        channel->set_slices(*slice_split);
        return HI_SUCCESS;
    });
}

}  // extern "C"
