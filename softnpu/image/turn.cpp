// The eight orientations of EXIF.
#include <algorithm>
#include <vector>

#include "softnpu/image/jpeg.hpp"

namespace softnpu::image {
namespace {

struct Pair {
    uint8_t first, second;
};

/// Pixels or pairs in rows, `pitch` elements apart.
template <class Element>
struct Grid {
    Element *data;
    size_t pitch;
    uint32_t width, height;
};

/// Repeats the last column and row of what was written into what sizes rounded up add.
template <class Element>
void extend(const Grid<Element> &target, uint32_t width, uint32_t height) {
    for (uint32_t y = 0; y < height; ++y) {
        Element *row = target.data + target.pitch * y;
        for (uint32_t x = width; x < target.width; ++x) row[x] = row[width - 1];
    }
    const Element *last = target.data + target.pitch * (height - 1);
    for (uint32_t y = height; y < target.height; ++y) {
        std::copy_n(last, target.width, target.data + target.pitch * y);
    }
}

/// Target pixel (x, y) comes from source pixel (y, x) where `swap`, else (x, y), counted from the
/// far end of an axis where it is flipped. In tiles: columns of a source would miss the cache.
template <class Element>
void turn_plane(const Grid<Element> &source, int orientation, const Grid<Element> &target) {
    constexpr uint32_t kTile = 32;
    const bool swap = orientation >= 5;
    const bool flip_x =
        orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool flip_y =
        orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const auto pitch = static_cast<ptrdiff_t>(source.pitch);
    const ptrdiff_t along = flip_x ? -1 : 1, down = flip_y ? -pitch : pitch;
    const Element *origin = source.data + (flip_x ? source.width - 1 : 0) +
                            (flip_y ? source.pitch * (source.height - 1) : 0);
    const ptrdiff_t step_x = swap ? down : along, step_y = swap ? along : down;
    const uint32_t width = std::min(target.width, swap ? source.height : source.width);
    const uint32_t height = std::min(target.height, swap ? source.width : source.height);
    for (uint32_t top = 0; top < height; top += kTile) {
        for (uint32_t left = 0; left < width; left += kTile) {
            const uint32_t bottom = std::min(top + kTile, height);
            const uint32_t right = std::min(left + kTile, width);
            for (uint32_t y = top; y < bottom; ++y) {
                const Element *in = origin + step_y * static_cast<ptrdiff_t>(y);
                Element *out = target.data + target.pitch * y;
                for (uint32_t x = left; x < right; ++x) {
                    out[x] = in[step_x * static_cast<ptrdiff_t>(x)];
                }
            }
        }
    }
    extend(target, width, height);
}

Grid<uint8_t> luma_of(const Picture &picture) {
    return {picture.data, picture.stride_w, picture.width, picture.height};
}

Grid<Pair> chroma_of(const Picture &picture) {
    const Plane plane = plane_of(picture, 1);
    return {reinterpret_cast<Pair *>(plane.data), plane.stride / 2, plane.width, plane.height};
}

/// One axis of a change of sampling: how many source samples make one, or are made of one.
struct Axis {
    int steps;  // 1: halves, 0: keeps, -1: doubles

    uint32_t low(uint32_t at, uint32_t size) const {
        return std::min(steps > 0 ? 2 * at : steps < 0 ? at / 2 : at, size - 1);
    }
    uint32_t high(uint32_t at, uint32_t size) const {
        return steps > 0 ? std::min(2 * at + 1, size - 1) : low(at, size);
    }
};

/// Averages where the target has fewer samples, repeats where it has more.
void resample(const Grid<Pair> &source, Axis across, Axis down, const Grid<Pair> &target) {
    const auto mean = [](int a, int b, int c, int d) {
        return static_cast<uint8_t>((a + b + c + d + 2) >> 2);
    };
    for (uint32_t y = 0; y < target.height; ++y) {
        const Pair *upper = source.data + source.pitch * down.low(y, source.height);
        const Pair *lower = source.data + source.pitch * down.high(y, source.height);
        Pair *out = target.data + target.pitch * y;
        for (uint32_t x = 0; x < target.width; ++x) {
            const uint32_t left = across.low(x, source.width), right = across.high(x, source.width);
            const Pair a = upper[left], b = upper[right], c = lower[left], d = lower[right];
            out[x] = {mean(a.first, b.first, c.first, d.first),
                      mean(a.second, b.second, c.second, d.second)};
        }
    }
}

}  // namespace

void turn(const Picture &source, int orientation, const Picture &target) {
    turn_plane(luma_of(source), orientation, luma_of(target));
    const FormatInfo &from = *format_info(source.format), &to = *format_info(target.format);
    if (from.planes != 2 || to.planes != 2) return;
    const bool swap = orientation >= 5;
    const Axis across{to.chroma_w - (swap ? from.chroma_h : from.chroma_w)};
    const Axis down{to.chroma_h - (swap ? from.chroma_w : from.chroma_h)};
    const Grid<Pair> given = chroma_of(source);
    if (across.steps == 0 && down.steps == 0) {
        turn_plane(given, orientation, chroma_of(target));
        return;
    }
    const uint32_t width = swap ? given.height : given.width;
    const uint32_t height = swap ? given.width : given.height;
    std::vector<Pair> memory(size_t{width} * height);
    const Grid<Pair> turned{memory.data(), width, width, height};
    turn_plane(given, orientation, turned);
    resample(turned, across, down, chroma_of(target));
}

}  // namespace softnpu::image
