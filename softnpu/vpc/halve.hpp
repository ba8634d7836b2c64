// Half the size by averages, what the card does before ratios over 4.
#pragma once

#include <cstddef>
#include <cstdint>

namespace softnpu::vpc {

/// `count` results out of two rows of twice as many samples: (a + b + 1) >> 1 across, then down.
void halve_luma(const uint8_t *upper, const uint8_t *lower, uint8_t *out, size_t count);
/// The same for interleaved pairs.
void halve_pairs(const uint8_t *upper, const uint8_t *lower, uint8_t *out, size_t count);

}  // namespace softnpu::vpc
