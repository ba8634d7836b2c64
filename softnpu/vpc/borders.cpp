// Margins around pictures.
#include <cmath>
#include <cstring>
#include <vector>

#include "softnpu/vpc/edge.hpp"
#include "softnpu/vpc/vpc.hpp"

namespace softnpu::vpc {
namespace {

/// Samples at a steady distance in the rows of a plane: whole pixels, or one component of a packed
/// 4:2:2 picture.
struct Lane {
    uint32_t offset, step, bytes;  // of a sample in its row
    uint32_t width, left, inner;   // samples: of a row, of its left margin, of its middle
    uint8_t constant[4];
};

struct Rows {
    uint8_t *data;
    size_t stride;
    uint32_t height, top, inner;
};

uint8_t component_value(const Margins &margins, uint8_t component) {
    return static_cast<uint8_t>(std::clamp(std::lround(margins.value[component]), 0L, 255L));
}

void fill_row(uint8_t *row, const uint8_t *from, const Lane &lane, Border type) {
    row += lane.offset;
    if (from != nullptr) from += lane.offset;
    for (uint32_t x = 0; x < lane.width; ++x) {
        // The middle of a row that has one is there already.
        if (row == from && x == lane.left) x += lane.inner;
        if (x >= lane.width) break;
        const int64_t at = reflect(int64_t{x} - lane.left, lane.inner, type);
        const uint8_t *value = at < 0 || from == nullptr
                                   ? lane.constant
                                   : from + (static_cast<size_t>(at) + lane.left) * lane.step;
        std::memcpy(row + size_t{x} * lane.step, value, lane.bytes);
    }
}

void fill_rows(const Rows &rows, const Lane &lane, Border type) {
    for (uint32_t y = 0; y < rows.height; ++y) {
        const int64_t at = reflect(int64_t{y} - rows.top, rows.inner, type);
        uint8_t *row = rows.data + rows.stride * y;
        const uint8_t *from =
            at < 0 ? nullptr : rows.data + rows.stride * (static_cast<size_t>(at) + rows.top);
        fill_row(row, from, lane, type);
    }
}

uint32_t shifted(uint32_t value, int bits) {
    return (value + static_cast<uint32_t>(bits)) >> bits;
}

/// The lanes of a plane: one of whole pixels, or luma and the two chroma components of packed
/// 4:2:2.
std::vector<Lane> lanes_of(const Picture &target, const Margins &margins, int index) {
    const FormatInfo &info = *format_info(target.format);
    const Components components = components_of(target.format, index);
    const uint32_t inner = target.width - margins.left - margins.right;
    std::vector<Lane> lanes;
    if (is_packed_422(target.format)) {
        const uint32_t luma = components.of[0] == 0 ? 0 : 1;
        for (uint32_t byte : {luma, 1 - luma, 3 - luma}) {
            const int half = byte == luma ? 0 : 1;
            Lane lane{byte,
                      2u << half,
                      1,
                      target.width >> half,
                      margins.left >> half,
                      shifted(inner, half),
                      {}};
            lane.constant[0] = component_value(margins, components.of[byte]);
            lanes.push_back(lane);
        }
        return lanes;
    }
    const int across = index == 0 ? 0 : info.chroma_w;
    const uint32_t bytes = components.period;
    Lane lane{0,
              bytes,
              bytes,
              plane_of(target, index).width,
              margins.left >> across,
              shifted(inner, across),
              {}};
    for (uint32_t c = 0; c < bytes; ++c) {
        lane.constant[c] = component_value(margins, components.of[c]);
    }
    lanes.push_back(lane);
    return lanes;
}

std::string check_margins(const Picture &target, const Margins &margins) {
    const FormatInfo *info = format_info(target.format);
    if (info == nullptr || info->planes > 2) return "the pixel format has no borders here";
    if (uint64_t{margins.left} + margins.right >= target.width ||
        uint64_t{margins.top} + margins.bottom >= target.height) {
        return "the margins leave no room for the picture";
    }
    return "";
}

}  // namespace

std::string fill_margins(const Picture &target, const Margins &margins) {
    if (std::string why = check_margins(target, margins); !why.empty()) return why;
    const FormatInfo &info = *format_info(target.format);
    for (int index = 0; index < info.planes; ++index) {
        const Plane plane = plane_of(target, index);
        const int down = index == 0 ? 0 : info.chroma_h;
        const Rows rows{plane.data, plane.stride, plane.height, margins.top >> down,
                        shifted(target.height - margins.top - margins.bottom, down)};
        for (const Lane &lane : lanes_of(target, margins, index)) {
            fill_rows(rows, lane, margins.type);
        }
    }
    return "";
}

std::string make_border(const Picture &source, const Picture &target, const Margins &margins,
                        int matrix) {
    if (uint64_t{source.width} + margins.left + margins.right != target.width ||
        uint64_t{source.height} + margins.top + margins.bottom != target.height) {
        return "source and margins together do not give the target's size";
    }
    const Rect whole{0, 0, source.width, source.height};
    const Rect middle{margins.left, margins.top, source.width, source.height};
    std::string why = crop_resize_paste(source, whole, target, middle, Interpolation::card, matrix);
    return why.empty() ? fill_margins(target, margins) : why;
}

void convert_margin_colour(PixelFormat source, PixelFormat target, Margins &margins) {
    const FormatInfo *from = format_info(source), *to = format_info(target);
    if (from == nullptr || to == nullptr || from->is_yuv || !to->is_yuv) return;
    const double r = margins.value[0], g = margins.value[1], b = margins.value[2];
    margins.value[0] = 0.299 * r + 0.587 * g + 0.114 * b;
    margins.value[1] = 128 - 0.168736 * r - 0.331264 * g + 0.5 * b;
    margins.value[2] = 128 + 0.5 * r - 0.418688 * g - 0.081312 * b;
}

}  // namespace softnpu::vpc
