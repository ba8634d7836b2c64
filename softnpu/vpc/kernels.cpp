#include "softnpu/vpc/kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "softnpu/dvpp/parallel.hpp"
#include "softnpu/vpc/components.hpp"
#include "softnpu/vpc/edge.hpp"
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
        for (uint32_t x = 0; x < padded.width; ++x) {
            const int64_t column = reflect(int64_t{x} - kReach, plane.width, border);
            if (column >= 0) to[x] = from[column];
        }
    }
    return padded;
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

__attribute__((optimize("O3"))) void add_scaled(const uint8_t *from, float weight, float *sums,
                                                size_t count) {
    for (size_t x = 0; x < count; ++x) sums[x] += weight * from[x];
}

__attribute__((optimize("O3"))) void take_extreme(const uint8_t *from, bool largest, uint8_t *to,
                                                  size_t count) {
    if (largest) {
        for (size_t x = 0; x < count; ++x) to[x] = std::max(to[x], from[x]);
    } else {
        for (size_t x = 0; x < count; ++x) to[x] = std::min(to[x], from[x]);
    }
}

void convolve_plane(ComponentPlane &plane, const ComponentPlane &padded, const Kernel &kernel) {
    std::vector<float> sums(plane.width);
    for (uint32_t y = 0; y < plane.height; ++y) {
        std::fill(sums.begin(), sums.end(), static_cast<float>(kernel.delta));
        for (int j = 0; j < kernel.height; ++j) {
            for (int i = 0; i < kernel.width; ++i) {
                const auto weight = static_cast<float>(kernel.weights[j][i]);
                if (weight == 0) continue;
                add_scaled(seen(padded, y, i, j, kernel.width, kernel.height), weight, sums.data(),
                           plane.width);
            }
        }
        uint8_t *row = plane.row(y);
        for (uint32_t x = 0; x < plane.width; ++x) {
            // Written so that what is no number becomes 0.
            const float sum = sums[x] > 0 ? std::min(sums[x], 255.0f) : 0.0f;
            row[x] = static_cast<uint8_t>(std::nearbyint(sum));
        }
    }
}

void morph_plane(ComponentPlane &plane, const ComponentPlane &padded, const Shape &shape,
                 bool dilates) {
    for (uint32_t y = 0; y < plane.height; ++y) {
        uint8_t *row = plane.row(y);
        std::fill(row, row + plane.width, dilates ? 0 : 255);
        for (int j = 0; j < shape.height; ++j) {
            for (int i = 0; i < shape.width; ++i) {
                if (!shape.takes[j][i]) continue;
                take_extreme(seen(padded, y, i, j, shape.width, shape.height), dilates, row,
                             plane.width);
            }
        }
    }
}

void median_plane(ComponentPlane &plane, const ComponentPlane &padded, int size) {
    uint8_t window[25];
    const auto middle = window + size * size / 2;
    for (uint32_t y = 0; y < plane.height; ++y) {
        uint8_t *row = plane.row(y);
        for (uint32_t x = 0; x < plane.width; ++x) {
            uint8_t *next = window;
            for (int j = 0; j < size; ++j) {
                const uint8_t *from = seen(padded, y, 0, j, size, size) + x;
                next = std::copy(from, from + size, next);
            }
            std::nth_element(window, middle, window + size * size);
            row[x] = *middle;
        }
    }
}

ComponentPlane turned(const ComponentPlane &plane, int quarters) {
    const uint32_t width = plane.width, height = plane.height;
    const bool swaps = quarters % 2 == 1;
    ComponentPlane made{swaps ? height : width, swaps ? width : height, {}};
    made.samples.resize(plane.samples.size());
    for (uint32_t y = 0; y < height; ++y) {
        const uint8_t *from = plane.row(y);
        for (uint32_t x = 0; x < width; ++x) {
            if (quarters == 1) {
                made.row(x)[height - 1 - y] = from[x];
            } else if (quarters == 2) {
                made.row(height - 1 - y)[width - 1 - x] = from[x];
            } else {
                made.row(width - 1 - x)[y] = from[x];
            }
        }
    }
    return made;
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
    const bool shared =
        source.data < target.data + target.size && target.data < source.data + source.size;
    if (!shared && !is_packed_422(source.format)) {
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
    std::vector<ComponentPlane> planes = load_components(source, true);
    for (ComponentPlane &plane : planes) plane = turned(plane, quarters);
    store_components(planes, target);
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
