#include "softnpu/vpc/draw.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "softnpu/dvpp/parallel.hpp"
#include "softnpu/vpc/colour.hpp"
#include "softnpu/vpc/components.hpp"
#include "softnpu/vpc/vectorised.hpp"

namespace softnpu::vpc {
namespace {

SOFTNPU_VECTORISED void fill_steps(uint8_t *to, size_t step, uint8_t value, size_t count) {
    for (size_t i = 0; i < count; ++i) to[i * step] = value;
}

uint8_t byte_of(double value) {
    return static_cast<uint8_t>(std::clamp(std::lround(value), 0L, 255L));
}

/// The components of a picture, and how a row of pixels is drawn in them.
class Canvas {
  public:
    explicit Canvas(const Picture &picture) : width_(picture.width), height_(picture.height) {
        const FormatInfo &info = *format_info(picture.format);
        count_ = info.planes == 1 && info.luma_bytes == 1 ? 1 : 3;
        for (uint8_t c = 0; c < count_; ++c) {
            places_[c] = component_place(picture, c);
            across_[c] = c > 0 && info.is_yuv ? info.chroma_w : 0;
            down_[c] = c > 0 && info.is_yuv ? info.chroma_h : 0;
        }
    }

    int64_t width() const { return width_; }
    int64_t height() const { return height_; }
    uint8_t count() const { return count_; }

    /// The part of an area that the picture has.
    Area clip(const Area &area) const {
        return {std::max<int64_t>(area.left, 0), std::max<int64_t>(area.top, 0),
                std::min(area.right, width_), std::min(area.bottom, height_)};
    }

    /// The samples of component `c` in an area inside the picture.
    Area samples(uint8_t c, const Area &area) const {
        const int64_t x = (1 << across_[c]) - 1, y = (1 << down_[c]) - 1;
        return {(area.left + x) >> across_[c], (area.top + y) >> down_[c],
                (area.right + x) >> across_[c], (area.bottom + y) >> down_[c]};
    }

    uint8_t *at(uint8_t c, int64_t x, int64_t y) const {
        const ComponentPlace &place = places_[c];
        return place.data + place.stride * static_cast<size_t>(y) +
               place.step * static_cast<size_t>(x);
    }
    size_t step(uint8_t c) const { return places_[c].step; }
    int across(uint8_t c) const { return across_[c]; }
    int down(uint8_t c) const { return down_[c]; }

    /// Columns [left, right) of a row, clipped.
    void fill(int64_t y, int64_t left, int64_t right, const Colour &colour) const {
        const Area row = clip({left, y, right, y + 1});
        if (row.left >= row.right || row.top >= row.bottom) return;
        for (uint8_t c = 0; c < count_; ++c) {
            const Area part = samples(c, row);
            if (part.left >= part.right || part.top >= part.bottom) continue;
            fill_steps(at(c, part.left, part.top), step(c), colour.of[c],
                       static_cast<size_t>(part.right - part.left));
        }
    }

  private:
    ComponentPlace places_[3];
    int across_[3] = {}, down_[3] = {};
    uint8_t count_;
    int64_t width_, height_;
};

/// Where a row crosses a side, and whether all of the side lies in the row.
struct Crossing {
    bool meets = false;
    double left = 0, right = 0;
};

Crossing cross(Point a, Point b, int64_t y) {
    if (a.y > b.y) std::swap(a, b);
    if (y < a.y || y > b.y) return {};
    if (a.y == b.y) {
        return {true, static_cast<double>(std::min(a.x, b.x)),
                static_cast<double>(std::max(a.x, b.x))};
    }
    const double run = (double(b.x) - a.x) * static_cast<double>(y - a.y);
    const double x = a.x + run / (double(b.y) - a.y);
    return {true, x, x};
}

constexpr double kEdge = 1e-7;  // what a quotient may be off

void fill_between(const Canvas &canvas, int64_t y, double left, double right,
                  const Colour &colour) {
    canvas.fill(y, static_cast<int64_t>(std::ceil(left - kEdge)),
                static_cast<int64_t>(std::floor(right + kEdge)) + 1, colour);
}

/// How far a pixel is from a line of two points: at most `radius`?
struct Stroke {
    int64_t ax, ay, dx, dy, length2;
    double radius2, reach2;

    Stroke(Point a, Point b, uint32_t thick)
        : ax(a.x), ay(a.y), dx(int64_t{b.x} - a.x), dy(int64_t{b.y} - a.y) {
        length2 = dx * dx + dy * dy;
        radius2 = double(thick) * thick / 4;
        reach2 = radius2 * static_cast<double>(length2);
    }

