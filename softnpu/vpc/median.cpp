#include "softnpu/vpc/median.hpp"

#include <algorithm>
#include <cstring>

#include "softnpu/vpc/vectorised.hpp"

namespace softnpu::vpc {
namespace {

#define SOFTNPU_INLINE inline __attribute__((always_inline))

constexpr size_t kLanes = 32;

/// One sample of each of kLanes windows.
using Lanes = uint8_t __attribute__((vector_size(kLanes)));

SOFTNPU_INLINE void put_in_order(Lanes &a, Lanes &b) {
    const Lanes low = a < b ? a : b;
    b = a < b ? b : a;
    a = low;
}

/// The smallest of `count` comes first and the largest last.
template <int count>
SOFTNPU_INLINE void part_extremes(Lanes *values) {
#pragma GCC unroll 16
    for (int i = 0; i < count / 2; ++i) put_in_order(values[i], values[count - 1 - i]);
    // With an odd count the one in the middle stands on both sides.
#pragma GCC unroll 16
    for (int i = 1; i < (count + 1) / 2; ++i) put_in_order(values[0], values[i]);
#pragma GCC unroll 16
    for (int i = count / 2; i < count - 1; ++i) put_in_order(values[i], values[count - 1]);
}

/// Sample `i` of the windows that begin at `x`.
template <int size>
SOFTNPU_INLINE void load(const uint8_t *const *rows, size_t x, int i, Lanes &lanes) {
    std::memcpy(&lanes, rows[i / size] + x + i % size, kLanes);
}

/// Of half of all and two more neither the smallest nor the largest can be the median: they go, and
/// the next comes, until three are left.
template <int size, int count, int next>
SOFTNPU_INLINE void narrow(const uint8_t *const *rows, size_t x, Lanes *values) {
    part_extremes<count>(values);
    if constexpr (count > 3) {
        load<size>(rows, x, next, values[0]);  // the largest is left behind
        narrow<size, count - 1, next + 1>(rows, x, values);
    }
}

template <int size>
SOFTNPU_INLINE void median_of(const uint8_t *const *rows, size_t x, uint8_t *to) {
    constexpr int kKept = size * size / 2 + 2;
    Lanes values[kKept];
#pragma GCC unroll 16
    for (int i = 0; i < kKept; ++i) load<size>(rows, x, i, values[i]);
    narrow<size, kKept, kKept>(rows, x, values);
    std::memcpy(to, &values[1], kLanes);
}

template <int size>
SOFTNPU_INLINE void all_medians(const uint8_t *const *rows, uint8_t *to, size_t count) {
    for (size_t x = 0; x + kLanes <= count; x += kLanes) median_of<size>(rows, x, to + x);
    // The last ones again, so that no window is left.
    if (count % kLanes != 0) median_of<size>(rows, count - kLanes, to + count - kLanes);
}

SOFTNPU_VECTORISED void medians_of_3(const uint8_t *const *rows, uint8_t *to, size_t count) {
    all_medians<3>(rows, to, count);
}

SOFTNPU_VECTORISED void medians_of_5(const uint8_t *const *rows, uint8_t *to, size_t count) {
    all_medians<5>(rows, to, count);
}

void medians_of_few(const uint8_t *const *rows, int size, uint8_t *to, size_t count) {
    uint8_t window[25];
    for (size_t x = 0; x < count; ++x) {
        uint8_t *next = window;
        for (int j = 0; j < size; ++j) next = std::copy(rows[j] + x, rows[j] + x + size, next);
        std::nth_element(window, window + size * size / 2, window + size * size);
        to[x] = window[size * size / 2];
    }
}

}  // namespace

void median_row(const uint8_t *const *rows, int size, uint8_t *to, size_t count) {
    if (count < kLanes) {
        medians_of_few(rows, size, to, count);
    } else if (size == 3) {
        medians_of_3(rows, to, count);
    } else {
        medians_of_5(rows, to, count);
    }
}

}  // namespace softnpu::vpc
