// Medians of small windows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace softnpu::vpc {

/// `count` medians of windows of `size` (3 or 5) rows and columns: window x is columns
/// [x, x + size) of `rows`.
void median_row(const uint8_t *const *rows, int size, uint8_t *to, size_t count);

}  // namespace softnpu::vpc
