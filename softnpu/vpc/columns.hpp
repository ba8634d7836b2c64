// The horizontal pass of the card's scaler: tables of one geometry and the kernels that use them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "softnpu/vpc/taps.hpp"

namespace softnpu::vpc {

inline constexpr uint32_t kUnit = 65536;  // a step that leaves the size as it is

/// What the tables depend on. `width` and `count` are positions of the source and the result.
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
    const Taps *taps = nullptr;
    int loads = 0;                 // 1 or 2 per group; 0: no shuffles reach that far
    std::vector<int32_t> bases;    // where the loads start, by block, register, load and lane
    std::vector<uint8_t> orders;   // shuffles, 32 bytes each, as the kernel consumes them
    std::vector<uint8_t> weights;  // likewise; 16-bit numbers where taps are negative

    size_t bytes() const { return size_t{key.count} * key.channels; }
    /// Room for a row of results: whole blocks.
    size_t room() const { return (bytes() + 31) / 32 * 32; }
};

/// The tables of a geometry, the last few of which each thread keeps: a stream of equal pictures
/// makes them once. Valid until the next call.
const Columns &columns_for(const ColumnKey &key);

/// Scales one row into room() bytes at `out`.
void scale_across(const Columns &columns, const uint8_t *row, uint8_t *out);

}  // namespace softnpu::vpc
