// Regions of the second media interface: what a program wants drawn over, and on which channels.
//
// A 310B draws them in its video pipeline (VPSS), which the interface has no other entries of: here
// they are kept, with the canvases that programs paint, and drawn nowhere.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "acl/dvpp/hi_dvpp.h"
#include "softnpu/core/export.hpp"

namespace softnpu {

inline int region_error(unsigned code) noexcept {
    return static_cast<int>(code);
}

/// Bytes of a canvas' row: pixels of 2 to 32 bits, up to a multiple of 16 bytes; 0 for formats that
/// no canvas has.
SOFTNPU_API uint32_t canvas_stride(hi_pixel_format format, uint32_t width);
/// The highest number of a background colour.
SOFTNPU_API uint32_t canvas_colours(hi_pixel_format format);

class HimpiRegion {
  public:
    /// Module, device (the group) and channel.
    using Place = std::tuple<int, int, int>;

    /// Codes of the interface, after fail().
    SOFTNPU_API static int create(hi_rgn_handle handle, const hi_rgn_attr &attr);
    SOFTNPU_API static int find(hi_rgn_handle handle, std::shared_ptr<HimpiRegion> &region,
                                bool take = false);
    /// Frees the canvases.
    SOFTNPU_API void close();

    hi_rgn_type type() const noexcept { return attr_.type; }
    /// Attached already: 0, and nothing changes.
    SOFTNPU_API int attach(const Place &place, const hi_rgn_chn_attr &shown);
    SOFTNPU_API void detach(const Place &place);
    SOFTNPU_API int set_shown(const Place &place, const hi_rgn_chn_attr &shown);
    SOFTNPU_API int shown(const Place &place, hi_rgn_chn_attr &shown);
    /// The canvas that is not shown; with one canvas the one there is.
    SOFTNPU_API int canvas(hi_rgn_canvas_info &info);
    /// Shows it. Only after canvas().
    SOFTNPU_API int update();

  private:
    int make_canvases();
    bool is_at(const Place &place);

    int device_ = 0;
    hi_rgn_attr attr_{};
    std::mutex mutex_;  // leaf lock, guards what follows
    void *canvases_[2] = {};
    uint32_t back_ = 0;
    bool told_ = false;
    std::map<Place, hi_rgn_chn_attr> places_;
};

using HimpiRegionRef = std::shared_ptr<HimpiRegion>;

}  // namespace softnpu
