// The resize of AIPP: bilinear between the centres of pixels, row by row between the colour
// conversion and the normalisation.
#pragma once

#include <cstdint>
#include <vector>

namespace softnpu::aipp {

/// Weights are in 1/2048: a pixel twice weighted and the rounding fit into 31 bits.
inline constexpr int32_t kWeightBits = 11, kWeightOne = 1 << kWeightBits;

/// Where the results of one axis read: result i is made of `first[i]` and the next, whose weights
/// are the low and the high 16 bits of `weights[i]`. The centre of result i lies at
/// (i + 0.5) * in / out - 0.5 of the source; beyond the outermost centres the end repeats.
struct Axis {
    int32_t in = 0, out = 0;
    std::vector<int32_t> first, weights;
};

enum class Direction : uint8_t { across, down };

/// The table of a geometry, of which each thread keeps a few per direction. Valid until the thread
/// asks for another of this direction. `in` is two or more.
const Axis &axis_for(Direction direction, int32_t in, int32_t out);

/// One row of bytes to axis.out sums with 11 bits of fraction. Reads two bytes beyond the row.
void scale_across(const Axis &axis, const uint8_t *row, int32_t *sums);

/// Two such rows to bytes, rounded half up: the only rounding of the values.
void scale_down(const int32_t *upper, const int32_t *lower, int32_t weights, uint8_t *out,
                int32_t width);

}  // namespace softnpu::aipp
