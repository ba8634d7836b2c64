// What lies beyond the edge of a picture.
#pragma once

#include <algorithm>
#include <cstdint>

#include "softnpu/vpc/vpc.hpp"

namespace softnpu::vpc {

/// The position that one outside [0, size) reads; -1 for the constant.
inline int64_t reflect(int64_t at, int64_t size, Border type) {
    if (at >= 0 && at < size) return at;
    if (type == Border::constant) return -1;
    if (type == Border::replicate || size == 1) return std::clamp<int64_t>(at, 0, size - 1);
    const int64_t edge = type == Border::reflect ? 1 : 0;
    while (at < 0 || at >= size) at = at < 0 ? -at - edge : 2 * size - 2 - at + edge;
    return at;
}

}  // namespace softnpu::vpc
