// Flips, turns and filters with small kernels: what the newer picture engines do besides scaling.
//
// Source and target are of one format and, but for quarter turns, of one size; their geometry was
// checked by the caller.
#pragma once

#include <cstdint>

#include "softnpu/core/export.hpp"
#include "softnpu/vpc/vpc.hpp"

namespace softnpu::vpc {

/// What lies beyond the edge: a constant per component, or another rule.
struct Edge {
    Border border = Border::replicate;
    uint8_t constant[3] = {0, 0, 0};
};

/// A kernel of odd sizes up to 5x5, centred.
struct Kernel {
    int width = 1;
    int height = 1;
    double weights[5][5] = {};
    double delta = 0;  // added to every sum
};

/// Which samples around one a minimum or maximum is taken of.
struct Shape {
    int width = 1;
    int height = 1;
    bool takes[5][5] = {};
};

SOFTNPU_API void flip(const Picture &source, const Picture &target, bool across, bool down);
/// Clockwise, by `quarters` of 90 degrees, 1 to 3.
SOFTNPU_API void rotate(const Picture &source, const Picture &target, int quarters);
SOFTNPU_API void convolve(const Picture &source, const Picture &target, const Kernel &kernel,
                          const Edge &edge);
SOFTNPU_API void morph(const Picture &source, const Picture &target, const Shape &shape,
                       bool dilates, uint32_t iterations, const Edge &edge);
/// `size` is 3 or 5; the edge is repeated.
SOFTNPU_API void median(const Picture &source, const Picture &target, int size);

/// A Gaussian of odd sizes up to 5; without a sigma over 0 the binomial one of that size.
SOFTNPU_API Kernel gaussian(int width, int height, double sigma_x, double sigma_y);

}  // namespace softnpu::vpc
