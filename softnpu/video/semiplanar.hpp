// A planar picture of 8 bits into the program's memory as NV12 or NV21.
#pragma once

#include <cstdint>

#include "softnpu/dvpp/picture.hpp"

namespace softnpu {

/// `first` and `second` are the chroma planes in the order of the result; `width` and `height`
/// those of the luma plane, whose chroma planes are half as large, rounded up.
struct PlanarPicture {
    const uint8_t *luma, *first, *second;
    int luma_stride, first_stride, second_stride;
    int width, height;
};

void write_semiplanar(const PlanarPicture &from, const Plane &luma, const Plane &chroma);

}  // namespace softnpu
