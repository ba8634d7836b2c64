// The picture engine on random pictures whose memory ends where the picture does: nothing beyond is
// written, and the sanitizer builds see that nothing beyond is read.
#include <algorithm>
#include <iterator>
#include <memory>
#include <random>
#include <vector>

#include "acl/ops/acl_dvpp.h"
#include "softnpu/vpc/kernels.hpp"
#include "softnpu/vpc/vpc.hpp"
#include "tests/cpp/check.hpp"

using namespace softnpu;
using namespace softnpu::vpc;

namespace {

constexpr size_t kGuard = 64;
constexpr uint8_t kMark = 0xA5;

std::mt19937 g_random(7);

uint32_t pick(uint32_t low, uint32_t high) {
    return low + static_cast<uint32_t>(g_random()) % (high - low + 1);
}

uint32_t even(uint32_t low, uint32_t high) {
    return 2 * pick(low / 2, high / 2);
}

PixelFormat any_format() {
    const uint32_t number = pick(0, 19);
    return static_cast<PixelFormat>(number < 18 ? number : 982 + number);  // 1000, 1001
}

/// A picture in heap memory of its own. Without sanitizers the guard tells what was overwritten.
class Owned {
  public:
    Owned(PixelFormat format, uint32_t width, uint32_t height) {
        picture.format = format;
        picture.width = width;
        picture.height = height;
        picture.stride_w = row_bytes(format, width, pick(0, 1) == 0 ? 2 : 16);
        picture.stride_h = (height + 1) / 2 * 2 + 2 * pick(0, 1);
        picture.size = picture_bytes(format, picture.stride_w, picture.stride_h);
#if defined(__SANITIZE_ADDRESS__)
        guard_ = 0;
#endif
        memory_ = std::make_unique<uint8_t[]>(picture.size + guard_);
        std::generate_n(memory_.get(), picture.size,
                        [] { return static_cast<uint8_t>(g_random()); });
        std::fill_n(memory_.get() + picture.size, guard_, kMark);
        picture.data = memory_.get();
    }

    void check() const {
        const uint8_t *end = memory_.get() + picture.size;
        CHECK(std::all_of(end, end + guard_, [](uint8_t byte) { return byte == kMark; }));
    }

    Picture picture;

  private:
    size_t guard_ = kGuard;
    std::unique_ptr<uint8_t[]> memory_;
};

Rect any_area(const Picture &picture) {
    const uint32_t width = even(10, picture.width), height = even(6, picture.height);
    return {even(0, picture.width - width), even(0, picture.height - height), width, height};
}

constexpr int kTimes = 400;

}  // namespace

TEST("cutting, scaling, converting and pasting stay inside both pictures") {
    for (int i = 0; i < kTimes; ++i) {
        const Owned source(any_format(), even(10, 90), even(6, 60));
        const Owned target(any_format(), even(10, 120), even(6, 100));
        // What needs no library of others: the card's way for YUV, the named ones for planes.
        const PixelFormat format = source.picture.format;
        const bool yuv = format_info(format)->is_yuv;
        const auto how =
            static_cast<Interpolation>(pick(yuv ? 0 : 1, is_packed_422(format) ? 0 : 4));
        EQUAL(crop_resize_paste(source.picture, any_area(source.picture), target.picture,
                                any_area(target.picture), how, static_cast<int>(pick(0, 5))),
              "");
        source.check();
        target.check();
    }
}

TEST("conversions stay inside both pictures") {
    for (int i = 0; i < kTimes; ++i) {
        const uint32_t width = even(10, 90), height = even(6, 60);
        const Owned source(any_format(), width, height), target(any_format(), width, height);
        EQUAL(convert_color(source.picture, target.picture, static_cast<int>(pick(0, 5))), "");
        target.check();
    }
}

TEST("borders stay inside the picture") {
    for (int i = 0; i < kTimes; ++i) {
        const Owned source(any_format(), even(10, 40), even(6, 30));
        Margins margins;
        margins.left = pick(0, 50);
        margins.right = pick(0, 25) * 2 + margins.left % 2;
        margins.top = pick(0, 40);
        margins.bottom = pick(0, 20) * 2 + margins.top % 2;
        margins.type = static_cast<Border>(pick(0, 3));
        for (double &value : margins.value) value = pick(0, 255);
        const Owned target(any_format(), source.picture.width + margins.left + margins.right,
                           source.picture.height + margins.top + margins.bottom);
        EQUAL(make_border(source.picture, target.picture, margins, 0), "");
        target.check();
    }
}

TEST("pyramids, histograms and tables stay inside both pictures") {
    for (int i = 0; i < kTimes; ++i) {
        const PixelFormat format = any_format();
        const uint32_t width = even(20, 90), height = even(12, 60);
        const Owned source(format, width, height), target(format, width, height);
        const Owned half(format, width / 4 * 2, height / 4 * 2);
        PyramidFilter filter;
        filter.border = static_cast<Border>(pick(0, 3));
        pyramid_down(source.picture, half.picture, filter);  // some formats and sizes are refused
        uint32_t bins[3][256], dims = 0;
        const bool counts = !has_alpha(format);
        EQUAL(histogram(source.picture, bins, dims).empty(), counts);
        uint8_t table[3][256] = {};
        EQUAL(apply_lut(source.picture, target.picture, table).empty(), counts);
        half.check();
        target.check();
    }
}

TEST("filters, flips and turns stay inside both pictures") {
    for (int i = 0; i < kTimes; ++i) {
        const PixelFormat format = any_format();
        if (has_alpha(format)) continue;
        const uint32_t width = even(10, 90), height = even(6, 60);
        const Owned source(format, width, height), target(format, width, height);
        const Picture &from = source.picture, &to = target.picture;
        const int across = static_cast<int>(2 * pick(0, 2) + 1);
        const int down = static_cast<int>(2 * pick(0, 2) + 1);
        Edge edge;
        edge.border = static_cast<Border>(pick(0, 1));
        Shape shape{across, down, {}};
        for (auto &row : shape.takes) std::generate(row, row + 5, [] { return pick(0, 1) == 0; });
        flip(from, to, pick(0, 1) == 0, pick(0, 1) == 0);
        convolve(from, to, gaussian(across, down, 1, 0.7), edge);
        morph(from, to, shape, pick(0, 1) == 0, 2, edge);
        median(from, to, pick(0, 1) == 0 ? 3 : 5);
        if (format_info(format)->chroma_w == format_info(format)->chroma_h) {
            rotate(from, to, 2);
            const Owned turned(format, height, width);
            rotate(from, turned.picture, pick(0, 1) == 0 ? 1 : 3);
            turned.check();
        }
        target.check();
    }
}

TEST_MAIN
