// The horizontal pass of the scalers: tables of one geometry and the kernels that use them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "softnpu/vpc/taps.hpp"

namespace softnpu::vpc {

inline constexpr uint32_t kUnit = 65536;  // a step that leaves the size as it is

/// What the tables depend on. `width` and `count` are positions of the source and the result. Six
/// and four taps are the card's; two are plain bilinear between the centres of pixels.
struct ColumnKey {
    uint32_t step, count, width, channels;
    int taps;
    bool operator==(const ColumnKey &o) const {
        return step == o.step && count == o.count && width == o.width && channels == o.channels &&
               taps == o.taps;
    }
};

/// Results come in blocks of 16 bytes, a block in four groups of four bytes. The source bytes of a
/// group lie within one load of 16 bytes, or its halves each within one of two; byte shuffles put
/// them in front of their weights. What lies beyond an end of the row is in the shuffles, too.
struct Columns {
    ColumnKey key{};
    const Taps *taps = nullptr;    // of the card
    int loads = 0;                 // 1 or 2 per group; 0: no shuffles reach that far
    std::vector<int32_t> bases;    // where the loads start, by block, register, load and lane
    std::vector<uint8_t> orders;   // shuffles, 32 bytes each, as the kernel consumes them
    std::vector<uint8_t> weights;  // likewise; 16-bit numbers where taps are negative

    size_t bytes() const { return size_t{key.count} * key.channels; }
    bool is_signed() const { return taps != nullptr && taps->signed_; }
    /// Room for a row of results: whole blocks.
    size_t room() const { return (bytes() + 31) / 32 * 32; }
};

/// Where bilinear reads for result `i`: between `position` and the next, near / 256 and the rest of
/// it. Both weights are 1 at least, so that they fit into 8 bits.
struct Between {
    int32_t position;
    int16_t weights[2];
};
Between between(uint32_t i, uint32_t step);

/// Whether this processor has the byte shuffles; without them all is slow.
bool has_shuffles();

/// The tables of a geometry, the last few of which each thread keeps: a stream of equal pictures
/// makes them once. Valid until the next call.
const Columns &columns_for(const ColumnKey &key);

/// Scales one row into room() bytes at `out`.
void scale_across(const Columns &columns, const uint8_t *row, uint8_t *out);

}  // namespace softnpu::vpc
