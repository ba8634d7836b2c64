// One row of a warp: its places, and what is read there. For the parts of the warp.
#pragma once

#include <algorithm>
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

/// Places are kept in 1/2^kFraction of a sample.
constexpr int kFraction = 10, kUnit = 1 << kFraction;

/// A plane whose samples are `channels` bytes each.
struct Samples {
    uint8_t *data;
    size_t stride;
    int32_t width, height;
    int channels;
    uint8_t constant[3];
};

/// Fixed-point places, from -3 to two samples beyond the end.
struct RowPlaces {
    const int32_t *x, *y;
    uint32_t count;
};

inline const uint8_t *sample_at(const Samples &from, int32_t x, int32_t y, bool repeats) {
    if (repeats) {
        x = std::clamp(x, 0, from.width - 1);
        y = std::clamp(y, 0, from.height - 1);
    } else if (x < 0 || y < 0 || x >= from.width || y >= from.height) {
        return from.constant;
    }
    return from.data + from.stride * static_cast<size_t>(y) +
           static_cast<size_t>(x) * static_cast<size_t>(from.channels);
}

template <int channels>
void nearest_row(const Samples &from, const RowPlaces &places, bool repeats, uint8_t *to) {
    for (uint32_t i = 0; i < places.count; ++i, to += channels) {
        const uint8_t *at = sample_at(from, (places.x[i] + kUnit / 2) >> kFraction,
                                      (places.y[i] + kUnit / 2) >> kFraction, repeats);
        for (int c = 0; c < channels; ++c) to[c] = at[c];
    }
}

template <int channels>
void bilinear_row(const Samples &from, const RowPlaces &places, bool repeats, uint8_t *to) {
    constexpr int kRound = 1 << (2 * kFraction - 1);
    for (uint32_t i = 0; i < places.count; ++i, to += channels) {
        const int32_t left = places.x[i] >> kFraction, top = places.y[i] >> kFraction;
        const int32_t right = places.x[i] & (kUnit - 1), down = places.y[i] & (kUnit - 1);
        const uint8_t *a = sample_at(from, left, top, repeats);
        const uint8_t *b = sample_at(from, left + 1, top, repeats);
        const uint8_t *c = sample_at(from, left, top + 1, repeats);
        const uint8_t *d = sample_at(from, left + 1, top + 1, repeats);
        for (int k = 0; k < channels; ++k) {
            const int32_t upper = a[k] * (kUnit - right) + b[k] * right;
            const int32_t lower = c[k] * (kUnit - right) + d[k] * right;
            to[k] = static_cast<uint8_t>((upper * (kUnit - down) + lower * down + kRound) >>
                                         (2 * kFraction));
        }
    }
}

template <int channels>
void look_up_row(const Samples &from, const RowPlaces &places, const WarpRule &rule, uint8_t *to) {
    if (rule.nearest) {
        nearest_row<channels>(from, places, rule.repeats, to);
    } else {
        bilinear_row<channels>(from, places, rule.repeats, to);
    }
}

/// The same with gathering loads, eight samples at once; false where the machine has none.
bool gather_row(const Samples &from, const RowPlaces &places, const WarpRule &rule, uint8_t *to);

}  // namespace softnpu::vpc
