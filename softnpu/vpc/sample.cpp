// The interpolations that have a name of their own: as OpenCV and as TensorFlow compute them.
#include <algorithm>
#include <cmath>
#include <vector>

#include "softnpu/vpc/sample.hpp"

namespace softnpu::vpc {
namespace {

constexpr int kBits = 11;  // of a weight, as in OpenCV
constexpr int kOne = 1 << kBits;

/// Where output `i` of an axis comes from.
struct Tap {
    uint32_t first, second;
    int weight;  // of the second
};

std::vector<Tap> taps_of(uint32_t in, uint32_t out, Interpolation how) {
    std::vector<Tap> taps(out);
    const bool nearest = how == Interpolation::nearest || how == Interpolation::nearest_tf;
    for (uint32_t i = 0; i < out; ++i) {
        const auto whole = static_cast<uint32_t>(uint64_t{i} * in / out);
        if (nearest) {
            taps[i] = {whole, whole, 0};
            continue;
        }
        // OpenCV takes a pixel for a square whose centre is meant, TensorFlow for its corner.
        const double scale = static_cast<double>(in) / out;
        const double at = std::clamp(
            how == Interpolation::bilinear ? (i + 0.5) * scale - 0.5 : i * scale, 0.0, in - 1.0);
        const auto first = static_cast<uint32_t>(at);
        taps[i] = {first, std::min(first + 1, in - 1),
                   static_cast<int>(std::lround((at - first) * kOne))};
    }
    return taps;
}

/// One row scaled across, in 1/2048.
void scale_row(const uint8_t *from, const std::vector<Tap> &taps, uint32_t channels, int32_t *to) {
    for (const Tap &tap : taps) {
        const uint8_t *a = from + size_t{tap.first} * channels;
        const uint8_t *b = from + size_t{tap.second} * channels;
        for (uint32_t c = 0; c < channels; ++c) {
            *to++ = a[c] * (kOne - tap.weight) + b[c] * tap.weight;
        }
    }
}

__attribute__((optimize("O3"))) void blend_rows(const int32_t *a, const int32_t *b, int weight,
                                                uint8_t *to, size_t count) {
    constexpr int kHalf = 1 << (2 * kBits - 1);
    for (size_t x = 0; x < count; ++x) {
        to[x] =
            static_cast<uint8_t>((a[x] * (kOne - weight) + b[x] * weight + kHalf) >> (2 * kBits));
    }
}

void scale_plane(const Plane &in, const Plane &out, uint32_t channels, Interpolation how) {
    const std::vector<Tap> across = taps_of(in.width, out.width, how);
    const std::vector<Tap> down = taps_of(in.height, out.height, how);
    const size_t count = size_t{out.width} * channels;
    std::vector<int32_t> rows[2] = {std::vector<int32_t>(count), std::vector<int32_t>(count)};
    int64_t held[2] = {-1, -1};  // which source row each of them is
    const auto fetch = [&](uint32_t y) {
        const size_t slot = y % 2;
        if (held[slot] != y) {
            scale_row(in.data + in.stride * y, across, channels, rows[slot].data());
            held[slot] = y;
        }
        return rows[slot].data();
    };
    for (uint32_t y = 0; y < out.height; ++y) {
        const int32_t *a = fetch(down[y].first), *b = fetch(down[y].second);
        blend_rows(a, b, down[y].weight, out.data + out.stride * y, count);
    }
}

}  // namespace

bool can_sample(PixelFormat format) {
    const FormatInfo *info = format_info(format);
    const bool deep = info != nullptr && info->is_yuv && info->planes == 2 && info->luma_bytes == 2;
    return info != nullptr && info->planes <= 2 && !is_packed_422(format) && !deep;
}

void resize_sampled(const Picture &source, const Picture &target, Interpolation how) {
    const FormatInfo &info = *format_info(source.format);
    for (int index = 0; index < info.planes; ++index) {
        scale_plane(plane_of(source, index), plane_of(target, index),
                    components_of(source.format, index).period, how);
    }
}

}  // namespace softnpu::vpc