    bool covers(int64_t x, int64_t y) const {
        const int64_t px = x - ax, py = y - ay;
        const int64_t along = px * dx + py * dy;
        if (along <= 0) return static_cast<double>(px * px + py * py) <= radius2;
        if (along >= length2) {
            const int64_t qx = px - dx, qy = py - dy;
            return static_cast<double>(qx * qx + qy * qy) <= radius2;
        }
        const auto off = static_cast<double>(px * dy - py * dx);
        return off * off <= reach2;
    }
};

/// The columns of a row that a stroke covers, which are never more than one run. `[left, right]`
/// is a first guess that lies around them.
void fill_covered(const Canvas &canvas, const Stroke &stroke, int64_t y, int64_t left,
                  int64_t right, const Colour &colour) {
    while (left <= right && !stroke.covers(left, y)) ++left;
    while (right > left && !stroke.covers(right, y)) --right;
    if (left <= right) canvas.fill(y, left, right + 1, colour);
}

/// The columns that a stroke can cover in a row: those of the line in the rows that its pen reaches
/// from there, and the pen's radius around them.
void guess(const Stroke &stroke, double radius, int64_t y, int64_t &left, int64_t &right) {
    const double ax = static_cast<double>(stroke.ax), ay = static_cast<double>(stroke.ay);
    const double dx = static_cast<double>(stroke.dx), dy = static_cast<double>(stroke.dy);
    double first = 0, last = 1;
    if (stroke.dy != 0) {
        const double above = (static_cast<double>(y) - radius - 1 - ay) / dy;
        const double below = (static_cast<double>(y) + radius + 1 - ay) / dy;
        first = std::clamp(std::min(above, below), 0.0, 1.0);
        last = std::clamp(std::max(above, below), 0.0, 1.0);
    }
    const double a = ax + dx * first, b = ax + dx * last;
    left = static_cast<int64_t>(std::floor(std::min(a, b) - radius)) - 1;
    right = static_cast<int64_t>(std::ceil(std::max(a, b) + radius)) + 1;
}

void fill_mean(const Canvas &canvas, uint8_t c, const Area &part) {
    const auto width = static_cast<size_t>(part.right - part.left);
    const size_t step = canvas.step(c);
    uint64_t sum = 0;
    for (int64_t y = part.top; y < part.bottom; ++y) {
        const uint8_t *row = canvas.at(c, part.left, y);
        for (size_t x = 0; x < width; ++x) sum += row[x * step];
    }
    const uint64_t count = width * static_cast<uint64_t>(part.bottom - part.top);
    const auto mean = static_cast<uint8_t>((sum + count / 2) / count);
    for (int64_t y = part.top; y < part.bottom; ++y) {
        fill_steps(canvas.at(c, part.left, y), step, mean, width);
    }
}

/// What a row of an overlay, every `step`th of whose pixels counts, is in one component.
SOFTNPU_VECTORISED void overlay_row(const uint8_t *pixels, size_t step, const float *weights,
                                    uint8_t *__restrict alpha, uint8_t *__restrict values,
                                    size_t count) {
    const float r = weights[0], g = weights[1], b = weights[2], bias = weights[3] + 0.5f;
    for (size_t i = 0; i < count; ++i) {
        const uint8_t *pixel = pixels + 4 * step * i;
        float value = r * static_cast<float>(pixel[1]) + g * static_cast<float>(pixel[2]) +
                      b * static_cast<float>(pixel[3]) + bias;
        value = value > 0.0f ? value : 0.0f;
        value = value < 255.0f ? value : 255.0f;
        alpha[i] = pixel[0];
        values[i] = static_cast<uint8_t>(static_cast<int>(value));
    }
}

uint8_t mixed(uint32_t alpha, uint32_t value, uint32_t below) {
    // Divided by 255 and rounded, for all products of two bytes.
    const uint32_t sum = alpha * value + (255 - alpha) * below + 128;
    return static_cast<uint8_t>((sum + (sum >> 8)) >> 8);
}

SOFTNPU_VECTORISED void blend_row(uint8_t *to, size_t step, const uint8_t *alpha,
                                  const uint8_t *values, size_t count) {
    if (step == 1) {
        for (size_t i = 0; i < count; ++i) to[i] = mixed(alpha[i], values[i], to[i]);
    } else {
        for (size_t i = 0; i < count; ++i) {
            to[i * step] = mixed(alpha[i], values[i], to[i * step]);
        }
    }
}

}  // namespace

Colour colour_in(PixelFormat format, uint32_t rgb, int matrix) {
    Colour colour{{static_cast<uint8_t>(rgb >> 16), static_cast<uint8_t>(rgb >> 8),
                   static_cast<uint8_t>(rgb)}};
    if (!format_info(format)->is_yuv) return colour;
    const ColourMatrix weights = colour_matrix(matrix);
    Colour yuv;
    for (int i = 0; i < 3; ++i) {
        const float *row = weights.to_yuv[i];
        yuv.of[i] = byte_of(static_cast<double>(row[0] * colour.of[0] + row[1] * colour.of[1] +
                                                row[2] * colour.of[2] + row[3]));
    }
    return yuv;
}

void copy_pixels(const Picture &source, const Picture &target) {
    const FormatInfo &info = *format_info(source.format);
    for (int index = 0; index < info.planes; ++index) {
        const Plane from = plane_of(source, index), to = plane_of(target, index);
        if (from.data == to.data && from.stride == to.stride) continue;
        const size_t sample = index == 0 || info.planes == 3 ? info.luma_bytes : 2;
        for (uint32_t y = 0; y < from.height; ++y) {
            std::memmove(to.data + to.stride * y, from.data + from.stride * y, from.width * sample);
        }
    }
}

void fill_area(const Picture &target, const Area &area, const Colour &colour) {
    const Canvas canvas(target);
    const Area part = canvas.clip(area);
    for (int64_t y = part.top; y < part.bottom; ++y) {
        canvas.fill(y, part.left, part.right, colour);
    }
}

void fill_quad(const Picture &target, const Point (&corners)[4], const Colour &colour) {
    const Canvas canvas(target);
    const auto [low, high] = std::minmax({corners[0].y, corners[1].y, corners[2].y, corners[3].y});
    const int64_t end = std::min<int64_t>(high, canvas.height() - 1);
    for (int64_t y = std::max(low, 0); y <= end; ++y) {
        double crossings[4];
        int count = 0;
        for (int i = 0; i < 4; ++i) {
            const Point a = corners[i], b = corners[(i + 1) % 4];
            const Crossing found = cross(a, b, y);
            if (!found.meets) continue;
            fill_between(canvas, y, found.left, found.right, colour);
            // Of the two sides that meet in a corner the one above counts.
            if (y < std::max(a.y, b.y) && a.y != b.y) crossings[count++] = found.left;
        }
        for (int i = 1; i < count; ++i) {
            for (int k = i; k > 0 && crossings[k - 1] > crossings[k]; --k) {
                std::swap(crossings[k - 1], crossings[k]);
            }
        }
        for (int i = 0; i + 1 < count; i += 2) {
            fill_between(canvas, y, crossings[i], crossings[i + 1], colour);
        }
    }
}

void draw_line(const Picture &target, Point from, Point to, uint32_t thick, const Colour &colour) {
    const Canvas canvas(target);
    const Stroke stroke(from, to, thick);
    const double radius = thick / 2.0;
    const auto reach = static_cast<int64_t>(thick / 2);
    const int64_t top = std::max<int64_t>(std::min(from.y, to.y) - reach, 0);
    const int64_t bottom = std::min(std::max(from.y, to.y) + reach, canvas.height() - 1);
    for (int64_t y = top; y <= bottom; ++y) {
        int64_t left, right;
        guess(stroke, radius, y, left, right);
        fill_covered(canvas, stroke, y, std::max<int64_t>(left, 0),
                     std::min(right, canvas.width() - 1), colour);
    }
}

void draw_mosaic(const Picture &target, const Area &area, uint32_t side) {
    const Canvas canvas(target);
    const Area inside = canvas.clip(area);
    if (inside.left >= inside.right || inside.top >= inside.bottom) return;
    const int64_t first = (inside.top - area.top) / side;
    const int64_t end = (inside.bottom - area.top + side - 1) / side;
    parallel_for(static_cast<size_t>(end - first), [&](size_t part) {
        const int64_t top = area.top + (first + static_cast<int64_t>(part)) * side;
        int64_t left = area.left + (inside.left - area.left) / side * side;
        for (; left < inside.right; left += side) {
            const Area block = {std::max(left, inside.left), std::max(top, inside.top),
                                std::min<int64_t>(left + side, inside.right),
                                std::min<int64_t>(top + side, inside.bottom)};
            for (uint8_t c = 0; c < canvas.count(); ++c) {
                const Area samples = canvas.samples(c, block);
                if (samples.left < samples.right && samples.top < samples.bottom) {
                    fill_mean(canvas, c, samples);
                }
            }
        }
    });
}

void lay_over(const Picture &target, int64_t left, int64_t top, const Overlay &overlay,
              int matrix) {
    const Canvas canvas(target);
    const Area inside = canvas.clip({left, top, left + overlay.width, top + overlay.height});
    if (inside.left >= inside.right || inside.top >= inside.bottom) return;
    const bool is_yuv = format_info(target.format)->is_yuv;
    const ColourMatrix known = colour_matrix(matrix);
    const float same[3][4] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}};
    constexpr int64_t kRowsAtOnce = 32;
    for (uint8_t c = 0; c < canvas.count(); ++c) {
        const Area part = canvas.samples(c, inside);
        if (part.left >= part.right || part.top >= part.bottom) continue;
        const float *weights = is_yuv ? known.to_yuv[c] : same[c];
        const auto count = static_cast<size_t>(part.right - part.left);
        const auto rows = static_cast<size_t>(part.bottom - part.top);
        parallel_for((rows + kRowsAtOnce - 1) / kRowsAtOnce, [&](size_t index) {
            std::vector<uint8_t> alpha(count), values(count);
            const int64_t first = part.top + static_cast<int64_t>(index) * kRowsAtOnce;
            for (int64_t y = first; y < std::min(first + kRowsAtOnce, part.bottom); ++y) {
                const int64_t row = (y << canvas.down(c)) - top;
                const int64_t column = (part.left << canvas.across(c)) - left;
                overlay_row(overlay.pixels.data() + (row * overlay.width + column) * 4,
                            size_t{1} << canvas.across(c), weights, alpha.data(), values.data(),
                            count);
                blend_row(canvas.at(c, part.left, y), canvas.step(c), alpha.data(), values.data(),
                          count);
            }
        });
    }
}

}  // namespace softnpu::vpc
