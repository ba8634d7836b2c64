// The pixels of overlays that programs paint: of regions and of what the picture engine lays over.
#pragma once

#include <cstdint>

#include "acl/dvpp/hi_dvpp.h"

namespace softnpu {

/// Bits of a pixel; 0 where the format is none of an overlay.
inline uint32_t overlay_bits(int format) noexcept {
    switch (format) {
        case HI_PIXEL_FORMAT_ARGB_8888:
            return 32;
        case HI_PIXEL_FORMAT_ARGB_1555:
        case HI_PIXEL_FORMAT_ARGB_4444:
            return 16;
        case HI_PIXEL_FORMAT_ARGB_CLUT4:
            return 4;
        case HI_PIXEL_FORMAT_ARGB_CLUT2:
            return 2;
        default:
            return 0;
    }
}

}  // namespace softnpu
