// RGB to YUV as a real card computes it, bit for bit: 10 bits inside, then 4:4:4 to 4:2:2 with five
// taps across.
#pragma once

#include <cstdint>
#include <vector>

#include "softnpu/dvpp/picture.hpp"

namespace softnpu::vpc {

/// A region of an RGB picture as 4:2:2: one chroma pair per two pixels, as many rows as luma.
struct Yuv422 {
    std::vector<uint8_t> luma;
    std::vector<uint8_t> chroma;
    uint32_t width = 0;
    uint32_t height = 0;
};

/// `source` is RGB_888, BGR_888 or one of the 8888 formats. A region that starts inside the picture
/// filters with the pixels left of it; its right end is mirrored.
void to_yuv422(const Picture &source, const Rect &region, Yuv422 &result);

}  // namespace softnpu::vpc
