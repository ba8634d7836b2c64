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
    ++changes_;
}
hi_venc_jpeg_param HimpiEncoder::jpeg_param() {
    Lock lock(mutex_);
    return jpeg_;
}
void HimpiEncoder::set_jpeg_param(const hi_venc_jpeg_param &param) {
    Lock lock(mutex_);
    jpeg_ = param;
    ++changes_;
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
    ++changes_;
    int least = -1, most = -1;
    bool maps = false;
    visit_rate(attr_.rc_attr.rc_mode, param, [&](const auto &limits) {
        least = static_cast<int>(limits.min_qp);
        most = static_cast<int>(limits.max_qp);
        maps = limits.qpmap_en != 0;
    });
    options_changed_ |= maps && !plan_.options.has_regions;
    plan_.options.has_regions |= maps;
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

/// Quantisers that are told as such count from the picture's: a fixed one, or that of the picture
/// before, which rate control changes little.
std::vector<QualityRegion> HimpiEncoder::regions_of(const VencInput &input,
                                                    const VencWishes &wishes) const {
    const EncoderOptions &options = wishes.options;
    const int base = options.rate_control == 3 ? options.qp_p : quantiser_;
    std::vector<QualityRegion> regions;
    if (!input.map.empty()) {
        regions = QuantiserMap::regions(input.map, options.width, options.height, base);
    }
    for (const hi_venc_roi_attr &region : wishes.regions) {
        const hi_rect &rect = region.rect;
        const int offset = region.is_abs_qp != 0 ? region.qp - base : region.qp;
        regions.push_back({{static_cast<uint32_t>(rect.x), static_cast<uint32_t>(rect.y),
                            rect.width, rect.height},
                           std::clamp(offset, -51, 51)});
    }
    return regions;
}

bool QuantiserMap::says_all(const std::vector<uint8_t> &map, const EncoderOptions &options) {
    if (map.empty()) return false;
    const uint32_t blocks = (options.width + 15) / 16;
    for (uint32_t y = 0; y < rows(options.height); ++y) {
        const auto row = map.begin() + y * stride(options.width);
        const auto is_absolute = [](uint8_t wish) { return (wish & kAbsolute) != 0; };
        if (!std::all_of(row, row + blocks, is_absolute)) return false;
    }
    return true;
}

std::vector<QualityRegion> QuantiserMap::regions(const std::vector<uint8_t> &map, uint32_t width,
                                                 uint32_t height, int base) {
    constexpr uint32_t kBlock = 16;
    const auto offset = [&](uint8_t wish) {
        const int value = wish & 0x3F;
        if ((wish & kAbsolute) != 0) return std::clamp(value, 0, 51) - base;
        return value < 0x20 ? value : value - 0x40;
    };
    std::vector<QualityRegion> regions;
    for (uint32_t y = 0; y < rows(height); ++y) {
        const uint8_t *row = map.data() + size_t{y} * stride(width);
        const uint32_t blocks = (width + kBlock - 1) / kBlock;
        for (uint32_t x = 0; x < blocks;) {
            uint32_t end = x + 1;
            while (end < blocks && offset(row[end]) == offset(row[x])) ++end;
            const Rect area{x * kBlock, y * kBlock, std::min(end * kBlock, width) - x * kBlock,
                            std::min(kBlock, height - y * kBlock)};
            if (offset(row[x]) != 0) regions.push_back({area, offset(row[x])});
            x = end;
        }
    }
    return regions;
}

bool HimpiEncoder::takes_maps() {
    Lock lock(mutex_);
    bool takes = false;
    visit_rate(attr_.rc_attr.rc_mode, rate_, [&](const auto &rate) { takes = rate.qpmap_en != 0; });
    return takes;
}

// ---- the rest ----

VencSettings HimpiEncoder::settings() {
    Lock lock(mutex_);
    return settings_;
}

namespace {

/// P frames that a wave of refreshed blocks takes to cross the picture.
uint32_t refresh_frames(const hi_venc_intra_refresh &refresh, const EncoderOptions &options) {
    if (refresh.refresh_enable == 0) return 0;
    const bool rows = refresh.intra_refresh_mode == INTRA_REFRESH_ROW;
    const uint32_t block = refresh_block(options.codec);
    const uint32_t blocks = ((rows ? options.height : options.width) + block - 1) / block;
    return std::max((blocks + refresh.refresh_num - 1) / refresh.refresh_num, 1u);
}

}  // namespace

void HimpiEncoder::change_settings(const std::function<void(VencSettings &)> &change) {
    Lock lock(mutex_);
    change(settings_);
    ++changes_;
    if (is_jpeg_) return;
    const uint32_t refresh = refresh_frames(settings_.refresh, plan_.options);
    options_changed_ |= refresh != plan_.options.refresh;
    plan_.options.refresh = refresh;
}

}  // namespace softnpu
