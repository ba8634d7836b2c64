// The scaler as a real card computes it, bit for bit: polyphase filters, eight phases, rounded to
// 8 bits between the horizontal and the vertical pass.
#pragma once

#include <cstddef>
#include <cstdint>

namespace softnpu::vpc {

/// One plane of samples; semiplanar chroma has two per position.
struct Samples {
    uint8_t *data;
    size_t stride;
    uint32_t width;  // positions
    uint32_t height;
    /// Of a source: `data` and `stride` are those of a plane twice as wide and high, whose rows are
    /// averaged when they are read (halve.hpp); `width` and `height` are already half.
    bool halves = false;
};

/// Sizes that decide steps: luma sizes, for chroma too.
struct Ratio {
    uint32_t in_width;
    uint32_t in_height;
    uint32_t out_width;
    uint32_t out_height;
};

/// Scales one channel (luma: six taps across, four down).
void scale_luma(const Samples &source, const Samples &target, const Ratio &ratio);

/// Scales interleaved pairs, four taps both ways. The card scales chroma with the rows of 4:4:0 or
/// 4:2:2, that is as many rows as luma has: `row_shift` is 1 where a source row stands for two of
/// them, `keep_shift` is 1 where only every second result row is kept.
void scale_chroma(const Samples &source, const Samples &target, const Ratio &ratio, int row_shift,
                  int keep_shift);

/// Not the card's: bilinear between the two nearest pixels each way, for SOFTNPU_VPC=fast. Weights
/// have 8 bits, and the sums across are rounded before those down.
void scale_bilinear(const Samples &source, const Samples &target, uint32_t channels);

}  // namespace softnpu::vpc
