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
    size_t stride, bytes;
    uint32_t height, top, inner;
};

uint8_t component_value(const Margins &margins, uint8_t component) {
    return static_cast<uint8_t>(std::clamp(std::lround(margins.value[component]), 0L, 255L));
}

/// The margins left and right of a row whose middle is there.
void fill_sides(uint8_t *row, const Lane &lane, Border type) {
    row += lane.offset;
    const uint8_t *middle = row + size_t{lane.left} * lane.step;
    const auto fill = [&](uint32_t begin, uint32_t end) {
        for (uint32_t x = begin; x < end; ++x) {
            const int64_t at = reflect(int64_t{x} - lane.left, lane.inner, type);
            const uint8_t *value =
                at < 0 ? lane.constant : middle + static_cast<size_t>(at) * lane.step;
            std::memcpy(row + size_t{x} * lane.step, value, lane.bytes);
        }
    };
    fill(0, lane.left);
    fill(lane.left + lane.inner, lane.width);
}

void fill_constant(uint8_t *row, const Lane &lane) {
    row += lane.offset;
    if (lane.step == 1) {
        std::memset(row, lane.constant[0], lane.width);
        return;
    }
    for (uint32_t x = 0; x < lane.width; ++x) {
        std::memcpy(row + size_t{x} * lane.step, lane.constant, lane.bytes);
    }
}

/// First the rows that have a middle, then the others: all constant, or copies of finished rows.
void fill_rows(const Rows &rows, const std::vector<Lane> &lanes, Border type) {
    for (uint32_t y = rows.top; y < rows.top + rows.inner; ++y) {
        for (const Lane &lane : lanes) fill_sides(rows.data + rows.stride * y, lane, type);
    }
    std::vector<uint8_t> blank;
    for (uint32_t y = 0; y < rows.height; ++y) {
        if (y == rows.top) y += rows.inner;
        if (y >= rows.height) break;
        const int64_t at = reflect(int64_t{y} - rows.top, rows.inner, type);
        const size_t twin = at < 0 ? 0 : static_cast<size_t>(at) + rows.top;
        if (at < 0 && blank.empty()) {
            blank.resize(rows.bytes);
            for (const Lane &lane : lanes) fill_constant(blank.data(), lane);
        }
        const uint8_t *from = at < 0 ? blank.data() : rows.data + rows.stride * twin;
        std::memcpy(rows.data + rows.stride * y, from, rows.bytes);
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
        const size_t bytes = size_t{plane.width} * (index == 0 ? info.luma_bytes : 2);
        const Rows rows{plane.data,
                        plane.stride,
                        bytes,
                        plane.height,
                        margins.top >> down,
                        shifted(target.height - margins.top - margins.bottom, down)};
        fill_rows(rows, lanes_of(target, margins, index), margins.type);
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
