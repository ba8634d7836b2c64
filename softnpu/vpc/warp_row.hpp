// The places of one row, for the parts of the warp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "softnpu/vpc/warp.hpp"

namespace softnpu::vpc {

constexpr uint32_t kRowsAtOnce = 32;  // of a target, by one thread

/// The samples of a row: the first stands at `first`, the others `step` apart, all at `y`.
struct RowOfSamples {
    double first, step, y;
};

/// Where they lie in the source.
void formula_row(const Homography &formula, const RowOfSamples &samples, float *x, float *y,
                 uint32_t count);

}  // namespace softnpu::vpc
