// What encoder channels of the second media interface are told, besides frames.
#include <algorithm>

#include "softnpu/core/status.hpp"
#include "softnpu/dvpp/himpi_venc.hpp"
#include "softnpu/dvpp/himpi_venc_extra.hpp"

namespace softnpu {

hi_venc_chn_attr HimpiEncoder::attr() {
    Lock lock(mutex_);
    return attr_;
}
hi_venc_chn_param HimpiEncoder::param() {
    Lock lock(mutex_);
    return param_;
}
void HimpiEncoder::set_param(const hi_venc_chn_param &param) {
    Lock lock(mutex_);
    param_ = param;
}
hi_venc_jpeg_param HimpiEncoder::jpeg_param() {
    Lock lock(mutex_);
    return jpeg_;
}
void HimpiEncoder::set_jpeg_param(const hi_venc_jpeg_param &param) {
    Lock lock(mutex_);
    jpeg_ = param;
}
EncoderOptions HimpiEncoder::options() {
    Lock lock(mutex_);
    return plan_.options;
}

// ---- rate control, usability, regions ----

hi_venc_rc_param HimpiEncoder::rate_param() {
    Lock lock(mutex_);
    return rate_;
}
void HimpiEncoder::set_rate_param(const hi_venc_rc_param &param) {
    Lock lock(mutex_);
    rate_ = param;
    int least = -1, most = -1;
    visit_rate(attr_.rc_attr.rc_mode, param, [&](const auto &limits) {
        least = static_cast<int>(limits.min_qp);
        most = static_cast<int>(limits.max_qp);
    });
    if (plan_.options.least_qp == least && plan_.options.most_qp == most) return;
    plan_.options.least_qp = least;
    plan_.options.most_qp = most;
    options_changed_ = true;
}

hi_venc_h264_vui HimpiEncoder::h264_vui() {
    Lock lock(mutex_);
    return h264_vui_;
}
hi_venc_h265_vui HimpiEncoder::h265_vui() {
    Lock lock(mutex_);
    return h265_vui_;
}
void HimpiEncoder::set_vui(const hi_venc_h264_vui &vui) {
    Lock lock(mutex_);
    h264_vui_ = vui;
    usability_ = usability_of(vui);
    usability_changed_ = true;
}
void HimpiEncoder::set_vui(const hi_venc_h265_vui &vui) {
    Lock lock(mutex_);
    h265_vui_ = vui;
    usability_ = usability_of(vui);
    usability_changed_ = true;
}

hi_venc_slice_split HimpiEncoder::slices() {
    Lock lock(mutex_);
    return slices_;
}
void HimpiEncoder::set_slices(const hi_venc_slice_split &split) {
    Lock lock(mutex_);
    slices_ = split;
    const uint32_t rows = split.split_enable != 0 ? split.split_size : 0;
    options_changed_ |= rows != plan_.options.slice_rows;
    plan_.options.slice_rows = rows;
}

hi_venc_roi_attr HimpiEncoder::region(uint32_t index) {
    Lock lock(mutex_);
    hi_venc_roi_attr region = regions_[index];
    region.idx = index;
    return region;
}
void HimpiEncoder::set_region(const hi_venc_roi_attr &region) {
    Lock lock(mutex_);
    regions_[region.idx] = region;
    // The first one asks the encoder for what it does without otherwise.
    options_changed_ |= region.enable != 0 && !plan_.options.has_regions;
    plan_.options.has_regions |= region.enable != 0;
}

std::vector<QualityRegion> HimpiEncoder::regions_locked() const {
    constexpr int kMiddle = 26;  // stands for the quantiser that rate control will choose
    const EncoderOptions &options = plan_.options;
    const int base = options.rate_control == 3 ? options.qp_p : kMiddle;
    std::vector<QualityRegion> regions;
    for (const hi_venc_roi_attr &region : regions_) {
        if (region.enable == 0) continue;
        const hi_rect &rect = region.rect;
        const int offset = region.is_abs_qp != 0 ? region.qp - base : region.qp;
        regions.push_back({{static_cast<uint32_t>(rect.x), static_cast<uint32_t>(rect.y),
                            rect.width, rect.height},
                           std::clamp(offset, -51, 51)});
    }
    return regions;
}

}  // namespace softnpu
