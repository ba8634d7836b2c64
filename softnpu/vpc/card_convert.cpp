#include "softnpu/vpc/card_convert.hpp"

#include <algorithm>

#include "acl/ops/acl_dvpp.h"

namespace softnpu::vpc {
namespace {

/// Where red, green and blue lie within a pixel.
struct Order {
    uint32_t step, red, green, blue;
};

Order order_of(PixelFormat format) {
    switch (format) {
        case PIXEL_FORMAT_RGB_888:
            return {3, 0, 1, 2};
        case PIXEL_FORMAT_BGR_888:
            return {3, 2, 1, 0};
        case PIXEL_FORMAT_ARGB_8888:
            return {4, 1, 2, 3};
        case PIXEL_FORMAT_ABGR_8888:
            return {4, 3, 2, 1};
        case PIXEL_FORMAT_RGBA_8888:
            return {4, 0, 1, 2};
        default:
            return {4, 2, 1, 0};  // BGRA_8888
    }
}

/// 10-bit chroma of one row, with two positions of context on either side.
struct ChromaRow {
    std::vector<int16_t> u, v;
};

void convert_row(const uint8_t *row, const Order &order, uint32_t count, uint8_t *luma, int16_t *u,
                 int16_t *v) {
    for (uint32_t x = 0; x < count; ++x) {
        const uint8_t *pixel = row + size_t{x} * order.step;
        const int r = pixel[order.red], g = pixel[order.green], b = pixel[order.blue];
        luma[x] = static_cast<uint8_t>((((38 * r + 75 * g + 15 * b + 16) >> 5) + 2) >> 2);
        u[x] = static_cast<int16_t>((-22 * r - 42 * g + 64 * b + 16) >> 5);
        v[x] = static_cast<int16_t>((64 * r - 54 * g - 10 * b + 16) >> 5);
    }
}

uint8_t filter(const int16_t *at) {
    const int sum = (13 * (at[-2] + at[2]) + 65 * (at[-1] + at[1]) + 100 * at[0] + 512) >> 10;
    return static_cast<uint8_t>(std::clamp(sum + 128, 0, 255));
}

}  // namespace

void to_yuv422(const Picture &source, const Rect &region, Yuv422 &result) {
    const Order order = order_of(source.format);
    const uint32_t width = region.width, pairs = (width + 1) / 2;
    const uint32_t left = std::min(region.left, 2u);  // real pixels of context
    result.width = width;
    result.height = region.height;
    result.luma.resize(size_t{width} * region.height);
    result.chroma.resize(size_t{pairs} * 2 * region.height);
    thread_local ChromaRow chroma;
    thread_local std::vector<uint8_t> luma;
    chroma.u.resize(width + 8);
    chroma.v.resize(width + 8);
    luma.resize(width + 8);
    for (uint32_t y = 0; y < region.height; ++y) {
        const uint8_t *row = source.data + size_t{region.top + y} * source.stride_w +
                             size_t{region.left - left} * order.step;
        int16_t *u = chroma.u.data() + 4, *v = chroma.v.data() + 4;  // of the region's first pixel
        convert_row(row, order, width + left, luma.data(), u - left, v - left);
        std::copy_n(luma.data() + left, width, result.luma.data() + size_t{y} * width);
        for (int16_t *at : {u, v}) {
            const int last = static_cast<int>(width) - 1;
            for (int i = static_cast<int>(left) + 1; i <= 2; ++i)
                at[-i] = at[std::min(i - 2 * static_cast<int>(left), last)];
            for (int i = 1; i <= 3; ++i) at[last + i] = at[std::max(0, last - i)];
        }
        uint8_t *out = result.chroma.data() + size_t{y} * pairs * 2;
        for (uint32_t x = 0; x < pairs; ++x) {
            out[2 * x] = filter(u + 2 * x);
            out[2 * x + 1] = filter(v + 2 * x);
        }
    }
}

}  // namespace softnpu::vpc
