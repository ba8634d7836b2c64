// What is done with the values of samples, wherever they are: histograms, tables, alpha.
#include <cstring>

#include "softnpu/vpc/vpc.hpp"

namespace softnpu::vpc {
namespace {

/// Calls `body(row, bytes)` for all rows of a plane.
template <class Body>
void for_rows(const Plane &plane, uint32_t bytes_per_sample, Body body) {
    for (uint32_t y = 0; y < plane.height; ++y) {
        body(plane.data + plane.stride * y, size_t{plane.width} * bytes_per_sample, y);
    }
}

/// Bytes of a sample of plane_of(): a pixel of the first plane, a pair of the second.
uint32_t sample_bytes(const FormatInfo &info, int index) {
    return index == 0 ? info.luma_bytes : 2;
}

bool fits(const FormatInfo *info, PixelFormat format) {
    return info != nullptr && info->planes <= 2 && info->luma_bytes <= 3 && !has_alpha(format);
}

}  // namespace

std::string histogram(const Picture &source, uint32_t bins[3][256], uint32_t &dims) {
    const FormatInfo *info = format_info(source.format);
    std::memset(bins, 0, sizeof(uint32_t) * 3 * 256);
    if (!fits(info, source.format)) return "the pixel format has no histogram here";
    dims = info->planes == 1 && info->luma_bytes == 1 ? 1 : 3;
    for (int index = 0; index < info->planes; ++index) {
        const Components components = components_of(source.format, index);
        uint32_t *targets[4];
        for (int c = 0; c < components.period; ++c) targets[c] = bins[components.of[c]];
        for_rows(plane_of(source, index), sample_bytes(*info, index),
                 [&](const uint8_t *row, size_t bytes, uint32_t) {
                     for (size_t x = 0, c = 0; x < bytes; ++x) {
                         ++targets[c][row[x]];
                         if (++c == components.period) c = 0;
                     }
                 });
    }
    return "";
}

std::string apply_lut(const Picture &source, const Picture &target, const uint8_t table[3][256]) {
    const FormatInfo *info = format_info(source.format);
    if (!fits(info, source.format)) return "the pixel format has no table here";
    if (source.format != target.format) return "source and target differ in format";
    for (int index = 0; index < info->planes; ++index) {
        const Components components = components_of(source.format, index);
        const uint8_t *tables[4];
        for (int c = 0; c < components.period; ++c) tables[c] = table[components.of[c]];
        const Plane out = plane_of(target, index);
        for_rows(plane_of(source, index), sample_bytes(*info, index),
                 [&](const uint8_t *row, size_t bytes, uint32_t y) {
                     uint8_t *to = out.data + out.stride * y;
                     for (size_t x = 0, c = 0; x < bytes; ++x) {
                         to[x] = tables[c][row[x]];
                         if (++c == components.period) c = 0;
                     }
                 });
    }
    return "";
}

void set_alpha(const Picture &target, const Rect &rect, uint8_t alpha) {
    if (!has_alpha(target.format)) return;
    const Components components = components_of(target.format, 0);
    const size_t byte = components.of[0] == 3 ? 0 : 3;
    for (uint32_t y = 0; y < rect.height; ++y) {
        uint8_t *row = target.data + size_t{target.stride_w} * (size_t{rect.top} + y) +
                       size_t{rect.left} * 4 + byte;
        for (uint32_t x = 0; x < rect.width; ++x) row[size_t{x} * 4] = alpha;
    }
}

}  // namespace softnpu::vpc
