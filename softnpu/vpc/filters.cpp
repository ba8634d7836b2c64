// Borders, pyramids, histograms and tables.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "softnpu/vpc/vpc.hpp"

namespace softnpu::vpc {
namespace {

/// What a position outside [0, size) reads; -1 for the constant.
int64_t reflect(int64_t at, int64_t size, Border type) {
    if (at >= 0 && at < size) return at;
    if (type == Border::constant) return -1;
    if (type == Border::replicate || size == 1) return std::clamp<int64_t>(at, 0, size - 1);
    const int64_t edge = type == Border::reflect ? 1 : 0;
    while (at < 0 || at >= size) at = at < 0 ? -at - edge : 2 * size - 2 - at + edge;
    return at;
}

/// Samples per position of a plane.
uint32_t channels_of(const FormatInfo &info, int plane) {
    return plane == 0 ? info.luma_bytes : 2;
}

uint8_t constant_of(const FormatInfo &info, const Margins &margins, int plane, uint32_t channel) {
    const size_t index = plane == 0 ? channel : 1 + (info.swapped ? 1 - channel : channel);
    return static_cast<uint8_t>(
        std::clamp(std::lround(margins.value[std::min<size_t>(index, 3)]), 0L, 255L));
}

/// The margins of one plane around the pixels [left, left + width) x [top, top + height).
struct PlaneMargins {
    uint32_t left, top, width, height;
};

void fill_row(uint8_t *row, const uint8_t *from, const Plane &plane, const PlaneMargins &inner,
              uint32_t channels, Border type, const uint8_t *constant) {
    for (uint32_t x = 0; x < plane.width; ++x) {
        if (row == from && x == inner.left) x += inner.width;
        if (x >= plane.width) break;
        const int64_t at =
            reflect(int64_t{x} - inner.left, static_cast<int64_t>(inner.width), type);
        const uint8_t *value = at < 0 || from == nullptr
                                   ? constant
                                   : from + (static_cast<size_t>(at) + inner.left) * channels;
        std::memcpy(row + size_t{x} * channels, value, channels);
    }
}

void fill_plane(const Plane &plane, const PlaneMargins &inner, uint32_t channels, Border type,
                const uint8_t *constant) {
    for (uint32_t y = 0; y < plane.height; ++y) {
        const int64_t at =
            reflect(int64_t{y} - inner.top, static_cast<int64_t>(inner.height), type);
        uint8_t *row = plane.data + plane.stride * y;
        const uint8_t *from =
            at < 0 ? nullptr : plane.data + plane.stride * (static_cast<size_t>(at) + inner.top);
        fill_row(row, from, plane, inner, channels, type, constant);
    }
}

std::string check_format(const FormatInfo *info) {
    if (info == nullptr || info->planes > 2) return "the pixel format has no such operation here";
    return "";
}

/// Seven-bit safe sums of 1 4 6 4 1 across and down, one sample of one channel.
uint8_t gauss(const Plane &source, uint32_t channels, int64_t x, int64_t y, uint32_t channel,
              Border border) {
    static constexpr int kWeights[] = {1, 4, 6, 4, 1};
    int sum = 128;
    for (int64_t j = -2; j <= 2; ++j) {
        const int64_t row = reflect(y + j, source.height, border);
        for (int64_t i = -2; row >= 0 && i <= 2; ++i) {
            const int64_t column = reflect(x + i, source.width, border);
            if (column < 0) continue;
            sum += kWeights[i + 2] * kWeights[j + 2] *
                   source.data[source.stride * static_cast<size_t>(row) +
                               static_cast<size_t>(column) * channels + channel];
        }
    }
    return static_cast<uint8_t>(sum >> 8);
}

}  // namespace

std::string fill_margins(const Picture &target, const Margins &margins) {
    const FormatInfo *info = format_info(target.format);
    if (std::string why = check_format(info); !why.empty()) return why;
    if (uint64_t{margins.left} + margins.right >= target.width ||
        uint64_t{margins.top} + margins.bottom >= target.height) {
        return "the margins leave no room for the picture";
    }
    for (int index = 0; index < info->planes; ++index) {
        const int across = index == 0 ? 0 : info->chroma_w, down = index == 0 ? 0 : info->chroma_h;
        const PlaneMargins inner{margins.left >> across, margins.top >> down,
                                 (target.width - margins.left - margins.right + across) >> across,
                                 (target.height - margins.top - margins.bottom + down) >> down};
        const uint32_t channels = channels_of(*info, index);
        uint8_t constant[4];
        for (uint32_t c = 0; c < channels; ++c) constant[c] = constant_of(*info, margins, index, c);
        fill_plane(plane_of(target, index), inner, channels, margins.type, constant);
    }
    return "";
}

std::string make_border(const Picture &source, const Picture &target, const Margins &margins) {
    if (uint64_t{source.width} + margins.left + margins.right != target.width ||
        uint64_t{source.height} + margins.top + margins.bottom != target.height) {
        return "source and margins together do not give the target's size";
    }
    const Rect whole{0, 0, source.width, source.height};
    const Rect middle{margins.left, margins.top, source.width, source.height};
    std::string why = crop_resize_paste(source, whole, target, middle, Interpolation::card, 0);
    return why.empty() ? fill_margins(target, margins) : why;
}

std::string pyramid_down(const Picture &source, const Picture &target, Border border) {
    const FormatInfo *info = format_info(source.format);
    if (std::string why = check_format(info); !why.empty()) return why;
    if (source.format != target.format) return "source and target differ in format";
    for (int index = 0; index < info->planes; ++index) {
        const Plane in = plane_of(source, index), out = plane_of(target, index);
        const uint32_t channels = channels_of(*info, index);
        for (uint32_t y = 0; y < out.height; ++y) {
            uint8_t *row = out.data + out.stride * y;
            for (uint32_t x = 0; x < out.width * channels; ++x) {
                row[x] = gauss(in, channels, 2 * int64_t{x / channels}, 2 * int64_t{y},
                               x % channels, border);
            }
        }
    }
    return "";
}

std::string histogram(const Picture &source, uint32_t bins[3][256], uint32_t &dims) {
    const FormatInfo *info = format_info(source.format);
    if (std::string why = check_format(info); !why.empty()) return why;
    std::memset(bins, 0, sizeof(uint32_t) * 3 * 256);
    dims = info->planes == 2 ? 3 : std::min<uint32_t>(info->luma_bytes, 3);
    for (int index = 0; index < info->planes; ++index) {
        const Plane plane = plane_of(source, index);
        const uint32_t channels = channels_of(*info, index);
        const uint32_t first = index == 0 ? 0 : 1;
        for (uint32_t y = 0; y < plane.height; ++y) {
            const uint8_t *row = plane.data + plane.stride * y;
            for (uint32_t x = 0; x < plane.width * channels; ++x) {
                uint32_t channel = x % channels;
                if (info->swapped && index == 1) channel = 1 - channel;
                if (first + channel < 3) ++bins[first + channel][row[x]];
            }
        }
    }
    return "";
}

std::string apply_lut(const Picture &source, const Picture &target, const uint8_t table[3][256]) {
    const FormatInfo *info = format_info(source.format);
    if (std::string why = check_format(info); !why.empty()) return why;
    if (source.format != target.format) return "source and target differ in format";
    for (int index = 0; index < info->planes; ++index) {
        const Plane in = plane_of(source, index), out = plane_of(target, index);
        const uint32_t channels = channels_of(*info, index);
        for (uint32_t y = 0; y < in.height; ++y) {
            const uint8_t *from = in.data + in.stride * y;
            uint8_t *to = out.data + out.stride * y;
            for (uint32_t x = 0; x < in.width * channels; ++x) {
                uint32_t channel = x % channels;
                if (info->swapped && index == 1) channel = 1 - channel;
                to[x] = table[std::min(2u, (index == 0 ? 0 : 1) + channel)][from[x]];
            }
        }
    }
    return "";
}

}  // namespace softnpu::vpc
