// Filter coefficients of the card's scaler.
#pragma once

#include <array>
#include <cstdint>

namespace softnpu::vpc {

inline constexpr int kPhases = 8;
inline constexpr int kMostTaps = 8;  // six or four are used; the rest is 0

/// Coefficients of one ratio: eight phases, each summing to 256.
struct Taps {
    int count = 0;         // 4 or 6
    bool signed_ = false;  // some are negative
    std::array<std::array<int16_t, kMostTaps>, kPhases> phase{};
};

/// The table for steps of `step` / 65536 source pixels per pixel. Made once per ratio and kept.
const Taps &taps_for(uint32_t step, int count);

}  // namespace softnpu::vpc
