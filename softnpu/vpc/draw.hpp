// What is drawn onto pictures: areas, lines, mosaics, other pictures.
//
// Everything is clipped to the picture. Chroma that is subsampled belongs to the first of the
// pixels that share it: it is drawn where that one is.
#pragma once

#include <cstdint>
#include <vector>

#include "softnpu/core/export.hpp"
#include "softnpu/vpc/vpc.hpp"

namespace softnpu::vpc {

/// Y, U, V or R, G, B, as the picture has them.
struct Colour {
    uint8_t of[3] = {0, 0, 0};
};

/// Columns [left, right) and rows [top, bottom), anywhere.
struct Area {
    int64_t left = 0, top = 0, right = 0, bottom = 0;
};

struct Point {
    int32_t x = 0, y = 0;
};

/// Coordinates of points that the formulas below are exact for.
constexpr int32_t kFarthest = 1 << 16;

/// The colour that a picture of `format` shows 0xRRGGBB with, by a matrix as for convert_color.
SOFTNPU_API Colour colour_in(PixelFormat format, uint32_t rgb, int matrix);

SOFTNPU_API void copy_pixels(const Picture &source, const Picture &target);
SOFTNPU_API void fill_area(const Picture &target, const Area &area, const Colour &colour);
/// All pixels inside and on the edge of a polygon of four corners; where its sides cross, inside is
/// what an odd number of sides shields.
SOFTNPU_API void fill_quad(const Picture &target, const Point (&corners)[4], const Colour &colour);
/// All pixels at most half of `thick` away from the line.
SOFTNPU_API void draw_line(const Picture &target, Point from, Point to, uint32_t thick,
                           const Colour &colour);
/// Squares of `side` pixels, beginning at the area's corner, each of the mean of what it covers.
SOFTNPU_API void draw_mosaic(const Picture &target, const Area &area, uint32_t side);

/// A picture to lay over another: four bytes per pixel, A R G B.
struct Overlay {
    uint32_t width = 0, height = 0;
    std::vector<uint8_t> pixels;
};
/// target = (alpha * overlay + (255 - alpha) * target) / 255, rounded.
SOFTNPU_API void lay_over(const Picture &target, int64_t left, int64_t top, const Overlay &overlay,
                          int matrix);

}  // namespace softnpu::vpc
