// Rate control and usability of video channels as the second media interface writes them.
#pragma once

#include <algorithm>
#include <iterator>
#include <type_traits>

#include "acl/dvpp/hi_dvpp.h"
#include "softnpu/dvpp/chip.hpp"
#include "softnpu/dvpp/engines.hpp"
#include "softnpu/dvpp/himpi_jpege.hpp"
#include "softnpu/dvpp/himpi_venc.hpp"

namespace softnpu {

constexpr hi_u32 kSlicesOfRows = 1;  // hi_venc_slice_split::split_mode

/// The blocks that intra refresh counts.
inline uint32_t refresh_block(Codec codec) {
    if (codec == Codec::h264) return 16;
    return chip_is("Ascend310B") ? 32 : 64;
}

/// What a channel is told before the program says otherwise.
inline VencSettings default_settings(const VencPlan &plan) {
    VencSettings settings;
    const EncoderOptions &options = plan.options;
    const uint32_t block = refresh_block(options.codec);
    settings.refresh.refresh_num = options.codec == Codec::h264
                                       ? (options.height + block - 1) >> 6
                                       : (options.height + block - 1) / block >> 2;
    settings.refresh.req_i_qp = 51;
    settings.reference.base = 1;
    settings.reference.pred_en = HI_TRUE;
    hi_venc_cu_prediction &cost = settings.prediction;
    cost.intra32_cost = cost.intra16_cost = cost.intra8_cost = cost.intra4_cost = 8;
    cost.inter64_cost = cost.inter32_cost = cost.inter16_cost = cost.inter8_cost = 8;
    settings.huffman = default_huffman_param();
    return settings;
}

/// Calls `visit` with the member of the union that the mode means; false where it has none.
template <class Param, class Visit>
bool visit_rate(hi_venc_rc_mode mode, Param &param, Visit &&visit) {
    switch (mode) {
        case HI_VENC_RC_MODE_H264_CBR:
            return visit(param.h264_cbr_param), true;
        case HI_VENC_RC_MODE_H264_VBR:
            return visit(param.h264_vbr_param), true;
        case HI_VENC_RC_MODE_H264_AVBR:
            return visit(param.h264_avbr_param), true;
        case HI_VENC_RC_MODE_H264_QVBR:
            return visit(param.h264_qvbr_param), true;
        case HI_VENC_RC_MODE_H264_CVBR:
            return visit(param.h264_cvbr_param), true;
        case HI_VENC_RC_MODE_H265_CBR:
            return visit(param.h265_cbr_param), true;
        case HI_VENC_RC_MODE_H265_VBR:
            return visit(param.h265_vbr_param), true;
        case HI_VENC_RC_MODE_H265_AVBR:
            return visit(param.h265_avbr_param), true;
        case HI_VENC_RC_MODE_H265_QVBR:
            return visit(param.h265_qvbr_param), true;
        case HI_VENC_RC_MODE_H265_CVBR:
            return visit(param.h265_cvbr_param), true;
        default:
            return false;
    }
}

/// What hi_mpi_venc_get_rc_param gives before anything was set.
inline hi_venc_rc_param default_rate_param(hi_venc_rc_mode mode) {
    constexpr hi_u32 kThresholds[] = {0, 0, 0, 0, 3, 3, 5, 5, 8, 8, 8, 15, 15, 20, 25, 25};
    hi_venc_rc_param param{};
    std::copy(std::begin(kThresholds), std::end(kThresholds), param.threshold_i);
    std::copy(std::begin(kThresholds), std::end(kThresholds), param.threshold_p);
    std::copy(std::begin(kThresholds), std::end(kThresholds), param.threshold_b);
    param.direction = 8;
    param.row_qp_delta = 1;
    param.first_frame_start_qp = -1;
    visit_rate(mode, param, [](auto &rate) {
        rate.max_i_proportion = 100;
        rate.min_i_proportion = 1;
        rate.max_reencode_times = 2;
        rate.max_qp = rate.max_i_qp = 51;
        rate.min_qp = rate.min_i_qp = 10;
    });
    return param;
}

inline hi_venc_vui_video_signal default_signal() {
    hi_venc_vui_video_signal signal{};
    signal.video_signal_type_present_flag = 1;
    signal.video_format = 5;
    signal.colour_description_present_flag = 1;
    signal.colour_primaries = signal.transfer_characteristics = signal.matrix_coefficients = 1;
    return signal;
}
inline hi_venc_h264_vui default_h264_vui() {
    hi_venc_h264_vui vui{};
    vui.vui_aspect_ratio.sar_width = vui.vui_aspect_ratio.sar_height = 1;
    vui.vui_aspect_ratio.aspect_ratio_idc = 1;
    vui.vui_time_info.fixed_frame_rate_flag = 1;
    vui.vui_time_info.num_units_in_tick = 1;
    vui.vui_time_info.time_scale = 60;
    vui.vui_video_signal = default_signal();
    return vui;
}
inline hi_venc_h265_vui default_h265_vui() {
    hi_venc_h265_vui vui{};
    vui.vui_aspect_ratio.sar_width = vui.vui_aspect_ratio.sar_height = 1;
    vui.vui_aspect_ratio.aspect_ratio_idc = 1;
    vui.vui_time_info.num_units_in_tick = 1;
    vui.vui_time_info.time_scale = 60;
    vui.vui_time_info.num_ticks_poc_diff_one_minus1 = 1;
    vui.vui_video_signal = default_signal();
    return vui;
}

template <class Vui>
VideoUsability usability_of(const Vui &vui) {
    const hi_venc_vui_video_signal &signal = vui.vui_video_signal;
    VideoUsability told;
    told.signal = signal.video_signal_type_present_flag != 0;
    told.format = signal.video_format;
    told.full_range = signal.video_full_range_flag != 0;
    told.colours = signal.colour_description_present_flag != 0;
    told.primaries = signal.colour_primaries;
    told.transfer = signal.transfer_characteristics;
    told.matrix = signal.matrix_coefficients;
    told.timing = vui.vui_time_info.timing_info_present_flag != 0;
    told.tick_units = vui.vui_time_info.num_units_in_tick;
    told.time_scale = vui.vui_time_info.time_scale;
    if constexpr (std::is_same_v<Vui, hi_venc_h264_vui>) {
        told.fixed_rate = vui.vui_time_info.fixed_frame_rate_flag != 0;
    }
    return told;
}

}  // namespace softnpu
