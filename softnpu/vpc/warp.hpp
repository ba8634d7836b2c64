// Pictures moved point by point: every pixel of the target names a place in the source.
#pragma once

#include <cstdint>
#include <string>

#include "softnpu/core/export.hpp"
#include "softnpu/vpc/vpc.hpp"

namespace softnpu::vpc {

/// Rows x, y (and w) of what turns a place in the target into one in the source.
struct Homography {
    double rows[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
};

/// Where the places come from: a table of `width` x, then `width` y for every row, or a formula.
struct Places {
    const float *table = nullptr;
    Homography formula;
    uint32_t width = 0;
    uint32_t height = 0;
};

struct WarpRule {
    bool nearest = false;  // else bilinear
    bool repeats = false;  // the edge beyond the edge, else `constant`
    double constant[3] = {0, 0, 0};
    int matrix = 0;  // for source and target of different formats
};

/// The matrix with rows of (a, b, c) that moves `from[i]` to `to[i]`; false when the three points
/// lie on a line.
SOFTNPU_API bool affine_of(const float (*from)[2], const float (*to)[2], double matrix[2][3]);
/// The same of four points, three of which may not lie on a line.
SOFTNPU_API bool perspective_of(const float (*from)[2], const float (*to)[2], Homography &found);
/// As cv::getRotationMatrix2D: counterclockwise degrees.
SOFTNPU_API void rotation_of(float x, float y, double angle, double scale, double matrix[2][3]);
/// From target to source; false when there is no way back.
SOFTNPU_API bool invert_affine(const double matrix[2][3], Homography &found);

/// Writes the table of `places.formula`: see Places.
SOFTNPU_API void fill_table(const Places &places, float *table);
/// The same of two maps, one of x and one of y.
SOFTNPU_API void join_maps(const float *x, const float *y, uint32_t width, uint32_t height,
                           float *table);

/// Fills all of `target`, whose size the places have. Chroma that is subsampled is looked up at
/// the middle of the pixels that share it.
SOFTNPU_API std::string warp(const Picture &source, const Picture &target, const Places &places,
                             const WarpRule &rule);

}  // namespace softnpu::vpc
