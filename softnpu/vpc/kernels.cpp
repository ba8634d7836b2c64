#include "softnpu/vpc/kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "softnpu/dvpp/parallel.hpp"
#include "softnpu/vpc/components.hpp"
#include "softnpu/vpc/edge.hpp"
#include "softnpu/vpc/median.hpp"
#include "softnpu/vpc/vectorised.hpp"

namespace softnpu::vpc {
namespace {

constexpr uint32_t kReach = 2;  // samples on each side that a kernel may see

/// A plane with kReach samples more on every side.
ComponentPlane pad(const ComponentPlane &plane, Border border, uint8_t constant) {
    ComponentPlane padded{plane.width + 2 * kReach, plane.height + 2 * kReach, {}};
    padded.samples.assign(size_t{padded.width} * padded.height, constant);
    for (uint32_t y = 0; y < padded.height; ++y) {
        const int64_t at = reflect(int64_t{y} - kReach, plane.height, border);
        if (at < 0) continue;
        const uint8_t *from = plane.row(static_cast<uint32_t>(at));
        uint8_t *to = padded.row(y);
        std::copy_n(from, plane.width, to + kReach);
        for (uint32_t x = 0; x < kReach; ++x) {
            const int64_t left = reflect(int64_t{x} - kReach, plane.width, border);
            const int64_t right = reflect(int64_t{plane.width} + x, plane.width, border);
            if (left >= 0) to[x] = from[left];
            if (right >= 0) to[kReach + plane.width + x] = from[right];
        }
    }
    return padded;
}

/// body(first, end) for bands of rows of a plane, on the device's threads.
template <class Body>
void for_bands(uint32_t height, Body body) {
    constexpr uint32_t kRowsAtOnce = 32;
    parallel_for((height + kRowsAtOnce - 1) / kRowsAtOnce, [&](size_t part) {
        const auto first = static_cast<uint32_t>(part) * kRowsAtOnce;
        body(first, std::min(first + kRowsAtOnce, height));
    });
}

template <class Body>
void for_rows(uint32_t height, Body body) {
    for_bands(height, [&](uint32_t first, uint32_t end) {
        for (uint32_t y = first; y < end; ++y) body(y);
    });
}

/// The padded samples that the kernel's element (i, j) meets, for row `y`.
const uint8_t *seen(const ComponentPlane &padded, uint32_t y, int i, int j, int width, int height) {
    const auto row = static_cast<uint32_t>(static_cast<int>(y + kReach) + j - height / 2);
    return padded.row(row) + kReach + i - width / 2;
}

/// `body(plane, padded)` for every component; the planes are written back to `target`.
template <class Body>
void for_components(const Picture &source, const Picture &target, const Edge &edge, Body body) {
    std::vector<ComponentPlane> planes = load_components(source);
    for (size_t c = 0; c < planes.size(); ++c) {
        const ComponentPlane padded = pad(planes[c], edge.border, edge.constant[c]);
        body(planes[c], padded);
    }
    store_components(planes, target);
}

SOFTNPU_VECTORISED void to_floats(const uint8_t *from, float *to, size_t count) {
    for (size_t x = 0; x < count; ++x) to[x] = from[x];
}

/// A row of a kernel: `taps` neighbours of every sample.
SOFTNPU_VECTORISED void add_taps(const float *from, const float *weights, int taps,
                                 float *__restrict sums, size_t count) {
    const float a = weights[0], b = weights[1], c = weights[2], d = weights[3], e = weights[4];
    if (taps == 1) {
        for (size_t x = 0; x < count; ++x) sums[x] += a * from[x];
    } else if (taps == 3) {
        for (size_t x = 0; x < count; ++x) {
            sums[x] = sums[x] + a * from[x] + b * from[x + 1] + c * from[x + 2];
        }
    } else {
        for (size_t x = 0; x < count; ++x) {
            sums[x] = sums[x] + a * from[x] + b * from[x + 1] + c * from[x + 2] + d * from[x + 3] +
                      e * from[x + 4];
        }
    }
}

/// To the nearest byte, halves to the even one; what is no number becomes 0.
SOFTNPU_VECTORISED void round_row(const float *sums, uint8_t *to, size_t count) {
    constexpr float kWhole = 12582912.0f;  // added to a small number it leaves no fraction
    for (size_t x = 0; x < count; ++x) {
        float sum = sums[x] > 0 ? sums[x] : 0.0f;
        sum = sum < 255.0f ? sum : 255.0f;
        to[x] = static_cast<uint8_t>(static_cast<int>((sum + kWhole) - kWhole));
    }
}

SOFTNPU_VECTORISED void take_extreme(const uint8_t *from, bool largest, uint8_t *to, size_t count) {
    if (largest) {
        for (size_t x = 0; x < count; ++x) to[x] = std::max(to[x], from[x]);
    } else {
        for (size_t x = 0; x < count; ++x) to[x] = std::min(to[x], from[x]);
    }
}

void convolve_plane(ComponentPlane &plane, const ComponentPlane &padded, const Kernel &kernel) {
    float weights[5][5];
    for (int j = 0; j < 5; ++j) {
        for (int i = 0; i < 5; ++i) weights[j][i] = static_cast<float>(kernel.weights[j][i]);
    }
    for_bands(plane.height, [&](uint32_t first, uint32_t end) {
        // The padded rows that the band sees, once as numbers.
        const size_t width = padded.width;
        std::vector<float> rows((end - first + 2 * kReach) * width), sums(plane.width);
        to_floats(padded.row(first), rows.data(), rows.size());
        for (uint32_t y = first; y < end; ++y) {
            std::fill(sums.begin(), sums.end(), static_cast<float>(kernel.delta));
            for (int j = 0; j < kernel.height; ++j) {
                const uint8_t *from = seen(padded, y, 0, j, kernel.width, kernel.height);
                add_taps(rows.data() + (from - padded.row(first)), weights[j], kernel.width,
                         sums.data(), plane.width);
            }
            round_row(sums.data(), plane.row(y), plane.width);
        }
    });
}

void morph_plane(ComponentPlane &plane, const ComponentPlane &padded, const Shape &shape,
                 bool dilates) {
    for_rows(plane.height, [&](uint32_t y) {
        uint8_t *row = plane.row(y);
        std::fill(row, row + plane.width, dilates ? 0 : 255);
        for (int j = 0; j < shape.height; ++j) {
            for (int i = 0; i < shape.width; ++i) {
                if (!shape.takes[j][i]) continue;
                take_extreme(seen(padded, y, i, j, shape.width, shape.height), dilates, row,
                             plane.width);
            }
        }
    });
}

void median_plane(ComponentPlane &plane, const ComponentPlane &padded, int size) {
    for_rows(plane.height, [&](uint32_t y) {
        const uint8_t *rows[5];
        for (int j = 0; j < size; ++j) rows[j] = seen(padded, y, 0, j, size, size);
        median_row(rows, size, plane.row(y), plane.width);
    });
}

bool share_memory(const Picture &a, const Picture &b) {
    return a.data < b.data + b.size && b.data < a.data + a.size;
}

/// Samples of `size` bytes in the other order.
SOFTNPU_VECTORISED void reverse_row(const uint8_t *from, uint8_t *__restrict to, size_t size,
                                    size_t count) {
    if (size == 1) {
        for (size_t x = 0; x < count; ++x) to[x] = from[count - 1 - x];
    } else if (size == 2) {
        for (size_t x = 0; x < count; ++x) std::memcpy(to + 2 * x, from + 2 * (count - 1 - x), 2);
    } else if (size == 3) {
        for (size_t x = 0; x < count; ++x) {
            const uint8_t *at = from + 3 * (count - 1 - x);
            to[3 * x] = at[0];
            to[3 * x + 1] = at[1];
            to[3 * x + 2] = at[2];
        }
    } else {
        for (size_t x = 0; x < count; ++x) std::memcpy(to + 4 * x, from + 4 * (count - 1 - x), 4);
    }
}

void flip_planes(const Picture &source, const Picture &target, bool across, bool down) {
    constexpr uint32_t kRowsAtOnce = 64;
    const FormatInfo &info = *format_info(source.format);
    for (int index = 0; index < info.planes; ++index) {
        const Plane from = plane_of(source, index), to = plane_of(target, index);
        const size_t size = index == 0 || info.planes == 3 ? info.luma_bytes : 2;
        parallel_for((from.height + kRowsAtOnce - 1) / kRowsAtOnce, [&](size_t part) {
            const auto first = static_cast<uint32_t>(part) * kRowsAtOnce;
            const uint32_t end = std::min(first + kRowsAtOnce, from.height);
            for (uint32_t y = first; y < end; ++y) {
                const uint8_t *row = from.data + from.stride * (down ? from.height - 1 - y : y);
                if (across) {
                    reverse_row(row, to.data + to.stride * y, size, from.width);
                } else {
                    std::memcpy(to.data + to.stride * y, row, from.width * size);
                }
            }
        });
    }
}

/// Samples of a plane turned clockwise, in squares that stay in the cache.
template <size_t size>
void turn_plane(const Plane &from, const Plane &to, int quarters) {
    constexpr uint32_t kSide = 32;
    parallel_for((from.height + kSide - 1) / kSide, [&](size_t part) {
        const auto top = static_cast<uint32_t>(part) * kSide;
        const uint32_t bottom = std::min(top + kSide, from.height);
        for (uint32_t left = 0; left < from.width; left += kSide) {
            const uint32_t right = std::min(left + kSide, from.width);
            for (uint32_t x = left; x < right; ++x) {
                // A column becomes a row, upwards or downwards.
                uint8_t *row = to.data + to.stride * (quarters == 1 ? x : from.width - 1 - x);
                for (uint32_t y = top; y < bottom; ++y) {
                    const uint32_t column = quarters == 1 ? from.height - 1 - y : y;
                    std::memcpy(row + size * column, from.data + from.stride * y + size * x, size);
                }
            }
        }
    });
}

void gaussian_axis(int size, double sigma, double *weights) {
    if (sigma <= 0) {  // the binomial one, as in OpenCV
        static constexpr double kBinomial[3][5] = {
            {1}, {0.25, 0.5, 0.25}, {0.0625, 0.25, 0.375, 0.25, 0.0625}};
        std::copy_n(kBinomial[size / 2], size, weights);
        return;
    }
    double sum = 0;
    for (int i = 0; i < size; ++i) {
        const double x = i - (size - 1) * 0.5;
        weights[i] = std::exp(-x * x / (2 * sigma * sigma));
        sum += weights[i];
    }
    for (int i = 0; i < size; ++i) weights[i] /= sum;
}

}  // namespace

void flip(const Picture &source, const Picture &target, bool across, bool down) {
    if (!share_memory(source, target) && !is_packed_422(source.format)) {
        flip_planes(source, target, across, down);
        return;
    }
    // By way of a copy: pixels that share bytes, and a picture flipped where it is.
    std::vector<ComponentPlane> planes = load_components(source, true);
    for (ComponentPlane &plane : planes) {
        for (uint32_t y = 0; across && y < plane.height; ++y) {
            std::reverse(plane.row(y), plane.row(y) + plane.width);
        }
        for (uint32_t y = 0; down && y < plane.height / 2; ++y) {
            std::swap_ranges(plane.row(y), plane.row(y) + plane.width,
                             plane.row(plane.height - 1 - y));
        }
    }
    store_components(planes, target);
}

void rotate(const Picture &source, const Picture &target, int quarters) {
    if (quarters == 2) {
        flip(source, target, true, true);
        return;
    }
    if (share_memory(source, target)) {
        std::vector<uint8_t> copy(source.data, source.data + source.size);
        Picture apart = source;
        apart.data = copy.data();
        rotate(apart, target, quarters);
        return;
    }
    const FormatInfo &info = *format_info(source.format);
    for (int index = 0; index < info.planes; ++index) {
        const Plane from = plane_of(source, index), to = plane_of(target, index);
        const int size = index == 0 || info.planes == 3 ? info.luma_bytes : 2;
        if (size == 1) {
            turn_plane<1>(from, to, quarters);
        } else if (size == 2) {
            turn_plane<2>(from, to, quarters);
        } else {
            turn_plane<3>(from, to, quarters);
        }
    }
}

void convolve(const Picture &source, const Picture &target, const Kernel &kernel,
              const Edge &edge) {
    for_components(source, target, edge, [&](ComponentPlane &plane, const ComponentPlane &padded) {
        convolve_plane(plane, padded, kernel);
    });
}

void morph(const Picture &source, const Picture &target, const Shape &shape, bool dilates,
           uint32_t iterations, const Edge &edge) {
    std::vector<ComponentPlane> planes = load_components(source);
    for (size_t c = 0; c < planes.size(); ++c) {
        for (uint32_t i = 0; i < iterations; ++i) {
            const ComponentPlane padded = pad(planes[c], edge.border, edge.constant[c]);
            morph_plane(planes[c], padded, shape, dilates);
        }
    }
    store_components(planes, target);
}

void median(const Picture &source, const Picture &target, int size) {
    for_components(source, target, {}, [&](ComponentPlane &plane, const ComponentPlane &padded) {
        median_plane(plane, padded, size);
    });
}

Kernel gaussian(int width, int height, double sigma_x, double sigma_y) {
    Kernel kernel{width, height, {}, 0};
    double across[5], down[5];
    gaussian_axis(width, sigma_x, across);
    gaussian_axis(height, sigma_y > 0 ? sigma_y : sigma_x, down);
    for (int j = 0; j < height; ++j) {
        for (int i = 0; i < width; ++i) kernel.weights[j][i] = across[i] * down[j];
    }
    return kernel;
}

}  // namespace softnpu::vpc
